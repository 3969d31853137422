"""What is explained is what the engine decides: on every question of small policies at random, and
on some of the seed policy. `FIELDWARD_CASES` says how many policies and questions there are.
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from authz import questions
from authz.ceiling import effective
from authz.decision import AllowWhere, Deny, Reason
from authz.document import Document
from authz.enforcer import decision_set
from authz.matcher import outcome, taking_part
from authz.order import Change, Order, Status
from authz.packaged import load_seed
from authz.policy import Effect, PolicySet, Rule, Scope, join
from authz.policy_check import policy_set
from authz.scope import parse_scope
from db.catalog_records import CATALOG
from tests.properties.policies import FLAGS, SCOPES, SMALL, role

if TYPE_CHECKING:
    from authz.decision import Decision

CASES = int(os.environ.get("FIELDWARD_CASES", "60"))
NOW = datetime(2026, 6, 1, tzinfo=UTC)
ROLES = ("one", "two", "three")
CLASSES = {
    "inner": frozenset({"Enrollee.a", "Enrollee.b"}),
    "outer": frozenset({"inner", "Enrollee.c"}),
}
ACTIONS = ("read", "filter", "filter:eq", "sort")


def small_document(random: Random) -> Document:
    """A policy of three roles, with up to two orders, of which some are not in force."""
    inherits = {"one": (), "two": ("one",), "three": random.choice(((), ("two",), ("one",)))}
    rules = {
        Rule(
            random.choice(ROLES),
            random.choice(("Enrollee.a", "Enrollee.b", "inner", "outer")),
            random.choice(ACTIONS),
            join(random.sample(FLAGS[:3], random.choice((0, 0, 1, 1, 2)))),
            random.choice((Effect.ALLOW, Effect.ALLOW, Effect.DENY)),
        )
        for _ in range(random.randrange(1, 9))
    }
    roles = [role(name, *inherits[name]) for name in ROLES]
    policy = policy_set(SMALL, roles, CLASSES, SCOPES, rules)
    orders = tuple(_order(random, number) for number in range(random.choice((0, 1, 1, 2))))
    return Document(policy, orders)


def _order(random: Random, number: int) -> Order:
    # A name that the policy has too, for others, is the order's.
    name = random.choice(("people", "a"))
    people = {"Enrollee": Scope(name, "Enrollee", "d = true",
                                parse_scope(SMALL, "Enrollee", "d = true"))}  # fmt: skip
    at = NOW + timedelta(days=random.choice((-1, -1, 1)))
    history = (Change(at, random.choice((Status.IN_FORCE, Status.IN_FORCE, Status.PAUSED))),)
    grants = {
        coordinate: frozenset(random.sample(ACTIONS, random.randrange(1, 4)))
        for coordinate in random.sample(("Enrollee.a", "Enrollee.b", "Enrollee.c"), 2)
    }
    return Order(
        f"order{number}", "A v. B", "A court", "1", date(2026, 1, 1), date(2026, 1, 1),
        random.choice(ROLES), (), history, people, grants,
    )  # fmt: skip


def _same(
    document: Document, policy: PolicySet, asked: tuple[str, str, str], found: Decision
) -> None:
    role, coordinate, action = asked
    rules = taking_part(document, role, coordinate, action, NOW)
    explained = outcome(policy, rules, policy.anchors[coordinate])
    if found == Deny(Reason.NO_RULE) and explained == Deny(Reason.ORDER):
        # Of an order that leaves some operators the engine has no rule about all of them.
        assert action == "filter"
        return
    assert explained == found, (document.policy.rules, document.orders, asked)
    if isinstance(found, AllowWhere) and isinstance(explained, AllowWhere):
        assert explained.label == found.label
    assert all(rule.role in document.policy.roles for rule in rules)


def test_what_is_explained_is_what_the_engine_decides() -> None:
    for seed in range(CASES):
        document = small_document(Random(seed))
        policy = effective(document.policy, document.orders, NOW)
        for name in ROLES:
            decided = decision_set(policy, name)
            for coordinate, action in policy.questions:
                if coordinate.startswith("Enrollee."):
                    found = decided.decide(coordinate, action)
                    _same(document, policy, (name, coordinate, action), found)


def test_of_the_seed_policy_too() -> None:
    written, orders = load_seed(CATALOG)
    document = Document(written, orders)
    policy = effective(written, orders, NOW)
    decided = {name: decision_set(policy, name) for name in policy.roles}
    capped = [
        ("immigration_enforcement", coordinate, action)
        for coordinate in orders[0].grants
        for action in questions.actions(CATALOG, coordinate)
    ]
    random = Random(1)
    some = [
        (random.choice(sorted(policy.roles)), *random.choice(policy.questions))
        for _ in range(CASES * 10)
    ]
    for name, coordinate, action in (*capped, *some):
        found = decided[name].decide(coordinate, action)
        _same(document, policy, (name, coordinate, action), found)


def test_rules_take_part_whose_condition_is_anything() -> None:
    document = small_document(Random(0))
    for rule in document.policy.rules:
        members = {"inner": "Enrollee.a", "outer": "Enrollee.c"}
        coordinate = members.get(rule.object, rule.object)
        part = taking_part(Document(document.policy), rule.role, coordinate, rule.action, NOW)
        assert rule in part
