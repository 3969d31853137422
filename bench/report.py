"""Slices of load → medians, ratios, bars, a table. Pure: knows neither servers nor files.

Ratios are paired: of two servers in one round, which ran within seconds of each other, and then the
median over the rounds, with the least and the most. What else a machine does thus falls on both.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bench.load import Figures

OURS = "fieldward"
BASE = "bare"
AT = 16
"""Connections at which the bars are."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One load on one server. Processor seconds are those within it, of the server's processes and
    of PostgreSQL; resident bytes those of the server's processes behind it."""

    operation: str
    connections: int
    peer: str
    round: int
    figures: Figures
    server_seconds: float
    database_seconds: float
    resident: int

    @property
    def server_ms(self) -> float:
        """Processor milliseconds of the server for an answer."""
        return 1000 * self.server_seconds / max(1, self.figures.requests)

    @property
    def database_ms(self) -> float:
        """Processor milliseconds of PostgreSQL for an answer."""
        return 1000 * self.database_seconds / max(1, self.figures.requests)


@dataclass(frozen=True, slots=True)
class Spread:
    """A median with the least and the most it came from."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread | None:
        """None of nothing."""
        return Spread(statistics.median(values), min(values), max(values)) if values else None


def throughput(slice_: Slice) -> float:
    """Answers a second."""
    return slice_.figures.throughput


def p99(slice_: Slice) -> float:
    """Microseconds within which 99 of 100 answers were there."""
    return slice_.figures.p99


@dataclass(frozen=True, slots=True)
class Run:
    """All slices of a run, in the order in which they were taken, and what was left out and why."""

    slices: tuple[Slice, ...]
    left_out: tuple[str, ...] = ()

    def cells(self) -> tuple[tuple[str, int], ...]:
        """Operations and numbers of connections, in their order."""
        return tuple(dict.fromkeys((each.operation, each.connections) for each in self.slices))

    def peers(self) -> tuple[str, ...]:
        """Servers in the order of the table: ours, the base, and the others by name."""
        found = {each.peer for each in self.slices}
        return (*(p for p in (OURS, BASE) if p in found), *sorted(found - {OURS, BASE}))

    def of(self, operation: str, connections: int, peer: str) -> tuple[Slice, ...]:
        """The rounds of one server."""
        asked = (operation, connections, peer)
        return tuple(s for s in self.slices if (s.operation, s.connections, s.peer) == asked)

    def spread(
        self, operation: str, connections: int, peer: str, measure: Callable[[Slice], float]
    ) -> Spread | None:
        """A measure over the rounds."""
        return Spread.of([measure(each) for each in self.of(operation, connections, peer)])

    def ratio(
        self,
        operation: str,
        connections: int,
        peer: str,
        other: str,
        measure: Callable[[Slice], float] = throughput,
    ) -> Spread | None:
        """A measure of one server over another's, of the rounds in which both ran."""
        others = {s.round: measure(s) for s in self.of(operation, connections, other)}
        return Spread.of(
            [
                measure(each) / others[each.round]
                for each in self.of(operation, connections, peer)
                if others.get(each.round)
            ]
        )


@dataclass(frozen=True, slots=True)
class Bar:
    """What a ratio of ours over another's has to reach, or for latencies to keep below."""

    measure: str
    operation: str
    other: str
    limit: float

    def judge(self, run: Run) -> Judged:
        """The bar with what was measured at `AT` connections."""
        by = p99 if self.measure == "p99" else throughput
        found = run.ratio(self.operation, AT, OURS, self.other, by)
        met = None
        if found is not None:
            met = found.median <= self.limit if by is p99 else found.median >= self.limit
        return Judged(self, found, met)


@dataclass(frozen=True, slots=True)
class Judged:
    """A bar, its ratio, and whether it is met; None where it was not measured."""

    bar: Bar
    ratio: Spread | None
    met: bool | None


def _bars() -> Iterable[Bar]:
    limits = {
        BASE: {"one": 0.9, "fifty": 0.9, "fifty_claims": 0.9, "large": 0.95},
        "postgraphile": {"one": 3, "fifty": 3, "fifty_claims": 2},
        "apollo": {"one": 2, "fifty": 3, "fifty_claims": 5},
        "naive": {"fifty": 100, "fifty_claims": 100},
    }
    for other, operations in limits.items():
        for operation, limit in operations.items():
            yield Bar("throughput", operation, other, limit)
    for operation in ("one", "fifty", "fifty_claims", "filtered", "aggregate", "denied", "large"):
        yield Bar("p99", operation, BASE, 1.5)


