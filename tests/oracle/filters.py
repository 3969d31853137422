"""`where` on a row. A leaf over a value that is missing or hidden is neither true nor false, and so
is all that is asked of a row at the end of a link, where there is none or the link is closed.

What is current of a person, as an address, is asked about as values of the person: without an
address, there is no city.
"""

from __future__ import annotations

import enum
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from graphql import GraphQLInputObjectType, get_named_type

from api.schema.build import core, full_schema
from db.catalog import Cardinality, Kind
from db.catalog_records import CATALOG
from tests.oracle.truth import Truth, every, opposite, some

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from db.catalog import Column, Link
    from tests.oracle.records import Value
    from tests.oracle.seen import Row, Seen

_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "in": lambda a, b: a in b,
    "notIn": lambda a, b: a not in b,
    "startsWith": lambda a, b: a.startswith(b),
    "has": lambda a, b: b in a,
}


_OPPOSITES = {"eq": "ne", "lt": "gte", "lte": "gt", "in": "notIn"}
_OPPOSITES |= {other: one for one, other in _OPPOSITES.items()}


def meets(seen: Seen, row: Row, where: Mapping[str, Any]) -> bool:
    """Whether a row meets a filter on its entity."""
    return truth_of(seen, row, where) is True


def truth_of(seen: Seen, row: Row, where: Mapping[str, Any], *, denied: bool = False) -> Truth:
    """What a filter says of a row of its entity; `denied` within an odd number of `not`."""
    return every(_part(seen, row, name, asked, denied) for name, asked in where.items())


def _part(seen: Seen, row: Row, name: str, asked: Value, denied: bool) -> Truth:
    match name:
        case "and":
            return every(truth_of(seen, row, part, denied=denied) for part in asked)
        case "or":
            return some(truth_of(seen, row, part, denied=denied) for part in asked)
        case "not":
            return opposite(truth_of(seen, row, asked, denied=not denied))
        case _:
            return about(seen, row, f"{row.entity}.{name}", asked, denied)


def about(seen: Seen, row: Row, coordinate: str, asked: Mapping[str, Any], denied: bool) -> Truth:
    """What a filter on one coordinate says of a row."""
    if coordinate in CATALOG.links:
        link = CATALOG.links[coordinate]
        closed = not seen.may(coordinate, "filter", row)
        match link.relation.cardinality:
            case Cardinality.CURRENT:
                current = seen.current(link, row, closed=closed)
                return truth_of(seen, current, asked, denied=denied)
            case Cardinality.ONE:
                found = () if closed else seen.linked(link, row)
                truths = (truth_of(seen, each, asked, denied=denied) for each in found)
                return next(truths, None)
            case Cardinality.MANY:
                return every(
                    None if closed else among(seen, row, link, word, inner)
                    for word, inner in asked.items()
                )
    return every(
        leaf(seen, row, coordinate, operator, wanted, denied=denied)
        for operator, wanted in asked.items()
    )


def among(seen: Seen, row: Row, link: Link, word: str, where: Mapping[str, Any]) -> bool:
    """Whether, of the rows that a link leads to, some meet a filter; or none does."""
    return any(meets(seen, found, where) for found in seen.linked(link, row)) is (word == "some")


@cache
def action_of(coordinate: str, operator: str, *, denied: bool) -> str:
    """The action that an operator needs. Within `not` it is the opposite that is asked, and needed
    where a filter has it: "not equal" is a question of its own."""
    entity, _, name = coordinate.partition(".")
    where = core(full_schema()).type_map[f"{entity}Where"]
    assert isinstance(where, GraphQLInputObjectType)
    offered = get_named_type(where.fields[name].type)
    assert isinstance(offered, GraphQLInputObjectType)
    opposite_of = _OPPOSITES.get(operator)
    return f"filter:{opposite_of if denied and opposite_of in offered.fields else operator}"


def leaf(
    seen: Seen, row: Row, coordinate: str, operator: str, operand: Value, *, denied: bool
) -> Truth:
    """What one operator on one coordinate says of a row."""
    if not seen.may(coordinate, action_of(coordinate, operator, denied=denied), row):
        return None
    value = seen.value(coordinate, row)
    if operator == "isNull":
        return (value is None) is operand
    if value is None:
        return None
    return _COMPARED[operator](value, comparable(operand, CATALOG.fields[coordinate].column))


def comparable(operand: Value, column: Column) -> Value:
    """What a caller wrote, as records hold it. ValueError for an ID that is no UUID."""
    match operand:
        case list():
            return [comparable(item, column) for item in operand]
        case enum.Enum():
            return operand.value
        case str() if column.kind is Kind.UUID:
            return UUID(operand)
        case _:
            return operand
