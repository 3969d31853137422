"""Each process says which version it uses, and whoever asks sees those that are there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from authz import presence
from authz.follower import Follower, follow
from db.changes import approve
from db.pools import Pools
from db.session import open_session
from db.workers import Worker, workers
from tests.changing import OTHER, Changing, changing
from tests.database import FLOOR_SECRET, connected, migrated_template, server


@pytest.fixture(scope="module")
async def store() -> AsyncIterator[Changing]:
    """A store that the tests of this module share."""
    async with migrated_template() as template, changing(template) as made:
        yield made


@asynccontextmanager
async def process(store: Changing) -> AsyncIterator[Follower]:
    """What a process does of its own accord, as it answers requests."""
    pools = Pools(store.gateway_url, FLOOR_SECRET)
    try:
        made = await follow(pools, datetime.now(UTC), poll_seconds=600)
        async with made.following():
            yield made
    finally:
        await pools.close()


async def until(look: Callable[[], Awaitable[object]]) -> None:
    """Waits until what is looked at is true."""
    async with asyncio.timeout(30):
        while not await look():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def seen(
    store: Changing, as_wanted: Callable[[tuple[Worker, ...]], object]
) -> tuple[Worker, ...]:
    """The workers, once they are as they should be."""
    found: list[tuple[Worker, ...]] = []

    async def look() -> object:
        found.append(await workers(store.gateway))
        return as_wanted(found[-1])

    await until(look)
    return found[-1]


async def commit(store: Changing, label: int, *, emergency: bool = False) -> int:
    change = await store.proposed(label, emergency=emergency)
    if not emergency:
        await approve(store.gateway, change, OTHER, "")
    await store.commit(change, label)
    return change


async def test_every_process_says_what_it_uses_as_soon_as_it_does_and_leaves(
    store: Changing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "SECONDS", 600)
    assert await workers(store.gateway) == ()
    async with process(store), process(store):
        head = await store.head()
        two = await seen(store, lambda found: [w.number for w in found] == [head, head])
        assert {worker.name for worker in two} == {presence.Presence(lambda: 0)._name}
        await commit(store, 1)
        later = await seen(store, lambda found: [w.number for w in found] == [head + 1] * 2)
        assert {w.started_at for w in later} == {w.started_at for w in two}
        assert min(w.seen_at for w in later) > max(w.seen_at for w in two)
    assert await workers(store.gateway) == ()


async def test_whoever_is_silent_is_seen_no_more_and_then_forgotten(store: Changing) -> None:
    await store.owner.execute(
        "insert into fieldward.worker (worker, name, number, started_at, seen_at)"
        " select gen_random_uuid(), 'gone', 1, now(), now() - s * interval '1 second'"
        " from unnest(array[10, 21]) s"
    )
    count = "select count(*) from fieldward.worker"
    assert [worker.name for worker in await workers(store.gateway)] == ["gone"]
    assert await store.owner.fetchval(count) == 2
    async with process(store):
        await seen(store, lambda found: len(found) == 2)
        assert await store.owner.fetchval(count) == 2
    await store.owner.execute("delete from fieldward.worker")


async def test_who_cannot_tell_goes_on_and_says_so_once(
    store: Changing, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(presence, "SECONDS", 0.01)
    function = "execute on function fieldward.acknowledge_worker"
    await store.owner.execute(f"revoke {function} from fieldward_test_gateway")
    try:
        async with process(store) as follower:

            async def listens() -> bool:
                return follower.listening

            async def is_new() -> bool:
                return follower.number == await store.head()

            await until(listens)
            await commit(store, 2)
            await until(is_new)
            assert await workers(store.gateway) == ()
            said = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
            assert said == ["which version this process uses could not be told: FW503 42501"]
            await store.owner.execute(f"grant {function} to fieldward_test_gateway")
            await seen(store, lambda found: len(found) == 1)
    finally:
        await store.owner.execute(f"grant {function} to fieldward_test_gateway")


async def test_a_connection_that_was_cut_or_says_nothing_is_another_one_soon(
    store: Changing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "SECONDS", 0.1)
    monkeypatch.setattr(presence, "_SECONDS_TO_ANSWER", 1.0)
    find = (
        "select pid from pg_stat_activity"
        " where datname = $1 and application_name = 'fieldward listener' and pid <> all ($2::int[])"
    )
    database = await store.owner.fetchval("select current_database()")
    async with process(store), connected(server()) as superuser:
        await seen(store, lambda found: len(found) == 1)
        known: list[int] = []

        async def another() -> bool:
            pid = await superuser.fetchval(find, database, known)
            known.extend([pid] if pid else [])
            return bool(pid)

        await until(another)
        await superuser.fetchval("select pg_terminate_backend($1)", known[0])
        await until(another)
        # It waits for a lock as for an answer that never comes.
        async with store.owner.transaction():
            await store.owner.execute("lock table fieldward.worker")
            await until(another)
        assert len(known) == 3


async def test_a_process_knows_of_emergencies_that_nobody_looked_at(
    store: Changing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "SECONDS", 0.01)
    change = await commit(store, 3, emergency=True)
    async with process(store) as follower:
        await seen(store, lambda found: len(found) == 1)
        assert follower.overdue == 0
        await store.owner.execute("alter table fieldward.policy_change disable trigger hold")
        await store.owner.execute(
            "update fieldward.policy_change set approval_due = now() where id = $1", change
        )
        await store.owner.execute("alter table fieldward.policy_change enable trigger hold")

        async def none_is() -> bool:
            return follower.overdue == 0

        async def one_is() -> bool:
            return follower.overdue == 1

        await until(one_is)
        await approve(store.gateway, change, OTHER, "late")
        await until(none_is)


async def test_a_session_says_what_it_is_for(store: Changing) -> None:
    for purpose, name in (("", "fieldward"), ("listener", "fieldward listener")):
        session = await open_session(store.gateway_url, purpose=purpose)
        assert await session.fetchval("show application_name") == name
        await session.close()
