"""Compiled = oracle: one statement and plain evaluation give the same answer, whatever is asked.

`FIELDWARD_CASES` says how many operations are generated, `FIELDWARD_SEED` which.
"""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from authz.packaged import load_seed
from db.catalog_records import CATALOG
from tests.oracle.authority import Authority
from tests.oracle.corners import add_corner_records, corner_policy
from tests.oracle.operations import Case, Source, cases
from tests.oracle.people_who_ask import corner_askers, seed_askers
from tests.oracle.pool import Pool
from tests.oracle.world import Exchange, World, world_over

CASES = int(os.environ.get("FIELDWARD_CASES", "150"))
SEED = int(os.environ.get("FIELDWARD_SEED", "20260106"))
ROUNDS = 2
"""How often a question is asked on with cursors out of its own answer."""

GENERATED = settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    phases=(Phase.generate,) if os.environ.get("NOSHRINK") else (Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="session")
async def seed_world(seeded: str) -> AsyncIterator[World]:
    """The seed policy over seeded records."""
    async with world_over(seeded, *load_seed(CATALOG)) as world:
        yield world


@pytest.fixture(scope="session")
async def corner_world(seeded: str) -> AsyncIterator[World]:
    """The corner policy over seeded records and awkward ones."""
    async with world_over(seeded, corner_policy(), (), add_corner_records) as world:
        yield world


@pytest.fixture(scope="session")
def seed_source(seed_world: World) -> Source:
    records = seed_world.oracle.records
    pool = Pool(records, datetime.now(UTC).date())
    askers = seed_askers(seed_world.gateway, records)
    return Source(seed_world.oracle.authority, pool, askers)


@pytest.fixture(scope="session")
def corner_source(corner_world: World) -> Source:
    pool = Pool(corner_world.oracle.records, datetime.now(UTC).date())
    return Source(corner_world.oracle.authority, pool, corner_askers())


async def _agree(world: World, source: Source, data: st.DataObject) -> None:
    case: Case = data.draw(cases(source))
    exchange = await world.exchange(case.question)
    _check(exchange)
    for _ in range(ROUNDS):
        if not (case.cursors and exchange.cursors):
            return
        given_cursors = {
            name: _cursor(exchange, path, data) for name, path in sorted(case.cursors.items())
        }
        exchange = await world.exchange(case.question, given_cursors)
        _check(exchange)


def _cursor(exchange: Exchange, path: tuple[str, ...], data: st.DataObject) -> tuple[str, str]:
    """A cursor of the list at a path, or now and then of another; the oracle's and the gateway's."""
    own = [pair for pair in exchange.cursors if pair[0][: len(path)] == path]
    exact = [pair for pair in own if len(pair[0]) == len(path) + 2]
    strange = data.draw(st.integers(0, 99)) > 97
    chosen = exchange.cursors if strange else exact or own or exchange.cursors
    _, expected, got = data.draw(st.sampled_from(chosen))
    return expected, got


def _check(exchange: Exchange) -> None:
    assert not exchange.differences, (
        f"FIELDWARD_SEED={SEED} FIELDWARD_CASES={CASES}\n{exchange.report()}"
    )


@seed(SEED)
@GENERATED
@given(data=st.data())
async def test_compiled_equals_naive_under_the_seed_policy(
    data: st.DataObject, seed_world: World, seed_source: Source
) -> None:
    await _agree(seed_world, seed_source, data)


@seed(SEED)
@GENERATED
@given(data=st.data())
async def test_compiled_equals_naive_under_a_policy_of_corners(
    data: st.DataObject, corner_world: World, corner_source: Source
) -> None:
    await _agree(corner_world, corner_source, data)


def test_asking_a_role_alone_is_asking_the_whole_policy(
    seed_world: World, corner_world: World
) -> None:
    for world in (seed_world, corner_world):
        asked = world.oracle.authority
        whole = Authority(asked.policy, whole=True)
        questions = sorted(asked.answers, key=str)
        for question in random.Random(SEED).sample(questions, min(150, len(questions))):
            assert whole.ask(*question) == asked.answers[question], question
