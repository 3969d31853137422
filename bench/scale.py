"""`python -m bench.scale --people 100000 1000000`: whether a page takes longer among more people.

Sizes take turns, in this process; each has a server of its own, whose data are kept in a folder.
Exit status 1 where a plan reads a table of people from end to end, or where one person or fifty
take a tenth longer than at the smallest size. docs/scale.md has the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from api.compiler import Compiler
from api.cursor import Sealer
from api.request import GraphQLRequest
from api.view import view_of
from authz.packaged import load_seed
from authz.snapshot import take
from bench.asgi import Post
from bench.machine import describe, size
from bench.people import CURSOR_KEYS, ground, tell
from db.catalog_records import CATALOG
from db.execute import Inputs, bind
from db.ingest.load import COLUMNS
from db.pools import Pools

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from authz.snapshot import Snapshot
    from bench.people import Ground

RESULTS = Path(__file__).with_name("results")
KEPT = Path(".bench")
LEAST: Final = 0.9
"""Of the throughput at the smallest size, what has to be left at every other."""
HELD: Final = ("one", "fifty")
_WARM = 20
_BATCH = 20
_LITERAL: Final = re.compile(r"'[^']*'(?=::)")
_SMALL: Final = frozenset({"managed_care_plan", "provider"})
"""Directories, which are read whole where most of their rows are wanted."""

_SIX = (
    "citizenship immigrationStatus homeAddress { line1 line2 line3 city state zip } phoneNumber "
    "dateOfBirth medicaidId"
)
_FIRST = f"{{ enrollees(first: 50) {{ nodes {{ {_SIX} }} }} }}"
_CLAIMS = "claims(first: 10) { nodes { icn kind serviceBeginDate providerNpi paidAmount } }"
_SUPERVISOR, _INTEGRITY = "eligibility_supervisor", "program_integrity"
OPERATIONS: Final = {
    "one": (_SUPERVISOR, f"query($id: String!) {{ enrollee(medicaidId: $id) {{ {_SIX} }} }}"),
    "fifty": (_SUPERVISOR, _FIRST),
    "fifty_in_the_middle": (
        _SUPERVISOR,
        "query($after: String!) "
        f"{{ enrollees(first: 50, after: $after) {{ nodes {{ {_SIX} }} }} }}",
    ),
    "fifty_at_the_end": (_SUPERVISOR, f"{{ enrollees(last: 50) {{ nodes {{ {_SIX} }} }} }}"),
    "fifty_claims": (
        _INTEGRITY,
        f"{{ enrollees(first: 50) {{ nodes {{ medicaidId {_CLAIMS} }} }} }}",
    ),
    "capped": ("immigration_enforcement", _FIRST),
}
"""Operation → role and document."""


@dataclass(frozen=True, slots=True)
class Way:
    """One thing that is timed: an operation among so many people, as a statement or a request."""

    people: int
    operation: str
    kind: str
    once: Callable[[], Awaitable[object]]


def read_whole(plan: str) -> list[str]:
    """The lines of a plan (EXPLAIN in text) that read a table of people from end to end."""
    tables = {f"Seq Scan on {table}" for table in COLUMNS if table not in _SMALL}
    return [
        line.strip()
        for line in plan.splitlines()
        if any(found in f"{line.strip()} " for found in (f"{table} " for table in tables))
    ]


async def _variables(found: Ground) -> dict[str, dict[str, str]]:
    """An ID that nobody shares, and a cursor from the middle of the state."""
    state = found.examples["state"]
    people = await found.owner.fetchval(
        "select count(*) from medicaid.enrollee where submitting_state = $1", state
    )
    middle = await found.owner.fetchval(
        "select enrollee_id from medicaid.enrollee where submitting_state = $1 "
        "order by enrollee_id offset $2 limit 1",
        state,
        people // 2,
    )
    medicaid_id = await found.owner.fetchval(
        "select e.msis_identification_num from medicaid.enrollee e join medicaid.medicaid_id m "
        "using (msis_identification_num) where e.submitting_state = $1 and m.holders = 1 limit 1",
        state,
    )
    return {"one": {"id": medicaid_id}, "fifty_in_the_middle": {"middle": str(middle)}}


async def _ways(
    people: int, found: Ground, snapshot: Snapshot, stack: AsyncExitStack, plans: Path
) -> list[Way]:
    """What is timed at a size; its plans are written down."""
    pools = Pools(found.gateway_url, found.secret)
    stack.push_async_callback(pools.close)
    head = await found.owner.fetchval("select version from fieldward.policy_head")
    given_of = await _variables(found)
    sealer = Sealer(CURSOR_KEYS)
    ways: list[Way] = []
    for name, (role, document) in OPERATIONS.items():
        decisions = snapshot.decisions(role)
        variables = dict(given_of.get(name, {}))
        compiler = Compiler(sealer)
        # The subject of the demo's tokens, to whom cursors are bound.
        caller = (decisions, f"demo-{role}", partial(view_of, decisions))
        if "middle" in variables:
            page, given = compiler.compile(GraphQLRequest(_FIRST, None, {}), *caller)
            keyset = json.dumps([variables.pop("middle")]).encode()
            variables["after"] = sealer.seal(keyset, given.binding(page.listings[0])).decode()
        compiled, given = compiler.compile(GraphQLRequest(document, None, variables), *caller)
        statement = compiled.statement
        assert statement is not None  # noqa: S101 - all of them read records
        attributes = {"state": (found.examples["state"],)}
        day = datetime.now(UTC).date()
        inputs = Inputs(compiled.values(given), attributes, day, "", head)
        values = bind(statement, inputs)
        connection = await stack.enter_async_context(pools.acquire(role, steady=statement.steady))
        explain = "explain (analyze, buffers, costs off, timing off, summary off) "
        rows = await connection.fetch(explain + statement.text, *values)
        _write(plans / f"{name}.txt", [row[0] for row in rows])
        post = Post.of(found.token(role), document, variables)
        statement_once = partial(connection.fetchrow, statement.text, *values)
        ways.append(Way(people, name, "statement", statement_once))
        ways.append(Way(people, name, "request", partial(post.send, found.app)))
    return ways


def _write(file: Path, lines: list[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    # Values of the request that was explained are not the plan's.
    file.write_text("\n".join(_LITERAL.sub("'…'", line) for line in lines) + "\n")


async def _timed(ways: list[Way], rounds: int) -> dict[Way, float]:
    """Median seconds of each, over rounds of batches in turns."""
    for way in ways:
        for _ in range(_WARM):
            await way.once()
    taken: dict[Way, list[float]] = {way: [] for way in ways}
    for number in range(rounds):
        for way in ways if number % 2 else reversed(ways):
            began = time.perf_counter()
            for _ in range(_BATCH):
                await way.once()
            taken[way].append((time.perf_counter() - began) / _BATCH)
    return {way: statistics.median(batches) for way, batches in taken.items()}


async def measure(sizes: list[int], rounds: int, keep: Path, results: Path) -> dict[str, Any]:
    """Times of every operation at every size, and the lines of plans that should not be there."""
    snapshot = take(*load_seed(CATALOG), datetime.now(UTC))
    async with AsyncExitStack() as stack:
        ways: list[Way] = []
        found: dict[str, Any] = {"sizes": {}}
        for people in sizes:
            place = await stack.enter_async_context(ground(people, keep, tell))
            found["machine"] = await describe(place.owner)
            found["sizes"][people] = await size(place.owner)
            plans = results / "plans" / str(people)
            ways += await _ways(people, place, snapshot, stack, plans)
        timed = await _timed(ways, rounds)
    first = {(way.operation, way.kind): timed[way] for way in ways if way.people == sizes[0]}
    found["times"] = [
        {
            "people": way.people,
            "operation": way.operation,
            "kind": way.kind,
            "milliseconds": round(timed[way] * 1000, 4),
            "throughput_of_smallest": round(first[way.operation, way.kind] / timed[way], 3),
        }
        for way in ways
    ]
    found["read_whole"] = {
        f"{people}/{path.stem}": lines
        for people in sizes
        for path in sorted((results / "plans" / str(people)).glob("*.txt"))
        if (lines := read_whole(path.read_text()))
    }
    return found


def held(found: Mapping[str, Any]) -> bool:
    """Whether one and fifty keep their throughput, and no plan reads people from end to end."""
    kept = all(
        row["throughput_of_smallest"] >= LEAST
        for row in found["times"]
        if row["operation"] in HELD and row["kind"] == "request"
    )
    return kept and not found["read_whole"]


def main() -> int:
    """Exit status 0 where the bars are met, 1 where one is not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--keep", type=Path, default=KEPT, help="the folder for records")
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    found = asyncio.run(measure(sorted(given.people), given.rounds, given.keep, given.results))
    (given.results / "scale.json").write_text(json.dumps(found, indent=1) + "\n")
    print(f"{'operation':22} {'':10} {'people':>10} {'ms':>8}  of the smallest")
    for row in found["times"]:
        print(
            f"{row['operation']:22} {row['kind']:10} {row['people']:10} "
            f"{row['milliseconds']:8.3f}  {row['throughput_of_smallest']:.2f}"
        )
    for plan, lines in found["read_whole"].items():
        print(f"{plan} reads from end to end: {'; '.join(lines)}")
    return 0 if held(found) else 1


if __name__ == "__main__":
    sys.exit(main())
