"""Whole record tables in memory, and the rows that relations lead to. Knows no policy."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from db.catalog import Table
from db.catalog_records import CATALOG
from tests.people import Person

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    import asyncpg

    from db.catalog import Relation

Value: TypeAlias = Any
"""What a column holds, a client writes or a field resolves to: of a type that its column says."""


@dataclass(frozen=True, eq=False, slots=True)
class Record:
    """One row of a table, equal to itself alone."""

    table: Table
    columns: Mapping[str, Any]

    def __getitem__(self, column: str) -> Value:
        return self.columns[column]

    @property
    def key(self) -> tuple[Any, ...]:
        """The primary key."""
        return tuple(self.columns[name] for name in self.table.key)

    def covers(self, day: date) -> bool:
        """Whether a dated row holds on a day: both ends included, no end means open."""
        end = self.columns["end_date"]
        return bool(self.columns["effective_date"] <= day and (end is None or day <= end))


NOTHING = Record(Table("nothing", (), {}), {})
"""A row that is not there."""


def tables() -> tuple[Table, ...]:
    """Every table of the catalog."""
    found = [entity.table for entity in CATALOG.entities.values()]
    found += [entry.hop.target for entry in CATALOG.fields.values() if entry.hop is not None]
    return tuple({table.name: table for table in found}.values())


@dataclass
class Records:
    """All rows by table."""

    by_table: dict[str, list[Record]]
    _indexes: dict[tuple[str, tuple[str, ...]], dict[tuple[Any, ...], list[Record]]] = field(
        default_factory=dict
    )
    _current: dict[tuple[str, Record, date], Record | None] = field(default_factory=dict)
    _holders: Counter[str] = field(default_factory=Counter)

    def related(self, relation: Relation, row: Record) -> list[Record]:
        """All rows whose columns equal those of a row, as a relation pairs them."""
        columns = tuple(target for _, target in relation.on)
        wanted = tuple(row[source] for source, _ in relation.on)
        if None in wanted:
            return []
        return self._index(relation.target.name, columns).get(wanted, [])

    def current(self, relation: Relation, row: Record, day: date) -> Record | None:
        """Of the related rows that hold on the day, the one that began last; of two that began on
        one day, the one with the higher number."""
        key = (relation.name, row, day)
        if key not in self._current:
            holding = [found for found in self.related(relation, row) if found.covers(day)]
            last = (found["effective_date"] for found in holding)
            begun = max(last, default=None)
            newest = [found for found in holding if found["effective_date"] == begun]
            self._current[key] = max(newest, key=lambda found: int(found["span_num"]), default=None)
        return self._current[key]

    def person(self, enrollee: Record) -> Person:
        """The rows about one person, as the population rule wants them."""
        rows = {
            name: [dict(found.columns) for found in self.about(name, enrollee)]
            for name in ("variable_demographics", "immigration_determination")
        }
        return Person(dict(enrollee.columns), rows)

    def about(self, table: str, enrollee: Record) -> list[Record]:
        """The rows of a table about one person."""
        return self._index(table, ("enrollee_id",)).get((enrollee["enrollee_id"],), [])

    @property
    def holders(self) -> Counter[str]:
        """How many people hold each Medicaid ID."""
        if not self._holders:
            self._holders.update(
                row["msis_identification_num"] for row in self.by_table["enrollee"]
            )
        return self._holders

    def _index(self, table: str, columns: tuple[str, ...]) -> dict[tuple[Any, ...], list[Record]]:
        if (table, columns) not in self._indexes:
            made: dict[tuple[Any, ...], list[Record]] = {}
            for row in self.by_table[table]:
                made.setdefault(tuple(row[name] for name in columns), []).append(row)
            self._indexes[table, columns] = made
        return self._indexes[table, columns]


async def read_records(owner: asyncpg.Connection) -> Records:
    """Every row of every table, read as the owner, but for the stored population: the driver cannot
    read every set of days, and nothing here believes it."""
    found: dict[str, list[Record]] = {}
    for table in tables():
        columns = await owner.fetchval(
            """
            select string_agg(column_name, ', ') from information_schema.columns
             where table_schema = 'medicaid' and table_name = $1 and udt_name <> 'datemultirange'
            """,
            table.name,
        )
        query = f"select {columns} from medicaid.{table.name}"  # noqa: S608 - names of the catalog
        rows = await owner.fetch(query)
        found[table.name] = _records(table, rows)
    return Records(found)


def _records(table: Table, rows: Iterable[Mapping[str, Any]]) -> list[Record]:
    return [Record(table, dict(row)) for row in rows]
