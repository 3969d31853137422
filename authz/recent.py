"""Policies that were read lately: each is parsed, and decided for a role, once and beside the loop.

Parsing and deciding takes a tenth of a second. Requests that meet a new version together wait for
one such piece of work, and other requests go on meanwhile. Knows no database.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from authz.snapshot import take
from authz.store import digest_of, read_document
from db.catalog_records import CATALOG

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from authz.snapshot import Snapshot

_MOST: Final = 8
"""A policy with its decisions takes a megabyte or two."""


class Recent:
    """The last few policies, by the digest of their text. Belongs to one event loop."""

    def __init__(self) -> None:
        self._made: OrderedDict[str, asyncio.Task[Snapshot]] = OrderedDict()
        self._deciding = asyncio.Lock()

    async def snapshot(self, number: int, document: str, as_of: datetime) -> Snapshot:
        """The snapshot of a version at an instant. Raises what `read_document` and `take` raise."""
        # Of the text itself: what is stored as its digest is what somebody said that it is.
        digest = digest_of(document)
        task = self._made.get(digest)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._start(digest, number, document, as_of)
        made = await asyncio.shield(task)
        if not made.holds_at(as_of):
            made = await asyncio.shield(self._start(digest, number, document, as_of))
        self._made.move_to_end(digest)
        # Decisions are kept in it, and are the same whatever number the text has this time.
        return made if made.number == number else replace(made, number=number)

    async def decide(self, snapshot: Snapshot, roles: Iterable[str]) -> None:
        """Makes what requests of these roles ask of a snapshot; roles that it lacks are nothing."""
        for role in sorted(set(roles) & snapshot.roles):
            # One at a time: who waits here mostly waits for the same role.
            async with self._deciding:
                if role not in snapshot.decided:
                    await asyncio.to_thread(snapshot.required_attributes, role)

    def _start(
        self, digest: str, number: int, document: str, as_of: datetime
    ) -> asyncio.Task[Snapshot]:
        task = asyncio.create_task(asyncio.to_thread(_made, number, document, as_of))
        task.add_done_callback(_heard)
        self._made[digest] = task
        while len(self._made) > _MOST:
            self._made.popitem(last=False)
        return task


def _made(number: int, document: str, as_of: datetime) -> Snapshot:
    read = read_document(document, CATALOG)
    return take(read.policy, read.orders, as_of, number, read.assignments)


def _heard(task: asyncio.Task[Snapshot]) -> None:
    """Whoever waited may have left; asyncio would complain that nobody heard of the error."""
    if not task.cancelled():
        task.exception()
