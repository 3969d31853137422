"""Records that can be changed, and changed back. Knows no policy and no database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.oracle.records import Record, Records, tables

if TYPE_CHECKING:
    from datetime import date

    from tests.oracle.records import Value

Cell: TypeAlias = "tuple[str, tuple[Value, ...]]"
"""A table and the key of a row."""

Edit: TypeAlias = "Mapping[Cell, Mapping[str, Any] | None]"
"""Rows with the columns that change; a whole row where there was none; None where it goes."""

TABLES = {table.name: table for table in tables()}


class Draft(Records):
    """A copy of records, which stay as they are."""

    def __init__(self, base: Records) -> None:
        super().__init__({name: list(rows) for name, rows in base.by_table.items()})
        self.base = base
        self.at: dict[Cell, Record] = {
            (name, row.key): row for name, rows in self.by_table.items() for row in rows
        }
        assert self.holders  # counted before anything changes

    def apply(self, edit: Edit) -> dict[Cell, Mapping[str, Any] | None]:
        """Makes an edit. The edit that undoes it comes back."""
        undone: dict[Cell, Mapping[str, Any] | None] = {}
        for cell, change in edit.items():
            before = self.at.get(cell)
            undone[cell] = None if before is None else before.columns
            if before is not None:
                self._drop(cell, before)
            if change is not None:
                known = {} if before is None else before.columns
                self._put(Record(TABLES[cell[0]], {**known, **change}))
        self._current.clear()
        return undone

    def by(self, table: str, column: str, value: Value) -> list[Record]:
        """The rows of a table that have a value."""
        return self._index(table, (column,)).get((value,), [])

    def newest(self, spans: Iterable[Record], day: date) -> Record | None:
        """Of some dated rows of a person the one that holds on a day."""
        holding = [(each["effective_date"], each["span_num"], each) for each in spans
                   if each.covers(day)]  # fmt: skip
        return max(holding, key=lambda each: each[:2])[2] if holding else None

    def _put(self, row: Record) -> None:
        name = row.table.name
        self.at[name, row.key] = row
        self.by_table[name].append(row)
        for (table, columns), index in self._indexes.items():
            if table == name:
                index.setdefault(tuple(row[each] for each in columns), []).append(row)
        if name == "enrollee":
            self.holders[row["msis_identification_num"]] += 1

    def _drop(self, cell: Cell, row: Record) -> None:
        name = cell[0]
        if name == "enrollee":
            self.holders[row["msis_identification_num"]] -= 1
        del self.at[cell]
        self.by_table[name].remove(row)
        for (table, columns), index in self._indexes.items():
            if table == name:
                index[tuple(row[each] for each in columns)].remove(row)
