"""The clauses of a filter, and the people whom each of them alone sets apart.

The filter is written anew with every `not` at a leaf; then each part of it in turn is left out of
what joins it, and the whole is asked again of every row. What is asked of the rows at the end of a
link are parts too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from db.catalog import Cardinality, Link
from db.catalog_records import CATALOG
from tests.oracle.filters import leaf
from tests.oracle.tables import different

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.oracle.records import Value
    from tests.oracle.seen import Row, Seen


@dataclass(frozen=True, eq=False)
class Leaf:
    """One operator on a coordinate: it holds, or (`denied`) does not. `along` is the way to what is
    current of the row at hand."""

    coordinate: str
    operator: str
    operand: Value
    denied: bool
    along: Link | None


@dataclass(frozen=True, eq=False)
class Related:
    """Of the rows at the end of a link some meet a filter, or none does."""

    link: Link
    none: bool
    inner: Clause


@dataclass(frozen=True, eq=False)
class Group:
    """All parts hold, or (`some`) one of them. Without parts it always holds, or never."""

    some: bool
    parts: tuple[Clause, ...]


Clause: TypeAlias = Leaf | Related | Group


def clause_of(
    entity: str, where: Mapping[str, Any], denied: bool = False, along: Link | None = None
) -> Clause:
    """A filter without `not` but at its leaves."""
    return _joined(denied, _parts(entity, where, denied, along))


def _parts(
    entity: str, where: Mapping[str, Any], denied: bool, along: Link | None
) -> Iterator[Clause]:
    for name, asked in where.items():
        coordinate = f"{entity}.{name}"
        if name in ("and", "or"):
            some = (name == "or") is not denied
            yield _joined(some, [clause_of(entity, each, denied, along) for each in asked])
        elif name == "not":
            yield clause_of(entity, asked, not denied, along)
        elif coordinate in CATALOG.links:
            yield _linked(CATALOG.links[coordinate], asked, denied)
        else:
            found = [
                leaf_
                for word, said in asked.items()
                for leaf_ in _leaves(coordinate, word, said, denied, along)
            ]
            yield _joined(denied, found)


def _leaves(
    coordinate: str, word: str, said: Value, denied: bool, along: Link | None
) -> list[Clause]:
    """A list is as many clauses as it has values."""
    if word == "in":
        every = [Leaf(coordinate, "eq", each, denied, along) for each in said]
    elif word == "notIn":
        every = [Leaf(coordinate, "ne", each, denied, along) for each in said]
        every.append(Leaf(coordinate, "isNull", False, denied, along))
    else:
        return [Leaf(coordinate, word, said, denied, along)]
    return [_joined((word == "in") is not denied, every)]


def _linked(link: Link, asked: Mapping[str, Any], denied: bool) -> Clause:
    match link.relation.cardinality:
        case Cardinality.CURRENT:
            return clause_of(link.target, asked, denied, link)
        case Cardinality.ONE:
            return Related(link, False, clause_of(link.target, asked, denied))
        case Cardinality.MANY:
            words = [
                Related(link, (word == "none") is not denied, clause_of(link.target, inner))
                for word, inner in asked.items()
            ]
            return _joined(denied, words)


def _joined(some: bool, parts: Iterable[Clause]) -> Clause:
    """A group, flat: without groups of the same kind in it, or the one part that it has.

    What never holds in one of which some has to hold, or always where all have to, is no part; and
    the other way round, nothing else is.
    """
    flat: list[Clause] = []
    for part in parts:
        if isinstance(part, Group) and not part.parts and part.some is not some:
            return part
        flat += part.parts if isinstance(part, Group) and part.some is some else (part,)
    return flat[0] if len(flat) == 1 else Group(some, tuple(flat))


def clauses(clause: Clause, instead: bool = True) -> Iterator[tuple[Clause, bool]]:
    """Every part of a filter, the whole first, and what stands for it when it is left out."""
    match clause:
        case Group(False, ()):
            return
        case Group(some, parts):
            yield clause, instead
            for part in parts:
                yield from clauses(part, not some)
        case Related(_, _, inner):
            yield clause, instead
            yield from clauses(inner)
        case Leaf():
            yield clause, instead


Column: TypeAlias = "tuple[str, str]"


def columns(clause: Clause, rows: str = "") -> Iterator[Column]:
    """The stored columns that a filter is about: of which rows, and where the value is kept."""
    match clause:
        case Leaf():
            yield _column(clause, rows)
        case Related(link, _, inner):
            yield from columns(inner, CATALOG.entities[link.target].table.name)
        case Group(_, parts):
            for part in parts:
                yield from columns(part, rows)


def _column(leaf_: Leaf, rows: str) -> Column:
    entry = CATALOG.fields[leaf_.coordinate]
    hop = leaf_.along.relation if leaf_.along is not None else entry.hop
    return rows, f"{hop.target.name if hop is not None else ''}.{entry.column.name}"


def silent(clause: Clause, about: frozenset[Column], some: bool = False, rows: str = "") -> Clause:
    """A filter of which all that is about some columns is left out."""
    match clause:
        case Leaf():
            return Group(some, ()) if _column(clause, rows) in about else clause
        case Related(link, none, inner):
            reached = CATALOG.entities[link.target].table.name
            return Related(link, none, silent(inner, about, rows=reached))
        case Group(of, parts):
            return Group(of, tuple(silent(part, about, of, rows) for part in parts))


def told_apart(
    seen: Seen, cells: Iterable[Iterable[Row]], clause: Clause, other: Clause
) -> set[int]:
    """How many different people of each cell have rows on which two filters say not the same."""

    def differs(row: Row) -> bool:
        return holds(seen, row, clause) is not holds(seen, row, other)

    return {len(different(filter(differs, rows))) for rows in cells}


def holds(
    seen: Seen, row: Row, clause: Clause, without: Clause | None = None, instead: bool = True
) -> bool:
    """Whether a filter holds on a row, when of its parts one is left out."""
    if clause is without:
        return instead
    match clause:
        case Leaf(coordinate, operator, operand, denied, along):
            if along is not None:
                closed = not seen.may(along.coordinate, "filter", row)
                row = seen.current(along, row, closed=closed)
            said = leaf(seen, row, coordinate, operator, operand, denied=denied)
            return said is (not denied)
        case Related(link, none, inner):
            if not seen.may(link.coordinate, "filter", row):
                return False
            found = (holds(seen, each, inner, without, instead) for each in seen.linked(link, row))
            return any(found) is not none
        case Group(some, parts):
            found = (holds(seen, row, part, without, instead) for part in parts)
            return any(found) if some else all(found)


def set_apart(
    seen: Seen, cells: Iterable[Iterable[Row]], clause: Clause, without: Clause, instead: bool
) -> set[int]:
    """How many different people of each cell have rows on which leaving out a part makes a
    difference."""

    def differs(row: Row) -> bool:
        return holds(seen, row, clause) is not holds(seen, row, clause, without, instead)

    return {len(different(filter(differs, rows))) for rows in cells}
