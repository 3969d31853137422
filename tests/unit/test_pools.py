"""Connections of many roles within one budget, against a real PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from db import budget
from db import pools as pools_module
from db.budget import Budget
from db.embedded import EmbeddedServer
from db.errors import DatabaseUnavailable, PrivilegeMissing, StatementFailed, StatementTimeout
from db.execute import Inputs, execute
from db.floor_login import floor_role, password
from db.pools import Pools, database_of
from db.sql.pieces import Statement
from tests.database import connected, fresh_database, server

SECRET = b"a secret of the tests, long enough"
ROLES = ("a", "b", "c", "d")
WHO = "select current_user::text, session_user::text"
NOBODYS = Inputs((), {}, None, "", 1)  # type: ignore[arg-type]  # no statement here reads the day


async def make_roles(owner: asyncpg.Connection, database: str) -> None:
    """Logins as the floor makes them, with no grants."""
    for role in ROLES:
        name, secret = floor_role(database, role), password(SECRET, database, role)
        await owner.execute(f"create role \"{name}\" login password '{secret}'")


@pytest.fixture(scope="module")
async def owner_url() -> AsyncIterator[str]:
    """URL of the owner of an empty database with the roles."""
    async with fresh_database() as url:
        database = database_of(url)
        async with connected(url) as owner:
            await make_roles(owner, database)
        yield url


@asynccontextmanager
async def pools_of(url: str, most: int, **settings: float) -> AsyncIterator[Pools]:
    """Pools that are closed in the end, and have left no session behind."""
    pools = Pools(url, SECRET, most, **settings)
    try:
        yield pools
    finally:
        await pools.close()
        async with connected(url) as owner:
            assert await sessions(owner) == 0


async def sessions(owner: asyncpg.Connection) -> int:
    """Sessions of the database's roles that PostgreSQL has now."""
    count: int = await owner.fetchval(
        "select count(*) from pg_stat_activity where datname = current_database() "
        "and usename like current_database() || ':%'"
    )
    return count


async def asleep(name: str) -> None:
    """Returns when a session of a role sleeps; only a superuser sees what others do."""
    async with connected(server()) as admin:
        for _ in range(500):
            if await admin.fetchval(
                "select exists (select from pg_stat_activity where usename = $1 "
                "and wait_event = 'PgSleep')",
                name,
            ):
                return
            await asyncio.sleep(0.01)
    raise AssertionError("nobody sleeps")


async def name_of(pools: Pools, role: str) -> str:
    async with pools.acquire(role) as connection:
        name, session = await connection.fetchrow(WHO)
    assert name == session
    return str(name)


async def process_of(pools: Pools, role: str) -> int:
    async with pools.acquire(role) as connection:
        return int(connection.get_server_pid())


async def test_a_request_runs_as_its_own_role_and_reuses_the_last_connection(
    owner_url: str,
) -> None:
    database = database_of(owner_url)
    async with pools_of(owner_url, 4) as pools:
        assert pools.open() == {}
        for role in ROLES:
            assert await name_of(pools, role) == floor_role(database, role)
        assert pools.open() == dict.fromkeys(ROLES, 1)
        async with pools.acquire("a") as one:
            assert await one.fetchval("show default_transaction_read_only") == "on"
            assert await one.fetchval("show application_name") == "fieldward"
            assert await one.fetchval("select '{\"a\": 1}'::json") == b'{"a": 1}'
            async with pools.acquire("a") as other:
                last = other.get_server_pid()
            async with pools.acquire("a") as again:
                assert again.get_server_pid() == last
        async with pools.own() as own:
            assert await own.fetchval("select current_user::text") not in {
                floor_role(database, role) for role in ROLES
            }


async def test_at_the_budget_the_longest_idle_connection_of_another_role_makes_room(
    owner_url: str,
) -> None:
    async with pools_of(owner_url, 3) as pools, connected(owner_url) as owner:
        for role in ("b", "a", "c", "b"):
            await name_of(pools, role)
        kept = await process_of(pools, "b")
        await name_of(pools, "d")
        assert pools.open() == {"b": 1, "c": 1, "d": 1}
        assert await sessions(owner) == 3
        assert await process_of(pools, "b") == kept


async def test_who_came_first_is_served_first(
    owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "_PATIENCE", 0.0)
    async with pools_of(owner_url, 1) as pools:
        served: list[str] = []

        async def ask(role: str) -> None:
            async with pools.acquire(role):
                served.append(role)
                await asyncio.sleep(0)

        async with pools.acquire("a"):
            asking = []
            for role in ("b", "a", "c", "a"):
                asking.append(asyncio.create_task(ask(role)))
                await asyncio.sleep(0)
        await asyncio.gather(*asking)
        assert served == ["b", "a", "c", "a"]
        assert pools.waits == 4


