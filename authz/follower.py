"""Keeps what requests use with the head of the policy in PostgreSQL. Knows no request and no token.

Three ways lead to a new version, and each is enough: a statement whose guard raised (`catch_up`), a
notification of the commit, and a look every few seconds (`run`). Only the first is relied on: the
others save a request the wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import Counter
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Final

import asyncpg

from authz.drift_watch import AFTER_OTHERS, DriftWatch
from authz.floor import floor_of
from authz.head_reader import HeadReader
from authz.presence import Presence
from authz.recent import Recent
from authz.snapshot import Holder
from authz.store import head
from db.errors import FieldwardError, FloorDrift, FloorMissing, StalePolicy
from db.floor_drift import differences
from db.guard import CHANNEL
from db.session import AWAY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from authz.snapshot import Snapshot
    from authz.store import Head
    from db.pools import Pools

_log = logging.getLogger("fieldward")

POLL_SECONDS: Final = 5.0
_JITTER: Final = 0.25
_LEAST_REST: Final = 0.02
"""Seconds between two looks: any login may send notifications, as many as it likes."""
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 10.0
"""Seconds until the listener connects again, doubled each time up to the longest."""


class Cause(Enum):
    """Why the head was looked at."""

    STALE = "stale"
    PRIVILEGE = "privilege"
    REFUSAL = "refusal"
    NOTICE = "notice"
    POLL = "poll"
    COMMIT = "commit"


async def follow(pools: Pools, as_of: datetime, poll_seconds: float = POLL_SECONDS) -> Follower:
    """Follows the head, as a gateway starts with it: its grants are seen to be its own.

    Raises FloorMissing where there is no head, FloorDrift, and what `take` raises.
    """
    async with pools.own() as connection:
        found = await _standing(connection)
    return Follower(pools, found, as_of, poll_seconds)


class Follower:
    """The policy that requests use. Belongs to one event loop.

    `refreshes` counts versions that were taken up, by what led to them.
    """

    def __init__(
        self, pools: Pools, found: Head, as_of: datetime, poll_seconds: float = POLL_SECONDS
    ) -> None:
        """Raises what `take` raises. `found` is the head, whose grants were compared."""
        self._pools = pools
        document = found.document
        self._holder = Holder(
            document.policy, document.orders, as_of, found.number, document.assignments
        )
        self._digest = found.digest
        self._order = 0  # of the look that brought what is held
        self._reader = HeadReader(pools, lambda: (self.number, self._digest))
        self._recent = Recent()
        self._watch = DriftWatch(pools, lambda: self._holder.held)
        self._presence = Presence(lambda: self.number)
        self._poll_seconds = poll_seconds
        self._hinted = asyncio.Event()
        self._trouble = ""
        self.refreshes: Counter[Cause] = Counter()
        self.listening = False

    @property
    def number(self) -> int:
        """The number of the version that is held."""
        return self._holder.held.number

    @property
    def drifted(self) -> bool:
        """Whether the last check found grants that are not those of the policy."""
        return bool(self._watch.found)

    @property
    def overdue(self) -> int:
        """How many emergencies nobody approved within their time, a few seconds ago."""
        return self._presence.overdue

    def current(self, as_of: datetime) -> Snapshot:
        """The snapshot of an instant. Raises what `take` raises, and FloorDrift while the last
        check of the floor found drift."""
        self._watch.refuse()
        return self._holder.current(as_of)

    async def catch_up(self, as_of: datetime, cause: Cause, role: str = "") -> Snapshot:
        """The snapshot of the head, which is read after the call; decided for a role.

        Waits for one look, and for parsing and deciding where the version is new. Raises
        FloorMissing, DatabaseUnavailable, FloorDrift, what `read_document` and `take` raise.
        """
        before = self.number
        await self._take_up(as_of, cause, [role])
        if cause is Cause.PRIVILEGE and self.number == before:
            self._watch.want()
        return self.current(as_of)

    async def confirm(self, snapshot: Snapshot) -> None:
        """For what is answered without a statement: raises StalePolicy unless the head is still
        that of a snapshot, and what `catch_up` raises."""
        _, seen = await self._reader.read()
        if seen.number != snapshot.number:
            raise StalePolicy

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Listens, looks and checks for as long as the block runs."""
        tasks = [
            asyncio.create_task(work) for work in (self._listen(), self._poll(), self._watch.run())
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _take_up(self, as_of: datetime, cause: Cause, roles: Collection[str]) -> None:
        order, seen = await self._reader.read()
        if seen.document is None:
            await self._recent.decide(self._holder.held, roles)
            return
        snapshot = await self._recent.snapshot(seen.number, seen.document, as_of)
        await self._recent.decide(snapshot, roles)
        # What a later look has found meanwhile stays. Numbers do not tell which is later: a
        # database that was restored begins at an older one.
        if order < self._order:
            return
        self._order = order
        if (seen.number, seen.digest) != (self.number, self._digest):
            self._holder.hold(snapshot)
            self._digest = seen.digest
            self.refreshes[cause] += 1
            self._presence.tell()
            self._watch.want(AFTER_OTHERS)

    async def _poll(self) -> None:
        """Looks when it is notified, and every few seconds; decides for the roles in use first."""
        while True:
            seconds = self._poll_seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._hinted.wait()
            cause = Cause.NOTICE if self._hinted.is_set() else Cause.POLL
            self._hinted.clear()
            trouble = ""
            try:
                await self._take_up(datetime.now(UTC), cause, self._holder.held.decided)
            except FieldwardError as error:
                # Requests say so themselves, if there are any.
                trouble = f"{error.code} {error.detail}"
            except Exception as error:
                trouble = type(error).__name__
            if trouble and trouble != self._trouble:
                _log.error("the head of the policy could not be taken up: %s", trouble)
            self._trouble = trouble
            if self.drifted:
                self._watch.want()
            await asyncio.sleep(_LEAST_REST)

    async def _listen(self) -> None:
        """Has PostgreSQL tell of new heads, and tells it which one is used; connects again for as
        long as it takes."""
        loop = asyncio.get_running_loop()
        wait = _FIRST_WAIT
        while True:
            began = loop.time()
            with contextlib.suppress(FieldwardError, asyncpg.PostgresError, *AWAY):
                async with self._pools.listener() as connection:
                    connection.add_termination_listener(lambda _: self._presence.tell())
                    await connection.add_listener(CHANNEL, lambda *_: self._hinted.set())
                    self.listening = True
                    # What was told while nobody listened is lost.
                    self._hinted.set()
                    await self._presence.keep(connection)
            self.listening = False
            if loop.time() - began > _LONGEST_WAIT:
                wait = _FIRST_WAIT
            await asyncio.sleep(wait * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311 - no secret
            wait = min(2 * wait, _LONGEST_WAIT)


async def _standing(connection: asyncpg.Connection) -> Head:
    """The head, with grants that are those of its policy and orders."""
    found = await _head(connection)
    while True:
        # Beside the loop: a gateway that starts is asked whether it is ready.
        floor = await asyncio.to_thread(floor_of, found.document.policy, found.document.orders)
        differing = await differences(connection, floor)
        if not differing:
            return found
        # A version may have been written between the two looks.
        newer = await _head(connection)
        if newer.number == found.number:
            raise FloorDrift("; ".join(differing))
        found = newer


async def _head(connection: asyncpg.Connection) -> Head:
    found = await head(connection)
    if found is None:
        raise FloorMissing
    return found
