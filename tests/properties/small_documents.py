"""Versions at random over the small catalog, and others that an edit or two make of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from authz.decision import DenialMode
from authz.document import Document
from authz.order import Change, Order, Status
from authz.policy import Effect, Rule, Scope, join
from authz.policy_check import policy_set
from authz.scope import parse_scope
from tests.properties.policies import FLAGS, SCOPES, SMALL, role

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from authz.policy import Role

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ROLES = ("one", "two", "three")
CLASSES = {
    "inner": frozenset({"Enrollee.a", "Enrollee.b"}),
    "outer": frozenset({"inner", "Enrollee.c"}),
}
ACTIONS = ("read", "filter", "filter:eq", "sort", "aggregate")
SUBJECT = "sam"


def small_document(random: Random) -> Document:
    """A policy of three roles, with up to two orders, of which some are not in force."""
    inherits = {"one": (), "two": ("one",), "three": random.choice(((), ("two",), ("one",)))}
    rules = {_rule(random) for _ in range(random.randrange(1, 9))}
    roles = [role(name, *inherits[name]) for name in ROLES]
    policy = policy_set(SMALL, roles, CLASSES, SCOPES, rules)
    orders = tuple(_order(random, number) for number in range(random.choice((0, 1, 1, 2))))
    assigned = frozenset(random.sample(ROLES, random.choice((0, 1, 2))))
    return Document(policy, orders, assignments=MappingProxyType({SUBJECT: assigned}))


def _rule(random: Random) -> Rule:
    return Rule(
        random.choice(ROLES),
        random.choice(("Enrollee.a", "Enrollee.b", "inner", "outer")),
        random.choice(ACTIONS),
        join(random.sample(FLAGS[:3], random.choice((0, 0, 1, 1, 2)))),
        random.choice((Effect.ALLOW, Effect.ALLOW, Effect.DENY)),
    )


def _order(random: Random, number: int) -> Order:
    # A name that the policy has too, for others, is the order's. Of two orders, one name has one
    # meaning.
    name = random.choice(("people", "fewer", "a"))
    text = "d = true and c = true" if name == "fewer" else "d = true"
    people = {"Enrollee": Scope(name, "Enrollee", text, parse_scope(SMALL, "Enrollee", text))}
    grants = {
        coordinate: frozenset(random.sample(ACTIONS, random.randrange(1, 4)))
        for coordinate in random.sample(("Enrollee.a", "Enrollee.b", "Enrollee.c"), 2)
    }
    return Order(
        f"order{number}", "A v. B", "A court", "1", date(2026, 1, 1), date(2026, 1, 1),
        random.choice(ROLES), (), _history(random), people, grants,
    )  # fmt: skip


def _history(random: Random) -> tuple[Change, ...]:
    days = random.sample((-2, -1, 1, 2), random.choice((1, 1, 2)))
    statuses = (Status.IN_FORCE, Status.IN_FORCE, Status.PAUSED)
    return tuple(Change(NOW + timedelta(days=day), random.choice(statuses)) for day in sorted(days))


def edited(random: Random, document: Document) -> Document:
    """The same after one edit or two, most of which take something away."""
    for _ in range(random.choice((1, 1, 2))):
        document = _edited(random, document)
    return document


def _edited(random: Random, document: Document) -> Document:
    policy, orders = document.policy, list(document.orders)
    turn = random.randrange(14)
    if turn < 3 and policy.rules:
        return _with_rules(document, set(policy.rules) - {random.choice(policy.rules)})
    if turn < 5:
        return _with_rules(document, {*policy.rules, replace(_rule(random), effect=Effect.DENY)})
    if turn == 5:
        return _with_rules(document, {*policy.rules, _rule(random)})
    if turn == 6 and policy.rules:
        old = random.choice(policy.rules)
        new = replace(old, condition=join({*old.condition.split("&"), "a", "b"} & {*FLAGS}))
        return _with_rules(document, {*policy.rules} - {old} | {new})
    if turn == 7:
        return _with_roles(document, [_changed(random, each) for each in policy.roles.values()])
    if turn == 8 and orders:
        orders.remove(random.choice(orders))
        return replace(document, orders=tuple(orders))
    if turn == 9:
        return replace(document, orders=(*orders, _order(random, 7)))
    if turn == 10 and orders:
        old_order = random.choice(orders)
        orders[orders.index(old_order)] = replace(old_order, history=_history(random))
        return replace(document, orders=tuple(orders))
    if turn == 11 and orders:
        old_order = random.choice(orders)
        orders[orders.index(old_order)] = replace(
            _order(random, 0), name=old_order.name, role=old_order.role
        )
        return replace(document, orders=tuple(orders))
    if turn == 12:
        assigned = document.assignments[SUBJECT]
        changed = assigned ^ {random.choice(ROLES)}
        return replace(document, assignments=MappingProxyType({SUBJECT: changed}))
    texts = {name: dict(texts) for name, texts in SCOPES.items()}
    texts[random.choice(FLAGS)]["Enrollee"] = random.choice(
        ("a = true and b = true", "a = true or b = true", "not (c = true)", "never")
    )
    classes = {**policy.classes, "inner": frozenset(random.choice((("Enrollee.a",), FLAG_NAMES)))}
    return replace(
        document,
        policy=policy_set(SMALL, policy.roles.values(), random.choice((classes, policy.classes)),
                          random.choice((texts, SCOPES)), policy.rules),
    )  # fmt: skip


FLAG_NAMES = tuple(f"Enrollee.{name}" for name in FLAGS)


def _changed(random: Random, role: Role) -> Role:
    match random.randrange(7):
        case 0:
            return replace(role, requires=role.requires ^ {"agreement"})
        case 1:
            return replace(role, smallest_cell=random.choice((0, 2, 11)))
        case 2:
            return replace(role, page_limit=random.choice((5, 10, 20)))
        case 3:
            return replace(role, denial_mode=random.choice(list(DenialMode)))
        case 4 if role.name != "one":
            return replace(role, inherits=frozenset(random.choice(((), ("one",)))))
        case _:
            return role


def _with_rules(document: Document, rules: Iterable[Rule]) -> Document:
    policy = document.policy
    scopes = {
        name: {anchor: scope.text for anchor, scope in meanings.items()}
        for name, meanings in policy.scopes.items()
    }
    made = policy_set(SMALL, policy.roles.values(), policy.classes, scopes, rules)
    return replace(document, policy=made)


def _with_roles(document: Document, roles: Iterable[Role]) -> Document:
    policy = document.policy
    return replace(document, policy=policy_set(SMALL, roles, policy.classes, SCOPES, policy.rules))
