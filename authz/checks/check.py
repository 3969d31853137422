"""Holds a policy version against orders, invariants and its own cases, before it is committed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from authz.checks.cases import failures, is_withheld
from authz.checks.finding import Check, Finding, Severity
from authz.checks.invariants import invariant_findings
from authz.checks.orders import order_findings
from authz.checks.rules import rule_findings
from authz.checks.scopes import scope_findings
from authz.errors import FloorImpossible
from authz.floor import floor_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from authz.document import Document


def check(
    before: Document | None, after: Document, as_of: datetime, *, urgent: bool = False
) -> tuple[Finding, ...]:
    """Everything that speaks against `after` and for a second look at it, errors first. Empty for
    nothing. `before` is the version that it replaces: what was wrong there already, an order that
    was added since included, is a warning. `as_of` has an offset.

    `urgent` is an emergency, of which it is proven elsewhere that it only narrows. That `after` is
    a policy at all, `policy_check` has seen to.
    """
    found = [
        *order_findings(before, after, as_of),
        *scope_findings(before, after, as_of),
        *invariant_findings(after, as_of),
        *_cases(before, after, urgent=urgent),
        *_floor(after),
        *rule_findings(before, after),
    ]
    return tuple(sorted(found, key=lambda each: each.severity is Severity.WARNING))


def _cases(before: Document | None, after: Document, *, urgent: bool) -> Iterator[Finding]:
    """What tests say. That an order alone, or an emergency, takes away what a test expects is no
    reason to keep it back, and what failed before is none to keep an edit back: warnings."""
    found = failures(after)
    if not found or before is None:
        yield from found
        return
    ordered = (before.policy, before.cases) == (after.policy, after.cases)
    stood = set(failures(before))
    for each in found:
        excused = each in stood or ((ordered or urgent) and is_withheld(after, each))
        yield replace(each, severity=Severity.WARNING) if excused else each


def _floor(document: Document) -> Iterator[Finding]:
    try:
        floor_of(document.policy, document.orders)
    except FloorImpossible as error:
        yield Finding(Severity.ERROR, Check.FLOOR, f"PostgreSQL could not hold it: {error.detail}")
