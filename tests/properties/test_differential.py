"""Compiled = oracle: one statement and plain evaluation give the same answer, whatever is asked.

`FIELDWARD_CASES` says how many operations each test generates, `FIELDWARD_SEED` which. Hypothesis
makes a failing one small; plain chance makes larger ones, faster. `FIELDWARD_REPORT` names a file
that gets a line about each run by plain chance.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from db.catalog_records import CATALOG
from tests.oracle.authority import Authority
from tests.oracle.operations import Case, Source, cases, make_case
from tests.oracle.world import Exchange, World
from tests.report import report

CASES = int(os.environ.get("FIELDWARD_CASES", "150"))
SEED = int(os.environ.get("FIELDWARD_SEED", "20260106"))
ROUNDS = 2
"""How often a question is asked on with cursors out of its own answer."""

GENERATED = settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@seed(SEED)
@GENERATED
@given(data=st.data())
async def test_compiled_equals_naive_under_the_seed_policy(
    data: st.DataObject, seed_world: World, seed_source: Source
) -> None:
    case = data.draw(cases(seed_source))
    await _agree(seed_world, case, lambda low, high: data.draw(st.integers(low, high)))


@seed(SEED)
@GENERATED
@given(data=st.data())
async def test_compiled_equals_naive_under_a_policy_of_corners(
    data: st.DataObject, corner_world: World, corner_source: Source
) -> None:
    case = data.draw(cases(corner_source))
    await _agree(corner_world, case, lambda low, high: data.draw(st.integers(low, high)))


@pytest.mark.parametrize("policy", ["seed", "corners"])
async def test_compiled_equals_naive_for_larger_operations(
    policy: str,
    seed_world: World,
    seed_source: Source,
    corner_world: World,
    corner_source: Source,
) -> None:
    at_home = {"seed": (seed_world, seed_source), "corners": (corner_world, corner_source)}
    world, source = at_home[policy]
    chance = random.Random(SEED)
    begun = time.monotonic()
    seen: Counter[str] = Counter()
    for _ in range(CASES):
        seen += await _agree(world, make_case(chance.randint, source), chance.randint)
    seconds = round(time.monotonic() - begun, 1)
    report(
        test=f"differential, {policy}", operations=CASES, comparisons=seen["exchanges"],
        answered=seen["answered"], seed=SEED, seconds=seconds, differences=0,
    )  # fmt: skip


async def _agree(world: World, case: Case, choose: Callable[[int, int], int]) -> Counter[str]:
    """How many answers were compared, and how many of them had data. Fails where two differ."""
    exchange = await world.exchange(case.question)
    _check(exchange)
    seen = _seen(exchange)
    for _ in range(ROUNDS):
        if not (case.cursors and exchange.cursors):
            break
        cursors = {
            name: _cursor(exchange, path, choose) for name, path in sorted(case.cursors.items())
        }
        exchange = await world.exchange(case.question, cursors)
        _check(exchange)
        seen += _seen(exchange)
    return seen


def _seen(exchange: Exchange) -> Counter[str]:
    return Counter(exchanges=1, answered=int(exchange.got.data is not ...))


def _cursor(
    exchange: Exchange, path: tuple[str, ...], choose: Callable[[int, int], int]
) -> tuple[str, str]:
    """A cursor of the list at a path, now and then of another: the oracle's and the gateway's."""
    below = [pair for pair in exchange.cursors if pair[0][: len(path)] == path]
    own = [pair for pair in below if len(pair[0]) == len(path) + 2]
    strange = choose(0, 99) > 97
    chosen = exchange.cursors if strange else own or below or exchange.cursors
    _, expected, got = chosen[choose(0, len(chosen) - 1)]
    return expected, got


def _check(exchange: Exchange) -> None:
    assert not exchange.differences, (
        f"FIELDWARD_SEED={SEED} FIELDWARD_CASES={CASES}\n{exchange.report()}"
    )


def test_asking_a_role_alone_is_asking_the_whole_policy(
    seed_world: World, corner_world: World
) -> None:
    chance = random.Random(SEED)
    for world in (seed_world, corner_world):
        policy = world.oracle.authority.policy
        alone, whole = Authority(policy), Authority(policy, whole=True)
        for _ in range(150):
            role = chance.choice(sorted(policy.roles))
            coordinate = chance.choice(sorted(CATALOG.coordinates))
            action = chance.choice(["read", "sort", "aggregate", "filter:eq", "filter:lt"])
            state = chance.choice(alone.states(role, CATALOG.entity_of(coordinate).anchor))
            question = (role, coordinate, action, state)
            assert alone.ask(*question) == whole.ask(*question), question
