"""A caller's `where` and `orderBy` → conditions and orders; each coordinate passes the gate.

Pure. A condition that the caller wrote can only narrow; what policy permits rides along in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, assert_never

from api.errors import OperationTooComplex
from api.gate import Reached, Way, at_most
from db.catalog import Cardinality
from db.catalog_records import CATALOG
from db.plan import Order, Step
from db.predicate import (
    COMPLEMENT,
    Compare,
    Exists,
    Operator,
    Predicate,
    Through,
    both,
    either,
    negate,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from api.arguments import Values
    from api.gate import Gate
    from db.catalog import Entity

MOST_CONDITIONS = 500
"""Conditions, `and`, `or` and `not` in all filters of one operation."""

MOST_STEPS = 5
"""Links that a filter goes along, one behind the other."""

MOST_TERMS = 5
"""Terms of an order."""


_LISTS: Final = {Operator.IN: (Operator.EQ, either), Operator.NOT_IN: (Operator.NE, both)}


@dataclass(frozen=True, slots=True)
class _At:
    """Where in a filter: whose values are asked about, by which step if they count as those of the
    row at hand, and whether the negation of what is written is what will be asked."""

    entity: Entity
    by: Way | None = None
    negated: bool = False


class Narrowing:
    """The filters and orders of one operation."""

    def __init__(self, gate: Gate, values: Values) -> None:
        self._gate = gate
        self._values = values
        self._asked = 0
        self._steps = 0

    def where(self, asked: Mapping[str, object], entity: Entity) -> Predicate:
        """The condition of a filter input on rows of an entity.

        Raises PositionDenied, ArgumentInvalid or OperationTooComplex.
        """
        return self._all(asked, _At(entity))

    def _all(self, asked: Mapping[str, object], at: _At) -> Predicate:
        parts: list[Predicate] = []
        self._count()
        for name, value in asked.items():
            match name:
                case "and" | "or":
                    join = both if name == "and" else either
                    inner = (self._values.mapping(item) for item in self._values.items(value))
                    parts.append(join(*(self._all(item, at) for item in inner)))
                case "not":
                    below = replace(at, negated=not at.negated)
                    parts.append(negate(self._all(self._values.mapping(value), below)))
                case _:
                    parts.append(self._about(f"{at.entity.name}.{name}", value, at))
        return both(*parts)

    def _about(self, coordinate: str, value: object, at: _At) -> Predicate:
        asked = self._values.mapping(value)
        if coordinate in CATALOG.links:
            self._steps = at_most(MOST_STEPS, self._steps + 1)
            found = self._along(self._gate.filter_way(coordinate), asked, at)
            self._steps -= 1
            return found
        return both(
            *(self._leaf(coordinate, Operator(name), item, at) for name, item in asked.items())
        )

    def _leaf(self, coordinate: str, operator: Operator, operand: object, at: _At) -> Predicate:
        self._count()
        found = self._gate.filter(coordinate, operator, at.by, negated=at.negated)
        if operator is Operator.IS_NULL:
            missing = operator if self._values.boolean(operand) else COMPLEMENT[operator]
            return Compare(found.ref, missing, None, found.permit)
        if self._gate.coarse and operator in _LISTS:
            return self._each(found, operator, operand)
        value = self._values.typed(operand, found.ref.column, operator)
        return Compare(found.ref, operator, self._values.add(value), found.permit)

    def _each(self, found: Reached, operator: Operator, values: object) -> Predicate:
        """A list as what it stands for, where each clause of a filter is weighed: one of these, or
        none of these and some value."""
        single, join = _LISTS[operator]
        leaves = [
            Compare(found.ref, single, self._values.add(value), found.permit)
            for value in self._values.each(values, found.ref.column)
        ]
        if operator is Operator.NOT_IN:
            leaves.append(Compare(found.ref, Operator.IS_NOT_NULL, None, found.permit))
        return join(*leaves)

    def _along(self, way: Way, asked: Mapping[str, object], at: _At) -> Predicate:
        """Conditions on what a link leads to."""
        match way.relation.cardinality:
            case Cardinality.CURRENT:
                # Its values are asked about as values of the row at hand: without an address, there
                # is no city.
                return self._all(asked, _At(way.target, way, at.negated))
            case Cardinality.ONE:
                inner = self._all(asked, _At(way.target, None, at.negated))
                return Through(way.relation, way.scope, inner, way.permit, way.anchored)
            case Cardinality.MANY:
                return both(*(self._some(way, name, value) for name, value in asked.items()))
            case _:
                assert_never(way.relation.cardinality)

    def _some(self, way: Way, name: str, value: object) -> Predicate:
        """Some row meets a condition, or none does, of those that exist. What is asked of these
        rows is asked as it is written, whatever is negated around it."""
        inner = self.where(self._values.mapping(value), way.target)
        return Exists(way.relation, inner, name == "none", way.permit, way.anchored, way.scope)

    def _count(self) -> None:
        self._asked = at_most(MOST_CONDITIONS, self._asked + 1)

    def order(self, asked: Iterable[Mapping[str, object]], entity: Entity) -> tuple[Order, ...]:
        """A total order: the terms that were asked for, and the table's key behind them.

        Raises PositionDenied, ArgumentInvalid or OperationTooComplex.
        """
        terms: list[Order] = []
        for term in asked:
            found = self._term(term, entity, ())
            if all((found.ref, found.through) != (known.ref, known.through) for known in terms):
                terms.append(found)
        if len(terms) > MOST_TERMS:
            raise OperationTooComplex(limit=MOST_TERMS)
        named = {term.ref for term in terms if not term.through}
        return (*terms, *(order for order in self.key_order(entity) if order.ref not in named))

    def _term(
        self, asked: Mapping[str, object], entity: Entity, through: tuple[Step, ...]
    ) -> Order:
        ((name, value),) = asked.items()
        found = self._gate.sort(f"{entity.name}.{name}")
        if isinstance(found, Reached):
            return Order(found.ref, self._values.descending(value), through)
        step = Step(found.relation, found.scope)
        return self._term(self._values.term(value), found.target, (*through, step))

    def key_order(self, entity: Entity) -> tuple[Order, ...]:
        """The order by the table's key."""
        return tuple(Order(ref, False) for ref in self._gate.keys(entity))
