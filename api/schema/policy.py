"""Policy and court orders as administrators and auditors read them. No record is near."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.guard import local, record
from api.schema.types import scalar_of
from authz.policy_coordinates import EXTRA

if TYPE_CHECKING:
    from collections.abc import Mapping


def _field(coordinate: str, type_: object = None) -> Any:
    shown = EXTRA[coordinate]
    known = scalar_of(shown.kind) if shown.kind is not None else list[type_]  # type: ignore[valid-type]  # made at run time
    return local(coordinate, known | None, shown.about)


def _type(name: str, about: str, lists: Mapping[str, object] | None = None) -> Any:
    """A type out of its coordinates: every one that EXTRA has, each under its guard."""
    coordinates = [entry for entry in EXTRA if entry.partition(".")[0] == name]
    fields = {
        entry.partition(".")[2]: _field(entry, (lists or {}).get(entry.partition(".")[2]))
        for entry in coordinates
    }
    body = {"__annotations__": dict.fromkeys(fields, Any), **fields}
    return record(name, about)(type(name, (), body))


PolicyRole = _type("PolicyRole", "What rules grant to.")
PolicyClass = _type("PolicyClass", "A named set of coordinates.")
PolicyScope = _type("PolicyScope", "A named condition on rows.")
PolicyRule = _type("PolicyRule", "One role, one coordinate or class, one action.")
Policy = _type(
    "Policy",
    "The policy that decides this request, court orders included.",
    {"roles": PolicyRole, "classes": PolicyClass, "scopes": PolicyScope, "rules": PolicyRule},
)
OrderStatus = _type("OrderStatus", "A status of a court order, and since when.")
OrderGrant = _type("OrderGrant", "What a court order leaves a role of one coordinate.")
Order = _type(
    "Order",
    "A court order as dated data. Nothing here is legal advice.",
    {"history": OrderStatus, "grants": OrderGrant},
)
