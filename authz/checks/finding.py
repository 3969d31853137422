"""What a check of a policy says: a counterexample that a person can read. Finds nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """Whether a version with this may be committed."""

    ERROR = "error"
    WARNING = "warning"


class Check(Enum):
    """Which check found it."""

    ORDER = "order"
    INVARIANT = "invariant"
    CASE = "case"
    RULE = "rule"
    SCOPE = "scope"
    FLOOR = "floor"


@dataclass(frozen=True, slots=True)
class Finding:
    """`text` is a sentence; the rest is the counterexample, as far as there is one. `row` says in
    words which row: the condition that it meets, or the name of the case that has it."""

    severity: Severity
    check: Check
    text: str
    role: str | None = None
    coordinate: str | None = None
    action: str | None = None
    row: str | None = None
