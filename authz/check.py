"""Holds a policy version against orders, invariants and its own cases, before it is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from authz.document import Document
    from authz.finding import Finding


def check(before: Document | None, after: Document, as_of: datetime) -> tuple[Finding, ...]:
    """Everything that speaks against `after` and for a second look at it, errors first. Empty for
    nothing. `before` is the version that it replaces: what was wrong there already, an order that
    was added since included, is a warning."""
    raise NotImplementedError
