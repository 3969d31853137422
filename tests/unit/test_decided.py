"""Decisions that are kept: equal to those that are made, and made again when anything changed."""

from __future__ import annotations

from dataclasses import fields, replace
from random import Random

import pytest

from authz import decided as module
from authz.ceiling import effective
from authz.decided import decided
from authz.decision import DecisionSet, DenialMode, Reason
from authz.enforcer import decision_set
from authz.errors import UnknownRole
from authz.policy import ALWAYS, Effect, PolicySet, Role, Rule, join
from authz.policy_check import policy_set
from tests.properties.policies import FLAGS, SCOPES, SMALL, role
from tests.unit.test_ceiling import BEFORE, NOW, order
from tests.unit.test_ceiling import policy as ordered

CLASSES = {"inner": {"Enrollee.a"}, "outer": {"inner", "Enrollee.b"}, "other": {"Enrollee.c"}}
RULES = (
    Rule("one", "outer", "read", "a", Effect.ALLOW),
    Rule("two", "Enrollee.d", "read", "b&c", Effect.ALLOW),
    Rule("three", "other", "read", ALWAYS, Effect.ALLOW),
)
ROLES = (role("one"), role("two", "one"), role("three"))


def policy(
    roles: tuple[Role, ...] = ROLES,
    classes: dict[str, set[str]] = CLASSES,
    scopes: dict[str, dict[str, str]] = SCOPES,
    rules: tuple[Rule, ...] = RULES,
) -> PolicySet:
    return policy_set(SMALL, roles, classes, scopes, rules)


def everything(found: DecisionSet) -> list[object]:
    """All that a set says, labels and reasons included."""
    return [
        repr(sorted(value.items())) if field.name == "table" else value
        for field in fields(found)
        for value in [getattr(found, field.name)]
    ]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The roles whose decisions were made, in turn, beginning with nothing that is kept."""
    roles: list[str] = []

    def counted(given: PolicySet, name: str) -> DecisionSet:
        roles.append(name)
        return decision_set(given, name)

    monkeypatch.setattr(module, "decision_set", counted)
    monkeypatch.setattr(module, "_KEPT", module._Kept())
    return roles


CHANGES: dict[str, tuple[PolicySet, set[str]]] = {
    "nothing": (policy(), set()),
    "a rule of another role": (
        policy(rules=(*RULES, Rule("three", "Enrollee.d", "read", "a", Effect.ALLOW))),
        set(),
    ),
    "an own rule": (
        policy(rules=(*RULES, Rule("two", "Enrollee.c", "sort", "a", Effect.ALLOW))),
        {"two"},
    ),
    "an inherited rule": (
        policy(rules=(*RULES, Rule("one", "Enrollee.c", "read", "a", Effect.DENY))),
        {"one", "two"},
    ),
    "a role inherited": (policy((role("one", "three"), *ROLES[1:])), {"one", "two"}),
    "a class within a class": (
        policy(classes=CLASSES | {"inner": {"Enrollee.a", "Enrollee.d"}}),
        {"one", "two"},
    ),
    "a class that nobody here names": (policy(classes=CLASSES | {"other": {"Enrollee.d"}}), set()),
    "a scope of a conjunction": (policy(scopes=SCOPES | {"c": {"Enrollee": "d = true"}}), {"two"}),
    "a scope that nobody here names": (
        policy(scopes=SCOPES | {"d": {"Enrollee": "a = true"}}),
        set(),
    ),
    "a page limit": (policy((ROLES[0], replace(ROLES[1], page_limit=7), ROLES[2])), {"two"}),
    "a denial mode": (
        policy((ROLES[0], replace(ROLES[1], denial_mode=DenialMode.REFUSE), ROLES[2])),
        {"two"},
    ),
    "an inherited smallest cell": (
        policy((replace(ROLES[0], smallest_cell=11), *ROLES[1:])),
        {"one", "two"},
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_an_edit_makes_anew_the_decisions_of_the_roles_that_it_touches(
    case: str, made: list[str]
) -> None:
    after, touched = CHANGES[case]
    for name in ("one", "two"):
        decided(policy(), name)
    made.clear()
    for name in ("one", "two"):
        assert everything(decided(after, name)) == everything(decision_set(after, name))
    assert set(made) == touched


def test_what_is_kept_is_what_is_made_whatever_was_asked_before(made: list[str]) -> None:
    rng = Random(5)
    for _ in range(60):
        rules = tuple({
            Rule(
                rng.choice(["one", "two"]), rng.choice(["inner", "outer", "Enrollee.a"]), "read",
                join(rng.sample(FLAGS[:2], rng.randint(0, 2))), rng.choice(list(Effect)),
            )
            for _ in range(rng.randint(0, 3))
        })  # fmt: skip
        above = ("one",) if rng.random() < 0.5 else ()
        given = policy((role("one"), role("two", *above)), rules=rules)
        for name in ("one", "two"):
            assert everything(decided(given, name)) == everything(decision_set(given, name))
    assert len(made) < 120


def test_a_reason_that_changes_with_the_day_is_not_kept_for_another(made: list[str]) -> None:
    sets = [decided(effective(ordered(), [order()], at), "agent") for at in (BEFORE, NOW)]
    assert [found.decide("Enrollee.ssn", "read").reason for found in sets] == [  # type: ignore[union-attr]
        Reason.NO_ORDER,
        Reason.ORDER,
    ]
    assert made == ["agent", "agent"]


def test_what_nobody_asked_for_longest_goes_first(
    made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST", 205)
    for name in ("one", "two", "one", "three", "one", "two"):
        decided(policy(), name)
    assert made == ["one", "two", "three", "two"]


def test_another_catalog_is_another_matter(made: list[str]) -> None:
    decided(policy(), "one")
    decided(ordered(), "agent")
    decided(policy(), "one")
    assert made == ["one", "agent", "one"]


def test_an_unknown_role_has_no_decisions() -> None:
    with pytest.raises(UnknownRole):
        decided(policy(), "four")
