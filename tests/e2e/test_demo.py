"""The demo as a newcomer meets it: a command, what it prints, a first request, a browser."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from authz.packaged import load_seed
from db.catalog_records import CATALOG
from db.embedded import EmbeddedServer
from tests.e2e.browser import Explorer, launch

COMMAND = [sys.executable, "-m", "api.cli"]
PROJECT = Path(__file__).parents[2]
STARTING_SECONDS = 120


@dataclass
class Running:
    """A demo that serves: where, what it printed, where its state is."""

    url: str
    printed: str
    state_dir: Path


@contextlib.asynccontextmanager
async def _demo(state_dir: Path) -> AsyncIterator[Running]:
    arguments = ["--state-dir", str(state_dir), "demo", "--port", "0", "--enrollees", "300"]
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    printed = ""
    try:
        async with asyncio.timeout(STARTING_SECONDS):
            while "GraphiQL:" not in printed:
                line = await process.stdout.readline()
                assert line, printed
                printed += line.decode()
        found = re.search(r"GraphiQL: (\S+)/graphql", printed)
        assert found is not None
        yield Running(found.group(1), printed, state_dir)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        await process.wait()


@pytest.fixture(scope="module")
def ground() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path
        for state in ("state", "kept"):
            EmbeddedServer(path / state).discard()


@pytest.fixture(scope="module")
async def demo(ground: Path) -> AsyncIterator[Running]:
    async with _demo(ground / "state") as running:
        yield running


async def test_the_demo_prints_a_token_for_every_role(demo: Running) -> None:
    policy, _ = load_seed(CATALOG)
    tokens = dict(re.findall(r"^(\w+)\n  (\S+)$", demo.printed, re.MULTILINE))
    assert tokens.keys() == policy.roles.keys()
    async with httpx.AsyncClient() as client:
        for role, token in tokens.items():
            answer = await client.post(
                f"{demo.url}/graphql",
                json={"query": "{ viewer { actingRole } }"},
                headers={"Authorization": f"Bearer {token}"},
            )
            assert answer.json() == {"data": {"viewer": {"actingRole": role}}}


async def test_the_printed_request_works_as_it_is(demo: Running) -> None:
    found = re.search(r"^curl .*?'$(?=\n\n)", demo.printed, re.MULTILINE | re.DOTALL)
    assert found is not None
    words = shlex.split(found.group(0).replace("\\\n", " "))
    headers = dict(words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H")
    async with httpx.AsyncClient() as client:
        url = next(word for word in words if word.startswith("http"))
        answer = await client.post(url, content=words[-1], headers=headers)
    body = answer.json()
    assert "errors" not in body
    assert body["data"]["enrollees"]["nodes"]


async def test_every_first_query_of_graphiql_is_answered_without_an_error(demo: Running) -> None:
    async with httpx.AsyncClient() as client:
        session = (await client.get(f"{demo.url}/graphiql/session.json")).json()
        for role in session["roles"]:
            answer = await client.post(
                f"{demo.url}/graphql",
                json={"query": role["query"]},
                headers={"Authorization": f"Bearer {role['token']}"},
            )
            assert "errors" not in answer.json(), role["role"]


async def test_a_command_answers_beside_the_running_demo(demo: Running) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [*COMMAND, "--state-dir", str(demo.state_dir), "--json", "query",
         "--role", "front_desk", "{ enrollees(first: 1) { nodes { lastName ssn } } }"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    body = json.loads(done.stdout)
    assert body["data"]["enrollees"]["nodes"][0]["lastName"]
    assert body["data"]["enrollees"]["nodes"][0]["ssn"] is None
    assert [error["extensions"]["coordinate"] for error in body["errors"]] == ["Enrollee.ssn"]


async def test_a_second_start_keeps_the_data(ground: Path) -> None:
    first = ["medicaidId", "dateOfBirth"]
    query = "{ enrollees(first: 3) { nodes { " + " ".join(first) + " } } }"
    answers = []
    state_dir = ground / "kept"
    for _ in range(2):
        async with _demo(state_dir) as running, httpx.AsyncClient() as client:
            session = (await client.get(f"{running.url}/graphiql/session.json")).json()
            answer = await client.post(
                f"{running.url}/graphql",
                json={"query": query},
                headers={"Authorization": f"Bearer {session['roles'][0]['token']}"},
            )
            answers.append(answer.content)
    assert answers[0] == answers[1]


@pytest.mark.browser
async def test_graphiql_over_the_real_gateway_shows_each_role_its_own_view(demo: Running) -> None:
    async with launch() as browser:
        page = await Explorer.open(browser, f"{demo.url}/graphql")
        answer = await page.run()
        assert len(answer["data"]["enrollees"]["nodes"]) > 0
        assert "ssn" not in await page.documented("Query", "EnrolleeConnection", "Enrollee")
        await page.switch_role("eligibility_worker")
        assert "ssn" in await page.documented("Query", "EnrolleeConnection", "Enrollee")
        await page.write_query(
            "{ enrollees(first: 1) { nodes { lastName claims { nodes { icn } } } } }"
        )
        answer = await page.run()
        assert answer["data"]["enrollees"]["nodes"][0]["claims"] is None
        assert answer["errors"][0]["extensions"]["coordinate"] == "Enrollee.claims"
        assert page.hosts() == {httpx.URL(demo.url).netloc.decode()}
        if target := os.environ.get("FIELDWARD_SCREENSHOT"):
            await page.page.screenshot(path=target)
        await page.close()
