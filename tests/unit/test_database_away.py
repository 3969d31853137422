"""A database that is busy, away or lets nobody in; clients that leave."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from api import app as application
from db import execute
from tests.database import connected
from tests.gateway import LOGIN, Gateway, gateway_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

SUPERVISOR = "eligibility_supervisor"


def codes(answer: httpx.Response) -> set[str]:
    """The codes of all errors of an answer."""
    return {error["extensions"]["code"] for error in answer.json()["errors"]}


@asynccontextmanager
async def locked(template: str) -> AsyncIterator[Gateway]:
    """A gateway whose statements about people wait for a lock, until the block ends."""
    async with (
        gateway_over(template) as gateway,
        connected(gateway.owner_url) as owner,
        owner.transaction(),
    ):
        await owner.execute("lock table medicaid.enrollee in access exclusive mode")
        yield gateway


PEOPLE = "{enrollees(first:1){nodes{lastName}}}"


async def sessions(gateway: Gateway, state: str) -> int:
    """How many of the gateway's sessions are in a state."""
    async with connected(gateway.gateway_url) as peer:
        count: int = await peer.fetchval(
            "select count(*) from pg_stat_activity where usename = current_user and state = $1 "
            "and datname = current_database() and pid <> pg_backend_pid()",
            state,
        )
    return count


async def settled(gateway: Gateway, state: str, count: int) -> None:
    for _ in range(300):
        if await sessions(gateway, state) == count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never {count} sessions {state}")


async def test_a_gateway_whose_connections_all_wait_says_so(
    seeded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ninth request is told; readiness is denied; what needs no record goes on."""
    monkeypatch.setattr(execute, "_SECONDS_FOR_A_CONNECTION", 0.2)
    monkeypatch.setattr(application, "_SECONDS_TO_BE_READY", 0.2)
    async with locked(seeded) as gateway:
        waiting = [asyncio.create_task(gateway.post(SUPERVISOR, PEOPLE)) for _ in range(8)]
        await settled(gateway, "active", 8)
        ninth = await gateway.post(SUPERVISOR, PEOPLE)
        assert (ninth.status_code, codes(ninth)) == (503, {"FW502"})
        ready = await gateway.client.get("/readyz")
        assert (ready.status_code, ready.json()) == (503, {"ready": False, "code": "FW192"})
        assert (await gateway.client.get("/healthz")).json() == {"alive": True}
        assert "errors" not in await gateway.ask(SUPERVISOR, "{viewer{subject}}")
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_request_that_its_client_leaves_gives_its_connection_back_clean(
    seeded: str,
) -> None:
    """The statement is cancelled, and the next request on that connection is answered."""
    async with gateway_over(seeded) as gateway:
        async with connected(gateway.owner_url) as owner, owner.transaction():
            await owner.execute("lock table medicaid.enrollee in access exclusive mode")
            waiting = [asyncio.create_task(gateway.post(SUPERVISOR, PEOPLE)) for _ in range(3)]
            await settled(gateway, "active", 3)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            await settled(gateway, "active", 0)
        answers = await asyncio.gather(*(gateway.ask(SUPERVISOR, PEOPLE) for _ in range(12)))
        assert all("errors" not in answer for answer in answers)


async def test_a_database_that_lets_nobody_in_is_no_defect(seeded: str) -> None:
    async with gateway_over(seeded) as gateway, connected(gateway.owner_url) as owner:
        await owner.execute(f"alter role {LOGIN} connection limit 0")
        try:
            waiting = await asyncio.gather(*(gateway.post(SUPERVISOR, PEOPLE) for _ in range(4)))
            assert {answer.status_code for answer in waiting} <= {200, 503}
            assert 503 in {answer.status_code for answer in waiting}
            for answer in waiting:
                assert answer.status_code == 200 or codes(answer) == {"FW502"}
        finally:
            await owner.execute(f"alter role {LOGIN} connection limit -1")
        assert "errors" not in await gateway.ask(SUPERVISOR, PEOPLE)
