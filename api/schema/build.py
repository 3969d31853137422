"""The schema, built once and checked: no field without a guard, nothing without a description."""

from __future__ import annotations

from functools import cache

import strawberry
from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from api.guard import UnguardedField, guard_of
from api.schema.query import Query


@cache
def full_schema() -> strawberry.Schema:
    """The whole schema. UnguardedField when something in it lacks a guard or a description."""
    schema = strawberry.Schema(Query, config=StrawberryConfig(default_resolver=_of))
    _check(core(schema))
    return schema


def _of(source: object, name: str) -> object:
    """A field of what is no record: an entry of a dictionary, or an attribute."""
    return source[name] if isinstance(source, dict) else getattr(source, name)


def core(schema: strawberry.Schema) -> GraphQLSchema:
    """The graphql-core schema under a Strawberry schema."""
    return schema._schema  # Strawberry offers no public name for it


def _check(schema: GraphQLSchema) -> None:
    for name, type_ in schema.type_map.items():
        if name.startswith("__"):
            continue
        if not type_.description:
            raise UnguardedField(f"{name} has no description")
        if isinstance(type_, GraphQLObjectType | GraphQLInputObjectType):
            for field_name, field in type_.fields.items():
                guard_of(field)
                if not field.description:
                    raise UnguardedField(f"{name}.{field_name} has no description")
