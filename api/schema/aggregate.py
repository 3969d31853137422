"""Aggregates: numbers made of people and of claims, whole and in groups, out of the catalog.

A group is named by a key: a value of the rows themselves, or of the one row that a link leads to.
"""

from __future__ import annotations

import enum
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from api.errors import OnePath
from api.guard import Guard, Opens, guarded_by, record, shape
from api.schema.filters import where
from api.schema.types import scalar
from db.catalog import Cardinality, Kind, Link
from db.catalog_records import CATALOG
from db.plan import Bucket, Function

if TYPE_CHECKING:
    from collections.abc import Callable

    from db.catalog import Column, Field

_NUMBERS = (Kind.INTEGER, Kind.DECIMAL)
_KINDS = {
    Function.COUNT_DISTINCT: tuple(set(Kind) - {Kind.TEXTS, Kind.DAYS}),
    Function.SUM: _NUMBERS,
    Function.AVG: _NUMBERS,
    Function.MIN: (*_NUMBERS, Kind.DATE),
    Function.MAX: (*_NUMBERS, Kind.DATE),
}
_ABOUT = {
    Function.COUNT_DISTINCT: "Different values.",
    Function.SUM: "The values added up.",
    Function.AVG: "The average of the values, six decimals.",
    Function.MIN: "The least value.",
    Function.MAX: "The greatest value.",
}


@strawberry.enum(description="How a value makes groups.")
class Grouping(enum.Enum):
    """By the value itself."""

    VALUE = strawberry.enum_value("value", description="A group for each value.")


@strawberry.enum(description="How a day makes groups; the key is the first day of each.")
class DateGrouping(enum.Enum):
    """By the day, or by what it is in."""

    DAY = strawberry.enum_value(Bucket.DAY.value, description="A group for each day.")
    MONTH = strawberry.enum_value(Bucket.MONTH.value, description="A group for each month.")
    QUARTER = strawberry.enum_value(Bucket.QUARTER.value, description="A group for each quarter.")
    YEAR = strawberry.enum_value(Bucket.YEAR.value, description="A group for each year.")


def _entries(entity: str) -> list[Field | Link]:
    """What rows of an entity can be grouped by, or along."""
    found: list[Field | Link] = [
        each
        for each in CATALOG.fields_of(entity)
        if each.column.kind not in (Kind.TEXTS, Kind.DAYS)
    ]
    found += [
        each
        for each in CATALOG.links_of(entity)
        if each.relation.cardinality is not Cardinality.MANY
    ]
    return found


@cache
def group_by(entity: str) -> Any:
    """The input that names one dimension of an entity's groups."""
    types: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    for each in _entries(entity):
        types[f"{each.name}_"] = type_ = _grouping(each) | None
        fields[f"{each.name}_"] = guarded_by(
            Guard(Opens.GROUP, each.coordinate), name=each.name, graphql_type=type_,
            description=each.about, default=strawberry.UNSET,
        )  # fmt: skip
    name = f"{entity}GroupBy"
    body = {"__annotations__": types, "__module__": __name__, **fields}
    about = f"What groups of {entity} are made by: one value."
    return strawberry.input(type(name, (), body), name=name, description=about, one_of=True)


def _grouping(entry: Field | Link) -> Any:
    if isinstance(entry, Link):
        return group_by(entry.target)
    return DateGrouping if entry.column.kind is Kind.DATE else Grouping


@cache
def key(entity: str) -> Any:
    """What the rows of a group have in common, of this entity."""
    name = f"{entity}Key"
    fields = {
        f"{each.name}_": guarded_by(
            Guard(Opens.GROUP, each.coordinate), name=each.name, description=each.about,
            graphql_type=_key_type(each) | None, default=None,
        )
        for each in _entries(entity)
    }  # fmt: skip
    return _type(name, f"What the rows of a group have in common, of {entity}.", fields)


def _key_type(entry: Field | Link) -> Any:
    return key(entry.target) if isinstance(entry, Link) else scalar(entry.column)


@cache
def _measures(entity: str, function: Function) -> Any:
    title = function.value[0].upper() + function.value[1:]
    fields = {
        f"{each.name}_": guarded_by(
            Guard(Opens.MEASURE, each.coordinate), name=each.name, description=each.about,
            graphql_type=_result(function, each.column) | None, default=None,
        )
        for each in CATALOG.fields_of(entity)
        if each.column.kind in _KINDS[function]
        # An extreme of codes that are numbers would be none of their order.
        and (function is Function.COUNT_DISTINCT or each.column.codes is None)
    }  # fmt: skip
    return _type(f"{entity}{title}", f"{_ABOUT[function]} Of {entity}.", fields)


def _result(function: Function, column: Column) -> Any:
    match function:
        case Function.COUNT_DISTINCT:
            return int
        case Function.SUM | Function.AVG:
            return Decimal
        case _:
            return scalar(column)


def _numbers(entity: str) -> dict[str, Any]:
    count = guarded_by(
        Guard(Opens.AGGREGATE, CATALOG.entities[entity].tally), name="count",
        graphql_type=int | None, description="Rows.", default=None,
    )  # fmt: skip
    measures = {
        function.name.lower(): shape(
            _measures(entity, function) | None, _ABOUT[function], function.value
        )
        for function in Function
    }
    about = "Whether numbers are withheld because they would be about too few people."
    return {"count": count, **measures, "suppressed": shape(bool, about)}


@cache
def aggregate(entity: str) -> Any:
    """The numbers of an entity, whole and in groups."""
    group: Any = _type(
        f"{entity}Group",
        f"Rows of {entity} that have a key in common.",
        {"key": shape(key(entity) | None, "What they have in common."), **_numbers(entity)},
    )
    about = "Groups in the order of their keys; none when there is no groupBy."
    return _type(
        f"{entity}Aggregate",
        f"Numbers made of rows of {entity}.",
        {**_numbers(entity), "groups": shape(list[group] | None, about)},
    )


def _type(name: str, about: str, fields: dict[str, Any]) -> Any:
    body = {"__annotations__": dict.fromkeys(fields, Any), "__module__": __name__, **fields}
    return record(name, about)(type(name, (), body))


def summarizing(entity: str) -> Callable[..., Any]:
    """A resolver that declares the arguments of an aggregate and is never run."""
    filters: Any = where(entity)
    terms: Any = group_by(entity)

    def numbers(where: Any = strawberry.UNSET, group_by: Any = strawberry.UNSET) -> Any:
        raise OnePath

    numbers.__annotations__ |= {
        "where": Annotated[
            filters | None, strawberry.argument(description="Only rows that meet this.")
        ],
        "group_by": Annotated[
            list[terms] | None,
            strawberry.argument(description="What groups are made by.", name="groupBy"),
        ],
    }
    return numbers
