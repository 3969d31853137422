"""Worlds that the differential tests share: a gateway and the oracle over the same records."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from authz.packaged import load_seed
from db.catalog_records import CATALOG
from tests.database import seeded_template
from tests.oracle.corners import add_corner_records, corner_policy
from tests.oracle.operations import Source
from tests.oracle.people_who_ask import corner_askers, seed_askers
from tests.oracle.pool import Pool
from tests.oracle.world import World, world_over

FEW_PEOPLE = 120
SEED = 11
WHOLE = os.environ.get("FIELDWARD_WHOLE_POLICY") == "1"
"""Whether there is time to ask Casbin with all rules of a policy for every role: ten times as long
until all that can be asked has been asked once."""


@pytest.fixture(scope="session")
async def seed_world(seeded: str) -> AsyncIterator[World]:
    """The seed policy over seeded records."""
    async with world_over(seeded, *load_seed(CATALOG), whole=WHOLE) as world:
        yield world


@pytest.fixture(scope="session")
async def corner_world(test_server: str) -> AsyncIterator[World]:
    """The corner policy over some seeded records and all awkward ones."""
    async with (
        seeded_template(FEW_PEOPLE, SEED) as few,
        world_over(few, corner_policy(), (), add_corner_records, whole=WHOLE) as world,
    ):
        yield world


@pytest.fixture(scope="session")
def seed_source(seed_world: World) -> Source:
    """What operations of the seed world are made of."""
    records = seed_world.oracle.records
    pool = Pool(records, datetime.now(UTC).date())
    askers = seed_askers(seed_world.gateway, records)
    return Source(seed_world.oracle.authority, pool, askers)


@pytest.fixture(scope="session")
def corner_source(corner_world: World) -> Source:
    """What operations of the corner world are made of."""
    pool = Pool(corner_world.oracle.records, datetime.now(UTC).date())
    return Source(corner_world.oracle.authority, pool, corner_askers())
