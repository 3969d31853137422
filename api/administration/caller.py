"""Who asks about the policy or changes it, and what was decided about that. Knows no request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.errors import SelectionDenied
from authz.decision import Allow

if TYPE_CHECKING:
    from datetime import datetime

    from authz.decision import DecisionSet
    from authz.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Caller:
    """`subject` is the token's, and who a change is from. `snapshot` is the head's, `decisions` of
    the acting role under it; `as_of` is the instant of the request."""

    subject: str
    decisions: DecisionSet
    snapshot: Snapshot
    as_of: datetime

    def needs(self, coordinate: str, action: str) -> None:
        """SelectionDenied unless the role may do this with a coordinate that is no record."""
        if not isinstance(self.decisions.decide(coordinate, action), Allow):
            raise SelectionDenied(coordinate=coordinate, action=action)
