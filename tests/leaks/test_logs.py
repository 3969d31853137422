"""No value of a record, a document, a token or a header in any log line, whoever writes it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import pytest
import uvicorn

from api import compiler, endpoint
from tests.roles import readers

if TYPE_CHECKING:
    from tests.gateway import Gateway
    from tests.leaks.conftest import Heard

SSN = "123-45-6789"
BARE = "123456789"
SUPERVISOR = "eligibility_supervisor"

# Documents that hold a value where each stage of a request would quote it.
DOCUMENTS: list[tuple[str, object]] = [
    (f'{{enrollees(where:{{ssn:{{eq:"{BARE}"}}}}){{nodes{{id}}}}}}', None),
    (f'{{enrollee(medicaidId:"{BARE}"){{id lastName}}}}', None),
    (f'{{enrollees(where:{{ssn:"{SSN}"}}){{nodes{{id}}}}}}', None),
    (f'{{enrollees(where:{{ssn:{{equals:"{SSN}"}}}}){{nodes{{id}}}}}}', None),
    (f'{{enrollees(where:{{dateOfBirth:{{eq:"{SSN}"}}}}){{nodes{{id}}}}}}', None),
    (f'{{enrollees(first:"{SSN}"){{nodes{{id}}}}}}', None),
    (f'{{enrollees(where:{{citizenship:{{eq:"{SSN}"}}}}){{nodes{{id}}}}}}', None),
    (f'{{enrollees(after:"{SSN}"){{nodes{{id}}}}}}', None),
    (f'{{__type(name:"{SSN}"){{name}}}}', None),
    (f'query($a:Int="{SSN}"){{enrollees(first:$a){{nodes{{id}}}}}}', None),
    ("query($a:ID!){enrollees(where:{id:{eq:$a}}){nodes{id}}}", {"a": SSN}),
    ("query($a:Int){enrollees(first:$a){nodes{id}}}", {"a": SSN}),
    ("query($w:EnrolleeWhere){enrollees(where:$w){nodes{id}}}", {"w": {"ssn": SSN}}),
    ("query($f:StringFilter){enrollees(where:{ssn:$f}){nodes{id}}}", {"f": {"eq": SSN + "\x00"}}),
    ("query($w:EnrolleeWhere){enrollees(where:$w){nodes{id}}}", {"w": {SSN: 1}}),
    (f'{{enrollees(where:{{ssn:{{eq:"{SSN}', None),
    (f"# {SSN}\n{{viewer{{subject}}}}", None),
    (f"{{viewer{{subject}}}} {SSN}", None),
    (f'mutation{{update(ssn:"{SSN}"){{id}}}}', None),
    (f'{{policy{{csv}} viewer{{subject}} enrollee(medicaidId:"{SSN}"){{x}}}}', None),
]  # fmt: skip


async def test_no_value_of_a_document_is_logged(gateway: Gateway, heard: Heard) -> None:
    """asyncio's own warnings about slow steps are heard too: they print no arguments."""
    for document, variables in DOCUMENTS:
        body = json.dumps({"query": document, "variables": variables})
        for content in (body, body[:-5], f"[{body}]", body.replace('"variables"', '"variables",')):
            for role in (SUPERVISOR, "immigration_enforcement", "auditor"):
                answer = await gateway.client.post(
                    "/graphql",
                    content=content.encode(),
                    headers={
                        "content-type": "application/json",
                        "authorization": f"Bearer {gateway.token(role)}",
                    },
                )
                assert answer.status_code < 500
    text = "\n".join(heard.lines)
    assert SSN not in text
    assert BARE not in text


async def test_no_value_of_a_record_is_logged(gateway: Gateway, heard: Heard) -> None:
    values: set[str] = set()
    for role in readers():
        answer = await gateway.ask(
            role,
            "{enrollees(first:5){nodes{lastName ssn medicaidId phoneNumber homeAddress{line1}}}}",
        )
        for node in answer["data"]["enrollees"]["nodes"]:
            address = node.pop("homeAddress") or {}
            values |= {v for v in (*node.values(), *address.values()) if v and len(v) > 4}
    assert len(values) > 30
    text = "\n".join(heard.lines)
    assert [value for value in values if value in text] == []


async def test_no_token_header_or_claim_is_logged(gateway: Gateway, heard: Heard) -> None:
    token = gateway.token(SUPERVISOR, sub="subject-4711", request="REF-4711")
    for value, headers in (
        (token, {}),
        (token[:-4] + "AAAA", {}),
        (token.replace(".", "", 1), {}),
        (token, {"acting-role": "role-4711"}),
        (token, {"purpose-of-use": "purpose-4711"}),
        (token, {"request-reference": "OTHER-4711"}),
        (gateway.token("role-4711", roles=["role-4711"]), {}),
    ):
        await gateway.client.post(
            "/graphql",
            json={"query": "{viewer{subject request}}"},
            headers={"authorization": f"Bearer {value}"} | headers,
        )
    text = "\n".join(heard.lines)
    assert "4711" not in text
    assert token.split(".")[1] not in text
    assert token.split(".")[2] not in text


async def test_a_mistake_of_ours_says_where_and_not_what(
    gateway: Gateway, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(*_: object) -> None:
        raise ValueError(f"cannot make sense of {SSN}")

    steps = (
        (endpoint, "acting_role"),
        (compiler, "read_operation"),
        (compiler, "plan_operation"),
        (endpoint, "answer_local"),
    )
    for module, broken in steps:
        with monkeypatch.context() as patch:
            patch.setattr(module, broken, mistaken)
            document = "{viewer{subject}}" if broken == "answer_local" else "{plans{nodes{id}}}"
            answer = await gateway.post(SUPERVISOR, document)
        assert answer.status_code == 500
        assert answer.json() == {
            "errors": [{"message": "internal error", "extensions": {"code": "FW193"}}]
        }
        assert answer.headers["cache-control"] == "no-store"
    said = [line for line in heard.lines if " fieldward " in line]
    assert len(said) == len(steps)
    assert all("FW193 ValueError in mistaken, line " in line for line in said)
    assert SSN not in "\n".join(heard.lines)


async def test_the_server_logs_no_address(gateway: Gateway, heard: Heard) -> None:
    """A document in the address of a GET, and what no server understands, over a real socket."""
    app = gateway.client._transport.app  # type: ignore[attr-defined]  # httpx names no app
    # As the command line starts it: api.cli.demo.
    config = uvicorn.Config(
        app, "127.0.0.1", 0, access_log=False, log_config=None, lifespan="off", server_header=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn offers no event for it
            await asyncio.sleep(0.01)
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        document = quote(f'{{enrollee(medicaidId:"{SSN}"){{id}}}}')
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}") as client:
            headers = {"authorization": f"Bearer {gateway.token(SUPERVISOR)}"}
            answer = await client.get(f"/graphql?query={document}", headers=headers)
            assert answer.json() == {"data": {"enrollee": None}}
            await client.get(f"/{SSN}")
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(f"POST /{SSN} HTTP/9.9\r\n{SSN}\r\n\r\n".encode())
        await writer.drain()
        assert b"400" in await reader.read(100)
        writer.close()
        await writer.wait_closed()
    finally:
        server.should_exit = True
        await serving
    assert any(" uvicorn" in line for line in heard.lines)
    assert SSN not in "\n".join(heard.lines)
