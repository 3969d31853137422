"""Row condition → SQL. Part of the SQL maker; knows nothing of plans, roles or GraphQL."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, assert_never

from db.catalog import Cardinality, Column, Kind
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
    Slot,
    Through,
    both,
)
from db.sql.pieces import enum_name, identifier, table
from db.sql.rows import Level, Row, covers, joined, latest

if TYPE_CHECKING:
    from collections.abc import Callable

    from db.catalog import Relation
    from db.predicate import Operand, Predicate

_SYMBOL = {
    Operator.EQ: "=",
    Operator.NE: "<>",
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.GT: ">",
    Operator.GTE: ">=",
}


def condition(predicate: Predicate, row: Row) -> str:
    """A condition as SQL over a row; permits of leaves stand on the row's anchor."""
    match predicate:
        case Always():
            return "true"
        case Never():
            return "false"
        case And(parts):
            return "(" + " and ".join(condition(part, row) for part in parts) + ")"
        case Or(parts):
            return "(" + " or ".join(condition(part, row) for part in parts) + ")"
        case Covers(negated):
            return f"(not {covers(row)})" if negated else covers(row)
        case Compare(_, _, _, permit):
            return _permitted(permit, row, _leaf(predicate, row))
        case Exists(relation, where, negated, permit, anchored, scope):
            found = _related(
                relation, anchored, row, lambda target: condition(both(scope, where), target)
            )
            return _permitted(permit, row, f"(not {found})" if negated else found)
        case Through(relation, scope, where, permit, anchored):
            found = _related(
                relation, anchored, row, lambda target: condition(both(scope, where), target)
            )
            return _permitted(permit, row, found)
        case _:
            assert_never(predicate)


def value(column: Column, row: Row) -> str:
    """The stored value of a column of this row, or the owner's function over it and the day."""
    stored = row.column(column.name)
    if column.function is None:
        return stored
    return f"{table(column.function)}({stored}, {row.names.day})"


def reached(relation: Relation, scope: Predicate, row: Row, shown: Callable[[Row], str]) -> str:
    """What the one row that a to-one relation leads to shows, as an expression of its own; null
    where there is none or `scope` does not hold on it."""
    target = Row(row.names, relation.target, Level(), None)
    expression = shown(target)
    conditions = joined(target, relation, row)
    if not isinstance(scope, Always):
        conditions += f" and {condition(scope, target)}"
    last = "limit 1"
    if relation.cardinality is Cardinality.CURRENT:
        conditions += f" and {covers(target)}"
        last = latest(target)
    return (
        f"(select {expression} from {table(relation.target.name)} {target.alias} "
        f"where {conditions} {last})"
    )


def _related(relation: Relation, anchored: bool, row: Row, test: Callable[[Row], str]) -> str:
    """Whether some row that a relation leads to passes a test, as a semi-join."""
    target = Row(row.names, relation.target, Level(), None if anchored else row.anchor)
    inner = f"{joined(target, relation, row)} and {test(target)}"
    if relation.cardinality is Cardinality.CURRENT:
        inner += f" and {covers(target)} and {_none_later(target, relation, row)}"
    return f"exists (select from {table(relation.target.name)} {target.alias} where {inner})"


def _permitted(permit: Predicate, row: Row, leaf: str) -> str:
    if isinstance(permit, Always):
        return leaf
    return f"({condition(permit, row.anchor)} and {leaf})"


def _leaf(leaf: Compare, row: Row) -> str:
    hop = leaf.ref.hop
    if hop is None:
        return _test(leaf, row)
    missing = leaf.operator is Operator.IS_NULL
    asked = Compare(leaf.ref, Operator.IS_NOT_NULL, None) if missing else leaf
    # Written as a semi-join and not as a scalar subquery, so that an index on the value can lead.
    found = _related(hop, False, row, lambda target: _test(asked, target))
    return f"(not {found})" if missing else found


