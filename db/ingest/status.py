"""Citizenship, immigration status and determinations of one person over time.

Each card is one way in which a person meets the population rule or misses it; the deck fixes how
often each is dealt. Knows T-MSIS rules 2048, 2051 and 7528, which no card breaks;
knows nothing of names, places or care.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final, NamedTuple

from db.ingest.chance import REFERENCE

if TYPE_CHECKING:
    from db.ingest.chance import Chance

_YEAR: Final = 365
# A card that needs years ahead or behind keeps this far from the reference date, in days, so that
# what it shows holds from a season before that date until two years after it.
BEHIND: Final = 200
AHEAD: Final = 2 * _YEAR


class Card(Enum):
    """What a person's status is about."""

    CITIZEN = auto()
    NATIONAL = auto()
    NATURALIZED = auto()
    QUALIFIED = auto()
    LAWFULLY_PRESENT = auto()
    EMERGENCY_ONLY = auto()
    STATUS_UNKNOWN = auto()
    NOTHING_KNOWN = auto()
    CITIZENSHIP_CONTRADICTED = auto()

    POPULATION = auto()
    POPULATION_AT_TIMES = auto()

    # Determined to be unlawfully present (or nearly), and not in the population for one reason.
    DETERMINATION_EXPIRED = auto()
    DETERMINATION_TO_COME = auto()
    DETERMINATION_CONTRADICTED = auto()
    FOUND_LAWFUL = auto()
    FOUND_NOTHING = auto()
    SPANS_OVERLAP = auto()
    UNVERIFIED = auto()
    VERIFICATION_UNKNOWN = auto()
    STATUS_QUALIFIED = auto()
    STATUS_LAWFULLY_PRESENT = auto()
    STATUS_MISSING = auto()
    FIVE_YEAR_BAR = auto()
    ID_MARKED_AS_SSN = auto()
    ID_EQUALS_SSN = auto()
    ID_MARKED_AND_EQUAL = auto()

    # The same for several reasons at once: without a span, every clause about it fails; and T-MSIS
    # rules tie citizenship to status, so that no valid person fails on citizenship alone.
    SPANS_GAP = auto()
    CITIZEN_DETERMINED = auto()
    CITIZENSHIP_UNKNOWN = auto()


_COPIES: Final = {
    Card.CITIZEN: 290,
    Card.NATIONAL: 4,
    Card.NATURALIZED: 8,
    Card.QUALIFIED: 28,
    Card.LAWFULLY_PRESENT: 12,
    Card.EMERGENCY_ONLY: 22,
    Card.STATUS_UNKNOWN: 4,
    Card.NOTHING_KNOWN: 3,
    Card.POPULATION: 8,
    Card.POPULATION_AT_TIMES: 2,
}
# 400 cards: 2.5 % are in the population, 5 % miss it by a little.
DECK: Final = tuple(card for card in Card for _ in range(_COPIES.get(card, 1)))

# Cards whose ID is the person's SSN, is marked as one, or both.
SSN_CARDS: Final = frozenset({Card.ID_MARKED_AS_SSN, Card.ID_EQUALS_SSN, Card.ID_MARKED_AND_EQUAL})


class StatusSpan(NamedTuple):
    """What one span of variable demographics says of status; days, None for open or unknown."""

    start: int
    end: int | None
    citizenship: str | None
    citizenship_verified: bool | None
    status: str | None
    verified: bool | None
    bar_end: int | None = None


class Determination(NamedTuple):
    """An outcome that holds from a day to a day, both included."""

    start: int
    end: int
    outcome: str


class Status(NamedTuple):
    """Spans and determinations of one person, each in the order of their first day."""

    spans: tuple[StatusSpan, ...]
    determinations: tuple[Determination, ...] = ()


