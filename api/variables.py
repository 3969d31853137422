"""Variables of a request → their shape and their leaves. Knows no role, no plan and no SQL.

The shape is what a plan is made of: which variables and keys are there, which are null, booleans
and enum values. The leaves are what it has room for: texts, numbers, days, and lists of these. Two
requests of one shape differ in leaves alone, and one plan serves both.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLString,
    OperationDefinitionNode,
    VariableDefinitionNode,
    get_variable_values,
    parse,
    print_ast,
    type_from_ast,
)
from graphql.execution.values import VariableValues

from api.errors import VariableInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLSchema

Shape: TypeAlias = Hashable


def size_of(shape: Shape) -> int:
    """How many signs, names and values a shape holds: what it takes to keep it."""
    return 1 + sum(map(size_of, shape)) if isinstance(shape, tuple) else 1


@dataclass(frozen=True, slots=True)
class Leaf:
    """Stands in an operation for the n-th leaf of a request's variables.

    It has no value and is no text, number or list, so what takes it for one fails.
    """

    index: int


class _Sign(enum.Enum):
    """What stands in a shape for what is not in it."""

    ABSENT = "a variable that is not there"
    LEAF = "one value"
    LEAVES = "a list of values"


_INTEGERS: Final = range(-(2**31), 2**31)


@dataclass(frozen=True, slots=True)
class Read:
    """The variables of one request. `leaves` are coerced to their types."""

    shape: Shape
    leaves: tuple[object, ...]


class Variables:
    """The variables that one operation of a document declares."""

    def __init__(
        self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]
    ) -> None:
        self._schema = schema
        self._definitions = _detached(definitions)
        self._plain = [(each.variable.name.value, _plain(schema, each)) for each in definitions]

    def read(self, given: Mapping[str, Any]) -> Read:
        """The shape and the leaves of what a request gives. VariableInvalid names what is wrong."""
        if not self._plain:
            return _NONE
        shape: list[Shape] = []
        leaves: list[object] = []
        for name, plain in self._plain:
            value = given.get(name)
            if plain is None or value is None or not plain(value):
                # A list, an input object, a default, null: graphql-core knows.
                return self._read(given)
            if value is True or value is False:
                shape.append(value)
            else:
                shape.append(_Sign.LEAF)
                leaves.append(value)
        return Read(tuple(shape), tuple(leaves))

    def _read(self, given: Mapping[str, Any]) -> Read:
        walk = _Walk()
        coerced = self._coerced(given).coerced
        shape = tuple(
            walk.shape(coerced[name]) if name in coerced else _Sign.ABSENT
            for name, _ in self._plain
        )
        return Read(shape, tuple(walk.leaves))

    def open(self, given: Mapping[str, Any]) -> VariableValues:
        """The coerced variables, with a `Leaf` in the place of each leaf that `read` finds."""
        found = self._coerced(given)
        walk = _Walk()
        opened = {
            name: walk.opened(found.coerced[name])
            for name, _ in self._plain
            if name in found.coerced
        }
        return VariableValues(found.sources, opened)

    def _coerced(self, given: Mapping[str, Any]) -> VariableValues:
        found = get_variable_values(
            self._schema, self._definitions, dict(given), hide_suggestions=True
        )
        if isinstance(found, list):
            raise VariableInvalid(variables=_named(found))
        return found


class _Walk:
    """One way through coerced values, leaves numbered in the order in which they are met."""

    def __init__(self) -> None:
        self.leaves: list[object] = []

    def shape(self, value: object) -> Shape:
        match value:
            case None | bool() | enum.Enum():
                return value
            case dict():
                return tuple((name, self.shape(item)) for name, item in value.items())
            case list() if not _is_leaves(value):
                return (_Sign.LEAVES, *map(self.shape, value))
            case _:
                self.leaves.append(value)
                return _Sign.LEAVES if isinstance(value, list) else _Sign.LEAF

    def opened(self, value: object) -> object:
        match value:
            case None | bool() | enum.Enum():
                return value
            case dict():
                return {name: self.opened(item) for name, item in value.items()}
            case list() if not _is_leaves(value):
                return [self.opened(item) for item in value]
            case _:
                self.leaves.append(value)
                return Leaf(len(self.leaves) - 1)


def _is_leaf(value: object) -> bool:
    return not isinstance(value, None | bool | enum.Enum | dict | list)


def _is_leaves(values: list[object]) -> bool:
    """An empty list has none: it could be one of input objects, which a plan is made of."""
    return bool(values) and all(map(_is_leaf, values))


_NONE: Final = Read((), ())


def _detached(
    definitions: Sequence[VariableDefinitionNode],
) -> tuple[VariableDefinitionNode, ...]:
    """The same without their document: a node knows its token, and a token all others."""
    if not definitions:
        return ()
    written = ", ".join(map(print_ast, definitions))
    parsed = parse(f"query ({written}) {{ __typename }}", no_location=True)
    (operation,) = parsed.definitions
    assert isinstance(operation, OperationDefinitionNode)  # noqa: S101 - it is written above
    return operation.variable_definitions or ()


def _plain(schema: GraphQLSchema, node: VariableDefinitionNode) -> Callable[[Any], bool] | None:
    """Whether a value is, as it stands, what coercion would make of it; None where nobody knows
    without coercing."""
    type_ = type_from_ast(schema, node.type)
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    if type_ is GraphQLString or type_ is GraphQLID:
        return _is_text
    if type_ is GraphQLInt:
        return _is_integer
    if type_ is GraphQLBoolean:
        return _is_boolean
    return None


def _is_text(value: object) -> bool:
    return type(value) is str


def _is_integer(value: object) -> bool:
    return type(value) is int and value in _INTEGERS


def _is_boolean(value: object) -> bool:
    return type(value) is bool


def _named(errors: list[GraphQLError]) -> list[str]:
    return sorted(
        {
            node.variable.name.value
            for error in errors
            for node in error.nodes or ()
            if isinstance(node, VariableDefinitionNode)
        }
    )
