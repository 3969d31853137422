"""What is withheld of a table hides what is small in it, judged by the oracle, cell by cell."""

from __future__ import annotations

import os
import random

import pytest

from api.cell import Cell
from api.suppression import suppressed
from tests.oracle.tables import enough_withheld, faults, small

TABLES = int(os.environ.get("FIELDWARD_CASES", "150")) * 4
SEED = int(os.environ.get("FIELDWARD_SEED", "20260106"))


def _table(chance: random.Random) -> tuple[list[tuple[int, ...]], list[frozenset[int]]]:
    """Keys in order, of one to three dimensions, and the people of each cell."""
    dimensions, everybody = chance.randint(1, 3), range(chance.randint(3, 80))
    keys = {
        tuple(chance.randint(0, 3) for _ in range(dimensions)) for _ in range(chance.randint(1, 14))
    }
    sizes = (min(len(everybody), chance.choice([1, 2, 3, 5, 8, 12, 20, 40])) for _ in keys)
    return sorted(keys), [frozenset(chance.sample(everybody, size)) for size in sizes]


@pytest.mark.parametrize("smallest", [2, 3, 5, 11])
def test_no_line_of_a_table_tells_of_what_is_withheld_in_it(smallest: int) -> None:
    chance = random.Random(SEED)
    withheld_more = 0
    for _ in range(TABLES):
        keys, people = _table(chance)
        cells = [
            Cell(key, rank, len(who), len(who) + chance.randint(0, 3), _few(who, smallest))
            for rank, (key, who) in enumerate(zip(keys, people, strict=True))
        ]
        chosen = suppressed(cells, smallest)
        places = frozenset(place for place, key in enumerate(keys) if key in chosen)
        assert not faults(keys, people, smallest, places), (SEED, keys, people, smallest)
        # What the lines alone ask for is mostly enough, and sometimes it is not.
        assert places >= small(people, smallest)
        withheld_more += len(places) > len(enough_withheld(keys, people, smallest))
    assert 0 < withheld_more < TABLES / 2


def _few(people: frozenset[int], smallest: int) -> frozenset[int]:
    return people if len(people) < smallest else frozenset()
