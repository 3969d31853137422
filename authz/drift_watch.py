"""Compares what PostgreSQL grants with the policy in use, behind the requests. Changes nothing.

A version is used before this has looked at its grants: docs/adr/0011-freshness.md says why nothing
is lost by that. What it finds stops the gateway until a later look finds nothing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from authz.floor import floor_of
from db.errors import DatabaseUnavailable, FieldwardError, FloorDrift
from db.floor_drift import differences
from db.head import look

if TYPE_CHECKING:
    from collections.abc import Callable

    from authz.snapshot import Snapshot
    from db.pools import Pools

_log = logging.getLogger("fieldward")

_REST: Final = 4
"""Between two checks it rests so many times as long as the last one took: a floor takes most of a
second to compile, and policies may come faster than that."""
_LEAST_REST: Final = 0.05
_AWAY_REST: Final = 1.0
AFTER_OTHERS: Final = 1.0
"""Seconds behind a new version. A check takes as long as taking the version up, and all processes
of a machine do that at once: whoever is done first would keep the others from it."""


class DriftWatch:
    """`newest` says what is in use. One check at a time, always of the newest."""

    def __init__(self, pools: Pools, newest: Callable[[], Snapshot]) -> None:
        self._pools = pools
        self._newest = newest
        self._wanted = asyncio.Event()
        self._not_before = 0.0
        self.found: tuple[str, ...] = ()
        """The differences that the last check found, as sentences."""
        self.checks = 0

    def want(self, seconds: float = 0.0) -> None:
        """Has it look again, as soon as it may and not before so many seconds have passed."""
        self._not_before = asyncio.get_running_loop().time() + seconds
        self._wanted.set()

    def refuse(self) -> None:
        """Raises FloorDrift where the last check found drift."""
        if self.found:
            raise FloorDrift("the last check found drift")

    async def run(self) -> None:
        """Looks whenever somebody wants it to; ends when it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wanted.wait()
            await asyncio.sleep(self._not_before - loop.time())
            self._wanted.clear()
            began = loop.time()
            try:
                await self._check()
                rest = max(_LEAST_REST, _REST * (loop.time() - began))
            except DatabaseUnavailable:
                self._wanted.set()
                rest = _AWAY_REST
            except Exception as error:
                # The next one who wants it has it look again. The text could quote a value.
                detail = error.detail if isinstance(error, FieldwardError) else ""
                self._verdict((f"the floor could not be checked: {type(error).__name__} {detail}",))
                rest = _AWAY_REST
            await asyncio.sleep(rest)

    async def _check(self) -> None:
        snapshot = self._newest()
        floor = await asyncio.to_thread(floor_of, snapshot.written, snapshot.orders)
        async with self._pools.own() as connection:
            found = await differences(connection, floor)
            if found:
                # It is several statements: somebody may have been in the middle of repairing.
                found = await differences(connection, floor)
            head = await look(connection, snapshot.number)
        self.checks += 1
        if head is None or head.number != snapshot.number:
            return  # grants of a version that is not in use yet; once it is, this looks again
        self._verdict(found)

    def _verdict(self, found: tuple[str, ...]) -> None:
        if found and found != self.found:
            _log.error("%s %s", FloorDrift.code, "; ".join(found))
        elif self.found and not found:
            _log.warning("grants are those of the policy again")
        self.found = found
