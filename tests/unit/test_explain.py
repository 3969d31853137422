"""Why something is decided, who else may, and the table of it all, over the seed policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest

from authz.decision import Reason
from authz.document import Document
from authz.errors import QuestionInvalid, RowInvalid, UnknownRole
from authz.explain import Explanation, explain, matrix, who_can
from authz.packaged import load_seed
from authz.policy import Effect, Rule, sorted_rules
from authz.principal import Attributes
from authz.synthetic import read_row
from db.catalog_records import CATALOG

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
POLICY, ORDERS = load_seed(CATALOG)
SEED = Document(POLICY, ORDERS)
OFFICER, DESK, PAYER = "immigration_enforcement", "front_desk", "managed_care_plan"
IN_CALIFORNIA = Attributes({"county": ("06001",)})


def asked(
    role: str,
    coordinate: str,
    row: dict[str, Any] | None = None,
    **other: Any,  # noqa: ANN401
) -> Explanation:
    """The explanation of a question about reading."""
    given = {"document": SEED, "attributes": Attributes(), "action": "read", "as_of": NOW} | other
    described = None if row is None else read_row(CATALOG, row)
    return explain(role=role, coordinate=coordinate, row=described, **given)


def person(**given: Any) -> dict[str, Any]:  # noqa: ANN401
    """A described person."""
    return {"entity": "Enrollee", **given}


def test_the_order_takes_part_in_what_it_denies() -> None:
    found = asked(OFFICER, "Enrollee.ssn")
    assert (found.decision, found.allowed, found.reason) == ("deny", False, Reason.ORDER.value)
    (part,) = found.parts
    assert part.rule == Rule(OFFICER, "Enrollee.ssn", "read", "always", Effect.DENY, Reason.ORDER)
    assert part.holds is True
    assert found.orders == ("california-v-hhs-2025-12-29",)


def test_before_the_order_the_capped_role_reads_nothing_and_is_told_why() -> None:
    found = asked(OFFICER, "Enrollee.citizenship", as_of=BEFORE)
    assert (found.decision, found.reason) == ("deny", Reason.NO_ORDER.value)
    assert [part.rule.effect for part in found.parts] == [Effect.ALLOW, Effect.DENY]


@pytest.mark.parametrize(
    ("population", "allowed", "reason"),
    [
        (["2026-01-06/.."], True, None),
        (["2026-01-06/2026-05-31"], False, "the row does not meet the condition"),
    ],
)
def test_a_row_in_the_population_is_read_and_another_is_not(
    population: list[str], allowed: bool, reason: str | None
) -> None:
    found = asked(OFFICER, "HomeAddress.city", person(population=population))
    assert (found.decision, found.allowed, found.reason) == ("allow where", allowed, reason)
    assert found.condition == "in_population"
    (part,) = found.parts
    assert (part.rule.object, part.rule.condition) == ("home_address_lines", "in_population")
    assert part.holds is allowed


def test_a_wider_rule_shows_the_population_that_the_order_puts_into_it() -> None:
    wide = Rule(OFFICER, "phone", "read", "always", Effect.ALLOW)
    rules = [rule for rule in POLICY.rules if rule.role != OFFICER]
    document = replace(SEED, policy=replace(POLICY, rules=sorted_rules([*rules, wide])))
    (part,) = asked(OFFICER, "Enrollee.phoneNumber", document=document).parts
    assert part.rule == replace(wide, condition="in_population")


def test_without_a_row_it_depends() -> None:
    found = asked(DESK, "Enrollee.lastName")
    assert (found.allowed, found.condition) == (None, "own_county")
    assert [part.holds for part in found.parts] == [None]
    assert found.orders == ()


def test_a_request_without_an_attribute_that_the_role_needs_is_refused() -> None:
    row = person(home_address={"county": "06001"})
    found = asked(DESK, "Enrollee.lastName", row, attributes=IN_CALIFORNIA)
    assert (found.allowed, found.reason) == (True, None)
    # The researcher's row fits, and the request does not say under which agreement.
    states = Attributes({"agreement_states": ("CA",)})
    row = person(submitting_state="CA")
    found = asked("researcher", "Enrollee.sex", row, attributes=states)
    assert (found.decision, found.allowed) == ("allow where", False)
    assert found.reason == "the request lacks agreement"


def test_a_rule_that_denies_holds_where_nobody_knows() -> None:
    # Whether the claim is about substance use was not said.
    deny = Rule(PAYER, "claim", "read", "no_substance_use", Effect.DENY)
    document = replace(SEED, policy=replace(POLICY, rules=sorted_rules([*POLICY.rules, deny])))
    row = {"entity": "Claim", "plan_id_number": "CAP1"}
    who = Attributes({"plan_id": ("CAP1",)})
    found = asked("program_integrity", "Claim.icn", row, attributes=Attributes({"state": ("CA",)}))
    assert [part.holds for part in found.parts] == [False]
    found = asked(PAYER, "Claim.icn", row, document=document, attributes=who)
    assert found.decision == "deny"
    assert {part.rule.effect: part.holds for part in found.parts} == {
        Effect.ALLOW: False, Effect.DENY: True,
    }  # fmt: skip


def test_what_does_not_exist_is_not_explained() -> None:
    with pytest.raises(UnknownRole):
        asked("nobody", "Enrollee.sex")
    with pytest.raises(QuestionInvalid, match=r"did you mean 'Enrollee.sex'"):
        asked(DESK, "Enrollee.sexx")
    with pytest.raises(QuestionInvalid, match="unknown action 'filter:lt'"):
        asked(DESK, "Enrollee.sex", action="filter:lt")
    with pytest.raises(RowInvalid, match="is about Claim, not Enrollee"):
        asked(DESK, "ClaimLine.number", person())
    with pytest.raises(RowInvalid, match="is about no row, not Enrollee"):
        asked("auditor", "Policy.version", person())


def test_who_can_read_says_where_and_whom_policy_gives_the_role() -> None:
    document = replace(
        SEED,
        assignments=MappingProxyType(
            {"zoe": frozenset({DESK}), "al": frozenset({DESK, "auditor"}), "bo": frozenset()}
        ),
    )
    found = who_can(document, "Enrollee.ssn", "filter:eq", NOW)
    assert [access.role for access in found] == [
        "eligibility_supervisor", "eligibility_worker", "front_desk",
    ]  # fmt: skip
    assert found[1].condition == "own_county & own_state"
    assert found[1].meaning == (
        "own_county: home_address.county in principal.county; "
        "own_state: submitting_state in principal.state"
    )
    assert [access.subjects for access in found] == [(), (), ("al", "zoe")]
    (everywhere,) = who_can(document, "Policy.version", "create", NOW)
    assert (everywhere.role, everywhere.condition, everywhere.meaning) == (
        "policy_administrator", "always", "",
    )  # fmt: skip
    with pytest.raises(QuestionInvalid, match="coordinate"):
        who_can(document, "Enrollee.nope", "read", NOW)


def test_the_matrix_has_every_coordinate_and_role_and_says_never_by_nothing() -> None:
    whole = matrix(SEED, "read", NOW)
    assert len(whole) == len(POLICY.anchors)
    assert {frozenset(cells) for cells in whole.values()} == {frozenset(POLICY.roles)}
    part = matrix(SEED, "read", NOW, ["auditor", OFFICER], ["Enrollee.citizenship"])
    assert part == {"Enrollee.citizenship": {"auditor": "", OFFICER: "in_population"}}
    assert matrix(SEED, "read", BEFORE, [OFFICER], ["Enrollee.citizenship"]) == {
        "Enrollee.citizenship": {OFFICER: ""}
    }
    assert "Enrollee.sex" not in matrix(SEED, "filter:lt", NOW)


def test_a_matrix_of_what_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownRole):
        matrix(SEED, "read", NOW, ["nobody"])
    with pytest.raises(QuestionInvalid, match="action"):
        matrix(SEED, "reed", NOW)
    with pytest.raises(QuestionInvalid, match="coordinate"):
        matrix(SEED, "read", NOW, (), ["Enrollee.nope"])
