"""What measurements are turned into: paired ratios, bars, slopes, plots. No load, no clock."""

from __future__ import annotations

import random
from xml.etree import ElementTree

import pytest

from bench import plots, report
from bench.load import Figures
from bench.mix import Ask, Right
from bench.operations import OPERATIONS
from bench.report import Bar, Run, Slice, Spread
from bench.soak import Look, Slope, Soak


def _slice(peer: str, number: int, rate: int, p99: int = 1000, connections: int = 16) -> Slice:
    figures = Figures(rate * 2, 2.0, 100, 500, 800, p99, p99 + 10, p99 + 20)
    return Slice("one", connections, peer, number, figures, 1.0, 0.5, 50_000_000)


def _run(*slices: Slice) -> Run:
    return Run(slices, ("naive, one at 64 connections: 0.2 answers a second to one",))


def test_ratios_are_of_servers_in_one_round() -> None:
    # The second round fell on a slow moment for both.
    run = _run(
        _slice("fieldward", 0, 900), _slice("bare", 0, 1000),
        _slice("fieldward", 1, 95), _slice("bare", 1, 100),
        _slice("fieldward", 2, 980), _slice("bare", 2, 1000),
        _slice("bare", 3, 5000),
    )  # fmt: skip
    found = run.ratio("one", 16, "fieldward", "bare")
    assert found == Spread(0.95, 0.9, 0.98)


@pytest.mark.parametrize(
    ("measure", "limit", "rate", "p99", "met"),
    [
        ("throughput", 0.9, 900, 0, True),
        ("throughput", 0.9, 899, 0, False),
        ("p99", 1.5, 1, 1500, True),
        ("p99", 1.5, 1, 1501, False),
    ],
)
def test_a_bar_is_met_at_its_limit(
    measure: str, limit: float, rate: int, p99: int, met: bool
) -> None:
    run = _run(_slice("fieldward", 0, rate, p99), _slice("bare", 0, 1000))
    assert Bar(measure, "one", "bare", limit).judge(run).met is met


@pytest.mark.parametrize(
    "slices",
    [
        (_slice("fieldward", 0, 1000),),
        (_slice("fieldward", 0, 1000), _slice("bare", 1, 1000)),
        (_slice("fieldward", 0, 1000, connections=1), _slice("bare", 0, 1000, connections=1)),
    ],
    ids=["alone", "in another round", "at other connections"],
)
def test_a_bar_that_was_not_measured_is_neither_met_nor_missed(slices: tuple[Slice, ...]) -> None:
    judged = Bar("throughput", "one", "bare", 0.9).judge(_run(*slices))
    assert judged.met is None
    assert report.bar_table([judged]).endswith("not measured")


def test_every_operation_of_the_bars_is_one_that_is_asked() -> None:
    asked = {each.name: each.peers for each in OPERATIONS}
    for bar in report.BARS:
        assert {bar.other, report.OURS} <= asked[bar.operation], bar


def test_what_was_left_out_stands_below_the_table() -> None:
    assert "left out: naive, one at 64" in report.table(_run(_slice("bare", 0, 10)))


def test_plots_are_well_formed_and_the_same_for_the_same_run() -> None:
    run = _run(*(_slice(p, 0, r) for p, r in (("fieldward", 900), ("bare", 1000), ("naive", 2))))
    first, again = plots.comparison(run), plots.comparison(run)
    assert first == again
    for svg in first.values():
        ElementTree.fromstring(svg)  # noqa: S314 - our own text
        assert "prefers-color-scheme:dark" in svg


def _looks(hourly: float, noise: float, minutes: int = 60) -> list[Look]:
    rng = random.Random(3)
    return [
        Look(tenth / 6, int(100e6 + hourly * tenth / 360 + rng.gauss(0, noise)), 1, 1, 1, 0, 0.0)
        for tenth in range(minutes * 6)
    ]


@pytest.mark.parametrize("hourly", [0.0, 12e6, -3e6])
def test_a_slope_is_found_within_its_error(hourly: float) -> None:
    slope = Slope.of(_looks(hourly, 2e5))
    assert slope is not None
    assert abs(slope.hourly - hourly) < 4 * slope.error < 1e6


@pytest.mark.parametrize(
    ("looks", "flat"),
    [
        (_looks(0, 2e5), True),
        (_looks(9e6, 2e5), False),
        (_looks(0, 2e5, minutes=1), None),
        (_looks(0, 9e7), None),
    ],
    ids=["flat", "growing", "too short", "too noisy"],
)
def test_growth_is_told_from_noise_and_from_too_little(
    looks: list[Look], flat: bool | None
) -> None:
    assert Soak(looks=looks).verdict(60)["no growth"] is flat


def test_memory_before_the_first_minutes_are_over_is_no_growth() -> None:
    started = [Look(m / 6, m * 1_000_000, 1, 1, 1, 0, 0.0) for m in range(60)]
    later = _looks(0, 1e5)[60:]
    assert Soak(looks=[*started, *later]).verdict(60)["no growth"] is True


@pytest.mark.parametrize(
    ("right", "status", "body", "fault"),
    [
        (Right.DATA, 200, b'{"data":{"enrollee":null}}', None),
        (Right.DATA, 200, b'{"errors":[{"extensions":{"code":"FW502"}}]}', "200 FW502"),
        (Right.DATA, 503, b'{"data":{', "503"),
        (Right.REFUSED, 200, b'{"errors":[{"extensions":{"code":"FW121"}}]}', None),
        (Right.REFUSED, 200, b'{"data":{"enrollee":null}}', "200"),
        (Right.INVALID, 200, b'{"errors":[{"extensions":{"code":"FW110"}}]}', None),
        (Right.INVALID, 200, b'{"data":{}}', "200"),
        (Right.EXPIRED, 401, b"", None),
        (Right.EXPIRED, 200, b'{"data":{}}', "200"),
    ],
)
def test_a_soak_knows_the_right_answer(
    right: Right, status: int, body: bytes, fault: str | None
) -> None:
    assert Ask("one", "", b"", right).fault(status, body) == fault
