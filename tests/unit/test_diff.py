"""What an edit changes, edit by edit: decisions, settings, and whether it only narrows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from authz.case import Case
from authz.decision import DenialMode
from authz.diff.diff import Diff, Direction, diff
from authz.document import Document
from authz.errors import OrderInvalid
from authz.invariant import Invariant
from authz.order import Change, Order, Status
from authz.order_file import parse_order
from authz.packaged import load_seed_document
from authz.policy import Effect, Rule, Scope
from authz.policy_file import parse_policy
from authz.principal import Attributes
from authz.scope import parse_scope
from db.catalog_records import CATALOG
from db.predicate import Always, Never

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
WIDER, NARROWER, OTHER = Direction.WIDER, Direction.NARROWER, Direction.OTHER

POLICY = """
rules = [
  { role = "agent", on = ["Enrollee.dateOfBirth"], actions = ["read", "filter"], where = "people" },
  { role = "clerk", on = ["names"], actions = ["read"], where = "own_state" },
  { role = "clerk", on = ["Enrollee.sex"], actions = ["read", "filter"], where = "always" },
  { role = "student", on = ["coarse"], actions = ["read", "aggregate"], where = "always" },
  { role = "student", on = ["EnrolleeAggregate.count"], actions = ["aggregate"], where = "always" },
  #more
]
[roles.agent]
description = "Capped."
page_limit = 10
[roles.clerk]
description = "Knows names."
page_limit = 10
[roles.student]
description = "Counts."
page_limit = 10
requires = ["agreement"]
smallest_cell = 11
[classes]
names = ["Enrollee.firstName", "Enrollee.lastName"]
numbers = ["Enrollee.ssn"]
coarse = ["Enrollee.pseudonym", "Enrollee.sex"]
[scopes.people]
Enrollee = "population covers as_of"
[scopes.own_state]
Enrollee = "submitting_state in principal.state"
"""
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
grants = [{ on = ["Enrollee.dateOfBirth", "Enrollee.medicaidId"], actions = ["read", "filter"] }]
[population]
scope = "people"
Enrollee = "population covers as_of"
"""
ONE = parse_order(CATALOG, "one", ORDER)
NEVER_NUMBERS = Invariant(
    "numbers", "nobody needs them", frozenset({"clerk"}), frozenset(), frozenset({"numbers"}),
    frozenset({"read"}),
)  # fmt: skip
CASE = Case(
    "names", "clerk", Attributes(), NOW, None, frozenset({"names"}), frozenset({("names", "read")})
)


def version(*edits: tuple[str, str], orders: tuple[Order, ...] = (ONE,)) -> Document:
    """The version of POLICY with some text replaced."""
    text = POLICY
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    return Document(parse_policy(CATALOG, text), orders)


BASE = version()


def rule(role: str, target: str, where: str, action: str = "read", effect: str = "allow") -> str:
    """A rule as a line of the file."""
    return (
        f'{{ role = "{role}", on = ["{target}"], actions = ["{action}"], where = "{where}", '
        f'effect = "{effect}" }},'
    )


def told(found: Diff) -> list[tuple[object, ...]]:
    """Changes of access without their conditions."""
    return [(c.role, c.action, c.coordinates, c.before, c.after, c.direction) for c in found.access]


def settings(found: Diff) -> dict[str, Direction]:
    """The direction of each setting that changed."""
    return {change.what: change.direction for change in found.settings}


def test_equal_versions_differ_in_nothing() -> None:
    found = diff(BASE, version(), NOW)
    assert found == Diff((), ())
    assert found.only_narrows


def test_text_that_decides_nothing_is_no_change() -> None:
    found = diff(BASE, version(('numbers = ["Enrollee.ssn"]', 'numbers = ["Enrollee.sex"]')), NOW)
    assert found == Diff((), ())


