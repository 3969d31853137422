"""Operation and decisions → plan. Pure; knows neither tokens nor SQL.

INVARIANT: a coordinate enters a plan only through `_Gate`, with the action that it is used for. A
denied selection becomes `Nothing`, which holds no column; a denied filter, order or argument
refuses the operation before anything is asked of the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.arguments import Values, page_of, where_digest
from api.errors import OperationDenied, OperationTooComplex, PositionDenied
from api.schema.query import RECORDS
from authz.decision import Action, Allow, AllowWhere, DenialMode, Deny
from db.catalog import Cardinality, Entity, Field, Link
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
    Order,
    PageFact,
    PageInfo,
    Plan,
    Rows,
    Single,
    Value,
)
from db.predicate import (
    COMPLEMENT,
    Always,
    Compare,
    Never,
    Operator,
    Predicate,
    Ref,
    both,
    either,
    negate,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from api.cursor import Binding, Sealer
    from api.operation import Operation, Selected
    from authz.decision import Decision, DecisionSet
    from db.catalog import Relation
    from db.plan import Key, Member, Output, Root

MOST_ROWS = 60_000
"""Rows that the pages of one operation may hold when all are full."""

MOST_VALUES = 1_000_000
"""Values that one answer may hold when all its pages are full: what a row has is asked of each."""

MOST_CONDITIONS = 500
"""Conditions, `and`, `or` and `not` in all filters of one operation."""

MOST_TERMS = 5


@dataclass(frozen=True, slots=True)
class Denial:
    """One selection that is denied: what it is, and where the document asks for it."""

    coordinate: str
    path: tuple[str, ...]
    below_list: bool
    location: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Planned:
    """The outcome for the record roots of an operation.

    `roots` maps response keys to the index of the plan's root, or None for a denied one.
    `conditional` are the coordinates that hold only on some rows, whether or not a row was touched.
    """

    plan: Plan
    values: tuple[object, ...]
    roots: Mapping[str, int | None]
    denials: tuple[Denial, ...]
    conditional: tuple[str, ...]
    bindings: tuple[Binding, ...]


def plan_operation(
    operation: Operation, decisions: DecisionSet, subject: str, sealer: Sealer
) -> Planned:
    """The plan of an operation for a role.

    Raises PositionDenied, OperationDenied, ArgumentInvalid, PageTooLarge, CursorInvalid or
    OperationTooComplex.
    """
    planner = _Planner(decisions, subject, sealer)
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
        planner.values.all,
        roots,
        tuple(gate.denials),
        tuple(sorted(gate.conditional)),
        tuple(planner.bindings),
    )


class _Gate:
    """The one way for a coordinate into a plan: an action is decided, and its condition comes out.

    A condition equal to the row scope of the anchor holds on every row there is, so it is Always.
    """

    def __init__(self, decisions: DecisionSet) -> None:
        self.decisions = decisions
        self.denials: list[Denial] = []
        self.conditional: set[str] = set()

    def scope(self, entity: Entity) -> Predicate:
        """The rows of an anchor that exist for the role."""
        return self.decisions.row_scope(entity.name)

    def _permit(self, coordinate: str, decision: Decision) -> Predicate | None:
        match decision:
            case Allow():
                return Always()
            case AllowWhere(row_filter):
                anchor = CATALOG.entity_of(coordinate).anchor
                if row_filter == self.decisions.row_scope(anchor):
                    return Always()
                return row_filter
            case Deny():
                return None

    def selection(self, coordinate: str, action: Action, place: _Place) -> Predicate | None:
        """The condition under which a selection shows; None, and a denial, when it never does."""
        permit = self._permit(coordinate, self.decisions.decide(coordinate, action.value))
        if permit is None:
            self.denials.append(Denial(coordinate, place.path, place.below_list, place.location))
        elif not isinstance(permit, Always):
            self.conditional.add(coordinate)
        return permit

    def filter(self, coordinate: str, operator: Operator) -> Predicate:
        """The condition under which a filter may look at a coordinate. PositionDenied if never."""
        action = f"{Action.FILTER.value}:{operator.value}"
        permit = self._permit(coordinate, self.decisions.decide(coordinate, action))
        if permit is None:
            raise PositionDenied(coordinate=coordinate, position="filter", operator=operator.value)
        if not isinstance(permit, Always):
            self.conditional.add(coordinate)
        return permit

    def sort(self, coordinate: str) -> None:
        """Refuses an order by what is not to be sorted, not to be read, or hidden on some rows.

        Reading is asked too, because the place of a row among others tells its value.
        """
        for action in (Action.SORT, Action.READ):
            decision = self.decisions.decide(coordinate, action.value)
            if not isinstance(self._permit(coordinate, decision), Always):
                raise PositionDenied(coordinate=coordinate, position="orderBy")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the document: response keys from the root, whether a list lies between."""

    path: tuple[str, ...]
    below_list: bool
    location: tuple[int, int]
    rows: int = 1

    def below(self, selected: Selected, *, listed: bool = False, rows: int = 1) -> _Place:
        product = _at_most(MOST_ROWS, self.rows * max(rows, 1))
        return _Place(
            (*self.path, selected.key), self.below_list or listed, selected.location, product
        )


