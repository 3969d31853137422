"""A version of the policy, which never changes, and what holds it."""

from __future__ import annotations

from api.schema.local import local_type

PolicyVersion = local_type("PolicyVersion", "A version of the policy, whole and for ever.")
PolicyWorker = local_type("PolicyWorker", "A process that answers requests.")
PolicyStatus = local_type(
    "PolicyStatus",
    "Which version is in force where, and what is overdue.",
    {"workers": PolicyWorker, "overdue": PolicyVersion},
)
