"""What Casbin decides, against evaluators that know nothing of it: theorems over small policies."""

from __future__ import annotations

from itertools import combinations_with_replacement, permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz import questions
from authz.casbin_lines import conjunction, policy_csv
from authz.decision import Allow, AllowWhere, Deny, Reason, condition
from authz.enforcer import decide, decision_set, enforcer_for
from authz.policy import ALWAYS, Effect, PolicySet, Rule, join, parts
from authz.policy_check import policy_set
from tests.properties.policies import FLAGS, SCOPES, SMALL, holds, role

READ = ("Enrollee.a", "read")
ROW: dict[str, bool | None] = {"a": True, "b": False, "c": None, "d": True}
"""A row on which scope a matches, b does not, and c is unknown."""


def small(*rules: Rule) -> PolicySet:
    """A policy over the small catalog with two roles, the second inheriting the first."""
    classes = {"inner": frozenset({"Enrollee.a", "Enrollee.b"}), "outer": frozenset({"inner"})}
    return policy_set(SMALL, [role("one"), role("two", "one")], classes, SCOPES, rules)


def rule(effect: Effect, where: str = ALWAYS, **other: str) -> Rule:
    """A rule for role one to read Enrollee.a, but for what is said otherwise."""
    words = {"role": "one", "object": READ[0], "action": READ[1]} | other
    return Rule(words["role"], words["object"], words["action"], where, effect)


OUTCOMES = {"match": "a", "no match": "b", "unknown": "c"}
KINDS = tuple(product(Effect, OUTCOMES))


@pytest.mark.parametrize("count", range(5))
def test_up_to_four_rules_of_every_kind_open_a_row_as_an_independent_evaluator_does(
    count: int,
) -> None:
    for kinds in combinations_with_replacement(KINDS, count):
        # A policy holds no rule twice, so a kind twice is one rule.
        rules = {rule(effect, OUTCOMES[outcome]) for effect, outcome in kinds}
        allowed = (Effect.ALLOW, "match") in kinds
        denied = (Effect.DENY, "match") in kinds or (Effect.DENY, "unknown") in kinds
        decision = decide(small(*rules), "one", *READ)
        assert holds(condition(decision), ROW) is (allowed and not denied), kinds


def test_default_deny() -> None:
    assert decision_set(small(), "one").table == {}
    assert decide(small(), "one", *READ) == Deny(Reason.NO_RULE)
    assert decision_set(small(), "one").decide(*READ) == Deny(Reason.NO_RULE)


def test_forbid_trumps_permit() -> None:
    for rules in permutations(
        [rule(Effect.ALLOW), rule(Effect.ALLOW, "a"), rule(Effect.DENY), rule(Effect.DENY, "a")]
    ):
        assert decide(small(*rules), "one", *READ) == Deny(Reason.RULE)


def test_an_unknown_deny_denies_and_an_unknown_allow_does_not_allow() -> None:
    denying = decide(small(rule(Effect.ALLOW), rule(Effect.DENY, "c")), "one", *READ)
    assert not holds(condition(denying), ROW)
    allowing = decide(small(rule(Effect.ALLOW, "c")), "one", *READ)
    assert not holds(condition(allowing), ROW)


def test_an_allow_everywhere_is_no_condition() -> None:
    assert decide(small(rule(Effect.ALLOW), rule(Effect.ALLOW, "a")), "one", *READ) == Allow()


def test_a_deny_on_a_part_of_a_condition_takes_the_allow_away() -> None:
    decision = decide(small(rule(Effect.ALLOW, "a&b"), rule(Effect.DENY, "a")), "one", *READ)
    assert decision == Deny(Reason.RULE)


def test_a_rule_for_a_role_holds_for_those_that_inherit_it_and_not_the_other_way() -> None:
    assert decide(small(rule(Effect.ALLOW)), "two", *READ) == Allow()
    assert decide(small(rule(Effect.ALLOW, role="two")), "one", *READ) == Deny(Reason.NO_RULE)
    both_ways = small(rule(Effect.ALLOW, role="two"), rule(Effect.DENY))
    assert decide(both_ways, "two", *READ) == Deny(Reason.RULE)


def test_a_rule_about_a_class_is_about_all_that_it_holds_however_deep() -> None:
    policy = small(rule(Effect.ALLOW, object="outer"))
    assert decide(policy, "one", "Enrollee.a", "read") == Allow()
    assert decide(policy, "one", "Enrollee.c", "read") == Deny(Reason.NO_RULE)


def test_a_filter_rule_without_an_operator_covers_every_operator() -> None:
    table = decision_set(small(rule(Effect.ALLOW, action="filter")), "one").table
    assert set(table) == {
        ("Enrollee.a", "filter"),
        ("Enrollee.a", "filter:eq"),
        ("Enrollee.a", "filter:isNull"),
    }


