"""Why something is decided as it is, who else may do it, and the whole as a table. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from authz.document import Document
    from authz.policy import Rule
    from authz.principal import Attributes
    from authz.synthetic import Row


@dataclass(frozen=True)
class Part:
    """A rule that speaks of the question. `holds` says whether its condition does on the row; None
    where no row was given and it depends on one."""

    rule: Rule
    holds: bool | None


@dataclass(frozen=True)
class Explanation:
    """`decision` is allow, allow where or deny; `allowed` what that comes to on the row that was
    given, None where it depends on one and none was. `condition` is in words of policy; `reason`
    why it is denied. `orders` are the names of the orders that bind the role, in force or not."""

    decision: str
    allowed: bool | None
    condition: str | None
    reason: str | None
    parts: tuple[Part, ...]
    orders: tuple[str, ...]


@dataclass(frozen=True)
class Access:
    """A role that may do something: on which rows, by what meaning of these, and the subjects to
    which policy assigns the role."""

    role: str
    condition: str
    meaning: str
    subjects: tuple[str, ...]


def explain(
    document: Document,
    role: str,
    attributes: Attributes,
    coordinate: str,
    action: str,
    row: Row | None,
    as_of: datetime,
) -> Explanation:
    """The decision with every rule that took part. UnknownRole; PolicyInvalid for a coordinate or
    an action that does not exist; RowInvalid for a row of another entity than the coordinate's."""
    raise NotImplementedError


def who_can(
    document: Document, coordinate: str, action: str, as_of: datetime
) -> tuple[Access, ...]:
    """The roles that may do it on some row, by name."""
    raise NotImplementedError


def matrix(
    document: Document,
    action: str,
    as_of: datetime,
    roles: Collection[str] = (),
    coordinates: Collection[str] = (),
) -> dict[str, dict[str, str]]:
    """Coordinate → role → condition in words, `` for never; all of them where none is named."""
    raise NotImplementedError
