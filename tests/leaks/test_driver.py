"""Words of the driver, of libraries and of callers: none of them in an answer or a log."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING

import asyncpg
import pytest

from db.errors import StatementTimeout
from db.execute import Inputs, execute
from db.floor_login import floor_role
from db.guard import CHANNEL
from db.pools import Pools, database_of
from db.sql.pieces import Statement
from tests.database import FLOOR_SECRET, connected, login_url
from tests.gateway import Gateway, gateway_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.leaks.conftest import Heard

SUPERVISOR = "eligibility_supervisor"


@asynccontextmanager
async def broken(template: str) -> AsyncIterator[tuple[Gateway, asyncpg.Connection]]:
    """A gateway whose database may be broken, and its owner."""
    async with gateway_over(template) as gateway, connected(gateway.owner_url) as connection:
        yield gateway, connection


CONSTANT = {
    "FW502": "the database is not available",
    "FW503": "the statement could not be executed",
    "FW507": "the operation took too long",
    "FW509": "the database's grants differ from the policy",
}
PERSON = "query($i:String!){enrollee(medicaidId:$i){lastName dateOfBirth}}"
SECRET = "198765432"


async def waiting(peer: asyncpg.Connection) -> None:
    """Returns when a session of the gateway waits for a lock."""
    for _ in range(500):
        if await peer.fetchval(
            "select exists (select from pg_stat_activity where datname = current_database() "
            "and usename = current_user and wait_event_type = 'Lock')"
        ):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


async def said(heard: Heard, words: str) -> None:
    """Waits until a line of the log holds these words."""
    async with asyncio.timeout(30):
        while not any(words in line for line in heard.lines):  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)


async def test_no_word_of_the_driver_reaches_a_client_or_a_log(seeded: str, heard: Heard) -> None:
    """A statement is made to fail in every way that a running gateway meets."""
    async with broken(seeded) as (gateway, owner):

        async def failing(code: str) -> None:
            answer = await gateway.post(SUPERVISOR, PERSON, {"i": SECRET})
            assert answer.json() == {
                "errors": [{"message": CONSTANT[code], "extensions": {"code": code}}]
            }
            assert answer.headers["cache-control"] == "no-store"
            assert answer.status_code == (500 if code == "FW503" else 503)

        async def working() -> None:
            assert "errors" not in await gateway.ask(SUPERVISOR, PERSON, {"i": SECRET})

        login = floor_role(database_of(gateway.owner_url), SUPERVISOR)
        revoke = 'revoke select (eligible_last_name) on medicaid.enrollee from "{}"'
        grant = 'grant select (eligible_last_name) on medicaid.enrollee to "{}"'
        await owner.execute(revoke.format(login))
        await failing("FW509")
        # The check behind the requests says what differs, and later that nothing does.
        await said(heard, "eligible_last_name")
        await failing("FW509")
        await owner.execute(grant.format(login))
        await owner.execute("select pg_notify($1, '')", CHANNEL)
        await said(heard, "grants are those of the policy again")
        await working()
        await owner.execute("alter table medicaid.enrollee rename eligible_last_name to gone")
        await failing("FW503")
        await owner.execute("alter table medicaid.enrollee rename gone to eligible_last_name")
        await working()
        others = (
            "select {}(pid) from pg_stat_activity where pid <> pg_backend_pid() "
            "and datname = current_database() and usename = current_user"
        )
        async with connected(login_url(gateway.owner_url, SUPERVISOR)) as peer:
            for call, code in (("pg_terminate_backend", "FW502"), ("pg_cancel_backend", "FW507")):
                async with owner.transaction():
                    await owner.execute("lock table medicaid.enrollee in access exclusive mode")
                    asked = asyncio.create_task(failing(code))
                    await waiting(peer)
                    await peer.fetch(others.format(call))
                    await asked
                await working()
            # Sessions that were idle when the server ended them: each may fail one request.
            await peer.fetch(others.format("pg_terminate_backend"))
            for _ in range(9):
                answer = await gateway.ask(SUPERVISOR, PERSON, {"i": SECRET})
                if "errors" not in answer:
                    break
                assert answer["errors"][0]["extensions"] == {"code": "FW502"}
            await working()
    ours = {line for line in heard.lines if " fieldward " in line}
    # The operator is told what differs, in our own words.
    (drift,) = {line for line in ours if "eligible_last_name" in line}
    assert ours - {drift} == {
        f"ERROR fieldward FW509 {SUPERVISOR} was refused what the policy in force gives it",
        "ERROR fieldward FW509 the last check found drift",
        "WARNING fieldward grants are those of the policy again",
        "ERROR fieldward FW502 ",
        "ERROR fieldward FW503 42703",
        "ERROR fieldward FW507 ",
    }
    text = "\n".join(line for line in heard.lines if line != drift)
    for word in (SECRET, "permission denied", "does not exist", "medicaid", "eligible", "DETAIL"):
        assert word not in text
    for word in (SECRET, "permission denied", "DETAIL"):
        assert word not in drift


async def test_a_statement_past_its_time_says_only_that(seeded: str) -> None:
    async with broken(seeded) as (gateway, owner):
        pools = Pools(gateway.gateway_url, FLOOR_SECRET, 1, statement_seconds=0.05)
        try:
            async with owner.transaction():
                await owner.execute("lock table medicaid.enrollee in access exclusive mode")
                statement = Statement("select from medicaid.enrollee", (), frozenset())
                inputs = Inputs((), {}, date(2026, 1, 1), "", 1)
                with pytest.raises(StatementTimeout) as refused:
                    await execute(pools, SUPERVISOR, statement, inputs)
            assert str(refused.value) == f"FW507: {CONSTANT['FW507']}"
            assert refused.value.__suppress_context__
            assert refused.value.__cause__ is None
        finally:
            await pools.close()
