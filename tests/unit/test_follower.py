"""Looks at the head are shared by those who asked before they began, and by nobody else."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import casbin
import pytest

from authz import drift_watch, enforcer, head_reader, recent
from authz.document import Document
from authz.drift_watch import DriftWatch
from authz.follower import Cause, Follower
from authz.head_reader import HeadReader
from authz.packaged import load_seed
from authz.recent import Recent
from authz.snapshot import take
from authz.store import Head, document_of
from db.catalog_records import CATALOG
from db.errors import DatabaseUnavailable, FloorDrift, FloorMissing, StalePolicy
from db.head import Seen, look

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import asyncpg

POLICY, ORDERS = load_seed(CATALOG)
DOCUMENT = document_of(POLICY, ORDERS)
AS_OF = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Slow:
    """A database whose looks at the head last until they are let go, one after the other."""

    def __init__(self) -> None:
        self.number = 1
        self.begun = 0
        self.free = asyncio.Semaphore(2)
        self.may_end = asyncio.Event()
        self.away = False

    @asynccontextmanager
    async def own(self) -> AsyncIterator[Slow]:
        """A connection, of which there are two."""
        if self.away:
            raise DatabaseUnavailable
        async with self.free:
            yield self

    async def look(self, _: object, *known: object) -> Seen | None:
        """The head as it is when the look begins."""
        self.begun += 1
        number = self.number
        await self.may_end.wait()
        return Seen(number, str(number), None if known[0] == number else DOCUMENT)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    """The database that readers of a test look at."""
    made = Slow()

    async def looked(connection: asyncpg.Connection, number: int, digest: str = "") -> Seen | None:
        # A gateway that other tests keep for the session runs in this loop, and its follower looks
        # by itself: at the head of its own database, and not in place of a look that is counted.
        return await (made.look if connection is made else look)(connection, number, digest)

    monkeypatch.setattr(head_reader, "look", looked)
    monkeypatch.setattr(drift_watch, "look", looked)
    return made


def reader(slow: Slow) -> HeadReader:
    return HeadReader(slow, lambda: (0, ""))  # type: ignore[arg-type]  # in place of connections


async def turns() -> None:
    """Lets everything that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_asks_together_shares_a_look(slow: Slow) -> None:
    read = reader(slow)
    asked = [asyncio.create_task(read.read()) for _ in range(50)]
    await turns()
    slow.may_end.set()
    assert {order for order, _ in await asyncio.gather(*asked)} == {1}
    assert slow.begun == 1


async def test_a_look_that_has_begun_answers_nobody_who_asks_later(slow: Slow) -> None:
    read = reader(slow)
    first = asyncio.create_task(read.read())
    await turns()
    slow.number = 2  # what the second was refused under is older than this
    later = [asyncio.create_task(read.read()) for _ in range(50)]
    await turns()
    slow.may_end.set()
    assert (await first)[1].number == 1
    assert {seen.number for _, seen in await asyncio.gather(*later)} == {2}
    assert slow.begun == 2


async def test_who_waits_for_a_connection_has_not_begun(slow: Slow) -> None:
    read = reader(slow)
    tasks = []
    for _ in range(5):
        tasks.append(asyncio.create_task(read.read()))
        await turns()
    assert slow.begun == 2  # the third waits for a connection, and the others join it
    slow.number = 7
    slow.may_end.set()
    found = [(order, seen.number) for order, seen in await asyncio.gather(*tasks)]
    assert found == [(1, 1), (2, 1), (3, 7), (3, 7), (3, 7)]


async def test_one_who_leaves_does_not_end_the_look_of_the_others(slow: Slow) -> None:
    read = reader(slow)
    leaves, stays = (asyncio.create_task(read.read()) for _ in range(2))
    await turns()
    leaves.cancel()
    await turns()
    slow.may_end.set()
    assert (await stays)[1].number == 1


async def test_after_a_look_that_failed_the_next_one_begins_anew(slow: Slow) -> None:
    read = reader(slow)
    slow.away = True
    with pytest.raises(DatabaseUnavailable):
        await read.read()
    slow.away = False
    slow.may_end.set()
    assert (await read.read())[1].number == 1


