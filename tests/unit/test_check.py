"""What speaks against a version: a counterexample that a person can read, for each check."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from authz.case import Case
from authz.checks.check import check
from authz.checks.finding import Check, Finding, Severity
from authz.document import Document
from authz.invariant import Invariant
from authz.order import Change, Order, Status
from authz.policy import PolicySet
from authz.principal import Attributes
from authz.synthetic import Row
from tests.unit.test_ceiling import BEFORE, NOW, ORDER, order, policy, rule

LATER = datetime(2026, 9, 1, tzinfo=UTC)
SSN = rule("agent", "Enrollee.ssn", "read", "people")


def errors(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Those for which a version is not committed."""
    return tuple(each for each in findings if each.severity is Severity.ERROR)


def document(
    more: str = "",
    *changes: tuple[str, str],
    orders: tuple[Order, ...] | None = None,
    invariants: tuple[Invariant, ...] = (),
) -> Document:
    return Document(
        policy(more, *changes), (order(),) if orders is None else orders, invariants=invariants
    )


def found(after: Document, before: Document | None = None, as_of: datetime = NOW) -> list[Finding]:
    """What is not about idle rules, unless these are all there is."""
    return [each for each in check(before, after, as_of) if each.check is not Check.RULE]


def orders_of(after: Document, before: Document | None = None, as_of: datetime = NOW) -> list[str]:
    """Severity and text of what was found about orders."""
    return [
        f"{each.severity.value}: {each.text}"
        for each in check(before, after, as_of)
        if each.check is Check.ORDER
    ]


def test_a_version_within_its_orders_has_no_errors() -> None:
    assert errors(check(None, document(), NOW)) == ()
    assert errors(check(document(), document(), NOW)) == ()


def test_an_excess_is_told_with_who_what_where_and_by_which_rule() -> None:
    (one, two) = errors(check(document(), document(SSN), NOW))
    assert one == Finding(
        Severity.ERROR,
        Check.ORDER,
        "agent may read Enrollee.ssn where people: the order does not cover it (one, in force); by "
        "the rule for agent to read Enrollee.ssn",
        "agent",
        "Enrollee.ssn",
        "read",
        "people",
    )
    assert two.role == "heir"
    assert two.text.endswith("by the rule for agent to read Enrollee.ssn (heir → agent)")


def test_the_way_through_classes_and_roles_is_told_and_what_is_alike_is_counted() -> None:
    inherits = ('description = "Capped."', 'description = "Capped."\ninherits = ["clerk"]')
    deep = ("names = [", 'deep = ["names"]\nnames = [')
    given = document(rule("clerk", "deep", "sort", "women"), inherits, deep)
    (first, *_) = (each for each in errors(check(None, given, NOW)) if each.action == "sort")
    assert first.text == (
        "agent may sort Enrollee.firstName where women, and 1 more like it: the order does not "
        "cover it (one, in force); by the rule for clerk to sort deep (agent → clerk; "
        "deep → names → Enrollee.firstName)"
    )


def test_a_star_is_one_finding_for_a_role_however_much_it_opens() -> None:
    given = document(rule("agent", "*", "read", "always"))
    found = errors(check(None, given, NOW))
    assert [each.role for each in found] == ["agent", "heir"]
    assert "by the rule for agent to read * (* → " in found[0].text


def test_an_order_that_comes_into_force_later_counts_now() -> None:
    (text, _) = orders_of(document(SSN), document(), BEFORE)
    assert text.startswith("error: agent may read Enrollee.ssn")
    assert "(one, in force from 2026-02-01T00:00:00+00:00 on)" in text


@pytest.mark.parametrize("status", [Status.PAUSED, Status.VACATED, Status.SUPERSEDED])
def test_an_order_that_is_over_is_exceeded_by_nothing(status: Status) -> None:
    over = replace(order(), history=(*order().history, Change(NOW, status)))
    assert orders_of(document(SSN, orders=(over,)), document(orders=(over,))) == []
    again = replace(over, history=(*over.history, Change(LATER, Status.IN_FORCE)))
    assert len(orders_of(document(SSN, orders=(again,)), document(orders=(again,)))) == 2


