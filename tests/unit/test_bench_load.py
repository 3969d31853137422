"""Load by wrk on a small server: what counts as an answer, and what fails the run."""

from __future__ import annotations

import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from bench import load
from bench.load import LoadFailed, Target, request, write_requests

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANSWERS = {
    b"good": (200, b'{"data" : {"a" : 1}}'),
    b"errors": (200, b'{"data":null,"errors":[{"message":"no"}]}'),
    b"away": (503, b"{}"),
    b"odd": (200, b"<html>"),
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    heard: set[bytes]

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.add(asked)
        status, body = ANSWERS[asked.strip()]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    if shutil.which("wrk") is None:
        pytest.skip("wrk is not installed")
    _Handler.heard = set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def _target(port: int, folder: Path, *bodies: bytes) -> Target:
    path = folder / "requests"
    write_requests(path, [request(port, "/x", {"Authorization": "y"}, each) for each in bodies])
    return Target(port, path)


def test_bodies_are_sent_in_turn_and_latencies_rise(port: int, tmp_path: Path) -> None:
    bodies = [b"good", b" good", b"good\n\n"]
    found = _target(port, tmp_path, *bodies).load(2, 1)
    assert found.requests > 10
    assert set(bodies) <= _Handler.heard
    assert 0 < found.p50 <= found.p90 <= found.p99 <= found.p999 <= found.max


@pytest.mark.parametrize("body", [b"errors", b"odd"])
def test_an_answer_that_is_none_fails_the_run(port: int, tmp_path: Path, body: bytes) -> None:
    with pytest.raises(LoadFailed):
        _target(port, tmp_path, body).checked(1, 1, errors=False)


def test_a_failing_status_fails_a_load_that_looks_at_no_answer(port: int, tmp_path: Path) -> None:
    with pytest.raises(LoadFailed, match="status"):
        _target(port, tmp_path, b"good", b"away").load(1, 1)


def test_errors_pass_where_they_are_to_be_expected(port: int, tmp_path: Path) -> None:
    assert _target(port, tmp_path, b"errors").checked(1, 1, errors=True).requests


def test_without_wrk_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load.shutil, "which", lambda _: None)
    with pytest.raises(LoadFailed, match="apt install wrk"):
        load.wrk()