async def test_roles_that_come_and_go_by_chance_do_not_take_connections_from_each_other(
    owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "_PATIENCE", 60.0)
    opened = 0
    open_session = pools_module.open_session

    async def counting(*given: object, **settings: float) -> asyncpg.Connection:
        nonlocal opened
        opened += 1
        return await open_session(*given, **settings)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(pools_module, "open_session", counting)
    chance = random.Random(5)
    async with pools_of(owner_url, 6) as pools:

        async def client() -> None:
            for _ in range(50):
                await name_of(pools, chance.choice(ROLES))

        for role in ROLES:
            await name_of(pools, role)
        await asyncio.gather(*(client() for _ in range(8)))
        assert opened == 6
        assert pools.waits > 0


async def test_a_role_that_is_always_busy_keeps_nobody_waiting_for_good(owner_url: str) -> None:
    async with pools_of(owner_url, 1) as pools:

        async def busy() -> None:
            while True:
                await name_of(pools, "a")

        crowd = [asyncio.create_task(busy()) for _ in range(3)]
        for role in ("b", "c"):
            assert await name_of(pools, role) == floor_role(database_of(owner_url), role)
        for task in crowd:
            task.cancel()
        found = await asyncio.gather(*crowd, return_exceptions=True)
        assert {type(each) for each in found} == {asyncio.CancelledError}


async def test_who_waits_too_long_is_told_and_takes_nothing_along(owner_url: str) -> None:
    async with pools_of(owner_url, 1, wait_seconds=0.5) as pools:
        async with pools.acquire("a"):
            with pytest.raises(DatabaseUnavailable):
                await name_of(pools, "b")
        assert await name_of(pools, "b") == floor_role(database_of(owner_url), "b")


async def open_transaction(connection: asyncpg.Connection) -> None:
    await connection.execute("begin")


async def aborted_transaction(connection: asyncpg.Connection) -> None:
    await connection.execute("begin")
    with contextlib.suppress(asyncpg.PostgresError):
        await connection.execute("select 1/0")


async def lost(connection: asyncpg.Connection) -> None:
    connection.terminate()


async def timed_out(connection: asyncpg.Connection) -> None:
    with contextlib.suppress(TimeoutError):
        await connection.fetchval("select pg_sleep(60)", timeout=0.01)
    raise LookupError


async def mistaken(_: asyncpg.Connection) -> None:
    raise LookupError


async def ended_by_the_server(connection: asyncpg.Connection) -> None:
    await connection.execute("select pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize(
    "leave",
    [open_transaction, aborted_transaction, lost, timed_out, mistaken, ended_by_the_server],
    ids=lambda leave: leave.__name__,
)
async def test_a_doubtful_connection_is_never_used_again(leave, owner_url: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - one of the functions above
    async with pools_of(owner_url, 1) as pools:
        first = await process_of(pools, "a")
        with contextlib.suppress(LookupError, asyncpg.PostgresError):
            async with pools.acquire("a") as connection:
                await leave(connection)
        assert await process_of(pools, "a") != first
        assert pools.open() == {"a": 1}


async def test_a_connection_whose_statement_was_refused_is_used_again(owner_url: str) -> None:
    async with pools_of(owner_url, 1, statement_seconds=0.02) as pools:
        first = await process_of(pools, "a")
        for statement, error in (
            ("select 1/0", asyncpg.DivisionByZeroError),
            ("select * from pg_authid", asyncpg.InsufficientPrivilegeError),
            ("select pg_sleep(60)", asyncpg.QueryCanceledError),
        ):
            with pytest.raises(error):
                async with pools.acquire("a") as connection:
                    await connection.fetch(statement)
        assert await process_of(pools, "a") == first


async def test_a_request_that_is_cancelled_ends_its_statement_and_gives_its_place_back(
    owner_url: str,
) -> None:
    async with pools_of(owner_url, 1) as pools, connected(owner_url) as owner:
        statement = Statement("select pg_sleep(600)", (), frozenset())
        asked = asyncio.create_task(execute(pools, "a", statement, NOBODYS))
        await asleep(floor_role(database_of(owner_url), "a"))
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        assert await name_of(pools, "b") == floor_role(database_of(owner_url), "b")
        assert await sessions(owner) == 1


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("select * from pg_authid", PrivilegeMissing),
        ("select 1/0", StatementFailed),
        ("select pg_sleep(60)", StatementTimeout),
        ("select pg_terminate_backend(pg_backend_pid())", DatabaseUnavailable),
        ("select where false", StatementFailed),
    ],
)
async def test_a_statement_that_fails_says_so_without_words_of_the_driver(
    text: str, error: type[Exception], owner_url: str
) -> None:
    async with pools_of(owner_url, 1, statement_seconds=0.05) as pools:
        with pytest.raises(error) as refused:
            await execute(pools, "a", Statement(text, (), frozenset()), NOBODYS)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    for word in ("pg_authid", "permission", "division", "terminating"):
        assert word not in str(refused.value)


async def test_a_role_that_may_not_log_in_is_no_defect_and_costs_no_place(owner_url: str) -> None:
    pools = Pools(owner_url, b"another secret than that of the roles", 1)
    try:
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable) as refused:
                await name_of(pools, "a")
            assert refused.value.detail == "InvalidPasswordError"
            assert refused.value.__suppress_context__
        assert pools.open() == {}
    finally:
        await pools.close()


