"""A commit that is interrupted leaves all of the old version or all of the new one: head, grants,
state and events of the change, and what else was proposed. Afterwards it can be committed, or is.

`FIELDWARD_CASES` says how many are interrupted at moments of chance.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from db.changes import change
from db.embedded import EmbeddedServer
from db.errors import ChangeClosed, DatabaseUnavailable, StatementTimeout
from db.floor_apply import stored_head
from db.floor_drift import differences
from db.floor_login import floor_role
from db.migrate import migrate
from db.pools import database_of
from db.session import open_session
from tests.changing import Changing, changing
from tests.database import connected, floored, migrated_template, server
from tests.gateway import gateway_login
from tests.properties.policies_in_turn import ROLES, policy, ready

CASES = int(os.environ.get("FIELDWARD_CASES", "0"))
SEED = int(os.environ.get("FIELDWARD_SEED", "20260106"))
KILLS = max(2, CASES // 20)
_WAITING = "select wait_event_type = 'Lock' from pg_stat_activity where pid = $1"
_THERE = "select exists (select from pg_stat_activity where pid = $1)"


@dataclass(frozen=True)
class State:
    """All that a commit changes, but for its number: `moved` is by how much the head did."""

    moved: int
    versions: int
    change: str
    of_version: int | None
    events: tuple[str, ...]
    other: str
    label: int
    drift: tuple[str, ...]


@dataclass
class Commit:
    """A change that is approved, another that is proposed, and the version before both."""

    store: Changing
    label: int
    head: int
    change: int
    other: int

    @property
    def before(self) -> State:
        """As if it was never begun."""
        return State(
            0, 0, "approved", None, ("proposed", "approved"), "proposed", 3 - self.label, ()
        )

    @property
    def after(self) -> State:
        """As if nothing had come between."""
        events = ("proposed", "approved", "committed")
        return State(1, 1, "committed", self.head + 1, events, "superseded", self.label, ())

    async def state(self) -> State:
        """As the owner finds it."""
        owner = self.store.owner
        found, other = [await change(owner, each) for each in (self.change, self.other)]
        stored = await stored_head(owner)
        assert stored is not None
        labels = [n for n in (1, 2) if ready(n).document == stored.document]
        return State(
            stored.number - self.head,
            await owner.fetchval("select max(number) from fieldward.policy_version") - self.head,
            found.state,
            found.version,
            tuple(event.event for event in found.events),
            other.state,
            labels[0],
            await differences(owner),
        )

    async def finish(self) -> None:
        """Commits it where it is not committed; then all is as it should be."""
        if await self.state() == self.before:
            assert await self.store.commit(self.change, self.label) == self.head + 1
        else:
            with pytest.raises(ChangeClosed):
                await self.store.commit(self.change, self.label)
        assert await self.state() == self.after


async def prepared(store: Changing) -> Commit:
    """What is committed next: the head is one of two policies, and it is the other."""
    stored = await stored_head(store.owner)
    assert stored is not None
    label = 2 if stored.document == ready(1).document else 1
    approved = await store.approved(label)
    return Commit(store, label, stored.number, approved, await store.proposed(4))


@pytest.fixture(scope="module")
async def store() -> AsyncIterator[Changing]:
    """A store that the tests of this module share; its head is one of the two policies."""
    async with migrated_template() as template, changing(template) as made:
        await floored(made.owner_url, policy(1))
        yield made


@pytest.fixture(scope="module")
async def superuser(test_server: str) -> AsyncIterator[asyncpg.Connection]:
    """Whoever may end sessions of others."""
    async with connected(server()) as made:
        yield made


# How a commit is interrupted: given its session, its task, and who may end sessions

Ending = Callable[[asyncpg.Connection, asyncio.Task[int], asyncpg.Connection], Awaitable[object]]


async def ended_by_the_server(
    session: asyncpg.Connection, _: asyncio.Task[int], superuser: asyncpg.Connection
) -> None:
    await superuser.execute("select pg_terminate_backend($1)", session.get_server_pid())


async def aborted_by_the_client(
    session: asyncpg.Connection, _: asyncio.Task[int], __: asyncpg.Connection
) -> None:
    session.terminate()


async def cancelled(_: asyncpg.Connection, task: asyncio.Task[int], __: asyncpg.Connection) -> None:
    task.cancel()


async def timed_out(
    session: asyncpg.Connection, _: asyncio.Task[int], superuser: asyncpg.Connection
) -> None:
    """What a statement's timeout does, at a moment that is chosen."""
    await superuser.execute("select pg_cancel_backend($1)", session.get_server_pid())


