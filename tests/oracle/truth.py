"""Kleene's three-valued logic. What is missing or hidden is neither true nor false, and stays so
under `not`: None. Only what is true is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Truth: TypeAlias = bool | None


def every(parts: Iterable[Truth]) -> Truth:
    """And: false if something is false, else unknown if something is unknown."""
    found = list(parts)
    if any(part is False for part in found):
        return False
    return None if any(part is None for part in found) else True


def some(parts: Iterable[Truth]) -> Truth:
    """Or: true if something is true, else unknown if something is unknown."""
    found = list(parts)
    if any(part is True for part in found):
        return True
    return None if any(part is None for part in found) else False


def opposite(truth: Truth) -> Truth:
    """Not: unknown stays unknown."""
    return None if truth is None else not truth
