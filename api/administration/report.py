"""A change of the policy, weighed: what speaks against it, what it does, and to how many. Pure.

What is made here is kept with the change, so its keys are those of the schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from authz.checks.check import check
from authz.checks.finding import Severity
from authz.diff.diff import diff
from authz.snapshot import take

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from api.administration.impact import Impact
    from api.administration.replay import Replayed
    from authz.checks.finding import Finding
    from authz.diff.diff import AccessChange, Diff
    from authz.document import Document
    from authz.snapshot import Snapshot


@dataclass(frozen=True)
class Weighed:
    """`before` is the version that `after` is to replace; `snapshot` is what requests would use."""

    before: Document
    after: Document
    snapshot: Snapshot
    findings: tuple[Finding, ...]
    diff: Diff

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What refuses a commit."""
        return tuple(each for each in self.findings if each.severity is Severity.ERROR)


def weighed(before: Document, after: Document, as_of: datetime, *, urgent: bool = False) -> Weighed:
    """Checks and compares, at an instant. Takes up to a second among ten thousand rules.

    Raises what `take` raises: no gateway could take that version up.
    """
    snapshot = take(after.policy, after.orders, as_of, assignments=after.assignments)
    findings = check(before, after, as_of, urgent=urgent)
    return Weighed(before, after, snapshot, findings, diff(before, after, as_of))


def finding_facts(finding: Finding) -> dict[str, object]:
    """A finding as the schema has it."""
    return {
        "severity": finding.severity.value,
        "check": finding.check.value,
        "text": finding.text,
        "role": finding.role,
        "coordinate": finding.coordinate,
        "action": finding.action,
        "row": finding.row,
    }


def diff_facts(found: Diff, people: Sequence[Impact | None] = ()) -> dict[str, object]:
    """A comparison as the schema has it. `people` has one entry for each change of access, or none
    at all where nobody was counted."""
    counted = people or (None,) * len(found.access)
    return {
        "access": [
            _access(change, impact) for change, impact in zip(found.access, counted, strict=True)
        ],
        "settings": [
            {
                "what": change.what,
                "before": change.before,
                "after": change.after,
                "direction": change.direction.value,
            }
            for change in found.settings
        ],
        "onlyNarrows": found.only_narrows,
    }


def _access(change: AccessChange, impact: Impact | None) -> dict[str, object]:
    return {
        "role": change.role,
        "action": change.action,
        "coordinates": list(change.coordinates),
        "before": change.before,
        "after": change.after,
        "direction": change.direction.value,
        "people": impact and impact.people,
        "peopleGained": impact and impact.entering,
        "peopleLost": impact and impact.leaving,
    }


def report_facts(
    found: Weighed,
    people: Sequence[Impact | None] = (),
    replayed: Sequence[Replayed] = (),
) -> dict[str, object]:
    """All of it as the schema has it."""
    return {
        "findings": [finding_facts(finding) for finding in found.findings],
        **diff_facts(found.diff, people),
        "replay": [_replayed(each) for each in replayed],
    }


def _replayed(operation: Replayed) -> dict[str, object]:
    return {
        "operation": operation.operation,
        "role": operation.role,
        "before": operation.before.value,
        "after": operation.after.value,
        "opens": list(operation.opens),
        "breaks": list(operation.breaks),
        "seen": operation.seen,
    }
