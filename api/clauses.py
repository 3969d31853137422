"""A filter with each of its clauses silenced in turn. Pure; knows conditions and nothing else.

A clause is a node of the condition once `not` is at the leaves: a leaf, a group, what is asked of
related rows, the whole. Silenced, it is true where all have to hold, and false where one has to.

A clause that is written twice sets nobody apart alone, so all leaves about one column, and about
each two columns, are silenced together as well.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

from db.predicate import Always, And, Compare, Exists, Never, Or, Through, both, either

if TYPE_CHECKING:
    from collections.abc import Iterator

    from db.predicate import Predicate

_Stored: TypeAlias = "tuple[str | None, str | None, str]"
"""A column: the table of related rows, where it is asked of these; the table one hop away, where it
is one; and the name."""


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


def columns_of(where: Predicate) -> tuple[_Stored, ...]:
    """The columns that a condition is about, related rows included, in the order of first use."""
    return tuple(dict.fromkeys(_columns(where)))


def without_together(where: Predicate) -> tuple[Predicate, ...]:
    """The condition without all leaves about one column, and about each two of its columns."""
    named = columns_of(where)
    sets = [{each} for each in named] + [set(pair) for pair in combinations(named, 2)]
    return tuple(_about_others(where, together, Always()) for together in sets)


def _columns(node: Predicate, of: str | None = None) -> Iterator[_Stored]:
    match node:
        case Compare():
            yield _stored(node, of)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _columns(part, of)
        case Exists() | Through():
            yield from _columns(node.where, node.relation.target.name)
        case _:
            return


def _stored(leaf: Compare, of: str | None) -> _Stored:
    hop = leaf.ref.hop
    return of, (hop.target.name if hop is not None else None), leaf.ref.column.name


def _about_others(
    node: Predicate, columns: set[_Stored], silence: Predicate, of: str | None = None
) -> Predicate:
    match node:
        case Compare():
            return silence if _stored(node, of) in columns else node
        case And(parts):
            return both(*(_about_others(part, columns, Always(), of) for part in parts))
        case Or(parts):
            return either(*(_about_others(part, columns, Never(), of) for part in parts))
        case Exists() | Through():
            inner = _about_others(node.where, columns, Always(), node.relation.target.name)
            return replace(node, where=inner)
        case _:
            return node