def _none_later(target: Row, relation: Relation, row: Row) -> str:
    """No covering row began after this one: the other form of `latest`, for use in a semi-join."""
    other = Row(row.names, relation.target, Level(), None)
    newer = (
        f"({other.column('effective_date')}, {other.column('span_num')}) > "
        f"({target.column('effective_date')}, {target.column('span_num')})"
    )
    tied = " and ".join(f"{other.column(b)} = {target.column(b)}" for _, b in relation.on)
    return (
        f"not exists (select from {table(relation.target.name)} {other.alias} "
        f"where {tied} and {covers(other)} and {newer})"
    )


def _test(leaf: Compare, row: Row) -> str:
    column = leaf.ref.column
    if column.lookup is None or column.known is None:
        return _compare(value(column, row), leaf, row)
    # Whoever asks, so that a statement does not depend on what its role may read.
    match leaf.operator:
        case Operator.EQ:
            return _looked_up(column.lookup, leaf, row)
        case Operator.NE:
            return f"({row.column(column.known)} and not {_looked_up(column.lookup, leaf, row)})"
        case _:
            return _compare(value(column, row), leaf, row)


def _looked_up(lookup: str, leaf: Compare, row: Row) -> str:
    """The row is among those whose keys the owner's function answers to a value."""
    wanted = operand(leaf.operand, leaf.ref.column.kind.value, row)
    keys = ", ".join(row.column(name) for name in row.table.key)
    found = ", ".join(f"found.{identifier(name)}" for name in row.table.key)
    return f"({keys}) in (select {found} from {table(lookup)}({wanted}) found)"


def _compare(column: str, leaf: Compare, row: Row) -> str:
    kind = leaf.ref.column.kind
    match leaf.operator:
        case Operator.IS_NULL:
            return f"{column} is null"
        case Operator.IS_NOT_NULL:
            return f"{column} is not null"
        case Operator.IN:
            return f"{column} = any ({operand(leaf.operand, f'{kind.value}[]', row)})"
        case Operator.NOT_IN:
            # Spelt out, because of an empty list even no value is none.
            listed = operand(leaf.operand, f"{kind.value}[]", row)
            return f"({column} is not null and {column} <> all ({listed}))"
        case Operator.STARTS_WITH:
            return f"starts_with({column}, {operand(leaf.operand, 'text', row)})"
        case Operator.NOT_STARTS_WITH:
            return f"not starts_with({column}, {operand(leaf.operand, 'text', row)})"
        case Operator.HAS:
            return f"{column} @> array[{operand(leaf.operand, 'text', row)}]"
        case Operator.HAS_NOT:
            return f"not {column} @> array[{operand(leaf.operand, 'text', row)}]"
        case Operator.COVERS:
            # The first half is what the partial index says of its rows. Where a row policy stands,
            # the planner guesses that @> holds on one row in 200, and reads the whole table for a
            # page; of coalesce it guesses every second one, and follows the index.
            day = operand(leaf.operand, "date", row)
            return f"({column} <> '{{}}'::datemultirange and coalesce({column} @> {day}, false))"
        case Operator.NOT_COVERS:
            return f"not {column} @> {operand(leaf.operand, 'date', row)}"
        case _:
            return f"{column} {_SYMBOL[leaf.operator]} {operand(leaf.operand, kind.value, row)}"


def operand(source: Operand | None, sql_type: str, row: Row) -> str:
    """The right side of a comparison: always a parameter."""
    match source:
        case AsOf(0):
            return row.names.day
        case AsOf(months):
            count = row.names.parameters.place(Literal(months), "integer")
            return f"({row.names.day} - make_interval(months => {count}))::date"
        case Literal(str() as text) if sql_type == Kind.DATE.value:
            placed = Literal(date.fromisoformat(text))
            return row.names.parameters.place(placed, sql_type)
        case Literal() | Slot() | Attribute():
            return row.names.parameters.place(source, sql_type)
        case None:
            raise ValueError("this operator needs an operand")
        case _:
            assert_never(source)


def output(column: Column, row: Row) -> str:
    """A column as the API shows it: enum names for codes, decimals as text to keep each digit."""
    return enumerated(column, value(column, row))


def enumerated(column: Column, stored: str) -> str:
    """An expression that has values of a column, as the API shows them."""
    if column.codes is not None and column.kind is Kind.TEXT:
        return enum_name(stored, column.codes)
    return f"{stored}::text" if column.kind is Kind.DECIMAL else stored
