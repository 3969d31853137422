"""What is withheld of a table of counts: enough, no more than that, and the same every time.

The attacker here knows nothing of how cells are chosen: it has an answer, the answers to the same
question with fewer dimensions, and arithmetic.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cell import Cell
from api.suppression import suppressed

CASES = int(os.environ.get("FIELDWARD_CASES", "300"))
Table = Mapping[tuple[int, ...], int]


def cells(table: Table) -> list[Cell]:
    """Cells of people who are each in one cell; a count of 0 is no cell."""
    found: list[Cell] = []
    first = 0
    for rank, (key, people) in enumerate(sorted(table.items())):
        if people:
            few = frozenset(range(first, first + people))
            found.append(Cell(key, rank, people, people, few))
            first += people
    return found


def withheld(table: Table, smallest: int = 11) -> set[tuple[object, ...]]:
    """The keys that are withheld."""
    return set(suppressed(cells(table), smallest))


def line(*counts: int) -> Table:
    """A table of one dimension."""
    return {(i,): count for i, count in enumerate(counts)}


def grid(*rows: tuple[int, ...]) -> Table:
    """A table of rows and columns."""
    return {(i, j): n for i, row in enumerate(rows) for j, n in enumerate(row)}


@pytest.mark.parametrize(
    ("table", "hidden"),
    [
        (line(), set()),
        (line(11, 500), set()),
        (line(0, 11), set()),
        (line(10, 30, 20, 40), {(0,), (2,)}),
        (line(4, 4, 4, 100), {(0,), (1,), (2,)}),
        (line(4, 4, 100, 90), {(0,), (1,), (3,)}),
        (line(3, 20, 20), {(0,), (1,)}),  # of two equal ones, the first
        (line(3, 5), {(0,), (1,)}),
        (
            line(
                7,
            ),
            {(0,)},
        ),
        (grid((5, 50, 60), (70, 80, 90), (100, 110, 120)), {(0, 0), (0, 1), (1, 0), (1, 1)}),
        (grid((5, 50), (0, 80), (100, 110)), {(0, 0), (0, 1), (1, 1), (2, 0), (2, 1)}),
    ],
)
def test_a_small_cell_takes_as_many_with_it_as_its_lines_need(
    table: Table, hidden: set[tuple[int, ...]]
) -> None:
    assert withheld(table) == hidden


def test_people_in_several_small_cells_are_counted_once() -> None:
    same = frozenset(range(6))
    table = [
        Cell((0,), 0, 6, 9, same),
        Cell((1,), 1, 6, 9, same),
        Cell((2,), 2, 40, 90),
        Cell((3,), 3, 50, 90),
    ]
    assert suppressed(table, 11) == {(0,), (1,), (2,)}
    others = frozenset(range(6, 12))
    table[1] = Cell((1,), 1, 6, 9, others)
    assert suppressed(table, 11) == {(0,), (1,)}


def test_a_cell_that_rows_and_columns_pin_together_is_loosened() -> None:
    """Two squares of withheld cells with one cell between them: every line has two, and yet."""
    big = 50
    table = {(i, j): big for i in range(4) for j in range(4)}
    for key in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2), (2, 3), (3, 2), (3, 3)]:
        table[key] = 9
    table[1, 2] = 8
    hidden = withheld(table)
    assert len(hidden) > 9
    assert not pinned(table, hidden, 11)


SHAPES = [(2,), (3,), (4,), (2, 2), (2, 3), (3, 3), (2, 2, 2), (2, 2, 3)]


def keys(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The keys of a table of a shape."""
    return list(product(*map(range, shape)))


def tables(smallest: int) -> Iterator[Table]:
    """Every line of three and square of two with counts up to twice the smallest cell."""
    for shape in [(1,), (2,), (3,), (2, 2)]:
        places = keys(shape)
        for counts in product(range(2 * smallest + 1), repeat=len(places)):
            yield dict(zip(places, counts, strict=True))


def drawn(smallest: int) -> Iterator[Table]:
    """Tables of any shape, most of them with small cells among large ones."""
    chance = Random(11)
    for _ in range(CASES):
        places = keys(chance.choice(SHAPES))
        kinds = [
            lambda: 0,
            lambda: chance.randint(1, smallest - 1),
            lambda: chance.randint(smallest, smallest + 2),
            lambda: chance.randint(smallest, 4 * smallest),
        ]
        weights = [chance.random() for _ in kinds]
        yield {place: chance.choices(kinds, weights)[0]() for place in places}


