"""The examples of docs/policy.md are what they say."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from authz import questions
from authz.case_file import read_cases
from authz.checks.cases import failures
from authz.checks.check import check
from authz.decision import AllowWhere, Deny, condition
from authz.document import Document
from authz.enforcer import decide
from authz.policy_file import parse_policy, parse_policy_file
from authz.scope import parse_scope
from db.catalog_records import CATALOG
from db.predicate import both
from tests.unit.test_check import errors

TEXT = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The one example in a language."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    (one,) = found
    return one


def test_the_whole_policy_is_one_and_decides_as_the_text_says() -> None:
    policy = parse_policy(CATALOG, block("toml"))
    county, adults = (
        policy.scopes[name]["Enrollee"].predicate for name in ("own_county", "adults")
    )
    assert decide(policy, "chief", "Enrollee.ssn", "filter:eq") == AllowWhere(county)
    assert isinstance(decide(policy, "chief", "Enrollee.ssn", "filter:in"), Deny)
    assert isinstance(decide(policy, "clerk", "Enrollee.lastName", "update"), Deny)
    rows = condition(decide(policy, "chief", "Enrollee.lastName", "update"))
    alive = parse_scope(CATALOG, "Enrollee", "date_of_death > as_of")
    assert rows == both(adults, county, alive)
    assert decide(policy, "chief", "Enrollee.firstName", "read") == AllowWhere(county)


def test_the_invariants_hold_in_the_whole_policy() -> None:
    policy, invariants = parse_policy_file(CATALOG, block("toml") + block("invariants"))
    assert len(invariants) == 2
    found = check(None, Document(policy, (), invariants), datetime(2026, 1, 1, tzinfo=UTC))
    assert errors(found) == ()


def test_the_test_holds_in_the_whole_policy() -> None:
    policy = parse_policy(CATALOG, block("toml"))
    cases = read_cases(CATALOG, policy, block("yaml"))
    assert failures(Document(policy, cases=cases)) == ()


def test_every_scope_has_a_meaning_on_a_person() -> None:
    for line in block("scope").splitlines():
        parse_scope(CATALOG, "Enrollee", line)


def test_every_action_is_in_the_table() -> None:
    (row,) = re.findall(r"\| `actions` \|.*", TEXT)
    assert set(re.findall(r"`(\w+)`", row)) == questions.ACTIONS | {"actions"}
