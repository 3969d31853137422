"""Decisions as types: always, on some rows, never. Knows nothing of how they were reached.

`AllowWhere` carries the condition itself, so whoever holds a decision can enforce it without asking
anybody again. There is no fourth answer: a coordinate or action that the set does not know is
denied.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias, assert_never

from db.predicate import Always, Never, Predicate, attributes, either

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from db.catalog import Catalog


class Action(Enum):
    """What is done with a coordinate. Filtering is asked per operator: `filter:eq`."""

    READ = "read"
    FILTER = "filter"
    SORT = "sort"
    AGGREGATE = "aggregate"
    CREATE = "create"
    UPDATE = "update"


class Reason(Enum):
    """Why something is denied; safe to tell the caller."""

    NO_RULE = "no rule allows it"
    RULE = "a rule denies it"
    ORDER = "the court order does not cover it"
    NO_ORDER = "no court order is in force"


class DenialMode(Enum):
    """What a denied selection does to an operation: null it with an error, or refuse the whole."""

    NULL = "null"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Allow:
    """On every row that the policy lets the role have at all."""


@dataclass(frozen=True, slots=True)
class AllowWhere:
    """On rows of the anchor that meet the condition. `label` names it in Casbin's terms."""

    row_filter: Predicate
    label: str = field(compare=False, default="")


@dataclass(frozen=True, slots=True)
class Deny:
    """On no row."""

    reason: Reason


Decision: TypeAlias = Allow | AllowWhere | Deny


def condition(decision: Decision) -> Predicate:
    """The rows that a decision opens, as a condition on the anchor."""
    match decision:
        case Allow():
            return Always()
        case AllowWhere(row_filter):
            return row_filter
        case Deny():
            return Never()
        case _:
            assert_never(decision)


@dataclass(frozen=True)
class DecisionSet:
    """Every decision of one role under one policy version. Lookup is one dictionary access.

    `table` holds the decisions that are not Deny(NO_RULE), by (coordinate, action), where action
    is an `Action` value or `filter:<operator>`.
    """

    role: str
    version: str
    table: Mapping[tuple[str, str], Decision]
    page_limit: int
    denial_mode: DenialMode
    row_scopes: Mapping[str, Predicate]
    """Anchor entity → the rows of it that exist for this role."""
    aggregate_scopes: Mapping[str, Predicate] = field(default_factory=dict)
    """Anchor entity → the rows of it that an aggregate of this role is made of."""
    smallest_cell: int = 0
    """The fewest people that a number in an aggregate may be about; 0 where there is no least."""

    def decide(self, coordinate: str, action: str) -> Decision:
        """The decision. Absence denies."""
        return self.table.get((coordinate, action), _NO_RULE)

    @property
    def veiled(self) -> bool:
        """Whether the role knows people by pseudonym and not by identifier: then the order of its
        lists has to be none that another role sees."""
        known, named = (self.decide(f"Enrollee.{name}", "read") for name in ("pseudonym", "id"))
        return not isinstance(known, Deny) and isinstance(named, Deny)

    @property
    def reads(self) -> frozenset[str]:
        """The attributes of the principal that its conditions read."""
        different = {id(found): found for found in self.table.values()}.values()
        return frozenset().union(*(attributes(condition(found)) for found in different))

    def row_scope(self, anchor: str) -> Predicate:
        """The rows of an anchor entity that exist for this role; none when it may read nothing."""
        return self.row_scopes.get(anchor, Never())

    def aggregate_scope(self, anchor: str) -> Predicate:
        """The rows of an anchor entity that its aggregates are made of; none without a grant."""
        return self.aggregate_scopes.get(anchor, Never())


_NO_RULE = Deny(Reason.NO_RULE)


def row_scopes(catalog: Catalog, table: Mapping[tuple[str, str], Decision]) -> dict[str, Predicate]:
    """Anchor entity → the union of the conditions under which any value of it can be read.

    A row on which nothing may be read does not exist for the role, so it is neither counted nor
    paged over. Links and counts are left out: they open no value by themselves.
    """
    conditions: dict[str, list[Decision]] = {}
    for (coordinate, action), decision in table.items():
        if action != Action.READ.value or coordinate not in catalog.fields:
            continue
        entity = catalog.entities[catalog.fields[coordinate].entity]
        conditions.setdefault(entity.anchor, []).append(decision)
    return {anchor: _any(found) for anchor, found in conditions.items()}


def aggregate_scopes(
    catalog: Catalog, table: Mapping[tuple[str, str], Decision]
) -> dict[str, Predicate]:
    """Anchor entity → the union of the conditions under which a value of it may be aggregated.

    Only values of the anchor's own type count, and its number of rows: who may aggregate spans of
    people does not thereby aggregate people.
    """
    conditions: dict[str, list[Decision]] = {}
    tallies = {entity.tally: entity.name for entity in catalog.entities.values()}
    for (coordinate, action), decision in table.items():
        if action != Action.AGGREGATE.value:
            continue
        own = catalog.fields[coordinate].entity if coordinate in catalog.fields else None
        name = own or tallies.get(coordinate)
        if name is not None and catalog.entities[name].anchor == name:
            conditions.setdefault(name, []).append(decision)
    return {anchor: _any(found) for anchor, found in conditions.items()}


def _any(decisions: Iterable[Decision]) -> Predicate:
    """The rows that some decision opens. Most are the same object, and looked at once."""
    different = {id(decision): decision for decision in decisions}.values()
    return either(*(condition(decision) for decision in different))
