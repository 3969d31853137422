"""Root fields that are no records: introspection, viewer, policy, orders.

Introspection answers from the caller's own view of the schema. The rest runs through Strawberry's
schema under the same guards: a denied field is null, with one error per selection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableDefinitionNode,
    execute_sync,
    print_ast,
)

from api.errors import OnePath
from api.gate import Denial
from api.guard import Guard, Opens, guard_of
from api.schema.build import core, full_schema
from authz.decision import Allow
from authz.policy_coordinates import EXTRA

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from authz.decision import DecisionSet


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
        case Opens.READ:
            return isinstance(decisions.decide(guard.coordinate, "read"), Allow)
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
        return resolve(source, info, **args)

    def _deny(self, coordinate: str, info: GraphQLResolveInfo[Any]) -> None:
        steps = info.path.as_list()
        path = tuple(step for step in steps if isinstance(step, str))
        node = info.field_nodes[0]
        location = (0, 0)
        if node.loc is not None:
            location = (node.loc.start_token.line, node.loc.start_token.column)
        self.denials[path] = Denial(coordinate, path, len(path) < len(steps), location)


def answer_local(
    document: DocumentNode,
    variables: Mapping[str, Any],
    decisions: DecisionSet,
    view: GraphQLSchema,
    root: object,
) -> tuple[dict[str, Any], tuple[Denial, ...]]:
    """Response keys with their values, and what was denied."""
    introspection, rest = _split(document)
    guarding = _Guarding(decisions)
    data: dict[str, Any] = {}
    for part, schema, middleware in (
        (introspection, view, None),
        (rest, core(full_schema()), [guarding]),
    ):
        if part is None:
            continue
        result = execute_sync(
            schema, part, root_value=root, variable_values=dict(variables), middleware=middleware
        )
        if result.errors:
            raise OnePath(type(result.errors[0].original_error).__name__) from None
        data |= result.data or {}
    return data, tuple(guarding.denials.values())


def _split(document: DocumentNode) -> tuple[DocumentNode | None, DocumentNode | None]:
    operation, *fragments = document.definitions
    assert isinstance(operation, OperationDefinitionNode)  # noqa: S101 - api.operation made it so
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
        part([node for node in fields if node.name.value.startswith("__")], simple),
        part([node for node in fields if not node.name.value.startswith("__")], variables),
    )