async def test_without_a_head_there_is_nothing_to_follow(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(slow, "look", nothing)
    with pytest.raises(FloorMissing):
        await reader(slow).read()


# What is kept of policies


async def test_a_policy_is_parsed_once_for_all_and_again_only_where_its_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = Counter[str]()
    original = recent.read_document

    def counted(*arguments: object) -> object:
        read["documents"] += 1
        return original(*arguments)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(recent, "read_document", counted)
    kept = Recent()
    made = await asyncio.gather(*(kept.snapshot(n, DOCUMENT, AS_OF) for n in range(1, 9)))
    assert read["documents"] == 1
    assert [snapshot.number for snapshot in made] == [*range(1, 9)]
    await kept.decide(made[0], ["front_desk", "nobody"])
    # What was decided under one number is decided under all.
    assert all(snapshot.decided == {"front_desk"} for snapshot in made)
    before = min(change.at for order in ORDERS for change in order.history)
    early = await kept.snapshot(1, DOCUMENT, before.replace(year=before.year - 1))
    assert early.version != made[0].version
    assert read["documents"] == 2


async def test_a_text_that_cannot_be_read_is_an_error_each_time_and_kept_for_nobody() -> None:
    from authz.errors import DocumentInvalid

    kept = Recent()
    for _ in range(2):
        with pytest.raises(DocumentInvalid):
            await kept.snapshot(1, "{", AS_OF)


async def test_few_policies_are_kept() -> None:
    kept = Recent()
    for number in range(12):
        await kept.snapshot(1, DOCUMENT + " " * number, AS_OF)
    assert len(kept._made) == 8


def test_casbin_is_asked_by_one_thread_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPython 3.11 may fail where two threads parse at once, which Casbin does for a question."""
    inside = Counter[str]()
    enforce = casbin.Enforcer.enforce

    def alone(self: casbin.Enforcer, *question: object) -> bool:
        inside["now"] += 1
        inside["most"] = max(inside["most"], inside["now"])
        assert enforcer._ONE_AT_A_TIME.locked()
        found: bool = enforce(self, *question)
        inside["now"] -= 1
        return found

    monkeypatch.setattr(casbin.Enforcer, "enforce", alone)
    threads = [
        threading.Thread(target=enforcer.decision_set, args=(POLICY, role))
        for role in ("front_desk", "provider", "break_glass")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    enforcer.decide(POLICY, "front_desk", "Enrollee.lastName", "read")
    enforcer.enforcer_for(POLICY)
    assert inside["most"] == 1


# The follower


def follower(slow: Slow) -> Follower:
    made = Follower(slow, Head(1, "1", Document(POLICY, ORDERS)), AS_OF)  # type: ignore[arg-type]  # as above
    made._watch._pools = slow  # type: ignore[assignment]  # as above
    return made


async def test_a_look_that_began_earlier_and_ends_later_changes_nothing(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = [asyncio.Event(), asyncio.Event()]

    async def one_of_two(*_: object) -> Seen:
        place = slow.begun
        slow.begun += 1
        await ends[place].wait()
        return Seen(place + 2, "x", DOCUMENT)

    monkeypatch.setattr(slow, "look", one_of_two)
    made = follower(slow)
    earlier = asyncio.create_task(made.catch_up(AS_OF, Cause.STALE))
    await turns()
    later = asyncio.create_task(made.catch_up(AS_OF, Cause.STALE))
    await turns()
    ends[1].set()
    assert (await later).number == 3
    ends[0].set()
    assert (await earlier).number == 3
    assert made.refreshes == Counter({Cause.STALE: 1})


async def test_an_older_number_that_is_the_head_is_followed(slow: Slow) -> None:
    """A database that was restored goes on from where it was."""
    slow.may_end.set()
    made = follower(slow)
    slow.number = 9
    assert (await made.catch_up(AS_OF, Cause.STALE)).number == 9
    slow.number = 4
    assert (await made.catch_up(AS_OF, Cause.STALE)).number == 4


async def test_what_is_answered_without_a_statement_is_confirmed(slow: Slow) -> None:
    slow.may_end.set()
    made = follower(slow)
    await made.confirm(made.current(AS_OF))
    slow.number = 2
    with pytest.raises(StalePolicy):
        await made.confirm(made.current(AS_OF))


# Drift


@asynccontextmanager
async def watching(
    slow: Slow, monkeypatch: pytest.MonkeyPatch, differing: Callable[[], tuple[str, ...]]
) -> AsyncIterator[DriftWatch]:
    """A watch that runs over a database with these differences."""

    async def differences(*_: object) -> tuple[str, ...]:
        found = differing()
        if found == ("away",):
            raise DatabaseUnavailable
        return found

    slow.may_end.set()
    monkeypatch.setattr(drift_watch, "differences", differences)
    monkeypatch.setattr(drift_watch, "_LEAST_REST", 0)
    monkeypatch.setattr(drift_watch, "_REST", 0)
    monkeypatch.setattr(drift_watch, "_AWAY_REST", 0)
    snapshot = take(POLICY, ORDERS, AS_OF, 1)
    watch = DriftWatch(slow, lambda: snapshot)  # type: ignore[arg-type]  # in place of connections
    task = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def checked(watch: DriftWatch, times: int = 1) -> None:
    """Waits until it has looked so many times more."""
    last = watch.checks + times
    watch.want()
    async with asyncio.timeout(30):
        while watch.checks < last:  # noqa: ASYNC110 - a check has no event
            await asyncio.sleep(0.01)


async def test_drift_is_said_once_and_is_over_when_a_check_finds_none(
    slow: Slow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found: tuple[str, ...] = ("role a has SELECT",)
    async with watching(slow, monkeypatch, lambda: found) as watch:
        watch.refuse()
        for _ in range(3):
            await checked(watch)
            with pytest.raises(FloorDrift):
                watch.refuse()
        found = ()
        await checked(watch)
        watch.refuse()
    errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert errors == ["FW509 role a has SELECT"]


async def test_a_difference_that_is_gone_at_the_second_look_is_none(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([("in the middle of a repair",), ()])
    async with watching(slow, monkeypatch, lambda: next(looks)) as watch:
        await checked(watch)
        watch.refuse()


async def test_grants_of_a_version_that_is_not_in_use_yet_are_no_drift(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow.number = 2
    async with watching(slow, monkeypatch, lambda: ("of the next version",)) as watch:
        await checked(watch)
        watch.refuse()


async def test_a_check_that_cannot_be_made_is_made_later_and_one_that_fails_is_drift(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([("away",), ("away",), ()])
    async with watching(slow, monkeypatch, lambda: next(looks)) as watch:
        await checked(watch)
        watch.refuse()

        def broken(*_: object) -> None:
            raise RuntimeError("a value of a record")

        monkeypatch.setattr(drift_watch, "floor_of", broken)
        watch.want()
        async with asyncio.timeout(30):
            while not watch.found:  # noqa: ASYNC110 - a verdict has no event
                await asyncio.sleep(0.01)
        assert watch.found == ("the floor could not be checked: RuntimeError ",)
