"""Which process of the gateway uses which version of the policy, as each says itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.writing import reading, writing

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

_SEEN: Final = """
select name, number, started_at, seen_at from fieldward.worker
 where seen_at >= clock_timestamp() - interval '20 seconds'
 order by name, started_at
"""


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that said something within the last 20 seconds. `name` is host and process ID,
    `number` the version that its requests use."""

    name: str
    number: int
    started_at: datetime
    seen_at: datetime


async def acknowledge(
    connection: asyncpg.Connection, worker: UUID, name: str, number: int, started_at: datetime
) -> None:
    """Says that a process uses a version. Forgets processes that were silent for 20 seconds."""
    async with writing(connection):
        await connection.execute(
            "select fieldward.acknowledge_worker($1, $2, $3, $4)", worker, name, number, started_at
        )


async def retire(connection: asyncpg.Connection, worker: UUID) -> None:
    """Says that a process is gone; nothing where nobody knew it."""
    async with writing(connection):
        await connection.execute("select fieldward.retire_worker($1)", worker)


async def workers(connection: asyncpg.Connection) -> tuple[Worker, ...]:
    """The processes that answer requests now, by name."""
    async with reading():
        rows = await connection.fetch(_SEEN)
    return tuple(Worker(**dict(row)) for row in rows)
