"""The check that competitors answer the same, against servers that answer what a case says."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack, contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from bench.bare_sql import STATEMENTS
from bench.equivalence import Different, check, difference, spread
from bench.operations import OPERATIONS, Operation, Sample
from bench.peers import Serving
from bench.postgraphile import DOCUMENTS, READERS

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = date(2020, 1, 1)
SAMPLE = Sample("CA", DAY, ("1", "2"), ("3",), ((DAY, DAY),), (DAY,), (DAY,))
ONE, FIFTY = OPERATIONS[:2]
DENIED = next(each for each in OPERATIONS if each.denies)


def people(*names: str | None) -> dict[str, Any]:
    """An answer with a person of each name."""
    return {"data": {"enrollees": {"nodes": [{"phoneNumber": name} for name in names]}}}


@contextmanager
def answering(peer: str, answer: object) -> Iterator[Serving]:
    """A server that always says the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Serving(peer, server.server_port, "/", lambda _: {}, ())
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def compared(operation: Operation, *answers: object) -> None:
    names = ("fieldward", "bare", "apollo")
    with ExitStack() as stack:
        servings = [
            stack.enter_context(answering(name, answer))
            for name, answer in zip(names, answers, strict=False)
        ]
        await check(servings, [operation], SAMPLE)


async def test_equal_answers_pass() -> None:
    await compared(FIFTY, people("a", "b"), people("a", "b"), people("a", "b"))


@pytest.mark.parametrize(
    ("other", "place"),
    [
        (people("a", "c"), r"\[1\]\.phoneNumber: 'b' and 'c'"),
        (people("b", "a"), r"\[0\]\.phoneNumber"),
        (people("a"), "2 rows and 1"),
        (people("a", None), r"\[1\]\.phoneNumber: 'b' and None"),
        (people(), "no row to compare"),
        (people("a", "b") | {"errors": [{"message": "no"}]}, "did not answer"),
        ({"data": None}, "did not answer"),
        ({"data": {"enrollees": None}}, "TypeError"),
        (["a", "b"], "answered 200"),
    ],
)
async def test_the_first_difference_is_named(other: object, place: str) -> None:
    with pytest.raises(Different, match=place):
        await compared(FIFTY, people("a", "b"), people("a", "b"), other)


async def test_errors_pass_where_something_is_denied_on_purpose() -> None:
    await compared(DENIED, people("a") | {"errors": [{"message": "no"}]}, people("a"))


def test_nothing_equal_to_nothing_is_compared() -> None:
    with pytest.raises(ValueError, match="did not answer"):
        ONE.reduce("bare", {"errors": []})


def test_a_peer_that_does_not_answer_an_operation_has_no_requests_of_it() -> None:
    with pytest.raises(ValueError, match="does not answer"):
        DENIED.bodies("postgraphile", SAMPLE)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_peer_has_as_many_requests(operation: Operation) -> None:
    counts = {peer: len(operation.bodies(peer, SAMPLE)) for peer in operation.peers}
    assert len(set(counts.values())) == 1


def test_every_operation_has_a_statement_and_a_reader() -> None:
    names = {operation.name for operation in OPERATIONS}
    assert names == STATEMENTS.keys()
    asked = {each.name for each in OPERATIONS if "postgraphile" in each.peers}
    assert asked == DOCUMENTS.keys() == READERS.keys()


def test_differences_are_named_down_to_the_value() -> None:
    assert difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == ".a[1].b: 2 and 3"
    assert difference({"a": 1}, {"b": 1}) == ": {'a': 1} and {'b': 1}"


@pytest.mark.parametrize(
    ("count", "wanted", "numbers"), [(0, 5, []), (3, 5, [0, 1, 2]), (101, 5, [0, 25, 50, 75, 100])]
)
def test_requests_that_are_compared_are_spread(count: int, wanted: int, numbers: list[int]) -> None:
    assert spread(count, wanted) == numbers
