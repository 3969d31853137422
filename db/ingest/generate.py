"""People who never were, with all their records: a pure function of a seed.

The same seed always gives the same rows, and person k does not depend on how many people are
asked for. Knows no clock and no database. In order of use: facts, directory, household, status,
contact, coverage, care, person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from db.ingest.chance import Chance
from db.ingest.directory import directory
from db.ingest.household import SHAPES, compose
from db.ingest.load import COLUMNS, Batch, Row
from db.ingest.person import Person, draw_home, draw_person, write
from db.ingest.status import DECK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

T = TypeVar("T")

# Rows change when any of this code or its facts do; then this number does too.
VERSION: Final = 1

# People who are drawn from one stream of chance. No household crosses its end.
BLOCK: Final = 2_000


def directory_batch(seed: int) -> Batch:
    """Providers and plans, which the claims of every other batch name."""
    whole = directory(seed)
    return Batch({"managed_care_plan": whole.plans, "provider": whole.providers})


def batches(seed: int, first: int, stop: int) -> Iterator[Batch]:
    """The people numbered first to stop - 1, a block or a part of one at a time."""
    while first < stop:
        end = min(stop, (first // BLOCK + 1) * BLOCK)
        yield people(seed, first, end)
        first = end


def people(seed: int, first: int, stop: int) -> Batch:
    """The people numbered first to stop - 1 of one block. ValueError if they span two."""
    block = first // BLOCK
    if not first < stop <= (block + 1) * BLOCK:
        raise ValueError(f"people {first} to {stop - 1} are not of one block")
    rows: dict[str, list[Row]] = {table: [] for table in COLUMNS}
    for number in _block(seed, block, rows):
        if number + 1 == first:
            for table in rows.values():
                table.clear()
        if number + 1 == stop:
            break
    return Batch({table: tuple(found) for table, found in rows.items() if found})


def _block(seed: int, block: int, rows: dict[str, list[Row]]) -> Iterator[int]:
    """Adds the rows of one person after the other to the lists, and yields each one's number."""
    chance = Chance(seed, block)
    shapes, cards = _endless(chance, SHAPES), _endless(chance, DECK)
    networks = directory(seed).networks
    number, end = block * BLOCK, (block + 1) * BLOCK
    while number < end:
        slots = compose(chance, next(shapes), cards)[: end - number]
        home = draw_home(chance, number, len(slots), seed)
        first: Person | None = None
        for slot in slots:
            person = draw_person(chance, home, slot, number, seed, first)
            write(chance, person, networks[home.state.code], rows)
            first = first or person
            yield number
            number += 1


def _endless(chance: Chance, cards: Sequence[T]) -> Iterator[T]:
    while True:
        yield from chance.shuffled(cards)
