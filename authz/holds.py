"""Whether a condition holds on a row that somebody made up. Knows no policy and no database.

A comparison with a missing value is false, and so is its negation (`db.predicate`). A dated row
that does not say its first day holds since ever, as one that does not say its last holds for good.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, assert_never

from authz.synthetic import span
from db.catalog import Cardinality
from db.predicate import (
    Always,
    And,
    AsOf,
    Attribute,
    Compare,
    Covers,
    Exists,
    Literal,
    Never,
    Operator,
    Or,
    Through,
    both,
)

if TYPE_CHECKING:
    from authz.principal import Attributes
    from authz.synthetic import Row, Value
    from db.catalog import Relation
    from db.predicate import Predicate


def holds(predicate: Predicate, row: Row, attributes: Attributes, day: date) -> bool:
    """Whether a condition of policy holds on a row, for a principal with these attributes, on the
    day of a request (UTC). ValueError for one that compares with a value of an operation."""
    return _Question(attributes, day).holds(predicate, row, row)


class _Question:
    """Who asks, and when."""

    def __init__(self, attributes: Attributes, day: date) -> None:
        self._attributes = attributes
        self._day = day

    def holds(self, predicate: Predicate, row: Row, anchor: Row) -> bool:
        match predicate:
            case Always():
                return True
            case Never():
                return False
            case And(parts):
                return all(self.holds(part, row, anchor) for part in parts)
            case Or(parts):
                return any(self.holds(part, row, anchor) for part in parts)
            case Covers(negated):
                return self._covers(row) is not negated
            case Compare(_, _, _, permit):
                return self.holds(permit, anchor, anchor) and self._compared(predicate, row)
            case Exists(relation, where, negated, permit, anchored, scope):
                asked = both(scope, where)
                found = any(
                    self.holds(asked, target, target if anchored else anchor)
                    for target in self._related(relation, row)
                )
                return self.holds(permit, anchor, anchor) and found is not negated
            case Through(relation, scope, where, permit, anchored):
                return self.holds(
                    Exists(relation, where, False, permit, anchored, scope), row, anchor
                )
            case _:
                assert_never(predicate)

    def _covers(self, row: Row) -> bool:
        begin, end = row.values.get("effective_date"), row.values.get("end_date")
        return (not isinstance(begin, date) or begin <= self._day) and (
            not isinstance(end, date) or end >= self._day
        )

    def _related(self, relation: Relation, row: Row) -> tuple[Row, ...]:
        found = row.related.get(relation.name, ())
        if relation.cardinality is not Cardinality.CURRENT:
            return found
        covering = [each for each in found if self._covers(each)]
        return (max(covering, key=_begun),) if covering else ()

    def _compared(self, leaf: Compare, row: Row) -> bool:
        hop, name = leaf.ref.hop, leaf.ref.column.name
        rows = (row,) if hop is None else self._related(hop, row)
        values = [value for each in rows if (value := each.values.get(name)) is not None]
        match leaf.operator:
            case Operator.IS_NULL:
                return not values
            case Operator.IS_NOT_NULL:
                return bool(values)
            case _:
                return any(self._tested(leaf, value) for value in values)

    def _tested(self, leaf: Compare, value: Value) -> bool:
        wanted = self._wanted(leaf, value)
        match leaf.operator:
            case Operator.EQ:
                return value == wanted
            case Operator.NE:
                return value != wanted
            case Operator.LT | Operator.LTE | Operator.GT | Operator.GTE:
                return _in_order(leaf.operator, value, wanted)
            case Operator.IN:
                return value in _listed(wanted)
            case Operator.NOT_IN:
                return value not in _listed(wanted)
            case Operator.STARTS_WITH:
                return str(value).startswith(str(wanted))
            case Operator.NOT_STARTS_WITH:
                return not str(value).startswith(str(wanted))
            case Operator.HAS:
                return wanted in _listed(value)
            case Operator.HAS_NOT:
                return wanted not in _listed(value)
            case Operator.COVERS:
                return _on(value, wanted)
            case Operator.NOT_COVERS:
                return not _on(value, wanted)
            case Operator.IS_NULL | Operator.IS_NOT_NULL:
                raise ValueError("asked of no value")
            case _:
                assert_never(leaf.operator)

    def _wanted(self, leaf: Compare, value: Value) -> Value:
        match leaf.operand:
            case AsOf(months):
                return months_before(self._day, months)
            case Attribute(name):
                return self._attributes.lists.get(name, ())
            case Literal(str() as text) if isinstance(value, date):
                return date.fromisoformat(text)
            case Literal(wanted):
                return wanted
            case _:
                raise ValueError("not a condition of policy")


def months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or the last of that month where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _begun(row: Row) -> tuple[date, int]:
    """By what of two dated rows the later is known: the day on which it began, then its number."""
    begin, number = row.values.get("effective_date"), row.values.get("span_num")
    return (
        begin if isinstance(begin, date) else date.min,
        number if isinstance(number, int) else 0,
    )


def _in_order(operator: Operator, value: Value, wanted: Value) -> bool:
    match value, wanted:
        case (date(), date()) | (int() | Decimal(), int() | Decimal()) | (str(), str()):
            before, same = value < wanted, value == wanted  # type: ignore[operator]  # alike here
        case _:
            return False
    match operator:
        case Operator.LT:
            return before
        case Operator.LTE:
            return before or same
        case Operator.GT:
            return not before and not same
        case _:
            return not before


def _listed(value: Value) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


def _on(days: Value, day: Value) -> bool:
    spans = [span(text) for text in _listed(days) if isinstance(text, str)]
    return isinstance(day, date) and any(
        each is not None and each[0] <= day <= each[1] for each in spans
    )