def _at_most(most: int, count: int) -> int:
    """The count. OperationTooComplex when it is more than the most."""
    if count > most:
        raise OperationTooComplex(limit=most)
    return count


class _Planner:
    def __init__(self, decisions: DecisionSet, subject: str, sealer: Sealer) -> None:
        self.gate = _Gate(decisions)
        self.values = Values()
        self.bindings: list[Binding] = []
        self._shown = 0
        self._asked = 0
        self._sealer = sealer
        self._caller = (subject, decisions.role)
        self._limit = decisions.page_limit

    # Roots

    def root(self, selected: Selected) -> Root | None:
        entity = CATALOG.entities[RECORDS[selected.name]]
        place = _Place((selected.key,), False, selected.location)
        scope = self.gate.scope(entity)
        if isinstance(scope, Never):
            self.gate.denials.append(
                Denial(f"Query.{selected.name}", place.path, False, selected.location)
            )
            return None
        if selected.name == "enrollee":
            return self._single(selected, entity, scope, place)
        return self._connection(selected, entity, None, scope, place, Always())

    def _single(
        self, selected: Selected, entity: Entity, scope: Predicate, place: _Place
    ) -> Single:
        field = CATALOG.fields["Enrollee.medicaidId"]
        permit = self.gate.filter(field.coordinate, Operator.EQ)
        slot = self.values.add(self.values.typed(selected.arguments["medicaidId"], field.column))
        where = Compare(Ref(field.column), Operator.EQ, slot, permit)
        # The statement looks for one row more than a page shows, and so finds out about a second.
        page, _ = page_of({}, self.values, 1, entity, (), None)
        rows = Rows(entity.table, None, True, where, scope, self._key_order(entity), page)
        return Single(rows, self._body(selected.children, entity, place))

    # Lists

    def _connection(
        self,
        selected: Selected,
        entity: Entity,
        relation: Relation | None,
        scope: Predicate,
        place: _Place,
        permit: Predicate,
    ) -> Connection:
        arguments = selected.arguments
        where = self._where(arguments.get("where") or {}, entity, None)
        order = self._order(arguments.get("orderBy") or (), entity)
        listed = relation.source if relation is not None else "Query"
        digest = where_digest(self._caller, f"{listed}.{selected.name}", entity, arguments)
        page, binding = page_of(
            arguments, self.values, self._limit, entity, order, (digest, self._sealer)
        )
        rows = Rows(entity.table, relation, entity.anchor == entity.name, where, scope, order, page)
        number = len(self.bindings)
        self.bindings.append(binding)
        limit = self.values.integer(page.limit)
        members = tuple(
            self._member(child, entity, place, number, limit) for child in selected.children
        )
        return Connection(self._key(selected), rows, members, permit)

    def _member(
        self, selected: Selected, entity: Entity, place: _Place, number: int, limit: int
    ) -> Member:
        key = self._key(selected)
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
                return PageInfo(
                    key, tuple(self._page_fact(child, number) for child in selected.children)
                )
            case _:
                below = place.below(selected)
                permit = self.gate.selection(entity.counted, Action.AGGREGATE, below)
                return self._nothing(selected) if permit is None else Count(key, permit)

    def _edge(
        self, selected: Selected, entity: Entity, place: _Place, number: int
    ) -> Cursor | Node | Constant:
        key = self._key(selected)
        match selected.name:
            case "__typename":
                return Constant(key, f"{entity.name}Edge")
            case "cursor":
                return Cursor(key, number)
            case _:
                return Node(key, self._body(selected.children, entity, place.below(selected)))

    def _page_fact(self, selected: Selected, number: int) -> tuple[Key, PageFact, int] | Constant:
        key = self._key(selected)
        if selected.name == "__typename":
            return Constant(key, "PageInfo")
        return key, PageFact(selected.name), number

    # Rows

    def _body(
        self, children: Iterable[Selected], entity: Entity, place: _Place
    ) -> tuple[Output, ...]:
        return tuple(self._output(child, entity, place.below(child)) for child in children)

    def _output(self, selected: Selected, entity: Entity, place: _Place) -> Output:
        self._shown = _at_most(MOST_VALUES, self._shown + place.rows)
        if selected.name == "__typename":
            return Constant(self._key(selected), entity.name)
        coordinate = f"{entity.name}.{selected.name}"
        permit = self.gate.selection(coordinate, Action.READ, place)
        if permit is None:
            return self._nothing(selected)
        if coordinate in CATALOG.fields:
            return self._value(selected, CATALOG.fields[coordinate], permit)
        return self._link(selected, CATALOG.links[coordinate], place, permit)

    def _value(self, selected: Selected, field: Field, permit: Predicate) -> Value:
        return Value(self._key(selected), Ref(field.column, field.hop), permit)

    def _link(
        self, selected: Selected, link: Link, place: _Place, permit: Predicate
    ) -> Object | Connection:
        target = CATALOG.entities[link.target]
        anchored = target.anchor == target.name
        # What belongs to a person or a claim is as visible as these; another anchor has its own.
        scope = self.gate.scope(target) if anchored else Always()
        if link.relation.cardinality is Cardinality.MANY:
            return self._connection(selected, target, link.relation, scope, place, permit)
        body = self._body(selected.children, target, place)
        return Object(self._key(selected), link.relation, body, permit, scope, anchored)

    # Filters and orders

    def _where(
        self, asked: Mapping[str, object], entity: Entity, hop: Relation | None
    ) -> Predicate:
        parts: list[Predicate] = []
        self._asked = _at_most(MOST_CONDITIONS, self._asked + 1)
        for name, value in asked.items():
            match name:
                case "and" | "or":
                    join = both if name == "and" else either
                    parts.append(
                        join(*(self._where(self.values.mapping(v), entity, hop)
                               for v in self.values.items(value)))
                    )  # fmt: skip
                case "not":
                    parts.append(negate(self._where(self.values.mapping(value), entity, hop)))
                case _:
                    parts.append(self._about(f"{entity.name}.{name}", value, hop))
        return both(*parts)

    def _about(self, coordinate: str, value: object, hop: Relation | None) -> Predicate:
        asked = self.values.mapping(value)
        if coordinate in CATALOG.links:
            link = CATALOG.links[coordinate]
            return self._where(asked, CATALOG.entities[link.target], link.relation)
        field = CATALOG.fields[coordinate]
        parts: list[Predicate] = []
        for name, operand in asked.items():
            operator = Operator(name)
            self._asked = _at_most(MOST_CONDITIONS, self._asked + 1)
            permit = self.gate.filter(coordinate, operator)
            ref = Ref(field.column, hop or field.hop)
            if operator is Operator.IS_NULL:
                missing = operator if self.values.boolean(operand) else COMPLEMENT[operator]
                parts.append(Compare(ref, missing, None, permit))
            else:
                slot = self.values.add(self.values.typed(operand, field.column, operator))
                parts.append(Compare(ref, operator, slot, permit))
        return both(*parts)

    def _order(self, asked: Iterable[Mapping[str, object]], entity: Entity) -> tuple[Order, ...]:
        terms: list[Order] = []
        for term in asked:
            ((name, direction),) = term.items()
            field = CATALOG.fields[f"{entity.name}.{name}"]
            self.gate.sort(field.coordinate)
            ref = Ref(field.column, field.hop)
            if all(ref != known.ref for known in terms):
                terms.append(Order(ref, self.values.descending(direction)))
        if len(terms) > MOST_TERMS:
            raise OperationTooComplex(limit=MOST_TERMS)
        named = {term.ref for term in terms}
        return (*terms, *(o for o in self._key_order(entity) if o.ref not in named))

    def _key_order(self, entity: Entity) -> tuple[Order, ...]:
        # Structural columns: random keys that make an order total. Nobody selects them.
        return tuple(Order(Ref(entity.table.columns[name]), False) for name in entity.table.key)

    # Keys

    def _key(self, selected: Selected) -> Key:
        return selected.key if selected.key == selected.name else self.values.add(selected.key)

    def _nothing(self, selected: Selected) -> Nothing:
        # A slot even for the schema's own name, so that no denied name stands in the statement.
        return Nothing(self.values.add(selected.key))
