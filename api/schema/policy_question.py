"""Answers to questions about the policy: why, who else, and the whole as a table."""

from __future__ import annotations

from api.schema.local import local_type

PolicyExplanationRule = local_type("PolicyExplanationRule", "A rule that took part in a decision.")
PolicyExplanation = local_type(
    "PolicyExplanation",
    "A decision, and why it is as it is.",
    {"rules": PolicyExplanationRule},
)
PolicyAccess = local_type("PolicyAccess", "A role that may do something, and on which rows.")
PolicyMatrixCell = local_type("PolicyMatrixCell", "What one role may do with a coordinate.")
PolicyMatrixRow = local_type(
    "PolicyMatrixRow", "A coordinate, and what roles may do with it.", {"cells": PolicyMatrixCell}
)
