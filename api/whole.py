"""What an operation asks in all, also below what is denied: planned as if everything were open.

INVARIANT: of that plan nothing leaves this module but names of the schema. It is neither rendered
nor kept; the decisions that open everything are nobody's, and no one else can have them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from api.given import Given
from api.planner import plan_operation
from authz import questions
from authz.decision import Allow, DecisionSet, DenialMode
from db.catalog_records import CATALOG
from db.predicate import Always

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.demand import Demand
    from api.operation import Operation
    from authz.decision import Decision
    from db.predicate import Predicate

_PAGE: Final = 10_000
"""The largest page that a role may be given."""


def demands_of(operation: Operation, role: str, given: Given) -> tuple[Demand, ...]:
    """Every demand of an operation, in order. Raises what planning raises where no policy would
    make it right: a value that is none, a cursor of somebody else, too much of anything."""
    # Lists have other numbers here than in the plan that runs, and a request keeps theirs.
    apart = Given(given.leaves, given.subject, given.sealer)
    return plan_operation(operation, _open(role), apart).demands


def _open(role: str) -> DecisionSet:
    table, scopes = _everything()
    return DecisionSet(role, "", table, _PAGE, DenialMode.NULL, scopes, scopes)


@cache
def _everything() -> tuple[Mapping[tuple[str, str], Decision], Mapping[str, Predicate]]:
    table: dict[tuple[str, str], Decision] = {
        (coordinate, action): Allow()
        for coordinate in CATALOG.coordinates
        for action in questions.actions(CATALOG, coordinate)
    }
    return table, {entity.anchor: Always() for entity in CATALOG.entities.values()}
