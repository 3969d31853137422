"""Reproducible draws, days and money. Knows numbers; knows nothing of records.

Built on the two methods of Python's generator whose values are fixed across versions.
"""

from __future__ import annotations

import hashlib
import random
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

# "Today" of all that is generated. A constant, because rows may not depend on a clock.
REFERENCE: Final = date(2026, 11, 1).toordinal()

_FIRST: Final = date(1915, 1, 1).toordinal()
_DAYS: Final = tuple(date.fromordinal(n) for n in range(_FIRST, date(2046, 1, 1).toordinal()))


def day(number: int) -> date:
    """The date of a day number (proleptic ordinal), 1915 to 2045."""
    return _DAYS[number - _FIRST]


def day_or_none(number: int | None) -> date | None:
    """The same for the end of a span, which may be open."""
    return None if number is None else _DAYS[number - _FIRST]


def dollars(cents: int) -> Decimal:
    """An amount of money with two decimals."""
    return Decimal(cents).scaleb(-2)


# Each step shares no factor with 10^8, so that multiplication permutes the residues; the offsets
# keep number 0 from being the same for every use.
_STEPS: Final = {
    "ssn": (61_803_399, 12_345_679),
    "medicaid": (27_182_819, 57_721_567),
    "case": (31_415_927, 91_596_559),
}


def scattered(number: int, seed: int, use: str) -> str:
    """Eight digits, others for each number below 100,000,000 under the same seed and use."""
    step, offset = _STEPS[use]
    return f"{(number * step + seed * 7_919 + offset) % 100_000_000:08d}"


class Chance:
    """One stream of draws. The same key gives the same stream, on every machine."""

    __slots__ = ("_bits", "random")

    def __init__(self, *key: object) -> None:
        digest = hashlib.sha256(":".join(map(str, key)).encode()).digest()
        source = random.Random(int.from_bytes(digest))  # noqa: S311 - repeatable, guards nothing
        self.random = source.random
        self._bits = source.getrandbits

    def below(self, count: int) -> int:
        """A whole number from 0 to count - 1."""
        return int(self.random() * count)

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.random() * (high - low + 1))

    def happens(self, share: float) -> bool:
        """True in this share of all draws."""
        return self.random() < share

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, all alike."""
        return options[int(self.random() * len(options))]

    def shuffled(self, cards: Sequence[T]) -> list[T]:
        """The same cards in another order (Fisher and Yates)."""
        deck = list(cards)
        for last in range(len(deck) - 1, 0, -1):
            other = int(self.random() * (last + 1))
            deck[last], deck[other] = deck[other], deck[last]
        return deck

    def uuid(self) -> str:
        """A UUID of version 4 (RFC 9562, section 5.4)."""
        text = f"{self._bits(128):032x}"
        variant = "89ab"[int(text[16], 16) & 3]
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"
