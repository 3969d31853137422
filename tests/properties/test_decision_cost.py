"""Decisions over few rules equal Casbin over all lines; looking one up is one access of a table.

Policies are generated with inheritance three deep, classes in classes that overlap, conditions of
several scopes, and denies by every way in which a rule can reach a coordinate.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import casbin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authz import questions
from authz.casbin_lines import conjunction
from authz.decision import Decision, Deny, Reason, condition
from authz.enforcer import decide, decision_set, enforcer_for
from authz.policy import Effect, PolicySet, Rule, join, parts
from authz.policy_check import policy_set
from tests.properties.policies import FLAGS, SCOPES, SMALL, holds, role

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLES = {"one": (), "two": ("one",), "three": ("two", "side"), "side": ()}
CLASSES = {
    "inner": frozenset({"Enrollee.a", "Enrollee.b"}),
    "outer": frozenset({"inner", "Enrollee.c"}),
    "across": frozenset({"Enrollee.b", "Enrollee.c"}),
    "whole": frozenset({"outer", "across"}),
}
rules = st.builds(
    Rule,
    st.sampled_from(sorted(ROLES)),
    st.sampled_from(["Enrollee.a", "Enrollee.b", "Enrollee.d", *sorted(CLASSES)]),
    st.sampled_from(["read", "filter", "filter:eq", "aggregate"]),
    st.sets(st.sampled_from(FLAGS), max_size=3).map(join),
    st.sampled_from([Effect.ALLOW, Effect.ALLOW, Effect.DENY]),
)
policies = st.sets(rules, min_size=4, max_size=30).map(
    lambda chosen: policy_set(
        SMALL, [role(name, *above) for name, above in ROLES.items()], CLASSES, SCOPES, chosen
    )
)
QUESTIONS = [(name, action) for name in SMALL.fields for action in questions.actions(SMALL, name)]
rows = st.fixed_dictionaries({name: st.sampled_from([True, False, None]) for name in FLAGS})


def opened_over_all(
    policy: PolicySet, row: dict[str, bool | None]
) -> Iterator[tuple[str, str, str]]:
    """Every question that Casbin over all lines answers yes on a row, whatever is unknown of it.

    A row is let in by an allow that holds on it, unless with some deny that may hold it is refused.
    """
    full = enforcer_for(policy)
    allows = {each.condition for each in policy.rules if each.effect is Effect.ALLOW}
    denies = {each.condition for each in policy.rules if each.effect is Effect.DENY}
    true = [each for each in allows if all(row[name] is True for name in parts(each))]
    possible = [each for each in denies if all(row[name] is not False for name in parts(each))]
    for who in policy.roles:
        for question in QUESTIONS:
            if any(
                full.enforce(who, *question, allow)
                and all(full.enforce(who, *question, conjunction(allow, d)) for d in possible)
                for allow in true
            ):
                yield who, *question


@settings(max_examples=50)
@given(policies, rows)
def test_decisions_open_what_casbin_over_all_lines_opens(
    policy: PolicySet, row: dict[str, bool | None]
) -> None:
    opened = {
        (who, *question)
        for who in policy.roles
        for question, decision in decision_set(policy, who).table.items()
        if holds(condition(decision), row)
    }
    assert opened == set(opened_over_all(policy, row))


@settings(max_examples=10)
@given(policies)
def test_one_decision_is_that_of_the_set_to_the_word(policy: PolicySet) -> None:
    for who in policy.roles:
        found = decision_set(policy, who)
        for question in QUESTIONS:
            alone, together = decide(policy, who, *question), found.decide(*question)
            assert alone == together
            assert getattr(alone, "label", "") == getattr(together, "label", "")


class Counted(dict[tuple[str, str], Decision]):
    """A table that counts how often it is looked into, and can be walked by nobody."""

    looks = 0

    def get(self, key: tuple[str, str], default: Decision) -> Decision:  # type: ignore[override]
        """The entry, counted."""
        self.looks += 1
        return super().get(key, default)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        raise AssertionError("walked")


@pytest.mark.parametrize("size", [0, 1, 1000])
@pytest.mark.parametrize("question", [("Enrollee.a", "read"), ("Enrollee.z", "read"), ("", "")])
def test_a_lookup_is_one_access_of_a_table_however_large(
    size: int, question: tuple[str, str]
) -> None:
    policy = policy_set(
        SMALL,
        [role("one")],
        {},
        {},
        [Rule("one", "Enrollee.a", "read", "always", Effect.ALLOW)],
    )
    found = decision_set(policy, "one")
    table = Counted(found.table)
    table.update({(f"Enrollee.x{n}", "read"): Deny(Reason.RULE) for n in range(size)})
    copied = replace(found, table=MappingProxyType(table))
    assert copied.decide(*question) == found.decide(*question)
    assert table.looks == 1


def test_casbin_is_handed_no_rule_that_cannot_match(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[list[list[str]]] = []
    real = casbin.Enforcer.enforce

    def enforce(self: casbin.Enforcer, *asked: str) -> bool:
        handed.append([*self.model["p"]["p"].policy])
        return real(self, *asked)

    monkeypatch.setattr(casbin.Enforcer, "enforce", enforce)
    wanted = Rule("one", "inner", "filter", "a", Effect.ALLOW)
    others = [
        Rule("side", "inner", "filter", "a", Effect.ALLOW),
        Rule("one", "across", "filter", "a", Effect.DENY),
        Rule("one", "inner", "filter:isNull", "a", Effect.DENY),
        Rule("one", "inner", "filter", "b", Effect.ALLOW),
    ]
    policy = policy_set(
        SMALL,
        [role(name, *above) for name, above in ROLES.items()],
        CLASSES,
        SCOPES,
        [wanted, *others],
    )
    decide(policy, "two", "Enrollee.a", "filter:eq")
    # The first question is whether Casbin is switched on.
    assert handed == [
        [],
        [["one", "inner", "filter", "a", "allow"]],
        [["one", "inner", "filter", "b", "allow"]],
    ]
