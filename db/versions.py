"""Versions of the policy as PostgreSQL keeps them, for years: who wrote each, who agreed, and why.
Changes nothing; knows no policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.errors import VersionUnknown
from db.writing import reading

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

# The second person of an emergency comes after the version, which stays as it was written.
_COLUMNS: Final = """
v.number, v.digest, v.author, coalesce(v.approver, c.approver) as approver, v.reason, v.change,
v.committed_at,
case when c.approver is null then c.approval_due end as approval_due
"""
_FROM: Final = """
  from fieldward.policy_version v left join fieldward.policy_change c on c.id = v.change
"""
_LIST: Final = f"""
select {_COLUMNS}, null as document {_FROM}
 where $2::bigint is null or v.number < $2 order by v.number desc limit $1
"""
_ONE: Final = f"select {_COLUMNS}, v.document {_FROM} where v.number = $1"
_AT: Final = f"""
select {_COLUMNS}, v.document {_FROM}
 where v.committed_at <= $1 order by v.number desc limit 1
"""


@dataclass(frozen=True, slots=True)
class Version:
    """A version that was committed, whether or not it is the head still.

    `document` is None in lists. `change` is None for what the owner laid, and then the author is
    called `the owner of the database`. `approval_due` is until when a second person has to approve
    what was committed in an emergency; None once one has.
    """

    number: int
    digest: str
    document: str | None
    author: str
    approver: str | None
    reason: str
    change: int | None
    committed_at: datetime
    approval_due: datetime | None


async def versions(
    connection: asyncpg.Connection, most: int = 20, before: int | None = None
) -> tuple[Version, ...]:
    """The last versions, the newest first, without their documents; before a number where one is
    given."""
    async with reading():
        rows = await connection.fetch(_LIST, most, before)
    return tuple(Version(**dict(row)) for row in rows)


async def version(connection: asyncpg.Connection, number: int) -> Version:
    """A version, whole. VersionUnknown where there is none of that number."""
    async with reading():
        row = await connection.fetchrow(_ONE, number)
    return _found(row)


async def version_at(connection: asyncpg.Connection, at: datetime) -> Version:
    """The version that was committed last at an instant, whole. VersionUnknown before the first."""
    async with reading():
        row = await connection.fetchrow(_AT, at)
    return _found(row)


def _found(row: asyncpg.Record | None) -> Version:
    if row is None:
        raise VersionUnknown
    return Version(**dict(row))