def test_rows_beyond_the_population_are_a_warning() -> None:
    given = document(rule("agent", "Enrollee.dateOfBirth", "read", "women"))
    (one, _) = orders_of(given, document())
    assert one == (
        "warning: agent may read Enrollee.dateOfBirth where women: not only on the order's "
        "population (one, in force); nobody gets it, because access is what both leave; by the "
        "rule for agent to read Enrollee.dateOfBirth"
    )


def test_what_an_order_found_when_it_came_is_a_warning_and_what_is_added_an_error() -> None:
    narrow = ORDER.replace('"filter"]', '"filter:eq"]')
    new = (order(), replace(order(narrow), name="two"))
    standing = document()
    ruled = replace(standing, orders=new)
    assert {each.severity for each in found(ruled, standing)} == {Severity.WARNING}
    # A harmless edit later on.
    harmless = document(rule("clerk", "Enrollee.sex", "read", "always"), orders=new)
    assert {each.severity for each in found(harmless, ruled)} == {Severity.WARNING}
    # More of the same coordinates, by another rule.
    more = document(rule("agent", "Enrollee.dateOfBirth", "filter", "always"), orders=new)
    assert {each.action for each in errors(check(ruled, more, NOW))} == {"filter"}
    # Less of them.
    young = (
        "[scopes.nobody]",
        '[scopes.young]\nEnrollee = "date_of_birth >= as_of - 216 months"\n[scopes.nobody]',
    )
    deny = rule("agent", "Enrollee.dateOfBirth", "filter", "young", "deny")
    less = document(deny, young, orders=new)
    assert errors(check(ruled, less, NOW)) == ()


def test_a_role_that_becomes_capped_has_nothing_that_the_order_leaves_out() -> None:
    heir = ('description = "Not capped."', 'description = "Not capped."\ninherits = ["agent"]')
    (one,) = errors(check(document(), document("", heir), NOW))
    assert (one.role, one.coordinate, one.action) == ("clerk", "Enrollee.firstName", "read")


def test_an_order_that_would_cap_nobody_is_an_error() -> None:
    misspelt = replace(order(), role="agnet")
    assert orders_of(document(orders=(misspelt,))) == [
        "error: the order one would cap nobody: unknown role 'agnet'; did you mean 'agent'?"
    ]


def test_an_order_neither_goes_nor_has_another_past() -> None:
    given = document()
    assert orders_of(replace(given, orders=()), given) == [
        "error: the order one would be gone, and with it what caps agent: set its status instead"
    ]
    other = replace(order(), role="clerk")
    assert "error: the order one would no longer cap agent" in orders_of(
        replace(given, orders=(other,)), given
    )
    unpaused = replace(order(), history=(*order().history, Change(BEFORE, Status.PAUSED)))
    assert orders_of(given, replace(given, orders=(unpaused,))) == [
        "error: the order one would have another past: history is added to"
    ]
    # What lies ahead may be changed.
    planned = replace(order(), history=(*order().history, Change(LATER, Status.PAUSED)))
    assert orders_of(given, replace(given, orders=(planned,))) == []


def test_an_order_that_says_something_else_or_about_others_is_looked_at_twice() -> None:
    wider = order(ORDER.replace('"filter:eq"]', '"filter"]'))
    assert orders_of(document(orders=(wider,)), document()) == [
        "warning: the order one says something else than it did"
    ]
    scope = (
        'Enrollee = "population covers as_of"\n[scopes.also',
        'Enrollee = "never"\n[scopes.also',
    )
    assert any(
        "says who 'people' are, and the policy says otherwise" in text
        for text in orders_of(document("", scope), document())
    )