def marginal(table: Table, kept: tuple[int, ...]) -> dict[tuple[int, ...], int]:
    """The same people by fewer dimensions."""
    found: dict[tuple[int, ...], int] = {}
    for key, count in table.items():
        at = tuple(key[i] for i in kept)
        found[at] = found.get(at, 0) + count
    return found


def known(table: Table, hidden: set[tuple[object, ...]], smallest: int) -> list[tuple[list, int]]:
    """What an attacker is told: the withheld cells of lines, and how many are in them together."""
    told = []
    width = len(next(iter(table)))
    for size in range(width):
        for kept in combinations(range(width), size):
            totals = marginal(table, kept)
            closed = withheld(totals, smallest)
            for at, total in totals.items():
                if total == 0 or at in closed:
                    continue
                inside = [k for k in table if tuple(k[i] for i in kept) == at]
                shown = sum(table[k] for k in inside if k not in hidden)
                told.append(([k for k in inside if k in hidden and table[k]], total - shown))
    return told


def other_table(
    unknown: list, told: list[tuple[list, int]], found: dict, forbidden: tuple[object, int]
) -> bool:
    """Whether the unknown cells, each at least 1, can have other counts than the forbidden one."""
    for inside, total in told:
        left = [k for k in inside if k not in found]
        rest = total - sum(found[k] for k in inside if k in found)
        if rest < len(left) or (not left and rest):
            return False
    if not unknown:
        return True
    cell, *others = unknown
    most = min(
        (total - sum(found.get(k, 1) for k in inside if k != cell)
         for inside, total in told if cell in inside),
        default=9,
    )  # fmt: skip
    near = sorted(range(1, most + 1), key=lambda n: abs(n - forbidden[1]))
    for count in near:
        if (cell, count) != forbidden:
            found[cell] = count
            if other_table(others, told, found, forbidden):
                return True
            del found[cell]
    return False


def pinned(table: Table, hidden: set[tuple[object, ...]], smallest: int) -> list[tuple[int, ...]]:
    """The withheld small cells of which an attacker can tell the count."""
    told = known(table, hidden, smallest)
    small = [k for k in table if 0 < table[k] < smallest]
    found = []
    for cell in small:
        unknown = sorted((k for k in table if k in hidden and table[k]), key=lambda k: k != cell)
        if not other_table(unknown, told, {}, (cell, table[cell])):
            found.append(cell)
    return found


def computed(table: Table, smallest: int) -> list[tuple[int, ...]]:
    """The small cells that an attacker can tell although there was still something to withhold."""
    hidden = withheld(table, smallest)
    if hidden >= {key for key, count in table.items() if count}:
        return []
    return pinned(table, hidden, smallest)


def check(table: Table, smallest: int) -> None:
    hidden = withheld(table, smallest)
    shown = {key: count for key, count in table.items() if count and key not in hidden}
    assert all(count >= smallest for count in shown.values())
    if not any(0 < count < smallest for count in table.values()):
        assert hidden == set()
    for _, together in known(table, hidden, smallest):
        # What is left of a total that may be asked for is no number of few people.
        assert together == 0 or together >= smallest, (table, hidden)


def test_no_line_of_any_small_table_tells_of_few_people() -> None:
    for table in tables(3):
        check(table, 3)


def test_no_line_of_drawn_tables_tells_of_few_people() -> None:
    for table in drawn(11):
        check(table, 11)


def test_no_small_cell_of_any_small_table_can_be_computed() -> None:
    for table in tables(3):
        assert computed(table, 3) == [], table


def test_no_small_cell_of_drawn_tables_can_be_computed() -> None:
    for table in drawn(4):
        assert computed(table, 4) == [], table


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6), st.randoms())
def test_the_order_of_the_cells_does_not_matter(counts: list[int], chance: Random) -> None:
    made = cells(line(*counts))
    mixed = chance.sample(made, len(made))
    assert suppressed(mixed, 11) == suppressed(made, 11)
