"""`python -m bench.soak`: one worker under a mixed load for an hour; does its memory grow?

Requests go out at a fixed rate, whether or not answers are quick (an open loop), over a fixed
number of connections. Each ten seconds resident memory and connections are looked at. In the end:
the largest resident memory, its slope behind the first minutes with an error, and every answer
that was not right.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import math
import signal
import statistics
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import plots
from bench.load import HOST, request
from bench.machine import describe, size
from bench.mix import Mix
from bench.peers import serving
from bench.people import ground, tell
from bench.processes import processor_seconds, resident_bytes, sockets
from db.pools import MOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from bench.mix import Ask
    from bench.peers import Serving
    from bench.people import Ground

RESULTS = Path(__file__).with_name("results")
KEPT = Path(".bench")
MOST_RESIDENT = 150e6
"""Bytes that a worker may hold."""
GROWTH = 1e6
"""Bytes an hour below which a slope is none."""
UNSURE = 5e6
"""Bytes an hour: a slope whose error is larger decides nothing."""

_CONNECTIONS = 32
_EVERY = 10.0
_LATE = 1.0
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Look:
    """The worker at one moment."""

    minute: float
    resident: int
    clients: int
    database: int
    answers: int
    wrong: int
    processor: float


@dataclass(frozen=True, slots=True)
class Slope:
    """Bytes an hour, and its standard error."""

    hourly: float
    error: float

    @staticmethod
    def of(looks: Sequence[Look]) -> Slope | None:
        """Least squares. None of fewer than ten looks.

        Successive looks are alike, so they count as fewer: the error grows with how much each
        residue follows the one before.
        """
        if len(looks) < 10:
            return None
        hours = [look.minute / 60 for look in looks]
        resident = [float(look.resident) for look in looks]
        slope, intercept = statistics.linear_regression(hours, resident)
        residues = [y - slope * x - intercept for x, y in zip(hours, resident, strict=True)]
        squares = math.fsum(r * r for r in residues)
        mean = statistics.fmean(hours)
        width = math.fsum((x - mean) ** 2 for x in hours)
        alike = math.fsum(a * b for a, b in itertools.pairwise(residues))
        alike = min(0.98, max(0.0, alike / squares)) if squares else 0.0
        error = math.sqrt(squares / (len(looks) - 2) / width * (1 + alike) / (1 - alike))
        return Slope(slope, error)


@dataclass
class Soak:
    """What has happened so far."""

    looks: list[Look] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    """Requests that were not sent, because no connection was free within a second."""

    def settled(self, minutes: float) -> list[Look]:
        """The looks that count for the slope: behind ten minutes, or the first third."""
        return [look for look in self.looks if look.minute >= min(10.0, minutes / 3)]

    def verdict(self, minutes: float) -> dict[str, bool | None]:
        """Each bar; None where the run is too short to say."""
        slope = Slope.of(self.settled(minutes))
        flat = None
        if slope is not None and slope.hourly > max(2 * slope.error, GROWTH):
            flat = False
        elif slope is not None and 2 * slope.error <= UNSURE:
            flat = True
        largest = max((look.resident for look in self.looks), default=None)
        return {
            "resident under 150 MB": None if largest is None else largest < MOST_RESIDENT,
            "no growth": flat,
            "every answer right": bool(self.asked) and not self.wrong,
            "rate kept": self.skipped <= self.asked.total() / 100,
        }


class Line:
    """One connection that stays open, one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, raw: bytes) -> tuple[int, bytes]:
        """Status and body. OSError, EOFError or TimeoutError where there is no answer."""
        try:
            async with asyncio.timeout(_PATIENCE):
                if self._streams is None:
                    self._streams = await asyncio.open_connection(HOST, self._port)
                reader, writer = self._streams
                writer.write(raw)
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                return int(head.split(b" ", 2)[1]), await reader.readexactly(length)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hangs up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _ask(ask: Ask, line: Line, to: Serving, mix: Mix, soak: Soak) -> None:
    headers = {"Authorization": f"Bearer {ask.token}"}
    try:
        status, body = await line.ask(request(to.port, to.path, headers, ask.body))
    except (OSError, EOFError, TimeoutError) as error:
        fault: str | None = type(error).__name__
    else:
        mix.hear(ask, body)
        fault = ask.fault(status, body)
    soak.asked[ask.kind] += 1
    if fault is not None:
        soak.wrong[f"{ask.kind}: {fault}"] += 1


async def _send(to: Serving, mix: Mix, rate: float, until: float, soak: Soak) -> None:
    """Requests at a rate until a moment of the loop's clock."""
    loop = asyncio.get_running_loop()
    free: asyncio.Queue[Line] = asyncio.Queue()
    lines = [Line(to.port) for _ in range(_CONNECTIONS)]
    for line in lines:
        free.put_nowait(line)

    async def one(ask: Ask, line: Line) -> None:
        try:
            await _ask(ask, line, to, mix, soak)
        finally:
            free.put_nowait(line)

    due = loop.time()
    try:
        async with asyncio.TaskGroup() as group:
            while (due := due + 1 / rate) < until:
                await asyncio.sleep(max(0.0, due - loop.time()))
                if free.empty() and loop.time() - due > _LATE:
                    soak.skipped += 1
                    continue
                group.create_task(one(mix.next(), await free.get()))
    finally:
        for line in lines:
            line.close()