BARS = tuple(_bars())


def table(run: Run) -> str:
    """Medians for each operation, number of connections and server."""
    lines = [
        f"{'operation':13}{'conns':>6}  {'server':13}{'answers/s':>10}  {'of bare':>21}"
        f"{'p50 ms':>9}{'p90 ms':>9}{'p99 ms':>9}{'p99.9':>9}"
        f"{'CPU ms':>8}{'db ms':>8}{'MB':>6}"
    ]
    for operation, connections in run.cells():
        lines.append("")
        for peer in run.peers():
            rounds = run.of(operation, connections, peer)
            if not rounds:
                continue

            def middle(measure: Callable[[Slice], float], of: Sequence[Slice] = rounds) -> float:
                return statistics.median(map(measure, of))

            of_bare = spread_text(run.ratio(operation, connections, peer, BASE))
            lines.append(
                f"{operation:13}{connections:6}  {peer:13}{middle(throughput):10.1f}  {of_bare:>21}"
                f"{middle(lambda s: s.figures.p50) / 1000:9.2f}"
                f"{middle(lambda s: s.figures.p90) / 1000:9.2f}"
                f"{middle(p99) / 1000:9.2f}"
                f"{middle(lambda s: s.figures.p999) / 1000:9.2f}"
                f"{middle(lambda s: s.server_ms):8.3f}{middle(lambda s: s.database_ms):8.3f}"
                f"{middle(lambda s: s.resident) / 1e6:6.0f}"
            )
    lines += ["", *(f"left out: {each}" for each in run.left_out)] if run.left_out else []
    return "\n".join(lines)


def bar_table(judged: Iterable[Judged]) -> str:
    """Each bar with its ratio and a word."""
    lines = [f"{'bar, at 16 connections':44}{'measured':>21}"]
    for each in judged:
        bar = each.bar
        sign = "<=" if bar.measure == "p99" else ">="
        text = f"{bar.measure} of {bar.operation} {sign} {bar.limit:g} x {bar.other}"
        word = {True: "met", False: "NOT MET", None: "not measured"}[each.met]
        lines.append(f"{text:44}{spread_text(each.ratio):>21}  {word}")
    return "\n".join(lines)


def spread_text(spread: Spread | None) -> str:
    """Median and extremes, in figures that are worth reading; a dash of nothing."""
    if spread is None:
        return "-"
    return f"{_short(spread.median)} ({_short(spread.low)}-{_short(spread.high)})"


def as_json(run: Run, judged: Iterable[Judged]) -> dict[str, Any]:
    """All of it, for a file. Latencies in microseconds, memory in bytes."""
    return {
        "bars": [
            {
                "measure": each.bar.measure,
                "operation": each.bar.operation,
                "over": each.bar.other,
                "limit": each.bar.limit,
                "connections": AT,
                "ratio": _spread_json(each.ratio),
                "met": each.met,
            }
            for each in judged
        ],
        "cells": [_cell(run, *cell, peer) for cell in run.cells() for peer in run.peers()
                  if run.of(*cell, peer)],
        "left_out": list(run.left_out),
    }  # fmt: skip


def _cell(run: Run, operation: str, connections: int, peer: str) -> dict[str, Any]:
    return {
        "operation": operation,
        "connections": connections,
        "server": peer,
        "throughput_ratio": {
            other: _spread_json(run.ratio(operation, connections, peer, other))
            for other in run.peers()
            if other != peer
        },
        "p99_ratio": _spread_json(run.ratio(operation, connections, peer, BASE, p99)),
        "rounds": [
            {
                "round": each.round,
                "answers_per_second": _rounded(each.figures.throughput),
                "requests": each.figures.requests,
                "seconds": _rounded(each.figures.seconds),
                "bytes": each.figures.bytes,
                "latency": {
                    name: getattr(each.figures, name) for name in ("p50", "p90", "p99", "p999")
                }
                | {"max": each.figures.max},
                "server_cpu_ms": _rounded(each.server_ms),
                "database_cpu_ms": _rounded(each.database_ms),
                "resident": each.resident,
            }
            for each in run.of(operation, connections, peer)
        ],
    }


def _spread_json(spread: Spread | None) -> dict[str, float] | None:
    if spread is None:
        return None
    return {name: _rounded(getattr(spread, name)) for name in ("median", "low", "high")}


def _rounded(value: float) -> float:
    """Five significant digits: more would be noise in a file that is kept."""
    return float(f"{value:.5g}")


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
