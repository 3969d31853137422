"""Rows by table, from named values. Knows the columns of a batch; knows no source of records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.ingest.load import COLUMNS, Batch, Row

if TYPE_CHECKING:
    from collections.abc import Iterable


class Rows:
    """Rows of whole people, by table."""

    def __init__(self) -> None:
        self._tables: dict[str, list[Row]] = {}

    def add(self, table: str, derived: Iterable[str] = (), **values: object) -> None:
        """Adds a row. A column without a value is null, and one that is null is not `derived`.

        KeyError for a column that a batch does not fill.
        """
        columns = COLUMNS[table]
        values["derived"] = [name for name in derived if values.get(name) not in (None, [])]
        if unknown := values.keys() - set(columns):
            raise KeyError(f"{table}: {', '.join(sorted(unknown))}")
        self._tables.setdefault(table, []).append(tuple(values.get(column) for column in columns))

    def extend(self, other: Rows) -> None:
        """Adds all rows of another."""
        for table, rows in other._tables.items():
            self._tables.setdefault(table, []).extend(rows)

    def counts(self) -> dict[str, int]:
        """Rows by table."""
        return {table: len(rows) for table, rows in self._tables.items()}

    def batch(self) -> Batch:
        """The rows, ready to be copied."""
        return Batch(self._tables)
