"""The text of a row scope as a function of a row. Reads the text itself, and knows no SQL.

The language is the one that `authz.scope` documents; `not` is Kleene's here, and pushed nowhere.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias

from db.catalog import Cardinality, Kind
from db.catalog_records import CATALOG
from tests.oracle.truth import Truth, every, opposite, some
from tests.oracle.values import hopped, in_population, one_row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from db.catalog import Column, Relation, Table
    from tests.oracle.records import Record, Records, Value

    Condition: TypeAlias = Callable[[Record], Truth]

_WORD = re.compile(r"\s*('(?:[^']|'')*'|[A-Za-z_][A-Za-z0-9_]*|[0-9]+|<=|>=|!=|[=<>(),.-])")
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "in": lambda a, b: a in b,
    "has": lambda a, b: b in a,
}


@dataclass(frozen=True)
class Circumstances:
    """What a scope reads besides the row."""

    records: Records
    attributes: Mapping[str, tuple[str, ...]]
    day: date


def condition_of(text: str, entity: str, given: Circumstances) -> Condition:
    """The condition that a text is on the rows of an entity."""
    reader = _Reader(_WORD.findall(text), given)
    found = reader.either(CATALOG.entities[entity].table)
    assert not reader.words, reader.words
    return found


def months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or the last day of that month if it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


class _Reader:
    def __init__(self, words: list[str], given: Circumstances) -> None:
        self.words = words
        self._given = given

    def _take(self, *wanted: str) -> str:
        word = self.words.pop(0)
        assert not wanted or word in wanted, (word, wanted)
        return word

    def _next_is(self, word: str) -> bool:
        return bool(self.words) and self.words[0] == word

    def either(self, table: Table) -> Condition:
        parts = [self._both(table)]
        while self._next_is("or"):
            self._take()
            parts.append(self._both(table))
        return lambda row: some(part(row) for part in parts)

    def _both(self, table: Table) -> Condition:
        parts = [self._one(table)]
        while self._next_is("and"):
            self._take()
            parts.append(self._one(table))
        return lambda row: every(part(row) for part in parts)

    def _one(self, table: Table) -> Condition:
        match self.words[0]:
            case "(":
                return self._group(table)
            case "not":
                self._take()
                negated = self._group(table)
                return lambda row: opposite(negated(row))
            case "always" | "never":
                constant = self._take() == "always"
                return lambda _: constant
            case "any":
                self._take()
                return self._any(CATALOG.relations[table.name][self._take()])
            case "current":
                self._take()
                return lambda row: row.covers(self._given.day)
            case _:
                return self._comparison(table)

    def _group(self, table: Table) -> Condition:
        self._take("(")
        found = self.either(table)
        self._take(")")
        return found

    def _any(self, relation: Relation) -> Condition:
        inner = self._group(relation.target)
        records, day = self._given.records, self._given.day

        def exists(row: Record) -> bool:
            if relation.cardinality is Cardinality.MANY:
                return any(inner(found) is True for found in records.related(relation, row))
            one = one_row(records, relation, row, day)
            return one is not None and inner(one) is True

        return exists

    def _comparison(self, table: Table) -> Condition:
        records, day = self._given.records, self._given.day
        name, hop = self._take(), None
        if self._next_is("."):
            self._take()
            hop = CATALOG.relations[table.name][name]
            name = self._take()
        column = (hop.target if hop else table).columns[name]
        sign = self._take()
        if sign == "covers":
            self._take("as_of")
            return lambda row: in_population(records, row, day)
        operand = self._operand(column)
        compare = _COMPARED[sign]

        def compared(row: Record) -> Truth:
            value = hopped(records, row, column, hop, day)
            return None if value is None else compare(_spoken(value, column), operand)

        return compared

    def _operand(self, column: Column) -> Value:
        word = self._take()
        match word:
            case "(":
                texts = [_unquoted(self._take())]
                while self._take(",", ")") == ",":
                    texts.append(_unquoted(self._take()))
                return texts
            case "true" | "false":
                return word == "true"
            case "principal":
                self._take(".")
                return self._given.attributes.get(self._take(), ())
            case "as_of":
                return self._as_of()
            case _ if word.isdigit():
                return int(word)
            case _:
                text = _unquoted(word)
                return date.fromisoformat(text) if column.kind is Kind.DATE else text

    def _as_of(self) -> date:
        if not self._next_is("-"):
            return self._given.day
        self._take()
        months = int(self._take())
        self._take("months")
        return months_before(self._given.day, months)


def _unquoted(word: str) -> str:
    return word[1:-1].replace("''", "'")


def _spoken(value: Value, column: Column) -> Value:
    return str(value) if column.kind is Kind.UUID else value
