"""Arguments of an operation → slots and pages. Knows what values may look like, not policy.

A value never enters a plan: it gets a slot, and the plan holds the slot. What a slot gets comes
from each request anew, unless the plan depends on it: then it is a fact that the plan is kept by.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from api.errors import ArgumentInvalid, PageTooLarge
from api.given import Looked, Missing, Opened
from api.variables import Leaf
from db.catalog import Kind
from db.plan import PAGE_BOUNDS, Boundary, Page
from db.predicate import Operator, Slot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from api.given import Fact, Given, Listing
    from db.catalog import Column

DEFAULT_PAGE = 50
_MOST_IN_LIST = 1_000
_INTEGERS = range(-(2**31), 2**31)
_MOST_DIGITS = 1_000


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that every request of the plan has."""

    value: object

    def of(self, _: Given) -> object:
        """The value."""
        return self.value


@dataclass(frozen=True, slots=True)
class Typed:
    """A value that has leaves of variables in it, for a column."""

    asked: object
    column: Column
    operator: Operator

    def of(self, given: Given) -> object:
        """The value of a request. ArgumentInvalid if the column cannot have it."""
        return typed(given.value(self.asked), self.column, self.operator)


@dataclass(frozen=True, slots=True)
class Part:
    """A value in a cursor."""

    opened: Opened
    index: int

    def of(self, given: Given) -> object:
        """The value of a request. CursorInvalid."""
        return given.keyset(self.opened)[self.index]


Source: TypeAlias = Fixed | Typed | Part
"""Where the value of a slot comes from when a request runs."""


class Values:
    """The values of an operation, in the order in which its plan asks for them, and the facts that
    the plan depends on: the only way for a plan to a value of the request that it is made with."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._sources: list[Source] = []
        self._facts: dict[Fact, None] = {}

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where the values come from, by slot index."""
        return tuple(self._sources)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What was looked at, each once."""
        return tuple(self._facts)

    def add(self, value: object) -> Slot:
        """A slot for a value that PostgreSQL gets as it is, or for what `typed` made."""
        self._sources.append(value if isinstance(value, Fixed | Typed | Part) else Fixed(value))
        return Slot(len(self._sources) - 1)

    def integer(self, slot: Slot) -> int:
        """The whole number in a slot."""
        source = self._sources[slot.index]
        value = source.value if isinstance(source, Fixed) else None
        assert isinstance(value, int)  # noqa: S101 - page_of put it there
        return value

    def looked(self, asked: object) -> object:
        """The value itself, which makes it a fact."""
        if isinstance(asked, Leaf):
            self._facts[Looked(asked)] = None
            return self._given.leaves[asked.index]
        return asked

    def missing(self, opened: Opened) -> tuple[bool, ...]:
        """For each value in a cursor, whether it is missing: a fact. CursorInvalid."""
        self._facts[Missing(opened)] = None
        return tuple(value is None for value in self._given.keyset(opened))

    def typed(self, asked: object, column: Column, operator: Operator = Operator.EQ) -> Source:
        """A caller's value as PostgreSQL wants it for this column. ArgumentInvalid if it cannot be.

        A value never appears in the error.
        """
        source = Typed(asked, column, operator)
        return source if _open(asked) else Fixed(source.of(self._given))

    def each(self, asked: object, column: Column) -> Sequence[Source]:
        """The values of a list, each by itself, so that how many there are is a fact."""
        return [self.typed(item, column) for item in _listed(self.looked(asked))]

    def mapping(self, value: object) -> Mapping[str, object]:
        """An input object. Null is refused: as a condition it could only be a mistake."""
        if not isinstance(value, dict):
            raise ArgumentInvalid(argument="where")
        return value

    def items(self, value: object) -> Sequence[object]:
        """A list of input values. Null is refused."""
        return _items(value)

    def boolean(self, value: object) -> bool:
        """True or false. Null is refused."""
        if not isinstance(value, bool):
            raise ArgumentInvalid(argument="where")
        return value

    def term(self, value: object) -> Mapping[str, object]:
        """One term of an order, which names one coordinate. Null is refused."""
        if not isinstance(value, dict):
            raise ArgumentInvalid(argument="orderBy")
        return value

    def descending(self, value: object) -> bool:
        """Whether a term of an order goes down. Null is refused."""
        if not isinstance(value, enum.Enum):
            raise ArgumentInvalid(argument="orderBy")
        return bool(value.value == "DESC")


def typed(value: object, column: Column, operator: Operator) -> object:
    """A value, or a list of them for `in`, as PostgreSQL wants it. ArgumentInvalid."""
    if operator in (Operator.IN, Operator.NOT_IN):
        return [typed(item, column, Operator.EQ) for item in _listed(value)]
    if isinstance(value, enum.Enum):
        return value.value
    match column.kind, value:
        case ((Kind.TEXT | Kind.TEXTS), str()) if is_storable(value):
            return value
        case Kind.DATE, date():
            return value
        case Kind.INTEGER, int() if value in _INTEGERS:
            return value
        case Kind.DECIMAL, Decimal() if _sized(value):
            return value
        case Kind.BOOLEAN, bool():
            return value
        case Kind.UUID, str():
            try:
                return UUID(value)
            except ValueError:
                raise ArgumentInvalid(argument="where") from None
        case _:
            raise ArgumentInvalid(argument="where")


def _items(value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise ArgumentInvalid(argument="where")
    return value


def _listed(value: object) -> Sequence[object]:
    items = _items(value)
    if len(items) > _MOST_IN_LIST:
        raise ArgumentInvalid(argument="where", limit=_MOST_IN_LIST)
    return items


def _open(asked: object) -> bool:
    """Whether a value has leaves of variables in it."""
    return any(map(_open, asked)) if isinstance(asked, list) else isinstance(asked, Leaf)


def is_storable(text: str) -> bool:
    """PostgreSQL's text holds neither NUL nor half a surrogate pair."""
    try:
        return b"\x00" not in text.encode("utf-8")
    except UnicodeEncodeError:
        return False


