"""Orders, pages and cursors, on rows that are all in memory."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any, TypeAlias

from db.catalog_records import CATALOG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.catalog import Field, Link
    from tests.oracle.records import Value
    from tests.oracle.seen import Row, Seen

DEFAULT = 50
"""Rows of a page when nobody says how many, or as many as the role may have."""

CURSOR = "\u0001cursor:"
"""How the oracle's cursors begin; no text of the records does."""

Keyset: TypeAlias = "tuple[Any, ...]"


@dataclass(frozen=True, slots=True)
class Term:
    """What rows are ordered by: a value of their own, or of the row at the end of links.

    A `key` column has no coordinate.
    """

    links: tuple[Link, ...]
    value: Field | str
    descending: bool

    @property
    def by(self) -> tuple[str | None, ...]:
        """What makes two terms one."""
        way = tuple(link.coordinate for link in self.links)
        if isinstance(self.value, str):
            return (*way, self.value, None, None)
        hop, column = self.value.hop, self.value.column
        return (*way, column.name, column.function, hop.name if hop else None)


def way_of(entity: str, asked: Mapping[str, Any]) -> tuple[tuple[Link, ...], Field, Value]:
    """What a term names: links, the field at their end, and a direction."""
    ((name, inner),) = asked.items()
    coordinate = f"{entity}.{name}"
    if coordinate in CATALOG.fields:
        return (), CATALOG.fields[coordinate], inner
    link = CATALOG.links[coordinate]
    links, entry, direction = way_of(link.target, inner)
    return (link, *links), entry, direction


def named_terms(entity: str, order_by: Sequence[Mapping[str, Any]]) -> tuple[Term, ...]:
    """The terms asked for; of two by one value the first."""
    terms: dict[object, Term] = {}
    for asked in order_by:
        links, entry, direction = way_of(entity, asked)
        term = Term(links, entry, direction.value == "DESC")
        terms.setdefault(term.by, term)
    return tuple(terms.values())


def terms_of(
    entity: str, order_by: Sequence[Mapping[str, Any]], *, veiled: bool
) -> tuple[Term, ...]:
    """The terms asked for, and behind them the key, so that no two rows are equal. Who knows people
    by pseudonym sees people and claims in an order that is nobody else's."""
    terms = {term.by: term for term in named_terms(entity, order_by)}
    table = CATALOG.entities[entity].table
    apart = {"Enrollee": ["pseudonym"], "Claim": ["place"]}.get(entity, []) if veiled else []
    for name in (*apart, *table.key):
        term = Term((), name, descending=False)
        terms.setdefault(term.by, term)
    return tuple(terms.values())


def keyset(seen: Seen, row: Row, terms: tuple[Term, ...]) -> Keyset:
    """What a row is ordered by."""
    return tuple(_place(seen, row, term) for term in terms)


def _place(seen: Seen, row: Row, term: Term) -> Value:
    """What a term says of a row; nothing where its links lead to no row that exists."""
    at: Row | None = row
    for link in term.links:
        at = None if at is None else next(seen.linked(link, at), None)
    if at is None:
        return None
    if isinstance(term.value, str):
        return at.record[term.value]
    return seen.value(term.value.coordinate, at)


def compare(one: Keyset, other: Keyset, terms: tuple[Term, ...]) -> int:
    """-1, 0 or 1. A missing value is larger than any other."""
    for a, b, term in zip(one, other, terms, strict=True):
        if a == b:
            continue
        larger = a is None or (b is not None and a > b)
        return 1 if larger != term.descending else -1
    return 0


@dataclass
class Cursors:
    """All cursors that the oracle has handed out: what each belongs to, and where it points."""

    _issued: dict[str, tuple[object, Keyset]] = field(default_factory=dict)
    _tokens: dict[tuple[object, Keyset], str] = field(default_factory=dict)

    def issue(self, binding: object, place: Keyset) -> str:
        """The cursor of a place in a list."""
        token = self._tokens.setdefault((binding, place), f"{CURSOR}{len(self._tokens)}")
        self._issued[token] = (binding, place)
        return token

    def place(self, token: str, binding: object) -> Keyset | None:
        """Where a cursor points; None when it is none, or belongs to another list."""
        found = self._issued.get(token)
        return found[1] if found is not None and found[0] == binding else None


def binding(subject: str, role: str, coordinate: str, arguments: Mapping[str, Any]) -> object:
    """What a cursor belongs to: caller, role, list, filter and order."""
    narrowed = (_frozen(arguments.get(name)) for name in ("where", "orderBy"))
    return (subject, role, coordinate, *narrowed)


def _frozen(value: Value) -> object:
    match value:
        case dict():
            return ("dict", frozenset((name, _frozen(part)) for name, part in value.items()))
        case list():
            return ("list", tuple(_frozen(part) for part in value))
        case enum.Enum():
            return ("text", str(value.value))
        case _:
            return (type(value).__name__, str(value))


@dataclass(frozen=True)
class Page:
    """The rows of a page with their cursors, and what pageInfo says."""

    rows: tuple[tuple[Row, str], ...]
    has_next: bool
    has_previous: bool


def page_of(
    seen: Seen,
    rows: Sequence[Row],
    terms: tuple[Term, ...],
    arguments: Mapping[str, Any],
    limit: int,
    cursors: Cursors,
    bound: object,
) -> Page:
    """The page of these rows that first, after, last and before name."""

    def in_order(one: Keyset, other: Keyset) -> int:
        return compare(one, other, terms)

    rank = cmp_to_key(in_order)
    placed = [(keyset(seen, row, terms), row) for row in rows]
    placed.sort(key=lambda each: rank(each[0]))
    for name, side in (("after", 1), ("before", -1)):
        if isinstance(token := arguments.get(name), str):
            place = cursors.place(token, bound)
            assert place is not None, "a cursor that the survey should have refused"
            placed = [each for each in placed if compare(each[0], place, terms) == side]
    last = arguments.get("last") is not None
    size = asked_size(arguments, limit)
    chosen = placed[max(len(placed) - size, 0) :] if last else placed[:size]
    more = len(placed) > size
    # Across the boundary that a cursor names there is at least the row that it was taken from.
    return Page(
        tuple((row, cursors.issue(bound, place)) for place, row in chosen),
        has_next=isinstance(arguments.get("before"), str) if last else more,
        has_previous=more if last else isinstance(arguments.get("after"), str),
    )


def asked_size(arguments: Mapping[str, Any], limit: int) -> int:
    """The most rows of the page."""
    for name in ("first", "last"):
        size = arguments.get(name)
        if isinstance(size, int):
            return size
    return min(DEFAULT, limit)
