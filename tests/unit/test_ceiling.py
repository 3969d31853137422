"""Ceilings: what orders leave of a policy, and a counterexample for all that exceeds them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from authz import questions
from authz.casbin_lines import policy_csv
from authz.ceiling import Excess, Violation, capped, effective, violations
from authz.decision import Allow, AllowWhere, Decision, Deny, Reason, condition
from authz.enforcer import decision_set
from authz.errors import OrderInvalid
from authz.order import Order
from authz.order_file import parse_order
from authz.policy import PolicySet
from authz.policy_file import parse_policy
from authz.scope import parse_scope
from db.catalog_records import CATALOG
from db.predicate import both

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = parse_scope(CATALOG, "Enrollee", "population covers as_of")

ORDER = """
name = "one"
caption = "A v. B"
court = "A court"
docket = "1:26-cv-1"
issued = 2026-01-01
effective = 2026-02-01
role = "agent"
states = []
history = [{ at = 2026-02-01, status = "in_force" }]
grants = [
  { on = ["Enrollee.dateOfBirth"], actions = ["read", "filter"] },
  { on = ["Enrollee.medicaidId"], actions = ["read", "filter:eq"] },
]
[population]
scope = "people"
Enrollee = "population covers as_of"
"""

POLICY = """
rules = [
  { role = "agent", on = ["Enrollee.dateOfBirth"], actions = ["read", "filter"], where = "people" },
  { role = "agent", on = ["Enrollee.medicaidId"], actions = ["read"], where = "people" },
  { role = "agent", on = ["Enrollee.medicaidId"], actions = ["filter:eq"], where = "people" },
  { role = "clerk", on = ["names"], actions = ["read"], where = "always" },
  #more
]
[roles.agent]
description = "Capped."
page_limit = 10
[roles.heir]
description = "Has the rules of a capped role."
page_limit = 10
inherits = ["agent"]
requires = ["reason"]
[roles.clerk]
description = "Not capped."
page_limit = 10
requires = ["state"]
[classes]
names = ["Enrollee.firstName", "Enrollee.lastName"]
all = ["names", "Enrollee.dateOfBirth", "Enrollee.medicaidId"]
[scopes.people]
Enrollee = "population covers as_of"
[scopes.also_people]
Enrollee = "sex = 'F' and population covers as_of"
[scopes.women]
Enrollee = "sex = 'F'"
[scopes.nobody]
Enrollee = "never"
"""


def order(text: str = ORDER) -> Order:
    return parse_order(CATALOG, "one", text)


def policy(more: str = "", *changes: tuple[str, str]) -> PolicySet:
    """The policy with one more rule, and with some of its text replaced."""
    text = POLICY.replace("#more", more)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_policy(CATALOG, text)


def rule(role: str, on: str, action: str, where: str, effect: str = "allow") -> str:
    return (
        f'{{ role = "{role}", on = ["{on}"], actions = ["{action}"], where = "{where}", '
        f'effect = "{effect}" }},'
    )


def found(given: PolicySet) -> set[tuple[str, str, str, Excess]]:
    return {
        (violation.role, violation.coordinate, violation.action, violation.excess)
        for violation in violations(given, order())
    }


def test_a_policy_within_an_order_violates_nothing() -> None:
    assert violations(policy(), order()) == ()


EXCESSES = {
    "a coordinate more": (
        rule("agent", "Enrollee.ssn", "read", "people"),
        {("Enrollee.ssn", "read", Excess.COORDINATE)},
    ),
    "an action more": (
        rule("agent", "Enrollee.dateOfBirth", "sort", "people"),
        {("Enrollee.dateOfBirth", "sort", Excess.COORDINATE)},
    ),
    "an operator more": (
        rule("agent", "Enrollee.medicaidId", "filter:in", "people"),
        {("Enrollee.medicaidId", "filter:in", Excess.COORDINATE)},
    ),
    "every operator": (
        rule("agent", "Enrollee.medicaidId", "filter", "people"),
        {
            ("Enrollee.medicaidId", action, Excess.COORDINATE)
            for action in ("filter", *questions.filters(CATALOG, "Enrollee.medicaidId"))
            if action != "filter:eq"
        },
    ),
    "more people": (
        rule("agent", "Enrollee.dateOfBirth", "read", "women"),
        {("Enrollee.dateOfBirth", "read", Excess.ROWS)},
    ),
    "all people": (
        rule("agent", "Enrollee.dateOfBirth", "read", "always"),
        {("Enrollee.dateOfBirth", "read", Excess.ROWS)},
    ),
    "a class that holds more": (
        rule("agent", "all", "read", "people"),
        {
            ("Enrollee.firstName", "read", Excess.COORDINATE),
            ("Enrollee.lastName", "read", Excess.COORDINATE),
        },
    ),
    "a count": (
        rule("agent", "EnrolleeConnection.totalCount", "aggregate", "people"),
        {("EnrolleeConnection.totalCount", "aggregate", Excess.COORDINATE)},
    ),
    "the policy itself": (
        rule("agent", "Policy.rules", "read", "always"),
        {("Policy.rules", "read", Excess.COORDINATE)},
    ),
}


@pytest.mark.parametrize("case", EXCESSES)
def test_every_excess_has_a_counterexample_for_the_role_and_its_heirs(case: str) -> None:
    more, excesses = EXCESSES[case]
    assert found(policy(more)) == {
        (role, *excess) for role in ("agent", "heir") for excess in excesses
    }


def test_what_a_capped_role_inherits_is_found() -> None:
    given = policy("", ('description = "Capped."', 'description = "Capped."\ninherits = ["clerk"]'))
    (counterexample, *_) = violations(given, order())
    assert [rule.object for rule in counterexample.rules] == ["names"]
    assert {role for role, *_ in found(given)} == {"agent", "heir"}


def test_what_a_wildcard_opens_is_found() -> None:
    given = policy(rule("agent", "Enrollee.*", "read", "people"))
    assert ("heir", "Enrollee.ssn", "read", Excess.COORDINATE) in found(given)
    assert ("agent", "Enrollee.claims", "read", Excess.COORDINATE) in found(given)
    assert ("agent", "Enrollee.dateOfBirth", "read", Excess.COORDINATE) not in found(given)


def test_an_heir_of_a_capped_role_has_no_more_than_it() -> None:
    given = policy(rule("heir", "Enrollee.ssn", "read", "always"))
    assert found(given) == {("heir", "Enrollee.ssn", "read", Excess.COORDINATE)}


WITHIN = {
    "fewer people": rule("agent", "Enrollee.dateOfBirth", "read", "people & women"),
    "the same people and a condition in one scope": rule(
        "agent", "Enrollee.dateOfBirth", "read", "also_people"
    ),
    "nobody": rule("agent", "Enrollee.dateOfBirth", "read", "nobody"),
    "a role that nobody caps": rule("clerk", "Enrollee.ssn", "read", "always"),
    "a rule that another takes away": rule("agent", "Enrollee.ssn", "read", "women")
    + rule("agent", "Enrollee.ssn", "read", "women", "deny"),
    "a rule that one about everybody takes away": rule("agent", "Enrollee.ssn", "read", "always")
    + rule("agent", "Enrollee.ssn", "read", "always", "deny"),
}


@pytest.mark.parametrize("case", WITHIN)
def test_what_stays_within_an_order_is_no_violation(case: str) -> None:
    assert found(policy(WITHIN[case])) == set()


OPPOSITES = {
    "a scope and its opposite": ("sex = 'F'", "sex = 'F'"),
    "less than what is denied": ("sex = 'F' and population covers as_of", "sex = 'F'"),
    "either of two that are both denied": (
        "sex = 'F' or population covers as_of",
        "population covers as_of or sex = 'F'",
    ),
}


@pytest.mark.parametrize("case", OPPOSITES)
def test_what_is_denied_by_another_name_is_no_violation(case: str) -> None:
    allowed, denied = OPPOSITES[case]
    scopes = f"""[scopes.some]
