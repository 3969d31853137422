"""A caller's `where` and `orderBy` → conditions and orders; each coordinate passes the gate.

Pure. A condition that the caller wrote can only narrow; what policy permits rides along in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.errors import OperationTooComplex
from api.gate import at_most
from db.catalog_records import CATALOG
from db.plan import Order
from db.predicate import COMPLEMENT, Compare, Operator, Predicate, Ref, both, either, negate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from api.arguments import Values
    from api.gate import Gate
    from db.catalog import Entity, Relation

MOST_CONDITIONS = 500
"""Conditions, `and`, `or` and `not` in all filters of one operation."""

MOST_TERMS = 5


class Narrowing:
    """The filters and orders of one operation."""

    def __init__(self, gate: Gate, values: Values) -> None:
        self._gate = gate
        self._values = values
        self._asked = 0

    def where(self, asked: Mapping[str, object], entity: Entity, hop: Relation | None) -> Predicate:
        """The condition of a filter input on rows of an entity, one to-one hop away when `hop`.

        Raises PositionDenied, ArgumentInvalid or OperationTooComplex.
        """
        parts: list[Predicate] = []
        self._asked = at_most(MOST_CONDITIONS, self._asked + 1)
        for name, value in asked.items():
            match name:
                case "and" | "or":
                    join = both if name == "and" else either
                    parts.append(
                        join(*(self.where(self._values.mapping(v), entity, hop)
                               for v in self._values.items(value)))
                    )  # fmt: skip
                case "not":
                    parts.append(negate(self.where(self._values.mapping(value), entity, hop)))
                case _:
                    parts.append(self._about(f"{entity.name}.{name}", value, hop))
        return both(*parts)

    def _about(self, coordinate: str, value: object, hop: Relation | None) -> Predicate:
        asked = self._values.mapping(value)
        if coordinate in CATALOG.links:
            link = CATALOG.links[coordinate]
            return self.where(asked, CATALOG.entities[link.target], link.relation)
        field = CATALOG.fields[coordinate]
        parts: list[Predicate] = []
        for name, operand in asked.items():
            operator = Operator(name)
            self._asked = at_most(MOST_CONDITIONS, self._asked + 1)
            permit = self._gate.filter(coordinate, operator)
            ref = Ref(field.column, hop or field.hop)
            if operator is Operator.IS_NULL:
                missing = operator if self._values.boolean(operand) else COMPLEMENT[operator]
                parts.append(Compare(ref, missing, None, permit))
            else:
                slot = self._values.add(self._values.typed(operand, field.column, operator))
                parts.append(Compare(ref, operator, slot, permit))
        return both(*parts)

    def order(self, asked: Iterable[Mapping[str, object]], entity: Entity) -> tuple[Order, ...]:
        """A total order: the terms that were asked for, and the table's key behind them.

        Raises PositionDenied, ArgumentInvalid or OperationTooComplex.
        """
        terms: list[Order] = []
        for term in asked:
            ((name, direction),) = term.items()
            field = CATALOG.fields[f"{entity.name}.{name}"]
            self._gate.sort(field.coordinate)
            ref = Ref(field.column, field.hop)
            if all(ref != known.ref for known in terms):
                terms.append(Order(ref, self._values.descending(direction)))
        if len(terms) > MOST_TERMS:
            raise OperationTooComplex(limit=MOST_TERMS)
        named = {term.ref for term in terms}
        return (*terms, *(o for o in self.key_order(entity) if o.ref not in named))

    def key_order(self, entity: Entity) -> tuple[Order, ...]:
        """The table's key: structural columns, random, which nobody selects."""
        return tuple(Order(Ref(entity.table.columns[name]), False) for name in entity.table.key)
