"""`python -m bench.row_policy`: what the row policy costs the capped role among 300,000 people.

The same pages are asked for as the capped role, in turns with row level security on and off, each
turn a batch; the bar is for the request, and its statement is measured alone beside it. People are
generated and then copied under new keys, because a page of this role reads no claims.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from api.compiler import Compiler
from api.cursor import Sealer
from api.request import GraphQLRequest
from api.view import view_of
from authz.packaged import load_seed
from authz.snapshot import take
from bench.asgi import Post
from bench.people import ground
from db.catalog_records import CATALOG
from db.execute import Inputs, bind
from db.pools import Pools

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import asyncpg

    from bench.people import Ground

ROLE = "immigration_enforcement"
BAR = 1.3
"""How many times as long a page may take with the row policy."""

_SIX = (
    "{ nodes { medicaidId dateOfBirth citizenship immigrationStatus phoneNumber "
    "homeAddress { line1 line2 line3 city state zip } } pageInfo { hasNextPage endCursor } }"
)
PAGES = {
    "a page": f"{{ enrollees(first: 50) {_SIX} }}",
    "by date of birth": '{ enrollees(first: 50, where: {dateOfBirth: {gte: "1980-01-01"}}) '
    f"{_SIX} }}",
    "by state of the address": "{ enrollees(first: 50, where: {homeAddress: {state: {eq: CA}}}) "
    f"{_SIX} }}",
    "by Medicaid ID": '{ enrollee(medicaidId: "X1") { dateOfBirth phoneNumber } }',
}
_GENERATED = 10_000
_TABLES = ("variable_demographics", "home_address", "phone", "immigration_determination")
_BATCHES = 12
_WARM = 20


async def multiply(owner: asyncpg.Connection, people: int) -> None:
    """Copies the generated people until there are so many, each with status, address and phone."""
    times = people // _GENERATED - 1
    await owner.execute("set session characteristics as transaction isolation level read committed")
    await owner.execute(
        "create temporary table copied as"
        " select enrollee_id as of, n, gen_random_uuid() as enrollee_id"
        " from medicaid.enrollee, generate_series(1, $1) n",
        times,
    )
    await owner.execute("create index on copied (of)")
    for table in ("enrollee", *_TABLES):
        columns = [
            row["attname"]
            for row in await owner.fetch(
                "select attname from pg_attribute where attrelid = $1::text::regclass"
                " and attnum > 0 and not attisdropped and attgenerated = ''"
                " and attname not in ('enrollee_id', 'population', 'pseudonym')",
                f"medicaid.{table}",
            )
        ]
        taken = [
            "left(old.msis_identification_num, 14) || '-' || copied.n"
            if name == "msis_identification_num"
            else f"old.{name}"
            for name in columns
        ]
        await owner.execute(
            f"insert into medicaid.{table} (enrollee_id, {', '.join(columns)})"
            f" select copied.enrollee_id, {', '.join(taken)}"
            f" from medicaid.{table} old join copied on copied.of = old.enrollee_id"
        )
    await owner.execute("vacuum analyze")


async def _policies(owner: asyncpg.Connection, switch: str) -> None:
    for table in ("enrollee", *_TABLES):
        await owner.execute(f"alter table medicaid.{table} {switch} row level security")


async def _median(once: Callable[[], Awaitable[object]], size: int) -> float:
    """Milliseconds; the statement is prepared anew after each switch, and so warmed up."""
    for _ in range(_WARM):
        await once()
    taken = []
    for _ in range(size):
        began = time.perf_counter()
        await once()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1000


async def _ratio(
    owner: asyncpg.Connection, once: Callable[[], Awaitable[object]], size: int
) -> tuple[float, float]:
    """Milliseconds with and without the row policy: medians of the medians of batches in turns."""
    batches: dict[str, list[float]] = {"enable": [], "disable": []}
    for _ in range(_BATCHES):
        for switch, taken in batches.items():
            await _policies(owner, switch)
            taken.append(await _median(once, size))
    await _policies(owner, "enable")
    return statistics.median(batches["enable"]), statistics.median(batches["disable"])


async def measure(found: Ground, size: int) -> bool:
    """Prints two lines per page, the request and its statement alone; whether requests keep the
    bar."""
    decisions = take(*load_seed(CATALOG), datetime.now(UTC)).decisions(ROLE)
    pools = Pools(found.gateway_url, found.secret)
    compiler = Compiler(Sealer((bytes(64),)))
    kept = True
    async with pools.acquire(ROLE) as connection:
        for name, document in PAGES.items():
            asked = GraphQLRequest(document, None, {})
            compiled, given = compiler.compile(
                asked, decisions, "bench", lambda: view_of(decisions)
            )
            statement = compiled.statement
            assert statement is not None  # noqa: S101 - a page is a statement
            head = await found.owner.fetchval("select version from fieldward.policy_head")
            day = datetime.now(UTC).date()
            inputs = Inputs(compiled.values(given), {}, day, "0" * 32, head)
            values = bind(statement, inputs)
            post = Post.of(found.token(ROLE), document, {})
            ways: dict[str, Callable[[], Awaitable[object]]] = {
                "request": partial(post.send, found.app),
                "statement": partial(connection.fetchrow, statement.text, *values),
            }
            for way, once in ways.items():
                on, off = await _ratio(found.owner, once, size)
                kept &= way == "statement" or on <= BAR * off
                print(f"{name:24} {way:10} {on:7.3f} ms, without {off:7.3f} ms: {on / off:4.2f}")
    await pools.close()
    return kept


async def main(people: int, size: int) -> bool:
    """Makes the people and measures."""
    async with ground(_GENERATED) as found:
        began = time.perf_counter()
        await multiply(found.owner, people)
        count = await found.owner.fetchval("select count(*) from medicaid.enrollee")
        within = await found.owner.fetchval(
            "select count(*) from medicaid.enrollee where population @> current_date"
        )
        taken = time.perf_counter() - began
        print(f"{count} people, {within} in the population, made in {taken:.0f} s")
        return await measure(found, size)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--people", type=int, default=300_000)
    parser.add_argument("--size", type=int, default=200, help="statements in a batch")
    given = parser.parse_args()
    sys.exit(0 if asyncio.run(main(given.people, given.size)) else 1)
