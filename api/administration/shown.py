"""Versions and changes of the policy as plain values, named as the schema names them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from authz.policy_text import policy_text
from authz.synthetic import written_row

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from authz.case import Case
    from authz.document import Document
    from db.changes import Change
    from db.versions import Version
    from db.workers import Worker

    Read = Callable[[str], Awaitable[Document]]

KEPT: Final = ("invariants", "cases", "assignments")
"""What `kept_facts` has."""


def instant(at: datetime | None) -> str | None:
    """An instant as it is shown."""
    return None if at is None else at.isoformat()


def version_facts(version: Version, read: Read) -> dict[str, object]:
    """A version. `read` parses its document, where the text of its policy is asked for."""
    document = version.document

    async def text() -> str | None:
        if document is None:
            return None
        whole = await read(document)
        return policy_text(whole.policy, whole.invariants)

    return {
        "number": version.number,
        "digest": version.digest,
        "text": text,
        "document": document,
        "author": version.author,
        "approver": version.approver,
        "reason": version.reason,
        "change": version.change,
        "committedAt": instant(version.committed_at),
        "approvalDue": instant(version.approval_due),
    }


def change_facts(change: Change) -> dict[str, object]:
    """A change, with the report that was made when it was proposed."""
    return {
        "id": change.id,
        "state": change.state,
        "base": change.base,
        "version": change.version,
        "author": change.author,
        "approver": change.approver,
        "reason": change.reason,
        "emergency": change.emergency,
        "proposedAt": instant(change.proposed_at),
        "expiresAt": instant(change.expires_at),
        "approvalDue": instant(change.approval_due),
        "digest": change.digest,
        "document": change.document or None,
        "events": [
            {
                "at": instant(event.at),
                "actor": event.actor,
                "event": event.event,
                "note": event.note,
            }
            for event in change.events
        ],
        "report": json.loads(change.report) if change.report else None,
    }


def worker_facts(worker: Worker, head: int) -> dict[str, object]:
    """A process that answers, beside the number of the head."""
    return {
        "name": worker.name,
        "number": worker.number,
        "current": worker.number == head,
        "startedAt": instant(worker.started_at),
        "seenAt": instant(worker.seen_at),
    }


def kept_facts(document: Document) -> dict[str, list[dict[str, object]]]:
    """What a version keeps beside its rules: invariants, cases, assignments."""
    return {
        "invariants": [
            {
                "name": each.name,
                "why": each.why,
                "roles": sorted(each.roles),
                "but": sorted(each.but),
                "on": sorted(each.on),
                "actions": sorted(each.actions),
                "onlyWhere": each.only_where,
            }
            for each in document.invariants
        ],
        "cases": [_case(each) for each in document.cases],
        "assignments": [
            {"subject": subject, "roles": sorted(document.assignments[subject])}
            for subject in sorted(document.assignments)
        ],
    }


def _case(case: Case) -> dict[str, object]:
    return {
        "name": case.name,
        "role": case.role,
        "attributes": json.dumps({name: list(v) for name, v in case.attributes.lists.items()}),
        "asOf": instant(case.as_of),
        "row": None if case.row is None else json.dumps(written_row(case.row)),
        "about": sorted(case.about),
        "allow": [" ".join(each) for each in sorted(case.allow)],
    }