def deal(chance: Chance, card: Card, since: int) -> Status:
    """The status that a card stands for, of a person enrolled since that day.

    `since` is a day at least BEHIND days before the reference date, except for citizens.
    """
    match card:
        case Card.CITIZEN:
            return Status((_citizen(chance, since),))
        case Card.NATIONAL:
            return Status((StatusSpan(since, None, "2", True, "8", None),))
        case Card.NATURALIZED:
            change = chance.between(since + 1, REFERENCE - 30)
            before = StatusSpan(since, change - 1, "0", True, "1", True)
            return Status((before, _citizen(chance, change)))
        case Card.QUALIFIED:
            # The bar ends five years after entry: behind for some, ahead for others.
            bar = since + 5 * _YEAR if chance.happens(0.6) else None
            return Status((StatusSpan(since, None, "0", True, "1", chance.happens(0.85), bar),))
        case Card.LAWFULLY_PRESENT:
            return Status((StatusSpan(since, None, "0", True, "2", chance.happens(0.85)),))
        case Card.EMERGENCY_ONLY:
            verified = chance.pick((True, True, False, None))
            return Status((StatusSpan(since, None, "0", verified, "3", verified),))
        case Card.STATUS_UNKNOWN:
            return Status((StatusSpan(since, None, "0", None, None, None),))
        case Card.NOTHING_KNOWN:
            return Status((StatusSpan(since, None, None, None, None, None),))
        case Card.CITIZENSHIP_CONTRADICTED:
            return Status((_citizen(chance, since), StatusSpan(since, None, "0", True, "1", True)))
        case Card.POPULATION_AT_TIMES:
            return _at_times(since)
        case _:
            return Status(_spans(card, since), _determinations(chance, card, since))


def _citizen(chance: Chance, since: int) -> StatusSpan:
    return StatusSpan(since, None, "1", chance.happens(0.96), "8", None)


def _at_times(since: int) -> Status:
    """In the population on some days: a gap between spans, then days on which two overlap."""
    third = (REFERENCE - BEHIND // 2 - since) // 3
    gap, overlap = since + third, since + 2 * third
    days = ((since, gap), (gap + third // 3, overlap), (overlap - third // 3, None))
    spans = (StatusSpan(start, end, "0", True, "3", True) for start, end in days)
    return Status(
        tuple(spans), (Determination(since, REFERENCE + AHEAD + 90, "unlawfully_present"),)
    )


def _spans(card: Card, since: int) -> tuple[StatusSpan, ...]:
    """Spans of a card that carries determinations: as the rule wants them, but for one thing."""
    fits = StatusSpan(since, None, "0", True, "3", True)
    match card:
        case Card.SPANS_OVERLAP:
            return (fits, fits._replace(start=since + BEHIND // 4))
        case Card.SPANS_GAP:
            later = fits._replace(start=REFERENCE + AHEAD + 60)
            return (fits._replace(end=REFERENCE - BEHIND // 2 - 1), later)
        case Card.CITIZEN_DETERMINED:
            return (fits._replace(citizenship="1", status="8"),)
        case Card.CITIZENSHIP_UNKNOWN:
            return (fits._replace(citizenship=None, status=None),)
        case Card.UNVERIFIED:
            return (fits._replace(verified=False),)
        case Card.VERIFICATION_UNKNOWN:
            return (fits._replace(verified=None),)
        case Card.STATUS_QUALIFIED:
            return (fits._replace(status="1"),)
        case Card.STATUS_LAWFULLY_PRESENT:
            return (fits._replace(status="2"),)
        case Card.STATUS_MISSING:
            return (fits._replace(status=None),)
        case Card.FIVE_YEAR_BAR:
            return (fits._replace(bar_end=since + 5 * _YEAR),)
        case _:
            return (fits,)


def _determinations(chance: Chance, card: Card, since: int) -> tuple[Determination, ...]:
    start = max(since, REFERENCE - chance.between(BEHIND, 3 * _YEAR))
    end = REFERENCE + chance.between(AHEAD, 8 * _YEAR)
    found = Determination(start, end, "unlawfully_present")
    match card:
        case Card.DETERMINATION_EXPIRED:
            return (found._replace(end=REFERENCE - chance.between(BEHIND // 2 + 1, BEHIND)),)
        case Card.DETERMINATION_TO_COME:
            return (found._replace(start=REFERENCE + AHEAD + 30, end=REFERENCE + 9 * _YEAR),)
        case Card.DETERMINATION_CONTRADICTED:
            other = chance.pick(("lawfully_present", "undetermined"))
            return (found, Determination(REFERENCE - BEHIND // 2 - 1, end + 30, other))
        case Card.FOUND_LAWFUL:
            return (found._replace(outcome="lawfully_present"),)
        case Card.FOUND_NOTHING:
            return (found._replace(outcome="undetermined"),)
        case Card.POPULATION if chance.happens(0.3):
            # Renewed without a day between, so that the days of both join.
            half = (start + REFERENCE) // 2
            return (found._replace(end=half), found._replace(start=half + 1))
        case _:
            return (found,)
