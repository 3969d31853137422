"""Holds a policy version against orders, invariants and its own cases, before it is committed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from authz.checks.cases import failures
from authz.checks.finding import Check, Finding, Severity
from authz.checks.invariants import invariant_findings
from authz.checks.orders import order_findings
from authz.checks.rules import rule_findings
from authz.errors import FloorImpossible
from authz.floor import floor_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from authz.document import Document


def check(before: Document | None, after: Document, as_of: datetime) -> tuple[Finding, ...]:
    """Everything that speaks against `after` and for a second look at it, errors first. Empty for
    nothing. `before` is the version that it replaces: what was wrong there already, an order that
    was added since included, is a warning. `as_of` has an offset.

    That `after` is a policy at all, `policy_check` has seen to.
    """
    found = [
        *order_findings(before, after, as_of),
        *invariant_findings(after, as_of),
        *_cases(before, after),
        *_floor(after),
        *rule_findings(before, after),
    ]
    return tuple(sorted(found, key=lambda each: each.severity is Severity.WARNING))


def _cases(before: Document | None, after: Document) -> Iterator[Finding]:
    """What tests say. What an order alone makes fail is no reason to keep the order back, and what
    failed before is none to keep an edit back: both are warnings, so that somebody looks."""
    found = failures(after)
    if not found or before is None:
        yield from found
        return
    promised = (before.policy, before.cases) == (after.policy, after.cases)
    stood = set(failures(before))
    for each in found:
        known = promised or each in stood
        yield replace(each, severity=Severity.WARNING) if known else each


def _floor(document: Document) -> Iterator[Finding]:
    try:
        floor_of(document.policy, document.orders)
    except FloorImpossible as error:
        yield Finding(Severity.ERROR, Check.FLOOR, f"PostgreSQL could not hold it: {error.detail}")
