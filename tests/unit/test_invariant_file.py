"""Invariants as tables: what they may say, that they are kept whole, and those of the seed."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from authz import questions
from authz.checks.check import check
from authz.checks.finding import Check
from authz.checks.invariants import bound
from authz.document import Document
from authz.errors import DocumentInvalid, PolicyInvalid
from authz.invariant import Invariant
from authz.packaged import load_seed_document
from authz.policy import Effect, Rule, sorted_rules
from authz.policy_file import parse_policy_file
from authz.store import read_document, text_of
from authz.wildcards import within
from db.catalog_records import CATALOG
from tests.unit.test_ceiling import POLICY
from tests.unit.test_check import errors

SEED = load_seed_document(CATALOG)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
WHOLE = """
[invariants.no_names]
why = "Promised."
roles = ["clerk"]
but = ["agent", "heir"]
on = ["names", "Enrollee.ssn", "HomeAddress.*"]
actions = ["read", "filter:eq"]
only_where = "women & people"
"""


def parsed(text: str) -> tuple[Invariant, ...]:
    return parse_policy_file(CATALOG, POLICY + text)[1]


def test_an_invariant_says_all_that_it_can() -> None:
    assert parsed(WHOLE) == (
        Invariant(
            "no_names",
            "Promised.",
            frozenset({"clerk"}),
            frozenset({"agent", "heir"}),
            frozenset({"names", "Enrollee.ssn", "HomeAddress.*"}),
            frozenset({"read", "filter:eq"}),
            "people&women",
        ),
    )


def test_what_need_not_be_said_is_for_all_roles_and_no_row() -> None:
    short = WHOLE.replace('roles = ["clerk"]\nbut = ["agent", "heir"]\n', "")
    (found,) = parsed(short.replace('only_where = "women & people"\n', ""))
    assert (found.roles, found.but, found.only_where) == (frozenset(), frozenset(), "")
    assert parsed("") == ()


MISTAKES = {
    "a name": ("no_names]", '"No names"]', "a name is a-z, 0-9 and _"),
    "a role": ('["clerk"]', '["clark"]', "unknown role 'clark'; did you mean 'clerk'?"),
    "an exempt role": ('["agent"', '["agnet"', "unknown role 'agnet'; did you mean 'agent'?"),
    "a role in and out": ('["clerk"]', '["agent"]', "'agent' is among 'roles' and among 'but'"),
    "a class": ('"names"', '"name"', "unknown coordinate or class 'name'; did you mean 'names'?"),
    "a wildcard": ('"HomeAddress.*"', '"HomeAdress.*"', r"did you mean 'HomeAddress.*'?"),
    "an action": ('"filter:eq"', '"filter:eqq"', "unknown action 'filter:eqq'; did you mean"),
    "a scope": ("women &", "woman &", "unknown scope 'woman'; did you mean 'women'?"),
    "every row": ("women & people", "always", "'only_where' is different scopes joined by &"),
    "a scope twice": ("women & people", "women & women", "different scopes joined by &"),
    "no scope": ("women & people", "women &", "different scopes joined by &"),
    "no rows": ('"names"', '"Policy.rules"', "Policy.rules has no rows, so 'only_where' means"),
    "rows of others": ('"names"', '"Claim.icn"', "scope 'people' has no meaning on Claim, as"),
    "nothing": ('["names", "Enrollee.ssn", "HomeAddress.*"]', "[]", "on nothing, or no action"),
    "no action": ('["read", "filter:eq"]', "[]", "on nothing, or no action"),
    "no reason": ('why = "Promised."\n', "", "'why' is missing"),
    "a key": ("only_where", "onlywhere", "unknown key 'onlywhere'; did you mean 'only_where'?"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_what_an_invariant_cannot_mean_is_refused(case: str) -> None:
    old, new, problem = MISTAKES[case]
    assert old in WHOLE
    with pytest.raises(PolicyInvalid) as refused:
        parsed(WHOLE.replace(old, new, 1))
    assert problem in refused.value.detail


def test_an_invariant_is_stored_whole_and_read_as_strictly() -> None:
    policy, invariants = parse_policy_file(CATALOG, POLICY + WHOLE)
    given = Document(policy, (), invariants)
    text = text_of(given)
    assert read_document(text, CATALOG).invariants == invariants
    stored = json.loads(text)
    assert set(stored["invariants"]["no_names"]) == {field.name for field in fields(Invariant)} - {
        "name"
    }
    assert "invariants" not in json.loads(text_of(replace(given, invariants=())))
    stored["invariants"]["no_names"]["but"] = ["nobody"]
    with pytest.raises(PolicyInvalid, match="unknown role 'nobody'"):
        read_document(json.dumps(stored), CATALOG)
    stored["invariants"]["no_names"]["surprise"] = 1
    with pytest.raises(DocumentInvalid, match="surprise"):
        read_document(json.dumps(stored), CATALOG)


def test_the_seed_is_stored_with_its_invariants_and_breaks_none() -> None:
    assert len(SEED.invariants) > 4
    assert read_document(text_of(SEED), CATALOG).invariants == SEED.invariants
    assert check(None, SEED, NOW) == ()


def test_an_edit_that_takes_away_what_an_invariant_names_is_found() -> None:
    classes = {name: each for name, each in SEED.policy.classes.items() if name != "ssn_last4"}
    after = replace(SEED, policy=replace(SEED.policy, classes=classes))
    (found,) = (each for each in errors(check(SEED, after, NOW)) if each.check is Check.INVARIANT)
    assert found.text.startswith(
        "invariant 'research_identifies_nobody': unknown coordinate or class 'ssn_last4'"
    )


def named(name: str) -> Invariant:
    (found,) = (each for each in SEED.invariants if each.name == name)
    return found


def test_no_coordinate_of_a_record_is_left_out_for_administrators() -> None:
    given = named("administrators_touch_no_record")
    held = {
        coordinate for each in given.on for coordinate in within(CATALOG, SEED.policy.classes, each)
    }
    assert held == CATALOG.coordinates
    assert given.actions == questions.ACTIONS


TRIES = {
    "administrators_touch_no_record": ("policy_administrator", "Enrollee.lastName", "read"),
    "auditors_change_nothing": ("auditor", "Policy.rules", "update"),
    "immigration_enforcement_changes_nothing": (
        "immigration_enforcement", "Enrollee.dateOfBirth", "sort",
    ),
    "research_identifies_nobody": ("researcher", "HomeAddress.zip", "filter"),
    "ssn_is_looked_up": ("front_desk", "Enrollee.ssn", "read"),
    "substance_use_is_not_shared": ("provider", "Claim.diagnosisCode", "read"),
}  # fmt: skip


def test_each_of_the_seed_is_tried() -> None:
    assert set(TRIES) == {each.name for each in SEED.invariants}
    assert all(bound(each, SEED.policy) for each in SEED.invariants)


@pytest.mark.parametrize("name", TRIES)
def test_an_edit_against_an_invariant_of_the_seed_is_refused(name: str) -> None:
    role, coordinate, action = TRIES[name]
    rule = Rule(role, coordinate, action, "always", Effect.ALLOW)
    # An order that would leave it: what the promise is about stays closed all the same.
    orders = tuple(
        replace(each, grants={**each.grants, coordinate: frozenset({"read", "sort"})})
        for each in SEED.orders
    )
    policy = replace(SEED.policy, rules=sorted_rules([*SEED.policy.rules, rule]))
    found = errors(check(SEED, replace(SEED, policy=policy, orders=orders), NOW))
    assert f"says the invariant {name} " in "; ".join(each.text for each in found)
