"""A change of the policy on its way: proposed, approved, committed, or not."""

from __future__ import annotations

from api.schema.local import local_type
from api.schema.policy_report import PolicyReport

PolicyEvent = local_type("PolicyEvent", "What happened to a change, and who did it.")
PolicyChange = local_type(
    "PolicyChange",
    "A version of the policy that somebody proposed, and what became of it.",
    {"events": PolicyEvent, "report": (PolicyReport,)},
)
