"""Generated people to a database, a block at a time, so that memory does not grow with them.

What was seeded is written down beside the records in the same transaction: seeding again goes on
where it ended, and changes nothing when it had ended. Knows the generator and the loader; knows
nothing of tables.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.errors import ImportRefused
from db.ingest.generate import BLOCK, VERSION, directory_batch, people
from db.ingest.load import COLUMNS, copy_batch

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg

_LOCK: Final = 0x5365_6564_696E_6721  # of seeding in its database: nobody else's key


@dataclass(frozen=True, slots=True)
class SeedReport:
    """What one call did: rows and people that it added, time, speed, and its process at its
    largest. A call that found everything there has added nothing."""

    rows: int
    people: int
    seconds: float
    rows_per_second: float
    peak_memory_bytes: int


async def seed(
    connection: asyncpg.Connection,
    enrollees: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> SeedReport:
    """Makes the database hold the first `enrollees` people of this seed, and their directory.

    `progress` hears how many people are there, and how many will be. ImportRefused if records are
    there that are not of this seed, or more people of it than asked for. The caller is the owner
    of a migrated database.
    """
    if enrollees < 1:
        raise ImportRefused("the number of enrollees is 1 or more")
    begun = time.perf_counter()
    rows = added = 0
    await connection.execute("select pg_advisory_lock($1)", _LOCK)
    try:
        done = await _done(connection, enrollees, seed)
        if done is None:
            rows += await _begin(connection, seed)
        there = done or 0
        while there < enrollees:
            end = min(enrollees, (there // BLOCK + 1) * BLOCK)
            # Not ahead of time: a thread that generates slows the one that copies, and a process
            # gains less than a tenth.
            batch = await asyncio.to_thread(people, seed, there, end)
            async with connection.transaction():
                rows += await copy_batch(connection, batch)
                await connection.execute("update fieldward.seeding set people = $1", end)
            added += end - there
            there = end
            if progress:
                progress(there, enrollees)
        if added:
            await _analyze(connection)
    finally:
        await connection.execute("select pg_advisory_unlock($1)", _LOCK)
    seconds = time.perf_counter() - begun
    return SeedReport(rows, added, seconds, rows / seconds, _peak_memory())


async def _done(connection: asyncpg.Connection, enrollees: int, seed: int) -> int | None:
    """How many people of this seed are there; None for a database without records."""
    if await connection.fetchval("select to_regclass('fieldward.seeding')") is not None:
        row = await connection.fetchrow("select seed, version, people from fieldward.seeding")
        if row is not None:
            return _agreed(row["seed"], row["version"], row["people"], enrollees, seed)
    if await connection.fetchval("select exists (select from medicaid.enrollee)"):
        raise ImportRefused("the database has records that no seed made")
    return None


def _agreed(found: int, version: int, people: int, enrollees: int, seed: int) -> int:
    if found != seed:
        raise ImportRefused(f"the database has records of seed {found}")
    if people > enrollees:
        raise ImportRefused(f"the database has {people} enrollees of this seed already")
    if people < enrollees and version != VERSION:
        raise ImportRefused("another version of this program has begun to seed this database")
    return people


async def _begin(connection: asyncpg.Connection, seed: int) -> int:
    """Writes down which seed it is, and loads providers and plans."""
    async with connection.transaction():
        await connection.execute(
            """
            create schema if not exists fieldward;
            create table if not exists fieldward.seeding (
              seed bigint not null,
              version integer not null,
              people bigint not null,
              only_one boolean primary key default true check (only_one)
            )
            """
        )
        await connection.execute(
            "insert into fieldward.seeding (seed, version, people) values ($1, $2, 0)",
            seed,
            VERSION,
        )
        return await copy_batch(connection, directory_batch(seed))


async def _analyze(connection: asyncpg.Connection) -> None:
    """Statistics now, and not when the server finds time: the first queries need them."""
    tables = ", ".join(f"medicaid.{table}" for table in COLUMNS)
    await connection.execute(f"analyze {tables}")


def _peak_memory() -> int:
    """The largest resident size of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