ENDINGS: tuple[Ending, ...] = (ended_by_the_server, aborted_by_the_client, cancelled, timed_out)


async def outcome(task: asyncio.Task[int]) -> int | None:
    """The number of the version; None where whoever asked was not told one."""
    try:
        return await task
    except (DatabaseUnavailable, StatementTimeout, asyncio.CancelledError):
        return None


async def gone(session: asyncpg.Connection, pid: int, superuser: asyncpg.Connection) -> None:
    """Waits until nothing of a session is left: a server finds out late that a client went."""
    with contextlib.suppress(Exception):
        await session.close(timeout=5)
    await until(superuser, _THERE, pid, False)


async def until(superuser: asyncpg.Connection, question: str, pid: int, answer: bool) -> None:
    async with asyncio.timeout(60):
        while bool(await superuser.fetchval(question, pid)) is not answer:  # noqa: ASYNC110 - in another process
            await asyncio.sleep(0.002)


# Where it waits: for what somebody else holds, by the owner, while a transaction of theirs is open;
# or in a trigger for a lock that is held so

_HOLDS = "select pg_advisory_xact_lock(5)"
STEPS: dict[str, str] = {
    "the head's lock": "lock table fieldward.policy_head in share mode",
    "the change": "select from fieldward.policy_change where id = {change} for update",
    "the version": "lock table fieldward.policy_version in share mode",
    "the head's row": "select from fieldward.policy_head for share",
    "the other change": "select from fieldward.policy_change where id = {other} for update",
    "an event": "lock table fieldward.policy_event in share mode",
    "a grant": 'revoke all ({column}) on medicaid.{table} from "{login}"',
    "the spans": "lock table fieldward.standing in share mode",
    "the state": _HOLDS,
    "its event": _HOLDS,
    "the end": _HOLDS,
}
_TRIGGERS = {
    "the state": "trigger wait before update on fieldward.policy_change"
    " for each row when (new.state = 'committed')",
    "its event": "trigger wait before insert on fieldward.policy_event"
    " for each row when (new.event = 'committed')",
    "the end": "constraint trigger wait after insert on fieldward.policy_event"
    " deferrable initially deferred for each row when (new.event = 'committed')",
}
_WAIT = """
create function public.wait() returns trigger language plpgsql as
  'begin perform pg_advisory_xact_lock(5); return new; end'
"""


@pytest.mark.parametrize("step", STEPS)
async def test_a_commit_that_is_interrupted_at_a_step_leaves_the_old_version(
    step: str, store: Changing, superuser: asyncpg.Connection
) -> None:
    place = list(STEPS).index(step)
    # Each step once, and each way; all of both where there is time.
    endings = ENDINGS if CASES else [ENDINGS[place % len(ENDINGS)]]
    for ending in endings:
        made = await prepared(store)
        if step in _TRIGGERS:
            await store.owner.execute(_WAIT)
            await store.owner.execute(f"create {_TRIGGERS[step]} execute function public.wait()")
        session = await open_session(store.gateway_url)
        pid = session.get_server_pid()
        held = store.owner.transaction()
        await held.start()
        await store.owner.execute(STEPS[step].format(**names(made)))
        task = asyncio.create_task(store.commit(made.change, made.label, by=session))
        await until(superuser, _WAITING, pid, True)
        await ending(session, task, superuser)
        if ending is not aborted_by_the_client:  # of which the server does not know while it waits
            assert await outcome(task) is None
        await held.rollback()
        assert await outcome(task) is None
        await gone(session, pid, superuser)
        if step in _TRIGGERS:
            await store.owner.execute("drop function public.wait cascade")
        found = await made.state()
        # Who goes away when the server was told to commit does not hear that it did.
        may_be = {made.before, made.after} if step == "the end" else {made.before}
        assert found in may_be, (step, ending.__name__)
        await made.finish()


