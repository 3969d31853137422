"""Who may ask at all: roles that are unknown, misspelt, several or capped, and other ways in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import jwt
import pytest

from tests.gateway import KEY
from tests.roles import roles

if TYPE_CHECKING:
    from db.sql.pieces import Statement
    from tests.gateway import Gateway

CAPPED = "immigration_enforcement"
SUPERVISOR = "eligibility_supervisor"
DOCUMENT = "{viewer{actingRole} enrollees(first:1){nodes{lastName dateOfBirth}}}"

MISSPELT = [
    "Eligibility_Supervisor",
    "ELIGIBILITY_SUPERVISOR",
    "eligibility_supervisors",
    "eligibility supervisor",
    "eligibility-supervisor",
    "eligibility_superviso",
    "eligibility_supervis\N{CYRILLIC SMALL LETTER O}r",
    "eligibility\N{FULLWIDTH LOW LINE}supervisor",
    "e\u0301ligibility_supervisor",
    "\N{ZERO WIDTH SPACE}eligibility_supervisor",
    "eligibility_supervisor\n",
    "eligibility_supervisor\x00",
    "admin",
    "*",
    "",
    "null",
    "none",
]


@pytest.mark.parametrize("name", MISSPELT)
async def test_a_misspelt_role_is_an_error_and_no_wider_role(
    name: str, gateway: Gateway, sent: list[Statement]
) -> None:
    """Alone, and beside a role that exists, in the token and in the header."""
    claims = gateway.claims(SUPERVISOR)
    for held in ([name], [SUPERVISOR, name], [name, CAPPED]):
        answer = await gateway.client.post(
            "/graphql",
            json={"query": DOCUMENT},
            headers={"authorization": f"Bearer {raw_token(gateway, held, claims)}"},
        )
        assert answer.status_code in (401, 403)
        assert answer.json()["errors"][0]["extensions"]["code"] in ("FW202", "FW211")
    if name.isascii() and name.isprintable():
        answer = await gateway.post(SUPERVISOR, DOCUMENT, None, {"acting-role": name})
        assert answer.json()["errors"][0]["extensions"]["code"] == "FW213"
    assert sent == []


def raw_token(gateway: Gateway, held: list[str], claims: dict[str, object]) -> str:
    """A genuine token of any roles and claims: the demo's own maker refuses some of these."""
    good = gateway.token("auditor")
    payload = jwt.decode(good, options={"verify_signature": False}) | claims | {"roles": held}
    header = jwt.get_unverified_header(good)
    return jwt.encode(payload, KEY.secret, algorithm="HS256", headers=header)


@pytest.mark.parametrize("other", [role for role in roles() if role != CAPPED])
async def test_a_cap_on_one_role_caps_the_whole_principal(
    other: str, gateway: Gateway, sent: list[Statement]
) -> None:
    """Whatever else it holds, in either order, and whichever role it asks to act in."""
    claims = gateway.claims(other) | gateway.claims(CAPPED)
    alone = await gateway.ask(CAPPED, DOCUMENT)
    text = {statement.text for statement in sent}
    for held in ([CAPPED, other], [other, CAPPED]):
        for headers in ({}, {"acting-role": CAPPED}):
            answer = await gateway.post(CAPPED, DOCUMENT, None, headers, **claims, roles=held)
            assert answer.json() == alone
        evading = await gateway.post(
            CAPPED, DOCUMENT, None, {"acting-role": other}, **claims, roles=held
        )
        assert evading.status_code == 403
        assert evading.json()["errors"][0]["extensions"] == {"code": "FW217"}
    assert {statement.text for statement in sent} == text
    assert alone["data"]["viewer"] == {"actingRole": CAPPED}


async def test_several_roles_do_not_add_up(gateway: Gateway) -> None:
    """One acts, named by the request, and sees what it sees alone."""
    held = ["front_desk", "researcher", "program_integrity"]
    claims = {key: value for role in held for key, value in gateway.claims(role).items()}
    document = "{enrollees(first:3){nodes{lastName phoneNumber pseudonym claims{nodes{icn}}}}}"
    unnamed = await gateway.post("front_desk", document, None, None, **claims, roles=held)
    assert unnamed.json()["errors"][0]["extensions"] == {"code": "FW212"}
    for role in held:
        together = await gateway.post(
            role, document, None, {"acting-role": role}, **claims, roles=held, sub="x"
        )
        alone = await gateway.post(role, document, None, None, sub="x")
        assert together.content == alone.content
    twice = await gateway.client.post(
        "/graphql",
        json={"query": document},
        headers=[
            ("authorization", f"Bearer {gateway.token('front_desk', **claims, roles=held)}"),
            ("acting-role", "front_desk"),
            ("acting-role", "program_integrity"),
        ],
    )
    assert twice.json()["errors"][0]["extensions"] == {"code": "FW101"}


@pytest.mark.parametrize(
    ("role", "attribute"),
    [
        ("front_desk", "county"),
        ("eligibility_worker", "state"),
        ("eligibility_worker", "county"),
        ("eligibility_supervisor", "state"),
        ("managed_care_plan", "plan_id"),
        ("provider", "npi"),
        ("program_integrity", "state"),
        ("researcher", "agreement_states"),
        ("researcher", "agreement"),
        ("beneficiary", "enrollee_id"),
        ("break_glass", "person"),
        ("break_glass", "until"),
        ("break_glass", "reason"),
    ],
)
async def test_a_missing_attribute_is_an_error_and_no_wider_scope(
    role: str, attribute: str, gateway: Gateway, sent: list[Statement]
) -> None:
    claims = {k: v for k, v in gateway.claims(role).items() if k != attribute}
    token = raw_token(gateway, [role], claims)
    answer = await gateway.client.post(
        "/graphql", json={"query": DOCUMENT}, headers={"authorization": f"Bearer {token}"}
    )
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "FW123", "attributes": [attribute]}
    assert sent == []


async def test_no_websocket_is_another_way_in(gateway: Gateway) -> None:
    """A handshake is closed before it is accepted, with a token or without, on every path."""
    app = gateway.client._transport.app  # type: ignore[attr-defined]  # httpx names no app
    for path in ("/graphql", "/graphql/", "/", "/subscriptions", "/graphiql/", "/healthz"):
        told: list[dict[str, object]] = []

        async def receive() -> dict[str, object]:
            return {"type": "websocket.connect"}

        async def send(message: dict[str, object], told: list[dict[str, object]] = told) -> None:
            told.append(message)

        await app(
            {
                "type": "websocket",
                "path": path,
                "raw_path": path.encode(),
                "query_string": b"",
                "scheme": "ws",
                "subprotocols": ["graphql-transport-ws"],
                "headers": [
                    (b"host", b"fieldward.test"),
                    (b"authorization", f"Bearer {gateway.token(SUPERVISOR)}".encode()),
                ],
                "extensions": {},
            },
            receive,
            send,
        )
        assert {message["type"] for message in told} == {"websocket.close"}


def test_no_code_acts_as_another_role() -> None:
    """A session's role is never changed, settings of pooled sessions neither."""
    changing = re.compile(r"\bset\s+(local\s+|session\s+)?(role|authorization)|set_config", re.I)
    project = Path(__file__).parents[2]
    sources = [path for room in ("api", "authz", "db") for path in (project / room).rglob("*.py")]
    assert len(sources) > 80
    for path in sources:
        if path.name != "cluster.py":  # makes the embedded server before anybody can connect
            assert not changing.search(path.read_text(encoding="utf-8")), path.name
