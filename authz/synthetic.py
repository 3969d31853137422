"""Rows that somebody made up, to ask about. Never a record; knows no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

Value: TypeAlias = "str | int | bool | date | tuple[str, ...] | None"


@dataclass(frozen=True)
class Row:
    """A row of a table by the names of its columns, which are null where they are not named, and
    the rows that its relations lead to, none where they are not named."""

    entity: str
    values: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    related: Mapping[str, tuple[Row, ...]] = field(default_factory=lambda: MappingProxyType({}))
