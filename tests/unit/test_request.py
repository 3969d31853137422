"""GraphQL over HTTP: which request is one, which type its answer has."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import (
    MediaTypeUnsupported,
    MethodNotAllowed,
    NotAcceptable,
    RequestMalformed,
    RequestTooLarge,
)
from api.request import (
    GRAPHQL,
    JSON,
    MOST_BYTES,
    GraphQLRequest,
    HttpRequest,
    media_type,
    read_request,
)
from db.errors import FieldwardError

Headers = list[tuple[str, str]]
QUERY = {"query": "{viewer{subject}}"}
READ = GraphQLRequest("{viewer{subject}}", None, {})


def request(
    method: str = "POST",
    body: bytes = b"",
    headers: Headers | None = None,
    query: str = "",
    chunk: int = 1 << 20,
    disconnected: bool = False,
) -> HttpRequest:
    """A request whose body comes in chunks."""
    chunks = [body[at : at + chunk] for at in range(0, len(body), chunk)] or [b""]
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": piece, "more_body": True} for piece in chunks
    ]
    messages[-1]["more_body"] = False
    if disconnected:
        messages[-1] = {"type": "http.disconnect"}

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    given_headers = [("content-type", JSON)] if headers is None else headers
    scope = {
        "type": "http",
        "method": method,
        "path": "/graphql",
        "query_string": query.encode("latin-1"),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in given_headers],
        "server": ("fieldward.test", 80),
        "scheme": "http",
    }
    return HttpRequest(scope, receive)


async def refusal(asked: HttpRequest) -> type[FieldwardError]:
    with pytest.raises(FieldwardError) as refused:
        await read_request(asked)
    return type(refused.value)


# ── the type of the answer ────────────────────────────────────────────────────────────────────

ACCEPTED: list[tuple[str, str | None]] = [
    # Accept, and the type that answers; None where neither does.
    ("", JSON),
    ("*/*", JSON),
    ("application/*", JSON),
    ("application/json", JSON),
    ("APPLICATION/JSON", JSON),
    ("application/json; charset=utf-8", JSON),
    ("application/graphql-response+json", GRAPHQL),
    ("application/graphql-response+json; charset=utf-8", GRAPHQL),
    ("application/graphql-response+json, application/json;q=0.9", GRAPHQL),
    ("application/json;q=0.9, application/graphql-response+json", GRAPHQL),
    ("application/graphql-response+json;q=0.5, application/json;q=0.9", JSON),
    ("application/json, application/graphql-response+json", JSON),
    ("application/graphql-response+json, */*", GRAPHQL),
    ("*/*, application/graphql-response+json;q=0.2", JSON),
    # The narrowest range that names a type counts for it (RFC 9110, 12.5.1).
    ("*/*, application/json;q=0", GRAPHQL),
    ("application/json;q=0, */*", GRAPHQL),
    ("application/graphql-response+json;q=0, */*", JSON),
    ("application/*;q=0, */*", None),
    ("application/*;q=0.1, text/html", JSON),
    ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", JSON),
    ("application/json;q=0", None),
    ("*/*;q=0", None),
    ("text/html", None),
    ("image/*", None),
    ("application", None),
    ("application/jsonp", None),
    # A weight that is none counts as no wish.
    ("application/json;q=", None),
    ("application/json;q=x", None),
    ("application/json;q=nan", None),
    ("application/json;q=inf", None),
    ("application/json;q=-1", None),
    ("application/json;q=2", None),
    ("application/json;q=0.001", JSON),
    (", ,", JSON),
    ("x" * 10_000, None),
]


@pytest.mark.parametrize(("accept", "expected"), ACCEPTED)
def test_the_answer_has_the_type_that_the_client_wants_most(
    accept: str, expected: str | None
) -> None:
    asked = request(headers=[("accept", accept)])
    if expected is None:
        with pytest.raises(NotAcceptable):
            media_type(asked)
    else:
        assert media_type(asked) == expected


def test_several_accept_headers_are_one_list() -> None:
    assert media_type(request(headers=[("accept", "text/html"), ("accept", GRAPHQL)])) == GRAPHQL
    assert media_type(request(headers=[])) == JSON


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=60))
def test_no_accept_header_is_too_odd_to_read(accept: str) -> None:
    with contextlib.suppress(NotAcceptable):
        assert media_type(request(headers=[("accept", accept)])) in (JSON, GRAPHQL)


# ── the body ──────────────────────────────────────────────────────────────────────────────────

CONTENT_TYPES: list[tuple[Headers, bool]] = [
    ([("content-type", "application/json")], True),
    ([("content-type", "application/json;")], True),
    ([("content-type", "Application/JSON; Charset=UTF-8")], True),
    ([("content-type", 'application/json; charset="utf-8"')], True),
    ([("content-type", "application/json; charset=utf-16")], False),
    ([("content-type", "application/json; charset=latin-1")], False),
    ([("content-type", "application/json; profile=x")], False),
    ([("content-type", "application/graphql")], False),
    ([("content-type", GRAPHQL)], False),
    ([("content-type", "text/plain")], False),
    ([("content-type", "application/x-www-form-urlencoded")], False),
    ([("content-type", "multipart/form-data; boundary=x")], False),
    ([("content-type", "application/json, text/plain")], False),
    ([("content-type", "")], False),
    ([], False),
    ([("content-type", "application/json"), ("content-type", "text/plain")], False),
    ([("content-type", "application/json"), ("content-type", "application/json")], False),
]


@pytest.mark.parametrize(("headers", "spoken"), CONTENT_TYPES)
async def test_a_body_is_json_in_utf8_and_nothing_that_a_form_can_send(
    headers: Headers, spoken: bool
) -> None:
    """Types that a page of another site may send without asking are all refused."""
    asked = request(body=json.dumps(QUERY).encode(), headers=headers)
    if spoken:
        assert await read_request(asked) == READ
    else:
        assert await refusal(asked) is MediaTypeUnsupported


BODIES: list[tuple[bytes, GraphQLRequest | None]] = [
    (b'{"query":"{a}"}', GraphQLRequest("{a}", None, {})),
    (b' \n{"query" : "{a}"}\t', GraphQLRequest("{a}", None, {})),
    (b'{"query":""}', GraphQLRequest("", None, {})),
    (b'{"query":"{a}","variables":null,"operationName":null,"extensions":null}',
     GraphQLRequest("{a}", None, {})),
    (b'{"query":"{a}","variables":{"b":[1,{"c":null}]},"operationName":"D"}',
     GraphQLRequest("{a}", "D", {"b": [1, {"c": None}]})),
    (b'{"query":"{a}","operationName":""}', GraphQLRequest("{a}", None, {})),
    (b'{"query":"{a}","extensions":{"persistedQuery":{}},"id":"x"}',
     GraphQLRequest("{a}", None, {})),
    (b'{"query":"\\ud800"}', GraphQLRequest("\ud800", None, {})),
    (b"", None),
    (b"null", None),
    (b"true", None),
    (b"1", None),
    (b'"{a}"', None),
    (b"[]", None),
    (b'[{"query":"{a}"}]', None),
    (b"{}", None),
    (b"{", None),
    (b'{"query":"{a}"} {}', None),
    (b'{"query":"{a}",}', None),
    (b'{"query":null}', None),
    (b'{"query":1}', None),
    (b'{"query":["{a}"]}', None),
    (b'{"query":{"a":1}}', None),
    (b'{"Query":"{a}"}', None),
    (b'{"query":"{a}","operationName":1}', None),
    (b'{"query":"{a}","operationName":["A"]}', None),
    (b'{"query":"{a}","variables":[]}', None),
    (b'{"query":"{a}","variables":"{}"}', None),
    (b'{"query":"{a}","variables":0}', None),
    (b'{"query":"{a}","variables":false}', None),
    (b'{"query":"{a}","extensions":[]}', None),
    (b'{"query":"{a}","extensions":"x"}', None),
    # One reading only: what two readers could read in two ways is refused.
    (b'{"query":"{a}","query":"{b}"}', None),
    (b'{"query":"{a}","variables":{"b":1,"b":2}}', None),
    (b'{"query":"{a}","variables":{"b":NaN}}', None),
    (b'{"query":"{a}","variables":{"b":-Infinity}}', None),
    (b'\xef\xbb\xbf{"query":"{a}"}', None),
    ('{"query":"{a}"}'.encode("utf-16"), None),
    ('{"query":"{a}"}'.encode("utf-32"), None),
    (b'{"query":"\xff"}', None),
    (b'{"query":"\xed\xa0\x80"}', None),
    (b'{"query":"{a}\x00"}', None),
    (b'{"query":"{a}","variables":{"b":' + b"1" * 5_000 + b"}}", None),
    (b'{"query":"{a}","variables":{"b":' + b"[" * 60_000 + b"]" * 60_000 + b"}}", None),
    (b"[" * 100_000, None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), BODIES, ids=[repr(body[:40]) for body, _ in BODIES])
async def test_a_body_is_one_json_object_with_parameters_of_their_types(
    body: bytes, expected: GraphQLRequest | None
) -> None:
    if expected is None:
        assert await refusal(request(body=body)) is RequestMalformed
    else:
        assert await read_request(request(body=body)) == expected


async def test_a_body_may_come_in_any_number_of_pieces() -> None:
    body = json.dumps(QUERY).encode()
    for chunk in (1, 2, 7, len(body)):
        assert await read_request(request(body=body, chunk=chunk)) == READ


async def test_a_body_is_read_up_to_a_size_and_no_further() -> None:
    def padded(size: int) -> bytes:
        body = json.dumps(QUERY).encode()
        return body + b" " * (size - len(body))

    assert await read_request(request(body=padded(MOST_BYTES))) == READ
    assert await refusal(request(body=padded(MOST_BYTES + 1))) is RequestTooLarge
    # Refused with the first piece too many: what follows is never asked for.
    asked = request(body=padded(MOST_BYTES * 4), chunk=MOST_BYTES)
    assert await refusal(asked) is RequestTooLarge
    assert len((await asked.receive())["body"]) == MOST_BYTES


async def test_a_client_that_leaves_while_it_writes_is_no_defect() -> None:
    assert await refusal(request(body=b"{", chunk=1, disconnected=True)) is RequestMalformed


@given(st.binary(max_size=200))
async def test_no_body_is_too_odd_to_read(body: bytes) -> None:
    with contextlib.suppress(RequestMalformed):
        assert isinstance(await read_request(request(body=body)), GraphQLRequest)


# ── the address ───────────────────────────────────────────────────────────────────────────────

ADDRESSES: list[tuple[str, GraphQLRequest | None]] = [
    ("query={a}", GraphQLRequest("{a}", None, {})),
    ("query=%7Ba%7D", GraphQLRequest("{a}", None, {})),
    ("query=", GraphQLRequest("", None, {})),
    ('query={a}&variables={"b":1}&operationName=C', GraphQLRequest("{a}", "C", {"b": 1})),
    ("query={a}&variables=null&extensions=null", GraphQLRequest("{a}", None, {})),
    ("query={a}&variables={}&extensions={}&operationName=", GraphQLRequest("{a}", None, {})),
    ("query={a}&other=x", GraphQLRequest("{a}", None, {})),
    ("query=%ff", GraphQLRequest("\N{REPLACEMENT CHARACTER}", None, {})),
    ("", None),
    ("Query={a}", None),
    ("query={a}&variables=", None),
    ("query={a}&variables=[]", None),
    ("query={a}&variables=1", None),
    ('query={a}&variables={"b":', None),
    ('query={a}&variables={"b":1,"b":2}', None),
    ("query={a}&extensions=x", None),
    ("query={a}&query={b}", None),
    ("query={a}&query={a}", None),
    ("query={a}&operationName=A&operationName=B", None),
]


@pytest.mark.parametrize(("query", "expected"), ADDRESSES)
async def test_an_address_holds_each_parameter_once(
    query: str, expected: GraphQLRequest | None
) -> None:
    asked = request("GET", query=query, headers=[])
    if expected is None:
        assert await refusal(asked) is RequestMalformed
    else:
        assert await read_request(asked) == replace(expected, safe=True)


async def test_an_address_is_read_up_to_a_size() -> None:
    asked = request("GET", query="query=" + "a" * MOST_BYTES, headers=[])
    assert await refusal(asked) is RequestTooLarge


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "post"])
async def test_only_get_and_post_carry_a_query(method: str) -> None:
    asked = request(method, json.dumps(QUERY).encode(), query="query={a}")
    assert await refusal(asked) is MethodNotAllowed
