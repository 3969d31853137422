"""Plots of what was measured, as SVG. Pure: knows reports and shapes, no file."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.report import AT, BASE, Run, throughput
from bench.svg import box, curve, decades, dot, picture, stroke, ticks, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDTH = 860
_LETTER = 7
"""About as wide as a small letter: what would lie across the line of bare begins behind it."""
_PERCENTILES = ("p50", "p90", "p99", "p999", "max")
_NAMES = {"p999": "p99.9"}


def comparison(run: Run) -> dict[str, str]:
    """File names without suffix → SVG, of a run in which something was measured."""
    found = {each.connections for each in run.slices}
    at = AT if AT in found else min(found)
    return {
        "compare-throughput": _throughput(run, at),
        "compare-latency": _latency(run, at),
    }


def _operations(run: Run, at: int) -> list[str]:
    return [operation for operation, connections in run.cells() if connections == at]


def _throughput(run: Run, at: int) -> str:
    """Bars: throughput of each server as a part of the bare one's."""
    left, right, top, row, gap = 120, 190, 74, 17, 16
    rows = [
        (operation, [p for p in run.peers() if run.ratio(operation, at, p, BASE)])
        for operation in _operations(run, at)
    ]
    ratios = {
        (operation, peer): run.ratio(operation, at, peer, BASE)
        for operation, peers in rows
        for peer in peers
    }
    most = max([1.1, *(each.high * 1.02 for each in ratios.values() if each)])
    height = top + sum(len(peers) * row + gap for _, peers in rows) + 30
    width = _WIDTH - left - right

    def at_x(ratio: float) -> float:
        return left + width * ratio / most

    parts = [
        words(16, 28, f"Answers a second at {at} connections, bare = 1", "ink title"),
        words(16, 48, "Medians of rounds in turns; the thin line is the least and the most.",
              "faint"),
    ]  # fmt: skip
    bottom = height - 34
    for tick in ticks(most):
        parts.append(stroke(at_x(tick), top - 10, at_x(tick), bottom, "grid"))
        parts.append(words(at_x(tick), bottom + 16, f"{tick:g}", "faint small", "middle"))
    y = float(top)
    for operation, peers in rows:
        parts.append(words(16, y + 12, operation, "ink strong"))
        for peer in peers:
            ratio = ratios[operation, peer]
            rate = run.spread(operation, at, peer, throughput)
            if ratio is None or rate is None:
                continue
            middle = y + row / 2 - 1
            end = at_x(ratio.median)
            parts.append(box(left, y + 1, end - left, row - 4, peer))
            parts.append(stroke(at_x(ratio.low), middle, at_x(ratio.high), middle, "ink"))
            label = f"{peer} {_short(ratio.median)} · {_thousands(rate.median)}/s"
            x = max(end, at_x(ratio.high)) + 6
            if x < at_x(1) + 6 < x + _LETTER * len(label):
                x = at_x(1) + 6
            parts.append(words(x, y + 12, label, "ink small"))
            y += row
        y += gap
    parts.append(stroke(at_x(1), top - 10, at_x(1), bottom, "ink", "4 3"))
    return picture(_WIDTH, int(height), "Throughput by operation", parts)