def _sized(number: Decimal) -> bool:
    """Neither infinite nor so long or small that PostgreSQL or its driver could not hold it."""
    if not number.is_finite():
        return False
    _, digits, exponent = number.as_tuple()
    return len(digits) <= _MOST_DIGITS and abs(int(exponent)) <= _MOST_DIGITS


def page_of(
    arguments: Mapping[str, object], values: Values, most: int, listing: Listing | None
) -> Page:
    """The page that first, after, last and before name, of a list that has cursors, or of none.

    Without first and last, the default page from the beginning. Null counts as not given.
    Raises ArgumentInvalid, PageTooLarge or CursorInvalid.
    """
    first, last = (_size(arguments, name, values, most) for name in ("first", "last"))
    if first is not None and last is not None:
        raise ArgumentInvalid(argument="last")
    size = first if first is not None else last
    if size is None:
        size = min(DEFAULT_PAGE, most)
    limit = values.add(size)
    bound = next(bound for bound in PAGE_BOUNDS if bound >= size)
    if listing is None:
        return Page(limit, bound)
    after, before = (_bound(arguments.get(name), values, listing) for name in ("after", "before"))
    return Page(limit, bound, after, before, backwards=last is not None)


def _size(arguments: Mapping[str, object], name: str, values: Values, most: int) -> int | None:
    # What an operation may hold in all is counted with it, so its value is a fact.
    size = values.looked(arguments.get(name))
    if size is None:
        return None
    if not isinstance(size, int) or size < 0:
        raise ArgumentInvalid(argument=name)
    if size > most:
        raise PageTooLarge(argument=name, limit=most)
    return size


def _bound(cursor: object, values: Values, listing: Listing) -> Boundary | None:
    if not isinstance(cursor, str | Leaf):
        return None
    opened = Opened(listing, cursor)
    return Boundary(
        tuple(
            None if missing else values.add(Part(opened, index))
            for index, missing in enumerate(values.missing(opened))
        )
    )
