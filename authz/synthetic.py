"""Rows that somebody made up, to ask about. Never a record; knows no database.

{"entity": "Enrollee", "submitting_state": "CA", "home_address": {"county": "06001"}}

Keys are the columns of the entity's table, with values as they are stored (codes, not names of the
API), and the relations that row scopes speak of, with a row or a list of rows. A day is written
YYYY-MM-DD, `population` as a list of `YYYY-MM-DD/YYYY-MM-DD`, both days included, `..` for no end.
Nothing is found out: who says a day of birth has not said a year of birth.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from authz.errors import RowInvalid
from authz.near import unknown
from authz.principal import Format, canonical
from db.catalog import Cardinality, Kind

if TYPE_CHECKING:
    from db.catalog import Catalog, Column, Relation, Table

Value: TypeAlias = "str | int | bool | date | Decimal | tuple[str, ...] | None"

_ENTITY: Final = "entity"
_DEEPEST: Final = 20
"""Rows within rows; no scope looks farther than its parentheses go."""
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAYS: Final = re.compile(r"([0-9-]{10}|\.\.)/([0-9-]{10}|\.\.)")


@dataclass(frozen=True)
class Row:
    """A row of a table by the names of its columns, which are null where they are not named, and
    the rows that its relations lead to, none where they are not named.

    `entity` is the name of an entity; of a row that a relation leads to, that of its table.
    """

    entity: str
    values: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    related: Mapping[str, tuple[Row, ...]] = field(default_factory=lambda: MappingProxyType({}))


def read_row(catalog: Catalog, given: Mapping[str, object]) -> Row:
    """The row of an anchor entity that a table describes. Raises RowInvalid for whatever it does
    not know, and for a value that the column cannot have."""
    anchors = {entity.anchor for entity in catalog.entities.values()}
    name = given.get(_ENTITY)
    if not isinstance(name, str):
        raise RowInvalid("'entity' is missing, or is not text")
    if name not in anchors:
        raise RowInvalid(unknown("entity", name, anchors))
    rest = {key: value for key, value in given.items() if key != _ENTITY}
    return _Reader(catalog).row(name, catalog.entities[name].table, rest, (name,))


def written_row(row: Row) -> dict[str, object]:
    """What `read_row` reads as this row, in values that JSON has."""
    return {_ENTITY: row.entity, **_written(row)}


def _written(row: Row) -> dict[str, object]:
    values = {name: _plain(value) for name, value in row.values.items()}
    related = {name: [_written(each) for each in rows] for name, rows in row.related.items()}
    return values | related


def _plain(value: Value) -> object:
    match value:
        case tuple():
            return list(value)
        case date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case _:
            return value


class _Reader:
    """Reads a row and the rows below it; `way` says in errors where it is."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def row(
        self, entity: str, table: Table, given: Mapping[str, object], way: tuple[str, ...]
    ) -> Row:
        if len(way) > _DEEPEST:
            raise RowInvalid(f"{'.'.join(way)}: more than {_DEEPEST} rows deep")
        relations = self._catalog.relations.get(table.name, {})
        values: dict[str, Value] = {}
        for name, value in given.items():
            if name in table.columns:
                values[name] = _value(table.columns[name], value, (*way, name))
            elif name not in relations:
                known = {*table.columns, *relations}
                problem = unknown("column or relation", str(name), known)
                raise RowInvalid(f"{'.'.join(way)}: {problem}")
        related = {
            name: self._rows(relation, given[name], values, (*way, name))
            for name, relation in relations.items()
            if name in given
        }
        return Row(entity, MappingProxyType(values), MappingProxyType(related))

    def _rows(
        self,
        relation: Relation,
        given: object,
        source: Mapping[str, Value],
        way: tuple[str, ...],
    ) -> tuple[Row, ...]:
        listed = given if isinstance(given, list) else [given]
        if relation.cardinality is Cardinality.ONE and len(listed) > 1:
            raise RowInvalid(f"{'.'.join(way)}: leads to one row, not to {len(listed)}")
        found = []
        for each in listed:
            if not isinstance(each, Mapping):
                raise RowInvalid(f"{'.'.join(way)}: neither a row nor a list of rows")
            found.append(
                self.row(relation.target.name, relation.target, _tied(relation, each, source), way)
            )
        for row in found:
            if any(row.values.get(b) != source[a] for a, b in relation.on if a in source):
                raise RowInvalid(f"{'.'.join(way)}: its key is not that of the row it belongs to")
        return tuple(found)


def _tied(
    relation: Relation, given: Mapping[str, object], source: Mapping[str, Value]
) -> Mapping[str, object]:
    """A row with the key by which it belongs to its source, where it does not say it itself."""
    return {target: source[own] for own, target in relation.on if own in source} | dict(given)


def _value(column: Column, given: object, way: tuple[str, ...]) -> Value:
    if given is None:
        return None
    found = _typed(column, given)
    if found is None:
        raise RowInvalid(f"{'.'.join(way)}: no value of type {column.kind.value}")
    if column.codes is not None and isinstance(found, str | tuple):
        codes = {code.code for code in column.codes.codes}
        for each in (found,) if isinstance(found, str) else found:
            if each not in codes:
                raise RowInvalid(f"{'.'.join(way)}: {unknown('code', each, codes)}")
    return found


def _typed(column: Column, given: object) -> Value:
    """The value as its column has it; None where it is none of that type."""
    match column.kind:
        case Kind.TEXT:
            return given if isinstance(given, str) else None
        case Kind.UUID:
            return canonical(Format.UUID, given) if isinstance(given, str) else None
        case Kind.BOOLEAN:
            return given if isinstance(given, bool) else None
        case Kind.INTEGER:
            return given if isinstance(given, int) and not isinstance(given, bool) else None
        case Kind.DECIMAL:
            return _decimal(given)
        case Kind.DATE:
            return _day(given)
        case Kind.TEXTS:
            return _texts(given)
        case Kind.DAYS:
            days = _texts(given)
            return None if days is None or any(span(each) is None for each in days) else days
        case _:
            assert_never(column.kind)


def _decimal(given: object) -> Decimal | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str | Decimal):
        return None
    try:
        found = Decimal(str(given))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _day(given: object) -> date | None:
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    if not isinstance(given, str) or not _DAY.fullmatch(given):
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        return None


def _texts(given: object) -> tuple[str, ...] | None:
    if not isinstance(given, list | tuple):
        return None
    texts = tuple(each for each in given if isinstance(each, str))
    return texts if len(texts) == len(given) else None


def span(text: str) -> tuple[date, date] | None:
    """First and last day of `YYYY-MM-DD/YYYY-MM-DD`; None for text that is none."""
    match = _DAYS.fullmatch(text)
    if match is None:
        return None
    begin = date.min if match[1] == ".." else _day(match[1])
    end = date.max if match[2] == ".." else _day(match[2])
    return None if begin is None or end is None or begin > end else (begin, end)
