"""What the guard of every record statement is called, and what it says. The guard is in migration
0004: true while a policy version is the head, an error of its own while it is not."""

from __future__ import annotations

from typing import Final

HEAD_IS: Final = "head_is"
"""The function of schema medicaid that takes the version of a statement. Every role that has a
column may call it."""
STALE: Final = "FW410"
"""The SQLSTATE that it raises when another version is the head, or none."""
CHANNEL: Final = "fieldward_head"
"""Where PostgreSQL notifies of a new head. Only a hint."""