def test_an_order_says_who_its_people_are_in_the_rules_of_its_role_alone() -> None:
    """A policy that has the name for others, and other roles that use it, would change with it."""
    scope = (
        'Enrollee = "population covers as_of"\n[scopes.also',
        'Enrollee = "always"\n[scopes.also',
    )
    used = document(rule("clerk", "Enrollee.firstName", "read", "people"), scope)
    (one,) = errors(check(None, used, NOW))
    assert one.check is Check.SCOPE
    assert one.text == (
        "the order one says who 'people' are, and the policy says otherwise, and rules of clerk "
        "name it: call one of the two otherwise"
    )


NEVER = Invariant(
    "no_ssn", "Promised.", frozenset(), frozenset({"heir"}), frozenset({"Enrollee.ssn"}),
    frozenset({"read", "filter"}),
)  # fmt: skip


def broken(invariant: Invariant, more: str, *changes: tuple[str, str]) -> list[Finding]:
    given = document(more, *changes, invariants=(invariant,))
    return [each for each in errors(check(None, given, NOW)) if each.check is Check.INVARIANT]


def test_an_invariant_that_holds_is_silent() -> None:
    assert broken(NEVER, rule("clerk", "Enrollee.ssn", "sort", "always")) == []


def test_an_invariant_that_is_broken_is_told_with_its_reason() -> None:
    (one,) = broken(NEVER, rule("clerk", "Enrollee.ssn", "read", "women"))
    assert one == Finding(
        Severity.ERROR,
        Check.INVARIANT,
        "clerk may read Enrollee.ssn where women: never, says the invariant no_ssn (Promised.); by "
        "the rule for clerk to read Enrollee.ssn",
        "clerk",
        "Enrollee.ssn",
        "read",
        "women",
    )


def test_an_invariant_about_a_filter_is_about_each_of_its_cases() -> None:
    (one,) = broken(NEVER, rule("clerk", "Enrollee.ssn", "filter:eq", "always"))
    assert one.action == "filter:eq"
    only = replace(NEVER, actions=frozenset({"filter:in"}))
    assert broken(only, rule("clerk", "Enrollee.ssn", "filter:eq", "always")) == []
    (one,) = broken(only, rule("clerk", "Enrollee.ssn", "filter", "always"))
    assert one.action == "filter:in"


def test_an_invariant_binds_the_roles_that_it_names_without_the_others() -> None:
    more = rule("clerk", "Enrollee.ssn", "read", "women")
    assert broken(replace(NEVER, but=frozenset({"clerk"})), more) == []
    assert broken(replace(NEVER, roles=frozenset({"agent"})), more) == []
    assert len(broken(replace(NEVER, roles=frozenset({"clerk"})), more)) == 1


def test_an_invariant_of_a_capped_role_is_about_what_the_order_leaves() -> None:
    given = replace(NEVER, on=frozenset({"Enrollee.dateOfBirth"}))
    (one,) = broken(given, "")
    assert (one.role, one.action) == ("agent", "read")
    # The policy says it, and no order lets it.
    assert broken(NEVER, SSN) == []


def test_an_invariant_holds_on_every_later_day() -> None:
    given = replace(NEVER, on=frozenset({"Enrollee.dateOfBirth"}))
    after = document(invariants=(given,))
    (one,) = (each for each in errors(check(None, after, BEFORE)))
    assert " from 2026-02-01T00:00:00+00:00 on: never" in one.text


def test_an_invariant_with_rows_is_about_the_others() -> None:
    given = replace(NEVER, only_where="women")
    for where in ("women", "women & people", "nobody"):
        assert broken(given, rule("clerk", "Enrollee.ssn", "read", where)) == []
    (one,) = broken(given, rule("clerk", "Enrollee.ssn", "read", "people"))
    assert "where people: never but where women, says the invariant no_ssn" in one.text
    assert one.row == "people, not only women"
    # Narrowed to them by a deny, it is proven as well.
    men = ("[scopes.nobody]", "[scopes.men]\nEnrollee = \"sex != 'F'\"\n[scopes.nobody]")
    denied = rule("clerk", "Enrollee.ssn", "read", "people") + rule(
        "clerk", "Enrollee.ssn", "read", "men", "deny"
    )
    assert broken(given, denied, men) == []


