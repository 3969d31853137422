"""Managed care plans."""

from __future__ import annotations

from api.guard import Guarded, guarded, record
from api.schema.connection import connection
from db.catalog_records import CATALOG


@record("Plan", CATALOG.entities["Plan"].about)
class Plan:
    """Coordinates of a plan."""

    id: Guarded = guarded("Plan.id")
    plan_id: Guarded = guarded("Plan.planId")
    name: Guarded = guarded("Plan.name")
    plan_type: Guarded = guarded("Plan.planType")
    state: Guarded = guarded("Plan.state")


PlanEdge, PlanConnection = connection("Plan")
