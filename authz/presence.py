"""Tells PostgreSQL which version this process uses, and asks what is overdue. Knows no request.

It speaks on the connection that listens, so that no look at the head waits for it; what fails here
is said in the log, and nothing else comes of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from db.changes import overdue
from db.errors import FieldwardError
from db.workers import acknowledge, retire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import asyncpg

_log = logging.getLogger("fieldward")

SECONDS: Final = 5.0
"""Between two acknowledgements; whoever is silent for four of them counts as gone."""
_SECONDS_TO_ANSWER: Final = 5.0
_SECONDS_TO_PART: Final = 1.0
_LONGEST_NAME: Final = 200


class Presence:
    """This process among all that answer from one database. `number` says which version it uses."""

    def __init__(self, number: Callable[[], int]) -> None:
        self._number = number
        self._worker = uuid4()
        self._name = f"{socket.gethostname()}:{os.getpid()}"[-_LONGEST_NAME:]
        self._started = datetime.now(UTC)
        self._due = asyncio.Event()
        self._trouble = ""
        self.overdue = 0
        """Emergencies that nobody approved in time, when it asked last."""

    def tell(self) -> None:
        """Has it say at once what is used from now on, or that the connection is gone."""
        self._due.set()

    async def keep(self, connection: asyncpg.Connection) -> None:
        """Says it now, whenever it is told to and every few seconds, until the connection is gone.
        Takes its leave when it is cancelled."""
        try:
            while not connection.is_closed():
                self._due.clear()
                await self._say(connection)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SECONDS):
                        await self._due.wait()
        finally:
            with contextlib.suppress(FieldwardError), _cut_off(connection, _SECONDS_TO_PART):
                await retire(connection, self._worker)

    async def _say(self, connection: asyncpg.Connection) -> None:
        trouble = ""
        try:
            with _cut_off(connection, _SECONDS_TO_ANSWER):
                await acknowledge(
                    connection, self._worker, self._name, self._number(), self._started
                )
                self.overdue = await overdue(connection)
        except FieldwardError as error:
            trouble = f"{error.code} {error.detail}"
        except Exception as error:
            trouble = type(error).__name__
        if trouble and trouble != self._trouble:
            _log.warning("which version this process uses could not be told: %s", trouble)
        self._trouble = trouble


@contextlib.contextmanager
def _cut_off(connection: asyncpg.Connection, seconds: float) -> Iterator[None]:
    """Ends a connection on which nothing comes back: to cancel would wait for an answer, too."""
    later = asyncio.get_running_loop().call_later(seconds, connection.terminate)
    try:
        yield
    finally:
        later.cancel()