Enrollee = "{allowed}"
[scopes.same]
Enrollee = "{denied}"
"""
    more = rule("agent", "Enrollee.ssn", "read", "some")
    deny = rule("agent", "Enrollee.ssn", "read", "same", "deny")
    assert found(policy(more + deny, ("[scopes.nobody]", scopes + "[scopes.nobody]"))) == set()
    assert found(policy(more, ("[scopes.nobody]", scopes + "[scopes.nobody]"))) != set()


def test_two_rules_that_open_the_same_are_both_named() -> None:
    given = policy(
        rule("agent", "names", "read", "women") + rule("agent", "all", "read", "people & women")
    )
    counterexample = next(
        each for each in violations(given, order()) if each.coordinate == "Enrollee.lastName"
    )
    assert [rule.object for rule in counterexample.rules] == ["all", "names"]


def test_a_deny_on_some_rows_does_not_take_an_allow_away() -> None:
    more = rule("agent", "Enrollee.ssn", "read", "people")
    given = policy(more + rule("agent", "Enrollee.ssn", "read", "women", "deny"))
    assert ("agent", "Enrollee.ssn", "read", Excess.COORDINATE) in found(given)


def test_a_scope_of_the_population_s_name_with_other_people_is_found() -> None:
    given = policy("", ('[scopes.people]\nEnrollee = "population covers as_of"',
                        '[scopes.people]\nEnrollee = "always"'))  # fmt: skip
    assert ("agent", "Enrollee.dateOfBirth", "read", Excess.ROWS) in found(given)


def open_to(given: PolicySet, role: str) -> dict[tuple[str, str], Decision]:
    table = decision_set(given, role).table
    return {key: decision for key, decision in table.items() if not isinstance(decision, Deny)}


def test_under_an_order_a_capped_role_keeps_what_both_it_and_the_policy_give() -> None:
    more = rule("agent", "Enrollee.ssn", "read", "always") + rule(
        "agent", "Enrollee.dateOfBirth", "read", "always"
    )
    for role in ("agent", "heir"):
        left = open_to(effective(policy(more), [order()], NOW), role)
        assert left == open_to(effective(policy(), [order()], NOW), role)
        assert set(left.values()) == {AllowWhere(PEOPLE)}
        assert {key for key in left if key[1] in ("read", "filter", "filter:eq")} == {
            ("Enrollee.dateOfBirth", "read"),
            ("Enrollee.dateOfBirth", "filter"),
            ("Enrollee.dateOfBirth", "filter:eq"),
            ("Enrollee.medicaidId", "read"),
            ("Enrollee.medicaidId", "filter:eq"),
        }


def test_a_policy_that_gives_less_than_an_order_is_not_widened() -> None:
    narrow = policy("", ('where = "people" }', 'where = "women & people" }'))
    decision = decision_set(effective(narrow, [order()], NOW), "agent").decide(
        "Enrollee.dateOfBirth", "read"
    )
    women = parse_scope(CATALOG, "Enrollee", "sex = 'F'")
    assert condition(decision) == both(PEOPLE, women)


def test_a_deny_of_the_policy_holds_under_an_order() -> None:
    given = policy(rule("agent", "Enrollee.dateOfBirth", "read", "women", "deny"))
    decision = decision_set(effective(given, [order()], NOW), "agent").decide(
        "Enrollee.dateOfBirth", "read"
    )
    not_women = parse_scope(CATALOG, "Enrollee", "sex != 'F'")
    assert condition(decision) == both(PEOPLE, not_women)


def test_the_order_s_people_overrule_a_scope_of_the_same_name() -> None:
    given = policy("", ('[scopes.people]\nEnrollee = "population covers as_of"',
                        '[scopes.people]\nEnrollee = "always"\nClaim = "always"'))  # fmt: skip
    held = effective(given, [order()], NOW)
    assert set(open_to(held, "agent").values()) == {AllowWhere(PEOPLE)}
    assert held.scopes["people"]["Claim"].text == "always"


def test_a_population_that_the_policy_has_no_name_for_holds_all_the_same() -> None:
    held = effective(policy(), [order(ORDER.replace('"people"', '"its_people"'))], NOW)
    assert set(open_to(held, "agent").values()) == {AllowWhere(PEOPLE)}


def test_without_an_order_in_force_a_capped_role_has_nothing() -> None:
    stayed = order(ORDER.replace("}]", '}, { at = 2026-02-15, status = "stayed" }]'))
    for held in (
        effective(policy(), [order()], BEFORE),
        effective(policy(), [stayed], NOW),
    ):
        for role in ("agent", "heir"):
            assert open_to(held, role) == {}
            assert set(decision_set(held, role).table.values()) == {Deny(Reason.NO_ORDER)}


def test_two_orders_leave_what_both_leave_on_the_people_of_both() -> None:
    other = replace(
        order(ORDER.replace('"filter"]', '"sort"]').replace("population covers as_of", "sex = 'F'")
              .replace('scope = "people"', 'scope = "its_people"')), name="two",
    )  # fmt: skip
    left = open_to(effective(policy(), [order(), other], NOW), "agent")
    women = parse_scope(CATALOG, "Enrollee", "sex = 'F'")
    assert set(left) == {
        ("Enrollee.dateOfBirth", "read"),
        ("Enrollee.medicaidId", "read"),
        ("Enrollee.medicaidId", "filter:eq"),
    }
    assert {condition(decision) for decision in left.values()} == {both(women, PEOPLE)}


def test_two_orders_that_call_different_people_by_one_name_are_refused() -> None:
    """Else the people of the one would be said by the other, in the rules of every role."""
    other = replace(order(ORDER.replace("population covers as_of", "always")), name="two")
    for given in ([order(), other], [other, order()]):
        with pytest.raises(OrderInvalid, match="'people' on Enrollee means something else in"):
            effective(policy(), given, NOW)
    assert open_to(effective(policy(), [order(), replace(order(), name="two")], NOW), "agent")


@pytest.mark.parametrize("end", ["paused", "stayed", "vacated", "superseded"])
def test_an_order_about_another_role_is_no_order_in_force_for_a_capped_one(end: str) -> None:
    """Whoever inherits from a role that another order leaves more would read by that one."""
    ended = order(ORDER.replace("}]", f'}}, {{ at = 2026-02-15, status = "{end}" }}]'))
    wide = ORDER.replace('role = "agent"', 'role = "clerk"').replace(
        '"Enrollee.medicaidId"]', '"Enrollee.medicaidId", "Enrollee.lastName"]'
    )
    given = policy("", ('description = "Capped."', 'description = "Capped."\ninherits = ["clerk"]'))
    other = replace(order(wide), name="two")
    held = effective(given, [ended, other], NOW)
    for role in ("agent", "heir"):
        assert set(decision_set(held, role).table.values()) == {Deny(Reason.NO_ORDER)}
    assert open_to(held, "clerk")
    # With both in force, what both leave.
    both = open_to(effective(given, [order(), other], NOW), "agent")
    assert ("Enrollee.dateOfBirth", "read") in both
    assert ("Enrollee.lastName", "read") not in both


def test_an_order_that_ended_takes_nothing_from_one_in_force() -> None:
    ended = order(ORDER.replace("}]", '}, { at = 2026-02-15, status = "vacated" }]'))
    assert open_to(effective(policy(), [order(), ended], NOW), "agent") == open_to(
        effective(policy(), [order()], NOW), "agent"
    )


def test_other_roles_are_as_they_were() -> None:
    for orders in ([order()], []):
        held = effective(policy(), orders, NOW)
        assert dict(decision_set(held, "clerk").table) == {
            ("Enrollee.firstName", "read"): Allow(),
            ("Enrollee.lastName", "read"): Allow(),
        }
        assert held.requires("clerk") == {"state"}


def test_a_capped_role_still_requires_what_its_parents_require() -> None:
    given = policy("", ('inherits = ["agent"]', 'inherits = ["agent", "clerk"]'))
    assert effective(given, [order()], NOW).requires("heir") == {"reason", "state"}


def test_the_effective_policy_violates_no_order() -> None:
    for more, _ in EXCESSES.values():
        held = effective(policy(more), [order()], NOW)
        assert violations(held, order()) == ()


def test_capped_are_the_roles_of_all_orders_and_their_heirs_in_force_or_not() -> None:
    assert capped(policy(), [order()]) == {"agent", "heir"}
    assert capped(policy(), []) == frozenset()


def test_the_export_denies_what_the_order_closes() -> None:
    lines = policy_csv(effective(policy(), [order()], NOW)).splitlines()
    assert "g2,Enrollee.lastName,order:agent" in lines
    assert "p,agent,order:agent,read,always,deny" in lines
    assert "p,agent,Enrollee.dateOfBirth,sort,always,deny" in lines
    assert "p,agent,Enrollee.medicaidId,filter:in,always,deny" in lines
    # Denying all filters would deny the one that is open.
    assert "p,agent,Enrollee.medicaidId,filter,always,deny" not in lines
    assert not any(line.startswith("g,heir,") for line in lines)


def test_a_violation_is_a_value() -> None:
    first, *_ = violations(policy(rule("agent", "Enrollee.ssn", "read", "people")), order())
    assert isinstance(first, Violation)
    assert [rule.role for rule in first.rules] == ["agent"]
    assert first.rows == PEOPLE
    assert first.order == "one"
