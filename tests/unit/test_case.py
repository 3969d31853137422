"""Tests of a policy: how they are written, what they mean, and when they fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from authz import questions
from authz.case_file import cases_text, read_cases
from authz.checks.cases import failures
from authz.checks.check import check
from authz.checks.finding import Check, Severity
from authz.document import Document
from authz.errors import CaseInvalid
from authz.packaged import load_seed_document
from authz.policy import Effect, Rule, sorted_rules
from authz.store import read_document, text_of
from authz.strict_yaml import loaded
from db.catalog_records import CATALOG

if TYPE_CHECKING:
    from authz.case import Case

SEED = load_seed_document(CATALOG)
DESK = """
name: the desk
role: front_desk
attributes: {county: [06001]}
as_of: 2026-06-01
row: {entity: Enrollee, home_address: {county: 06001}}
about: [name, ssn, Enrollee.sex]
allow:
- {on: [name], actions: [read, filter, sort]}
- {on: [ssn], actions: ["filter:eq"]}
"""


def one(text: str = DESK) -> Case:
    """The only test that a text says."""
    (found,) = read_cases(CATALOG, SEED.policy, text)
    return found


def under(case: Case, *more: Rule, without: tuple[str, str] | None = None) -> Document:
    """The seed policy with that test alone, with rules more and without the rules of a role about
    an object."""
    rules = [rule for rule in SEED.policy.rules if (rule.role, rule.object) != without]
    policy = replace(SEED.policy, rules=sorted_rules([*rules, *more]))
    return replace(SEED, policy=policy, cases=(case,), invariants=())


def test_the_tests_of_the_seed_policy_hold() -> None:
    assert len(SEED.cases) > 15
    assert failures(SEED) == ()


def test_what_is_expected_and_denied_fails_and_so_does_what_is_allowed_and_not_listed() -> None:
    case = one()
    assert failures(under(case)) == ()
    (finding,) = failures(under(case, without=("front_desk", "ssn")))
    assert finding.text == (
        "case 'the desk': front_desk may not filter:eq Enrollee.ssn, and should (no rule allows it)"
    )
    assert (finding.severity, finding.check) == (Severity.ERROR, Check.CASE)
    assert (finding.role, finding.coordinate, finding.action, finding.row) == (
        "front_desk", "Enrollee.ssn", "filter:eq", "the desk",
    )  # fmt: skip
    more = Rule("front_desk", "demographics", "filter", "own_county", Effect.ALLOW)
    (finding,) = failures(under(case, more))
    # Sex has operators, and its filter is said once.
    assert finding.text == "case 'the desk': front_desk may filter Enrollee.sex, and should not"
    elsewhere = Rule("front_desk", "demographics", "filter", "own_record", Effect.ALLOW)
    number = "00000000-0000-4000-8000-000000000001"
    who = one(DESK.replace("[06001]}\nas_of", f"[06001], enrollee_id: {number}}}\nas_of"))
    person = replace(case, attributes=who.attributes)
    assert failures(under(person, elsewhere)) == ()
    deny = Rule("front_desk", "name", "sort", "always", Effect.DENY)
    (finding,) = failures(under(case, deny))
    assert finding.text == (
        "case 'the desk': front_desk may not sort Enrollee.firstName and 2 more, and should "
        "(a rule denies it)"
    )
    narrow = Rule("front_desk", "name", "sort", "in_population", Effect.DENY)
    (finding,) = failures(under(case, narrow))
    assert "(the row does not meet the condition)" in finding.text


def test_a_request_that_lacks_what_the_role_needs_is_refused() -> None:
    case = replace(one(), attributes=one(DESK.replace("county: [06001]", "")).attributes)
    found = failures(under(case))
    assert found
    assert all("(the request lacks county)" in finding.text for finding in found)


def test_a_test_is_run_at_its_own_instant() -> None:
    (case,) = (each for each in SEED.cases if each.name.startswith("the capped role reads six"))
    earlier = replace(case, as_of=datetime(2026, 1, 5, 23, 59, tzinfo=UTC))
    assert all("(no court order is in force)" in each.text for each in failures(under(earlier)))
    assert failures(under(earlier))


def test_an_hour_that_has_passed_ends_access() -> None:
    (case,) = (each for each in SEED.cases if each.name.startswith("emergency access ends"))
    found = failures(under(replace(case, as_of=datetime(2026, 6, 1, 10, 59, tzinfo=UTC))))
    assert {"read", "filter"} <= {each.action for each in found}
    assert failures(under(replace(case, as_of=datetime(2026, 6, 1, 11, 0, tzinfo=UTC)))) == ()


def test_without_allow_everything_about_the_row_is_expected_to_be_denied() -> None:
    policy = next(each for each in SEED.cases if each.name == "a policy administrator edits policy")
    everything = {each for each, anchor in SEED.policy.anchors.items() if anchor is None}
    found = failures(under(replace(policy, allow=frozenset())))
    assert {each.action for each in found} == {"read", "filter", "sort", "create", "update"}
    assert everything >= {each.coordinate for each in found}


def test_the_checks_of_a_version_run_its_tests() -> None:
    as_of = datetime(2026, 6, 1, tzinfo=UTC)
    found = check(None, under(one(), without=("front_desk", "ssn")), as_of)
    assert [each.check for each in found if each.severity is Severity.ERROR] == [Check.CASE]


def test_a_test_that_means_nothing_any_more_fails() -> None:
    case = replace(one(), role="gone")
    (finding,) = failures(under(case))
    assert finding.text == "case 'the desk': unknown role 'gone'"


def test_tests_are_written_as_they_are_read() -> None:
    for case in SEED.cases:
        assert one(cases_text([case])) == case
    assert read_cases(CATALOG, SEED.policy, cases_text(SEED.cases)) == SEED.cases
    assert one("- " + DESK.strip().replace("\n", "\n  ")) == one()
    # What another YAML would take for no text is quoted.
    assert "'06001'" in cases_text([one()])


def test_tests_are_stored_with_their_version() -> None:
    stored = text_of(SEED)
    assert read_document(stored, CATALOG).cases == tuple(
        sorted(SEED.cases, key=lambda each: each.name)
    )
    assert text_of(read_document(stored, CATALOG)) == stored
    assert '"cases"' not in text_of(replace(SEED, cases=()))


def test_a_test_says_what_is_allowed_of_each_operator() -> None:
    case = one(DESK.replace("Enrollee.sex", "Enrollee.dateOfBirth").replace(
        "- {on: [name], actions: [read, filter, sort]}",
        "- {on: [name, Enrollee.dateOfBirth], actions: [read, filter, sort]}"))  # fmt: skip
    assert failures(under(case)) == ()
    assert "filter:lt" in questions.actions(CATALOG, "Enrollee.dateOfBirth")


def changed(**edits: str) -> str:
    """The text with some of its lines replaced, or left out where nothing stands for them."""
    lines = []
    for line in DESK.strip().splitlines():
        key = line.partition(":")[0]
        if key not in edits:
            lines.append(line)
        elif edits[key]:
            lines.append(f"{key}: {edits[key]}")
    return "\n".join(lines)


WRONG: list[tuple[str, str]] = [
    ("", "case 1 is not a table"),
    ("[", "not YAML"),
    ("a: 1\na: 2", "a key twice on line 2"),
    ("1: 2", "a key is not text on line 1"),
    ("a: &x 1\nb: *x", "no anchors on line 2"),
    ("!!python/object/apply:os.system [ls]", "not YAML"),
    ("[" * 5000, "nested too deep"),
    ("#" * 200_001, "longer than 200000 characters"),
    (changed(name=""), "case 1: 'name' is missing"),
    (changed(name="x" * 121), "'name' is not one line"),
    (DESK + "oops: 1", "case 'the desk': unknown key 'oops'"),
    (f"[{{{changed()}}}", "not YAML"),
    (cases_text([one(), one()]), "case 'the desk' twice"),
    (changed(role="front_desc"), "unknown role 'front_desc'; did you mean 'front_desk'?"),
    (changed(as_of="2026-06-31"), "'as_of' is neither a day nor an instant"),
    (changed(as_of="2026-06-01T10:00:00"), "'as_of' is neither a day nor an instant"),
    (changed(as_of="[2026-06-01]"), "'as_of' is neither a day nor an instant"),
    (changed(attributes="{countyy: [06001]}"), "unknown attribute 'countyy'; did you mean"),
    (changed(attributes="{county: [6001]}"), "county must be a list of"),
    (changed(attributes="[county]"), "'attributes' is not a table"),
    (changed(row="{entity: Enrolee}"), "unknown entity 'Enrolee'"),
    (changed(row="{entity: Enrollee, sexx: F}"), "unknown column or relation 'sexx'"),
    (changed(row="nobody"), "'row' is not a table"),
    (changed(about="[nam]"), "unknown coordinate or class 'nam'; did you mean 'name'?"),
    (changed(about="[name, ssn, Claim.icn]"), "nothing in 'Claim.icn' is about Enrollee"),
    (changed(row=""), "nothing in 'Enrollee.sex' is about no row"),
    (changed(about="[name]"), "allows 'ssn', and is not about all of it"),
    (DESK.replace("[read, filter, sort]", "[reed]"), "unknown action 'reed'; did you mean 'read'"),
    (DESK.replace('["filter:eq"]', '["filter:has"]'), "unknown action 'filter:has'"),
    (DESK.replace("[read, filter, sort]", "[]"), "on nothing, or no action"),
    (DESK.replace("{on: [name], ", "{"), "allow 1: 'on' is missing"),
]


@pytest.mark.parametrize(("text", "problem"), WRONG)
def test_a_test_that_could_mean_something_else_is_refused(text: str, problem: str) -> None:
    with pytest.raises(CaseInvalid) as refused:
        read_cases(CATALOG, SEED.policy, text)
    assert problem in refused.value.detail


@pytest.mark.parametrize(
    ("written", "read"),
    [("no", "no"), ("on", "on"), ("06001", "06001"), ("12:30", "12:30"), ("2026-06-01",) * 2,
     ("true", True), ("~", None), ("12", 12), ("1.5", 1.5), ("", None), ("<<", "<<")],
)  # fmt: skip
def test_text_is_read_as_it_is_written(written: str, read: Any) -> None:  # noqa: ANN401
    assert loaded(f"a: {written}", CaseInvalid) == {"a": read}
