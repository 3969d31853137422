"""Looks at the head for all who ask at once. Knows connections and numbers; no policy.

A look answers those who asked before it began, and nobody else: who was just refused under a policy
has to be told of a head that was read after that.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from db.errors import FloorMissing
from db.head import look

if TYPE_CHECKING:
    from collections.abc import Callable

    from db.head import Seen
    from db.pools import Pools


class HeadReader:
    """`known` is the number and digest of the version whose text need not be read again."""

    def __init__(self, pools: Pools, known: Callable[[], tuple[int, str]]) -> None:
        self._pools = pools
        self._known = known
        # INVARIANT: a task that has not begun to read. Whoever joins it asked before it reads.
        self._next: asyncio.Task[tuple[int, Seen]] | None = None
        self._begun = 0

    async def read(self) -> tuple[int, Seen]:
        """The head at some moment after the call, and which look it was: of two looks, the one with
        the higher number began later. Raises FloorMissing and DatabaseUnavailable.

        One who leaves does not end the look of the others.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._read())
            self._next.add_done_callback(_heard)
        return await asyncio.shield(self._next)

    async def _read(self) -> tuple[int, Seen]:
        try:
            async with self._pools.own() as connection:
                self._next = None
                self._begun += 1
                order = self._begun
                seen = await look(connection, *self._known())
        finally:
            # There was no connection: who asks from here on begins anew.
            if self._next is asyncio.current_task():
                self._next = None
        if seen is None:
            raise FloorMissing
        return order, seen


def _heard(task: asyncio.Task[tuple[int, Seen]]) -> None:
    """Whoever waited may have left; asyncio would complain that nobody heard of the error."""
    if not task.cancelled():
        task.exception()
