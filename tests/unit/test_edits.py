"""Edits of a policy: what each does, and how those that do not fit are refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import MappingProxyType

import pytest

from authz.document import Document
from authz.edits.edited import edited, read_edits_file
from authz.edits.forms import FORMS
from authz.errors import CaseInvalid, EditInvalid, OrderInvalid, PolicyInvalid
from authz.invariant import Invariant
from authz.order import Status
from authz.order_file import parse_order
from authz.policy import ALWAYS, Effect, Rule
from authz.policy_file import parse_policy
from db.catalog_records import CATALOG
from db.errors import FieldwardError

POLICY = """
rules = [
  { role = "clerk", on = ["person", "Enrollee.sex"], actions = ["read"], where = "own_state" },
  { role = "clerk", on = ["Enrollee.ssn"], actions = ["read"], where = "always", effect = "deny" },
  { role = "agent", on = ["Enrollee.dateOfBirth"], actions = ["read"], where = "always" },
]
[roles.clerk]
description = "A clerk."
page_limit = 20
[roles.chief]
description = "Chief of the clerks."
page_limit = 50
inherits = ["clerk"]
[roles.agent]
description = "An agent."
page_limit = 50
[classes]
name = ["Enrollee.firstName", "Enrollee.lastName"]
person = ["name", "Enrollee.dateOfBirth"]
[scopes.own_state]
Enrollee = "submitting_state in principal.state"
[scopes.adults]
Enrollee = "date_of_birth <= as_of - 216 months"
"""
ORDER = """
name = "a-v-b"
caption = "A v. B"
court = "A court"
docket = "1"
issued = 2026-01-01
effective = 2026-02-01
role = "agent"
states = ["CA"]
history = [{ at = 2026-02-01, status = "in_force" }, { at = 2027-01-01, status = "paused" }]
grants = [{ on = ["Enrollee.dateOfBirth"], actions = ["read"] }]
[population]
scope = "in_population"
Enrollee = "population covers as_of"
"""
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BASE = Document(
    parse_policy(CATALOG, POLICY),
    (parse_order(CATALOG, "a-v-b", ORDER),),
    assignments=MappingProxyType({"jo": frozenset({"clerk", "chief"})}),
)


def made(*edits: dict[str, object]) -> Document:
    return edited(BASE, edits, NOW)


def after(text: str) -> Document:
    """What the edits of a file make of the version."""
    return edited(BASE, read_edits_file(text), NOW)


def test_every_edit_changes_what_it_names_and_nothing_else() -> None:
    new = Rule("clerk", "Enrollee.race", "read", "adults&own_state", Effect.ALLOW)
    where = {"role": "clerk", "on": ["Enrollee.race"], "actions": ["read"]}
    granted = made({"grant": {**where, "where": "own_state & adults"}})
    assert set(granted.policy.rules) == {*BASE.policy.rules, new}
    assert (granted.policy.roles, granted.orders) == (BASE.policy.roles, BASE.orders)
    denied = made({"deny": {**where, "where": "always"}})
    assert set(denied.policy.rules) - set(BASE.policy.rules) == {
        Rule("clerk", "Enrollee.race", "read", ALWAYS, Effect.DENY)
    }
    removed = made(
        {"remove_rule": {"role": "clerk", "on": ["person"], "actions": ["read"],
                         "where": "own_state"}}
    )  # fmt: skip
    assert set(BASE.policy.rules) - set(removed.policy.rules) == {
        Rule("clerk", "person", "read", "own_state", Effect.ALLOW)
    }


def test_a_wildcard_comes_and_goes_with_the_rules_that_name_it() -> None:
    rule = {"role": "clerk", "on": ["Plan.*"], "actions": ["read"], "where": "always"}
    granted = made({"grant": rule})
    assert "Plan.*" in granted.policy.classes
    assert edited(granted, [{"remove_rule": rule}], NOW) == BASE
    kept = edited(granted, [{"set_role": {"name": "chief", "page_limit": 7}}], NOW)
    assert kept.policy.classes == granted.policy.classes
    with pytest.raises(EditInvalid, match=r"unknown class 'Plan\.\*'"):
        edited(granted, [{"remove_class": {"name": "Plan.*"}}], NOW)


def test_roles_are_given_to_a_subject_besides_those_that_it_has_and_taken_back() -> None:
    given = made({"assign": {"subject": "jo", "roles": ["agent"]}})
    assert given.assignments == {"jo": {"clerk", "chief", "agent"}}
    taken = edited(given, [{"unassign": {"subject": "jo", "roles": ["clerk", "agent"]}}], NOW)
    assert taken.assignments == {"jo": {"chief"}}
    assert made({"assign": {"subject": "al", "roles": ["chief"]}}).assignments["al"] == {"chief"}


def test_a_line_of_a_grant_stands_for_each_target_and_action() -> None:
    document = made(
        {"grant": {"role": "clerk", "on": ["Enrollee.race", "name"], "actions": ["filter", "sort"],
                   "where": "own_state"}}
    )  # fmt: skip
    assert len(document.policy.rules) == len(BASE.policy.rules) + 4


def test_a_deny_is_taken_away_by_saying_that_it_is_one() -> None:
    rule: dict[str, object] = {
        "role": "clerk", "on": ["Enrollee.ssn"], "actions": ["read"], "where": "always",
    }  # fmt: skip
    document = made({"remove_rule": {**rule, "effect": "deny"}})
    assert all(each.effect is Effect.ALLOW for each in document.policy.rules)
    with pytest.raises(EditInvalid, match=r"did you mean 'deny clerk read Enrollee\.ssn'\?"):
        made({"remove_rule": rule})


def test_of_a_role_only_what_is_given_changes() -> None:
    role = made({"set_role": {"name": "chief", "page_limit": 7}}).policy.roles["chief"]
    assert (role.page_limit, role.description) == (7, "Chief of the clerks.")
    assert role.inherits == {"clerk"}
    role = made(
        {"set_role": {"name": "chief", "inherits": [], "requires": ["reason"], "denial": "refuse",
                      "description": "Alone.", "smallest_cell": 11}}
    ).policy.roles["chief"]  # fmt: skip
    assert (role.page_limit, role.inherits, role.requires) == (50, frozenset(), {"reason"})
    assert (role.denial_mode.value, role.description, role.smallest_cell) == (
        "refuse",
        "Alone.",
        11,
    )


def test_a_role_goes_with_its_rules_and_without_anybody_elses() -> None:
    document = made(
        {"unassign": {"subject": "jo", "roles": ["clerk", "chief"]}},
        {"remove_role": {"name": "chief"}},
        {"remove_role": {"name": "clerk"}},
    )
    assert document.policy.roles.keys() == {"agent"}
    assert {rule.role for rule in document.policy.rules} == {"agent"}
    assert document.assignments == {}


def test_parts_only_have_to_fit_once_all_edits_are_made() -> None:
    scope = {"name": "own_county", "meanings": [{"anchor": "Enrollee",
             "text": "home_address.county in principal.county"}]}  # fmt: skip
    rule = {"role": "desk", "on": ["contact"], "actions": ["read"], "where": "own_county"}
    new = [
        {"grant": rule},
        {"add_role": {"name": "desk", "description": "A desk.", "page_limit": 5}},
        {"set_class": {"name": "contact", "members": ["Enrollee.phoneNumber"]}},
        {"set_scope": scope},
    ]
    document = edited(BASE, new, NOW)
    assert Rule("desk", "contact", "read", "own_county", Effect.ALLOW) in document.policy.rules
    for left_out in range(1, len(new)):
        with pytest.raises(PolicyInvalid, match="desk"):
            edited(BASE, new[:left_out] + new[left_out + 1 :], NOW)


def test_the_order_of_edits_matters() -> None:
    role = {"name": "desk", "description": "A desk.", "page_limit": 5}
    made({"add_role": role}, {"assign": {"subject": "al", "roles": ["desk"]}})
    with pytest.raises(EditInvalid, match=r"edit 1, assign: unknown role 'desk'"):
        made({"assign": {"subject": "al", "roles": ["desk"]}}, {"add_role": role})
    with pytest.raises(EditInvalid, match=r"edit 3, add_role: role 'desk' is there already"):
        made(
            {"add_role": role}, {"set_role": {"name": "desk", "page_limit": 6}}, {"add_role": role}
        )


def test_no_edit_leaves_the_version_as_it_is_and_edits_leave_it_alone() -> None:
    assert edited(BASE, [], NOW) == BASE
    before = (BASE.policy.digest, BASE.orders, dict(BASE.assignments))
    made({"remove_scope": {"name": "adults"}}, {"assign": {"subject": "al", "roles": ["chief"]}})
    assert (BASE.policy.digest, BASE.orders, dict(BASE.assignments)) == before


def test_an_order_is_added_from_its_own_text() -> None:
    text = ORDER.replace("a-v-b", "c-v-d").replace("agent", "clerk")
    document = made({"add_order": {"toml": text}})
    assert document.orders == (*BASE.orders, parse_order(CATALOG, "c-v-d", text))
    assert document.policy is BASE.policy
    with pytest.raises(EditInvalid, match="order 'a-v-b' is there already"):
        made({"add_order": {"toml": ORDER}})
    with pytest.raises(EditInvalid, match=r"unknown role 'cleric'; did you mean 'clerk'\?"):
        made({"add_order": {"toml": text.replace("clerk", "cleric")}})
    with pytest.raises(OrderInvalid, match=r"did you mean 'read'\?"):
        made({"add_order": {"toml": text.replace('["read"]', '["raed"]')}})


PROMISE = {"name": "no_ssn", "why": "Nobody reads it.", "on": ["Enrollee.ssn"],
           "actions": ["read"], "roles": ["clerk"]}  # fmt: skip


def test_an_invariant_is_made_replaced_and_taken_back() -> None:
    promised = made({"set_invariant": PROMISE})
    found = Invariant(
        "no_ssn", "Nobody reads it.", frozenset({"clerk"}), frozenset(),
        frozenset({"Enrollee.ssn"}), frozenset({"read"}),
    )  # fmt: skip
    assert promised.invariants == (found,)
    wider = edited(
        promised, [{"set_invariant": {**PROMISE, "roles": [], "only_where": "own_state"}}], NOW
    )
    assert [(each.roles, each.only_where) for each in wider.invariants] == [
        (frozenset(), "own_state")
    ]
    assert edited(promised, [{"remove_invariant": {"name": "no_ssn"}}], NOW) == BASE
    with pytest.raises(EditInvalid, match="invariant 'no_ssn' is so already"):
        edited(promised, [{"set_invariant": PROMISE}], NOW)


CASE = """
name: a clerk reads names
role: clerk
attributes: {state: [CA]}
as_of: 2026-06-01
row: {entity: Enrollee, submitting_state: CA}
about: [name]
allow: [{on: [name], actions: [read]}]
"""


def test_a_case_is_made_replaced_and_taken_back() -> None:
    kept = made({"set_case": {"yaml": CASE}})
    (case,) = kept.cases
    assert (case.name, case.role) == ("a clerk reads names", "clerk")
    chief = CASE.replace("role: clerk", "role: chief")
    other = edited(kept, [{"set_case": {"yaml": chief}}], NOW)
    assert [(each.name, each.role) for each in other.cases] == [("a clerk reads names", "chief")]
    assert edited(kept, [{"remove_case": {"name": "a clerk reads names"}}], NOW) == BASE
    with pytest.raises(EditInvalid, match="case 'a clerk reads names' is so already"):
        edited(kept, [{"set_case": {"yaml": CASE}}], NOW)


def test_what_a_case_names_comes_with_it_and_is_not_taken_away() -> None:
    case = {"set_case": {"yaml": CASE.replace("about: [name]", "about: [name, kin]")}}
    kin = {"set_class": {"name": "kin", "members": ["Enrollee.sex"]}}
    kept = made(case, kin)
    with pytest.raises(CaseInvalid, match="unknown coordinate or class 'kin'"):
        made(case)
    with pytest.raises(CaseInvalid, match="unknown coordinate or class 'kin'"):
        edited(kept, [{"remove_class": {"name": "kin"}}], NOW)


@pytest.mark.parametrize(
    ("named", "gone"),
    [
        ({"roles": ["chief"]}, {"remove_role": {"name": "chief"}}),
        ({"on": ["name"]}, {"remove_class": {"name": "name"}}),
        ({"only_where": "adults"}, {"remove_scope": {"name": "adults"}}),
    ],
)
def test_what_an_invariant_names_is_not_taken_away(
    named: dict[str, object], gone: dict[str, object]
) -> None:
    free: list[dict[str, object]] = [
        {"unassign": {"subject": "jo", "roles": ["chief"]}},
        {"set_class": {"name": "person", "members": ["Enrollee.lastName"]}},
    ]
    made(*free, gone)
    with pytest.raises(PolicyInvalid, match="invariant 'no_ssn': unknown"):
        made(*free, {"set_invariant": {**PROMISE, **named}}, gone)


SINCE = datetime(2026, 2, 1, tzinfo=UTC)
STATUS: list[tuple[dict[str, object], list[tuple[datetime, Status]]]] = [
    # At once, or when it is said; what was planned for later is not any more.
    ({"status": "stayed"}, [(SINCE, Status.IN_FORCE), (NOW, Status.STAYED)]),
    ({"status": "vacated", "at": date(2026, 5, 1)},
     [(SINCE, Status.IN_FORCE), (datetime(2026, 5, 1, tzinfo=UTC), Status.VACATED)]),
    ({"status": "in_force", "at": "2027-06-01T02:00:00+02:00"},
     [(SINCE, Status.IN_FORCE), (datetime(2027, 1, 1, tzinfo=UTC), Status.PAUSED),
      (datetime(2027, 6, 1, tzinfo=UTC), Status.IN_FORCE)]),
    ({"status": "stayed", "at": "2027-01-01"},
     [(SINCE, Status.IN_FORCE), (datetime(2027, 1, 1, tzinfo=UTC), Status.STAYED)]),
    ({"status": "in_force"}, [(SINCE, Status.IN_FORCE), (NOW, Status.IN_FORCE)]),
]  # fmt: skip


@pytest.mark.parametrize(("given", "history"), STATUS)
def test_a_status_holds_from_an_instant_on(
    given: dict[str, object], history: list[tuple[datetime, Status]]
) -> None:
    (order,) = made({"set_order_status": {"name": "a-v-b", **given}}).orders
    assert [(change.at, change.status) for change in order.history] == history


REFUSED: list[tuple[str, type[FieldwardError], str]] = [
    ('edits = []', EditInvalid, "'edits' is empty"),
    ('[[edits]]', EditInvalid, "edit 1: an edit has one key, and here are: none"),
    ('[[edits]]\ngrant = {}\ndeny = {}', EditInvalid, "here are: deny, grant"),
    ('[[edits]]\ngrnat = {}', EditInvalid, "unknown edit 'grnat'; did you mean 'grant'?"),
    ('[[edit]]\ngrant = {}', EditInvalid, "'edits' is missing"),
    ('[[edits]]\ngrant = 1', EditInvalid, "edit 1, grant is not a table"),
    ('[[edits]]\ngrant = { role = "clerk", rol = [], on = ["name"], actions = ["read"], '
     'where = "always" }', EditInvalid, "unknown key 'rol'; did you mean 'role'?"),
    ('[[edits]]\ngrant = { role = "clerk", on = ["name"], actions = ["read"], where = "always", '
     'effect = "deny" }', EditInvalid, "unknown key 'effect'"),
    ('[[edits]]\ngrant = { role = "clerk", on = ["name"], actions = [], where = "always" }',
     EditInvalid, "on nothing, or no action"),
    ('[[edits]]\ngrant = { role = "clerk", on = ["person"], actions = ["read"], '
     'where = "own_state" }', EditInvalid,
     "edit 1, grant: the rule 'allow clerk read person where own_state' is there already"),
    ('[[edits]]\ngrant = { role = "clrek", on = ["name"], actions = ["read"], where = "always" }',
     PolicyInvalid, "unknown role 'clrek'; did you mean 'clerk'?"),
    ('[[edits]]\ngrant = { role = "clerk", on = ["Enrollee.snn"], actions = ["read"], '
     'where = "always" }', PolicyInvalid, "did you mean 'Enrollee.ssn'?"),
    ('[[edits]]\nremove_rule = { role = "clerk", on = ["persom"], actions = ["read"], '
     'where = "own_state" }', EditInvalid,
     "edit 1, remove_rule: unknown rule 'allow clerk read persom where own_state'; "
     "did you mean 'allow clerk read person where own_state'?"),
    ('[[edits]]\nadd_role = { name = "clerk", description = "x", page_limit = 1 }', EditInvalid,
     "role 'clerk' is there already"),
    ('[[edits]]\nadd_role = { name = "desk", page_limit = 1 }', EditInvalid,
     "'description' is missing"),
    ('[[edits]]\nset_role = { name = "clerc", page_limit = 1 }', EditInvalid,
     "edit 1, set_role: unknown role 'clerc'; did you mean 'clerk'?"),
    ('[[edits]]\nset_role = { name = "clerk" }', EditInvalid, "role 'clerk' is so already"),
    ('[[edits]]\nset_role = { name = "clerk", denial = "nul" }', EditInvalid,
     "unknown denial 'nul'; did you mean 'null'?"),
    ('[[edits]]\nset_role = { name = "clerk", pagelimit = 1 }', EditInvalid,
     "unknown key 'pagelimit'; did you mean 'page_limit'?"),
    ('[[edits]]\nset_role = { name = "clerk", inherits = ["chief"] }', PolicyInvalid, "roles: "),
    ('[[edits]]\nremove_role = { name = "clerk" }', EditInvalid,
     "role 'clerk' is inherited by 'chief'"),
    ('[[edits]]\nremove_role = { name = "chief" }', EditInvalid, 
     "role 'chief' is assigned to 'jo'"),
    ('[[edits]]\nremove_role = { name = "agent" }', EditInvalid,
     "role 'agent' is capped by the order 'a-v-b'"),
    ('[[edits]]\nremove_role = { name = "aget" }', EditInvalid, "did you mean 'agent'?"),
    ('[[edits]]\nset_class = { name = "name", members = ["Enrollee.lastName", '
     '"Enrollee.firstName"] }', EditInvalid, "class 'name' is so already"),
    ('[[edits]]\nset_class = { name = "name", members = [] }', PolicyInvalid, "is empty"),
    ('[[edits]]\nset_class = { name = "Plan.*", members = ["Plan.name"] }', EditInvalid,
     "'Plan.*' follows from the catalog"),
    ('[[edits]]\nremove_class = { name = "Enrollee.*" }', EditInvalid,
     "unknown class 'Enrollee.*'"),
    ('[[edits]]\nremove_class = { name = "nmae" }', EditInvalid, "did you mean 'name'?"),
    ('[[edits]]\nremove_class = { name = "person" }', PolicyInvalid,
     "unknown coordinate or class 'person'"),
    ('[[edits]]\nset_scope = { name = "adults", meanings = [{ anchor = "Enrollee", '
     'text = "date_of_birth <= as_of - 216 months" }] }', EditInvalid, "'adults' is so already"),
    ('[[edits]]\nset_scope = { name = "adults", meanings = [{ anchor = "Enrollee", text = "a" }, '
     '{ anchor = "Enrollee", text = "b" }] }', EditInvalid, "a meaning on Enrollee twice"),
    ('[[edits]]\nset_scope = { name = "adults", meanings = [{ anchor = "Enrollee", '
     'text = "sxe = \'F\'" }] }', PolicyInvalid, "did you mean 'sex'?"),
    ('[[edits]]\nremove_scope = { name = "adult" }', EditInvalid, "did you mean 'adults'?"),
    ('[[edits]]\nset_invariant = { name = "x", on = [], actions = [] }', EditInvalid,
     "'why' is missing"),
    ('[[edits]]\nset_invariant = { name = "x", why = "y", on = ["nmae"], actions = ["read"] }',
     PolicyInvalid, "invariant 'x': unknown coordinate or class 'nmae'; did you mean 'name'?"),
    ('[[edits]]\nremove_invariant = { name = "x" }', EditInvalid, "unknown invariant 'x'"),
    ('[[edits]]\nset_case = { yaml = "[]" }', EditInvalid, "edit 1, set_case: no case"),
    ('[[edits]]\nset_case = { yaml = "name: x" }', CaseInvalid, "case 'x': "),
    ('[[edits]]\nremove_case = { name = "x" }', EditInvalid, "unknown case 'x'"),
    ('[[edits]]\nassign = { subject = "jo", roles = ["clerk"] }', EditInvalid,
     "'jo' is assigned 'clerk' already"),
    ('[[edits]]\nassign = { subject = "al", roles = [] }', EditInvalid, "no role"),
    ('[[edits]]\nassign = { subject = "al", roles = ["cheif"] }', EditInvalid,
     "did you mean 'chief'?"),
    ('[[edits]]\nunassign = { subject = "joe", roles = ["clerk"] }', EditInvalid,
     "unknown subject 'joe'; did you mean 'jo'?"),
    ('[[edits]]\nunassign = { subject = "jo", roles = ["agent"] }', EditInvalid,
     "unknown role of 'jo' 'agent'"),
    ('[[edits]]\nset_order_status = { name = "a-v-c", status = "paused" }', EditInvalid,
     "did you mean 'a-v-b'?"),
    ('[[edits]]\nset_order_status = { name = "a-v-b", status = "pause" }', EditInvalid,
     "unknown status 'pause'; did you mean 'paused'?"),
    ('[[edits]]\nset_order_status = { name = "a-v-b", status = "paused", at = 2026-02-01 }',
     EditInvalid, "not later than what became of it last: in_force since 2026-02-01T00:00"),
    ('[[edits]]\nset_order_status = { name = "a-v-b", status = "paused", at = "tomorrow" }',
     EditInvalid, "'at' is not a day or an instant"),
    ('[[edits]]\nset_order_status = { name = "a-v-b", status = "paused", '
     'at = "2026-07-01T10:00:00" }', EditInvalid, "does not say its offset"),
    ('[[edits]]\nset_order_status = { name = "a-v-b", status = "paused", at = 2027-02-01 }',
     EditInvalid, "order 'a-v-b' is paused already"),
    ('[[edits]]\nadd_order = { toml = "name = 1" }', OrderInvalid, "'name' is not text"),
    ('[[edits]]\nadd_order = { toml = "x" }', OrderInvalid, ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "error", "said"), REFUSED)
def test_what_an_edit_does_not_know_or_what_does_not_fit_is_refused(
    text: str, error: type[FieldwardError], said: str
) -> None:
    with pytest.raises(error) as refused:
        after(text)
    assert type(refused.value) is error
    assert said in refused.value.detail


def test_an_order_is_not_in_force_before_it_is_effective() -> None:
    early = datetime(2026, 1, 10, tzinfo=UTC)
    edit = {"name": "a-v-b", "status": "in_force"}
    with pytest.raises(EditInvalid, match="'at' is before the order is effective: 2026-02-01"):
        edited(BASE, [{"set_order_status": edit}], early)
    (order,) = edited(BASE, [{"set_order_status": {**edit, "status": "stayed"}}], early).orders
    assert order.status_at(datetime(2026, 3, 1, tzinfo=UTC)) is Status.STAYED


def test_every_edit_is_refused_here_for_some_reason() -> None:
    tried = {kind for kind in FORMS for text, _, _ in REFUSED if f"\n{kind} =" in text}
    assert tried == FORMS.keys()