@pytest.mark.parametrize("on", ["names", "Enrollee.*", "*"])
def test_an_invariant_names_classes_and_wildcards(on: str) -> None:
    given = replace(NEVER, on=frozenset({on}), roles=frozenset({"clerk"}))
    (one,) = broken(given, "")
    assert (one.coordinate, one.action) == ("Enrollee.firstName", "read")
    assert "where always, and 1 more like it: never" in one.text


IDLE = {
    "a rule that a wider class has": (
        rule("clerk", "Enrollee.firstName", "read", "women"),
        "the rule to allow clerk to read Enrollee.firstName where women adds nothing to the rule "
        "to allow clerk to read names where always",
    ),
    "one operator of all": (
        rule("agent", "Enrollee.dateOfBirth", "filter:eq", "people"),
        "the rule to allow agent to filter:eq Enrollee.dateOfBirth where people adds nothing to "
        "the rule to allow agent to filter Enrollee.dateOfBirth where people",
    ),
    "what is inherited": (
        rule("heir", "Enrollee.medicaidId", "read", "people & women"),
        "the rule to allow heir to read Enrollee.medicaidId where people&women adds nothing to "
        "the rule to allow agent to read Enrollee.medicaidId where people",
    ),
    "what is denied": (
        rule("clerk", "names", "sort", "women")
        + rule("clerk", "Enrollee.*", "sort", "women", "deny"),
        "the rule to allow clerk to sort names where women opens nothing: the rule to deny clerk "
        "to sort Enrollee.* where women takes it away",
    ),
    "a deny in a deny": (
        rule("clerk", "names", "read", "women", "deny")
        + rule("clerk", "Enrollee.lastName", "read", "women & people", "deny"),
        "the rule to deny clerk to read Enrollee.lastName where people&women adds nothing to the "
        "rule to deny clerk to read names where women",
    ),
    "nobody": (
        rule("clerk", "Enrollee.sex", "read", "nobody"),
        "the rule to allow clerk to read Enrollee.sex where nobody opens no row: nothing meets its "
        "condition",
    ),
}


@pytest.mark.parametrize("case", IDLE)
def test_a_rule_that_changes_nothing_is_named_with_the_one_before_it(case: str) -> None:
    more, text = IDLE[case]
    given = check(document(), document(more), NOW)
    assert [each.text for each in given if each.check is Check.RULE] == [text]
    # What stood there already is not told again.
    assert check(document(more), document(more), NOW) == ()


BUSY = {
    "more rows": rule("clerk", "Enrollee.sex", "read", "women")
    + rule("clerk", "Enrollee.*", "read", "women & people"),
    "another role's": rule("agent", "names", "sort", "people")
    + rule("clerk", "names", "sort", "people"),
    "a part of what is denied": rule("clerk", "names", "sort", "women")
    + rule("clerk", "names", "sort", "women & people", "deny"),
    "a case of what is denied": rule("clerk", "names", "filter", "women")
    + rule("clerk", "names", "filter:eq", "women", "deny"),
    "an heir's deny": rule("heir", "Enrollee.medicaidId", "read", "always", "deny"),
}  # fmt: skip


@pytest.mark.parametrize("case", BUSY)
def test_a_rule_that_changes_something_is_not_named(case: str) -> None:
    given = check(document(), document(BUSY[case]), NOW)
    assert [each.text for each in given if each.check is Check.RULE] == []


def test_of_two_rules_that_say_the_same_one_is_named() -> None:
    same = ("[classes]", '[classes]\nalso = ["names"]')
    given = check(document("", same), document(rule("clerk", "also", "read", "always"), same), NOW)
    assert [each.text for each in given] == [
        "the rule to allow clerk to read names where always adds nothing to the rule to allow "
        "clerk to read also where always"
    ]


