"""Whether one condition can only hold where another does. Knows rows by their conditions alone.

Sound and not complete: yes is a proof, for every row, every principal and every day; no means that
none was found. Text has no order here, because that is a matter of collations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from math import inf, prod
from typing import TYPE_CHECKING, Final, TypeAlias

from db.catalog import Cardinality, Kind
from db.predicate import (
    Always,
    And,
    AsOf,
    Compare,
    Exists,
    Literal,
    Never,
    Operator,
    Or,
    Ref,
    Through,
    both,
    negate,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from db.predicate import Predicate

_MOST_WAYS: Final = 512
"""Ways to meet a condition that are looked at one by one; of one with more, nothing is proven."""

_Span: TypeAlias = "tuple[float, bool, float, bool]"
"""Lowest value, whether it belongs, highest value, whether it belongs."""


@dataclass(frozen=True, slots=True)
class _Point:
    """A value in an order. `step` is how far the next one lies; 0 where that is not known."""

    axis: str
    at: int
    step: int


_Read: TypeAlias = "Callable[[Compare], _Point | None]"


def implies(a: Predicate, b: Predicate) -> bool:
    """Whether it is proven that every row that meets `a` meets `b`. Both are asked of one row, that
    of the same anchor."""
    if a == b or isinstance(a, Never) or isinstance(b, Always):
        return True
    found = ways(a)
    return found is not None and all(_enough(way, b) for way in found)


def ways(predicate: Predicate) -> list[Predicate] | None:
    """Conditions without `or` at their top, one of which holds where this one does; None where they
    are too many."""
    match predicate:
        case Or(parts):
            found = [ways(part) for part in parts]
            flat = [way for each in found if each is not None for way in each]
            return None if None in found or len(flat) > _MOST_WAYS else flat
        case And(parts):
            choices = [each for part in parts if (each := ways(part)) is not None]
            if len(choices) < len(parts) or prod(map(len, choices)) > _MOST_WAYS:
                return None
            return [both(*choice) for choice in product(*choices)]
        case _:
            return [predicate]


def _enough(way: Predicate, b: Predicate) -> bool:
    """Whether a condition without `or` at its top implies another."""
    leaves = _leaves(way)
    return _impossible(leaves) or _met(leaves, b)


def _met(leaves: tuple[Predicate, ...], b: Predicate) -> bool:
    match b:
        case And(parts):
            return all(_met(leaves, part) for part in parts)
        case Or(parts):
            return any(_met(leaves, part) for part in parts)
        case _:
            wanted = _leaf(b)
            return isinstance(wanted, Always) or any(_follows(leaf, wanted) for leaf in leaves)


def _leaves(way: Predicate) -> tuple[Predicate, ...]:
    """The parts of a conjunction, as semi-joins where they are about other rows. What is asked of
    one and the same row comes as one."""
    alone: list[Predicate] = []
    current: dict[object, Exists] = {}
    for part in way.parts if isinstance(way, And) else (way,):
        leaf = _leaf(part)
        if isinstance(leaf, Exists) and not leaf.negated and _one(leaf):
            key = (leaf.relation, leaf.permit, leaf.anchored)
            known = current.get(key)
            whole = both(leaf.scope, leaf.where)
            current[key] = replace(
                leaf, scope=Always(), where=whole if known is None else both(known.where, whole)
            )
        else:
            alone.append(leaf)
    return (*alone, *current.values())


def _one(leaf: Exists) -> bool:
    return leaf.relation.cardinality is not Cardinality.MANY


def _leaf(predicate: Predicate) -> Predicate:
    """A leaf about another row as a semi-join, as statements have it."""
    match predicate:
        case Compare(Ref(column, hop), operator, operand, permit) if hop is not None:
            missing = operator is Operator.IS_NULL
            asked = Operator.IS_NOT_NULL if missing else operator
            # Inside there is no permit, so that it does not matter of which row it would be asked.
            return Exists(hop, Compare(Ref(column), asked, operand), missing, permit)
        case Through(relation, scope, where, permit, anchored):
            return Exists(relation, where, False, permit, anchored or _open(scope, where), scope)
        case Exists(scope=scope, where=where):
            return replace(predicate, anchored=predicate.anchored or _open(scope, where))
        case _:
            return predicate


def _open(*predicates: Predicate) -> bool:
    """Whether nothing in them has a permit."""
    for predicate in predicates:
        match predicate:
            case And(parts) | Or(parts):
                if not _open(*parts):
                    return False
            case Compare(permit=permit):
                if not isinstance(permit, Always):
                    return False
            case (
                Exists(where=where, permit=permit, scope=scope)
                | Through(where=where, permit=permit, scope=scope)
            ):
                if not isinstance(permit, Always) or not _open(scope, where):
                    return False
            case _:
                pass
    return True


def _impossible(leaves: tuple[Predicate, ...]) -> bool:
    """Whether no row meets all of them, as far as two of them show it."""
    for at, leaf in enumerate(leaves):
        if isinstance(leaf, Never):
            return True
        if isinstance(leaf, Exists) and not leaf.negated and _nobody(leaf):
            return True
        # A condition and its negation never hold of one row.
        if any(_follows(leaf, _leaf(negate(other))) for other in leaves[at + 1 :]):
            return True
    return False


def _nobody(leaf: Exists) -> bool:
    return implies(both(leaf.scope, leaf.where), Never())


def _follows(x: Predicate, y: Predicate) -> bool:
    """Whether one leaf implies another."""
    if x == y:
        return True
    match x, y:
        case Compare(), Compare():
            return x.ref == y.ref and implies(x.permit, y.permit) and _values(x, y)
        case Exists(), Exists():
            if (x.relation, x.negated, x.anchored) != (y.relation, y.negated, y.anchored):
                return False
            wide, narrow = (x, y) if x.negated else (y, x)
            inside = implies(both(narrow.scope, narrow.where), both(wide.scope, wide.where))
            return inside and implies(x.permit, y.permit)
        case _:
            return False


def _values(x: Compare, y: Compare) -> bool:
    """Whether every value that meets one comparison meets another of the same column."""
    if y.operator is Operator.IS_NOT_NULL:
        return x.operator is not Operator.IS_NULL
    if x.operator is y.operator and x.operand == y.operand:
        return True
    if x.operand is None or y.operand is None:
        return False
    match x.ref.column.kind:
        case Kind.TEXT:
            return _texts(x, y)
        case Kind.BOOLEAN:
            wanted, given = _flag(x), _flag(y)
            return wanted is not None and wanted == given
        case Kind.DATE:
            return _ordered(x, y, _day)
        case Kind.INTEGER | Kind.DECIMAL:
            return _ordered(x, y, _number)
        case _:
            return False


def _flag(leaf: Compare) -> bool | None:
    match leaf:
        case Compare(operator=Operator.EQ, operand=Literal(bool() as value)):
            return value
        case Compare(operator=Operator.NE, operand=Literal(bool() as value)):
            return not value
        case _:
            return None


def _texts(x: Compare, y: Compare) -> bool:
    if not isinstance(x.operand, Literal) or not isinstance(y.operand, Literal):
        return False
    given, asked = _listed(x.operand), _listed(y.operand)
    match x.operator, y.operator:
        case ((Operator.EQ | Operator.IN), (Operator.EQ | Operator.IN)):
            return given <= asked
        case ((Operator.EQ | Operator.IN), (Operator.NE | Operator.NOT_IN)):
            return given.isdisjoint(asked)
        case ((Operator.EQ | Operator.IN), Operator.STARTS_WITH):
            return all(each.startswith(tuple(asked)) for each in given)
        case ((Operator.EQ | Operator.IN), Operator.NOT_STARTS_WITH):
            return not any(each.startswith(tuple(asked)) for each in given)
        case ((Operator.NE | Operator.NOT_IN), (Operator.NE | Operator.NOT_IN)):
            return asked <= given
        case Operator.STARTS_WITH, Operator.STARTS_WITH:
            return all(each.startswith(tuple(asked)) for each in given)
        case Operator.STARTS_WITH, (Operator.NE | Operator.NOT_IN):
            return not any(each.startswith(tuple(given)) for each in asked)
        case Operator.NOT_STARTS_WITH, (Operator.NE | Operator.NOT_IN | Operator.NOT_STARTS_WITH):
            return all(each.startswith(tuple(given)) for each in asked)
        case _:
            return False


def _listed(literal: Literal) -> frozenset[str]:
    value = literal.value
    return frozenset(value) if isinstance(value, tuple) else frozenset({str(value)})


def _ordered(x: Compare, y: Compare, read: _Read) -> bool:
    given, asked = read(x), read(y)
    if given is None or asked is None or given.axis != asked.axis:
        return False
    if x.operator is Operator.NE:
        return y.operator is Operator.NE and given == asked
    span = _span(x.operator, given)
    if y.operator is Operator.NE:
        return span is not None and not _within(_span(Operator.EQ, asked), span)
    return span is not None and _within(span, _span(y.operator, asked))


def _day(leaf: Compare) -> _Point | None:
    # How far two days lie apart is known of written ones; months are only known to be in order.
    match leaf.operand:
        case AsOf(months):
            return _Point("as_of", -months, 0)
        case Literal(str() as text):
            return _Point("day", date.fromisoformat(text).toordinal(), 1)
        case Literal(date() as day):
            return _Point("day", day.toordinal(), 1)
        case _:
            return None


def _number(leaf: Compare) -> _Point | None:
    match leaf.operand:
        case Literal(int() as number) if not isinstance(number, bool):
            return _Point("number", number, int(leaf.ref.column.kind is Kind.INTEGER))
        case _:
            return None


def _span(operator: Operator, point: _Point) -> _Span | None:
    at, step = point.at, point.step
    match operator:
        case Operator.EQ:
            return at, True, at, True
        case Operator.LT:
            return -inf, True, at - step, bool(step)
        case Operator.LTE:
            return -inf, True, at, True
        case Operator.GT:
            return at + step, bool(step), inf, True
        case Operator.GTE:
            return at, True, inf, True
        case _:
            return None


def _within(inner: _Span | None, outer: _Span | None) -> bool:
    if inner is None or outer is None:
        return False
    low, has_low, high, has_high = inner
    lowest, with_lowest, highest, with_highest = outer
    return (lowest < low or (lowest == low and (with_lowest or not has_low))) and (
        high < highest or (high == highest and (with_highest or not has_high))
    )
