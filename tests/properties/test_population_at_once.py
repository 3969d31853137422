"""The stored population after transactions that were open at the same time."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from datetime import date
from uuid import UUID

import asyncpg
import pytest

from tests.database import connected, fresh_database, migrated_template
from tests.population import (
    DAY,
    DETERMINED,
    PERSON,
    SPAN,
    WITH_EDGES,
    A,
    B,
    Editor,
    Statement,
    add,
    agree,
    settle,
)

CASES = int(os.environ.get("FIELDWARD_CASES", "0")) // 20 or 4

# How a transaction may lose against others.
LOST = (
    asyncpg.DeadlockDetectedError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.LockNotAvailableError,
)


@pytest.fixture(scope="module")
async def template() -> AsyncIterator[str]:
    async with migrated_template() as name:
        yield name


@pytest.fixture(scope="module")
async def shared_url(template: str) -> AsyncIterator[str]:
    async with fresh_database(template) as found:
        yield found


@pytest.fixture
async def url(shared_url: str) -> AsyncIterator[str]:
    """A database without people."""
    async with connected(shared_url) as connection:
        for table in ("immigration_determination", "variable_demographics", "enrollee"):
            await connection.execute(f"delete from medicaid.{table}")  # noqa: S608 - constant names
    yield shared_url


def second_span(who: UUID) -> Statement:
    return SPAN, (who, 2)


def outcome(who: UUID, number: int, what: str) -> Statement:
    return DETERMINED, (who, number, what)


def takes(who: UUID, medicaid_id: str) -> Statement:
    text = "update medicaid.enrollee set msis_identification_num = $2 where enrollee_id = $1"
    return text, (who, medicaid_id)


# Statements of two transactions that are open at the same time. A has a span, B has all.
MEETINGS: dict[str, tuple[list[Statement], list[Statement]]] = {
    "two people get one new ID": ([takes(A, "NEW")], [takes(B, "NEW")]),
    "one gets the ID of the other, who is determined again": (
        [takes(A, "CA2")],
        [outcome(B, 2, "unlawfully_present")],
    ),
    "a determination and a span that overlaps": (
        [outcome(A, 1, "unlawfully_present")],
        [second_span(A)],
    ),
    "a determination and one that contradicts it": (
        [outcome(A, 1, "unlawfully_present")],
        [outcome(A, 2, "lawfully_present")],
    ),
    "a determination and a mark on the ID": (
        [outcome(A, 1, "unlawfully_present")],
        [("update medicaid.enrollee set msis_id_ssn_based = true where enrollee_id = $1", (A,))],
    ),
    "a determination and an SSN that is the ID": (
        [outcome(A, 1, "unlawfully_present")],
        [takes(A, "912345678")],
    ),
    "two new people with one ID": (
        [
            (PERSON, (UUID(int=3), "NEW")),
            (SPAN, (UUID(int=3), 1)),
            outcome(UUID(int=3), 1, "unlawfully_present"),
        ],
        [
            (PERSON, (UUID(int=4), "NEW")),
            (SPAN, (UUID(int=4), 1)),
            outcome(UUID(int=4), 1, "unlawfully_present"),
        ],
    ),
    "two who share an ID both get others": ([takes(A, "CA3")], [takes(B, "CA4")]),
}


@pytest.mark.parametrize("first_ends", ["commit", "rollback"])
@pytest.mark.parametrize("order", ["as written", "the other way"])
@pytest.mark.parametrize("meeting", MEETINGS)
async def test_the_population_is_true_after_two_transactions_at_once(
    meeting: str, order: str, first_ends: str, url: str
) -> None:
    first, second = MEETINGS[meeting]
    if order == "the other way":
        first, second = second, first
    async with connected(url) as one, connected(url) as other, connected(url) as watch:
        await one.execute(PERSON, A, "CA1")
        await one.execute(SPAN, A, 1)
        await add(one, B, "CA1" if "share" in meeting else "CA2")
        await one.execute("begin")
        await other.execute("begin")
        for statement in first:
            await one.execute(statement[0], *statement[1])
        waiting = asyncio.create_task(run(other, second))
        await until_done_or_blocked(waiting, other, watch)
        await one.execute(first_ends)
        await waiting
        await other.execute("commit")
        await agree(one, [DAY, date(2024, 1, 1), date(2028, 1, 1)])


async def until_done_or_blocked(
    task: asyncio.Task[None], connection: asyncpg.Connection, watch: asyncpg.Connection
) -> None:
    """Until the task has done its work, or waits for the other transaction to end."""
    while not task.done():
        if await watch.fetchval("select pg_blocking_pids($1) <> '{}'", connection.get_server_pid()):
            return
        await asyncio.sleep(0.001)


async def run(connection: asyncpg.Connection, statements: list[Statement]) -> None:
    for text, arguments in statements:
        await connection.execute(text, *arguments)


@pytest.mark.parametrize("case", range(CASES))
async def test_the_population_is_true_after_many_writers(case: int, url: str) -> None:
    async def write(number: int) -> int:
        done = 0
        editor = Editor(random.Random(f"{case} {number}"))
        async with connected(url) as connection:
            # Sooner than PostgreSQL looks for a deadlock, which is after a second.
            await connection.execute("set lock_timeout = '100ms'")
            for _ in range(20):
                try:
                    async with connection.transaction():
                        for _ in range(editor.chance.randint(1, 3)):
                            text, arguments = editor.statement()
                            await connection.execute(text, *arguments)
                    done += 1
                except LOST:
                    continue  # the loser's work is undone whole, and that is all it needs to be
        return done

    async with connected(url) as owner:
        await settle(owner)
    done = await asyncio.gather(*(write(number) for number in range(3)))
    assert sum(done) > 20
    async with connected(url) as owner:
        await agree(owner, WITH_EDGES)
