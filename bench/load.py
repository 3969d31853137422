"""Load on one server of this machine, by wrk. Knows HTTP and bytes; nothing of what is asked.

wrk is a compiled client with one thread: what it takes of a processor is small and the same for
all. It sends whole requests out of a file, one after the other, on each connection the next as soon
as an answer is there (a closed loop). Answers are looked at in loads of their own (`checked`),
because looking costs time.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HOST = "127.0.0.1"
TIMEOUT = 60
"""Seconds that an answer may take before it counts as an error."""

_SCRIPT = Path(__file__).with_name("rotate.lua")
_MISSING = (
    "wrk is not installed. It makes the load: apt install wrk (Debian, Ubuntu), "
    "brew install wrk (macOS)"
)


class LoadFailed(Exception):
    """wrk is not there or did not finish, or the server answered what it should not."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one load saw. Latencies in microseconds, from the request's first byte out to the
    answer's last byte in; 0 where no answer came in time."""

    requests: int
    seconds: float
    bytes: int
    p50: int
    p90: int
    p99: int
    p999: int
    max: int

    @property
    def throughput(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds


@dataclass(frozen=True, slots=True)
class Target:
    """A server on this machine and what to ask it in turn."""

    port: int
    requests: Path

    def load(self, connections: int, seconds: int, start: int = 0) -> Figures:
        """Seconds of load, from the request numbered `start` on. Raises LoadFailed when a status
        is no success."""
        return _figures(self._run(connections, seconds, start, {}))

    def checked(self, connections: int, seconds: int, *, errors: bool) -> Figures:
        """Load under which every answer is looked at: 200, with data, and without errors unless
        `errors` are to be expected. Raises LoadFailed for any other."""
        said = self._run(connections, seconds, 0, {"BENCH_CHECK": "any" if errors else "data"})
        if said["wrong"]:
            raise LoadFailed(f"{said['wrong']} of {said['checked']} answers: {said['sample']}")
        return _figures(said)

    def _run(
        self, connections: int, seconds: int, start: int, env: Mapping[str, str]
    ) -> dict[str, int]:
        with tempfile.NamedTemporaryFile(suffix=".json") as result:
            command = [wrk(), "--threads", "1", "--connections", str(connections)]
            command += ["--duration", f"{seconds}s", "--timeout", f"{TIMEOUT}s"]
            command += ["--script", str(_SCRIPT), f"http://{HOST}:{self.port}/"]
            files = {"BENCH_REQUESTS": str(self.requests), "BENCH_RESULT": result.name}
            done = subprocess.run(  # noqa: S603 - no word of it is anybody else's
                command,
                env=os.environ | files | {"BENCH_START": str(start)} | dict(env),
                capture_output=True,
                text=True,
                timeout=seconds + TIMEOUT,
                check=False,
            )
            said = result.read()
        if done.returncode != 0 or not said:
            raise LoadFailed((done.stderr or done.stdout).strip()[-400:] or "wrk said nothing")
        found: dict[str, int] = json.loads(said)
        for kind in ("status", "socket", "timeout"):
            if found[kind]:
                raise LoadFailed(f"{found[kind]} of {found['requests']} requests failed: {kind}")
        return found


def wrk() -> str:
    """The program. Raises LoadFailed with what to do about it."""
    found = shutil.which("wrk")
    if found is None:
        raise LoadFailed(_MISSING)
    return found


def request(port: int, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A whole HTTP/1.1 POST request of JSON."""
    lines = {
        "Host": f"{HOST}:{port}",
        "Content-Type": "application/json",
        "Accept": "application/json",
        **headers,
        "Content-Length": str(len(body)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def write_requests(path: Path, requests: Iterable[bytes]) -> None:
    """The file that the script reads."""
    path.write_bytes(b"".join(b"%d\n%b" % (len(each), each) for each in requests))


def _figures(said: Mapping[str, int]) -> Figures:
    return Figures(
        requests=said["requests"],
        seconds=said["microseconds"] / 1e6,
        bytes=said["bytes"],
        **{name: int(said[name]) for name in ("p50", "p90", "p99", "p999", "max")},
    )
