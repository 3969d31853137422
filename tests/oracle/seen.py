"""The records as one asker may see them on a day: which rows exist, which values show."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from db.catalog import Cardinality
from db.catalog_records import CATALOG
from tests.oracle.authority import Verdict
from tests.oracle.records import NOTHING
from tests.oracle.scope import Circumstances, condition_of
from tests.oracle.values import hopped, one_row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from db.catalog import Link
    from tests.oracle.asker import Asker
    from tests.oracle.authority import Authority
    from tests.oracle.records import Record, Records, Value
    from tests.oracle.scope import Condition


@dataclass(frozen=True, eq=False, slots=True)
class Row:
    """A record as an entity, and the row on which conditions of policy stand: itself, or the
    person or claim that it belongs to.

    What is `closed` may not be asked about.
    """

    entity: str
    record: Record
    belongs_to: Row | None = None
    closed: bool = False

    @property
    def anchor(self) -> Row:
        """The row on which conditions of policy stand."""
        return self.belongs_to or self


@dataclass
class Seen:
    """One asker's sight of the records.

    `by` is the action that makes a row exist, open on some value of it: `read`, and in an aggregate
    `aggregate`.
    """

    records: Records
    authority: Authority
    asker: Asker
    day: date
    by: str = "read"
    _conditions: dict[str, dict[str, Condition]] = field(default_factory=dict)
    _held: dict[Record, tuple[frozenset[str], ...]] = field(default_factory=dict)
    _may: dict[tuple[object, ...], bool] = field(default_factory=dict)
    _all: dict[str, tuple[Row, ...]] = field(default_factory=dict)

    @property
    def role(self) -> str:
        """The role in which the asker acts."""
        return self.asker.role

    def forget(self, record: Record) -> None:
        """Forgets which row scopes a row meets, because records changed."""
        self._held.pop(record, None)

    @property
    def veiled(self) -> bool:
        """Whether the asker knows people by pseudonym, and not by identifier."""
        known, named = (
            self.authority.verdict(self.role, f"Enrollee.{name}", "read")
            for name in ("pseudonym", "id")
        )
        return known is not Verdict.NONE and named is Verdict.NONE

    def held(self, row: Row) -> tuple[frozenset[str], ...]:
        """The row scopes that the anchor of a row meets: as many sets as there are ways to settle
        what is unknown, because a value is missing."""
        anchor = row.anchor
        key = anchor.record
        if key not in self._held:
            truths = {
                name: condition(anchor.record)
                for name, condition in self._scopes(anchor.entity).items()
            }
            unknown = [name for name, truth in truths.items() if truth is None]
            sure = frozenset(name for name, truth in truths.items() if truth is True)
            self._held[key] = tuple(
                sure | frozenset(some)
                for size in range(len(unknown) + 1)
                for some in combinations(unknown, size)
            )
        return self._held[key]

    def _scopes(self, anchor: str) -> dict[str, Condition]:
        if anchor not in self._conditions:
            given = Circumstances(self.records, self.asker.attributes, self.day)
            texts = self.authority.scopes(self.role, anchor)
            self._conditions[anchor] = {
                name: condition_of(text, anchor, given) for name, text in texts.items()
            }
        return self._conditions[anchor]

    def may(self, coordinate: str, action: str, row: Row) -> bool:
        """Whether an action on a coordinate is open on this row, however the unknown is settled:
        a condition that may hold does not allow, and one that may not hold denies all the same."""
        if row.closed:
            return False
        held = self.held(row)
        key = (coordinate, action, held)
        if key not in self._may:
            self._may[key] = all(
                self.authority.allows(self.role, coordinate, action, each) for each in held
            )
        return self._may[key]

    def exists(self, row: Row) -> bool:
        """Whether the row exists for the asker: some value on it can be read, or aggregated."""
        anchor, held = row.anchor.entity, self.held(row)
        if len(held) == 1:
            return self.authority.exists(self.role, anchor, held[0], self.by)
        values = self.authority.values(anchor, self.by)
        return any(self.may(each, self.by, row) for each in values)

    def all_of(self, entity: str) -> tuple[Row, ...]:
        """Every row of an entity that stands alone and exists."""
        if entity not in self._all:
            stored = self.records.by_table[CATALOG.entities[entity].table.name]
            rows = (Row(entity, record) for record in stored)
            self._all[entity] = tuple(row for row in rows if self.exists(row))
        return self._all[entity]

    def linked(self, link: Link, row: Row) -> Iterator[Row]:
        """The rows that a link leads to and that exist."""
        if link.relation.cardinality is Cardinality.MANY:
            found = self.records.related(link.relation, row.record)
        else:
            one = one_row(self.records, link.relation, row.record, self.day)
            found = [] if one is None else [one]
        own = CATALOG.entities[link.target].anchor == link.target
        for record in found:
            target = Row(link.target, record, None if own else row.anchor)
            if not own or self.exists(target):
                yield target

    def current(self, link: Link, row: Row, *, closed: bool) -> Row:
        """What is current of a row, as a row of its own; one without values where there is none."""
        record = one_row(self.records, link.relation, row.record, self.day)
        return Row(link.target, record or NOTHING, row.anchor, closed)

    def value(self, coordinate: str, row: Row) -> Value:
        """The stored value of a coordinate, whoever may see it."""
        if row.record is NOTHING:
            return None
        entry = CATALOG.fields[coordinate]
        return hopped(self.records, row.record, entry.column, entry.hop, self.day)
