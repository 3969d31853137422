"""What an edit changes: decisions before and after, never only text. Pure.

`only_narrows` is a proof, so whatever could give somebody something although no decision widens is
found here as well: `roles` and `orders` say what that is, and `access` that a condition which asks
about a value that the role does not read is no narrowing. What is not counted: that a row which is
gone tells whoever remembers it that it does not meet a condition on what the principal itself
brings, on what the role reads anyway, or on being one of the people of an order that binds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz.diff.access import Access
from authz.diff.difference import AccessChange, Diff, Direction, SettingChange
from authz.diff.orders import cap_changes, order_changes
from authz.diff.promises import assignment_changes, case_changes, invariant_changes
from authz.diff.roles import role_changes

if TYPE_CHECKING:
    from datetime import datetime

    from authz.document import Document

__all__ = ["AccessChange", "Diff", "Direction", "SettingChange", "diff"]


def diff(before: Document, after: Document, as_of: datetime) -> Diff:
    """From one version to another, at an instant and at every later one at which something dated
    changes. Effective decisions: orders are in them."""
    access = Access(before, after, as_of)
    return Diff(
        access.changes(),
        (
            *role_changes(before, after, access),
            *cap_changes(before, after, access.instants),
            *order_changes(before, after, access.instants),
            *assignment_changes(before, after),
            *invariant_changes(before, after),
            *case_changes(before, after),
        ),
    )
