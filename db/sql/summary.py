"""An aggregate as SQL: cells as arrays, and how many people each clause of a filter sets apart.

Part of the SQL maker. A root is one JSON array: the totals, the cells in the order of their keys,
and the numbers of people set apart; whoever reads it knows the plan and so what stands where:

    cell    [[key, …], people, few, rows, measure, …]     totals alike, with an empty key
    measure [value, people, sum, values]                  the last two for an average alone

`people` counts different people, `few` lists them by numbers that stand for them, both only where
the plan has a smallest cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from db.catalog import Kind
from db.plan import Bucket, Function
from db.predicate import Always, Literal
from db.sql.conditions import condition, enumerated, value
from db.sql.pieces import identifier, json_array, table
from db.sql.rows import Level, Row

if TYPE_CHECKING:
    from db.plan import Dimension, Measure, Summary
    from db.predicate import Predicate, Ref
    from db.sql.rows import Names


def summary(plan: Summary, names: Names) -> str:
    """The JSON of an aggregate, as a scalar subquery."""
    found = identifier(names.alias())
    row = Row(names, plan.table, Level(), None)
    columns = [
        *(f"{_dimension(each, row)} as d{i}" for i, each in enumerate(plan.dimensions)),
        *(f"{_input(each, row)} as m{i}" for i, each in enumerate(plan.measures)),
    ]
    if plan.count is not None:
        columns.append(f"{condition(plan.count, row)} as c")
    if plan.smallest:
        columns.append(f"{_person(row)} as p")
    where = f"{condition(plan.permit, row)} and {condition(plan.where, row)}"
    # A column is always there: an operation may ask for nothing but `suppressed`.
    source = (
        f"select {', '.join([*columns, 'true as x'])} from {table(plan.table.name)} {row.alias}"
        f"{row.level.text()} where {where}"
    )
    totals = f"(select {_cell((), plan, names)} from {found})"
    parts = json_array([totals, _cells(plan, found, names), _apart(plan, names)])
    return f"(with {found} as materialized ({source}) select {parts})"


def _cells(plan: Summary, found: str, names: Names) -> str:
    if not plan.dimensions:
        return "'[]'::json"
    columns = [f"d{i}" for i in range(len(plan.dimensions))]
    keys = tuple(enumerated(each.ref.column, f"d{i}") for i, each in enumerate(plan.dimensions))
    limit = names.parameters.place(Literal(plan.most + 1), "integer")
    grouped = (
        f"select {_cell(keys, plan, names)} as cell from {found} "
        f"group by {', '.join(columns)} order by {', '.join(columns)} limit {limit}"
    )
    # What json_agg reads comes in the order of the subquery.
    return f"(select coalesce(json_agg(cell), '[]'::json) from ({grouped}) {names.alias()})"


def _cell(keys: tuple[str, ...], plan: Summary, names: Names) -> str:
    people = "count(distinct p)" if plan.smallest else "null::text"
    few = "null::text"
    if plan.smallest and keys:
        smallest = names.parameters.place(Literal(plan.smallest), "integer")
        few = f"case when count(distinct p) < {smallest} then json_agg(distinct p) end"
    rows = "count(*)" if plan.count is None else "count(*) filter (where c)"
    if plan.smallest and plan.count is not None and not isinstance(plan.count, Always):
        smallest = names.parameters.place(Literal(plan.smallest), "integer")
        counted = "count(distinct p) filter (where c)"
        rows = f"case when {counted} = 0 or {counted} >= {smallest} then {rows} end"
    measures = [_measure(each, f"m{i}", plan) for i, each in enumerate(plan.measures)]
    return json_array([json_array(list(keys)), people, few, rows, *measures])


def _measure(measure: Measure, column: str, plan: Summary) -> str:
    people = f"count(distinct p) filter (where {column} is not null)"
    parts = ["", people if plan.smallest else "null::text"]
    match measure.function:
        case Function.COUNT_DISTINCT:
            parts[0] = f"count(distinct {column})"
        case Function.SUM:
            parts[0] = f"sum({column})::text"
        case Function.AVG:
            parts[0] = f"round(avg({column}), 6)::text"
            parts += [f"sum({column})::text", f"count({column})"]
        case Function.MIN | Function.MAX:
            extreme = f"{measure.function.value}({column})"
            decimal = measure.ref.column.kind is Kind.DECIMAL
            parts[0] = f"{extreme}::text" if decimal else extreme
        case _:
            assert_never(measure.function)
    return json_array(parts)


def _apart(plan: Summary, names: Names) -> str:
    """For each clause, the people of whom a row is in one of two results, with it and without: the
    fewest of any cell, unless they are none."""
    if not plan.without:
        return "'[]'::json"
    row = Row(names, plan.table, Level(), None)
    columns = [f"{_dimension(each, row)} as d{i}" for i, each in enumerate(plan.dimensions)]
    columns += [f"{_person(row)} as p", f"({condition(plan.where, row)}) is true as w"]
    columns += [f"({condition(each, row)}) is true as w{i}" for i, each in enumerate(plan.without)]
    numbers = range(len(plan.without))
    counts = [f"count(distinct p) filter (where w <> w{i}) as a{i}" for i in numbers]
    fewest = [f"coalesce(min(a{i}) filter (where a{i} > 0), 0)" for i in numbers]
    by = ", ".join(f"d{i}" for i in range(len(plan.dimensions)))
    rows = (
        f"select {', '.join(columns)} from {table(plan.table.name)} {row.alias}{row.level.text()} "
        f"where {condition(plan.permit, row)}"
    )
    cells = (
        f"select {', '.join(counts)} from ({rows}) {names.alias()}{f' group by {by}' if by else ''}"
    )
    return f"(select {json_array(fewest)} from ({cells}) {names.alias()})"


def _person(row: Row) -> str:
    """A number that stands for the person whom a row is about, so that no ID leaves."""
    return f"uuid_hash_extended({row.column(row.table.key[0])}, 0)"


def _input(measure: Measure, row: Row) -> str:
    return _where(measure.permit, row.anchor, _value(measure.ref, row))


def _dimension(dimension: Dimension, row: Row) -> str:
    at, conditions = row, []
    for leg in dimension.through:
        if not isinstance(leg.permit, Always):
            conditions.append(condition(leg.permit, at.anchor))
        scope = leg.scope
        at = at.hop(
            leg.relation, scope, anchored=leg.anchored,
            where=lambda inner, scope=scope: (  # type: ignore[misc]  # bound now, not later
                None if isinstance(scope, Always) else condition(scope, inner)
            ),
        )  # fmt: skip
        conditions.append(f"{at.column(leg.relation.target.key[0])} is not null")
    if not isinstance(dimension.permit, Always):
        conditions.append(condition(dimension.permit, at.anchor))
    stored = _value(dimension.ref, at)
    if dimension.bucket is not None and dimension.bucket is not Bucket.DAY:
        # Truncated without a time zone.
        stored = f"date_trunc('{dimension.bucket.value}', {stored}::timestamp)::date"
    if conditions:
        stored = f"case when {' and '.join(conditions)} then {stored} end"
    # What a function makes is not collated by code point of itself, which also sorts faster.
    return f'({stored}) collate "C"' if dimension.ref.column.kind is Kind.TEXT else stored


def _value(ref: Ref, row: Row) -> str:
    source = row
    if ref.hop is not None:
        source = row.hop(ref.hop, Always(), anchored=False, where=lambda _: None)
    return value(ref.column, source)


def _where(permit: Predicate, anchor: Row, shown: str) -> str:
    if isinstance(permit, Always):
        return shown
    return f"case when {condition(permit, anchor)} then {shown} end"