def test_a_role_without_a_rule_and_a_scope_without_a_use_are_named() -> None:
    role = ("[roles.clerk]", '[roles.idle]\ndescription = "Idle."\npage_limit = 1\n[roles.clerk]')
    scope = ("[scopes.nobody]", '[scopes.unused]\nEnrollee = "never"\n[scopes.nobody]')
    assert [each.text for each in check(document(), document("", role, scope), NOW)] == [
        "no rule speaks of the role idle, so it may do nothing",
        "nothing names the row scope unused",
    ]


def test_a_floor_that_postgresql_cannot_lay_is_an_error() -> None:
    other = order(ORDER.replace("population covers as_of", "sex = 'F'").replace('"people"', '"w"'))
    given = errors(check(None, document(orders=(other,)), NOW))
    (one,) = [each for each in given if each.check is Check.FLOOR]
    assert "no other condition" in one.text


def test_errors_come_first() -> None:
    more = SSN + IDLE["nobody"][0]
    given = check(document(), document(more), NOW)
    severities = [each.severity for each in given]
    assert severities == sorted(severities, key=lambda each: each is Severity.WARNING)


def within(given: PolicySet) -> bool:
    """Whether nothing speaks against a policy under the order."""
    return not errors(check(None, Document(given, (order(),)), NOW))


def test_a_deny_that_is_removed_is_an_error() -> None:
    deny = rule("agent", "names", "read", "always", "deny")
    inherits = ('description = "Capped."', 'description = "Capped."\ninherits = ["clerk"]')
    assert within(policy(deny, inherits))
    assert not within(policy("", inherits))


def expecting(*allow: tuple[str, str]) -> Case:
    """A test of the capped role on a row of nobody, about one coordinate that no order covers."""
    return Case(
        "a test", "agent", Attributes({}), NOW, Row("Enrollee"),
        frozenset({"Enrollee.lastName"}), frozenset(allow),
    )  # fmt: skip


OPEN = rule("agent", "Enrollee.lastName", "read", "always")


def test_an_order_is_not_kept_back_by_a_test_that_expects_what_it_takes_away() -> None:
    """Whether it holds at once may not hang on who tidies up."""
    case = expecting(("Enrollee.lastName", "read"))
    before = replace(document(OPEN, orders=()), cases=(case,))
    after = replace(before, orders=(order(),))
    (told,) = [each for each in check(before, after, NOW) if each.check is Check.CASE]
    assert (told.severity, told.row) == (Severity.WARNING, "a test")
    # An edit that takes the same away is kept back by the test.
    edited = replace(after, policy=policy())
    assert [
        each.severity for each in check(replace(before, policy=before.policy), edited, NOW)
        if each.check is Check.CASE
    ] == [Severity.ERROR]  # fmt: skip


def test_an_edit_is_not_kept_back_by_a_test_that_failed_before_it() -> None:
    case = expecting(("Enrollee.lastName", "read"))
    before = replace(document(), cases=(case,))
    more = rule("clerk", "Enrollee.firstName", "update", "always")
    after = replace(before, policy=policy(more))
    told = [each.severity for each in check(before, after, NOW) if each.check is Check.CASE]
    assert told == [Severity.WARNING]


def test_an_order_that_allows_what_a_test_forbids_is_kept_back_by_it() -> None:
    everybody = ORDER.replace("population covers as_of", "always").replace('"people"', '"all"')
    wider = everybody.replace(
        '"Enrollee.medicaidId"]', '"Enrollee.medicaidId", "Enrollee.lastName"]'
    )
    before = replace(document(OPEN, orders=(order(everybody),)), cases=(expecting(),))
    after = replace(before, orders=(order(wider),))
    assert not [each for each in check(before, before, NOW) if each.check is Check.CASE]
    told = [each for each in check(before, after, NOW, urgent=True) if each.check is Check.CASE]
    assert [each.severity for each in told] == [Severity.ERROR]


