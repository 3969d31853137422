"""Small policies, and what their conditions mean on a row, said without the code under test."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from authz.decision import DenialMode
from authz.order import Change, Order, Status
from authz.policy import ALWAYS, Effect, Role, Rule, Scope, join
from authz.policy_check import policy_set
from authz.scope import parse_scope
from db.catalog import Column, Entity, Field, Kind, Table, build
from db.predicate import Always, And, Compare, Literal, Never, Operator, Or

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from authz.policy import PolicySet
    from db.predicate import Predicate

DAY = datetime(2026, 6, 1, tzinfo=UTC)
"""Since when orders here have a status."""

FLAGS = ("a", "b", "c", "d")
"""Columns of the one table: each true, false or unknown."""

_THING = Table(
    "thing",
    ("thing_id",),
    MappingProxyType({name: Column(name, Kind.BOOLEAN, scopable=True) for name in FLAGS}),
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


def _classes(dice: Random, coordinates: Sequence[str]) -> dict[str, frozenset[str]]:
    """Classes that overlap and hold one another."""
    found: dict[str, frozenset[str]] = {}
    for n in range(dice.randint(0, 5)):
        offered = [*coordinates, "Enrollee.*", *found, *found]
        found[f"class{n}"] = frozenset(dice.sample(offered, dice.randint(1, 3)))
    return found


def random_policy(dice: Random) -> PolicySet:
    """A policy over the small catalog: roles that inherit one another, classes in classes, joined
    conditions, denies by every way in which a rule can reach a coordinate."""
    names = [f"role{n}" for n in range(dice.randint(1, 5))]
    roles = [
        role(name, *dice.sample(names[:n], min(n, dice.choice((0, 1, 1, 2)))))
        for n, name in enumerate(names)
    ]
    classes = _classes(dice, sorted(SMALL.fields))
    denies = dice.choice((0.0, 0.2, 0.5))
    rules = {
        Rule(
            dice.choice(names),
            dice.choice([*SMALL.fields, "Enrollee.*", *classes, *classes]),
            dice.choice(["read", "filter", "filter:eq", "filter:isNull", "aggregate"]),
            join(dice.sample(FLAGS, dice.choice((0, 1, 1, 2, 3)))),
            Effect.DENY if dice.random() < denies else Effect.ALLOW,
        )
        for _ in range(dice.randint(0, 24))
    }
    if dice.random() < 0.2:
        # About what has no row, too, so under no other condition.
        rules.add(Rule(dice.choice(names), "*", "read", ALWAYS, dice.choice((*Effect,))))
    return policy_set(SMALL, roles, classes, SCOPES, rules)


def random_order(dice: Random, policy: PolicySet) -> Order:
    """An order about some role of a policy, whose people are those on whose row flag d is true."""
    grants = {
        name: frozenset(dice.sample(["read", "filter", "filter:eq", "sort"], dice.randint(1, 3)))
        for name in dice.sample(sorted(SMALL.fields), dice.randint(1, 3))
    }
    text = "d = true"
    people = Scope("people", "Enrollee", text, parse_scope(SMALL, "Enrollee", text))
    status = dice.choice((Status.IN_FORCE, Status.IN_FORCE, Status.STAYED))
    return Order(
        "order",
        "A v. B",
        "A court",
        "1:26-cv-1",
        DAY.date(),
        DAY.date(),
        dice.choice(sorted(policy.roles)),
        (),
        (Change(DAY, status),),
        MappingProxyType({"Enrollee": people}),
        MappingProxyType(grants),
    )
