"""Court orders as administrators and auditors read them. No record is near."""

from __future__ import annotations

from api.schema.local import local_type

OrderStatus = local_type("OrderStatus", "A status of a court order, and since when.")
OrderGrant = local_type("OrderGrant", "What a court order leaves a role of one coordinate.")
Order = local_type(
    "Order",
    "A court order as dated data. Nothing here is legal advice.",
    {"history": OrderStatus, "grants": OrderGrant},
)
