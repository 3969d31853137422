"""A test of a policy: who asks, about which row, and what is allowed then; all else is denied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from authz.principal import Attributes
    from authz.synthetic import Row


@dataclass(frozen=True)
class Case:
    """`allow` names what is expected to be allowed on the row, as (coordinate or class, action);
    whatever else can be asked about the coordinates of `about` is expected to be denied. `about`
    holds coordinates and classes, of which those count whose anchor is the row's; empty for all of
    these. Without a row they are those that have none. `row` is made up and never a record."""

    name: str
    role: str
    attributes: Attributes
    as_of: datetime
    row: Row | None
    about: frozenset[str]
    allow: frozenset[tuple[str, str]]
