"""The schema, built once and checked: no field without a guard, nothing without a description."""

from __future__ import annotations

from functools import cache

import strawberry
from graphql import GraphQLField, GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from api.guard import UnguardedField, guard_of
from api.schema.mutation import Mutation
from api.schema.query import Query


@cache
def full_schema() -> strawberry.Schema:
    """The whole schema. UnguardedField when something in it lacks a guard or a description."""
    schema = strawberry.Schema(Query, Mutation, config=StrawberryConfig(default_resolver=_of))
    _check(core(schema))
    return schema


def _of(source: object, name: str) -> object:
    """A field of what is no record: an entry of a dictionary, or an attribute. A function is
    called, and what it makes awaited where it has to be: so what takes a while is made on demand.
    """
    found = source[name] if isinstance(source, dict) else getattr(source, name)
    return found() if callable(found) else found


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
                if isinstance(field, GraphQLField):
                    for argument_name, argument in field.args.items():
                        if not argument.description:
                            said = f"{name}.{field_name}({argument_name})"
                            raise UnguardedField(f"{said} has no description")
