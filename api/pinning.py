"""What has to be withheld so that a cell cannot be computed from totals. Pure; knows only cells.

A cell is free when some withheld cells can be one row larger and others one row smaller, that cell
among them, so that every told total stays and no cell is empty: whoever has the answer cannot know
which of the two tables it is. Such a change is a *move*; in two dimensions it goes round a ring of
withheld cells. The search for one is short of exhaustive: it may miss a move, and never makes one
up.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from api.cell import Cell

MOST_STEPS = 200
"""Cells that one search tries before it gives up."""
MOST_STEPS_IN_ALL = 20_000
"""Cells that all searches in one table try together, so that no table takes long."""


class Moves:
    """Moves that keep the totals of the given lines. `free` are the cells of those found so far."""

    def __init__(self, lines: Sequence[Sequence[Cell]]) -> None:
        self._lines = lines
        self._through: dict[Cell, list[int]] = defaultdict(list)
        for number, line in enumerate(lines):
            for cell in line:
                self._through[cell].append(number)
        self._left = MOST_STEPS_IN_ALL
        self.free: set[Cell] = set()

    def find(self, cell: Cell, hidden: Collection[Cell]) -> set[Cell] | None:
        """The cells of a move of this cell, withheld ones where possible; None for no move."""
        for step in (1, -1):
            search = _Search(self._lines, self._through, hidden, min(self._left, MOST_STEPS))
            found = search.may(cell, step) and search.settled(cell, step)
            self._left -= search.tried
            if found:
                self.free |= search.changed.keys()
                return set(search.changed)
        return None


class _Search:
    """One move in the making: cells that changed, and lines whose total is off by how much."""

    def __init__(
        self,
        lines: Sequence[Sequence[Cell]],
        through: dict[Cell, list[int]],
        hidden: Collection[Cell],
        most: int,
    ) -> None:
        self._lines = lines
        self._through = through
        self._hidden = hidden
        self._most = most
        self._off: dict[int, int] = {}
        self.tried = 0
        self.changed: dict[Cell, int] = {}

    def may(self, cell: Cell, step: int) -> bool:
        """Whether a cell can be one row larger or smaller: once, and not empty."""
        return cell not in self.changed and cell.rows + step >= 1

    def settled(self, cell: Cell, step: int) -> bool:
        """Whether this change and others bring every total back; without a trace when not."""
        self.changed[cell] = step
        self._shift(cell, step)
        if not self._off:
            return True
        line = min(self._off, key=lambda number: (len(self._lines[number]), number))
        back = -1 if self._off[line] > 0 else 1
        for other in self._candidates(self._lines[line], back):
            self.tried += 1
            if self.tried > self._most:
                break
            if self.settled(other, back):
                return True
        del self.changed[cell]
        self._shift(cell, -step)
        return False

    def _shift(self, cell: Cell, step: int) -> None:
        for line in self._through[cell]:
            off = self._off.get(line, 0) + step
            if off:
                self._off[line] = off
            else:
                del self._off[line]

    def _candidates(self, line: Sequence[Cell], step: int) -> list[Cell]:
        """Cells of a line: first those that bring most totals back, of these the withheld ones."""
        order: dict[Cell, tuple[int, bool, int, int]] = {}
        for cell in line:
            if not self.may(cell, step):
                continue
            through = self._through[cell]
            worse = sum(-1 if self._off.get(n, 0) * step < 0 else 1 for n in through)
            order[cell] = (worse, cell not in self._hidden, cell.people, cell.rank)
            if cell in self._hidden and -worse == len(through) == len(self._off):
                return [cell]  # none could do better
        return sorted(order, key=order.__getitem__)
