"""What an answer says besides its data is the same for what is nobody's and what is another's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.app import create_app
from tests.database import FLOOR_SECRET
from tests.gateway import CURSOR_KEY, KEY

if TYPE_CHECKING:
    import asyncpg

    from tests.gateway import Gateway

CAPPED = "immigration_enforcement"
SUPERVISOR = "eligibility_supervisor"

# ── shared and hidden ──────────────────────────────────────────────────────────────────────


async def test_a_shared_id_is_an_error_only_where_two_holders_are_in_scope(
    gateway: Gateway, owner: asyncpg.Connection
) -> None:
    """One holder in scope is one person; none is nobody: the others do not exist."""
    document = "query($i:String!){enrollee(medicaidId:$i){lastName}}"
    rows = await owner.fetch(
        "select msis_identification_num as id, array_agg(distinct submitting_state) as states "
        "from medicaid.enrollee group by 1 having count(*) > 1"
    )
    assert rows
    for row in rows[:10]:
        for state in ("CA", "NY", "TX", "WA", "AZ", *row["states"]):
            answer = (
                await gateway.post(SUPERVISOR, document, {"i": row["id"]}, None, state=[state])
            ).json()
            if state not in row["states"]:
                assert answer == {"data": {"enrollee": None}}
            else:
                (error,) = answer["errors"]
                assert error["extensions"]["code"] == "FW117"
                assert answer["data"] == {"enrollee": None}
        capped = await gateway.ask(
            CAPPED, "query($i:String!){enrollee(medicaidId:$i){dateOfBirth}}", {"i": row["id"]}
        )
        assert capped == {"data": {"enrollee": None}}


HIDDEN: tuple[dict[str, Any], ...] = (
    {"diagnosisCode": {"isNull": False}},
    {"diagnosisCode": {"isNull": True}},
    {"diagnosisCode": {"startsWith": ""}},
    {"diagnosisCode": {"notIn": []}},
    {"diagnosisCode": {"gte": ""}},
    {"not": {"diagnosisCode": {"eq": "x"}}},
    {"not": {"diagnosisCode": {"in": []}}},
    {"not": {"or": [{"diagnosisCode": {"lt": "M"}}, {"diagnosisCode": {"ne": "x"}}]}},
)
"""Conditions on a value that is there and hidden."""


async def test_a_hidden_value_filters_like_a_missing_one(
    gateway: Gateway, owner: asyncpg.Connection
) -> None:
    """Where a condition hides a value, every operator and its negation are false, and the answer
    says so whether or not a row was hidden."""
    document = "query($w:ClaimWhere){claims(first:1,where:$w){nodes{id icn diagnosisCode}}}"
    rows = await owner.fetch(
        "select claim_id::text as id from medicaid.claim where submitting_state = $1 "
        "and sensitivity_labels && '{ETH,ETHUD}' and diagnosis_code is not null limit 3",
        gateway.examples["state"],
    )
    assert len(rows) == 3
    conditional = {"conditional": ["Claim.diagnosisCode"]}
    for row in rows:
        whole = await gateway.ask("program_integrity", document, {"w": {"id": {"eq": row["id"]}}})
        assert whole["data"]["claims"]["nodes"][0]["diagnosisCode"] is None
        assert whole["extensions"] == conditional
        for condition in HIDDEN:
            where = {"and": [{"id": {"eq": row["id"]}}, condition]}
            answer = await gateway.ask("program_integrity", document, {"w": where})
            assert answer["data"]["claims"]["nodes"] == [], condition
            assert answer["extensions"] == conditional


# ── caches on the way ─────────────────────────────────────────────────────────────────────────

ANSWERS: dict[str, tuple[str, dict[str, Any], int]] = {
    "data": ("POST", {"json": {"query": "{viewer{subject}}"}}, 200),
    "query in the address": ("GET", {"params": {"query": "{viewer{subject}}"}}, 200),
    "denied": ("POST", {"json": {"query": "{enrollees{nodes{ssn}}}"}}, 200),
    "refused": ("POST", {"json": {"query": "{enrollees(first:51){nodes{ssn}}}"}}, 200),
    "invalid": ("POST", {"json": {"query": "{nothing}"}}, 200),
    "no token": (
        "POST", {"json": {"query": "{viewer{subject}}"}, "headers": {"authorization": "x"}}, 401
    ),
    "another's role": (
        "POST", {"json": {"query": "{viewer{subject}}"}, "headers": {"acting-role": "auditor"}}, 403
    ),
    "malformed": ("POST", {"json": []}, 400),
    "not acceptable": (
        "POST", {"json": {"query": "{viewer{subject}}"}, "headers": {"accept": "image/png"}}, 406
    ),
    "not JSON": ("POST", {"content": b"x", "headers": {"content-type": "text/plain"}}, 415),
    "too large": ("POST", {"json": {"query": "#" * 300_000}}, 413),
    "method": ("PUT", {}, 405),
    "options": ("OPTIONS", {}, 405),
    "page": ("GET", {"headers": {"accept": "text/html"}}, 200),
}  # fmt: skip


@pytest.mark.parametrize("kind", ANSWERS)
async def test_no_answer_may_be_stored(kind: str, gateway: Gateway) -> None:
    method, arguments, status = ANSWERS[kind]
    headers = {"authorization": f"Bearer {gateway.token(CAPPED)}"} | arguments.get("headers", {})
    answer = await gateway.client.request(method, "/graphql", **(arguments | {"headers": headers}))
    assert answer.status_code in (status, 503)
    assert status == answer.status_code or kind == "page"  # where GraphiQL is not built
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "etag" not in answer.headers or kind == "page"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/graphiql/session.json"])
async def test_nothing_that_changes_may_be_stored(path: str, gateway: Gateway) -> None:
    answer = await gateway.client.get(path)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"


FRAMEWORK = {
    "no such path": ("GET", "/nothing", {}, 404),
    "below the path": ("POST", "/graphql/x", {}, 404),
    "slash behind it": ("POST", "/graphql/", {}, 307),
    "page without its slash": ("GET", "/graphiql", {}, 307),
    "no such asset": ("GET", "/graphiql/nothing.js", {}, 404),
    "method of another path": ("POST", "/healthz", {}, 405),
    "method that nobody knows": ("PROPFIND", "/graphql", {}, 405),
    "asked for the head alone": ("HEAD", "/graphql", {"accept": "application/json"}, 405),
}


@pytest.mark.parametrize("kind", FRAMEWORK)
async def test_no_answer_of_the_framework_may_be_stored(kind: str, gateway: Gateway) -> None:
    method, path, headers, status = FRAMEWORK[kind]
    answer = await gateway.client.request(method, path, headers=headers)
    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_host_that_is_not_ours_is_told_so_once_for_nobody_else(gateway: Gateway) -> None:
    """Where the gateway names its hosts, as the demo does."""
    app = create_app(
        gateway.gateway_url,
        KEY.settings(),
        (CURSOR_KEY,),
        FLOOR_SECRET,
        hosts=("fieldward.test",),
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://elsewhere.test"
    ) as client:
        answer = await client.get("/graphql")
    assert answer.status_code == 400
    assert answer.headers["cache-control"] == "no-store"
