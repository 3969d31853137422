"""Turns, rounds and slow servers of a comparison, with loads that only say how long they are."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pytest

from bench import compare
from bench.compare import Asked, Comparison
from bench.load import Figures, LoadFailed
from bench.operations import OPERATIONS, Sample
from bench.peers import Serving

if TYPE_CHECKING:
    from pathlib import Path

    from bench.report import Run

ONE = OPERATIONS[0]
DAY = date(2020, 1, 1)
SAMPLE = Sample("CA", DAY, ("1", "2"), ("3",), ((DAY, DAY),), (DAY,), (DAY,))


@dataclass
class _Target:
    """A server that answers a hundredth as often a second as the number of its port."""

    port: int
    requests: Path

    def load(self, connections: int, seconds: int, start: int = 0) -> Figures:
        rate = self.port / 100
        return Figures(int(rate * seconds), float(seconds), 0, 1, 1, 1, 1, 1)

    def checked(self, connections: int, seconds: int, *, errors: bool) -> Figures:
        return self.load(connections, seconds)


@pytest.fixture(autouse=True)
def no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "Target", _Target)
    monkeypatch.setattr(compare, "settle", lambda _: None)
    monkeypatch.setattr(compare, "processor_seconds", lambda _: 0.0)
    monkeypatch.setattr(compare, "resident_bytes", lambda _: 0)


def _compare(folder: Path, rounds: int = 6, **rates: float) -> Run:
    peers = ("fieldward", "bare", "naive")
    asked = Asked(10, rounds, 2, (1, 16, 64), ("one",), peers)
    servings = [
        Serving(peer, int(rates.get(peer, 1000) * 100), "/", lambda role: {"X": role}, (1,))
        for peer in peers
    ]
    return Comparison(asked, 1, servings, SAMPLE, folder).run([ONE])


def test_half_the_rounds_are_enough_where_there_is_no_bar(tmp_path: Path) -> None:
    run = _compare(tmp_path)
    rounds = {at: len(run.of("one", at, "bare")) for at in (1, 16, 64)}
    assert rounds == {1: 3, 16: 6, 64: 3}


def test_nobody_is_always_first_or_always_behind_the_same_one(tmp_path: Path) -> None:
    run = _compare(tmp_path, rounds=12)
    order = [each.peer for each in run.slices if each.connections == 16]
    turns = [order[at : at + 3] for at in range(0, len(order), 3)]
    assert all(len(set(turn)) == 3 for turn in turns)
    assert set(Counter(turn[0] for turn in turns).values()) == {4}
    before = Counter(pair for turn in turns for pair in itertools.pairwise(turn))
    assert len(before) == 6


def test_a_slow_server_has_longer_slices_and_fewer(tmp_path: Path) -> None:
    run = _compare(tmp_path, naive=16)
    slow = run.of("one", 16, "naive")
    assert [each.figures.seconds for each in slow] == [4.0, 4.0]
    assert {each.round for each in slow} < {each.round for each in run.of("one", 16, "fieldward")}


def test_a_server_whose_first_answers_would_come_too_late_is_left_out_and_named(
    tmp_path: Path,
) -> None:
    run = _compare(tmp_path, naive=2)
    assert not run.of("one", 64, "naive")
    assert run.left_out == ("naive, one at 64 connections: 2 answers a second to one",)


def test_a_server_that_never_answers_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(LoadFailed, match="naive, one: no answer"):
        _compare(tmp_path, naive=0)
