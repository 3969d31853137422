"""`python -m bench.equal_answers`: an ID that nobody has takes as long as another's.

Each round asks three times, in random order: for an ID that nobody has, for one of a person out of
scope, and for another ID that nobody has. The first two are the comparison; the first and the third
the null test, which says how far apart two medians come by chance. docs/equal-answers.md explains.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.asgi import Post
from bench.people import ground

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.people import Ground

ROLES = (
    "immigration_enforcement",
    "front_desk",
    "eligibility_worker",
    "managed_care_plan",
    "provider",
    "beneficiary",
)
QUERIES = {
    "root": "query($id: String!) { enrollee(medicaidId: $id) { __typename } }",
    "list": "query($id: String!) { enrollees(where: {medicaidId: {eq: $id}})"
    " { nodes { __typename } } }",
}
BAR = 10.0
"""Microseconds that the medians may be apart."""

_WARM = 300
_STEPS = 200


@dataclass(frozen=True, slots=True)
class Times:
    """Microseconds per request, by what was asked for, in the order of the rounds."""

    nobody: list[float]
    others: list[float]
    again: list[float]


def _number(rng: random.Random) -> str:
    return "".join(rng.choices("0123456789", k=12))


async def _ids(
    place: Ground, token: str, query: str, rng: random.Random, count: int
) -> tuple[list[str], list[str]]:
    """IDs of people out of scope, all answered alike, and as many that nobody has."""
    rows = await place.owner.fetch(
        "select msis_identification_num as id from medicaid.enrollee "
        "group by 1 having count(*) = 1 order by 1"
    )
    known = {row["id"] for row in rows}
    nobody: list[str] = []
    while len(nobody) < count:
        number = _number(rng)
        if number not in known:
            nobody.append(number)
    answer = await Post.of(token, query, {"id": nobody[0]}).send(place.app)
    others: list[str] = []
    for number in rng.sample(sorted(known), len(known)):
        if await Post.of(token, query, {"id": number}).send(place.app) == answer:
            others.append(number)
        if len(others) == count:
            return others, nobody
    raise SystemExit("too few people out of scope: ask with more people")


async def _measure(place: Ground, role: str, query: str, pairs: int, rng: random.Random) -> Times:
    token = place.token(role)
    others, nobody = await _ids(place, token, query, rng, min(pairs, 2_000))
    asked = {
        "nobody": [Post.of(token, query, {"id": number}) for number in nobody[::2]],
        "others": [Post.of(token, query, {"id": number}) for number in others],
        "again": [Post.of(token, query, {"id": number}) for number in nobody[1::2]],
    }
    times = Times([], [], [])
    kinds = list(asked)
    clock = time.perf_counter_ns
    for number in range(pairs + _WARM):
        rng.shuffle(kinds)
        for kind in kinds:
            post = rng.choice(asked[kind])
            began = clock()
            await post.send(place.app)
            if number >= _WARM:
                getattr(times, kind).append((clock() - began) / 1_000)
    return times


def difference(one: Sequence[float], other: Sequence[float]) -> float:
    """The difference of medians, microseconds."""
    return statistics.median(other) - statistics.median(one)


def interval(one: Sequence[float], other: Sequence[float], rng: random.Random) -> float:
    """Half the width of the 95 % interval of that difference, by resampling blocks of rounds.

    Blocks, because what else a machine does lasts longer than one round.
    """
    size = max(1, len(one) // 100)
    starts = range(0, len(one) - size + 1, size)
    found = []
    for _ in range(_STEPS):
        chosen = rng.choices(starts, k=len(starts))
        a = [value for start in chosen for value in one[start : start + size]]
        b = [value for start in chosen for value in other[start : start + size]]
        found.append(difference(a, b))
    return 1.96 * statistics.stdev(found)


def _quartiles(values: Sequence[float]) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:8.1f} ({low:.0f}-{high:.0f})"


def _row(role: str, times: Times, rng: random.Random) -> tuple[str, bool]:
    apart, noise = difference(times.nobody, times.others), difference(times.nobody, times.again)
    width = interval(times.nobody, times.others, rng)
    line = (
        f"{role:26}{_quartiles(times.nobody):>22}{_quartiles(times.others):>22}"
        f"{apart:+9.1f} ±{width:4.1f}{noise:+9.1f}"
    )
    return line, abs(apart) <= BAR


async def _run(roles: Sequence[str], query: str, pairs: int, people: int, number: int) -> bool:
    rng = random.Random(number)
    within = True
    async with ground(people) as place:
        print(f"{people} people, {pairs} rounds per role, seed {number}; microseconds\n")
        print(f"{'role':26}{'nobody: median':>22}{'another: median':>22}{'apart':>15}{'null':>9}")
        for role in roles:
            line, good = _row(role, await _measure(place, role, query, pairs, rng), rng)
            within = within and good
            print(line + ("" if good else "  over the bar"), flush=True)
    return within


def main() -> int:
    """Exit status 0 where every role is within the bar, 1 where one is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10_000, help="rounds per role")
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--role", action="append", help="this role; again for another")
    parser.add_argument(
        "--form", choices=QUERIES, default="root", help="root key or filter of a list"
    )
    parser.add_argument("--cpu", type=int, help="the processor for this process, where it can be")
    asked = parser.parse_args()
    if asked.cpu is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {asked.cpu})
    roles = asked.role or ROLES
    return (
        0
        if asyncio.run(_run(roles, QUERIES[asked.form], asked.pairs, asked.people, asked.seed))
        else 1
    )


if __name__ == "__main__":
    sys.exit(main())
