"""A database that is busy, away or lets nobody in; clients that leave."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from api import app as application
from db.floor_login import floor_role
from db.pools import Pools, database_of
from tests.database import connected, login_url, server
from tests.gateway import LOGIN, Gateway, gateway_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

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
    async with connected(login_url(gateway.owner_url, SUPERVISOR)) as peer:
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


def few(most: int, wait_seconds: float) -> Callable[..., Pools]:
    """Pools as a gateway makes them, with a smaller budget and less patience."""

    def made(url: str, secret: bytes, _: int = 0) -> Pools:
        return Pools(url, secret, most, wait_seconds=wait_seconds)

    return made


async def test_a_gateway_whose_connections_all_wait_says_so(
    seeded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ninth request is told, of whatever role; the gateway is alive and still knows itself."""
    monkeypatch.setattr(application, "Pools", few(8, 0.2))
    async with locked(seeded) as gateway:
        waiting = [asyncio.create_task(gateway.post(SUPERVISOR, PEOPLE)) for _ in range(8)]
        await settled(gateway, "active", 8)
        for role in (SUPERVISOR, "front_desk"):
            ninth = await gateway.post(role, PEOPLE)
            assert (ninth.status_code, codes(ninth)) == (503, {"FW502"})
        metrics = (await gateway.client.get("/metrics")).text
        assert f'fieldward_connections{{role="{SUPERVISOR}"}} 8.0' in metrics
        assert "fieldward_connection_waits 2.0" in metrics
        assert (await gateway.client.get("/readyz")).json() == {"ready": True}
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
        login = floor_role(database_of(gateway.owner_url), SUPERVISOR)
        await owner.execute(f'alter role "{login}" connection limit 0')
        try:
            waiting = await asyncio.gather(*(gateway.post(SUPERVISOR, PEOPLE) for _ in range(4)))
            assert {answer.status_code for answer in waiting} <= {200, 503}
            assert 503 in {answer.status_code for answer in waiting}
            for answer in waiting:
                assert answer.status_code == 200 or codes(answer) == {"FW502"}
        finally:
            await owner.execute(f'alter role "{login}" connection limit -1')
        assert "errors" not in await gateway.ask(SUPERVISOR, PEOPLE)


async def test_a_gateway_that_is_not_let_in_itself_is_not_ready(seeded: str) -> None:
    """Readiness asks with the gateway's own login."""
    async with gateway_over(seeded) as gateway, connected(server()) as admin:
        assert (await gateway.client.get("/readyz")).json() == {"ready": True}
        await admin.execute(f"alter role {LOGIN} nologin")
        try:
            await admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where usename = $1 and datname = $2",
                LOGIN,
                database_of(gateway.owner_url),
            )
            for _ in range(2):
                ready = await gateway.client.get("/readyz")
                assert (ready.status_code, ready.json()["ready"]) == (503, False)
        finally:
            await admin.execute(f"alter role {LOGIN} login")
        assert (await gateway.client.get("/readyz")).json() == {"ready": True}