def _look(to: Serving, soak: Soak, began: float) -> None:
    clients, database = sockets(to.pids[0], to.port)
    soak.looks.append(
        Look(
            round((time.monotonic() - began) / 60, 3),
            resident_bytes(to.pids),
            clients,
            database,
            soak.asked.total(),
            soak.wrong.total(),
            round(processor_seconds(to.pids), 2),
        )
    )


@contextlib.asynccontextmanager
async def _looking(to: Serving, soak: Soak) -> AsyncIterator[None]:
    began = time.monotonic()

    async def look() -> None:
        while True:
            _look(to, soak, began)
            await asyncio.sleep(_EVERY)

    task = asyncio.create_task(look())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        _look(to, soak, began)


async def _ids(place: Ground) -> list[str]:
    """Medicaid IDs that one person holds, of all states: some in scope, most not."""
    rows = await place.owner.fetch(
        "select msis_identification_num as id from medicaid.enrollee "
        "group by 1 having count(*) = 1 order by md5(msis_identification_num) limit 5000"
    )
    return [row["id"] for row in rows]


async def soak(minutes: float, rate: float, people: int, keep: Path) -> tuple[Soak, dict[str, Any]]:
    """What happened and where; cut short, what happened until then."""
    done = Soak()
    loop = asyncio.get_running_loop()
    about: dict[str, Any] = {}
    async with (
        ground(people, keep, tell) as place,
        serving("fieldward", place, connections=MOST) as to,
    ):
        about |= {"machine": await describe(place.owner), "records": await size(place.owner)}
        mix = Mix(place, await _ids(place))
        sending = asyncio.ensure_future(_send(to, mix, rate, loop.time() + minutes * 60, done))
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, sending.cancel)
        async with _looking(to, done):
            with contextlib.suppress(asyncio.CancelledError):
                await sending
    return done, about


def _summary(done: Soak, minutes: float, rate: float) -> dict[str, Any]:
    slope = Slope.of(done.settled(minutes))
    ran = done.looks[-1].minute if done.looks else 0.0
    return {
        "minutes_asked": minutes,
        "minutes": ran,
        "rate": rate,
        "asked": dict(sorted(done.asked.items())),
        "wrong": dict(sorted(done.wrong.items())),
        "skipped": done.skipped,
        "largest_resident": max((look.resident for look in done.looks), default=0),
        "slope": slope and {key: round(value) for key, value in asdict(slope).items()},
        "verdict": done.verdict(minutes),
    }


def _plot(done: Soak, found: dict[str, Any]) -> str:
    looks = done.looks
    slope = found["slope"]
    grown = f"{slope['hourly'] / 1e6:+.2f} ± {slope['error'] / 1e6:.2f} MB/h" if slope else "-"
    facts = {
        "largest": f"{found['largest_resident'] / 1e6:.0f} MB",
        "slope": grown,
        "requests": f"{done.asked.total():,}",
        "wrong": str(done.wrong.total()),
    }
    lines = [
        plots.Line("Resident memory", "MB", [(k.minute, k.resident / 1e6) for k in looks], 150.0),
        plots.Line(
            "Connections to PostgreSQL", "open", [(k.minute, float(k.database)) for k in looks]
        ),
        plots.Line("Processor", "of one core", _per_second(looks)),
    ]
    return plots.over_time("One worker under a mixed load", lines, facts)


def _per_second(looks: Sequence[Look]) -> list[tuple[float, float]]:
    return [
        (b.minute, (b.processor - a.processor) / max(1e-9, (b.minute - a.minute) * 60))
        for a, b in itertools.pairwise(looks)
    ]


def main() -> int:
    """Exit status 0 where every bar is met, 1 where one is not, 2 where the run was too short."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=200, help="requests a second")
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--keep", type=Path, default=KEPT, help="the folder for records")
    parser.add_argument("--json", action="store_true", help="print the JSON")
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    done, about = asyncio.run(soak(given.minutes, given.rate, given.people, given.keep))
    found = _summary(done, given.minutes, given.rate)
    looks = [asdict(look) for look in done.looks]
    given.results.mkdir(parents=True, exist_ok=True)
    text = json.dumps(about | found, indent=1)
    # A look a line: three hundred of them are read as a table, if at all.
    rows = ",\n  ".join(json.dumps(look) for look in looks)
    whole = f'{text[:-2]},\n "looks": [\n  {rows}\n ]\n}}\n'
    (given.results / "soak.json").write_text(whole)
    (given.results / "soak.svg").write_text(_plot(done, found))
    print(whole if given.json else text)
    verdicts = found["verdict"].values()
    return 1 if False in verdicts else 2 if None in verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
