"""`fieldward serve --workers`: several processes on one socket, as one service."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.database import connected, floored, fresh_database
from tests.e2e.test_serve import PROJECT, serve
from tests.gateway import gateway_login

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEY = Ed25519PrivateKey.generate()
ISSUER, AUDIENCE = "https://issuer.test", "fieldward"
WORKERS = 2


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """The environment of `serve`, but for the database."""
    key = tmp_path / "key.pem"
    key.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return {
        "FIELDWARD_TOKEN_ISSUER": ISSUER,
        "FIELDWARD_TOKEN_AUDIENCE": AUDIENCE,
        "FIELDWARD_TOKEN_KEY_FILE": str(key),
        "FIELDWARD_CONNECTIONS": "4",
    }


@dataclass
class Service:
    """A service that runs: its first process, and where it answers."""

    process: asyncio.subprocess.Process
    url: str

    def workers(self) -> set[int]:
        """The processes that answer."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return {each for each in map(int, children) if "spawn_main" in _command(each)}

    async def ask(self) -> httpx.Response:
        """The answer to one request on a connection of its own, so that any worker may take it."""
        claims = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": "somebody", "roles": ["policy_administrator"],
            "exp": datetime.now(UTC) + timedelta(minutes=5),
        }  # fmt: skip
        token = jwt.encode(claims, KEY, algorithm="EdDSA")
        async with httpx.AsyncClient(base_url=self.url) as client:
            return await client.post(
                "/graphql",
                json={"query": "{policy{version}}"},
                headers={"Authorization": f"Bearer {token}"},
            )

    async def counted(self) -> float:
        """How many requests were answered in that role, as any worker says it."""
        async with httpx.AsyncClient(base_url=self.url) as client:
            text = (await client.get("/metrics")).text
        found = re.findall(
            r'^fieldward_requests_total\{.*role="policy_administrator".*\} (\S+)$', text, re.M
        )
        return sum(map(float, found))


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


@asynccontextmanager
async def service(template: str, variables: dict[str, str]) -> AsyncIterator[Service]:
    """`fieldward serve` with workers over a copy of a template database."""
    clean = {name: value for name, value in os.environ.items() if "FIELDWARD" not in name}
    async with fresh_database(template) as owner_url:
        url = await gateway_login(owner_url)
        await floored(owner_url)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "api.cli", "serve", "--port", "0", "--workers", str(WORKERS),
            cwd=PROJECT, env={**clean, **variables, "FIELDWARD_DATABASE_URL": url},
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            async with asyncio.timeout(120):
                line = (await process.stdout.readline()).decode()
            assert line.startswith("serving on "), line
            yield Service(process, line.split()[-1])
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def test_workers_answer_count_together_are_replaced_and_stop_at_one_signal(
    seeded: str, variables: dict[str, str]
) -> None:
    async with service(seeded, variables) as running:
        first = running.workers()
        assert len(first) == WORKERS
        for _ in range(20):
            assert (await running.ask()).status_code == 200
        # Whichever worker is asked, it is the same number.
        assert {await running.counted() for _ in range(6)} == {20}

        gone = min(first)
        os.kill(gone, signal.SIGKILL)
        async with asyncio.timeout(60):
            while gone in running.workers() or len(running.workers()) < WORKERS:  # noqa: ASYNC110 - other processes have no event
                await asyncio.sleep(0.1)
        for _ in range(10):
            assert (await running.ask()).status_code == 200
        assert await running.counted() == 30

        last = running.workers()
        running.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await running.process.wait() == 0
        assert not any(_command(pid) for pid in last)


async def test_workers_do_not_outlive_a_first_process_that_is_killed(
    seeded: str, variables: dict[str, str]
) -> None:
    async with service(seeded, variables) as running:
        left = running.workers()
        assert len(left) == WORKERS
        running.process.kill()
        async with asyncio.timeout(60):
            while any(_command(pid) for pid in left):  # noqa: ASYNC110 - other processes have no event
                await asyncio.sleep(0.1)


async def test_a_check_that_fails_at_the_start_fails_once(
    seeded: str, variables: dict[str, str]
) -> None:
    async with fresh_database(seeded) as owner_url:
        done = await serve("--workers", "2", **variables, FIELDWARD_DATABASE_URL=owner_url)
    assert done.returncode == 1
    assert done.stderr.startswith("FW505 ")
    assert done.stderr.count("FW505") == 1
    assert "Traceback" not in done.stderr


async def test_more_connections_than_the_server_has_are_refused_with_what_would_fit(
    seeded: str, variables: dict[str, str]
) -> None:
    async with fresh_database(seeded) as owner_url:
        url = await gateway_login(owner_url)
        await floored(owner_url)
        async with connected(owner_url) as owner:
            most = int(await owner.fetchval("show max_connections"))
        variables["FIELDWARD_CONNECTIONS"] = str(most // 2)
        done = await serve("--workers", "2", **variables, FIELDWARD_DATABASE_URL=url)
    assert done.returncode == 1
    assert done.stderr.startswith("FW")
    assert re.search(r"FIELDWARD_CONNECTIONS to \d+ or less", done.stderr)
