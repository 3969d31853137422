"""Every question that can be asked of a policy: coordinate by action. Knows nothing of rules."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from authz.decision import Action
from authz.policy_coordinates import EXTRA
from db.predicate import OPERATORS_OF, operators

if TYPE_CHECKING:
    from db.catalog import Catalog, Kind

PREFIX: Final = f"{Action.FILTER.value}:"
FILTERS: Final = frozenset(
    PREFIX + operator.value for offered in OPERATORS_OF.values() for operator in offered
)
"""The actions that name an operator; each is a case of the action `filter`."""
_ACTIONS: Final = tuple(action.value for action in Action)
ACTIONS: Final = frozenset(_ACTIONS)


def coordinates(catalog: Catalog) -> frozenset[str]:
    """Everything that a rule can speak about: records, and the policy itself."""
    return catalog.coordinates | frozenset(EXTRA)


def anchor(catalog: Catalog, coordinate: str) -> str | None:
    """The entity on whose row a condition is evaluated; None where there is no row."""
    return None if coordinate in EXTRA else catalog.entity_of(coordinate).anchor


def filters(catalog: Catalog, coordinate: str) -> tuple[str, ...]:
    """`filter:<operator>` for each operator that a filter on the coordinate offers."""
    if coordinate in catalog.fields:
        column = catalog.fields[coordinate].column
        return _filters(column.kind, coded=column.codes is not None)
    # What is no record is shown whole: nothing filters by it.
    return ()


@cache
def _filters(kind: Kind, *, coded: bool) -> tuple[str, ...]:
    # Kept, so that the many tables of decisions hold each of these names once.
    return tuple(PREFIX + operator.value for operator in operators(kind, coded=coded))


def actions(catalog: Catalog, coordinate: str) -> tuple[str, ...]:
    """All that can be done with a coordinate: the six actions, and filtering by each operator."""
    return (*_ACTIONS, *filters(catalog, coordinate))


def parent(action: str) -> str | None:
    """The action that a filter by one operator is a case of; None for an action of its own."""
    return Action.FILTER.value if action in FILTERS else None
