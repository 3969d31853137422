"""What a condition asks about: whoever sees where it holds learns it. Pure; knows no role, no rule.

A row scope that only takes away can tell more than what it takes: where a value is null by it, or
is not, the columns that it compares are told, whether or not the role may read them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, assert_never

from db.predicate import Always, And, Attribute, Compare, Covers, Exists, Never, Or, Through

if TYPE_CHECKING:
    from collections.abc import Iterable

    from db.catalog import Catalog, Table
    from db.predicate import Predicate

ROWS: Final = "*"
"""In place of a column: whether a table has a row at all that belongs to the one at hand."""
_KEPT: Final = 2**12


@lru_cache(_KEPT)
def columns(predicate: Predicate, table: Table) -> frozenset[tuple[str, str]]:
    """(Table, column) of each value that a condition on rows of a table asks about, ROWS where it
    follows a relation: that somebody has a disability on record is told by any comparison with it.

    Keys of relations and the days of `current` are no values. Neither is a column that is compared
    with an attribute of the principal: whoever edits policy does not choose what a token holds, and
    the principal, who knows it, learns whether the row is its own and no more. `not` tells the same
    of the other rows, since both part them alike.
    """
    match predicate:
        case Always() | Never() | Covers():
            return frozenset()
        case Compare(ref, _, operand, permit):
            at = ref.hop.target if ref.hop is not None else table
            own = set() if isinstance(operand, Attribute) else {(at.name, ref.column.name)}
            if ref.hop is not None:
                own.add((at.name, ROWS))
            return columns(permit, table).union(own)
        case Exists(relation, where, _, permit, _, scope) | Through(relation, scope, where, permit):
            target = relation.target
            return columns(permit, table).union(
                {(target.name, ROWS)}, columns(scope, target), columns(where, target)
            )
        case And(parts) | Or(parts):
            return frozenset().union(*(columns(part, table) for part in parts))
        case _:
            assert_never(predicate)


def shown(catalog: Catalog, coordinates: Iterable[str]) -> frozenset[tuple[str, str]]:
    """(Table, column) of each value that coordinates show, and ROWS of their tables. Those that are
    no values show none."""
    found: set[tuple[str, str]] = set()
    for coordinate in coordinates:
        field = catalog.fields.get(coordinate)
        if field is not None:
            table = (
                field.hop.target if field.hop is not None else catalog.entity_of(coordinate).table
            )
            found.add((table.name, ROWS))
            # What is derived by a function says less than what it is derived from.
            if field.column.function is None:
                found.add((table.name, field.column.name))
    return frozenset(found)
