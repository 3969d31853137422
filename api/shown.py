"""Policy and orders as plain values, named as the schema and the command line name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz.casbin_lines import policy_csv
from authz.enforcer import MODEL
from authz.policy import sorted_rules

if TYPE_CHECKING:
    from datetime import datetime

    from authz.order import Order
    from authz.policy import PolicySet
    from authz.snapshot import Snapshot


def policy_facts(snapshot: Snapshot) -> dict[str, object]:
    """The effective policy of a snapshot, court orders included."""
    policy = snapshot.policy
    return {
        "version": snapshot.version,
        "digest": snapshot.written.digest,
        "number": snapshot.number,
        "since": _instant(snapshot.since),
        "until": _instant(snapshot.until),
        "roles": [_role(snapshot, name) for name in sorted(policy.roles)],
        "classes": [
            {"name": name, "members": sorted(policy.classes[name])}
            for name in sorted(policy.classes)
        ],
        "scopes": [
            {"name": name, "anchor": anchor, "text": scope.text}
            for name in sorted(policy.scopes)
            for anchor, scope in sorted(policy.scopes[name].items())
        ],
        "rules": rule_facts(policy),
        "model": MODEL,
        "csv": policy_csv(policy),
    }


def rule_facts(policy: PolicySet) -> list[dict[str, object]]:
    """Every rule, in one order."""
    return [
        {
            "role": rule.role,
            "object": rule.object,
            "action": rule.action,
            "condition": rule.condition,
            "effect": rule.effect.value,
        }
        for rule in sorted_rules(policy.rules)
    ]


def order_facts(order: Order, as_of: datetime) -> dict[str, object]:
    """A court order and what it is at a moment."""
    status = order.status_at(as_of)
    return {
        "name": order.name,
        "caption": order.caption,
        "court": order.court,
        "docket": order.docket,
        "issued": order.issued,
        "effective": order.effective,
        "status": status.value if status else None,
        "inForce": order.in_force(as_of),
        "history": [
            {"at": _instant(change.at), "status": change.status.value} for change in order.history
        ],
        "role": order.role,
        "states": list(order.states),
        "population": order.scope,
        "grants": [
            {"coordinate": coordinate, "actions": sorted(actions)}
            for coordinate, actions in sorted(order.grants.items())
        ],
    }


def _role(snapshot: Snapshot, name: str) -> dict[str, object]:
    role = snapshot.policy.roles[name]
    return {
        "name": role.name,
        "description": role.description,
        "pageLimit": role.page_limit,
        "denialMode": role.denial_mode.value,
        "inherits": sorted(role.inherits),
        "requires": sorted(snapshot.required_attributes(name)),
        "capped": name in snapshot.capped,
        "smallestCell": role.smallest_cell,
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
