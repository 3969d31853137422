"""`python -m bench.live`: how long after a commit every worker of every node uses the new version.

A server of its own, one node of two workers and one of one, as `fieldward serve` starts them. Each
version is proposed, approved and committed as the gateway's login does it; the clock starts when
the commit has answered, and ends when the last worker has acknowledged, as whoever asks for the
workers sees it. Every look takes a round trip, so the figure is a little more than the truth.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.demo import demo_claims
from authz.floor import floor_of
from authz.packaged import load_seed
from authz.policy import Effect, PolicySet, Rule
from authz.store import digest_of, document_of
from bench.load import request
from bench.processes import processor_seconds
from bench.soak import Line
from db.catalog_records import CATALOG
from db.changes import approve, commit_change, propose
from db.cluster import GATEWAY
from db.embedded import EmbeddedServer
from db.floor_apply import apply
from db.migrate import grant_gateway, migrate
from db.session import open_session
from db.workers import workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from authz.order import Order
    from db.embedded import Urls
    from db.floor import Floor

RESULTS = Path(__file__).with_name("results")
MOST_SECONDS = 1.0
"""Until all workers use a version."""

_SECRET = "a floor's key of the bench, and no other"  # noqa: S105 - of a server that is gone at once
_ISSUER, _AUDIENCE = "https://issuer.bench", "fieldward"
_NODES = (2, 1)
"""Workers of each node."""
_ASKS = 12
"""Requests in a role, on connections of their own: so that every worker has it in use."""
_PATIENCE = 30.0


@dataclass
class Node:
    """A `fieldward serve` that runs."""

    process: asyncio.subprocess.Process
    port: int


@dataclass
class Live:
    """Seconds of each commit, and from its answer until all workers had acknowledged; what
    processor time all nodes together took until then, which does not depend on who else works."""

    commits: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)


def policy(rules: int) -> tuple[PolicySet, tuple[Order, ...]]:
    """The packaged policy; with further roles that are denied one coordinate after another, where
    it has fewer rules than that."""
    seed, orders = load_seed(CATALOG)
    roles, more = dict(seed.roles), list(seed.rules)
    pattern = roles["auditor"]
    coordinates = sorted(CATALOG.fields)
    while len(more) < rules:
        name = f"padding_{len(roles)}"
        roles[name] = replace(pattern, name=name)
        more += [
            Rule(name, coordinate, action, "always", Effect.DENY)
            for action in ("read", "filter", "sort", "aggregate")
            for coordinate in coordinates
        ]
    return replace(seed, roles=roles, rules=tuple(more[: max(rules, len(seed.rules))])), orders


@contextlib.asynccontextmanager
async def _node(urls: Urls, workers: int, key: Path, state: Path) -> AsyncIterator[Node]:
    clean = {name: value for name, value in os.environ.items() if "FIELDWARD" not in name}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api.cli", "--state-dir", str(state), "serve", "--port", "0",
        "--workers", str(workers),
        env={
            **clean,
            "FIELDWARD_DATABASE_URL": urls.gateway,
            "FIELDWARD_FLOOR_KEY": _SECRET,
            "FIELDWARD_TOKEN_ISSUER": _ISSUER,
            "FIELDWARD_TOKEN_AUDIENCE": _AUDIENCE,
            "FIELDWARD_TOKEN_KEY_FILE": str(key),
            "FIELDWARD_CONNECTIONS": "4",
        },
        stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        line = (await process.stdout.readline()).decode()
        if not line.startswith("serving on "):
            raise RuntimeError("a node did not start")
        yield Node(process, int(line.rpartition(":")[2].strip().rstrip("/")))
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _use(node: Node, roles: list[str], key: Ed25519PrivateKey) -> None:
    """Has each worker of a node decide for these roles, as requests in them do."""
    until = datetime.now(UTC) + timedelta(minutes=30)
    body = json.dumps({"query": "{viewer{subject}}"}).encode()
    for role in roles:
        claims = {"iss": _ISSUER, "aud": _AUDIENCE, "sub": "bench", "roles": [role], "exp": until}
        token = jwt.encode(demo_claims(role) | claims, key, algorithm="EdDSA")
        for _ in range(_ASKS):
            line = Line(node.port)
            headers = {"Authorization": f"Bearer {token}"}
            status, _ = await line.ask(request(node.port, "/graphql", headers, body))
            line.close()
            if status != 200:
                raise RuntimeError(f"{role} was answered {status}")


async def _commit(
    gateway: asyncpg.Connection, base: int, made: PolicySet, orders: tuple[Order, ...], floor: Floor
) -> int:
    document = document_of(made, orders)
    change = await propose(
        gateway, base=base, author="ada", reason="to see how long it takes", document=document,
        digest=digest_of(document), report="{}", emergency=False,
    )  # fmt: skip
    await approve(gateway, change, "ben", "")
    return await commit_change(gateway, change, "ada", floor, {})


async def _acknowledged(watch: asyncpg.Connection, number: int, count: int) -> float:
    """The moment at which all workers were seen to use a version."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            found = await workers(watch)
            if len(found) == count and all(each.number == number for each in found):
                return time.perf_counter()
            await asyncio.sleep(0.001)


