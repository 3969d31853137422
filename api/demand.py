"""What an operation asks of a policy: coordinates with actions, in the order in which a plan asks.

INVARIANT: nothing here is a value of a request. A demand is made of names of the schema; literals,
variables, aliases and paths have no place in one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_DIGITS: Final = re.compile(r"[0-9]+")
_LONGEST: Final = 100


class Use(Enum):
    """What a coordinate is asked for."""

    ROWS = "rows"
    SELECTION = "selection"
    FILTER = "filter"
    ORDER = "orderBy"
    GROUP = "groupBy"
    DAY = "day"


class Demand(NamedTuple):
    """One question to the gate. `depth` is how deep a selection stands, the root at 1; filters,
    orders and groups, which stand at 0, belong to the selection before them."""

    use: Use
    coordinate: str
    action: str
    depth: int = 0

    def __str__(self) -> str:
        return f"{self.coordinate} {self.action}"


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """An operation as it is noted: who, under which name (scrubbed), and its demands as JSON.

    Compared by identity, so that to count one costs next to nothing.
    """

    role: str
    name: str
    demands: str


def scrubbed(name: str | None) -> str:
    """The name of an operation without what could be a number of somebody; empty for none."""
    return _DIGITS.sub("", name or "")[:_LONGEST]


def written(demands: Iterable[Demand]) -> str:
    """Demands as JSON; equal ones are equal text."""
    listed = [[each.use.value, each.coordinate, each.action, each.depth] for each in demands]
    return json.dumps(listed, separators=(",", ":"))


def read(text: str) -> tuple[Demand, ...]:
    """What `written` wrote. ValueError or TypeError for anything else."""
    return tuple(
        Demand(Use(use), coordinate, action, depth)
        for use, coordinate, action, depth in json.loads(text)
    )
