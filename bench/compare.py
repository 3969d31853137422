"""`python -m bench.compare`: Fieldward beside bare SQL and others, over the same records.

    ground ─ servers ─ equal answers ─ for each operation and number of connections:
             each server warmed up and its answers looked at ─ rounds of short slices, in turns
             ─ medians, paired ratios, bars ─ a table, JSON, plots

docs/benchmarks.md says what is asked of whom. The load is on this machine's loopback alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import plots, report
from bench.equivalence import Different, check
from bench.load import LoadFailed, Target, request, write_requests, wrk
from bench.machine import describe, size
from bench.node import node
from bench.operations import OPERATIONS, PEERS, sample
from bench.peers import PeerFailed, serving
from bench.people import ground, tell
from bench.processes import parent, processor_seconds, resident_bytes, settle
from bench.report import AT, Run, Slice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.operations import Operation, Sample
    from bench.peers import Serving

PEOPLE = 150_000
"""About 720,000 claims."""
RESULTS = Path(__file__).with_name("results")
KEPT = Path(".bench")

_LONGEST = 12
"""Seconds of a slice of a server that is so slow that a shorter one would see few answers."""
_WAVES = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run was asked to do."""

    people: int
    rounds: int
    seconds: int
    connections: tuple[int, ...]
    operations: tuple[str, ...]
    peers: tuple[str, ...]

    def rounds_at(self, connections: int) -> int:
        """All of them where the bars are, and half of them elsewhere."""
        return self.rounds if connections == AT else math.ceil(self.rounds / 2)


@dataclass(frozen=True, slots=True)
class Contender:
    """A server in one operation: what to load, whose processes to look at, and how many answers a
    second it gave to one connection."""

    serving: Serving
    target: Target
    rate: float

    def seconds(self, connections: int, asked: int) -> int:
        """How long a slice lasts: long enough for each connection to get a few answers."""
        return max(asked, min(_LONGEST, math.ceil(_WAVES * connections / self.rate)))

    def hopeless(self, connections: int) -> bool:
        """Whether the longest slice would end before each connection had an answer."""
        return connections / self.rate > _LONGEST


class Comparison:
    """One run over servers that are up."""

    def __init__(
        self,
        asked: Asked,
        database: int,
        servings: Sequence[Serving],
        shown: Sample,
        folder: Path,
    ) -> None:
        self._asked = asked
        self._servings = servings
        self._sample = shown
        self._folder = folder
        self._database = database
        self._slices: list[Slice] = []
        self._left_out: list[str] = []
        self._turn = 0

    def run(self, operations: Sequence[Operation]) -> Run:
        """All slices. Raises LoadFailed where a server answers what it should not."""
        for operation in operations:
            contenders = [
                self._first(operation, each)
                for each in self._servings
                if each.peer in operation.peers
            ]
            for connections in self._asked.connections:
                self._cell(operation, connections, contenders)
        return Run(tuple(self._slices), tuple(self._left_out))

    def _first(self, operation: Operation, serving: Serving) -> Contender:
        """Looks at answers to one connection, and learns how fast they come."""
        path = self._folder / f"{operation.name}-{serving.peer}"
        headers = serving.headers(operation.role)
        bodies = operation.bodies(serving.peer, self._sample)
        requests = [request(serving.port, serving.path, headers, body) for body in bodies]
        write_requests(path, requests)
        target = Target(serving.port, path)
        rate = 0.0
        for seconds in (1, _LONGEST):
            rate = rate or self._checked(operation, serving, target, 1, seconds)
        if not rate:
            raise LoadFailed(f"{serving.peer}, {operation.name}: no answer in {_LONGEST} seconds")
        return Contender(serving, target, rate)

    def _checked(
        self, operation: Operation, serving: Serving, target: Target, connections: int, seconds: int
    ) -> float:
        try:
            found = target.checked(connections, seconds, errors=operation.denies)
            return found.throughput
        except LoadFailed as error:
            raise LoadFailed(f"{serving.peer}, {operation.name}: {error}") from None
        finally:
            settle((*serving.pids, self._database))

    def _cell(
        self, operation: Operation, connections: int, contenders: Sequence[Contender]
    ) -> None:
        began = time.monotonic()
        running: list[Contender] = []
        for each in contenders:
            if each.hopeless(connections):
                name = f"{each.serving.peer}, {operation.name} at {connections} connections"
                text = f"{name}: {each.rate:.2g} answers a second to one"
                self._left_out.append(text)
                continue
            running.append(each)
            if connections / each.rate < 1:
                self._checked(operation, each.serving, each.target, connections, 1)
        for number in range(self._asked.rounds_at(connections)):
            for each in self._in_turn(running):
                seconds = each.seconds(connections, self._asked.seconds)
                # Of a slow one, two rounds take as long as all of the others'.
                if seconds == self._asked.seconds or number < 2:
                    self._slices.append(self._slice(operation, connections, each, number, seconds))
        taken = time.monotonic() - began
        print(f"{operation.name} at {connections}: {taken:.0f} s", file=sys.stderr, flush=True)

    def _in_turn(self, contenders: Sequence[Contender]) -> Iterator[Contender]:
        """Each round begins with the next, every other one backwards: nobody always comes behind
        the same one."""
        start = self._turn % max(1, len(contenders))
        turned = [*contenders[start:], *contenders[:start]]
        yield from turned if self._turn % 2 == 0 else reversed(turned)
        self._turn += 1

    def _slice(
        self, operation: Operation, connections: int, of: Contender, number: int, seconds: int
    ) -> Slice:
        pids, database = of.serving.pids, (self._database,)
        before = processor_seconds(pids), processor_seconds(database)
        try:
            figures = of.target.load(connections, seconds, start=number * 997)
        except LoadFailed as error:
            raise LoadFailed(f"{of.serving.peer}, {operation.name}: {error}") from None
        spent = processor_seconds(pids) - before[0], processor_seconds(database) - before[1]
        resident = resident_bytes(pids)
        settle((*pids, *database))
        return Slice(
            operation.name, connections, of.serving.peer, number, figures, *spent, resident
        )


