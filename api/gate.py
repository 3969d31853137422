"""The gate: the one way for a coordinate into a plan, with the action that it is used for.

Pure. Knows decisions and places of a document; knows nothing of values, plans or SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.errors import OperationTooComplex, PositionDenied
from authz.decision import Action, Allow, AllowWhere, Deny
from db.catalog_records import CATALOG
from db.predicate import Always, Operator, Predicate, either

if TYPE_CHECKING:
    from api.operation import Selected
    from authz.decision import Decision, DecisionSet
    from db.catalog import Entity

MOST_ROWS = 60_000
"""Rows that the pages of one operation may hold when all are full."""


@dataclass(frozen=True, slots=True)
class Denial:
    """One selection that is denied: what it is, and where the document asks for it."""

    coordinate: str
    path: tuple[str, ...]
    below_list: bool
    location: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the document: response keys from the root, whether a list lies between."""

    path: tuple[str, ...]
    below_list: bool
    location: tuple[int, int]
    rows: int = 1

    def below(self, selected: Selected, *, listed: bool = False, rows: int = 1) -> Place:
        """The place of a selection below this one, once per row of a list when `listed`."""
        product = at_most(MOST_ROWS, self.rows * max(rows, 1))
        return Place(
            (*self.path, selected.key), self.below_list or listed, selected.location, product
        )


def at_most(most: int, count: int) -> int:
    """The count. OperationTooComplex when it is more than the most."""
    if count > most:
        raise OperationTooComplex(limit=most)
    return count


class Gate:
    """The one way for a coordinate into a plan: an action is decided, and its condition comes out.

    A condition that holds on all of the anchor's row scope holds on every row there is: Always.
    """

    def __init__(self, decisions: DecisionSet) -> None:
        self.decisions = decisions
        self.denials: list[Denial] = []
        self.conditional: set[str] = set()

    def scope(self, entity: Entity) -> Predicate:
        """The rows of an anchor that exist for the role."""
        return self.decisions.row_scope(entity.name)

    def _permit(self, coordinate: str, decision: Decision) -> Predicate | None:
        match decision:
            case Allow():
                return Always()
            case AllowWhere(row_filter):
                scope = self.decisions.row_scope(CATALOG.entity_of(coordinate).anchor)
                # The scope adds no row to the filter, in whatever order either says its parts.
                return Always() if either(row_filter, scope) == row_filter else row_filter
            case Deny():
                return None

    def selection(self, coordinate: str, action: Action, place: Place) -> Predicate | None:
        """The condition under which a selection shows; None, and a denial, when it never does."""
        permit = self._permit(coordinate, self.decisions.decide(coordinate, action.value))
        if permit is None:
            self.denials.append(Denial(coordinate, place.path, place.below_list, place.location))
        elif not isinstance(permit, Always):
            self.conditional.add(coordinate)
        return permit

    def filter(self, coordinate: str, operator: Operator) -> Predicate:
        """The condition under which a filter may look at a coordinate. PositionDenied if never."""
        action = f"{Action.FILTER.value}:{operator.value}"
        permit = self._permit(coordinate, self.decisions.decide(coordinate, action))
        if permit is None:
            raise PositionDenied(coordinate=coordinate, position="filter", operator=operator.value)
        if not isinstance(permit, Always):
            self.conditional.add(coordinate)
        return permit

    def sort(self, coordinate: str) -> None:
        """Refuses an order by what is not to be sorted, not to be read, or hidden on some rows.

        Reading is asked too, because the place of a row among others tells its value.
        """
        for action in (Action.SORT, Action.READ):
            decision = self.decisions.decide(coordinate, action.value)
            if not isinstance(self._permit(coordinate, decision), Always):
                raise PositionDenied(coordinate=coordinate, position="orderBy")
