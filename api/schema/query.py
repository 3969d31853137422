"""Root fields. Lists and the person by Medicaid ID are records; the rest is not."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from api.errors import OnePath
from api.guard import Guard, Opens, guarded_by, record
from api.schema.aggregate import aggregate, summarizing
from api.schema.connection import listing, reference
from api.schema.order import Order
from api.schema.policy import Policy
from api.schema.policy_fields import (
    CHANGE,
    CHANGES,
    COMPARE,
    EXPLAIN,
    MATRIX,
    STATUS,
    TRY,
    VERSION,
    VERSIONS,
    WHO_CAN,
)
from api.schema.viewer import Viewer


def _one(
    medicaid_id: Annotated[
        str, strawberry.argument(name="medicaidId", description="MSIS identification number.")
    ],
) -> Any:
    raise OnePath


def _list(entity: str, name: str, about: str) -> Any:
    return guarded_by(
        Guard(Opens.ROOT, entity), name=name, description=about,
        resolver=listing(entity), graphql_type=reference(entity, "Connection") | None,
    )  # fmt: skip


def _summary(entity: str, name: str, about: str) -> Any:
    return guarded_by(
        Guard(Opens.SUMMARY, entity), name=name, description=about,
        resolver=summarizing(entity), graphql_type=aggregate(entity) | None,
    )  # fmt: skip


@record("Query", "What can be asked. Everything speaks of people and claims in scope only.")
class Query:
    """Root fields; `RECORDS` are those that compile into the statement."""

    enrollee: Any = guarded_by(
        Guard(Opens.ROOT, "Enrollee"), name="enrollee", resolver=_one,
        graphql_type=reference("Enrollee") | None,
        description="The person who holds a Medicaid ID; an error when several do.",
    )  # fmt: skip
    enrollees: Any = _list("Enrollee", "enrollees", "People.")
    claims: Any = _list("Claim", "claims", "Claims.")
    providers: Any = _list("Provider", "providers", "Providers.")
    plans: Any = _list("Plan", "plans", "Managed care plans.")
    enrollees_aggregate: Any = _summary("Enrollee", "enrolleesAggregate", "Numbers of people.")
    claims_aggregate: Any = _summary("Claim", "claimsAggregate", "Numbers of claims.")
    policy: Any = guarded_by(
        Guard(Opens.LOCAL, "Policy"), name="policy", graphql_type=Policy | None,
        description="The policy that decides this request, court orders included.",
    )  # fmt: skip
    orders: Any = guarded_by(
        Guard(Opens.LOCAL, "Order"), name="orders", graphql_type=list[Order] | None,
        description="Court orders on file.",
    )  # fmt: skip
    policy_versions: Any = VERSIONS
    policy_version: Any = VERSION
    policy_changes: Any = CHANGES
    policy_change: Any = CHANGE
    policy_compare: Any = COMPARE
    policy_try: Any = TRY
    policy_explain: Any = EXPLAIN
    policy_who_can: Any = WHO_CAN
    policy_matrix: Any = MATRIX
    policy_status: Any = STATUS
    viewer: Any = guarded_by(
        Guard(Opens.SHAPE), name="viewer", graphql_type=Viewer, description="The caller."
    )


RECORDS = {
    "enrollee": "Enrollee",
    "enrollees": "Enrollee",
    "claims": "Claim",
    "providers": "Provider",
    "plans": "Plan",
    "enrolleesAggregate": "Enrollee",
    "claimsAggregate": "Claim",
}
"""Root field → the entity that it selects."""

SUMMARIES = frozenset({"enrolleesAggregate", "claimsAggregate"})
"""Root fields that answer with numbers made of rows, and with no row."""
