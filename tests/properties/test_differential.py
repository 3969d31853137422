"""Compiled = oracle: one statement and plain evaluation give the same answer, whatever is asked.

`FIELDWARD_CASES` says how many operations are generated, `FIELDWARD_SEED` which.
"""

from __future__ import annotations

import os
import random

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.oracle.authority import Authority
from tests.oracle.operations import Case, Source, cases
from tests.oracle.world import Exchange, World

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
    await _agree(seed_world, seed_source, data)


@seed(SEED)
@GENERATED
@given(data=st.data())
async def test_compiled_equals_naive_under_a_policy_of_corners(
    data: st.DataObject, corner_world: World, corner_source: Source
) -> None:
    await _agree(corner_world, corner_source, data)


async def _agree(world: World, source: Source, data: st.DataObject) -> None:
    case: Case = data.draw(cases(source))
    exchange = await world.exchange(case.question)
    _check(exchange)
    for _ in range(ROUNDS):
        if not (case.cursors and exchange.cursors):
            return
        cursors = {
            name: _cursor(exchange, path, data) for name, path in sorted(case.cursors.items())
        }
        exchange = await world.exchange(case.question, cursors)
        _check(exchange)


def _cursor(exchange: Exchange, path: tuple[str, ...], data: st.DataObject) -> tuple[str, str]:
    """A cursor of the list at a path, now and then of another: the oracle's and the gateway's."""
    below = [pair for pair in exchange.cursors if pair[0][: len(path)] == path]
    own = [pair for pair in below if len(pair[0]) == len(path) + 2]
    strange = data.draw(st.integers(0, 99)) > 97
    chosen = exchange.cursors if strange else own or below or exchange.cursors
    _, expected, got = data.draw(st.sampled_from(chosen))
    return expected, got


def _check(exchange: Exchange) -> None:
    assert not exchange.differences, (
        f"FIELDWARD_SEED={SEED} FIELDWARD_CASES={CASES}\n{exchange.report()}"
    )


def test_asking_a_role_alone_is_asking_the_whole_policy(
    seed_world: World, corner_world: World
) -> None:
    for world in (seed_world, corner_world):
        asked = world.oracle.authority
        whole = Authority(asked.policy, whole=True)
        questions = sorted(asked.answers, key=str)
        for question in random.Random(SEED).sample(questions, min(150, len(questions))):
            assert whole.ask(*question) == asked.answers[question], question
