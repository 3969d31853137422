"""The seed policy: every role, coordinate and action against the access matrix, written anew."""

from __future__ import annotations

import csv
import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

import authz.enforcer
from authz import questions
from authz.decision import Allow, AllowWhere, Decision, Deny, Reason, condition
from authz.enforcer import decide, decision_set, enforcer_for
from authz.index import Index
from authz.packaged import load_seed
from authz.policy import ALWAYS, Effect, parts
from authz.scope import parse_scope
from authz.snapshot import Snapshot, take
from authz.wildcards import is_wildcard
from db.catalog_records import CATALOG
from db.predicate import And, Never, Predicate, both, either
from tests.properties.access_matrix import (
    BY_EQ,
    MATRIX,
    SCOPES,
    SMALLEST_CELLS,
    TALLIES,
    Cell,
    anchor_of,
    cells,
)
from tests.support import skip_or_fail

if TYPE_CHECKING:
    from authz.index import Speakers

CASES = int(os.environ.get("FIELDWARD_CASES", "300"))
NOW = datetime(2026, 6, 1, tzinfo=UTC)
POLICY, ORDERS = load_seed(CATALOG)
ROLES = sorted(POLICY.roles)
QUESTIONS = [
    (coordinate, action)
    for coordinate in sorted(questions.coordinates(CATALOG))
    for action in questions.actions(CATALOG, coordinate)
]
CAPPED = "immigration_enforcement"
THE_SIX = {
    "Enrollee.citizenship": {"read", "filter"},
    "Enrollee.immigrationStatus": {"read", "filter"},
    "Enrollee.homeAddress": {"read", "filter"},
    "HomeAddress.line1": {"read", "filter"},
    "HomeAddress.line2": {"read", "filter"},
    "HomeAddress.line3": {"read", "filter"},
    "HomeAddress.city": {"read", "filter"},
    "HomeAddress.state": {"read", "filter"},
    "HomeAddress.zip": {"read", "filter"},
    "Enrollee.dateOfBirth": {"read", "filter"},
    "Enrollee.phoneNumber": {"read", "filter:eq"},
    "Enrollee.medicaidId": {"read", "filter:eq"},
}


@cache
def snapshot() -> Snapshot:
    """The seed policy and the packaged orders on a day on which the order is in force."""
    return take(POLICY, ORDERS, NOW)


@cache
def predicate(anchor: str, text: str) -> Predicate:
    """What a condition of the access matrix means."""
    return parse_scope(CATALOG, anchor, text)


def conjuncts(rows: Predicate) -> frozenset[Predicate]:
    """The conditions that a condition joins, in no order."""
    return frozenset(rows.parts) if isinstance(rows, And) else frozenset({rows})


def expected(found: list[Cell], action: str) -> frozenset[Predicate] | None:
    """The conditions under which some cell allows an action; None for no cell."""
    allowing = {cell for cell in found if cell.allows(action)}
    if not allowing:
        return None
    # No question is in two rows of the matrix with different scopes.
    (cell,) = allowing
    return conjuncts(both(*(predicate(cell.anchor, text) for text in cell.conditions)))


def decided(decision: Decision) -> frozenset[Predicate] | None:
    """The same of a decision."""
    match decision:
        case Allow():
            return conjuncts(both())
        case AllowWhere(rows):
            return conjuncts(rows)
        case Deny():
            return None


@pytest.mark.parametrize("role", ROLES)
def test_every_coordinate_and_action_is_decided_as_the_access_matrix_says(role: str) -> None:
    matrix = cells()
    decisions = snapshot().decisions(role)
    wrong = [
        (coordinate, action)
        for coordinate, action in QUESTIONS
        if decided(decisions.decide(coordinate, action))
        != expected(matrix.get((role, coordinate), []), action)
    ]
    assert wrong == []


def test_the_table_has_every_row_of_the_access_matrix_and_no_other() -> None:
    path = Path(__file__).parents[3] / "shared" / "access-matrix.csv"
    if not path.exists():
        skip_or_fail("the access matrix is not beside this checkout")
    with path.open(encoding="utf-8") as file:
        given = [
            (row["role"], row["coordinates or data class"], row["actions"])
            for row in csv.DictReader(file)
        ]
    assert [(row.role, row.words, row.actions) for row in MATRIX] == given


def test_the_matrix_speaks_of_roles_coordinates_and_anchors_that_exist() -> None:
    matrix = cells()
    assert {role for role, _ in matrix} == set(ROLES)
    assert {coordinate for _, coordinate in matrix} <= questions.coordinates(CATALOG)
    for coordinate in questions.coordinates(CATALOG):
        assert anchor_of(coordinate) == (questions.anchor(CATALOG, coordinate) or "")


def test_every_coordinate_is_in_a_class() -> None:
    held = {
        member
        for name, members in POLICY.classes.items()
        if not is_wildcard(name)
        for member in members
    }
    assert questions.coordinates(CATALOG) - held == frozenset()


def test_what_identifies_is_filtered_by_equality_alone() -> None:
    ids = BY_EQ | {"Enrollee.id", "Claim.id", "Provider.id", "Plan.id"}
    for role in ROLES:
        decisions = snapshot().decisions(role)
        for coordinate, action in QUESTIONS:
            if coordinate in ids and action.startswith("filter") and action != "filter:eq":
                assert isinstance(decisions.decide(coordinate, action), Deny), (role, coordinate)


def test_no_role_reads_an_ssn_but_eligibility_and_the_person() -> None:
    reading = {
        role
        for role in ROLES
        if not isinstance(snapshot().decisions(role).decide("Enrollee.ssn", "read"), Deny)
    }
    assert reading == {"beneficiary", "eligibility_worker", "eligibility_supervisor"}


