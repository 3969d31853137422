"""A competitor in Python as a process of its own: what it is told, and uvicorn over a given socket.

Part of bench/peers.py, which starts it; knows no competitor.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from starlette.types import ASGIApp

READY = "ready"
"""The line that a competitor prints when it listens and is able to answer."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a process is told in BENCH_PEER: its database, how many connections it may have, and
    the descriptor of the socket on which it listens; `secret` (hex) is Fieldward's alone."""

    database: str
    connections: int
    listen: int
    secret: str

    @staticmethod
    def by_environment() -> Told:
        """KeyError where nobody told anything."""
        return Told(**json.loads(os.environ["BENCH_PEER"]))


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(READY, flush=True)


def listen(app: ASGIApp, told: Told) -> None:
    """Serves as `fieldward serve` does: uvloop, httptools, one process, no access log."""
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", access_log=False, log_level="warning",
        server_header=False, lifespan="on", timeout_graceful_shutdown=1,
    )  # fmt: skip
    _Server(config).run([socket.socket(fileno=told.listen)])