def test_a_filter_rule_with_an_operator_covers_that_one_alone() -> None:
    table = decision_set(small(rule(Effect.ALLOW, action="filter:eq")), "one").table
    assert set(table) == {("Enrollee.a", "filter:eq")}
    but_one = small(rule(Effect.ALLOW, action="filter"), rule(Effect.DENY, action="filter:isNull"))
    assert decide(but_one, "one", "Enrollee.a", "filter:eq") == Allow()
    assert decide(but_one, "one", "Enrollee.a", "filter:isNull") == Deny(Reason.RULE)


def test_a_scope_that_never_holds_opens_nothing() -> None:
    never = policy_set(
        SMALL, [role("one")], {}, {"no": {"Enrollee": "never"}}, [rule(Effect.ALLOW, "no")]
    )
    assert decide(never, "one", *READ) == Deny(Reason.NO_RULE)
    assert decision_set(never, "one").table == {}


def test_the_label_of_a_decision_names_what_allows_and_what_denies() -> None:
    policy = small(rule(Effect.ALLOW, "a"), rule(Effect.ALLOW, "b&c"), rule(Effect.DENY, "d"))
    decision = decide(policy, "one", *READ)
    assert isinstance(decision, AllowWhere)
    assert decision.label == "a!d|b&c!d"


conditions = st.sets(st.sampled_from(FLAGS), max_size=2).map(join)
rules = st.builds(
    Rule,
    st.sampled_from(["one", "two"]),
    st.sampled_from(["Enrollee.a", "Enrollee.c", "inner", "outer"]),
    st.sampled_from(["read", "filter", "filter:eq", "sort"]),
    conditions,
    st.sampled_from(Effect),
)
policies = st.sets(rules, max_size=8).map(lambda chosen: small(*chosen))
rows = st.fixed_dictionaries({name: st.sampled_from([True, False, None]) for name in FLAGS})

OF_CLASS = {"Enrollee.a": {"inner", "outer"}, "Enrollee.b": {"inner", "outer"}}
OF_ROLE = {"one": {"one"}, "two": {"one", "two"}}


def naive(
    policy: PolicySet, who: str, coordinate: str, action: str, row: dict[str, bool | None]
) -> bool:
    """Rule by rule: some allow holds, and of no deny it is possible that it does."""
    about = [
        found
        for found in policy.rules
        if found.role in OF_ROLE[who]
        and found.object in {coordinate} | OF_CLASS.get(coordinate, set())
        and found.action in {action, action.partition(":")[0]}
    ]
    allowed = any(
        all(row[name] is True for name in parts(found.condition))
        for found in about
        if found.effect is Effect.ALLOW
    )
    denied = any(
        all(row[name] is not False for name in parts(found.condition))
        for found in about
        if found.effect is Effect.DENY
    )
    return allowed and not denied


@given(policies, rows)
def test_a_decision_set_equals_a_naive_evaluation_of_the_rules(
    policy: PolicySet, row: dict[str, bool | None]
) -> None:
    for who in OF_ROLE:
        decisions = decision_set(policy, who)
        for coordinate in SMALL.fields:
            for action in questions.actions(SMALL, coordinate):
                found = holds(condition(decisions.decide(coordinate, action)), row)
                assert found is naive(policy, who, coordinate, action, row)


@given(policies, rows)
def test_casbin_over_all_rules_answers_as_casbin_over_those_that_can_match(
    policy: PolicySet, row: dict[str, bool | None]
) -> None:
    enforcer = enforcer_for(policy)
    allows = {found.condition for found in policy.rules if found.effect is Effect.ALLOW}
    denies = {found.condition for found in policy.rules if found.effect is Effect.DENY}
    true = {allow for allow in allows if all(row[name] is True for name in parts(allow))}
    possible = {deny for deny in denies if all(row[name] is not False for name in parts(deny))}
    for who in OF_ROLE:
        decisions = decision_set(policy, who)
        for coordinate in SMALL.fields:
            for action in questions.actions(SMALL, coordinate):
                question = (who, coordinate, action)
                asked = any(
                    enforcer.enforce(*question, allow)
                    and all(enforcer.enforce(*question, conjunction(allow, d)) for d in possible)
                    for allow in true
                )
                assert asked is holds(condition(decisions.decide(coordinate, action)), row)


@given(st.permutations(tuple(FLAGS)), policies)
def test_the_order_in_which_a_policy_is_written_means_nothing(
    order: list[str], policy: PolicySet
) -> None:
    again = policy_set(
        SMALL,
        [role("two", "one"), role("one")],
        {"outer": frozenset({"inner"}), "inner": frozenset({"Enrollee.b", "Enrollee.a"})},
        {name: SCOPES[name] for name in order},
        reversed(policy.rules),
    )
    assert again.canonical == policy.canonical
    assert again.digest == policy.digest
    assert policy_csv(again) == policy_csv(policy)
