"""Changes of the policy on their way: built, checked, kept, approved, committed. Knows no HTTP.

PostgreSQL holds the states, the two people, the base and the time (migration 0005). What it cannot
know is decided here: that the caller may change what the change changes, that checks find nothing
that refuses it, and that an emergency only narrows.

INVARIANT: nothing is committed that was not checked against the version that it replaces, at the
moment of the commit.
"""

from __future__ import annotations

import asyncio
import json
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from api.administration.impact import people
from api.administration.replay import replay
from api.administration.report import report_facts, weighed
from api.administration.shown import change_facts, version_facts, worker_facts
from api.administration.wanted import Wanted, made, touched, wanted_of
from api.errors import ArgumentInvalid, NotNarrowing
from authz.diff.difference import Direction
from authz.errors import CommitRefused
from authz.floor import floor_of
from authz.follower import Cause
from authz.store import digest_of, text_of
from db import changes, versions, workers
from db.errors import FieldwardError, PolicyMoved
from db.operations import operations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.administration.caller import Caller
    from api.administration.documents import Documents
    from api.administration.replay import Replayed
    from api.administration.report import Weighed
    from authz.document import Document
    from authz.follower import Follower
    from db.changes import Change
    from db.pools import Pools

_log = logging.getLogger("fieldward")

MOST: Final = 100
"""Entries of a list of versions or changes."""
_MOST_LOOKED_AT: Final = 1_000
"""Versions among which those are looked for that somebody has to approve still."""
_TOLD: Final = 5
"""Things that are not narrower in the text of a refusal; the rest are counted."""


