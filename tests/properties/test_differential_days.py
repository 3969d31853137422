"""Compiled = oracle on other days: before and after the order, on the first and last days of spans.

The gateway's clock is the test's here; what is current, who is in the population, which order is in
force and how old somebody is, all follow it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from api.authenticate import Authenticator
from api.compiler import Compiler
from api.cursor import Sealer
from api.endpoint import Endpoint
from authz.document import Document
from authz.follower import Follower
from authz.order import Order
from authz.packaged import load_seed
from authz.policy import PolicySet
from authz.snapshot import take
from authz.store import Head
from db.catalog_records import CATALOG
from db.head import look
from db.pools import Pools
from tests.database import FLOOR_SECRET, connected
from tests.gateway import CURSOR_KEY, KEY
from tests.oracle.asker import Asker
from tests.oracle.authority import Authority
from tests.oracle.corners import corner_policy
from tests.oracle.evaluator import Oracle, Question
from tests.oracle.operations import Source
from tests.oracle.records import Records
from tests.oracle.world import World

QUERIES = (
    "{ enrollees(first: 30) { nodes { id medicaidId dateOfBirth ageGroup birthYear ssn citizenship "
    "immigrationStatus race phoneNumber eligibilityGroup homeAddress { line1 zip } } } }",
    "{ a: enrollees(last: 10, where: {homeAddress: {state: {ne: CA}}}) { nodes { dateOfBirth } } "
    "b: enrollees(last: 10, where: {phoneNumber: {isNull: true}}) { nodes { dateOfBirth } } }",
    "{ claims(first: 20) { nodes { icn enrollee { lastName ageGroup phoneNumber } } } "
    "plans(first: 5) { nodes { name } } }",
    "{ enrollees(first: 20, orderBy: [{lastName: ASC}, {phoneNumber: DESC}]) { edges { cursor node "
    "{ lastName } } } }",
)


@dataclass
class Clock:
    """A clock that stands until it is set, and PostgreSQL's with it, where row policies look."""

    owner: asyncpg.Connection
    day: str
    now: datetime

    def __call__(self) -> datetime:
        return self.now

    async def set(self, now: datetime) -> None:
        self.now = now
        await self.owner.execute(
            self.day.replace("statement_timestamp()", f"timestamptz '{now.isoformat()}'")
        )


@asynccontextmanager
async def clock_of(world: World) -> AsyncIterator[Clock]:
    """The clock of a world's database, which goes right again in the end."""
    async with connected(world.gateway.owner_url) as owner:
        function = "select pg_get_functiondef('fieldward.population_day()'::regprocedure)"
        day = await owner.fetchval(function)
        assert "statement_timestamp()" in day
        try:
            yield Clock(owner, day, datetime.now(UTC))
        finally:
            await owner.execute(day)


@asynccontextmanager
async def at(
    world: World, policy: PolicySet, orders: tuple[Order, ...], clock: Callable[[], datetime]
) -> AsyncIterator[World]:
    """The same records under the policy of another moment."""
    pools = Pools(world.gateway.gateway_url, FLOOR_SECRET)
    async with pools.own() as connection:
        head = await look(connection)
    assert head is not None
    # Statements are under the version of the database, whatever policy the test has in its place.
    held = Head(head.number, head.digest, Document(policy, orders))
    follower = Follower(pools, held, datetime.now(UTC))
    endpoint = Endpoint(
        Authenticator(KEY.settings()), follower, pools, Compiler(Sealer((CURSOR_KEY,))), clock
    )
    app = Starlette(routes=[Route("/graphql", endpoint)])
    effective = take(policy, orders, clock()).policy
    try:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://fieldward.test"
        ) as client:
            gateway = replace(world.gateway, client=client)
            yield World(gateway, Oracle(world.oracle.records, Authority(effective)), clock)
    finally:
        await pools.close()


def _days(records: Records) -> list[date]:
    """Days on which the most spans begin or end, and days about which calendars disagree."""
    ends: dict[date, int] = {}
    for table in ("home_address", "phone", "variable_demographics", "managed_care_participation"):
        for row in records.by_table[table]:
            for day in {row["effective_date"], row["end_date"]} - {None, date.max, date.min}:
                ends[day] = ends.get(day, 0) + 1
    most = sorted(ends, key=lambda day: (-ends[day], day))[:3]
    return [*most, *(day + timedelta(days=1) for day in most), date(2028, 2, 29), date(2060, 1, 1)]


async def _agree_on(world: World, asker: Asker, query: str) -> bool:
    exchange = await world.exchange(Question(asker, query))
    assert not exchange.differences, f"{world.clock()}\n{exchange.report()}"
    return exchange.got.data is not ...


def _roles(source: Source) -> list[Asker]:
    return list({asker.role: asker for asker in reversed(source.askers)}.values())


async def test_answers_agree_on_days_when_spans_begin_and_end(
    seed_world: World, seed_source: Source, corner_world: World, corner_source: Source
) -> None:
    answered = 0
    for world, source, policy, orders in (
        (seed_world, seed_source, *load_seed(CATALOG)),
        (corner_world, corner_source, corner_policy(), ()),
    ):
        async with (
            clock_of(world) as clock,
            at(world, policy, orders, clock) as travelling,
        ):
            for day in _days(world.oracle.records):
                await clock.set(datetime.combine(day, time(12), UTC))
                travelling.oracle.authority = Authority(take(policy, orders, clock.now).policy)
                for asker in _roles(source):
                    query = QUERIES[(day.toordinal() + len(asker.role)) % len(QUERIES)]
                    answered += await _agree_on(travelling, asker, query)
    assert answered > 50


ORDER_BEGINS = datetime(2026, 1, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "reads"),
    [
        (ORDER_BEGINS - timedelta(microseconds=1), False),
        (ORDER_BEGINS, True),
        (ORDER_BEGINS + timedelta(days=150), True),
    ],
)
async def test_the_capped_role_reads_from_the_first_instant_of_its_order_on(
    moment: datetime, reads: bool, seed_world: World
) -> None:
    asker = Asker("immigration_enforcement", "usual", {})
    async with (
        clock_of(seed_world) as clock,
        at(seed_world, *load_seed(CATALOG), clock) as travelling,
    ):
        await clock.set(moment)
        travelling.oracle.authority = Authority(take(*load_seed(CATALOG), moment).policy)
        for query in QUERIES[:2]:
            await _agree_on(travelling, asker, query)
        answer = await travelling.ask(Question(asker, QUERIES[0]))
    assert (answer["data"]["enrollees"] is not None) is reads
