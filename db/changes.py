"""Changes of the policy as PostgreSQL keeps them: proposed, approved, committed. Knows no policy.

The functions of migration 0005 hold the states, the two people, the base and the time; nothing here
is relied on for that. Document, floor and report are text on their way.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.errors import ChangeUnknown, FloorRefused
from db.writing import reading, writing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import asyncpg

    from db.floor import Floor

STATES: Final = (
    "proposed", "approved", "committed", "rejected", "withdrawn", "expired", "superseded",
)  # fmt: skip
# Time ends a change without anybody writing it down.
_STATE: Final = """
case when c.state in ('proposed', 'approved') and c.expires_at <= clock_timestamp()
     then 'expired' else c.state end
"""
_COLUMNS: Final = f"""
c.id, {_STATE} as state, c.base, c.author, c.reason, c.emergency, c.digest,
c.report::text as report, c.proposed_at, c.expires_at, c.approver, c.version,
case when c.approver is null then c.approval_due end as approval_due
"""
_ONE: Final = f"""
select {_COLUMNS}, c.document from fieldward.policy_change c where c.id = $1
"""  # noqa: S608 - constants of this module
_LIST: Final = f"""
select {_COLUMNS}, '' as document
  from fieldward.policy_change c
 where ($1::text is null or {_STATE} = $1) and ($3::bigint is null or c.id < $3)
 order by c.id desc
 limit $2
"""  # noqa: S608 - as above
_EVENTS: Final = """
select change, at, actor, event, note
  from fieldward.policy_event where change = any($1::bigint[]) order by id
"""


@dataclass(frozen=True, slots=True)
class Event:
    """A step in the life of a change. `actor` is a subject of tokens, or `the database` where time
    or another version ended the change; `event` is the name of the state that it led to."""

    at: datetime
    actor: str
    event: str
    note: str


@dataclass(frozen=True, slots=True)
class Change:
    """A version that somebody wants.

    `state` is proposed, approved, committed, rejected, withdrawn, expired or superseded. `base` is
    the head that it was written for. `report` is JSON: what was found when it was proposed.
    `approver` is the second person, `version` the number that it became. `approval_due` is until
    when the second person has to look at what was committed in an emergency; None once one has.
    """

    id: int
    state: str
    base: int
    author: str
    reason: str
    emergency: bool
    document: str
    digest: str
    report: str
    proposed_at: datetime
    expires_at: datetime
    approver: str | None
    version: int | None
    approval_due: datetime | None
    events: tuple[Event, ...]


async def propose(
    connection: asyncpg.Connection,
    *,
    base: int,
    author: str,
    reason: str,
    document: str,
    digest: str,
    report: str,
    emergency: bool,
) -> int:
    """The number of a new change of the head, from 1 on; it expires after fourteen days.

    PolicyMoved when `base` is not the head; ChangeInvalid without author or reason (4,000
    characters at most), when `digest` is not the SHA-256 of the document, or when `report` is no
    JSON.
    """
    async with writing(connection):
        made = await connection.fetchval(
            "select fieldward.propose_change($1, $2, $3, $4, $5, $6::text::jsonb, $7)",
            base,
            author,
            reason,
            document,
            digest,
            report,
            emergency,
        )
    return int(made)


async def approve(connection: asyncpg.Connection, change: int, actor: str, note: str) -> None:
    """Another person than the author says yes: before the commit, or after that of an emergency.

    ChangeUnknown, ChangeClosed, ChangeExpired, SamePerson, ChangeInvalid.
    """
    async with writing(connection):
        await connection.execute("select fieldward.approve_change($1, $2, $3)", change, actor, note)


async def reject(connection: asyncpg.Connection, change: int, actor: str, note: str) -> None:
    """Another person than the author says no and why; also to what is approved.

    ChangeUnknown, ChangeClosed, ChangeExpired, SamePerson; ChangeInvalid without a note.
    """
    async with writing(connection):
        await connection.execute("select fieldward.reject_change($1, $2, $3)", change, actor, note)


async def withdraw(connection: asyncpg.Connection, change: int, actor: str, note: str) -> None:
    """The author takes it back. ChangeUnknown, ChangeClosed, ChangeExpired, NotTheAuthor,
    ChangeInvalid."""
    async with writing(connection):
        await connection.execute(
            "select fieldward.withdraw_change($1, $2, $3)", change, actor, note
        )


async def commit_change(
    connection: asyncpg.Connection,
    change: int,
    actor: str,
    floor: Floor,
    verifiers: Mapping[str, str],
) -> int:
    """The number of the version that a change becomes, with its grants: in one transaction, over
    its base. All other changes that were open are superseded.

    `verifiers` has one for each role that may be new. An emergency needs no approval before, and
    one within 24 hours. ChangeUnknown, ChangeClosed, ChangeExpired, ApprovalMissing, PolicyMoved;
    FloorRefused when PostgreSQL does not grant the floor. Nothing has changed then.
    """
    async with writing(connection, FloorRefused):
        number = await connection.fetchval(
            "select fieldward.commit_change($1, $2, $3::text::jsonb, $4::text::jsonb)",
            change,
            actor,
            floor.as_json(),
            json.dumps(dict(verifiers)),
        )
    return int(number)


async def change(connection: asyncpg.Connection, change: int) -> Change:
    """A change, whole. ChangeUnknown where there is none."""
    async with reading():
        row = await connection.fetchrow(_ONE, change)
        if row is None:
            raise ChangeUnknown
        (found,) = await _whole(connection, [row])
    return found


async def changes(
    connection: asyncpg.Connection,
    state: str | None = None,
    most: int = 20,
    before: int | None = None,
) -> tuple[Change, ...]:
    """The last changes, the newest first, without their documents; of a state, and before a number
    where these are given."""
    async with reading():
        rows = await connection.fetch(_LIST, state, most, before)
        return await _whole(connection, rows)


async def approvals(connection: asyncpg.Connection) -> int:
    """How many people a change needs, its author among them: 2, or 1 where the owner says so."""
    async with reading():
        found = await connection.fetchval("select approvals from fieldward.deployment")
    return 2 if found is None else int(found)


async def set_approvals(connection: asyncpg.Connection, people: int) -> None:
    """Says how many people a change needs, 1 or 2. The caller is the owner."""
    await connection.execute("update fieldward.deployment set approvals = $1", people)


async def overdue(connection: asyncpg.Connection) -> int:
    """How many emergencies nobody has approved within their 24 hours."""
    async with reading():
        found = await connection.fetchval(
            "select count(*) from fieldward.policy_change"
            " where approval_due is not null and approver is null and approval_due < now()"
        )
    return int(found)


async def _whole(
    connection: asyncpg.Connection, rows: Sequence[asyncpg.Record]
) -> tuple[Change, ...]:
    events: dict[int, list[Event]] = {row["id"]: [] for row in rows}
    for row in await connection.fetch(_EVENTS, list(events)):
        event = Event(row["at"], row["actor"], row["event"], row["note"])
        events[row["change"]].append(event)
    return tuple(Change(**dict(row), events=tuple(events[row["id"]])) for row in rows)