class Administration:
    """Belongs to one event loop. Every method raises DatabaseUnavailable besides what it says."""

    def __init__(self, pools: Pools, policy: Follower, documents: Documents) -> None:
        self._pools = pools
        self._policy = policy
        self._documents = documents

    # Reading

    async def versions(self, most: int, before: int | None) -> list[dict[str, object]]:
        """The last versions, the newest first, without their documents. ArgumentInvalid."""
        async with self._pools.own() as connection:
            found = await versions.versions(connection, _most(most), before)
        return [version_facts(each, self._documents.parsed) for each in found]

    async def version(self, number: int) -> dict[str, object]:
        """A version, whole. VersionUnknown."""
        async with self._pools.own() as connection:
            found = await versions.version(connection, number)
        return version_facts(found, self._documents.parsed)

    async def changes(
        self, state: str | None, most: int, before: int | None
    ) -> list[dict[str, object]]:
        """The last changes, the newest first, without their documents. ArgumentInvalid."""
        if state is not None and state not in changes.STATES:
            raise ArgumentInvalid(argument="state")
        async with self._pools.own() as connection:
            found = await changes.changes(connection, state, _most(most), before)
        return [change_facts(each) for each in found]

    async def change(self, change: int) -> dict[str, object]:
        """A change, whole. ChangeUnknown."""
        return change_facts(await self._change(change))

    async def status(self, caller: Caller) -> dict[str, object]:
        """Which version is in force where, and what is overdue."""
        head = caller.snapshot.number
        async with self._pools.own() as connection:
            needed = await changes.approvals(connection)
            seen = await workers.workers(connection)
            last = await versions.versions(connection, _MOST_LOOKED_AT)
        return {
            "number": head,
            "approvals": needed,
            "workers": [worker_facts(each, head) for each in seen],
            "overdue": [
                version_facts(each, self._documents.parsed)
                for each in last
                if each.approval_due is not None and each.approval_due <= caller.as_of
            ],
        }

    async def tried(
        self, caller: Caller, edits: Sequence[Any] | None, text: str | None, back: int | None
    ) -> dict[str, object]:
        """What proposing would say. Keeps nothing and counts nobody; raises what `propose` does
        for what is wanted."""
        found = await self._weighed(caller, wanted_of(edits, text, back))
        return report_facts(found, replayed=await self._replayed(caller, found))

    # Changing

    async def propose(
        self,
        caller: Caller,
        reason: str,
        edits: Sequence[Any] | None,
        text: str | None,
        back: int | None,
        base: int | None,
        *,
        emergency: bool,
    ) -> dict[str, object]:
        """A new change over the head.

        Raises ArgumentInvalid, what `made` raises for what is wanted, SelectionDenied where the
        caller may not change that, PolicyMoved where `base` is not the head, NotNarrowing, and what
        `db.changes.propose` raises.
        """
        wanted = wanted_of(edits, text, back)
        if base is not None and base != caller.snapshot.number:
            raise PolicyMoved
        return await self._proposed(caller, wanted, reason, emergency=emergency)

    async def add_order(
        self, caller: Caller, text: str, reason: str, *, emergency: bool
    ) -> dict[str, object]:
        """A new change that puts an order on file. Raises what `propose` raises."""
        wanted = Wanted(edits=({"add_order": {"toml": text}},))
        return await self._proposed(caller, wanted, reason, emergency=emergency)

    async def set_order_status(
        self,
        caller: Caller,
        name: str,
        status: str,
        at: str | None,
        reason: str,
        *,
        emergency: bool,
    ) -> dict[str, object]:
        """A new change of what becomes of an order. Raises what `propose` raises."""
        edit = {"name": name, "status": status} | ({} if at is None else {"at": at})
        wanted = Wanted(edits=({"set_order_status": edit},))
        return await self._proposed(caller, wanted, reason, emergency=emergency)

    async def approve(self, caller: Caller, change: int, note: str) -> dict[str, object]:
        """The second person says yes. SelectionDenied where the caller may not change what the
        change changes, and what `db.changes.approve` raises."""
        found = await self._change(change)
        before, after = await self._both(found)
        _permitted(caller, before, after)
        async with self._pools.own() as connection:
            await changes.approve(connection, change, caller.subject, note)
        return await self.change(change)

    async def reject(self, caller: Caller, change: int, note: str) -> dict[str, object]:
        """The second person says no. Raises what `db.changes.reject` raises."""
        async with self._pools.own() as connection:
            await changes.reject(connection, change, caller.subject, note)
        return await self.change(change)

    async def withdraw(self, caller: Caller, change: int, note: str) -> dict[str, object]:
        """The author takes it back. Raises what `db.changes.withdraw` raises."""
        async with self._pools.own() as connection:
            await changes.withdraw(connection, change, caller.subject, note)
        return await self.change(change)

    async def commit(self, caller: Caller, change: int) -> dict[str, object]:
        """Makes a change the policy; whoever asks after this answers is answered under it.

        Raises SelectionDenied, CommitRefused with what was found, NotNarrowing, FloorImpossible,
        and what `db.changes.commit_change` raises; nothing has changed then.
        """
        wanted = await self._change(change)
        before, after = await self._both(wanted)
        _permitted(caller, before, after)
        alone = wanted.emergency and wanted.approver is None
        work = partial(weighed, before, after, caller.as_of, urgent=alone)
        found = await asyncio.to_thread(work)
        if found.errors:
            raise CommitRefused(found.findings)
        if alone:
            _narrows(found)
        floor = await asyncio.to_thread(floor_of, after.policy, after.orders)
        fresh = floor.roles.keys() - before.policy.roles.keys()
        verifiers = await asyncio.to_thread(self._pools.verifiers, fresh)
        async with self._pools.own() as connection:
            await changes.commit_change(connection, change, caller.subject, floor, verifiers)
        await self._follow(caller)
        return await self.change(change)

    async def _follow(self, caller: Caller) -> None:
        """Takes the new head up. It is committed whatever comes of this: every request looks."""
        try:
            await self._policy.catch_up(caller.as_of, Cause.COMMIT)
        except FieldwardError as error:
            _log.warning("a version that was committed is not taken up yet: %s", error.code)

    # What both do

    async def _proposed(
        self, caller: Caller, wanted: Wanted, reason: str, *, emergency: bool
    ) -> dict[str, object]:
        caller.needs("PolicyChange.reason", "create")
        found = await self._weighed(caller, wanted, urgent=emergency)
        _permitted(caller, found.before, found.after)
        if emergency:
            _narrows(found)
        counted = await people(self._pools, found.diff, caller.snapshot, caller.as_of)
        replayed = await self._replayed(caller, found)
        document = text_of(found.after)
        async with self._pools.own() as connection:
            change = await changes.propose(
                connection,
                base=caller.snapshot.number,
                author=caller.subject,
                reason=reason,
                document=document,
                digest=digest_of(document),
                report=json.dumps(report_facts(found, counted, replayed)),
                emergency=emergency,
            )
        return await self.change(change)

    async def _weighed(self, caller: Caller, wanted: Wanted, *, urgent: bool = False) -> Weighed:
        before = await self._documents.number(caller.snapshot.number)
        back = wanted.rollback_to
        older = None if back is None else await self._documents.number(back)

        def work() -> Weighed:
            after = made(wanted, before, older, caller.as_of)
            return weighed(before, after, caller.as_of, urgent=urgent)

        return await asyncio.to_thread(work)

    async def _replayed(self, caller: Caller, found: Weighed) -> tuple[Replayed, ...]:
        async with self._pools.own() as connection:
            sent = await operations(connection)
        return await asyncio.to_thread(replay, sent, caller.snapshot, found.snapshot)

    async def _change(self, change: int) -> Change:
        async with self._pools.own() as connection:
            return await changes.change(connection, change)

    async def _both(self, change: Change) -> tuple[Document, Document]:
        """The version that a change is over, and the one that it wants."""
        before = await self._documents.number(change.base)
        return before, await self._documents.parsed(change.document)


def _narrows(found: Weighed) -> None:
    """Raises NotNarrowing, with the first few things that are not proven to narrow."""
    wide = [
        *(f"{each.role} {each.action} {each.coordinates[0]}: {each.before} → {each.after}"
          for each in found.diff.access if each.direction is not Direction.NARROWER),
        *(each.what for each in found.diff.settings if each.direction is not Direction.NARROWER),
    ]  # fmt: skip
    if wide:
        more = f"; and {len(wide) - _TOLD} more" if len(wide) > _TOLD else ""
        raise NotNarrowing(widens="; ".join(wide[:_TOLD]) + more)


def _permitted(caller: Caller, before: Document, after: Document) -> None:
    for coordinate, action in touched(before, after):
        caller.needs(coordinate, action)


def _most(most: int) -> int:
    if not 1 <= most <= MOST:
        raise ArgumentInvalid(argument="last")
    return most
