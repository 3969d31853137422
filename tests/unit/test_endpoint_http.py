"""/graphql and its neighbours over HTTP: status codes, headers, operations by name, metrics."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from authz.follower import Cause
from tests.roles import roles

if TYPE_CHECKING:
    import httpx

    from tests.gateway import Gateway

GRAPHQL = "application/graphql-response+json"
SUPERVISOR = "eligibility_supervisor"
VIEWER = "{viewer{subject}}"
W = "query($w:EnrolleeWhere){enrollees(first:1,where:$w){nodes{lastName}}}"


def codes(answer: httpx.Response) -> set[str]:
    """The codes of all errors of an answer."""
    return {error["extensions"]["code"] for error in answer.json()["errors"]}


# ── status codes ──────────────────────────────────────────────────────────────────────────────

STATUS: list[tuple[str, dict[str, Any], str, int, int]] = [
    # Role, body, code, status in application/json, status in application/graphql-response+json.
    (SUPERVISOR, {"query": VIEWER}, "", 200, 200),
    (SUPERVISOR, {"query": "{enrollees{nodes{pseudonym}}}"}, "FW120", 200, 200),
    (SUPERVISOR, {"query": "{"}, "FW110", 200, 400),
    (SUPERVISOR, {"query": ""}, "FW110", 200, 400),
    (SUPERVISOR, {"query": "{nothing}"}, "FW110", 200, 400),
    (SUPERVISOR, {"query": "mutation{a}"}, "FW110", 200, 400),
    (SUPERVISOR, {"query": VIEWER, "operationName": "A"}, "FW111", 200, 400),
    (SUPERVISOR, {"query": W, "variables": {"w": {"sex": {"eq": "X"}}}}, "FW112", 200, 400),
    (SUPERVISOR, {"query": W, "variables": {"w": {"not": None}}}, "FW114", 200, 400),
    (SUPERVISOR, {"query": "{enrollees(first:201){nodes{id}}}"}, "FW115", 200, 400),
    (SUPERVISOR, {"query": '{enrollees(after:"x"){nodes{id}}}'}, "FW116", 200, 400),
    (SUPERVISOR, {"query": "{enrollees(where:{pseudonym:{eq:1}}){nodes{id}}}"}, "FW121", 200, 403),
    ("auditor", {}, "FW101", 400, 400),
    ("auditor", {"query": 1}, "FW101", 400, 400),
    ("nobody", {"query": VIEWER}, "FW211", 403, 403),
]


@pytest.mark.parametrize(("role", "body", "code", "plain", "exact"), STATUS)
async def test_the_status_is_that_of_graphql_over_http(
    role: str, body: dict[str, Any], code: str, plain: int, exact: int, gateway: Gateway
) -> None:
    for accept, status in (("application/json", plain), (GRAPHQL, exact)):
        answer = await gateway.client.post(
            "/graphql",
            json=body,
            headers={"authorization": f"Bearer {gateway.token(role)}", "accept": accept},
        )
        assert answer.status_code == status
        assert answer.headers["content-type"] == accept
        assert (codes(answer) if code else set()) == ({code} if code else set())
        assert ("data" in answer.json()) == (code in ("", "FW120"))


async def test_an_error_without_a_place_lists_no_places(gateway: Gateway) -> None:
    """A literal that only the whole schema finds wrong; an empty list would say nothing."""
    document = '{claims(where:{paidAmount:{lt:"x"}}){nodes{icn}}}'
    (error,) = (await gateway.ask("program_integrity", document))["errors"]
    assert error == {"message": "the document is not valid", "extensions": {"code": "FW110"}}


async def test_who_does_not_say_who_he_is_is_told_how(gateway: Gateway) -> None:
    for authorization, told in (
        (None, 'Bearer realm="fieldward"'),
        ("Basic eDp5", 'Bearer realm="fieldward"'),
        ("Bearer x.y.z", 'Bearer realm="fieldward", error="invalid_token"'),
    ):
        headers = {"authorization": authorization} if authorization else {}
        answer = await gateway.client.post("/graphql", json={"query": VIEWER}, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith(told)
        assert codes(answer) <= {"FW201", "FW202"}


async def test_another_method_is_told_which_are_spoken(gateway: Gateway) -> None:
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"):
        answer = await gateway.client.request(method, "/graphql")
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, POST"


async def test_a_query_in_the_address_is_answered_as_in_a_body(gateway: Gateway) -> None:
    document = "query A($n:Int){enrollees(first:$n){nodes{lastName}}} query B{viewer{subject}}"
    headers = {"authorization": f"Bearer {gateway.token(SUPERVISOR)}"}
    for name, variables in (("A", {"n": 3}), ("B", {})):
        body = {"query": document, "operationName": name, "variables": variables}
        params = {"query": document, "operationName": name, "variables": json.dumps(variables)}
        posted = await gateway.client.post("/graphql", json=body, headers=headers)
        got = await gateway.client.get("/graphql", params=params, headers=headers)
        assert posted.content == got.content
        assert "errors" not in got.json()


async def test_a_header_that_names_the_caller_stands_once(gateway: Gateway) -> None:
    token = f"Bearer {gateway.token(SUPERVISOR)}"
    for name, value in (
        ("authorization", token),
        ("acting-role", SUPERVISOR),
        ("purpose-of-use", "HOPERAT"),
        ("request-reference", "REF-1"),
    ):
        headers = [("authorization", token)] if name != "authorization" else []
        for count, status in ((1, 200), (2, 400)):
            answer = await gateway.client.post(
                "/graphql", json={"query": VIEWER}, headers=[*headers, *[(name, value)] * count]
            )
            assert answer.status_code == status


# ── operations and their names ────────────────────────────────────────────────────────────────

TWO = "query A{a:__typename} query B{b:__typename}"
NAMED: list[tuple[str, str | None, str]] = [
    (TWO, "A", "a"),
    (TWO, "B", "b"),
    (TWO, None, "FW111"),
    (TWO, "", "FW111"),
    (TWO, "C", "FW111"),
    (TWO, "a", "FW111"),
    ("{c:__typename}", None, "c"),
    ("{c:__typename}", "", "c"),
    ("{c:__typename}", "A", "FW111"),
    ("query A{c:__typename}", None, "c"),
    ("fragment F on Query{__typename}", None, "FW110"),
    ("query A{a:__typename} query A{b:__typename}", "A", "FW110"),
    ("{a:__typename} query B{b:__typename}", "B", "FW110"),
]


@pytest.mark.parametrize(("document", "name", "expected"), NAMED)
async def test_one_operation_runs_the_one_that_is_named(
    document: str, name: str | None, expected: str, gateway: Gateway
) -> None:
    answer = await gateway.client.post(
        "/graphql",
        json={"query": document, "operationName": name},
        headers={"authorization": f"Bearer {gateway.token('auditor')}"},
    )
    if expected.startswith("FW"):
        assert codes(answer) == {expected}
    else:
        assert answer.json() == {"data": {expected: "Query"}}


async def test_a_batch_is_no_request(gateway: Gateway) -> None:
    answer = await gateway.client.post(
        "/graphql",
        json=[{"query": VIEWER}] * 2,
        headers={"authorization": f"Bearer {gateway.token(SUPERVISOR)}"},
    )
    assert (answer.status_code, codes(answer)) == (400, {"FW101"})


async def test_the_answer_keeps_the_order_of_the_document(gateway: Gateway) -> None:
    document = """{z:__typename b:plans(first:1){nodes{id}} a:viewer{roles subject}
      c:providers(first:1){nodes{id}} __schema{queryType{name}}
      d:enrollees(first:1){nodes{sex id}}}"""
    answer = await gateway.post(SUPERVISOR, document)
    assert list(answer.json()["data"]) == ["z", "b", "a", "c", "__schema", "d"]
    assert list(answer.json()["data"]["d"]["nodes"][0]) == ["sex", "id"]


# ── health and metrics ────────────────────────────────────────────────────────────────────────


async def test_health_and_readiness_need_no_token(gateway: Gateway) -> None:
    assert (await gateway.client.get("/healthz")).json() == {"alive": True}
    assert (await gateway.client.get("/readyz")).json() == {"ready": True}
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await gateway.client.post(path)).status_code == 405


async def test_a_caller_chooses_no_label_of_the_metrics(gateway: Gateway) -> None:
    """However odd what is sent, labels are roles of the policy, codes and statuses."""
    odd = "odd_4711"
    # Other tests of this process have policies, and so roles, of their own.
    before = (await gateway.client.get("/metrics")).text
    known = {value for name, value in re.findall(r'(\w+)="([^"]*)"', before) if name == "role"}
    for role, document, headers in (
        (odd, VIEWER, {}),
        ("auditor", VIEWER, {"acting-role": odd}),
        ("auditor", VIEWER, {"purpose-of-use": odd}),
        ("auditor", VIEWER, {"accept": odd}),
        ("auditor", VIEWER, {"authorization": odd}),
        ("auditor", f"{{{odd}}}", {}),
        ("auditor", f"query {odd}{{{odd}:__typename}}", {}),
        (SUPERVISOR, f'{{enrollees(where:{{lastName:{{eq:"{odd}"}}}}){{nodes{{id}}}}}}', {}),
    ):
        await gateway.post(role, document, None, headers)
    await gateway.client.request("PUT", f"/graphql?{odd}={odd}")
    await gateway.client.get(f"/{odd}")
    text = (await gateway.client.get("/metrics")).text
    assert odd not in text
    labels = set(re.findall(r'(\w+)="([^"]*)"', text))
    used = {value for name, value in labels if name == "role"}
    assert used <= {"none", *roles(), *known}
    for name, value in labels - {("role", role) for role in used}:
        match name:
            case "code":
                assert re.fullmatch(r"FW\d{3}|none", value)
            case "status":
                assert value.isdecimal() and len(value) == 3
            case "cache":
                assert value in ("variables", "facts", "compiled", "views", "tokens")
            case "outcome":
                assert value in ("hit", "miss")
            case "cause":
                assert value in {cause.value for cause in Cause}
            case _:
                assert name == "le"