ACCESS: dict[str, tuple[tuple[str, str], list[tuple[object, ...]]]] = {
    "a rule is added": (
        ("#more", rule("clerk", "Enrollee.ssn", "own_state")),
        [("clerk", "read", ("Enrollee.ssn",), "never", "where own_state", WIDER)],
    ),
    "a rule loses its scope": (
        ('on = ["names"], actions = ["read"], where = "own_state"',
         'on = ["names"], actions = ["read"], where = "always"'),
        [("clerk", "read", ("Enrollee.firstName", "Enrollee.lastName"), "where own_state",
          "always", WIDER)],
    ),
    "a scope gets another text": (
        ("submitting_state in principal.state", "submitting_state in ('CA', 'NV')"),
        [("clerk", "read", ("Enrollee.firstName", "Enrollee.lastName"),
          "where own_state (own_state: submitting_state in principal.state)",
          "where own_state (own_state: submitting_state in ('CA', 'NV'))", OTHER)],
    ),
    "a class loses a member": (
        ('names = ["Enrollee.firstName", "Enrollee.lastName"]',
         'names = ["Enrollee.firstName"]'),
        [("clerk", "read", ("Enrollee.lastName",), "where own_state", "never", NARROWER)],
    ),
    "a deny takes one operator": (
        ("#more", rule("clerk", "Enrollee.sex", "always", "filter:eq", "deny")),
        [("clerk", "filter:eq", ("Enrollee.sex",), "always", "never", NARROWER)],
    ),
    "a deny takes filtering": (
        ("#more", rule("clerk", "Enrollee.sex", "own_state", "filter", "deny")),
        [("clerk", "filter", ("Enrollee.sex",), "always", "where always, not own_state",
          NARROWER)],
    ),
    "an aggregate is of fewer rows": (
        ("#more", rule("student", "Enrollee.sex", "own_state", "aggregate", "deny")),
        [("student", "aggregate", ("Enrollee.sex",), "always", "where always, not own_state",
          OTHER)],
    ),
    "a role inherits": (
        ('description = "Knows names."', 'description = "Knows names."\ninherits = ["student"]'),
        [("clerk", "aggregate", ("Enrollee.pseudonym", "Enrollee.sex", "EnrolleeAggregate.count"),
          "never", "always", WIDER),
         ("clerk", "read", ("Enrollee.pseudonym",), "never", "always", WIDER)],
    ),
    "a role that an order caps gets what the order leaves": (
        ("#more", rule("agent", "Enrollee.medicaidId", "always")),
        [("agent", "read", ("Enrollee.medicaidId",), "never", "where people", WIDER)],
    ),
    "a role that an order caps gets what the order does not leave": (
        ("#more", rule("agent", "Enrollee.ssn", "always")),
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ACCESS)
def test_decisions_are_compared(name: str) -> None:
    edit, wanted = ACCESS[name]
    found = diff(BASE, version(edit), NOW)
    assert told(found) == wanted
    back = diff(version(edit), BASE, NOW)
    turned = {WIDER: NARROWER, NARROWER: WIDER, OTHER: OTHER}
    for there, here in zip(found.access, back.access, strict=True):
        assert (there.before, there.after) == (here.after, here.before)
        assert (there.rows_before, there.rows_after) == (here.rows_after, here.rows_before)
        if there.action != "aggregate":
            assert here.direction is turned[there.direction]


def test_a_filter_that_finds_fewer_people_is_narrower_for_whoever_does_not_count_them() -> None:
    more = rule("student", "Enrollee.sex", "always", "filter")
    less = rule("student", "Enrollee.sex", "people", "filter", "deny")
    found = diff(version(("#more", more)), version(("#more", more + less)), NOW)
    assert [change.direction for change in found.access] == [OTHER]
    none = rule("student", "Enrollee.sex", "always", "filter", "deny")
    found = diff(version(("#more", more)), version(("#more", more + none)), NOW)
    assert found.only_narrows


def test_a_deny_by_an_orders_people_tells_others_who_they_are() -> None:
    denied = rule("clerk", "Enrollee.sex", "people", "read", "deny")
    found = diff(version(), version(("#more", denied)), NOW)
    assert [change.direction for change in found.access] == [OTHER]
    # Of those whom the order caps, it has said so itself.
    assert diff(version(orders=()), version(), NOW).only_narrows


def test_of_the_seed_policy_no_emergency_tells_who_has_claims_of_substance_use() -> None:
    seed = load_seed_document(CATALOG)
    text = "any claims (sensitivity_labels has 'ETH')"
    scope = Scope("sud", "Enrollee", text, parse_scope(CATALOG, "Enrollee", text))
    hidden = Rule("immigration_enforcement", "Enrollee.citizenship", "read", "sud", Effect.DENY)
    policy = replace(
        seed.policy,
        scopes=MappingProxyType({**seed.policy.scopes, "sud": {"Enrollee": scope}}),
        rules=(*seed.policy.rules, hidden),
    )
    assert not diff(seed, replace(seed, policy=policy), NOW).only_narrows


def _scoped(text: str) -> tuple[str, str]:
    return ("[scopes.own_state]", f'[scopes.extra]\nEnrollee = "{text}"\n[scopes.own_state]')


HIDDEN = rule("agent", "Enrollee.dateOfBirth", "extra", "read", "deny")


@pytest.mark.parametrize(
    "text",
    [
        "any claims (sensitivity_labels has 'ETH')",
        "not (any claims (sensitivity_labels has 'ETH'))",
        "any claims (submitting_state in principal.state)",
        "any disabilities (current)",
        "variable_demographics.veteran_ind = true",
        "sex = 'F'",
    ],
)
def test_a_deny_that_tells_what_the_role_does_not_read_is_no_narrowing(text: str) -> None:
    """By each row on which the value is null, whoever reads it knows something about the person."""
    found = diff(version(), version(_scoped(text), ("#more", HIDDEN)), NOW)
    assert {change.direction for change in found.access} == {OTHER}
    assert not found.only_narrows


@pytest.mark.parametrize("text", ["submitting_state in principal.state", "always"])
def test_a_deny_by_what_the_principal_brings_and_a_whole_one_narrow(text: str) -> None:
    with_reader = version(_scoped(text), ("#more", HIDDEN))
    changed = {change.direction for change in diff(version(), with_reader, NOW).access}
    assert changed == {NARROWER}


@pytest.mark.parametrize(
    ("where", "hidden", "way"),
    [
        ("always", "read", NARROWER),
        ("always", "filter", NARROWER),
        # On some of the rows is not on all that it tells about.
        ("own_state", "read", OTHER),
        ("always", "sort", OTHER),
    ],
)
def test_a_deny_by_what_the_role_reads_anyway_narrows(
    where: str, hidden: str, way: Direction
) -> None:
    reads = rule("clerk", "Enrollee.race", where, hidden)
    given = rule("clerk", "Enrollee.ssn", "always")
    extra = _scoped("any race (race in ('001'))")
    before = version(extra, ("#more", given + reads))
    denied = rule("clerk", "Enrollee.ssn", "extra", "read", "deny")
    after = version(extra, ("#more", given + reads + denied))
    (change,) = diff(before, after, NOW).access
    assert change.direction is way


def test_a_condition_that_asked_about_it_before_may_ask_about_less() -> None:
    wide, narrow = (_scoped(f"birth_year >= {year}") for year in (1980, 1990))
    given = ("#more", rule("clerk", "Enrollee.ssn", "extra"))
    assert diff(version(wide, given), version(narrow, given), NOW).only_narrows


def test_a_change_says_on_whose_rows_and_which() -> None:
    (change,) = diff(
        BASE, version(("#more", rule("clerk", "HomeAddress.zip", "always"))), NOW
    ).access
    assert change.anchor == "Enrollee"
    assert (change.rows_before, change.rows_after) == (Never(), Always())
    (change,) = diff(
        BASE, version(("#more", rule("clerk", "Policy.version", "always"))), NOW
    ).access
    assert change.anchor is None


def test_what_changes_later_says_when() -> None:
    ends = replace(ONE, history=(*ONE.history, Change(LATER, Status.VACATED)))
    found = diff(BASE, version(orders=(ends,)), NOW)
    assert told(found) == [
        ("agent", action, ("Enrollee.dateOfBirth",), "where people",
         f"never, from {LATER.isoformat()}", NARROWER)
        for action in ("filter", "read")
    ]  # fmt: skip
    assert settings(found) == {"order one: status": NARROWER}
    assert found.only_narrows
    # The other way round it gives, later.
    assert not diff(version(orders=(ends,)), BASE, NOW).only_narrows


ROLES: dict[str, tuple[tuple[tuple[str, str], ...], dict[str, Direction]]] = {
    "longer pages": ((("page_limit = 10\n[roles.student]", "page_limit = 20\n[roles.student]"),),
                     {"role clerk: page limit": OTHER}),
    "shorter pages": ((("page_limit = 10\n[roles.student]", "page_limit = 5\n[roles.student]"),),
                      {"role clerk: page limit": NARROWER}),
    "operations refused": ((('description = "Knows names."',
                             'description = "Knows names."\ndenial = "refuse"'),),
                           {"role clerk: denial": NARROWER}),
    "another description": ((("Knows names.", "Knows some names."),),
                            {"role clerk: description": NARROWER}),
    "a smaller cell": ((("smallest_cell = 11", "smallest_cell = 5"),),
                       {"role student: smallest cell": WIDER}),
    "no smallest cell": ((("smallest_cell = 11", ""),), {"role student: smallest cell": WIDER}),
    "a larger cell": ((("smallest_cell = 11", "smallest_cell = 12"),),
                      {"role student: smallest cell": NARROWER}),
    "an attribute less": ((('requires = ["agreement"]', ""),),
                          {"role student: attributes that it needs": WIDER}),
    "another attribute": ((('requires = ["agreement"]', 'requires = ["reason"]'),),
                          {"role student: attributes that it needs": WIDER}),
    "an attribute more": ((('requires = ["agreement"]', 'requires = ["agreement", "reason"]'),),
                          {"role student: attributes that it needs": NARROWER}),
    "no scope reads the attribute any more": (
        (('{ role = "clerk", on = ["names"], actions = ["read"], where = "own_state" },', ""),),
        {"role clerk: attributes that it needs": WIDER},
    ),
    "nothing is left that needs an attribute": (
        (('{ role = "clerk", on = ["names"], actions = ["read"], where = "own_state" },', ""),
         ('{ role = "clerk", on = ["Enrollee.sex"], actions = ["read", "filter"], '
          'where = "always" },', "")),
        {},
    ),
    "no pseudonym any more": (
        (("#more", rule("student", "Enrollee.pseudonym", "always", "read", "deny")),),
        {"role student: order of lists": OTHER},
    ),
    "an aggregate of other rows by what another value loses": (
        (('on = ["EnrolleeAggregate.count"], actions = ["aggregate"], where = "always"',
          'on = ["EnrolleeAggregate.count"], actions = ["aggregate"], where = "people"'),
         ("#more", rule("student", "Enrollee.sex", "always", "aggregate", "deny")),
         ('on = ["coarse"], actions = ["read", "aggregate"]',
          'on = ["coarse"], actions = ["read"]')),
        {"role student: Enrollee in aggregates": OTHER},
    ),
    "a role that may do nothing": (
        (("[classes]", '[roles.new]\ndescription = "New."\npage_limit = 1\n[classes]'),),
        {"role new": WIDER},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROLES)
def test_settings_of_roles_are_compared(name: str) -> None:
    edits, wanted = ROLES[name]
    found = diff(BASE, version(*edits), NOW)
    assert settings(found) == wanted
    if all(each is NARROWER for each in wanted.values()):
        assert found.only_narrows
    else:
        assert not found.only_narrows


def test_a_removed_role_is_narrower_and_a_denial_that_is_shown_again_is_not() -> None:
    base = version(("[classes]", '[roles.new]\ndescription = "New."\npage_limit = 1\n[classes]'))
    assert settings(diff(base, BASE, NOW)) == {"role new": NARROWER}
    role = replace(BASE.policy.roles["clerk"], denial_mode=DenialMode.REFUSE)
    roles = MappingProxyType({**BASE.policy.roles, "clerk": role})
    strict = replace(BASE, policy=replace(BASE.policy, roles=roles))
    assert settings(diff(strict, BASE, NOW)) == {"role clerk: denial": OTHER}


def _with(**changes: object) -> Order:
    return replace(ONE, **changes)  # type: ignore[arg-type]


WITH_SSN = {**ONE.grants, "Enrollee.ssn": frozenset({"read"})}
IN_FORCE, PAUSED = Status.IN_FORCE, Status.PAUSED
TWO = _with(name="two", grants={"Enrollee.dateOfBirth": frozenset({"read"})})
IDLE = _with(name="idle", history=(Change(NOW - timedelta(days=9), PAUSED),))
ORDERS: dict[str, tuple[tuple[Order, ...], tuple[Order, ...], dict[str, Direction]]] = {
    "an order ends": ((ONE,), (), {"order one": OTHER, "role agent: capped by an order": WIDER}),
    "an order begins": ((), (ONE,),
                        {"order one": NARROWER, "role agent: capped by an order": NARROWER}),
    "an order is paused": (
        (ONE,), (_with(history=(*ONE.history, Change(NOW, PAUSED))),),
        {"order one: status": NARROWER},
    ),
    "a paused order is in force again": (
        (IDLE,), (replace(IDLE, history=(*IDLE.history, Change(NOW, IN_FORCE))),),
        {"order idle: status": NARROWER, f"role agent: what orders leave it on {NOW.isoformat()}":
         WIDER},
    ),
    "an order that was to end goes on": (
        (_with(history=(*ONE.history, Change(LATER, PAUSED))),), (ONE,),
        {"order one: status": NARROWER, f"role agent: what orders leave it on {LATER.isoformat()}":
         WIDER},
    ),
    "the past is rewritten": (
        (ONE,), (_with(history=(Change(NOW - timedelta(days=1), IN_FORCE),)),),
        {"order one: status": OTHER},
    ),
    "an order leaves less": (
        (ONE,), (_with(grants={"Enrollee.dateOfBirth": frozenset({"read", "filter"})}),),
        {"order one: grants": NARROWER},
    ),
    "an order leaves more, which nobody has": (
        (ONE,), (_with(grants=WITH_SSN),),
        {"order one: grants": OTHER, f"role agent: what orders leave it on {NOW.isoformat()}":
         WIDER},
    ),
    "an idle order leaves more": (
        (ONE, IDLE), (ONE, replace(IDLE, grants=WITH_SSN)),
        {"order idle: grants": OTHER},
    ),
    "the stricter of two orders is paused": (
        (ONE, TWO), (ONE, replace(TWO, history=(*TWO.history, Change(NOW, PAUSED)))),
        {"order two: status": NARROWER, f"role agent: what orders leave it on {NOW.isoformat()}":
         WIDER},
    ),
    "a second order": ((ONE,), (ONE, TWO), {"order two": NARROWER}),
    "a second order gives what a paused one does not": (
        (IDLE,), (IDLE, ONE),
        {"order one": NARROWER, f"role agent: what orders leave it on {NOW.isoformat()}": WIDER},
    ),
    "another docket": ((ONE,), (_with(docket="2"),), {"order one: docket": OTHER}),
    "other states": ((ONE,), (_with(states=("CA",)),), {"order one: states": OTHER}),
    "another role": (
        (ONE,), (_with(role="clerk"),),
        {"order one: role": OTHER, "role agent: capped by an order": WIDER,
         "role clerk: capped by an order": NARROWER},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDERS)
def test_orders_are_compared(name: str) -> None:
    before, after, wanted = ORDERS[name]
    found = diff(version(orders=before), version(orders=after), NOW)
    assert {
        what: way for what, way in settings(found).items() if "attributes" not in what
    } == wanted
    if set(wanted.values()) == {NARROWER}:
        assert found.only_narrows
    else:
        assert not found.only_narrows


def test_another_population_is_compared_by_what_it_means() -> None:
    def peopled(text: str) -> Document:
        order = parse_order(CATALOG, "one", ORDER.replace("population covers as_of", text))
        return version(orders=(order,))

    narrow = peopled("population covers as_of and sex = 'F'")
    assert settings(diff(BASE, narrow, NOW)) == {"order one: population": NARROWER}
    assert diff(BASE, narrow, NOW).only_narrows
    wide = settings(diff(narrow, BASE, NOW))
    assert wide["order one: population"] is OTHER
    assert WIDER in wide.values()


def test_another_order_that_means_others_by_the_same_name_is_refused() -> None:
    everybody = ORDER.replace("population covers as_of", "always")
    order = parse_order(CATALOG, "one", everybody.replace('role = "agent"', 'role = "clerk"'))
    two = (ONE, replace(order, name="two"))
    with pytest.raises(OrderInvalid):
        diff(version(), version(orders=two), NOW)


def test_a_role_that_leaves_one_of_two_capped_roles_is_held_by_one_order_only() -> None:
    heir = '[roles.heir]\ndescription = "H."\npage_limit = 1\ninherits = {}\n[classes]'
    other = _with(name="two", role="clerk")
    before = version(("[classes]", heir.format('["agent", "clerk"]')), orders=(ONE, other))
    after = version(("[classes]", heir.format('["agent"]')), orders=(ONE, other))
    freed = version(("[classes]", heir.format("[]")), orders=(ONE, other))
    assert diff(before, after, NOW).only_narrows  # both orders leave the same
    stricter = replace(other, grants={})
    before, after = (replace(each, orders=(ONE, stricter)) for each in (before, after))
    assert not diff(before, after, NOW).only_narrows
    assert settings(diff(before, freed, NOW))["role heir: capped by an order"] is WIDER


def _assigned(**roles: set[str]) -> Document:
    given = {subject: frozenset(names) for subject, names in roles.items()}
    return replace(BASE, assignments=MappingProxyType(given))


ASSIGNED = [
    ({}, {"al": {"clerk"}}, WIDER),
    ({"al": {"clerk"}}, {}, NARROWER),
    ({"al": {"clerk", "student"}}, {"al": {"clerk"}}, NARROWER),
    ({"al": {"clerk"}}, {"al": {"student"}}, WIDER),
    # Whoever loses the capped role may act in another one.
    ({"al": {"agent", "clerk"}}, {"al": {"clerk"}}, WIDER),
    ({}, {"al": {"agent"}}, WIDER),
]


@pytest.mark.parametrize(("before", "after", "way"), ASSIGNED)
def test_assignments_are_compared(
    before: dict[str, set[str]], after: dict[str, set[str]], way: Direction
) -> None:
    found = diff(_assigned(**before), _assigned(**after), NOW)
    assert settings(found) == {"assignment of al": way}
    assert found.only_narrows is (way is NARROWER)


def _promised(change: Callable[[Invariant], Invariant] | None) -> Document:
    invariants = () if change is None else (change(NEVER_NUMBERS),)
    return replace(BASE, invariants=invariants)


PROMISES: dict[str, tuple[Callable[[Invariant], Invariant], Direction]] = {
    "another reason": (lambda old: replace(old, why="because"), NARROWER),
    "more roles": (lambda old: replace(old, roles=frozenset({"clerk", "agent"})), NARROWER),
    "every role": (lambda old: replace(old, roles=frozenset()), NARROWER),
    "another role": (lambda old: replace(old, roles=frozenset({"agent"})), OTHER),
    "an exception": (lambda old: replace(old, but=frozenset({"clerk"})), OTHER),
    "an exception that was not meant": (
        lambda old: replace(old, but=frozenset({"agent"})), NARROWER,
    ),
    "more actions": (lambda old: replace(old, actions=frozenset({"read", "sort"})), NARROWER),
    "other actions": (lambda old: replace(old, actions=frozenset({"sort"})), OTHER),
    "a type": (lambda old: replace(old, on=frozenset({"Enrollee.*"})), NARROWER),
    "another type": (lambda old: replace(old, on=frozenset({"Claim.*"})), OTHER),
    "fewer coordinates": (lambda old: replace(old, on=frozenset({"names"})), OTHER),
    "some rows": (lambda old: replace(old, only_where="own_state"), OTHER),
}  # fmt: skip


@pytest.mark.parametrize("name", PROMISES)
def test_invariants_are_compared(name: str) -> None:
    change, way = PROMISES[name]
    before = _promised(lambda old: old)
    found = diff(before, _promised(change), NOW)
    assert settings(found) == {"invariant numbers": way}
    assert found.only_narrows is (way is NARROWER)


def test_an_invariant_is_weaker_without_its_class_and_stronger_without_its_rows() -> None:
    before = _promised(lambda old: old)
    assert settings(diff(before, BASE, NOW)) == {"invariant numbers": OTHER}
    assert settings(diff(BASE, before, NOW)) == {"invariant numbers": NARROWER}
    less = replace(
        version(('numbers = ["Enrollee.ssn"]', 'numbers = ["Enrollee.ssnLast4"]')),
        invariants=before.invariants,
    )
    found = diff(before, less, NOW)
    (change,) = found.settings
    assert (change.before, change.after) == ("Enrollee.ssn", "Enrollee.ssnLast4")
    assert not found.only_narrows
    somewhere = _promised(lambda old: replace(old, only_where="own_state"))
    assert settings(diff(somewhere, before, NOW)) == {"invariant numbers": NARROWER}
    moved = replace(
        version(("submitting_state in principal.state", "submitting_state = 'CA'")),
        invariants=somewhere.invariants,
    )
    assert settings(diff(somewhere, moved, NOW))["invariant numbers"] is OTHER


def test_cases_are_compared() -> None:
    before = replace(BASE, cases=(CASE,))
    assert settings(diff(BASE, before, NOW)) == {"case names": NARROWER}
    assert settings(diff(before, BASE, NOW)) == {"case names": OTHER}
    other = replace(BASE, cases=(replace(CASE, allow=frozenset()),))
    assert settings(diff(before, other, NOW)) == {"case names": OTHER}
    # The case is the same, and asks about less.
    less = replace(
        version(('names = ["Enrollee.firstName", "Enrollee.lastName"]',
                 'names = ["Enrollee.firstName"]')),
        cases=(CASE,),
    )  # fmt: skip
    assert settings(diff(before, less, NOW)) == {"case names": OTHER}
