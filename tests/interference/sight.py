"""All that one asker may see of the records, as a value: two records of equal sight answer alike.

Seen is what the asker may read, filter by, sort by or count in any way, row by row; which row
scopes hold on these rows; and the keys that order them. Keys are random, so that they tell nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from db.catalog import Cardinality
from db.catalog_records import CATALOG
from db.predicate import Operator
from tests.oracle.seen import Row

if TYPE_CHECKING:
    from db.catalog import Link
    from tests.oracle.records import Record, Value
    from tests.oracle.seen import Seen

    Place: TypeAlias = tuple[str, tuple[Value, ...]]
    """An entity that stands alone, and the key of a row of it."""

_READ = ("read",)
_COUNT = ("aggregate",)
_ASK = ("sort", "filter", *(f"filter:{each.value}" for each in Operator))
ALONE = tuple(name for name, entity in CATALOG.entities.items() if entity.anchor == name)


@dataclass(frozen=True)
class Open:
    """What is open on the rows of an anchor that meet the same row scopes.

    `fields` and `links` are by entity. `exists` is whether such a row is there at all, be it only
    to be counted.
    """

    exists: bool
    fields: dict[str, tuple[str, ...]]
    links: dict[str, tuple[Link, ...]]


class Sight:
    """The sight of one asker. No dataclass: it would print all records."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self._open: dict[tuple[str, tuple[frozenset[str], ...]], Open] = {}

    def whole(self) -> dict[Place, Value]:
        """Everything, by the rows that stand alone and exist for the asker."""
        found = {}
        for entity in ALONE:
            for record in self.seen.records.by_table[CATALOG.entities[entity].table.name]:
                shown = self.of(entity, record)
                if shown is not None:
                    found[entity, record.key] = shown
        return found

    def of(self, entity: str, record: Record) -> Value:
        """What shows of a row that stands alone; None when it does not exist for the asker."""
        row = Row(entity, record)
        opened = self.open(row)
        return (self.seen.held(row), self._shown(row, opened)) if opened.exists else None

    def open(self, row: Row) -> Open:
        """What is open on a row."""
        anchor = row.anchor
        key = anchor.entity, self.seen.held(anchor)
        if key not in self._open:
            self._open[key] = self._opened(anchor)
        return self._open[key]

    def _opened(self, anchor: Row) -> Open:
        entities = [name for name, each in CATALOG.entities.items() if each.anchor == anchor.entity]
        coordinates = [
            coordinate
            for coordinate in CATALOG.coordinates
            if CATALOG.entity_of(coordinate).anchor == anchor.entity
        ]
        readable = {c for c in coordinates if self._any(c, anchor, _READ)}
        counted = {c for c in coordinates if self._any(c, anchor, _COUNT)}
        asked = {c for c in coordinates if self._any(c, anchor, _ASK)}
        known = readable | counted | asked
        fields = {
            name: tuple(f.coordinate for f in CATALOG.fields_of(name) if f.coordinate in known)
            for name in entities
        }
        links: dict[str, tuple[Link, ...]] = {}
        # What is reached last comes first, so that a link is known by what lies behind it.
        for name in reversed(entities):
            links[name] = tuple(
                link
                for link in CATALOG.links_of(name)
                if link.coordinate in known
                or (link.target in entities and (fields[link.target] or links.get(link.target)))
            )
        numbered = counted.intersection(self.seen.authority.values(anchor.entity, "aggregate"))
        return Open(bool(numbered or readable & CATALOG.fields.keys()), fields, links)

    def _any(self, coordinate: str, anchor: Row, actions: tuple[str, ...]) -> bool:
        """Whether one of some actions on a coordinate is open on a row."""
        seen = self.seen
        sure = min(seen.held(anchor), key=len)
        granted = seen.authority.granted(seen.role, coordinate, sure)
        return any(
            seen.may(coordinate, action, anchor)
            for action in actions
            if action in granted or action.partition(":")[0] in granted
        )

    def _shown(self, row: Row, opened: Open) -> Value:
        return (
            [self.seen.value(coordinate, row) for coordinate in opened.fields[row.entity]],
            [self._linked(link, row, opened) for link in opened.links[row.entity]],
        )

    def _linked(self, link: Link, row: Row, opened: Open) -> Value:
        records, relation = self.seen.records, link.relation
        if relation.cardinality is Cardinality.CURRENT:
            current = records.current(relation, row.record, self.seen.day)
            found = [] if current is None else [current]
        else:
            found = sorted(records.related(relation, row.record), key=lambda each: each.key)
        if CATALOG.entities[link.target].anchor == link.target:
            return [each.key for each in found if self.open(Row(link.target, each)).exists]
        rows = [(each.key, Row(link.target, each, row.anchor)) for each in found]
        if relation.cardinality is Cardinality.CURRENT:
            return [self._shown(each, opened) for _, each in rows]
        return [(key, self._shown(each, opened)) for key, each in rows]
