"""Root fields that are no records: introspection, viewer, policy, orders, and every mutation.

Introspection answers from the caller's own view of the schema. The rest runs through Strawberry's
schema under the same guards: a denied field is null, with one error per selection, and what it
would have done is not done. Root fields of a mutation run one after the other.

INVARIANT: what a resolver of a mutation raises leaves as an error of the answer, never as one of
the request, because a request whose policy was too old is answered again.
"""

from __future__ import annotations

import logging
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableDefinitionNode,
    execute,
    print_ast,
)

from api.arguments import is_storable
from api.errors import ArgumentInvalid, Defect, OnePath
from api.gate import Denial
from api.guard import Guard, Opens, guard_of
from api.reply import compact, defect_of, denial_of, told_of
from api.schema.build import core, full_schema
from authz.decision import Allow
from authz.policy_coordinates import EXTRA
from db.errors import FieldwardError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import GraphQLError

    from authz.decision import DecisionSet

_log = logging.getLogger("fieldward")
_INTROSPECTION = frozenset({"__schema", "__type"})


def opens_local(guard: Guard, decisions: DecisionSet) -> bool:
    """Whether a role reaches a field that is no record.

    Such a field has no row that could meet a condition, so only Allow opens it.
    """
    match guard.opens:
        case Opens.SHAPE:
            return True
        case Opens.LOCAL:
            readable = (each for each in EXTRA if each.partition(".")[0] == guard.coordinate)
            return any(isinstance(decisions.decide(each, "read"), Allow) for each in readable)
        case Opens.READ | Opens.CREATE | Opens.UPDATE:
            return isinstance(decisions.decide(guard.coordinate, guard.opens.value), Allow)
        case _:
            return False


class _Guarding:
    """Middleware of one execution: decides about each field before it is resolved.

    graphql-core asks an object for a method of just this name, and leaves out one without it.
    """

    def __init__(self, decisions: DecisionSet) -> None:
        self._decisions = decisions
        self.denials: dict[tuple[str, ...], Denial] = {}

    def resolve(
        self,
        resolve: Callable[..., Any],
        source: object,
        info: GraphQLResolveInfo[Any],
        **args: object,
    ) -> Any:  # noqa: ANN401 - whatever the field is
        if info.field_name == "__typename":
            return resolve(source, info, **args)
        guard = guard_of(info.parent_type.fields[info.field_name])
        if not opens_local(guard, self._decisions):
            self._deny(f"{info.parent_type.name}.{info.field_name}", info)
            return None
        for name, value in args.items():
            if not _storable(value):
                raise ArgumentInvalid(argument=name)
        return resolve(source, info, **args)

    def _deny(self, coordinate: str, info: GraphQLResolveInfo[Any]) -> None:
        steps = info.path.as_list()
        path = tuple(step for step in steps if isinstance(step, str))
        node = info.field_nodes[0]
        location = (0, 0)
        if node.loc is not None:
            location = (node.loc.start_token.line, node.loc.start_token.column)
        self.denials[path] = Denial(coordinate, path, len(path) < len(steps), location)


async def answer_local(
    document: DocumentNode,
    variables: Mapping[str, Any],
    decisions: DecisionSet,
    view: GraphQLSchema,
    root: object,
) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    """Response keys with their values, and the errors, as JSON: what was denied, what failed.

    Raises Defect or OnePath for a mistake of ours in a query; in a mutation, of which a part is
    done by then, it is an error of the answer like any other.
    """
    operation = _operation(document)
    introspection, rest = _split(document)
    guarding = _Guarding(decisions)
    data: dict[str, Any] = {}
    failed: list[bytes] = []
    for part, schema, middleware in (
        (introspection, view, None),
        (rest, core(full_schema()), [guarding]),
    ):
        if part is None:
            continue
        begun = execute(
            schema, part, root_value=root, variable_values=dict(variables), middleware=middleware
        )
        result = await begun if isawaitable(begun) else begun
        assert isinstance(result, ExecutionResult)  # noqa: S101 - nothing here is incremental
        mutates = operation.operation is OperationType.MUTATION and result.data is not None
        failed += [_failed(error, mutates=mutates) for error in result.errors or ()]
        data |= result.data or {}
    denied = [compact(denial_of(denial)) for denial in guarding.denials.values()]
    return data, (*denied, *failed)


def _failed(error: GraphQLError, *, mutates: bool) -> bytes:
    """What went wrong in a resolver, without a word of graphql-core's, which may quote a value."""
    found = error.original_error
    ours = found if isinstance(found, FieldwardError) else defect_of(found or error)
    if isinstance(ours, Defect | OnePath) and not mutates:
        raise ours from None
    if ours.status >= 500:
        _log.error("%s %s", ours.code, ours.detail)
    places = [{"line": each.line, "column": each.column} for each in error.locations or ()]
    return compact(told_of(ours, error.path or (), places))


def _storable(value: object) -> bool:
    """Whether all text in an argument could be kept."""
    match value:
        case str():
            return is_storable(value)
        case dict():
            return all(map(_storable, value.values()))
        case list():
            return all(map(_storable, value))
        case _:
            return True


def _operation(document: DocumentNode) -> OperationDefinitionNode:
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)  # noqa: S101 - api.operation made it so
    return operation


def _split(document: DocumentNode) -> tuple[DocumentNode | None, DocumentNode | None]:
    operation, fragments = _operation(document), document.definitions[1:]
    fields = [node for node in operation.selection_set.selections if isinstance(node, FieldNode)]
    variables = operation.variable_definitions or ()
    # All that introspection takes. Variables of other types can be of one that the view lacks.
    simple = tuple(v for v in variables if print_ast(v.type).strip("[]!") in ("String", "Boolean"))

    def part(
        chosen: list[FieldNode], variables: tuple[VariableDefinitionNode, ...]
    ) -> DocumentNode | None:
        if not chosen:
            return None
        reduced = OperationDefinitionNode(
            operation=operation.operation,
            name=operation.name,
            variable_definitions=variables,
            selection_set=SelectionSetNode(selections=tuple(chosen)),
        )
        return DocumentNode(definitions=(reduced, *fragments))

    return (
        part([node for node in fields if node.name.value in _INTROSPECTION], simple),
        part([node for node in fields if node.name.value not in _INTROSPECTION], variables),
    )
