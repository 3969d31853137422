"""What an edit changes: decisions before and after, never only text. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from authz.document import Document
    from db.predicate import Predicate


class Direction(Enum):
    """What becomes of the reach of those whom a change is about."""

    WIDER = "wider"
    NARROWER = "narrower"
    OTHER = "other"


@dataclass(frozen=True)
class AccessChange:
    """One role, one action, coordinates that change alike: the decision before and after, in words
    (`never`, `always`, `where own_county`, with the text of a scope where only that changed).

    `anchor` is the entity on whose rows the two conditions are; None where there is no row.
    """

    role: str
    action: str
    coordinates: tuple[str, ...]
    before: str
    after: str
    direction: Direction
    anchor: str | None
    rows_before: Predicate = field(compare=False, repr=False)
    rows_after: Predicate = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SettingChange:
    """Anything else: `what` names it (`role front_desk: page limit`, `order …: status`,
    `assignment of …`, `invariant …`, `case …`), empty text stands for not there."""

    what: str
    before: str
    after: str
    direction: Direction


@dataclass(frozen=True)
class Diff:
    """Both empty: decisions and settings are the same, whatever the text."""

    access: tuple[AccessChange, ...]
    settings: tuple[SettingChange, ...]

    @property
    def only_narrows(self) -> bool:
        """Whether it is proven that nobody gets anything that he did not have."""
        found = {change.direction for change in self.access}
        found |= {change.direction for change in self.settings}
        return found <= {Direction.NARROWER}


def diff(before: Document, after: Document, as_of: datetime) -> Diff:
    """From one version to another, at an instant and at every later one at which something dated
    changes. Effective decisions: orders are in them."""
    raise NotImplementedError