def test_an_emergency_is_not_kept_back_by_a_test_that_expects_what_it_takes_away() -> None:
    case = expecting(("Enrollee.lastName", "read"))
    before = Document(policy(OPEN), (), cases=(case,))
    after = replace(before, policy=policy())
    severities = {
        urgent: [e.severity for e in check(before, after, NOW, urgent=urgent) if e.row == case.name]
        for urgent in (False, True)
    }
    assert severities == {False: [Severity.ERROR], True: [Severity.WARNING]}


def test_an_order_that_is_not_in_force_yet_says_that_it_closes_its_role_until_then() -> None:
    later = replace(order(), history=(Change(LATER, Status.IN_FORCE),))
    free = document(orders=())
    closing = "caps agent from now on, and is not in force yet"
    assert any(closing in text for text in orders_of(replace(free, orders=(later,)), free))
    assert not any(closing in text for text in orders_of(document(), free))
    # Who is capped already loses nothing by one more that is to come.
    both = (order(), replace(later, name="two"))
    assert not any(closing in text for text in orders_of(document(orders=both), document()))


SUD = (
    "[scopes.nobody]",
    "[scopes.sud]\nEnrollee = \"any claims (sensitivity_labels has 'ETH')\"\n[scopes.nobody]",
)
DENY_SUD = rule("agent", "Enrollee.dateOfBirth", "read", "sud", "deny")


def scopes_of(after: Document, before: Document | None) -> list[Finding]:
    """What was found about what conditions tell."""
    return [
        each
        for each in check(before, after, NOW)
        if each.check is Check.SCOPE and "nothing names" not in each.text
    ]


def test_a_condition_that_tells_what_no_order_leaves_is_an_error_though_it_narrows() -> None:
    (one, two) = scopes_of(document(DENY_SUD, SUD), document())
    assert one == Finding(
        Severity.ERROR,
        Check.SCOPE,
        "agent may read Enrollee.dateOfBirth where people, not sud: sud asks about claim.*, "
        "claim.sensitivity_labels, which no order lets it read or filter, and a value or its "
        "absence would tell it",
        "agent",
        "Enrollee.dateOfBirth",
        "read",
        "people, not sud",
    )
    assert two.role == "heir"


def test_a_condition_that_told_it_before_is_a_warning() -> None:
    standing = document(DENY_SUD, SUD, orders=())
    ruled = replace(standing, orders=(order(),))
    assert {each.severity for each in scopes_of(ruled, standing)} == {Severity.WARNING}
    more = document(DENY_SUD + rule("agent", "Enrollee.medicaidId", "read", "sud", "deny"), SUD)
    assert {
        (each.severity, each.coordinate) for each in scopes_of(more, ruled) if each.role == "agent"
    } == {
        (Severity.WARNING, "Enrollee.dateOfBirth"),
        (Severity.ERROR, "Enrollee.medicaidId"),
    }


@pytest.mark.parametrize(
    "text",
    ["date_of_birth >= as_of - 216 months", "submitting_state in principal.state", "never"],
)
def test_a_condition_on_what_an_order_leaves_or_the_principal_brings_tells_nothing(
    text: str,
) -> None:
    given = (SUD[0], f'[scopes.sud]\nEnrollee = "{text}"\n[scopes.nobody]')
    assert scopes_of(document(DENY_SUD, given), document()) == []


def test_what_a_condition_would_tell_from_a_later_day_on_is_told_now() -> None:
    later = replace(order(), history=(Change(LATER, Status.IN_FORCE),))
    (one, _) = scopes_of(document(DENY_SUD, SUD, orders=(later,)), document(orders=(later,)))
    assert one.severity is Severity.ERROR
    assert f"not sud from {LATER.isoformat()} on: sud asks about" in one.text


def test_a_condition_of_a_role_that_no_order_caps_is_not_looked_at() -> None:
    free = rule("clerk", "names", "read", "sud", "deny")
    assert scopes_of(document(free, SUD), document()) == []