@pytest.mark.parametrize("role", ["actuary", "auditor", "policy_administrator"])
def test_who_reads_no_record_has_no_rows(role: str) -> None:
    assert dict(snapshot().decisions(role).row_scopes) == {}


def test_the_capped_role_has_exactly_the_six_and_only_of_the_population() -> None:
    decisions = snapshot().decisions(CAPPED)
    population = predicate("Enrollee", "population covers as_of")
    for coordinate, action in QUESTIONS:
        decision = decisions.decide(coordinate, action)
        granted = THE_SIX.get(coordinate, set())
        if action in granted or action.partition(":")[0] in granted:
            assert decision == AllowWhere(population), (coordinate, action)
        else:
            assert isinstance(decision, Deny), (coordinate, action)
    for anchor in ("Claim", "Provider", "Plan"):
        assert decisions.row_scope(anchor) == Never()
    assert decisions.row_scope("Enrollee") == population


def test_what_the_order_closes_is_denied_by_the_order() -> None:
    decisions = snapshot().decisions(CAPPED)
    assert decisions.decide("Enrollee.lastName", "read") == Deny(Reason.ORDER)
    assert decisions.decide("HomeAddress.county", "read") == Deny(Reason.ORDER)
    assert decisions.decide("Enrollee.dateOfBirth", "sort") == Deny(Reason.ORDER)
    assert decisions.decide("Enrollee.medicaidId", "filter:startsWith") == Deny(Reason.ORDER)
    assert decisions.decide("EnrolleeConnection.totalCount", "aggregate") == Deny(Reason.ORDER)


def test_before_the_order_is_in_force_the_capped_role_reads_nothing() -> None:
    early = take(POLICY, ORDERS, datetime(2026, 1, 5, 23, 59, 59, tzinfo=UTC))
    decisions = early.decisions(CAPPED)
    assert set(decisions.table.values()) == {Deny(Reason.NO_ORDER)}
    assert decisions.row_scope("Enrollee") == Never()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_the_smallest_cell_that_the_access_matrix_names(role: str) -> None:
    assert snapshot().decisions(role).smallest_cell == SMALLEST_CELLS.get(role, 0)


def test_an_aggregate_is_made_of_the_rows_whose_values_may_be_aggregated() -> None:
    found = {
        (role, anchor): conjuncts(snapshot().decisions(role).aggregate_scope(anchor))
        for role in ROLES
        for anchor in ("Enrollee", "Claim")
        if snapshot().decisions(role).aggregate_scope(anchor) != Never()
    }
    assert found == {
        (role, entity): conjuncts(both(*(predicate(entity, t) for t in SCOPES[scope][entity])))
        for role, entities, scope in TALLIES
        for entity in entities.split()
    }


REQUIRED = {
    "immigration_enforcement": set(),
    "beneficiary": {"enrollee_id"},
    "front_desk": {"county"},
    "eligibility_worker": {"county", "state"},
    "eligibility_supervisor": {"state"},
    "managed_care_plan": {"plan_id"},
    "provider": {"npi"},
    "program_integrity": {"state"},
    "researcher": {"agreement", "agreement_states"},
    "actuary": set(),
    "auditor": set(),
    "policy_administrator": set(),
    "break_glass": {"person", "until", "reason"},
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_requires_the_attributes_that_its_rows_depend_on(role: str) -> None:
    assert snapshot().required_attributes(role) == REQUIRED[role]


def test_casbin_over_all_rules_opens_what_it_opens_over_those_that_can_match_in_every_role(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policy = snapshot().policy
    kept = {role: decision_set(policy, role).table for role in ROLES}
    full = enforcer_for(policy)
    asked: set[tuple[str, ...]] = set()

    for role in ROLES:

        def over_all(
            _: object, question: tuple[str, str], _s: Speakers, where: str, role: str = role
        ) -> bool:
            asked.add((role, *question, where))
            return full.enforce(role, *question, where)

        monkeypatch.setattr(vars(authz.enforcer)["_Casbin"], "allows", over_all)
        # Of questions that the same rules speak about, one is asked; `decide` begins anew for each.
        index = Index(policy, role)
        for question in {index.matching(*question): question for question in QUESTIONS}.values():
            found = decide(policy, role, *question)
            assert found == kept[role].get(question, Deny(Reason.NO_RULE)), (role, *question)
    assert len(asked) > 300


def test_casbin_over_all_rules_decides_any_question_about_the_seed_as_the_decisions_have_it() -> (
    None
):
    policy = snapshot().policy
    enforcer = enforcer_for(policy)
    every = [(role, *question) for role in ROLES for question in QUESTIONS]
    chosen = Random(7).sample(every, min(len(every), CASES))
    for role, coordinate, action in chosen:
        conditions = {
            rule.condition
            for rule in policy.rules
            if rule.role == role and rule.effect is Effect.ALLOW
        } | {ALWAYS}
        opened = {c for c in conditions if enforcer.enforce(role, coordinate, action, c)}
        # What also holds where more is asked says nothing new, and may have no meaning there.
        least = {c for c in opened if not any(parts(other) < parts(c) for other in opened)}
        anchor = questions.anchor(CATALOG, coordinate)
        rows = either(*(policy.meaning(c, anchor) for c in sorted(least)))
        decision = snapshot().decisions(role).decide(coordinate, action)
        assert conjuncts(condition(decision)) == conjuncts(rows), (role, coordinate, action)
