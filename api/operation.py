"""Document → validated operation. The GraphQL AST ends here; nothing behind knows it.

The messages of a document that is not valid come from the caller's own view of the schema: they
help with what the caller may see, and name nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

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
    get_argument_values,
    get_directive_values,
    get_named_type,
)

from api.document import DocumentInvalid, Shelf, problems
from api.errors import OperationTooComplex, OperationUnknown, VariableInvalid
from api.schema.build import core, full_schema
from api.schema.query import RECORDS
from api.variables import Variables

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLField, GraphQLNamedType, GraphQLSchema, SelectionNode
    from graphql.execution.values import VariableValues

MOST_ROOTS = 50
MOST_SELECTIONS = 1_000
MOST_DEPTH = 14


@dataclass(frozen=True, slots=True)
class Selected:
    """A field of the operation, with fragments spread, directives applied and repeats merged.

    `arguments` holds coerced values by GraphQL name, with a `Leaf` for each leaf of a variable; an
    argument that was not given is absent.
    `location` is (line, column) in the document, from 1.
    """

    name: str
    key: str
    arguments: Mapping[str, Any]
    children: tuple[Selected, ...]
    location: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Operation:
    """What requests of one shape ask for: record roots as selections, the rest as a document.

    `keys` are the response keys of all roots in document order. `local` holds the roots that are
    no records (introspection, viewer, policy, orders, and every one of a mutation), or is None.
    """

    name: str | None
    records: tuple[Selected, ...]
    local: DocumentNode | None
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """An operation of a valid document, before anything is known of its variables."""

    document: DocumentNode
    node: OperationDefinitionNode

    @property
    def mutates(self) -> bool:
        """Whether it is a mutation."""
        return self.node.operation is OperationType.MUTATION

    def variables(self) -> Variables:
        """The variables that it declares."""
        return Variables(core(full_schema()), self.node.variable_definitions or ())


SHELF: Final = Shelf()


def find_operation(text: str, name: str | None, view: Callable[[], GraphQLSchema]) -> Named:
    """The operation that a request names. `view` makes the caller's own schema.

    Raises DocumentInvalid, OperationUnknown or OperationTooComplex.
    """
    read = SHELF.read(text)
    if not read.valid:
        raise DocumentInvalid(problems(read, view()))
    return Named(read.tree, _named(read.tree, name))


def read_operation(named: Named, variables: VariableValues) -> Operation:
    """What it asks for with variables of one shape, as `Variables.open` has them.

    Raises VariableInvalid or OperationTooComplex.
    """
    document, operation = named.document, named.node
    schema = core(full_schema())
    reader = _Reader(document, schema, variables)
    root = schema.get_root_type(operation.operation)
    assert root is not None  # noqa: S101 - the document is valid
    roots = reader.collect(operation.selection_set, root)
    if len(roots) > MOST_ROOTS:
        raise OperationTooComplex(limit=MOST_ROOTS)
    recorded = frozenset() if named.mutates else RECORDS.keys()
    records = tuple(
        reader.selected(key, nodes, root, 1)
        for key, nodes in roots.items()
        if nodes[0].name.value in recorded
    )
    others = [nodes for nodes in roots.values() if nodes[0].name.value not in recorded]
    for nodes in others:
        reader.weigh(nodes, root)
    rest = [node for nodes in others for node in nodes]
    local = _document(document, operation, rest) if rest else None
    return Operation(operation.name.value if operation.name else None, records, local, tuple(roots))


def _named(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if name:
        operations = [o for o in operations if o.name is not None and o.name.value == name]
    if len(operations) != 1 or operations[0].operation is OperationType.SUBSCRIPTION:
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
        try:
            skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
            include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        except GraphQLError:  # a variable with a default that was given as null
            raise VariableInvalid from None
        return not (skip and skip["if"] is True) and not (include and include["if"] is False)

    def weigh(self, nodes: list[FieldNode], parent: GraphQLNamedType | None) -> None:
        """Counts what is no record as if it were, and reads its arguments, so that nothing of an
        operation is done whose arguments are not all good. Raises OperationTooComplex or
        VariableInvalid.

        `parent` is None within introspection.
        """
        self._count()
        type_ = None
        if isinstance(parent, GraphQLObjectType):
            definition = parent.fields.get(nodes[0].name.value)
            if definition is not None:
                self._arguments(definition, nodes[0])
                type_ = get_named_type(definition.type)
        for found in self._below(nodes).values():
            self.weigh(found, type_)

    def _arguments(self, definition: GraphQLField, node: FieldNode) -> dict[str, Any]:
        try:
            return get_argument_values(definition, node, self._variables)
        except GraphQLError:
            raise VariableInvalid from None

    def _below(self, nodes: list[FieldNode]) -> dict[str, list[FieldNode]]:
        found: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for node in nodes:
            if node.selection_set is not None:
                self._gather(node.selection_set, found, seen)
        return found

    def _count(self) -> None:
        self._selections += 1
        if self._selections > MOST_SELECTIONS:
            raise OperationTooComplex(limit=MOST_SELECTIONS)

    def selected(
        self, key: str, nodes: list[FieldNode], parent: GraphQLObjectType, depth: int
    ) -> Selected:
        self._count()
        if depth > MOST_DEPTH:
            raise OperationTooComplex(limit=MOST_DEPTH)
        node = nodes[0]
        name = node.name.value
        location = (0, 0)
        if node.loc is not None:
            # The token knows; to count lines anew for every field takes seconds in a long document.
            location = (node.loc.start_token.line, node.loc.start_token.column)
        if name == "__typename":
            return Selected(name, key, {}, (), location)
        definition: GraphQLField = parent.fields[name]
        arguments = self._arguments(definition, node)
        type_ = get_named_type(definition.type)
        children: list[Selected] = []
        if isinstance(type_, GraphQLObjectType):
            below = self._below(nodes)
            children = [self.selected(k, n, type_, depth + 1) for k, n in below.items()]
        return Selected(name, key, arguments, tuple(children), location)
