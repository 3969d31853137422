"""The policy as administrators and auditors read it. No record is near."""

from __future__ import annotations

from api.schema.local import local_type

PolicyRole = local_type("PolicyRole", "What rules grant to.")
PolicyClass = local_type("PolicyClass", "A named set of coordinates.")
PolicyScope = local_type("PolicyScope", "A named condition on rows.")
PolicyRule = local_type("PolicyRule", "One role, one coordinate or class, one action.")
PolicyInvariant = local_type("PolicyInvariant", "What no version of the policy may allow.")
PolicyCase = local_type("PolicyCase", "A test of the policy: who asks, and what is allowed then.")
PolicyAssignment = local_type("PolicyAssignment", "Roles that policy gives to a subject.")
Policy = local_type(
    "Policy",
    "The policy that decides this request, court orders included.",
    {
        "roles": PolicyRole,
        "classes": PolicyClass,
        "scopes": PolicyScope,
        "rules": PolicyRule,
        "invariants": PolicyInvariant,
        "cases": PolicyCase,
        "assignments": PolicyAssignment,
    },
)
