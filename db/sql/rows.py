"""Rows as a statement sees them: which alias, which columns, which hops. Part of the SQL maker.

A row that is read through a subquery hands out only the columns that were asked of it, so the
subquery can be written last and name nothing that nobody needs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from db.catalog import Cardinality
from db.sql.pieces import Day, Parameters, identifier, table
from db.sql.steady import own

if TYPE_CHECKING:
    from collections.abc import Callable

    from db.catalog import Relation, Table
    from db.predicate import Predicate


@dataclass
class Names:
    """Aliases and parameters of one statement, numbered in the order of use."""

    parameters: Parameters = field(default_factory=Parameters)
    columns: set[str] = field(default_factory=set)
    _aliases: int = 0

    def alias(self) -> str:
        """The next alias. From position, so that equal plans are equal text."""
        self._aliases += 1
        return f"t{self._aliases}"

    @property
    def day(self) -> str:
        """The day of the request."""
        return self.parameters.place(Day(), "date")


class Row:
    """A row in scope under an alias. `anchor` is the row on which conditions of policy stand."""

    def __init__(self, names: Names, stored: Table, level: Level, anchor: Row | None) -> None:
        self.names = names
        self.table = stored
        self.level = level
        self.alias = names.alias()
        self.anchor = anchor or self
        self.needed: dict[str, None] = {}
        self._hops: dict[tuple[Relation, Predicate], Row] = {}

    def column(self, name: str) -> str:
        """A column of this row. KeyError for one that the catalog does not have."""
        stored = self.table.columns[name]
        self.needed[name] = None
        self.names.columns.add(f"{self.table.name}.{stored.name}")
        return f"{self.alias}.{identifier(stored.name)}"

    def hop(
        self,
        relation: Relation,
        scope: Predicate,
        *,
        anchored: bool,
        where: Callable[[Row], str | None],
    ) -> Row:
        """The row that a to-one relation leads to, joined once per scope; all null when none."""
        known = self._hops.get((relation, scope))
        if known is not None:
            return known
        row = Row(self.names, relation.target, self.level, None if anchored else self.anchor)
        row.column(relation.target.key[0])
        self._hops[relation, scope] = row
        joins = tuple((target, self.column(source)) for source, target in relation.on)

        def lateral() -> str:
            inner = Row(self.names, relation.target, Level(), None)
            conditions = [f"{inner.column(target)} = {source}" for target, source in joins]
            if relation.cardinality is Cardinality.CURRENT:
                conditions.append(covers(inner))
            if (extra := where(inner)) is not None:
                conditions.append(extra)
            columns = ", ".join(inner.column(name) for name in row.needed)
            if relation.cardinality is Cardinality.CURRENT:
                last = f" {latest(inner)}"
            else:
                # A key names one row, and without a limit PostgreSQL is free in how to join; but a
                # scope that leads to other tables is asked of that row alone.
                last = "" if own(scope) else " limit 1"
            return (
                f"left join lateral (select {columns} from {table(relation.target.name)} "
                f"{inner.alias} where {' and '.join(conditions)}{last}) {row.alias} on true"
            )

        self.level.joins.append(lateral)
        return row


class Level:
    """One FROM list: laterals are written last, when it is known what they are asked for."""

    def __init__(self) -> None:
        self.joins: list[Callable[[], str]] = []

    def text(self) -> str:
        """The joins in the order in which they were asked for."""
        return "".join(f" {join()}" for join in self.joins)


def covers(row: Row) -> str:
    """The dated row holds on the day of the request: both ends included, no end means open."""
    day = row.names.day
    begin, end = row.column("effective_date"), row.column("end_date")
    return f"({begin} <= {day} and ({end} is null or {end} >= {day}))"


def latest(row: Row) -> str:
    """Of the dated rows in scope, the one that began last; of two, the one with the higher number.

    With `covers`, the one definition of what is current among dated spans.
    """
    return f"order by {row.column('effective_date')} desc, {row.column('span_num')} desc limit 1"


def joined(row: Row, relation: Relation, source: Row) -> str:
    """The condition that ties a row of the target to a row of the source."""
    return " and ".join(f"{row.column(b)} = {source.column(a)}" for a, b in relation.on)
