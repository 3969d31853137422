"""A gateway over a few records that are written by hand, and a clock that a test sets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

import asyncpg

from authz.order import Order
from authz.packaged import load_seed
from authz.snapshot import Holder
from db.catalog_records import CATALOG
from db.migrate import migrate
from tests.database import template_database
from tests.gateway import gateway_over
from tests.oracle.asker import Asker
from tests.oracle.authority import Authority
from tests.oracle.evaluator import Oracle, Question
from tests.oracle.records import Records
from tests.oracle.world import World
from tests.properties.scope_people import DAY, Row, insert, person_id
from tests.properties.test_differential_days import Clock, at, clock_of

POLICY, ORDERS = load_seed(CATALOG)
LATER = "2030-01-01T00:00:00Z"

CLAIMS: dict[str, dict[str, object]] = {
    "front_desk": {"county": ["06001"]},
    "eligibility_worker": {"state": ["CA"], "county": ["06001"]},
    "eligibility_supervisor": {"state": ["CA"]},
    "managed_care_plan": {"plan_id": ["CAP1"]},
    "provider": {"npi": ["1000000001"]},
    "program_integrity": {"state": ["CA"]},
    "researcher": {"agreement": "test", "agreement_states": ["CA"]},
}


def claims_of(role: str, number: int) -> dict[str, object]:
    """The claims of a token under which a role sees somebody."""
    one = str(person_id(number))
    return {
        "beneficiary": {"enrollee_id": one},
        "break_glass": {"person": one, "until": LATER, "reason": "test"},
        **CLAIMS,
    }.get(role, {})


@dataclass
class Ground:
    """A gateway over a few records, and the clock that it and its database go by."""

    world: World
    clock: Clock

    async def ask(self, role: str, query: str, claims: Mapping[str, object]) -> dict[str, Any]:
        """The body of an answer."""
        return dict(await self.world.ask(Question(Asker(role, "", claims), query)))


@asynccontextmanager
async def ground(
    rows: Iterable[tuple[str, Row]], orders: tuple[Order, ...] = ORDERS
) -> AsyncIterator[Ground]:
    """A ground on whose clock it is noon of DAY."""
    noon = datetime.combine(DAY, time(12), UTC)

    async def built(owner: asyncpg.Connection) -> None:
        await migrate(owner)
        await insert(owner, rows)

    async with (
        template_database(built) as template,
        gateway_over(template, Holder(POLICY, orders, noon)) as gateway,
    ):
        world = World(gateway, Oracle(Records({}), Authority(POLICY)))
        async with clock_of(world) as clock, at(world, POLICY, orders, clock) as travelling:
            await clock.set(noon)
            yield Ground(travelling, clock)
