"""Whether an hour that a principal carries has passed. Knows nothing of roles."""

from __future__ import annotations

from datetime import datetime


def expired(until: str, as_of: datetime) -> bool:
    """Whether an instant (RFC 3339 with its offset) is past; text that is none counts as past."""
    try:
        return datetime.fromisoformat(until) <= as_of
    except (ValueError, TypeError):
        # No instant, or one without an offset, which cannot be compared: fail closed.
        return True
