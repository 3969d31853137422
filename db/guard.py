"""What the guard of every record statement is made of. Migration 0004 has the objects: a view that
shows the head, and a function that raises where the head is another version than it should be."""

from __future__ import annotations

from typing import Final

HEAD: Final = "policy_head"
"""The view of schema medicaid that shows the head: one row, or none where there is no head. Every
role that has a column may read VERSION of it."""
VERSION: Final = "version"
"""Its one column, a bigint: the number of the head."""
STALE_POLICY: Final = "stale_policy"
"""The function of schema medicaid that takes the version of a statement and always raises. Who may
read the head may call it."""
STALE: Final = "FW410"
"""The SQLSTATE that it raises when another version is the head, or none."""
CHANNEL: Final = "fieldward_head"
"""Where PostgreSQL notifies of a new head. Only a hint."""
