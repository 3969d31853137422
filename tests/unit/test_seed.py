"""Seeding, on a real PostgreSQL: whole people, repeatable, never over somebody else's records."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

import asyncpg
import pytest

from db.errors import ImportRefused
from db.ingest import generate
from db.ingest import seed as seeding
from db.ingest.generate import directory_batch, people
from db.ingest.load import COLUMNS, Batch, copy_batch
from db.ingest.seed import seed
from tests.database import connected, fresh_database, migrated_template

SEED = 5


@pytest.fixture(scope="module")
async def template() -> AsyncIterator[str]:
    async with migrated_template() as name:
        yield name


@pytest.fixture
async def owner(template: str) -> AsyncIterator[asyncpg.Connection]:
    async with fresh_database(template) as url, connected(url) as connection:
        yield connection


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 40 people, so that a few hundred are several batches."""
    monkeypatch.setattr(generate, "BLOCK", 40)
    monkeypatch.setattr(seeding, "BLOCK", 40)


async def contents(connection: asyncpg.Connection) -> dict[str, str]:
    """A digest of every record table, and what the database made of the records.

    But for the places of claims in lists, which have to come from nowhere.
    """
    found = {}
    for table in (*COLUMNS, "medicaid_id"):
        rows = await connection.fetch(
            f"select (to_jsonb(t) - 'place')::text as t from medicaid.{table} t order by 1"  # noqa: S608 - constant names
        )
        found[table] = hashlib.sha256("\n".join(row["t"] for row in rows).encode()).hexdigest()
    return found


async def count(connection: asyncpg.Connection) -> int:
    number: int = await connection.fetchval("select count(*) from medicaid.enrollee")
    return number


async def test_seeding_loads_whole_people_and_reports_them(
    owner: asyncpg.Connection, small_blocks: None
) -> None:
    heard: list[tuple[int, int]] = []
    report = await seed(owner, 100, SEED, lambda done, total: heard.append((done, total)))
    assert heard == [(40, 100), (80, 100), (100, 100)]
    assert report.people == await count(owner) == 100
    rows = 0
    for table in COLUMNS:
        rows += await owner.fetchval(f"select count(*) from medicaid.{table}")  # noqa: S608 - constant names
    assert report.rows == rows
    assert report.seconds > 0
    assert report.rows_per_second > 0
    assert report.peak_memory_bytes > 10_000_000


async def test_seeding_again_changes_nothing(owner: asyncpg.Connection) -> None:
    await seed(owner, 60, SEED)
    before = await contents(owner)
    report = await seed(owner, 60, SEED)
    assert (report.rows, report.people) == (0, 0)
    assert await contents(owner) == before


async def test_seeding_more_of_the_same_seed_adds_the_rest(
    template: str, owner: asyncpg.Connection, small_blocks: None
) -> None:
    for number in (1, 55, 130):
        await seed(owner, number, SEED)
    async with fresh_database(template) as url, connected(url) as other:
        await seed(other, 130, SEED)
        assert await contents(owner) == await contents(other)


async def test_seeding_that_was_stopped_goes_on_where_it_ended(
    template: str, owner: asyncpg.Connection, small_blocks: None
) -> None:
    def stop(done: int, total: int) -> None:
        if done == 80:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await seed(owner, 130, SEED, stop)
    assert await count(owner) == 80
    report = await seed(owner, 130, SEED)
    assert report.people == 50
    async with fresh_database(template) as url, connected(url) as other:
        await seed(other, 130, SEED)
        assert await contents(owner) == await contents(other)


async def test_people_and_the_note_of_them_are_written_together(
    owner: asyncpg.Connection, small_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def copy_and_fail(connection: asyncpg.Connection, batch: Batch) -> int:
        rows = await copy_batch(connection, batch)
        if batch.people and await count(connection) > 40:
            raise ConnectionResetError
        return rows

    monkeypatch.setattr(seeding, "copy_batch", copy_and_fail)
    with pytest.raises(ConnectionResetError):
        await seed(owner, 100, SEED)
    assert await count(owner) == 40
    assert await owner.fetchval("select people from fieldward.seeding") == 40


async def test_two_who_seed_at_once_seed_once(template: str) -> None:
    async with fresh_database(template) as url, connected(url) as one, connected(url) as other:
        done = await asyncio.gather(seed(one, 50, SEED), seed(other, 50, SEED))
        assert sorted(report.people for report in done) == [0, 50]
        assert await count(one) == 50


async def test_another_seed_is_refused(owner: asyncpg.Connection) -> None:
    await seed(owner, 20, SEED)
    before = await contents(owner)
    with pytest.raises(ImportRefused, match="seed 5"):
        await seed(owner, 20, SEED + 1)
    assert await contents(owner) == before


async def test_fewer_people_than_there_are_is_refused(owner: asyncpg.Connection) -> None:
    await seed(owner, 20, SEED)
    with pytest.raises(ImportRefused, match="20 enrollees"):
        await seed(owner, 19, SEED)
    assert await count(owner) == 20


async def test_no_people_is_refused(owner: asyncpg.Connection) -> None:
    with pytest.raises(ImportRefused, match="1 or more"):
        await seed(owner, 0, SEED)


async def test_records_that_no_seed_made_are_refused(owner: asyncpg.Connection) -> None:
    await copy_batch(owner, directory_batch(9))
    await copy_batch(owner, people(9, 0, 1))
    with pytest.raises(ImportRefused, match="no seed made"):
        await seed(owner, 20, SEED)
    assert await count(owner) == 1


async def test_a_version_does_not_go_on_with_what_another_began(
    owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seed(owner, 20, SEED)
    monkeypatch.setattr(seeding, "VERSION", generate.VERSION + 1)
    assert (await seed(owner, 20, SEED)).people == 0
    with pytest.raises(ImportRefused, match="another version"):
        await seed(owner, 30, SEED)


async def test_a_batch_that_fails_leaves_nobody_half_loaded(owner: asyncpg.Connection) -> None:
    await copy_batch(owner, directory_batch(SEED))
    before = await contents(owner)
    batch = people(SEED, 0, 30)
    broken = (*batch.rows["claim_line"][:-1], ("not a uuid", *batch.rows["claim_line"][-1][1:]))
    with pytest.raises((asyncpg.PostgresError, asyncpg.DataError, ValueError)):
        await copy_batch(owner, Batch({**batch.rows, "claim_line": broken}))
    assert await contents(owner) == before
    assert await copy_batch(owner, batch) == batch.size


async def test_a_table_that_nobody_knows_is_refused(owner: asyncpg.Connection) -> None:
    with pytest.raises(KeyError, match="medicaid_id"):
        await copy_batch(owner, Batch({"medicaid_id": [("1", 1)]}))
