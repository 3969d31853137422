"""`where` on a row. A leaf over a value that is missing or hidden is neither true nor false."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from db.catalog import Kind
from db.catalog_records import CATALOG
from tests.oracle.truth import Truth, every, opposite, some
from tests.oracle.values import one_row, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from db.catalog import Column, Relation
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


def meets(seen: Seen, row: Row, where: Mapping[str, Any]) -> bool:
    """Whether a row meets a filter on its entity."""
    return _all(seen, row, row.entity, None, where) is True


def _all(
    seen: Seen, row: Row, entity: str, hop: Relation | None, where: Mapping[str, Any]
) -> Truth:
    return every(_part(seen, row, entity, hop, name, asked) for name, asked in where.items())


def _part(
    seen: Seen, row: Row, entity: str, hop: Relation | None, name: str, asked: Value
) -> Truth:
    match name:
        case "and":
            return every(_all(seen, row, entity, hop, part) for part in asked)
        case "or":
            return some(_all(seen, row, entity, hop, part) for part in asked)
        case "not":
            return opposite(_all(seen, row, entity, hop, asked))
        case _:
            return _about(seen, row, entity, hop, name, asked)


def _about(
    seen: Seen, row: Row, entity: str, hop: Relation | None, name: str, asked: Value
) -> Truth:
    coordinate = f"{entity}.{name}"
    if coordinate in CATALOG.links:
        link = CATALOG.links[coordinate]
        return _all(seen, row, link.target, link.relation, asked)
    return every(
        _leaf(seen, row, coordinate, hop, operator, operand) for operator, operand in asked.items()
    )


def _leaf(
    seen: Seen, row: Row, coordinate: str, hop: Relation | None, operator: str, operand: Value
) -> Truth:
    if not seen.may(coordinate, f"filter:{operator}", row):
        return None
    entry = CATALOG.fields[coordinate]
    way = hop or entry.hop
    source = row.record if way is None else one_row(seen.records, way, row.record, seen.day)
    value = None if source is None else value_of(seen.records, source, entry.column, seen.day)
    if operator == "isNull":
        return (value is None) is operand
    if value is None:
        return None
    return _COMPARED[operator](value, comparable(operand, entry.column))


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
