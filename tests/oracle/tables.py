"""Tables of numbers: rows in cells, what is counted and measured of them, what is withheld.

Which cells are withheld besides the small ones is for the other side to choose, and for this one to
judge: `faults` says what is wrong with a choice. Where nobody has chosen, `withheld` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

from db.catalog import Kind
from db.catalog_records import CATALOG
from tests.oracle.authority import Verdict
from tests.oracle.grouping import in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence, Set

    from tests.oracle.grouping import Dimension
    from tests.oracle.records import Value
    from tests.oracle.seen import Row, Seen

    Key: TypeAlias = tuple[Value, ...]
    People: TypeAlias = Sequence[frozenset[Value]]


WITHHELD = "withheld"
"""The response key under which a generated operation asks whether a cell is withheld."""

MOST_GROUPS = 5_000


@dataclass(frozen=True)
class Numbers:
    """What can be said of some rows. `smallest` is the fewest people to say a number of.

    Where cells are withheld (`parted`), the whole is the cells that are shown, with as much as is
    said of each; and how many values are different is not said.
    """

    seen: Seen
    entity: str
    cells: tuple[tuple[Row, ...], ...]
    smallest: int
    parted: bool = False
    parts: tuple[tuple[Row, ...], ...] = ()
    """The cells that are all shown: of what one of them does not say, no total is said."""

    def _enough(self, rows: Iterable[Row]) -> bool:
        """Whether these rows are about nobody, or about enough people."""
        people = len(different(rows))
        return people == 0 or people >= self.smallest

    def _open(self, coordinate: str) -> list[list[Row]] | None:
        """The rows of each cell on which a coordinate is open, if these are about enough people;
        None where it is closed on all rows, or where no cell is left."""
        verdict = self.seen.authority.verdict(self.seen.role, coordinate, "aggregate", "aggregate")
        if verdict is Verdict.NONE:
            return None
        if not all(map(self._enough, self._on(coordinate, self.parts))):
            return None
        found = self._on(coordinate, self.cells)
        return [rows for rows in found if self._enough(rows)] or None

    def _on(self, coordinate: str, cells: Iterable[Iterable[Row]]) -> list[list[Row]]:
        """The rows of each cell on which a coordinate is open."""
        return [
            [row for row in cell if self.seen.may(coordinate, "aggregate", row)] for cell in cells
        ]

    @property
    def count(self) -> int | None:
        """How many of the rows count."""
        counted = self._open(CATALOG.entities[self.entity].tally)
        return None if counted is None else sum(len(rows) for rows in counted)

    def measure(self, what: str, name: str) -> Value:
        """countDistinct, sum, avg, min or max of a field."""
        coordinate = f"{self.entity}.{name}"
        there = Numbers(
            self.seen,
            self.entity,
            self._with(coordinate, self.cells),
            self.smallest,
            parts=self._with(coordinate, self.parts),
        )
        opened = there._open(coordinate)
        if opened is None:
            return None
        if what == "countDistinct" and any(
            0 < len({self.seen.value(coordinate, row) for row in rows}) < self.smallest
            for rows in there._on(coordinate, there.parts)
        ):
            return None
        values = [self.seen.value(coordinate, row) for rows in opened for row in rows]
        if what == "countDistinct":
            found = len(set(values))
            return None if self.parted or 0 < found < self.smallest else found
        return _worked_out(what, values, CATALOG.fields[coordinate].column.kind)

    def _with(self, coordinate: str, cells: Iterable[Iterable[Row]]) -> tuple[tuple[Row, ...], ...]:
        """The rows of each cell that have a value."""
        return tuple(
            tuple(row for row in cell if self.seen.value(coordinate, row) is not None)
            for cell in cells
        )


def _worked_out(what: str, values: list[Value], kind: Kind) -> Value:
    if not values:
        return None
    match what:
        case "sum":
            return Decimal(sum(values)) if kind is Kind.INTEGER else sum(values, Decimal(0))
        case "avg":
            return _average(values)
        case "min":
            return min(values)
        case _:
            return max(values)


def _average(values: list[Value]) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(sum(values)) / len(values)
        # Zero has no sign to PostgreSQL.
        return exact.quantize(Decimal("0.000001"), ROUND_HALF_UP) + Decimal("0.000000")


def different(rows: Iterable[Row]) -> frozenset[Value]:
    """The people whom rows are about."""
    return frozenset(row.record["enrollee_id"] for row in rows)


@dataclass
class Table:
    """Rows by their keys. Without dimensions there is one cell, over no row as well."""

    seen: Seen
    entity: str
    dimensions: tuple[Dimension, ...]
    rows: tuple[Row, ...]
    smallest: int
    chosen: frozenset[int] | None = None
    """The cells that the other side withholds, by their places."""
    cells: dict[Key, list[Row]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in self.rows:
            key = tuple(each.value(self.seen, row) for each in self.dimensions)
            self.cells.setdefault(key, []).append(row)
        if not self.dimensions:
            self.cells.setdefault((), [])
        self.keys = sorted(self.cells, key=in_order)

    @cached_property
    def withheld(self) -> frozenset[int]:
        """The places of the cells that are withheld."""
        if self.chosen is not None and not self.faults(self.chosen):
            return self.chosen
        return enough_withheld(self.keys, self._people(), self.smallest)

    def faults(self, chosen: frozenset[int]) -> list[str]:
        """What is wrong with a choice of cells to withhold."""
        return faults(self.keys, self._people(), self.smallest, chosen)

    def _people(self) -> list[frozenset[Value]]:
        return [different(self.cells[key]) for key in self.keys]

    def of(self, place: int) -> Numbers:
        """The rows of a cell."""
        rows = tuple(self.cells[self.keys[place]])
        return Numbers(self.seen, self.entity, (rows,), self.smallest)

    @cached_property
    def whole(self) -> Numbers:
        """All rows together, or those of the cells that are shown."""
        if not self.withheld:
            parts = tuple(tuple(rows) for rows in self.cells.values()) if self.dimensions else ()
            return Numbers(self.seen, self.entity, (self.rows,), self.smallest, parts=parts)
        shown = (key for place, key in enumerate(self.keys) if place not in self.withheld)
        cells = tuple(tuple(self.cells[key]) for key in shown)
        return Numbers(self.seen, self.entity, cells, self.smallest, parted=True)

    @property
    def all_withheld(self) -> bool:
        """Whether there are cells, and none is shown."""
        return bool(self.withheld) and len(self.withheld) == len(self.keys)


def lines(keys: Sequence[Key]) -> Iterator[list[int]]:
    """The places of the cells that agree in some of the dimensions, not in all: of each such set of
    dimensions, and of each set of values there."""
    size = len(keys[0]) if keys else 0
    for fixed in range(size):
        for which in combinations(range(size), fixed):
            found: dict[Key, list[int]] = {}
            for place, key in enumerate(keys):
                found.setdefault(tuple(key[n] for n in which), []).append(place)
            yield from found.values()


def small(people: People, smallest: int) -> frozenset[int]:
    """The places of the cells of too few people."""
    return frozenset(place for place, who in enumerate(people) if 0 < len(who) < smallest)


def exposed(line: Sequence[int], people: People, smallest: int, out: Set[int]) -> bool:
    """Whether what a line withholds could be told from what it shows and from its total."""
    hidden = [place for place in line if place in out]
    if not hidden or len(hidden) == len(line):
        return False
    together = frozenset[object]().union(*(people[place] for place in hidden))
    return len(hidden) < 2 or len(together) < smallest


def enough_withheld(keys: Sequence[Key], people: People, smallest: int) -> frozenset[int]:
    """The small cells, and of each line that would tell of one, the smallest that is shown; again
    and again, until nothing changes."""
    out = set(small(people, smallest))
    while True:
        before = len(out)
        for line in lines(keys):
            while exposed(line, people, smallest, out):
                shown = [place for place in line if place not in out]
                out.add(min(shown, key=lambda place: (len(people[place]), place)))
        if len(out) == before:
            return frozenset(out)


def faults(keys: Sequence[Key], people: People, smallest: int, chosen: frozenset[int]) -> list[str]:
    """What is wrong with withholding these cells and no others."""
    too_few = small(people, smallest)
    sizes = [len(who) for who in people]
    found = [f"cell {keys[place]} of {sizes[place]} is shown" for place in sorted(too_few - chosen)]
    if chosen and not too_few:
        found.append("cells are withheld and none is small")
    found += [
        f"cells {[keys[place] for place in line]} of {[sizes[place] for place in line]} tell of "
        "what is withheld"
        for line in lines(keys)
        if exposed(line, people, smallest, chosen)
    ]
    return found
