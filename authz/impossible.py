"""Whether a condition holds on no row, whatever the row is. Knows no row and no table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from db.predicate import And, Never, Or, negate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.predicate import Predicate

_MOST: Final = 2000
"""Steps before the search is given up: a condition in which so much is open may well hold."""


def impossible(condition: Predicate) -> bool:
    """Whether a condition asks for something and for its opposite. True is a proof; False is none:
    of the values of a column it knows only that nothing is both so and not so."""
    return _Search().impossible([condition], frozenset())


class _Search:
    """Goes through the ways in which a condition could hold, the shortest first."""

    def __init__(self) -> None:
        self._left = _MOST

    def impossible(self, open_: Sequence[Predicate], held: frozenset[Predicate]) -> bool:
        """Whether no row meets what is held and what is still open."""
        self._left -= 1
        if self._left < 0:
            return False
        choices: list[Or] = []
        leaves = set(held)
        waiting = [*open_]
        while waiting:
            match waiting.pop():
                case And(parts):
                    waiting += parts
                case Or() as choice:
                    choices.append(choice)
                case Never():
                    return True
                case leaf:
                    leaves.add(leaf)
        if any(negate(leaf) in leaves for leaf in leaves):
            return True
        if not choices:
            return False
        first, *others = sorted(choices, key=lambda choice: len(choice.parts))
        return all(self.impossible([part, *others], frozenset(leaves)) for part in first.parts)