def _latency(run: Run, at: int) -> str:
    """A panel for each operation: milliseconds by percentile, a line for each server."""
    operations = _operations(run, at)
    columns = min(3, max(1, len(operations) + 1))
    panel, tall, top = (_WIDTH - 20) / columns, 210.0, 66.0
    rows = math.ceil((len(operations) + 1) / columns)
    parts = [
        words(16, 28, f"Latency by percentile at {at} connections, milliseconds", "ink title"),
        words(16, 48, "Medians over rounds; each panel has its own scale, in powers of ten.",
              "faint"),
    ]  # fmt: skip
    for index, operation in enumerate(operations):
        x, y = 10 + panel * (index % columns), top + tall * (index // columns)
        parts += _panel(run, at, operation, x, y, panel, tall)
    index = len(operations)
    x, y = 10 + panel * (index % columns) + 46, top + tall * (index // columns) + 30
    for peer in run.peers():
        parts += [stroke(x, y, x + 22, y, f"line {peer}"), dot(x + 11, y, peer)]
        parts.append(words(x + 32, y + 4, peer))
        y += 22
    return picture(_WIDTH, int(top + rows * tall), "Latency by operation", parts)


def _panel(
    run: Run, at: int, operation: str, x: float, y: float, width: float, height: float
) -> list[str]:
    lines = {
        peer: [
            max(0.001, statistics.median(getattr(s.figures, name) for s in rounds) / 1000)
            for name in _PERCENTILES
        ]
        for peer in run.peers()
        if (rounds := run.of(operation, at, peer))
    }
    values = [value for line in lines.values() for value in line]
    marks = decades(min(values), max(values))
    low, high = math.log10(marks[0]), math.log10(marks[-1])
    left, right, top, bottom = x + 46, x + width - 16, y + 26, y + height - 36

    def at_y(value: float) -> float:
        return bottom - (bottom - top) * (math.log10(value) - low) / (high - low)

    def at_x(index: int) -> float:
        return left + 10 + (right - left - 20) * index / (len(_PERCENTILES) - 1)

    parts = [words(left, y + 14, operation, "ink strong")]
    for mark in marks:
        parts.append(stroke(left, at_y(mark), right, at_y(mark), "grid"))
        parts.append(words(left - 6, at_y(mark) + 4, f"{mark:g}", "faint small", "end"))
    for index, name in enumerate(_PERCENTILES):
        label = _NAMES.get(name, name)
        parts.append(words(at_x(index), bottom + 16, label, "faint small", "middle"))
    # Ours last, and so on top.
    for peer, line in reversed(lines.items()):
        points = [(at_x(index), at_y(value)) for index, value in enumerate(line)]
        parts += [curve(points, peer), *(dot(*point, peer) for point in points)]
    return parts


@dataclass(frozen=True, slots=True)
class Line:
    """What a plot over time shows: minutes and values of one kind, and a limit."""

    title: str
    unit: str
    points: Sequence[tuple[float, float]]
    limit: float | None = None


def over_time(title: str, lines: Sequence[Line], facts: Mapping[str, str]) -> str:
    """A plot for each line, one below the other over the same minutes, and facts above."""
    left, right, top, tall = 62, 24, 74, 170
    parts = [
        words(16, 28, title, "ink title"),
        words(16, 48, " · ".join(f"{name} {value}" for name, value in facts.items()), "faint"),
    ]
    longest = max((minute for line in lines for minute, _ in line.points), default=1.0) or 1.0
    width = _WIDTH - left - right
    for index, line in enumerate(lines):
        y = top + index * tall
        bottom = y + tall - 44
        most = max([value for _, value in line.points] + [line.limit or 0, 1e-9]) * 1.08

        def at_y(value: float, bottom: float = bottom, y: float = y, most: float = most) -> float:
            return bottom - (bottom - y - 14) * value / most

        parts.append(words(left, y + 4, f"{line.title}, {line.unit}", "ink strong"))
        for tick in ticks(most, 4):
            parts.append(stroke(left, at_y(tick), left + width, at_y(tick), "grid"))
            parts.append(words(left - 6, at_y(tick) + 4, f"{tick:g}", "faint small", "end"))
        for tick in ticks(longest, 8):
            x = left + width * tick / longest
            parts.append(words(x, bottom + 16, f"{tick:g}", "faint small", "middle"))
        if line.limit is not None:
            y_limit = at_y(line.limit)
            parts.append(stroke(left, y_limit, left + width, y_limit, "bar", "5 4"))
            text = f"bar: {line.limit:g}"
            parts.append(words(left + width, y_limit - 5, text, "bar small", "end"))
        parts.append(
            curve([(left + width * m / longest, at_y(v)) for m, v in line.points], "fieldward")
        )
    height = top + len(lines) * tall
    parts.append(words(left + width, height - 6, "minutes", "faint small", "end"))
    return picture(_WIDTH, height + 4, title, parts)


def _short(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def _thousands(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"
