"""A role's own view of the schema: what it may reach, and nothing else.

Built by text: the whole schema is printed, what the role cannot reach is dropped from the document,
and a schema is made of what remains. So introspection answers from a schema in which hidden fields,
arguments, enum values and descriptions are not.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from graphql import (
    DefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    TypeNode,
    build_ast_schema,
    parse,
)

from api.guard import Guard, Opens, guard_of
from api.local import opens_local
from api.schema.build import core, full_schema
from authz.decision import Deny
from db.catalog import Kind
from db.catalog_records import CATALOG
from db.predicate import Never, operators

if TYPE_CHECKING:
    from authz.decision import DecisionSet

_BUILT_IN = frozenset({"Int", "Float", "String", "Boolean", "ID"})
_CONNECTIVES = frozenset({"and", "or", "not"})


@cache
def _document() -> DocumentNode:
    return parse(full_schema().as_str(), no_location=True)


@cache
def _guards() -> dict[tuple[str, str], Guard]:
    return {
        (name, field_name): guard_of(field)
        for name, type_ in core(full_schema()).type_map.items()
        if isinstance(type_, GraphQLObjectType | GraphQLInputObjectType)
        and not name.startswith("__")
        for field_name, field in type_.fields.items()
    }


def view_of(decisions: DecisionSet) -> GraphQLSchema:
    """The schema that a role sees. Tens of milliseconds; callers keep it per policy version."""
    return _Pruner(decisions).schema()


class _Pruner:
    def __init__(self, decisions: DecisionSet) -> None:
        self._decisions = decisions
        self._types = {
            d.name.value: d for d in _document().definitions if hasattr(d, "name") and d.name
        }
        self._kept: dict[str, dict[str, FieldDefinitionNode | InputValueDefinitionNode]] = {}

    def schema(self) -> GraphQLSchema:
        for name, definition in self._types.items():
            if isinstance(definition, ObjectTypeDefinitionNode | InputObjectTypeDefinitionNode):
                self._kept[name] = {
                    field.name.value: field
                    for field in definition.fields or ()
                    if self._open(name, field.name.value)
                }
        while self._drop_dangling():
            pass
        reached = self._reachable()
        definitions = [
            self._rewritten(name, definition)
            for name, definition in self._types.items()
            if name in reached
        ]
        others = [d for d in _document().definitions if not (hasattr(d, "name") and d.name)]
        directives = [
            d for d in self._types.values()
            if not isinstance(
                d, ObjectTypeDefinitionNode | InputObjectTypeDefinitionNode
                | EnumTypeDefinitionNode | ScalarTypeDefinitionNode
            )
        ]  # fmt: skip
        return build_ast_schema(DocumentNode(definitions=(*others, *directives, *definitions)))

    def _open(self, type_: str, field: str) -> bool:
        guard = _guards()[type_, field]
        decide = self._decisions.decide
        match guard.opens:
            case Opens.SHAPE | Opens.LOCAL | Opens.CREATE | Opens.UPDATE:
                return opens_local(guard, self._decisions)
            case Opens.READ | Opens.AGGREGATE | Opens.SORT:
                allowed = not isinstance(decide(guard.coordinate, guard.opens.value), Deny)
                if guard.opens is Opens.SORT:
                    readable = decide(guard.coordinate, Opens.READ.value)
                    return allowed and not isinstance(readable, Deny)
                return allowed
            case Opens.FILTER:
                if guard.coordinate in CATALOG.links:
                    return not isinstance(decide(guard.coordinate, Opens.FILTER.value), Deny)
                return self._filters(guard.coordinate)
            case Opens.MEASURE:
                return not isinstance(decide(guard.coordinate, Opens.AGGREGATE.value), Deny)
            case Opens.GROUP:
                return self._groups(guard.coordinate)
            case Opens.SUMMARY:
                return not isinstance(self._decisions.aggregate_scope(guard.coordinate), Never)
            case Opens.ROOT:
                if isinstance(self._decisions.row_scope(guard.coordinate), Never):
                    return False
                if field == "enrollee":
                    return not isinstance(decide("Enrollee.medicaidId", "filter:eq"), Deny)
                return True

    def _groups(self, coordinate: str) -> bool:
        if isinstance(self._decisions.decide(coordinate, Opens.AGGREGATE.value), Deny):
            return False
        if coordinate in CATALOG.links or not self._decisions.smallest_cell:
            return True
        column = CATALOG.fields[coordinate].column
        return column.coarse or column.kind is Kind.DATE

    def _filters(self, coordinate: str) -> bool:
        column = CATALOG.fields[coordinate].column
        return any(
            not isinstance(self._decisions.decide(coordinate, f"filter:{each.value}"), Deny)
            for each in operators(column.kind, coded=column.codes is not None)
        )

    def _drop_dangling(self) -> bool:
        """One step to the fixpoint: fields, arguments and types that lead to nothing."""
        dropped = False
        for name, fields in self._kept.items():
            for field_name in [f for f, node in fields.items() if self._empty(_named(node.type))]:
                del fields[field_name]
                dropped = True
            # A filter that can only join filters says nothing.
            if fields and name.endswith("Where") and fields.keys() <= _CONNECTIVES:
                fields.clear()
                dropped = True
        return dropped

    def _empty(self, type_: str) -> bool:
        return type_ in self._kept and not self._kept[type_]

    def _reachable(self) -> set[str]:
        found: set[str] = set()
        # A role that may change nothing has no Mutation.
        waiting = ["Query", *(["Mutation"] if self._kept["Mutation"] else [])]
        while waiting:
            name = waiting.pop()
            if name in found or name in _BUILT_IN:
                continue
            found.add(name)
            for field in self._kept.get(name, {}).values():
                waiting.append(_named(field.type))
                if isinstance(field, FieldDefinitionNode):
                    waiting += [_named(argument.type) for argument in self._arguments(field)]
        return found

    def _arguments(self, field: FieldDefinitionNode) -> list[InputValueDefinitionNode]:
        return [a for a in field.arguments or () if not self._empty(_named(a.type))]

    def _rewritten(self, name: str, definition: DefinitionNode) -> DefinitionNode:
        match definition:
            case ObjectTypeDefinitionNode():
                fields = tuple(
                    FieldDefinitionNode(
                        name=field.name,
                        description=field.description,
                        arguments=tuple(self._arguments(field)),
                        type=field.type,
                        directives=field.directives,
                    )
                    for field in self._kept[name].values()
                    if isinstance(field, FieldDefinitionNode)
                )
                return ObjectTypeDefinitionNode(
                    name=definition.name, description=definition.description, fields=fields,
                    directives=definition.directives, interfaces=(),
                )  # fmt: skip
            case InputObjectTypeDefinitionNode():
                return InputObjectTypeDefinitionNode(
                    name=definition.name, description=definition.description,
                    fields=tuple(
                        f for f in self._kept[name].values()
                        if isinstance(f, InputValueDefinitionNode)
                    ),
                    directives=definition.directives,
                )  # fmt: skip
            case _:
                return definition


def _named(type_: TypeNode) -> str:
    inner = type_
    while hasattr(inner, "type"):
        inner = inner.type
    return str(inner.name.value)  # type: ignore[attr-defined]  # what is left is a named type
