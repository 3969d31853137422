"""`where` and `orderBy`: one input per entity, made out of the catalog.

A filter speaks of the entity's own coordinates and goes along its links: to the one row that a link
leads to, or to some or none of many. An order goes along links to one row. Operators are those that
the kind of the column has; which of them a role may use, its policy says.
"""

from __future__ import annotations

import enum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from api.guard import Guard, Opens, guarded_by, shape
from api.schema.types import coded_enum, scalar
from db.catalog import Cardinality, Kind
from db.catalog_records import CATALOG
from db.predicate import Operator, operators

if TYPE_CHECKING:
    from db.catalog import Column, Field

_ABOUT = {
    Operator.EQ: "Equal.",
    Operator.NE: "Not equal; false where there is no value.",
    Operator.LT: "Less.",
    Operator.LTE: "Less or equal.",
    Operator.GT: "Greater.",
    Operator.GTE: "Greater or equal.",
    Operator.IN: "One of these.",
    Operator.NOT_IN: "None of these; false where there is no value.",
    Operator.STARTS_WITH: "Begins with, case and accents as they are.",
    Operator.HAS: "The list has this.",
    Operator.IS_NULL: "Whether there is no value.",
}


@strawberry.enum(description="Which way an order goes. Missing values count as the largest.")
class Direction(enum.Enum):
    """Ascending or descending."""

    ASC = strawberry.enum_value("ASC", description="Smallest first.")
    DESC = strawberry.enum_value("DESC", description="Largest first.")


@cache
def comparison(column: Column) -> Any:
    """The filter input of a column: one field per operator."""
    single = scalar(column)
    name = coded_enum(column.codes).__name__ if column.codes else _named(column.kind)
    listed = column.kind is Kind.TEXTS
    return _comparison(
        f"{name}{'List' if listed else ''}Filter", single, column.kind, column.codes is not None
    )


@cache
def _comparison(name: str, single: Any, kind: Kind, coded: bool) -> Any:
    fields: dict[str, Any] = {}
    types: dict[str, Any] = {}
    for operator in operators(kind, coded=coded):
        type_: Any
        match operator:
            case Operator.IN | Operator.NOT_IN:
                type_ = list[single] | None
            case Operator.IS_NULL:
                type_ = bool | None
            case _:
                type_ = single | None
        python_name = f"{operator.name.lower()}_"
        types[python_name] = type_
        fields[python_name] = shape(type_, _ABOUT[operator], operator.value)
    return _input(name, types, fields, "Conditions on one value; all of them must hold.")


def _named(kind: Kind) -> str:
    return {
        Kind.TEXT: "String",
        Kind.DATE: "Date",
        Kind.INTEGER: "Int",
        Kind.DECIMAL: "Decimal",
        Kind.BOOLEAN: "Boolean",
        Kind.UUID: "ID",
        Kind.TEXTS: "String",
    }[kind]


def _input(
    name: str, types: dict[str, Any], fields: dict[str, Any], about: str, *, one: bool = False
) -> Any:
    body = {"__annotations__": types, "__module__": __name__, **fields}
    return strawberry.input(type(name, (), body), name=name, description=about, one_of=one)


def filterable(entity: str) -> tuple[Field, ...]:
    """The fields of an entity that a filter or an order can speak of."""
    return tuple(entry for entry in CATALOG.fields_of(entity) if entry.column.kind is not Kind.DAYS)


@cache
def where(entity: str) -> Any:
    """The filter input of an entity."""
    name = f"{entity}Where"
    itself: Any = _later(entity, "Where")
    types: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    for entry in filterable(entity):
        types[f"{entry.name}_"] = type_ = comparison(entry.column) | None
        fields[f"{entry.name}_"] = guarded_by(
            Guard(Opens.FILTER, entry.coordinate), name=entry.name, graphql_type=type_,
            description=entry.about, default=strawberry.UNSET,
        )  # fmt: skip
    for link in CATALOG.links_of(entity):
        many = link.relation.cardinality is Cardinality.MANY
        types[f"{link.name}_"] = type_ = (
            _later(link.target, "ListWhere" if many else "Where") | None
        )
        fields[f"{link.name}_"] = guarded_by(
            Guard(Opens.FILTER, link.coordinate), name=link.name, graphql_type=type_,
            description=link.about, default=strawberry.UNSET,
        )  # fmt: skip
    for word, many, about in (
        ("and", True, "All of these hold."),
        ("or", True, "One of these holds."),
        ("not", False, "This does not hold; false where there is no value, as without `not`."),
    ):
        types[f"{word}_"] = type_ = (list[itself] if many else itself) | None
        fields[f"{word}_"] = shape(type_, about, word)
    return _known(_input(name, types, fields, f"Conditions on {entity}; all of them must hold."))


@cache
def _listed(entity: str) -> Any:
    """The filter input of a link to many rows of an entity."""
    inner = _later(entity, "Where") | None
    return _known(
        _input(
            f"{entity}ListWhere",
            {"some_": inner, "none_": inner},
            {
                "some_": shape(inner, "Some row is there that meets this.", "some"),
                "none_": shape(inner, "No row is there that meets this.", "none"),
            },
            f"Conditions on the rows of {entity} that a link leads to; all of them must hold.",
        )
    )


def _later(entity: str, suffix: str) -> Any:
    """An input of an entity, looked up when the schema is built: links go round in circles."""
    return Annotated[f"{entity}{suffix}", strawberry.lazy(__name__)]


def _known(made: Any) -> Any:
    """Puts an input where a reference to it by name looks it up."""
    globals()[made.__name__] = made
    return made


@cache
def order(entity: str) -> Any:
    """The order input of an entity: one term, which names one coordinate."""
    types: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    for entry in filterable(entity):
        if entry.column.kind is Kind.TEXTS:
            continue
        types[f"{entry.name}_"] = type_ = Direction | None
        fields[f"{entry.name}_"] = guarded_by(
            Guard(Opens.SORT, entry.coordinate), name=entry.name, graphql_type=type_,
            description=entry.about, default=strawberry.UNSET,
        )  # fmt: skip
    for link in CATALOG.links_of(entity):
        if link.relation.cardinality is not Cardinality.MANY:
            types[f"{link.name}_"] = type_ = _later(link.target, "OrderBy") | None
            fields[f"{link.name}_"] = guarded_by(
                Guard(Opens.SORT, link.coordinate), name=link.name, graphql_type=type_,
                description=link.about, default=strawberry.UNSET,
            )  # fmt: skip
    about = f"One term of an order of {entity}."
    return _known(_input(f"{entity}OrderBy", types, fields, about, one=True))


for _entity in CATALOG.entities:
    where(_entity), order(_entity), _listed(_entity)
