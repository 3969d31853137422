"""Document → validated operation. The GraphQL AST ends here; nothing behind knows it.

A document is parsed and validated once, against the full schema, so that one client document works
for every role. The messages of a document that is not valid come from the caller's own view of the
schema: they help with what the caller may see, and name nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    get_argument_values,
    get_directive_values,
    get_location,
    get_named_type,
    get_variable_values,
    parse,
    validate,
)

from api.errors import OperationTooComplex, OperationUnknown, VariableInvalid
from api.schema.build import core, full_schema
from api.schema.query import RECORDS
from db.errors import FieldwardError

if TYPE_CHECKING:
    from graphql import GraphQLField, GraphQLSchema, SelectionNode
    from graphql.execution.values import VariableValues

MOST_TOKENS = 15_000
MOST_SELECTIONS = 1_000
MOST_DEPTH = 14
_MOST_MESSAGES = 20


@dataclass(frozen=True, slots=True)
class Selected:
    """A field of the operation, with fragments spread, directives applied and repeats merged.

    `arguments` holds coerced values by GraphQL name; an argument that was not given is absent.
    `location` is (line, column) in the document, from 1.
    """

    name: str
    key: str
    arguments: Mapping[str, Any]
    children: tuple[Selected, ...]
    location: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request asks for: record roots as selections, the rest as a document of its own.

    `keys` are the response keys of all roots in document order. `local` holds the roots that are
    no records (introspection, viewer, policy, orders), or is None.
    """

    name: str | None
    records: tuple[Selected, ...]
    local: DocumentNode | None
    keys: tuple[str, ...]
    variables: Mapping[str, Any] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a document: a message without a value, and where."""

    message: str
    locations: tuple[tuple[int, int], ...]


class DocumentInvalid(FieldwardError):
    """The document does not parse or validate; an error says what is wrong in the caller's view."""

    code = "FW110"
    public = "the document is not valid"
    status = 400

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__()
        self.problems = problems


@lru_cache(maxsize=1024)
def _parsed(text: str) -> DocumentNode:
    try:
        return parse(text, max_tokens=MOST_TOKENS)
    except GraphQLError as error:
        raise DocumentInvalid((_problem(error, "syntax error"),)) from None
    except RecursionError:
        raise OperationTooComplex from None


@lru_cache(maxsize=1024)
def _valid(text: str) -> bool:
    try:
        return not validate(core(full_schema()), _parsed(text), max_errors=1, hide_suggestions=True)
    except RecursionError:
        raise OperationTooComplex from None


def _problem(error: GraphQLError, message: str | None = None) -> Problem:
    locations = tuple((place.line, place.column) for place in error.locations or ())
    # A message about a literal quotes it.
    if message is None and any(isinstance(node, ValueNode) for node in error.nodes or ()):
        message = "a value is not of the type that is expected here"
    return Problem(message or error.message, locations)


def read_operation(
    text: str, name: str | None, variables: Mapping[str, Any], view: GraphQLSchema
) -> Operation:
    """The operation that a request asks for. `view` is the caller's own schema.

    Raises DocumentInvalid, OperationUnknown, VariableInvalid or OperationTooComplex.
    """
    document = _parsed(text)
    if not _valid(text):
        found = validate(view, document, max_errors=_MOST_MESSAGES, hide_suggestions=True)
        problems = tuple(_problem(error) for error in found)
        raise DocumentInvalid(problems or (Problem("the document is not valid", ()),))
    operation = _named(document, name)
    schema = core(full_schema())
    coerced = get_variable_values(
        schema, operation.variable_definitions or (), dict(variables), hide_suggestions=True
    )
    if isinstance(coerced, list):
        raise VariableInvalid
    reader = _Reader(document, schema, coerced)
    assert schema.query_type is not None  # noqa: S101 - a schema without Query is not built
    roots = reader.collect(operation.selection_set, schema.query_type)
    records = tuple(
        reader.selected(key, nodes, schema.query_type, 1)
        for key, nodes in roots.items()
        if nodes[0].name.value in RECORDS
    )
    rest = [n for nodes in roots.values() for n in nodes if n.name.value not in RECORDS]
    local = _document(document, operation, rest) if rest else None
    return Operation(
        operation.name.value if operation.name else None, records, local, tuple(roots), variables
    )


def _named(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if name:
        operations = [o for o in operations if o.name is not None and o.name.value == name]
    if len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
        raise OperationUnknown
    return operations[0]


def _document(
    document: DocumentNode, operation: OperationDefinitionNode, fields: list[FieldNode]
) -> DocumentNode:
    reduced = OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=operation.variable_definitions,
        directives=operation.directives,
        selection_set=SelectionSetNode(selections=tuple(fields)),
    )
    fragments = [d for d in document.definitions if isinstance(d, FragmentDefinitionNode)]
    return DocumentNode(definitions=(reduced, *fragments))


class _Reader:
    """Collects fields as GraphQL's execution section 6.3.2 does, for types without interfaces."""

    def __init__(
        self, document: DocumentNode, schema: GraphQLSchema, variables: VariableValues
    ) -> None:
        self._schema = schema
        self._variables = variables
        self._selections = 0
        self._fragments = {
            d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
        }

    def collect(
        self, selections: SelectionSetNode, parent: GraphQLObjectType
    ) -> dict[str, list[FieldNode]]:
        found: dict[str, list[FieldNode]] = {}
        self._gather(selections, found, set())
        return found

    def _gather(
        self, selections: SelectionSetNode, found: dict[str, list[FieldNode]], seen: set[str]
    ) -> None:
        for node in selections.selections:
            if not self._included(node):
                continue
            match node:
                case FieldNode():
                    key = node.alias.value if node.alias else node.name.value
                    found.setdefault(key, []).append(node)
                case InlineFragmentNode():
                    self._gather(node.selection_set, found, seen)
                case FragmentSpreadNode():
                    if node.name.value not in seen:
                        seen.add(node.name.value)
                        self._gather(self._fragments[node.name.value].selection_set, found, seen)
                case _:
                    raise TypeError("a selection is a field or a fragment")

    def _included(self, node: SelectionNode) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        if skip and skip["if"] is True:
            return False
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (include and include["if"] is False)

    def selected(
        self, key: str, nodes: list[FieldNode], parent: GraphQLObjectType, depth: int
    ) -> Selected:
        self._selections += 1
        if self._selections > MOST_SELECTIONS or depth > MOST_DEPTH:
            raise OperationTooComplex
        node = nodes[0]
        name = node.name.value
        location = (0, 0)
        if node.loc is not None:
            place = get_location(node.loc.source, node.loc.start)
            location = (place.line, place.column)
        if name == "__typename":
            return Selected(name, key, {}, (), location)
        definition: GraphQLField = parent.fields[name]
        try:
            arguments = get_argument_values(definition, node, self._variables)
        except GraphQLError:
            raise VariableInvalid from None
        type_ = get_named_type(definition.type)
        children: list[Selected] = []
        if isinstance(type_, GraphQLObjectType):
            below: dict[str, list[FieldNode]] = {}
            seen: set[str] = set()
            for each in nodes:
                if each.selection_set is not None:
                    self._gather(each.selection_set, below, seen)
            children = [self.selected(k, n, type_, depth + 1) for k, n in below.items()]
        return Selected(name, key, arguments, tuple(children), location)
