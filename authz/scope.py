"""The text of a row scope → a condition on the rows of one entity.

Knows the catalog and the names of attributes; knows nothing of roles, rules or SQL. The language:

    scope       always | never | scope and scope | scope or scope | not (scope) | (scope)
                any RELATION (scope)        some row that the relation leads to
                current                     inside any: the dated row holds on the day
                COLUMN SIGN OPERAND         RELATION.COLUMN where the relation leads to one row
    SIGN        = != < <= > >= in has covers
    OPERAND     'text' ('text', 'text') 12 true false
                principal.ATTRIBUTE         after in: any of the principal's values
                as_of, as_of - 24 months    the day of the request

Every name is looked up in the catalog and every comparison is checked for its type, so that a
scope that parses is one that PostgreSQL can run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from authz.errors import ScopeInvalid
from authz.near import unknown
from authz.scope_types import SIGNS, misfit, untaken
from authz.scope_words import Sort, Word, words
from db.catalog import Cardinality
from db.predicate import (
    Always,
    AsOf,
    Attribute,
    Compare,
    Covers,
    Exists,
    Literal,
    Never,
    Ref,
    both,
    either,
    negate,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.catalog import Catalog, Relation, Table
    from db.predicate import Operand, Predicate

_DEEPEST: Final = 20
"""Parentheses within parentheses; PostgreSQL and Python both have an end to theirs."""


def parse_scope(catalog: Catalog, entity: str, text: str) -> Predicate:
    """The condition that `text` is on a row of the entity. Raises ScopeInvalid."""
    return _Reader(catalog, text).whole(catalog.entities[entity].table)


class _Reader:
    """Reads the words from left to right; `table` is the one whose row is at hand."""

    def __init__(self, catalog: Catalog, text: str) -> None:
        self._catalog = catalog
        self._words = words(text)
        self._at = 0
        self._depth = 0

    def whole(self, table: Table) -> Predicate:
        found = self._either(table, inside=False)
        if self._word.sort is not Sort.END:
            raise self._unexpected("'and', 'or' or the end")
        return found

    @property
    def _word(self) -> Word:
        return self._words[self._at]

    def _is(self, text: str) -> bool:
        return self._word.text == text and self._word.sort in (Sort.NAME, Sort.SIGN)

    def _take(self) -> Word:
        word = self._word
        self._at += 1
        return word

    def _skip(self, text: str) -> bool:
        if found := self._is(text):
            self._at += 1
        return found

    def _need(self, text: str) -> None:
        if not self._skip(text):
            raise self._unexpected(f"'{text}'")

    def _name(self, what: str) -> Word:
        if self._word.sort is not Sort.NAME:
            raise self._unexpected(what)
        return self._take()

    def _unexpected(self, wanted: str) -> ScopeInvalid:
        word = self._word
        found = "the end" if word.sort is Sort.END else f"'{word.text}'"
        return ScopeInvalid(f"expected {wanted}, found {found}", word.position)

    def _either(self, table: Table, *, inside: bool) -> Predicate:
        parts = [self._both(table, inside=inside)]
        while self._skip("or"):
            parts.append(self._both(table, inside=inside))
        return either(*parts)

    def _both(self, table: Table, *, inside: bool) -> Predicate:
        parts = [self._one(table, inside=inside)]
        while self._skip("and"):
            parts.append(self._one(table, inside=inside))
        return both(*parts)

    def _one(self, table: Table, *, inside: bool) -> Predicate:
        if self._is("("):
            return self._group(table, inside=inside)
        if self._skip("not"):
            return negate(self._group(table, inside=inside))
        if self._skip("always"):
            return Always()
        if self._skip("never"):
            return Never()
        if self._skip("any"):
            relation = self._relation(table)
            return Exists(relation, self._group(relation.target, inside=True))
        if self._is("current"):
            return self._covers(table, inside=inside)
        return self._comparison(table)

    def _group(self, table: Table, *, inside: bool) -> Predicate:
        opened = self._word
        self._need("(")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ScopeInvalid(f"more than {_DEEPEST} parentheses deep", opened.position)
        found = self._either(table, inside=inside)
        self._need(")")
        self._depth -= 1
        return found

    def _covers(self, table: Table, *, inside: bool) -> Predicate:
        word = self._take()
        if not inside:
            raise ScopeInvalid("'current' stands only inside 'any'", word.position)
        if not table.dated:
            raise ScopeInvalid(f"rows of {table.name} have no days", word.position)
        return Covers()

    def _relation(self, table: Table) -> Relation:
        word = self._name("the name of a relation")
        known = self._relations(table)
        if word.text not in known:
            raise ScopeInvalid(
                unknown(f"relation of {table.name}", word.text, known), word.position
            )
        return known[word.text]

    def _relations(self, table: Table) -> Mapping[str, Relation]:
        return self._catalog.relations.get(table.name, {})

    def _comparison(self, table: Table) -> Predicate:
        ref = self._ref(table)
        sign = self._word
        if sign.text not in SIGNS or not self._skip(sign.text):
            raise self._unexpected("one of " + " ".join(SIGNS))
        if problem := untaken(ref.column, sign.text):
            raise ScopeInvalid(problem, sign.position)
        begin = self._word
        operand = self._operand()
        if problem := misfit(ref.column, sign.text, operand):
            raise ScopeInvalid(problem, begin.position)
        return Compare(ref, SIGNS[sign.text], operand)

    def _ref(self, table: Table) -> Ref:
        word = self._name("a condition")
        if not self._skip("."):
            return self._column(table, None, word)
        to_one = {
            name: relation
            for name, relation in self._relations(table).items()
            if relation.cardinality is not Cardinality.MANY
        }
        if word.text not in to_one:
            problem = (
                f"{word.text} leads to many rows: any {word.text} (…)"
                if word.text in self._relations(table)
                else unknown(f"relation of {table.name}", word.text, to_one)
            )
            raise ScopeInvalid(problem, word.position)
        hop = to_one[word.text]
        return self._column(hop.target, hop, self._name("the name of a column"))

    def _column(self, table: Table, hop: Relation | None, word: Word) -> Ref:
        if word.text not in table.columns:
            problem = unknown(f"column of {table.name}", word.text, table.columns)
            raise ScopeInvalid(problem, word.position)
        return Ref(table.columns[word.text], hop)

    def _operand(self) -> Operand:
        if self._word.sort is Sort.TEXT:
            return Literal(self._take().text)
        if self._word.sort is Sort.NUMBER:
            return Literal(int(self._take().text))
        if self._is("("):
            return self._list()
        if self._is("true") or self._is("false"):
            return Literal(self._take().text == "true")
        if self._skip("principal"):
            self._need(".")
            return Attribute(self._name("the name of an attribute").text)
        if self._skip("as_of"):
            return self._as_of()
        raise self._unexpected("text in quotes, a number, true, false, principal or as_of")

    def _list(self) -> Literal:
        self._need("(")
        texts = [self._text()]
        while self._skip(","):
            texts.append(self._text())
        self._need(")")
        return Literal(tuple(texts))

    def _text(self) -> str:
        if self._word.sort is not Sort.TEXT:
            raise self._unexpected("text in quotes")
        return self._take().text

    def _as_of(self) -> AsOf:
        if not self._skip("-"):
            return AsOf()
        if self._word.sort is not Sort.NUMBER:
            raise self._unexpected("a number of months")
        months = int(self._take().text)
        self._need("months")
        return AsOf(months)
