"""The head of the policy, as a gateway looks at it. One statement; knows no policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncpg

# A policy is tens of kilobytes, and nearly always the one that is known.
_HEAD: Final = """
select v.number, v.digest,
       case when (v.number, v.digest) is distinct from ($1::bigint, $2::text) then v.document end
         as document
  from fieldward.policy_head h
  join fieldward.policy_version v on v.number = h.version
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """The head: number from 1 on, digest as it is stored, and its text unless that was known."""

    number: int
    digest: str
    document: str | None


async def look(connection: asyncpg.Connection, number: int = 0, digest: str = "") -> Seen | None:
    """The head now; None where there is none. `number` and `digest` are of the version whose text
    the caller has."""
    row = await connection.fetchrow(_HEAD, number, digest)
    return None if row is None else Seen(row["number"], row["digest"], row["document"])
