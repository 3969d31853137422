"""A cell of a table of counts: who is in it, and how many rows. Pure; knows no value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Key: TypeAlias = "tuple[object, ...]"
"""What a cell is about: one value per dimension, none of them a list."""


# Cells are told apart by being another one: what they hold is much to compare.
@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """Rows that agree in every dimension; there is at least one.

    `rank` is the place of the key in the order of the answer. `people` counts different people;
    `few` are they, as numbers that mean nothing elsewhere, where they are fewer than the smallest
    cell, so that people who are in several cells are counted once.
    """

    key: Key
    rank: int
    people: int
    rows: int
    few: frozenset[int] = frozenset()
