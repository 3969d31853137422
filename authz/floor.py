"""Policy and orders → floor: what PostgreSQL has to grant, and nothing more. Pure; knows no clock.

For each coordinate and action that a role has on some row: the columns that a statement names for
it, and those that its conditions read. A capped role gets what it has at any instant, under
whatever order; on which days it sees a row is for the row policy, and so for its `standing`.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from functools import reduce
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from authz import hierarchy
from authz.ceiling import capped, effective
from authz.decided import decided
from authz.decision import Action, Deny, condition
from authz.errors import FloorImpossible
from authz.order import Status
from authz.questions import PREFIX
from db.catalog import Cardinality
from db.floor import REACH, Floor, RoleFloor
from db.guard import HEAD, STALE_POLICY, VERSION
from db.predicate import (
    Always,
    And,
    AsOf,
    Compare,
    Covers,
    Exists,
    Never,
    Operator,
    Or,
    Through,
    both,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authz.decision import DecisionSet
    from authz.order import Order
    from authz.policy import PolicySet
    from db.catalog import Catalog, Column, Field, Relation, Table
    from db.floor import Span
    from db.predicate import Predicate

_READING: Final = frozenset({Action.READ.value, Action.SORT.value, Action.AGGREGATE.value})
"""Actions by which a statement reads; filters are asked by operator. Nobody writes yet."""
_BY_LOOKUP: Final = frozenset({Operator.EQ, Operator.NE})
"""What a filter by `eq` can turn into; where a column has a lookup, these do not name it."""
_Known: TypeAlias = "tuple[datetime, datetime | None]"
"""A span of an order: it has a beginning."""
_ANY_INSTANT: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MADE: Final[deque[tuple[tuple[Catalog, str, tuple[Order, ...]], Floor]]] = deque(maxlen=4)


def floor_of(policy: PolicySet, orders: Sequence[Order]) -> Floor:
    """The floor of a policy under its orders. Takes most of a second, so the last few are kept.

    Raises FloorImpossible for an order that PostgreSQL could not hold a role to.
    """
    key = (policy.catalog, policy.digest, tuple(orders))
    # Of a copy: another thread may add to it meanwhile.
    for (catalog, *known), floor in tuple(_MADE):
        if catalog is policy.catalog and known == [*key[1:]]:
            return floor
    floor = _compiled(policy, orders)
    _MADE.append((key, floor))
    return floor


def _compiled(policy: PolicySet, orders: Sequence[Order]) -> Floor:
    for order in orders:
        _check(policy.catalog, order)
    instants = sorted({change.at for order in orders for change in order.history})
    names = capped(policy, orders)
    roles: dict[str, _Reads] = {role: _Reads(policy.catalog) for role in sorted(policy.roles)}
    for index, instant in enumerate(instants or [_ANY_INSTANT]):
        at = effective(policy, orders, instant)
        for role in sorted(names) if index else sorted(policy.roles):
            # Orders say nothing about the others, so one instant is as good as any.
            roles[role].decisions(decided(at, role))
    for role in names:
        if roles[role].functions & _lookups(policy.catalog):
            raise FloorImpossible(f"{role}: a lookup by value is not held to the population")
    return Floor(
        MappingProxyType(
            {
                role: RoleFloor(reads.read, reads.called, role in names)
                for role, reads in roles.items()
            }
            | {REACH: _reach(policy.catalog)}
        ),
        MappingProxyType({role: _standing(policy, orders, role) for role in sorted(names)}),
    )


def _reach(catalog: Catalog) -> RoleFloor:
    """All that a row scope may ask about, in whatever version: what is proposed is counted before
    it is policy. Nothing in it says who somebody is."""
    columns = {
        (table.name, column.name)
        for table in catalog.tables
        for column in table.columns.values()
        if column.scopable
    }
    return RoleFloor(frozenset(columns | {(HEAD, VERSION)}), frozenset({STALE_POLICY}), False)


def _check(catalog: Catalog, order: Order) -> None:
    population = order.population.get("Enrollee")
    match population.predicate if population else None:
        case Compare(ref, Operator.COVERS, AsOf(0), Always()) if (
            ref.hop is None and ref.column.name == "population"
        ):
            return
        case _:
            raise FloorImpossible(
                f"{order.name}: the row policy knows 'population covers as_of' as the people of an "
                "order, and no other condition"
            )


def _lookups(catalog: Catalog) -> frozenset[str]:
    columns = (field.column.lookup for field in catalog.fields.values())
    return frozenset(lookup for lookup in columns if lookup is not None)


def _standing(policy: PolicySet, orders: Sequence[Order], role: str) -> tuple[Span, ...]:
    """The spans in which orders let a capped role read, in order, each as long as it can be: those
    in which each ordered role among it and what it inherits has an order in force."""
    above = hierarchy.reachable(policy.parents, role)
    ordered = sorted(above & {order.role for order in orders})
    found = [_in_force([order for order in orders if order.role == each]) for each in ordered]
    spans = reduce(_shared, found)
    return tuple(spans)


def _in_force(orders: Sequence[Order]) -> list[_Known]:
    """The spans in which some order is in force, merged."""
    given: list[_Known] = []
    for order in orders:
        ends = [change.at for change in order.history[1:]]
        for change, end in zip(order.history, [*ends, None], strict=True):
            if change.status is Status.IN_FORCE:
                given.append((change.at, end))
    merged: list[_Known] = []
    for begin, end in sorted(given, key=lambda span: span[0]):
        last = merged[-1] if merged else None
        if last is not None and (last[1] is None or begin <= last[1]):
            longer = None if last[1] is None or end is None else max(last[1], end)
            merged[-1] = (last[0], longer)
        else:
            merged.append((begin, end))
    return merged


def _shared(some: list[_Known], others: list[_Known]) -> list[_Known]:
    """The spans in which one of each stands. Of two merged lists, so merged as well."""
    found: list[_Known] = []
    for begin, end in some:
        for other, until in others:
            first = max(begin, other)
            last = min((each for each in (end, until) if each is not None), default=None)
            if last is None or first < last:
                found.append((first, last))
    return found


class _Reads:
    """The columns and functions that statements of one role name. Every statement names the guard,
    so a role that has a column has the guard's, too."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.columns: set[tuple[str, str]] = set()
        self.functions: set[str] = set()
        self._veiled = False

    @property
    def read(self) -> frozenset[tuple[str, str]]:
        """The columns, the guard's among them."""
        return frozenset(self.columns | {(HEAD, VERSION)}) if self.columns else frozenset()

    @property
    def called(self) -> frozenset[str]:
        """The functions, the guard's among them."""
        return frozenset(self.functions | {STALE_POLICY}) if self.columns else frozenset()

    def decisions(self, decided: DecisionSet) -> None:
        """Adds what a set of decisions opens."""
        catalog = self._catalog
        self._veiled = self._veiled or decided.veiled
        numbers = catalog.coordinates - catalog.fields.keys() - catalog.links.keys()
        seen: set[tuple[str, Predicate]] = set()
        for (coordinate, action), decision in decided.table.items():
            operator = Operator(action.removeprefix(PREFIX)) if action.startswith(PREFIX) else None
            if isinstance(decision, Deny) or (operator is None and action not in _READING):
                continue
            if coordinate in catalog.fields:
                self._field(catalog.fields[coordinate], operator)
            elif coordinate in catalog.links:
                self._relation(catalog.links[coordinate].relation)
                self._keys(catalog.links[coordinate].relation.target)
            elif coordinate in numbers:
                self._keys(catalog.entity_of(coordinate).table)
            else:
                continue  # of the policy or the ledger: no record
            anchor = catalog.entities[catalog.entity_of(coordinate).anchor]
            rows = (anchor.name, condition(decision))
            if rows not in seen:
                seen.add(rows)
                self._keys(anchor.table)
                self._predicate(condition(decision), anchor.table)

    def _field(self, field: Field, operator: Operator | None) -> None:
        entity = self._catalog.entities[field.entity]
        self._keys(entity.table)
        table = entity.table
        if field.hop is not None:
            self._relation(field.hop)
            table = field.hop.target
        self._column(table, field.column, operator)

    def _column(self, table: Table, column: Column, operator: Operator | None) -> None:
        if column.lookup is not None and column.known is not None and operator in _BY_LOOKUP:
            self._keys(table)
            self.columns.add((table.name, column.known))
            self.functions.add(column.lookup)
        else:
            self.columns.add((table.name, column.name))
        if column.function is not None:
            self.functions.add(column.function)

    def _keys(self, table: Table) -> None:
        names = (*table.veil, *table.key) if self._veiled else table.key
        self.columns |= {(table.name, name) for name in names}

    def _relation(self, relation: Relation) -> None:
        for source, target in relation.on:
            self.columns |= {(relation.source, source), (relation.target.name, target)}
        if relation.cardinality is Cardinality.CURRENT:
            self._keys(relation.target)
            self._dates(relation.target)

    def _dates(self, table: Table) -> None:
        self.columns |= {(table.name, "effective_date"), (table.name, "end_date")}

    def _predicate(self, predicate: Predicate, table: Table) -> None:
        match predicate:
            case Always() | Never():
                return
            case Covers():
                self._dates(table)
            case Compare(ref, operator, _, permit):
                if ref.hop is not None:
                    self._relation(ref.hop)
                self._column(ref.hop.target if ref.hop else table, ref.column, operator)
                self._predicate(permit, table)
            case Exists(relation, where, _, permit):
                self._relation(relation)
                self._predicate(where, relation.target)
                self._predicate(permit, table)
            case Through(relation, scope, where, permit):
                self._relation(relation)
                self._predicate(both(scope, where), relation.target)
                self._predicate(permit, table)
            case And(parts) | Or(parts):
                for part in parts:
                    self._predicate(part, table)
            case _:
                assert_never(predicate)
