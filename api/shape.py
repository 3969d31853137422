"""The shape of an aggregate's answer: response keys, and which number stands under each.

Knows the plan by which the numbers were made, and no number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from db.plan import Summary


@dataclass(frozen=True, slots=True)
class Word:
    """`__typename`."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Null:
    """A denied number."""

    key: str


@dataclass(frozen=True, slots=True)
class Flag:
    """Whether anything was withheld."""

    key: str


@dataclass(frozen=True, slots=True)
class Count:
    """The number of rows."""

    key: str


@dataclass(frozen=True, slots=True)
class Number:
    """A measure, by its index in the plan."""

    key: str
    measure: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """The measures of one function."""

    key: str
    items: tuple[Number | Null | Word, ...]


@dataclass(frozen=True, slots=True)
class KeyValue:
    """What the rows of a group have in common, by the index of the dimension."""

    key: str
    dimension: int


@dataclass(frozen=True, slots=True)
class Keys:
    """What the rows of a group have in common, of themselves or of the row that a link leads to."""

    key: str
    items: tuple[Keys | KeyValue | Word, ...]


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups as a list."""

    key: str
    items: tuple[Item, ...]


Item: TypeAlias = "Word | Null | Flag | Count | Numbers | Keys | Groups"


@dataclass(frozen=True, slots=True)
class Shape:
    """What an aggregate shows, in document order."""

    items: tuple[Item, ...]
    plan: Summary
