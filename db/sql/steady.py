"""Whether one way to run a plan is the best for all values. Part of the SQL maker.

To plan a page takes PostgreSQL about as long as to run it. A list in which nobody filters is read
along an index from a place on, whatever its limit, its cursor and the values of its principal are;
so is a key looked up. For what a caller filters by, and for scopes that lead to other tables, it
counts how common a value is, and planning each time is what keeps such pages fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

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
    PageInfo,
    Reach,
    Single,
    Summary,
    Value,
)
from db.predicate import Always, And, Compare, Covers, Exists, Never, Or, Through

if TYPE_CHECKING:
    from db.plan import Member, Output, Plan, Root, Rows
    from db.predicate import Predicate


def steady(plan: Plan) -> bool:
    """True for plans of lists without filters, in an order of their own columns, and of keys."""
    return all(map(_root, plan.roots))


def _root(root: Root) -> bool:
    match root:
        case Connection():
            return _connection(root)
        case Single(rows, body):
            return own(rows.permit) and all(map(_output, body))
        case Summary() | Reach():
            # What it costs is reading, of rows whose number is a matter of the values.
            return False
        case _:
            assert_never(root)


def _connection(connection: Connection) -> bool:
    return _rows(connection.rows) and all(map(_member, connection.members))


def _rows(rows: Rows) -> bool:
    by_own = all(order.ref.hop is None and not order.through for order in rows.order)
    return by_own and isinstance(rows.where, Always) and own(rows.permit)


def _member(member: Member) -> bool:
    match member:
        case Nodes(_, body):
            return all(map(_output, body))
        case Edges(_, parts):
            return all(map(_part, parts))
        case Count():
            return False
        case PageInfo() | Constant() | Nothing():
            return True
        case _:
            assert_never(member)


def _part(part: Cursor | Node | Constant) -> bool:
    return not isinstance(part, Node) or all(map(_output, part.body))


def _output(item: Output) -> bool:
    match item:
        case Connection():
            return _connection(item)
        case Object(_, _, body):
            return all(map(_output, body))
        case Constant() | Nothing() | Value():
            return True
        case _:
            assert_never(item)


def own(permit: Predicate) -> bool:
    """A condition on the row itself, that leads to no other table."""
    match permit:
        case Always() | Never() | Covers():
            return True
        case And(parts) | Or(parts):
            return all(map(own, parts))
        case Compare(ref, _, _, below):
            return ref.hop is None and ref.column.lookup is None and own(below)
        case Exists() | Through():
            return False
        case _:
            assert_never(permit)
