"""The order of a page and where it begins and ends, as SQL. Part of the SQL maker.

Missing values count as the largest, as PostgreSQL orders them by default, so that one index serves
both directions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.predicate import Always
from db.sql.conditions import reached, value

if TYPE_CHECKING:
    from db.plan import Boundary, Order, Step
    from db.predicate import Ref, Slot
    from db.sql.pieces import Parameters
    from db.sql.rows import Row


def term(order: Order, row: Row) -> str:
    """What a row is ordered by: a value of its own, or of the row that to-one steps lead to."""
    return _along(order.through, order.ref, row)


def _along(steps: tuple[Step, ...], ref: Ref, row: Row) -> str:
    if steps:
        step, *rest = steps
        return reached(
            step.relation, step.scope, row, lambda target: _along(tuple(rest), ref, target)
        )
    if ref.hop is not None:
        return reached(ref.hop, Always(), row, lambda target: value(ref.column, target))
    return value(ref.column, row)


def _stored(order: Order) -> bool:
    """Whether the term is a column of the row itself that always has a value."""
    return order.ref.column.required and order.ref.hop is None and not order.through


def order_by(terms: list[str], order: tuple[Order, ...], *, backwards: bool) -> str:
    """The ORDER BY list, turned round when a page is taken from its end."""
    return ", ".join(
        f"{expression}{' desc' if entry.descending != backwards else ''}"
        for expression, entry in zip(terms, order, strict=True)
    )


def past(
    terms: list[str],
    order: tuple[Order, ...],
    boundary: Boundary,
    parameters: Parameters,
    *,
    forwards: bool,
) -> str:
    """Rows strictly after a boundary (before it, when not `forwards`) in a total order."""
    upwards = [entry.descending != forwards for entry in order]
    required = all(map(_stored, order))
    if required and len(set(upwards)) == 1:
        # A row comparison is the form for which an index is used from the boundary on.
        placed = [
            parameters.place(slot, entry.ref.column.kind.value)
            for slot, entry in zip(boundary.values, order, strict=True)
            if slot is not None
        ]
        if len(placed) == len(terms):
            sign = ">" if upwards[0] else "<"
            return f"({', '.join(terms)}) {sign} ({', '.join(placed)})"
    choices: list[str] = []
    equal: list[str] = []
    for expression, entry, slot, up in zip(terms, order, boundary.values, upwards, strict=True):
        step = _step(expression, entry, slot, parameters, up=up)
        if step is not None:
            choices.append(" and ".join([*equal, step]))
        equal.append(_same(expression, entry, slot, parameters))
    return "(" + " or ".join(f"({choice})" for choice in choices) + ")" if choices else "false"


def _step(
    expression: str, entry: Order, slot: Slot | None, parameters: Parameters, *, up: bool
) -> str | None:
    if slot is None:
        return None if up else f"{expression} is not null"
    placed = parameters.place(slot, entry.ref.column.kind.value)
    if not up:
        return f"{expression} < {placed}"
    if _stored(entry):
        return f"{expression} > {placed}"
    return f"({expression} > {placed} or {expression} is null)"


def _same(expression: str, entry: Order, slot: Slot | None, parameters: Parameters) -> str:
    if slot is None:
        return f"{expression} is null"
    return f"{expression} = {parameters.place(slot, entry.ref.column.kind.value)}"
