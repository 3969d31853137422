"""Arguments of a request → slots, pages and digests. Knows what values may look like, not policy.

A value never enters a plan: it gets a slot, and the plan holds the slot.
"""

from __future__ import annotations

import enum
import hashlib
import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from api.cursor import Binding
from api.errors import ArgumentInvalid, PageTooLarge
from db.catalog import Kind
from db.plan import PAGE_BOUNDS, Boundary, Page
from db.predicate import Operator, Slot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from api.cursor import Sealer
    from db.catalog import Column, Entity
    from db.plan import Order

DEFAULT_PAGE = 50
_MOST_IN_LIST = 1_000
_INTEGERS = range(-(2**31), 2**31)
_MOST_DIGITS = 1_000


class Values:
    """The values of one request, in the order in which the plan asks for them."""

    def __init__(self) -> None:
        self._values: list[object] = []

    @property
    def all(self) -> tuple[object, ...]:
        """The values by slot index."""
        return tuple(self._values)

    def add(self, value: object) -> Slot:
        """A slot for a value that PostgreSQL gets as it is."""
        self._values.append(value)
        return Slot(len(self._values) - 1)

    def integer(self, slot: Slot) -> int:
        """The whole number in a slot."""
        value = self._values[slot.index]
        assert isinstance(value, int)  # noqa: S101 - page_of put it there
        return value

    def typed(self, value: object, column: Column, operator: Operator = Operator.EQ) -> object:
        """A caller's value as PostgreSQL wants it for this column. ArgumentInvalid if it cannot be.

        A value never appears in the error.
        """
        if operator in (Operator.IN, Operator.NOT_IN):
            items = self.items(value)
            if len(items) > _MOST_IN_LIST:
                raise ArgumentInvalid(argument="where", limit=_MOST_IN_LIST)
            return [self.typed(item, column) for item in items]
        if isinstance(value, enum.Enum):
            return value.value
        match column.kind, value:
            case ((Kind.TEXT | Kind.TEXTS), str()) if _storable(value):
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

    def mapping(self, value: object) -> Mapping[str, object]:
        """An input object. Null is refused: as a condition it could only be a mistake."""
        if not isinstance(value, dict):
            raise ArgumentInvalid(argument="where")
        return value

    def items(self, value: object) -> Sequence[object]:
        """A list of input values. Null is refused."""
        if not isinstance(value, list):
            raise ArgumentInvalid(argument="where")
        return value

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


def _storable(text: str) -> bool:
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
    arguments: Mapping[str, object],
    values: Values,
    most: int,
    entity: Entity,
    order: tuple[Order, ...],
    cursors: tuple[bytes, Sealer] | None,
) -> tuple[Page, Binding]:
    """The page that first, after, last and before name, and what its cursors are bound to.

    Without first and last, the default page from the beginning. Null counts as not given.
    Raises ArgumentInvalid, PageTooLarge or CursorInvalid.
    """
    first, last = _size(arguments, "first", most), _size(arguments, "last", most)
    if first is not None and last is not None:
        raise ArgumentInvalid(argument="last")
    size = first if first is not None else last
    if size is None:
        size = min(DEFAULT_PAGE, most)
    limit = values.add(size)
    bound = next(bound for bound in PAGE_BOUNDS if bound >= size)
    if cursors is None:
        return Page(limit, bound), Binding(b"", order)
    digest, sealer = cursors
    binding = Binding(digest, order)
    bounds: dict[str, Boundary | None] = {}
    for name in ("after", "before"):
        cursor = arguments.get(name)
        bounds[name] = None
        if isinstance(cursor, str):
            keyset = sealer.open(cursor, binding)
            bounds[name] = Boundary(
                tuple(None if value is None else values.add(value) for value in keyset)
            )
    page = Page(limit, bound, bounds["after"], bounds["before"], backwards=last is not None)
    return page, binding


def _size(arguments: Mapping[str, object], name: str, most: int) -> int | None:
    size = arguments.get(name)
    if size is None:
        return None
    if not isinstance(size, int) or size < 0:
        raise ArgumentInvalid(argument=name)
    if size > most:
        raise PageTooLarge(argument=name, limit=most)
    return size


def where_digest(
    caller: tuple[str, str], name: str, entity: Entity, arguments: Mapping[str, object]
) -> bytes:
    """What a cursor of this list is bound to: caller, role, list, filter and order."""
    bound = {key: arguments.get(key) for key in ("where", "orderBy")}
    packed = json.dumps([*caller, name, entity.name, bound], sort_keys=True, default=_plain)
    return hashlib.sha256(packed.encode("utf-8", "surrogatepass")).digest()


def _plain(value: object) -> str:
    return str(value.value if isinstance(value, enum.Enum) else value)