async def compare(asked: Asked, keep: Path) -> tuple[Run, dict[str, object]]:
    """The run and what it was taken on."""
    this = asyncio.current_task()
    if this is not None:
        # Else servers would be left behind.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    operations = [each for each in OPERATIONS if each.name in asked.operations]
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(ground(asked.people, keep, tell))
        shown = await sample(place.owner)
        servings = [await stack.enter_async_context(serving(peer, place)) for peer in asked.peers]
        _say(f"{len(servings)} servers are up; are their answers equal?")
        await check(servings, operations, shown)
        program = node() if {"apollo", "postgraphile"} & {*asked.peers} else None
        about = {
            "machine": await describe(place.owner, program),
            "records": await size(place.owner),
        }
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = parent(await place.owner.fetchval("select pg_backend_pid()"))
        comparison = Comparison(asked, database, servings, shown, folder)
        # In a thread, so that what the servers say is read meanwhile.
        return await asyncio.to_thread(comparison.run, operations), about


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(each) for each in text.split(",")))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    names = tuple(each.name for each in OPERATIONS)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--rounds", type=int, help="at 16 connections (6); half of them elsewhere")
    parser.add_argument("--seconds", type=int, help="of a slice (2)")
    parser.add_argument("--connections", type=_numbers, metavar="N,N", help="(1,16,64)")
    parser.add_argument("--operations", type=_list, default=names, metavar="NAME,NAME")
    parser.add_argument("--peers", type=_list, default=PEERS, metavar="NAME,NAME")
    parser.add_argument("--quick", action="store_true", help="16 connections, few short rounds")
    parser.add_argument(
        "--keep", type=Path, default=KEPT, help="the folder in which records wait for the next run"
    )
    parser.add_argument("--json", action="store_true", help="print the JSON instead of the tables")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="the folder for JSON and plots"
    )
    given = parser.parse_args()
    given.rounds = given.rounds or (3 if given.quick else 6)
    given.seconds = given.seconds or (1 if given.quick else 2)
    given.connections = given.connections or ((AT,) if given.quick else (1, AT, 64))
    if unknown := {*given.operations} - {*names} | {*given.peers} - {*PEERS}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return given


def main() -> int:
    """Exit status 0 where all bars that were measured are met, 1 where one is not, 2 where there
    was nothing to compare: unequal answers, failed requests, no wrk."""
    given = _arguments()
    asked = Asked(
        given.people, given.rounds, given.seconds, given.connections, given.operations, given.peers
    )
    try:
        wrk()
        run, about = asyncio.run(compare(asked, given.keep))
    except (LoadFailed, Different, PeerFailed) as error:
        _say(str(error))
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        _say("ended early: nothing is written")
        return 2
    judged = [bar.judge(run) for bar in report.BARS]
    settings = {"rounds": asked.rounds, "seconds": asked.seconds}
    document = about | {"settings": settings} | report.as_json(run, judged)
    text = json.dumps(document, indent=1) + "\n"
    given.results.mkdir(parents=True, exist_ok=True)
    (given.results / "compare.json").write_text(text)
    for name, svg in plots.comparison(run).items():
        (given.results / f"{name}.svg").write_text(svg)
    print(text if given.json else f"{report.table(run)}\n\n{report.bar_table(judged)}")
    return 1 if any(each.met is False for each in judged) else 0


if __name__ == "__main__":
    sys.exit(main())
