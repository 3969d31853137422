"""What is explained is what the engine decides: on every question of small policies at random, and
on some of the seed policy. `FIELDWARD_CASES` says how many policies and questions there are.
"""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING

from authz import questions
from authz.ceiling import effective
from authz.decision import AllowWhere, Deny, Reason
from authz.document import Document
from authz.enforcer import decision_set
from authz.matcher import outcome, taking_part
from authz.packaged import load_seed
from db.catalog_records import CATALOG
from tests.properties.small_documents import NOW, ROLES, small_document

if TYPE_CHECKING:
    from authz.decision import Decision
    from authz.policy import PolicySet

CASES = int(os.environ.get("FIELDWARD_CASES", "60"))


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
