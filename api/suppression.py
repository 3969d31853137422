"""Which cells of a table of counts are withheld so that no number is about too few people. Pure.

Knows cells: who is in them and how many rows; knows nothing of GraphQL, SQL, roles or values.
The method, its sources and its limits: docs/small-cells.md.

A *line* is the cells that agree in some of the dimensions, but not in all: a row, a column, a slab,
the whole table. Whoever asks may ask for the total of a line by itself. So what is withheld of a
line has to be as hard to tell as a cell is: two cells or more, with enough people in them.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

from api.pinning import Moves

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from api.cell import Cell, Key


def suppressed(cells: Iterable[Cell], smallest: int) -> frozenset[Key]:
    """The keys of the cells to withhold: those of fewer people, and those that would tell of them.

    The same whatever the order of the cells; nothing when no cell is small.
    """
    table = _Table(tuple(sorted(cells, key=lambda cell: cell.rank)), smallest)
    hidden = {cell for cell in table.cells if table.few([cell])}
    if hidden:
        table.close(hidden)
    return frozenset(cell.key for cell in hidden)


class _Table:
    def __init__(self, cells: tuple[Cell, ...], smallest: int) -> None:
        self.cells = cells
        self._smallest = smallest
        dimensions = range(len(cells[0].key)) if cells else range(0)
        self._lines = [
            [line for fixed in combinations(dimensions, size) for line in _lines(cells, fixed)]
            for size in reversed(dimensions)
        ]
        """Lines from the shortest to the whole table: a long one is made of short ones, and mostly
        safe when these are."""

    def few(self, cells: Iterable[Cell]) -> bool:
        """Whether someone, and fewer people than the smallest cell, are in these cells together."""
        people: set[int] = set()
        for cell in cells:
            if cell.people >= self._smallest:
                return False
            people |= cell.few
        return 0 < len(people) < self._smallest

    def close(self, hidden: set[Cell]) -> None:
        """Withholds more until no line and no lines together tell of a small cell."""
        small = sorted(hidden, key=_smallest_first)
        self._cover(hidden)
        # A total that is itself about few people is told to nobody.
        moves = Moves([line for lines in self._lines for line in lines if not self.few(line)])
        for cell in small:
            if cell not in moves.free:
                found = moves.find(cell, hidden)
                hidden |= found if found is not None else set(self.cells)
        self._cover(hidden)

    def _cover(self, hidden: set[Cell]) -> None:
        while more := self._exposing(hidden):
            hidden |= more

    def _exposing(self, hidden: set[Cell]) -> set[Cell]:
        """The smallest shown cell of each line that tells of what is withheld in it.

        Lines of one length at once, so that none of them comes first.
        """
        for lines in self._lines:
            more = {
                min(shown, key=_smallest_first)
                for line in lines
                if (shown := self._exposed(line, hidden))
            }
            if more:
                return more
        return set()

    def _exposed(self, line: Sequence[Cell], hidden: set[Cell]) -> list[Cell]:
        inside = [cell for cell in line if cell in hidden]
        if not inside or (len(inside) > 1 and not self.few(inside)):
            return []
        return [cell for cell in line if cell not in hidden]


def _smallest_first(cell: Cell) -> tuple[int, int]:
    return cell.people, cell.rank


def _lines(cells: Iterable[Cell], fixed: tuple[int, ...]) -> Iterable[list[Cell]]:
    found: dict[Key, list[Cell]] = defaultdict(list)
    for cell in cells:
        found[tuple(cell.key[i] for i in fixed)].append(cell)
    return found.values()
