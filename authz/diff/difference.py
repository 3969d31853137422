"""What an edit changes, as values. Compares nothing itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from db.predicate import Predicate


class Direction(Enum):
    """What becomes of the reach of those whom a change is about. Narrower is proven; whatever is
    not, and could give anybody anything, is one of the others."""

    WIDER = "wider"
    NARROWER = "narrower"
    OTHER = "other"


@dataclass(frozen=True)
class AccessChange:
    """One role, one action, coordinates that change alike: the decision before and after, in words
    (`never`, `always`, `where own_county`, with the text of a scope where only that changed, and
    since when where that is later). What changes for `filter` changes for its operators alike,
    where these are not named as well.

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
