"""Starts competitors: each in processes of its own, on a free port, over the same database.

Knows how each is started and asked; knows nothing of operations. All get the same number of
database connections. The socket is bound here and handed on, so that no port is lost between
looking for one and taking it, and so that several workers of one peer share it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from bench.listening import READY
from bench.node import node, packages
from db.floor_login import floor_role, password
from db.pools import database_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from bench.people import Ground

HOST = "127.0.0.1"
CONNECTIONS = 16
"""Of a peer to its database, all workers together."""
_ROOT = Path(__file__).resolve().parent.parent
_SECONDS_TO_START = 60.0
_SECONDS_TO_STOP = 10.0
_BACKLOG = 2048


@dataclass(frozen=True)
class Serving:
    """A peer that answers POST requests of JSON at `path`. `pids` are its processes."""

    peer: str
    port: int
    path: str
    headers: Callable[[str], dict[str, str]]
    pids: tuple[int, ...]


class PeerFailed(Exception):
    """A peer did not start; says its own last words."""


@asynccontextmanager
async def serving(
    peer: str, ground: Ground, *, workers: int = 1, connections: int = CONNECTIONS
) -> AsyncIterator[Serving]:
    """A peer for as long as the block runs. PeerFailed when it does not start.

    Connections are divided among workers. KeyError for a peer that there is not.
    """
    made = await asyncio.to_thread(_PEERS[peer], ground)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, 0))
        listener.listen(_BACKLOG)
        said = stack.enter_context(tempfile.TemporaryFile())
        told = {
            "connections": max(1, connections // workers),
            "listen": listener.fileno(),
            **made.told,
        }
        started: list[asyncio.subprocess.Process] = []
        try:
            for _ in range(workers):
                started.append(
                    await asyncio.create_subprocess_exec(
                        *made.command,
                        cwd=_ROOT,
                        env=_environment() | {"BENCH_PEER": json.dumps(told)},
                        pass_fds=(listener.fileno(),),
                        stdin=asyncio.subprocess.DEVNULL,
                        stdout=asyncio.subprocess.PIPE,
                        stderr=said,
                    )
                )
            for process in started:
                await _ready(peer, process, said)
            port = listener.getsockname()[1]
            pids = tuple(process.pid for process in started)
            yield Serving(peer, port, made.path, made.headers, pids)
        finally:
            await asyncio.gather(*(_end(process) for process in started))


@dataclass(frozen=True)
class _Peer:
    command: tuple[str, ...]
    told: Mapping[str, Any]
    path: str
    headers: Callable[[str], dict[str, str]]


def _python(module: str) -> tuple[str, ...]:
    return sys.executable, "-m", module


def _fieldward(ground: Ground) -> _Peer:
    tokens: dict[str, str] = {}

    def headers(role: str) -> dict[str, str]:
        if role not in tokens:
            tokens[role] = ground.token(role)
        return _JSON | {"Authorization": f"Bearer {tokens[role]}"}

    told = {"database": ground.gateway_url, "secret": ground.secret.hex()}
    return _Peer(_python("bench.gateway"), told, "/graphql", headers)


def _bare(ground: Ground) -> _Peer:
    # The owner of the records: no row policy is asked of it.
    told = {"database": ground.owner_url, "secret": ""}
    return _Peer(_python("bench.bare"), told, "/query", lambda _: dict(_JSON))


def _naive(ground: Ground) -> _Peer:
    told = {"database": ground.owner_url, "secret": ""}
    return _Peer(_python("bench.naive"), told, "/graphql", _by_name(ground))


def _apollo(ground: Ground) -> _Peer:
    return _Peer(
        (str(node()), str(packages() / "apollo.mjs")),
        {"database": ground.owner_url},
        "/",
        _by_name(ground),
    )


def _postgraphile(ground: Ground) -> _Peer:
    # Column grants are Fieldward's own: those of the floor's login of each role.
    databases = {
        role: _as_role(ground, role) for role in ("eligibility_supervisor", "program_integrity")
    }
    return _Peer(
        (str(node()), str(packages() / "postgraphile.mjs")),
        {"databases": databases},
        "/graphql",
        _by_name(ground),
    )


def _by_name(ground: Ground) -> Callable[[str], dict[str, str]]:
    """Role and state as they are: these peers check no token, which is to their advantage."""
    state = ground.examples["state"]
    return lambda role: _JSON | {"X-Role": role, "X-State": state}


def _as_role(ground: Ground, role: str) -> str:
    parts, database = urlsplit(ground.gateway_url), database_of(ground.gateway_url)
    user = quote(floor_role(database, role), safe="")
    secret = password(ground.secret, database, role)
    return f"postgresql://{user}:{secret}@{parts.hostname}:{parts.port}/{database}"


_JSON = {"Content-Type": "application/json"}
_PEERS: dict[str, Callable[[Ground], _Peer]] = {
    "fieldward": _fieldward,
    "bare": _bare,
    "naive": _naive,
    "postgraphile": _postgraphile,
    "apollo": _apollo,
}


def _environment() -> dict[str, str]:
    """What a peer inherits: nothing that could change how it runs."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"NODE_ENV": "production", "GRAPHILE_ENV": "production"}


async def _ready(peer: str, process: asyncio.subprocess.Process, said: Any) -> None:
    assert process.stdout is not None  # noqa: S101 - it was asked for
    try:
        async with asyncio.timeout(_SECONDS_TO_START):
            while line := await process.stdout.readline():
                if line.decode().strip() == READY:
                    return
    except TimeoutError:
        pass
    said.seek(0)
    raise PeerFailed(f"{peer} did not start: {said.read()[-2000:].decode(errors='replace')}")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(_SECONDS_TO_STOP):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
