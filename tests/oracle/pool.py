"""Values to filter by: such as occur in the records, and such as lie at an edge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from db.catalog import Kind
from db.catalog_records import CATALOG
from tests.oracle.values import hopped

if TYPE_CHECKING:
    from datetime import date

    from db.catalog import Column
    from tests.oracle.records import Records, Value

_MOST = 40


class Word(str):
    """An enum value: written bare in a document, as text in JSON."""

    __slots__ = ()


EDGES: dict[Kind, tuple[Any, ...]] = {
    Kind.TEXT: ("", "a", "zzzz", "%", "'", "😀", "\ue000", "000000000", "\x00"),
    Kind.TEXTS: (),
    Kind.DATE: ("0001-01-01", "9999-12-31", "1900-02-28"),
    Kind.INTEGER: (0, -1, 2**31 - 1, -(2**31)),
    Kind.DECIMAL: ("0", "-1.00", "120", "1e3", "99999999999.99", "0.005", "1e400", "1e-400", "NaN",
                   "-Infinity", "1e200000", "1e-20000", 12, 12.5),
    Kind.BOOLEAN: (),
    Kind.UUID: ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
                "no-uuid", "", 5),
}  # fmt: skip


@dataclass
class Pool:
    """Values by coordinate, as a client writes them."""

    records: Records
    day: date
    _values: dict[str, list[Any]] = field(default_factory=dict)

    def values(self, coordinate: str) -> list[Any]:
        """Some of the values that occur, in one order; empty where none does."""
        if coordinate not in self._values:
            entry = CATALOG.fields[coordinate]
            stored = self.records.by_table[CATALOG.entities[entry.entity].table.name]
            found: set[Any] = set()
            for row in stored[:: max(len(stored) // 400, 1)]:
                value = hopped(self.records, row, entry.column, entry.hop, self.day)
                found |= set(value) if isinstance(value, list) else {value}
            sorted_ = sorted(found - {None})
            picked = sorted_[:: max(len(sorted_) // _MOST, 1)]
            self._values[coordinate] = [written(value, entry.column) for value in picked]
        return self._values[coordinate]

    def edges(self, coordinate: str) -> list[Any]:
        """Values that lie at an edge, and some that are none of the type at all."""
        column = CATALOG.fields[coordinate].column
        if column.codes is not None:
            return [Word(code.name) for code in column.codes.codes[:3]]
        return list(EDGES[column.kind])


def written(value: Value, column: Column) -> Value:
    """A stored value as a client writes it."""
    if column.codes is not None:
        return Word({code.code: code.name for code in column.codes.codes}[value])
    match column.kind:
        case Kind.DATE:
            return value.isoformat()
        case Kind.DECIMAL | Kind.UUID:
            return str(value)
        case _:
            return value
