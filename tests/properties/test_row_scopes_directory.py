"""Which providers and plans exist for a role: of the records that it sees, or of its state."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest

from tests.properties.scope_ground import CLAIMS, Ground, claims_of, ground
from tests.properties.scope_people import LETTERS, Case, Row, directory, rows_of


@pytest.fixture(scope="module")
async def offices(test_server: str) -> AsyncIterator[Ground]:
    """Two people, one with a claim of each provider but the sixth and the eighth."""
    kinds: dict[int, Row] = {
        1: {}, 2: {"sensitivity_labels": ["ETH"]}, 3: {"sensitivity_labels": ["ETHUD"]},
        4: {"sensitivity_labels": ["HIV"]}, 5: {"plan_id_number": "CAP2"}, 7: {},
    }  # fmt: skip
    one = [{**kind, "billing_prov_npi_num": f"100000000{n}"} for n, kind in kinds.items()]
    other = {"billing_prov_npi_num": "1000000008", "plan_id_number": "NVP1"}
    past = {"managed_care_plan_id": "CAP2", "end_date": date(2021, 1, 1)}
    rows = [
        *directory(),
        *rows_of(Case({"claim": one, "managed_care_participation": [{}, past]}), 1),
        *rows_of(
            Case(
                {"claim": [other], "managed_care_participation": [{"managed_care_plan_id": "NVP1"}]}
            ),
            2,
        ),
    ]
    async with ground(rows) as made:
        yield made


PROVIDERS = [
    ("beneficiary", 1, "123457"),
    ("beneficiary", 2, "8"),
    ("managed_care_plan", 1, "147"),
    ("provider", 1, "12345678"),
    ("program_integrity", 1, "1234568"),
]
PLANS = [
    ("beneficiary", 1, ["CAP1", "CAP2"]),
    ("beneficiary", 2, ["NVP1"]),
    ("eligibility_worker", 1, ["CAP1", "CAP2", "CAP3"]),
    ("eligibility_supervisor", 1, ["CAP1", "CAP2", "CAP3"]),
    ("managed_care_plan", 1, ["CAP1"]),
    ("provider", 1, ["CAP1", "CAP2", "CAP3", "NVP1"]),
    ("program_integrity", 1, ["CAP1", "CAP2", "CAP3"]),
    ("researcher", 1, ["CAP1", "CAP2", "CAP3"]),
    ("break_glass", 1, ["CAP1", "CAP2"]),
    ("break_glass", 2, ["NVP1"]),
]


@pytest.mark.parametrize(("role", "number", "numbers"), PROVIDERS)
async def test_a_role_sees_the_providers_of_its_records(
    role: str, number: int, numbers: str, offices: Ground
) -> None:
    body = await offices.ask(role, "{ providers { nodes { npi } } }", claims_of(role, number))
    assert [node["npi"][-1] for node in body["data"]["providers"]["nodes"]] == list(numbers)


@pytest.mark.parametrize(("role", "number", "plans"), PLANS)
async def test_a_role_sees_the_plans_of_its_records(
    role: str, number: int, plans: list[str], offices: Ground
) -> None:
    body = await offices.ask(role, "{ plans { nodes { planId } } }", claims_of(role, number))
    assert [node["planId"] for node in body["data"]["plans"]["nodes"]] == plans


@pytest.mark.parametrize("root", ["providers", "plans"])
async def test_no_other_role_has_a_directory(root: str, offices: Ground) -> None:
    having = {case[0] for case in (PROVIDERS if root == "providers" else PLANS)}
    for role in LETTERS.keys() - having:
        query = f"{{ {root} {{ nodes {{ __typename }} }} }}"
        body = await offices.ask(role, query, claims_of(role, 1))
        assert body["data"] == {root: None}, role


async def test_a_relation_leads_to_no_provider_or_plan_out_of_scope(offices: Ground) -> None:
    query = (
        "{ claims { nodes { providerNpi planId provider { npi } plan { planId } } } "
        "enrollees { nodes { managedCare { nodes { planId plan { planId } } } } } }"
    )
    body = await offices.ask("program_integrity", query, CLAIMS["program_integrity"])
    claims = body["data"]["claims"]["nodes"]
    assert len(claims) == 7
    for claim in claims:
        there = claim["providerNpi"] == "1000000007"
        assert claim["provider"] == (None if there else {"npi": claim["providerNpi"]})
        assert claim["plan"] == (None if claim["planId"] == "NVP1" else {"planId": claim["planId"]})
    spans = [
        span for node in body["data"]["enrollees"]["nodes"] for span in node["managedCare"]["nodes"]
    ]
    assert {span["planId"]: span["plan"] for span in spans} == {
        "CAP1": {"planId": "CAP1"}, "CAP2": {"planId": "CAP2"}, "NVP1": None,
    }  # fmt: skip