async def test_pools_that_are_closed_give_nothing_and_tell_those_who_wait(owner_url: str) -> None:
    async with pools_of(owner_url, 1) as pools:
        async with pools.acquire("a"):
            waiting = asyncio.create_task(name_of(pools, "b"))
            await asyncio.sleep(0)
            await pools.close()
        with pytest.raises(DatabaseUnavailable):
            await waiting
        with pytest.raises(DatabaseUnavailable):
            await name_of(pools, "a")


async def test_under_cancellations_at_random_points_the_budget_holds_and_no_place_is_lost(
    owner_url: str,
) -> None:
    """Never more sessions than the budget, by PostgreSQL's count; never another role's."""
    database, most, chance = database_of(owner_url), 5, random.Random(11)
    answered = cancelled = 0
    done = asyncio.Event()

    async def watch(most: list[int]) -> None:
        async with connected(owner_url) as owner:
            while not done.is_set():
                most.append(await sessions(owner))

    async def ask(role: str) -> None:
        nonlocal answered
        async with pools.acquire(role) as connection:
            name, _, _ = await connection.fetchrow(
                "select current_user::text, session_user::text, pg_sleep($1)",
                chance.random() / 200,
            )
            assert name == floor_role(database, role)
        answered += 1

    async def client() -> None:
        nonlocal cancelled
        for _ in range(12):
            asked = asyncio.create_task(ask(chance.choice(ROLES)))
            if chance.random() < 0.4:
                await asyncio.sleep(chance.random() / 30)
                asked.cancel()
            (result,) = await asyncio.gather(asked, return_exceptions=True)
            assert result is None or isinstance(result, asyncio.CancelledError)
            cancelled += result is not None

    async with pools_of(owner_url, most) as pools:
        counts: list[int] = []
        watching = asyncio.create_task(watch(counts))
        await asyncio.gather(*(client() for _ in range(24)))
        done.set()
        await watching
        assert answered > 50
        assert cancelled > 20
        assert 0 < max(counts) <= most
        # All places are still there, for one role as for many.
        for roles in (["a"] * most, [*ROLES, "a"]):
            async with AsyncExitStack() as held:
                names = [
                    await (await held.enter_async_context(pools.acquire(role))).fetchval(
                        "select current_user::text"
                    )
                    for role in roles
                ]
                assert names == [floor_role(database, role) for role in roles]
                assert sum(pools.open().values()) == most


async def test_a_place_is_not_lost_to_a_waiter_who_leaves_as_it_is_served(owner_url: str) -> None:
    async with pools_of(owner_url, 1) as pools:
        for wait in range(4):
            async with pools.acquire("a"):
                waiting = asyncio.create_task(name_of(pools, "a"))
                await asyncio.sleep(0)
            for _ in range(wait):
                await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            assert await name_of(pools, "a")


async def test_a_connection_that_cannot_be_opened_fails_the_one_who_asked_alone() -> None:
    """Whatever it is that keeps it from opening, and whether or not that one is still there."""

    async def fail(name: str) -> asyncpg.Connection:
        await asyncio.sleep(0)
        raise LookupError(name)

    failing = Budget(1, fail)
    first, second = (asyncio.create_task(_enter(failing, name)) for name in "ab")
    await asyncio.sleep(0)
    third = asyncio.create_task(_enter(failing, "c"))
    await asyncio.sleep(0)
    third.cancel()
    found = await asyncio.gather(first, second, third, return_exceptions=True)
    assert [type(each) for each in found] == [LookupError, LookupError, asyncio.CancelledError]
    assert [str(each) for each in found[:2]] == ["a", "b"]
    await failing.close()


async def _enter(failing: Budget, name: str) -> None:
    async with failing.acquire(name):
        raise AssertionError


async def test_a_server_that_starts_again_is_found_again() -> None:
    with tempfile.TemporaryDirectory() as ground:
        os.chmod(ground, 0o755)  # noqa: S103 - the server's account has to enter, under root
        embedded = EmbeddedServer(Path(ground) / "server")
        urls = embedded.start()
        try:
            async with connected(urls.admin) as owner:
                await make_roles(owner, database_of(urls.admin))
            async with pools_of(urls.gateway, 2, connect_seconds=2) as pools:
                before = await process_of(pools, "a")
                await asyncio.to_thread(embedded.stop)
                for role in ("a", "b"):
                    with pytest.raises(DatabaseUnavailable):
                        await execute(pools, role, Statement("select 1", (), frozenset()), NOBODYS)
                assert pools.open() == {}
                await asyncio.to_thread(embedded.start)
                assert await process_of(pools, "a") != before
                assert await name_of(pools, "b") == "fieldward:b"
        finally:
            await asyncio.to_thread(embedded.discard)


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("postgresql://gateway:x@db:5432/medicaid?sslmode=require", "medicaid"),
        ("postgresql://gateway@db/state%20records", "state records"),
        ("postgresql://gateway@db", "gateway"),
        ("postgresql:///medicaid", "medicaid"),
    ],
)
def test_the_database_is_the_one_that_the_url_names(url: str, database: str) -> None:
    assert database_of(url) == database
