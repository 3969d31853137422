"""What is kept for requests to come: bounded, counted, and forgotten in the order of last use."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

ENTRY: Final = 1_000
"""What an entry weighs besides what is said of it, so that small ones are not without end."""

Kept = TypeVar("Kept")


class Cache(Generic[Kept]):
    """Values by key, least recently used first out, up to a weight that its user counts in."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, tuple[Kept, int]] = OrderedDict()
        self.weight = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> Kept | None:
        """What is kept under a key, if it is."""
        found = self._kept.get(key)
        if found is None:
            self.misses += 1
            return None
        self._kept.move_to_end(key)
        self.hits += 1
        return found[0]

    def put(self, key: Hashable, value: Kept, weight: int) -> None:
        """Keeps a value, and lets go of what has not been asked for the longest."""
        self.drop(key)
        self._kept[key] = (value, weight + ENTRY)
        self.weight += weight + ENTRY
        while self.weight > self._most:
            _, (_, gone) = self._kept.popitem(last=False)
            self.weight -= gone

    def drop(self, key: Hashable) -> None:
        """Keeps nothing under a key."""
        if key in self._kept:
            self.weight -= self._kept.pop(key)[1]
