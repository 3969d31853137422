"""Notes which operations clients send, without a value of any: behind the requests.

A request adds one to a number. What was counted is written down every few seconds and at the end,
and is bounded: what is used least is dropped, and that something was is counted. Knows no request.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import Counter
from typing import TYPE_CHECKING, Final

from db.errors import FieldwardError
from db.operations import record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from api.demand import Asked
    from db.pools import Pools

_log = logging.getLogger("fieldward")

SECONDS: Final = 5.0
_JITTER: Final = 0.25
MOST: Final = 1_000
"""Operations that are kept until they are written down."""
MOST_CHARACTERS: Final = 2_000_000
"""Of their demands together."""
LARGEST: Final = 40_000
"""Characters of one operation's demands; a larger one is not noted."""
_SECONDS_AT_THE_END: Final = 2.0


class Recorder:
    """Counts by operation. Belongs to one event loop. `dropped` are uses that nobody wrote down."""

    def __init__(self) -> None:
        self._times: dict[Asked, int] = {}
        self._size = 0
        self.dropped = 0
        self._trouble = ""

    def saw(self, asked: Asked) -> None:
        """An operation was sent once more."""
        times = self._times.get(asked)
        if times is None:
            self._enter(asked, 1)
        else:
            self._times[asked] = times + 1

    def _enter(self, asked: Asked, times: int) -> None:
        size = len(asked.demands)
        if size > LARGEST:
            self.dropped += times
            return
        while len(self._times) >= MOST or self._size + size > MOST_CHARACTERS:
            least = min(self._times, key=self._times.__getitem__)
            self.dropped += self._times.pop(least)
            self._size -= len(least.demands)
        self._times[asked] = times
        self._size += size

    async def flush(self, pools: Pools) -> None:
        """Writes down what was counted since the last time. What cannot be written is kept."""
        taken, self._times, self._size = self._times, {}, 0
        if not taken:
            return
        # Of one operation there can be several: it was compiled again, or by another document.
        counted: Counter[tuple[str, str, str]] = Counter()
        for asked, times in taken.items():
            counted[asked.role, asked.name, asked.demands] += times
        try:
            async with pools.own() as connection:
                await record(connection, counted)
        except BaseException as error:
            for asked, times in taken.items():
                if asked in self._times:
                    self._times[asked] += times
                else:
                    self._enter(asked, times)
            if not isinstance(error, FieldwardError):
                raise
            trouble = f"{error.code} {error.detail}"
            if trouble != self._trouble:
                _log.error("operations could not be written down: %s", trouble)
            self._trouble = trouble
        else:
            self._trouble = ""

    @contextlib.asynccontextmanager
    async def recording(self, pools: Pools) -> AsyncIterator[None]:
        """Writes down every few seconds for as long as the block runs, and once more at its end."""
        task = asyncio.create_task(self._run(pools))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with contextlib.suppress(TimeoutError, Exception):
                async with asyncio.timeout(_SECONDS_AT_THE_END):
                    await self.flush(pools)

    async def _run(self, pools: Pools) -> None:
        while True:
            # Processes that started together do not write together.
            await asyncio.sleep(SECONDS * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311 - no secret
            try:
                await self.flush(pools)
            except Exception as error:
                _log.error("operations could not be written down: %s", type(error).__name__)
