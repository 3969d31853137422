"""Operation and decisions → plan. Pure; knows neither tokens nor SQL.

INVARIANT: a coordinate enters a plan only through `api.gate.Gate`, with the action that it is used
for. A denied selection becomes `Nothing`, which holds no column; a denied filter, order or argument
refuses the operation before anything is asked of the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.arguments import Values, page_of
from api.errors import OperationDenied
from api.gate import Gate, Place, Reached, Way, at_most
from api.given import Listing
from api.narrowing import Narrowing
from api.schema.query import RECORDS, SUMMARIES
from api.summary_plan import Summaries
from authz.decision import Action, DenialMode
from db.catalog import Cardinality, Entity
from db.catalog_records import CATALOG
from db.plan import (
    Connection,
    Constant,
    Count,
    Cursor,
    Edges,
    Node,
    Nodes,
    Nothing,
    Object,
    PageFact,
    PageInfo,
    Plan,
    Rows,
    Single,
    Value,
)
from db.predicate import Always, Compare, Operator, Predicate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from api.arguments import Source
    from api.demand import Demand
    from api.gate import Denial
    from api.given import Fact, Given
    from api.operation import Operation, Selected
    from api.shape import Shape
    from authz.decision import DecisionSet
    from db.catalog import Relation
    from db.plan import Key, Member, Output, Root, Summary

MOST_VALUES = 1_000_000
"""Values that one answer may hold when all its pages are full: what a row has is asked of each."""

_KEY = 32
"""Characters of a response key that go with a value; a longer one counts as several values."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The outcome for the record roots of an operation.

    `roots` maps response keys to the index of the plan's root, or None for a denied one.
    `conditional` are the coordinates that hold only on some rows, whether or not a row was touched.
    """

    plan: Plan
    sources: tuple[Source, ...]
    """Where the value of each slot comes from."""
    facts: tuple[Fact, ...]
    """What the plan depends on besides operation and decisions."""
    roots: Mapping[str, int | None]
    denials: tuple[Denial, ...]
    conditional: tuple[str, ...]
    listings: tuple[Listing, ...]
    shapes: Mapping[str, Shape]
    """Response keys of aggregates → what their answers look like."""
    demands: tuple[Demand, ...]
    """What was asked of the decisions, in order. Below a selection that is denied nothing was."""


def plan_operation(operation: Operation, decisions: DecisionSet, given: Given) -> Planned:
    """The plan of an operation for a role, good for every request with the same facts as this one.

    Raises PositionDenied, OperationDenied, ArgumentInvalid, PageTooLarge, CursorInvalid or
    OperationTooComplex.
    """
    planner = _Planner(decisions, given)
    roots: dict[str, int | None] = {}
    planned: list[Root] = []
    for selected in operation.records:
        root = planner.root(selected)
        roots[selected.key] = len(planned) if root is not None else None
        if root is not None:
            planned.append(root)
    gate = planner.gate
    if gate.denials and decisions.denial_mode is DenialMode.REFUSE:
        raise OperationDenied(coordinates=sorted({each.coordinate for each in gate.denials}))
    return Planned(
        Plan(tuple(planned)),
        planner.values.sources,
        planner.values.facts,
        roots,
        tuple(gate.denials),
        tuple(sorted(gate.conditional)),
        tuple(planner.listings),
        planner.shapes,
        tuple(gate.demands),
    )


class _Planner:
    def __init__(self, decisions: DecisionSet, given: Given) -> None:
        self.gate = Gate(decisions)
        self.values = Values(given)
        self.listings: list[Listing] = []
        self.shapes: dict[str, Shape] = {}
        self._shown = 0
        self._narrowing = Narrowing(self.gate, self.values)
        self._role = decisions.role
        self._limit = decisions.page_limit
        self._summaries = Summaries(self.gate, self.values, self._spend)

    # Roots

    def root(self, selected: Selected) -> Root | None:
        entity = CATALOG.entities[RECORDS[selected.name]]
        place = Place((selected.key,), False, selected.location)
        if selected.name in SUMMARIES:
            return self._summary(selected, entity, place)
        scope = self.gate.rows(selected.name, entity, place)
        if scope is None:
            return None
        if selected.name == "enrollee":
            return self._single(selected, entity, scope, place)
        return self._connection(selected, entity, None, scope, place, Always())

    def _summary(self, selected: Selected, entity: Entity, place: Place) -> Summary | None:
        found = self._summaries.root(selected, entity, place)
        if found is None:
            return None
        plan, self.shapes[selected.key] = found
        return plan

    def _single(self, selected: Selected, entity: Entity, scope: Predicate, place: Place) -> Single:
        key = self.gate.filter("Enrollee.medicaidId", Operator.EQ)
        slot = self.values.add(self.values.typed(selected.arguments["medicaidId"], key.ref.column))
        where = Compare(key.ref, Operator.EQ, slot, key.permit)
        # The statement looks for one row more than a page shows, and so finds out about a second.
        page = page_of({}, self.values, 1, None)
        rows = Rows(entity.table, None, True, where, scope, self._narrowing.key_order(entity), page)
        return Single(rows, self._body(selected.children, entity, place))

    # Lists

    def _connection(
        self,
        selected: Selected,
        entity: Entity,
        relation: Relation | None,
        scope: Predicate,
        place: Place,
        permit: Predicate,
    ) -> Connection:
        arguments = selected.arguments
        where = self._narrowing.where(arguments.get("where") or {}, entity)
        order = self._narrowing.order(arguments.get("orderBy") or (), entity)
        listed = relation.source if relation is not None else "Query"
        number = len(self.listings)
        narrowing = {name: arguments.get(name) for name in ("where", "orderBy")}
        listing = Listing(number, self._role, f"{listed}.{selected.name}", narrowing, order)
        self.listings.append(listing)
        page = page_of(arguments, self.values, self._limit, listing)
        rows = Rows(entity.table, relation, entity.anchor == entity.name, where, scope, order, page)
        limit = self.values.integer(page.limit)
        members = tuple(
            self._member(child, entity, place, number, limit) for child in selected.children
        )
        return Connection(self._key(selected), rows, members, permit)

    def _member(
        self, selected: Selected, entity: Entity, place: Place, number: int, limit: int
    ) -> Member:
        key = self._key(selected)
        self._spend(selected, place.rows)
        match selected.name:
            case "__typename":
                return Constant(key, f"{entity.name}Connection")
            case "nodes":
                below = place.below(selected, listed=True, rows=limit)
                return Nodes(key, self._body(selected.children, entity, below))
            case "edges":
                below = place.below(selected, listed=True, rows=limit)
                parts = tuple(
                    self._edge(child, entity, below, number) for child in selected.children
                )
                return Edges(key, parts)
            case "pageInfo":
                facts = tuple(
                    self._page_fact(child, number, place.rows) for child in selected.children
                )
                return PageInfo(key, facts)
            case _:
                below = place.below(selected)
                found = self.gate.selection(entity.counted, Action.AGGREGATE, below)
                return self._nothing(selected) if found is None else Count(key, found.permit)

    def _edge(
        self, selected: Selected, entity: Entity, place: Place, number: int
    ) -> Cursor | Node | Constant:
        key = self._key(selected)
        self._spend(selected, place.rows)
        match selected.name:
            case "__typename":
                return Constant(key, f"{entity.name}Edge")
            case "cursor":
                return Cursor(key, number)
            case _:
                return Node(key, self._body(selected.children, entity, place.below(selected)))

    def _page_fact(
        self, selected: Selected, number: int, rows: int
    ) -> tuple[Key, PageFact, int] | Constant:
        key = self._key(selected)
        self._spend(selected, rows)
        if selected.name == "__typename":
            return Constant(key, "PageInfo")
        return key, PageFact(selected.name), number

    # Rows

    def _body(
        self, children: Iterable[Selected], entity: Entity, place: Place
    ) -> tuple[Output, ...]:
        return tuple(self._output(child, entity, place.below(child)) for child in children)

    def _output(self, selected: Selected, entity: Entity, place: Place) -> Output:
        self._spend(selected, place.rows)
        if selected.name == "__typename":
            return Constant(self._key(selected), entity.name)
        coordinate = f"{entity.name}.{selected.name}"
        found = self.gate.selection(coordinate, Action.READ, place)
        match found:
            case Reached(ref, permit):
                return Value(self._key(selected), ref, permit)
            case Way() as way:
                return self._link(selected, way, place)
            case _:
                return self._nothing(selected)

    def _link(self, selected: Selected, way: Way, place: Place) -> Object | Connection:
        # What belongs to a person or a claim is as visible as these; another anchor has its own.
        if way.relation.cardinality is Cardinality.MANY:
            return self._connection(
                selected, way.target, way.relation, way.scope, place, way.permit
            )
        body = self._body(selected.children, way.target, place)
        return Object(self._key(selected), way.relation, body, way.permit, way.scope, way.anchored)

    # Keys

    def _spend(self, selected: Selected, rows: int) -> None:
        values = rows * (1 + len(selected.key) // _KEY)
        self._shown = at_most(MOST_VALUES, self._shown + values)

    def _key(self, selected: Selected) -> Key:
        return selected.key if selected.key == selected.name else self.values.add(selected.key)

    def _nothing(self, selected: Selected) -> Nothing:
        # A slot even for the schema's own name, so that no denied name stands in the statement.
        return Nothing(self.values.add(selected.key))