def names(made: Commit) -> dict[str, Any]:
    """What the steps speak of: for a grant, one that the commit takes back."""
    role = ROLES[0]
    old, new = (ready(label).floor.roles[role].columns for label in (3 - made.label, made.label))
    table, column = min(old - new)
    login = floor_role(database_of(made.store.owner_url), role)
    return {
        "change": made.change, "other": made.other, "table": table, "column": column,
        "login": login,
    }  # fmt: skip


async def test_a_commit_that_is_interrupted_at_any_moment_leaves_one_of_both(
    store: Changing, superuser: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(SEED)
    loop = asyncio.get_running_loop()
    counted: Counter[tuple[str, str]] = Counter()
    lasts = 0.05
    for number in range(CASES or 12):
        made = await prepared(store)
        ending = ENDINGS[number % len(ENDINGS)]
        session = await open_session(store.gateway_url)
        pid = session.get_server_pid()
        began = loop.time()
        task = asyncio.create_task(store.commit(made.change, made.label, by=session))
        await asyncio.sleep(chance.uniform(0, 1.2 * lasts))
        await ending(session, task, superuser)
        told = await outcome(task)
        if told is not None:
            lasts = 0.8 * lasts + 0.2 * (loop.time() - began)
        await gone(session, pid, superuser)
        found = await made.state()
        assert found in ({made.after} if told is not None else {made.before, made.after})
        counted[ending.__name__, "before" if found == made.before else "after"] += 1
        await made.finish()
    with capsys.disabled():
        if CASES:
            print(f"interrupted: {dict(counted)}")  # noqa: T201 - figures of a long run


# A server that dies


@pytest.fixture
async def mortal() -> AsyncIterator[tuple[EmbeddedServer, Changing]]:
    """A server that only this test has, as durable as by itself, and a store on it."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)  # noqa: S103 - so that the server's account may enter, where root runs the tests
        own = EmbeddedServer(Path(name) / "server")
        urls = own.start()
        try:
            async with connected(urls.admin) as owner:
                await migrate(owner)
            gateway_url = await gateway_login(urls.admin)
            await floored(urls.admin, policy(1))
            yield own, await alive(urls.admin, gateway_url)
        finally:
            own.discard()


async def alive(owner_url: str, gateway_url: str) -> Changing:
    """Sessions of a server, once it lets them in."""
    async with asyncio.timeout(120):
        while True:
            try:
                owner = await asyncpg.connect(owner_url)
                await owner.fetchval("select 1")
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.02)
                continue
            one, two = [await open_session(gateway_url) for _ in range(2)]
            return Changing(owner, one, two, owner_url, gateway_url)


async def test_a_server_that_is_killed_in_a_commit_comes_back_with_one_of_both(
    mortal: tuple[EmbeddedServer, Changing], capsys: pytest.CaptureFixture[str]
) -> None:
    own, store = mortal
    chance = random.Random(SEED)
    counted: Counter[tuple[str, str]] = Counter()
    for number in range(KILLS):
        made = await prepared(store)
        whole = number % 2 == 0
        victim = own.pid if whole else store.gateway.get_server_pid()
        assert victim is not None
        task = asyncio.create_task(store.commit(made.change, made.label))
        await asyncio.sleep(chance.uniform(0, 0.06))
        os.kill(victim, signal.SIGKILL)
        told = await outcome(task)
        for session in (store.owner, store.gateway, store.second):
            session.terminate()
        if whole:
            await asyncio.to_thread(own.start)
        made.store = store = await alive(store.owner_url, store.gateway_url)
        found = await made.state()
        assert found in ({made.after} if told is not None else {made.before, made.after})
        counted["the server" if whole else "the session's process",
                "before" if found == made.before else "after"] += 1  # fmt: skip
        await made.finish()
    for session in (store.owner, store.gateway, store.second):
        await session.close()
    with capsys.disabled():
        if CASES:
            print(f"killed: {dict(counted)}")  # noqa: T201 - figures of a long run
