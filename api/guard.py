"""The guard of a field: which coordinate it is and which action opens it.

A type of this API can be declared only through `record`, and `record` refuses a field without a
guard, so a field that nobody decides about cannot come into being. The guard of a record field
binds it to the one catalog entry of its coordinate; type and description come from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import strawberry
from strawberry.types.base import get_object_definition

from api.schema.types import graphql_type
from db.catalog_records import CATALOG

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLField, GraphQLInputField
    from strawberry.types.field import StrawberryField

Guarded: TypeAlias = Any
"""Annotation of a guarded field: its GraphQL type comes from the catalog, not from Python."""

_METADATA = "fieldward.guard"
_T = TypeVar("_T")


class Opens(Enum):
    """What it takes to reach a field."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    AGGREGATE = "aggregate"
    FILTER = "filter"
    SORT = "sort"
    MEASURE = "aggregate, of the values"
    GROUP = "aggregate, as a key"
    SUMMARY = "something to aggregate of the entity"
    ROOT = "some readable coordinate of the entity"
    LOCAL = "some readable coordinate of the type"
    SHAPE = "nothing: it holds no value of its own"


@dataclass(frozen=True, slots=True)
class Guard:
    """What stands before a field. `coordinate` is a type for ROOT, SUMMARY and LOCAL, empty
    for SHAPE."""

    opens: Opens
    coordinate: str = ""


class UnguardedField(TypeError):
    """Raised at import: a field was declared without a guard, or under another's coordinate."""


def guarded(coordinate: str) -> Any:
    """A field that is a column. KeyError at import for a coordinate that the catalog lacks."""
    entry = CATALOG.fields[coordinate]
    return strawberry.field(
        name=entry.name,
        graphql_type=graphql_type(entry.column) | None,
        description=_described(entry.about, entry.element),
        metadata={_METADATA: Guard(Opens.READ, coordinate)},
        default=None,
    )


def local(coordinate: str, type_: object, about: str) -> Any:
    """A field that is no record: policy and orders, shown from the snapshot."""
    return strawberry.field(
        name=coordinate.partition(".")[2],
        graphql_type=type_,
        description=about,
        metadata={_METADATA: Guard(Opens.READ, coordinate)},
        default=None,
    )


def guarded_by(guard: Guard, **arguments: Any) -> Any:
    """A field under a guard that is spelt out; arguments are strawberry.field's."""
    return strawberry.field(metadata={_METADATA: guard}, **arguments)


def shape(type_: object, about: str, name: str | None = None) -> Any:
    """A field that only gives shape: nodes, edges, cursors, operators of a filter."""
    return strawberry.field(
        name=name,
        graphql_type=type_,
        description=about,
        metadata={_METADATA: Guard(Opens.SHAPE)},
        default=strawberry.UNSET,
    )


def record(name: str, about: str) -> Callable[[type[_T]], type[_T]]:
    """Declares an output type. UnguardedField when one of its fields lacks a guard of its own."""

    def declare(cls: type[_T]) -> type[_T]:
        declared = strawberry.type(cls, name=name, description=about)
        _check(declared, name)
        return declared

    return declare


def _check(declared: type, name: str) -> None:
    definition = get_object_definition(declared, strict=True)
    for field in definition.fields:
        guard = field.metadata.get(_METADATA)
        if not isinstance(guard, Guard):
            raise UnguardedField(f"{name}.{field.python_name} has no guard")
        named = field.graphql_name or _camel(field.python_name)
        if guard.coordinate and guard.opens is Opens.READ and guard.coordinate != f"{name}.{named}":
            raise UnguardedField(f"{name}.{named} is guarded as {guard.coordinate}")
    if name in CATALOG.entities:
        shown = {f"{name}.{field.graphql_name}" for field in definition.fields}
        entries = {entry.coordinate for entry in CATALOG.fields_of(name)}
        entries |= {entry.coordinate for entry in CATALOG.links_of(name)}
        if missing := entries - shown:
            raise UnguardedField(f"{name} lacks {', '.join(sorted(missing))}")


def guard_of(field: GraphQLField | GraphQLInputField) -> Guard:
    """The guard of a field of the built schema. UnguardedField when it has none."""
    definition: StrawberryField | None = (field.extensions or {}).get("strawberry-definition")
    guard = definition.metadata.get(_METADATA) if definition is not None else None
    if not isinstance(guard, Guard):
        raise UnguardedField("a field of the schema has no guard")
    return guard


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)


def _described(about: str, element: str) -> str:
    return f"{about} T-MSIS {element}." if element else about