async def live(urls: Urls, versions: int, rules: int, pause: float, state: Path) -> Live:
    """Commits so many versions, with a pause before each."""
    done = Live()
    key = Ed25519PrivateKey.generate()
    path = state / "key.pem"
    path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    made, orders = policy(rules)
    # In turn, a role may see a column less: another floor, and another set of decisions.
    narrower = replace(
        made,
        rules=(*made.rules, Rule("front_desk", "Enrollee.lastName", "read", "always", Effect.DENY)),
    )
    in_turn = [(each, floor_of(each, orders)) for each in (narrower, made)]
    owner = await asyncpg.connect(urls.admin)
    await migrate(owner)
    await grant_gateway(owner, GATEWAY)
    document = document_of(made, orders)
    head = await apply(owner, in_turn[1][1], document, digest_of(document), _SECRET.encode())
    await owner.close()
    async with contextlib.AsyncExitStack() as stack:
        pids = []
        for place, count in enumerate(_NODES):
            node = await stack.enter_async_context(_node(urls, count, path, state / str(place)))
            pids.append(node.process.pid)
            await _use(node, sorted(load_seed(CATALOG)[0].roles), key)
        gateway, watch = [await open_session(urls.gateway) for _ in range(2)]
        for session in (gateway, watch):
            stack.push_async_callback(session.close)
        await _acknowledged(watch, head, sum(_NODES))
        for number in range(versions):
            await asyncio.sleep(pause)
            which, floor = in_turn[number % 2]
            # A limit that differs each time: nobody has seen this policy before.
            roles = dict(which.roles)
            roles["front_desk"] = replace(roles["front_desk"], page_limit=1 + number % 1000)
            before = processor_seconds(pids)
            began = time.perf_counter()
            head = await _commit(gateway, head, replace(which, roles=roles), orders, floor)
            committed = time.perf_counter()
            seen = await _acknowledged(watch, head, sum(_NODES))
            done.commits.append(committed - began)
            done.lags.append(seen - committed)
            done.worked.append(processor_seconds(pids) - before)
    return done


def _spread(seconds: list[float]) -> dict[str, float]:
    """Milliseconds, by rank."""
    ranked = sorted(seconds)

    def rank(share: float) -> float:
        return round(ranked[max(0, math.ceil(share * len(ranked)) - 1)] * 1000, 1)

    return {
        "median": round(statistics.median(ranked) * 1000, 1),
        "p95": rank(0.95), "p99": rank(0.99), "largest": rank(1.0),
    }  # fmt: skip


def main() -> int:
    """Exit status 0 where every version was everywhere in time, 1 where one was not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--versions", type=int, default=100)
    parser.add_argument("--rules", type=int, default=0, help="pad the policy to so many rules")
    parser.add_argument("--pause", type=float, default=0.2, help="seconds before each commit")
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        # So that the server's account may enter, where root runs this.
        os.chmod(name, 0o755)  # noqa: S103 - the server's own folder below is closed
        server = EmbeddedServer(Path(name, "server"))
        urls = server.start()
        try:
            done = asyncio.run(live(urls, given.versions, given.rules, given.pause, Path(name)))
        finally:
            server.discard()
    found: dict[str, Any] = {
        "versions": given.versions,
        "rules": len(policy(given.rules)[0].rules),
        "nodes": list(_NODES),
        "load_average": [round(each, 1) for each in os.getloadavg()],
        "milliseconds_to_propose_approve_and_commit": _spread(done.commits),
        "milliseconds_until_all_workers_use_it": _spread(done.lags),
        "milliseconds_of_processor_until_then": _spread(done.worked),
        "in_time": max(done.lags) < MOST_SECONDS,
    }
    text = json.dumps(found, indent=1)
    given.results.mkdir(parents=True, exist_ok=True)
    (given.results / f"live-{found['rules']}.json").write_text(text + "\n")
    print(text)
    return 0 if found["in_time"] else 1


if __name__ == "__main__":
    sys.exit(main())
