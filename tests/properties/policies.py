"""Small policies, and what their conditions mean on a row, said without the code under test."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from authz.decision import DenialMode
from authz.policy import Role
from db.catalog import Column, Entity, Field, Kind, Table, build
from db.predicate import Always, And, Compare, Literal, Never, Operator, Or

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.predicate import Predicate

FLAGS = ("a", "b", "c", "d")
"""Columns of the one table: each true, false or unknown."""

_THING = Table(
    "thing",
    ("thing_id",),
    MappingProxyType({name: Column(name, Kind.BOOLEAN) for name in FLAGS}),
)
SMALL = build(
    [Entity(name, _THING, name, "A thing.") for name in ("Enrollee", "Claim", "Provider", "Plan")],
    [Field("Enrollee", name, _THING.columns[name], None, "", "A flag.") for name in FLAGS],
    [],
)
"""A catalog of one table, so that every policy over it can be looked at whole."""

SCOPES = {name: {"Enrollee": f"{name} = true"} for name in FLAGS}
"""Scopes `a` to `d`: each holds where the flag of its name is true."""


def role(name: str, *inherits: str) -> Role:
    """A role with nothing special about it."""
    return Role(name, "A role.", 10, DenialMode.NULL, frozenset(inherits))


def holds(predicate: Predicate, row: Mapping[str, bool | None]) -> bool:
    """Whether a condition over flags holds on a row; a comparison with the unknown never does."""
    match predicate:
        case Always():
            return True
        case Never():
            return False
        case And(parts):
            return all(holds(part, row) for part in parts)
        case Or(parts):
            return any(holds(part, row) for part in parts)
        case Compare(ref, Operator.EQ, Literal(wanted)):
            value = row[ref.column.name]
            return value is not None and value == wanted
        case Compare(ref, Operator.NE, Literal(wanted)):
            value = row[ref.column.name]
            return value is not None and value != wanted
        case _:
            raise AssertionError(predicate)
