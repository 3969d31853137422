"""`groupBy` on rows: what a dimension names, and what it says of a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from tests.oracle.pages import way_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.catalog import Field, Link
    from tests.oracle.records import Value
    from tests.oracle.seen import Row, Seen


@dataclass(frozen=True)
class Dimension:
    """Something that rows are grouped by: a value at the end of links, or the days about it."""

    links: tuple[Link, ...]
    field: Field
    grouping: str

    @property
    def path(self) -> tuple[str, ...]:
        """The names that lead to it in a key."""
        return (*(link.name for link in self.links), self.field.name)

    def value(self, seen: Seen, row: Row) -> Value:
        """What it says of a row; nothing where a link is closed or leads nowhere, or the value is
        closed or missing."""
        for link in self.links:
            if not seen.may(link.coordinate, "aggregate", row):
                return None
            found = next(iter(seen.linked(link, row)), None)
            if found is None:
                return None
            row = found
        if not seen.may(self.field.coordinate, "aggregate", row):
            return None
        value = seen.value(self.field.coordinate, row)
        return value if value is None else first_day(value, self.grouping)


def dimensions(entity: str, group_by: Sequence[Mapping[str, Any]]) -> tuple[Dimension, ...]:
    """What a groupBy names."""
    ways = (way_of(entity, asked) for asked in group_by)
    return tuple(Dimension(links, entry, str(word.name)) for links, entry, word in ways)


def first_day(value: Value, grouping: str) -> Value:
    """The first day of the month, quarter or year of a day; any other value as it is."""
    match grouping:
        case "MONTH":
            return date(value.year, value.month, 1)
        case "QUARTER":
            return date(value.year, (value.month - 1) // 3 * 3 + 1, 1)
        case "YEAR":
            return date(value.year, 1, 1)
        case _:
            return value


def in_order(key: tuple[Value, ...]) -> tuple[tuple[bool, Value], ...]:
    """What sorts keys: value by value, ascending, what is missing last."""
    return tuple((value is None, 0 if value is None else value) for value in key)
