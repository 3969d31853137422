"""Who lives together: sexes, ages, a status card each. Knows nothing of names or records."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final, NamedTuple

from db.ingest.chance import REFERENCE
from db.ingest.status import Card

if TYPE_CHECKING:
    from collections.abc import Iterator

    from db.ingest.chance import Chance


class Shape(Enum):
    """What a household is made of."""

    SINGLE = auto()
    COUPLE = auto()
    PARENT = auto()
    FAMILY = auto()
    ELDER = auto()
    ELDERS = auto()
    THREE_GENERATIONS = auto()
    NEWBORN = auto()
    NEWBORN_OF_POPULATION = auto()


_COPIES: Final = {
    Shape.SINGLE: 18,
    Shape.COUPLE: 5,
    Shape.PARENT: 9,
    Shape.FAMILY: 8,
    Shape.ELDER: 5,
    Shape.ELDERS: 2,
}
SHAPES: Final = tuple(shape for shape in Shape for _ in range(_COPIES.get(shape, 1)))


class Slot(NamedTuple):
    """A member: sex, day of birth, card, and whether the ID is that of the first member."""

    sex: str
    birth: int
    card: Card
    shares_id: bool = False

    @property
    def age(self) -> int:
        """Years at the reference date."""
        return (REFERENCE - self.birth) * 4 // 1461


def compose(chance: Chance, shape: Shape, cards: Iterator[Card]) -> list[Slot]:
    """The members of a household, one to seven; the first has its longest record.

    A mother and her newborn share one Medicaid ID (T-MSIS allows it until the child has its own);
    a NEWBORN_OF_POPULATION keeps its mother out of the population by nothing else.
    """
    match shape:
        case Shape.SINGLE:
            return [_adult(chance, next(cards))]
        case Shape.COUPLE:
            return [_adult(chance, next(cards)), _adult(chance, next(cards))]
        case Shape.PARENT:
            return _with_children(chance, [_adult(chance, next(cards))], cards, 3)
        case Shape.FAMILY:
            parents = [_adult(chance, next(cards)), _adult(chance, next(cards))]
            return _with_children(chance, parents, cards, 4)
        case Shape.ELDER:
            return [_elder(chance, next(cards))]
        case Shape.ELDERS:
            return [_elder(chance, next(cards)), _elder(chance, next(cards))]
        case Shape.THREE_GENERATIONS:
            older = [_elder(chance, next(cards)), _adult(chance, next(cards))]
            return _with_children(chance, older, cards, 2)
        case Shape.NEWBORN | Shape.NEWBORN_OF_POPULATION:
            plain = shape is Shape.NEWBORN
            card = next(cards) if plain else Card.POPULATION
            mother = Slot("F", _born(chance, 19, 41), card)
            births = 2 if chance.happens(0.15) else 1
            birth = REFERENCE - chance.between(5, 300)
            children = [Slot(_sex(chance), birth, Card.CITIZEN, True) for _ in range(births)]
            partner = [_adult(chance, next(cards))] if chance.happens(0.5) else []
            return [mother, *children, *partner]


def _with_children(
    chance: Chance, parents: list[Slot], cards: Iterator[Card], most: int
) -> list[Slot]:
    oldest = max(2, min(18, parents[-1].age - 17))
    count = chance.between(1, most)
    children = [Slot(_sex(chance), _born(chance, 1, oldest), next(cards)) for _ in range(count)]
    return parents + children


def _adult(chance: Chance, card: Card) -> Slot:
    return Slot(_sex(chance), _born(chance, 19, 63), card)


def _elder(chance: Chance, card: Card) -> Slot:
    # Some are over 89, the ages that HIPAA's safe harbor makes one.
    years = (90, 103) if chance.happens(0.06) else (65, 89)
    return Slot(_sex(chance), _born(chance, *years), card)


def _sex(chance: Chance) -> str:
    draw = chance.random()
    return "F" if draw < 0.54 else "M" if draw < 0.997 else "U"


def _born(chance: Chance, youngest: int, oldest: int) -> int:
    """A day of birth that makes the age at the reference date youngest to oldest, in years."""
    return REFERENCE - chance.between(youngest * 1461 // 4 + 1, (oldest + 1) * 1461 // 4 - 1)
