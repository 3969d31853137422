"""A filter with each of its clauses silenced in turn. Pure; knows conditions and nothing else.

A clause is a node of the condition once `not` is at the leaves: a leaf, a group, what is asked of
related rows, the whole. Silenced, it is true where all have to hold, and false where one has to.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from db.predicate import Always, And, Exists, Never, Or, Through, both, either

if TYPE_CHECKING:
    from collections.abc import Iterator

    from db.predicate import Predicate


def without_each(where: Predicate) -> tuple[Predicate, ...]:
    """The condition without each of its clauses, the whole first. None for no condition."""
    return tuple(_silenced(where, Always()))


def _silenced(node: Predicate, silence: Predicate) -> Iterator[Predicate]:
    if isinstance(node, Always):
        return
    yield silence
    match node:
        case And(parts):
            for index, part in enumerate(parts):
                for other in _silenced(part, Always()):
                    yield both(*parts[:index], other, *parts[index + 1 :])
        case Or(parts):
            for index, part in enumerate(parts):
                for other in _silenced(part, Never()):
                    yield either(*parts[:index], other, *parts[index + 1 :])
        case Exists() | Through():
            # What policy says of the related rows is not the caller's, and stays.
            for other in _silenced(node.where, Always()):
                yield replace(node, where=other)
        case _:
            return
