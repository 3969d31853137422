"""The envelope: PostgreSQL's bytes as they are, cursors instead of keysets, errors as codes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cursor import Sealer
from api.errors import AttributeMissing, PageTooLarge, PositionDenied, TokenExpired
from api.gate import Denial
from api.given import Given, Listing
from api.reply import compact, denial_of, error_of, failure, parts, sealed, success
from db.errors import FieldwardError, StatementFailed
from db.plan import Order
from db.predicate import Ref
from db.tables import ENROLLEE

SEALER = Sealer((bytes(64),))
MARK = b"0123456789abcdef" * 2
ORDER = (Order(Ref(ENROLLEE.columns["enrollee_id"]), False),)
LISTINGS = [Listing(number, "role", name, {}, ORDER) for number, name in enumerate("ab")]
GIVEN = Given((), "alice", SEALER)
IDS = st.uuids().map(str)


def marked(connection: int, key: str) -> bytes:
    """A keyset as a statement writes it."""
    packed = json.dumps([key]).encode().hex().encode()
    return MARK + str(connection).encode() + b":" + packed + MARK


@given(st.lists(st.tuples(st.sampled_from([0, 1]), IDS), max_size=5), st.text(max_size=20))
def test_every_keyset_becomes_a_cursor_of_its_own_list(
    keysets: list[tuple[int, str]], between: str
) -> None:
    """And nothing else is touched: not a byte between, not text that looks like a keyset."""
    near = json.dumps(between + "0:5b5d").encode()
    body = near + near.join(b'"' + marked(*keyset) + b'"' for keyset in keysets)
    reply = sealed(body, MARK, LISTINGS, GIVEN)
    expected = near + near.join(
        b'"' + SEALER.seal(json.dumps([key]).encode(), GIVEN.binding(LISTINGS[number])) + b'"'
        for number, key in keysets
    )
    assert reply == expected
    assert MARK not in reply


def test_a_body_without_keysets_is_passed_on_as_it_is() -> None:
    for body in (b"", b"null", b'{"nodes" : []}', '{"a" : "é\U0001f9ff"}'.encode()):
        assert sealed(body, MARK, [], GIVEN) == body


REPLIES: list[tuple[list[tuple[str, bytes]], list[dict[str, Any]], dict[str, Any], bytes]] = [
    ([], [], {}, b'{"data":{}}'),
    ([("a", b"1"), ("b", b"null")], [], {}, b'{"data":{"a":1,"b":null}}'),
    ([("b", b"1"), ("a", b"2")], [], {}, b'{"data":{"b":1,"a":2}}'),
    ([("a", b"{ }")], [{"message": "m"}], {}, b'{"data":{"a":{ }},"errors":[{"message":"m"}]}'),
    ([("a", b"1")], [], {"c": ["é"]}, '{"data":{"a":1},"extensions":{"c":["é"]}}'.encode()),
    (
        [],
        [{"message": "m"}],
        {"c": []},
        b'{"data":{},"errors":[{"message":"m"}],"extensions":{"c":[]}}',
    ),
]


@pytest.mark.parametrize(("data", "errors", "extensions", "expected"), REPLIES)
def test_an_answer_keeps_order_and_leaves_out_what_is_empty(
    data: list[tuple[str, bytes]],
    errors: list[dict[str, Any]],
    extensions: dict[str, Any],
    expected: bytes,
) -> None:
    labels = [compact(key) + b":" for key, _ in data]
    found = {index: value for index, (_, value) in enumerate(data) if value != b"null"}
    said = [compact(error) for error in errors]
    pieces = success(labels, found, said, compact(extensions) if extensions else b"")
    assert b"".join(pieces) == expected
    json.loads(expected)


@given(st.lists(st.sampled_from([b"", b"a", b"bc", b"x" * 70_000, b"y" * 65_536]), min_size=1))
def test_an_answer_is_written_in_parts_that_are_the_whole(pieces: list[bytes]) -> None:
    """And what is large is passed on as the very object that it came as."""
    written = list(parts(pieces)) or [b""]
    assert b"".join(written) == b"".join(pieces)
    large = [piece for piece in pieces if len(piece) > 60_000]
    assert all(any(piece is part for part in written) for piece in large)


def test_an_answer_without_data_has_no_data() -> None:
    assert failure([{"message": "m"}]) == b'{"errors":[{"message":"m"}]}'


# Half a surrogate pair cannot be written, and no value of the policy holds one.
words = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.recursive(st.none() | st.booleans() | st.integers() | words, st.lists))
def test_compact_json_reads_back(value: object) -> None:
    assert json.loads(compact(value)) == value


ERRORS: list[tuple[FieldwardError, dict[str, Any]]] = [
    (TokenExpired(), {"code": "FW203"}),
    (PageTooLarge(argument="first", limit=50), {"code": "FW115", "argument": "first", "limit": 50}),
    (AttributeMissing(attributes=["state"]), {"code": "FW123", "attributes": ["state"]}),
    (
        PositionDenied(coordinate="A.b", position="orderBy"),
        {"code": "FW121", "coordinate": "A.b", "position": "orderBy"},
    ),
]


@pytest.mark.parametrize(("error", "extensions"), ERRORS)
def test_an_error_is_its_text_its_code_and_its_facts(
    error: FieldwardError, extensions: dict[str, Any]
) -> None:
    assert error_of(error) == {"message": error.public, "extensions": extensions}
    assert error_of(error, ("a",)) == {
        "message": error.public,
        "path": ["a"],
        "extensions": extensions,
    }


def test_the_detail_of_an_error_is_not_told() -> None:
    shown = json.dumps(error_of(StatementFailed("column secret does not exist")))
    assert "secret" not in shown
    assert "secret" not in StatementFailed.public


DENIALS: list[tuple[Denial, dict[str, Any]]] = [
    (
        Denial("Query.claims", ("c",), False, (1, 2)),
        {"path": ["c"], "extensions": {"code": "FW120", "coordinate": "Query.claims"}},
    ),
    (
        Denial("EnrolleeConnection.totalCount", ("a", "n"), False, (1, 2)),
        {
            "path": ["a", "n"],
            "extensions": {"code": "FW120", "coordinate": "EnrolleeConnection.totalCount"},
        },
    ),
    (
        Denial("Enrollee.ssn", ("a", "nodes", "s"), True, (1, 2)),
        {
            "extensions": {
                "code": "FW120",
                "coordinate": "Enrollee.ssn",
                "selection": "a.nodes.s",
            }
        },
    ),
]


@pytest.mark.parametrize(("denial", "expected"), DENIALS)
def test_a_denial_names_a_path_or_below_a_list_a_selection(
    denial: Denial, expected: dict[str, Any]
) -> None:
    shown = denial_of(denial)
    assert shown == expected | {
        "message": "not permitted",
        "locations": [{"line": 1, "column": 2}],
    }
