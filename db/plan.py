"""The typed intermediate form of an operation: what one statement has to answer.

Complete by itself: whoever renders it asks nobody anything. Knows the catalog and row conditions;
knows nothing of GraphQL, roles or SQL text. It holds no value that a caller sent, only slots for
them, so plans of equal shape are equal, and equal plans are one statement.

INVARIANT: what the caller asked for (`where`) and what policy permits (`permit`) never share a
field. The caller narrows; only policy widens.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from db.catalog import Relation, Table
    from db.predicate import Predicate, Ref, Slot

Key: TypeAlias = "str | Slot"
"""A response key: a name of the schema as it is, or a slot, so that no caller's text is in SQL."""


@dataclass(frozen=True, slots=True)
class Constant:
    """`__typename`: the same for every row."""

    key: Key
    text: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """A denied selection: null in every row. Holds no column."""

    key: Slot


@dataclass(frozen=True, slots=True)
class Value:
    """A column of the row at hand or one hop away; null where `permit` fails on the anchor."""

    key: Key
    ref: Ref
    permit: Predicate


@dataclass(frozen=True, slots=True)
class Object:
    """The one row that a relation leads to, or null.

    `permit` is asked of the anchor of the row at hand; `scope` of the target row where that is an
    anchor itself (`anchored`), and is Always otherwise.
    """

    key: Key
    relation: Relation
    body: tuple[Output, ...]
    permit: Predicate
    scope: Predicate
    anchored: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A step to the one row that a relation leads to, where `scope` holds on that row."""

    relation: Relation
    scope: Predicate


@dataclass(frozen=True, slots=True)
class Order:
    """One term of an order: a value of the row that steps `through` to-one relations lead to, of
    the row at hand when there are none. Missing values count as the largest."""

    ref: Ref
    descending: bool
    through: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Boundary:
    """The keyset of a cursor: a slot per order term and key column, None for a missing value."""

    values: tuple[Slot | None, ...]


PAGE_BOUNDS: Final = (64, 1_024, 16_384)
"""Sizes that pages are told apart by; few, because each makes a statement of its own."""


@dataclass(frozen=True, slots=True)
class Page:
    """At most `limit` rows after and before boundaries, from the end when `backwards`.

    `bound` is one of PAGE_BOUNDS and no less than the limit: from it PostgreSQL can tell a page
    from a table where the limit itself is a parameter.
    """

    limit: Slot
    bound: int
    after: Boundary | None = None
    before: Boundary | None = None
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table, or those that a relation leads to, in an order that is total.

    `order` ends with the table's key, so that no two rows are equal in it.
    """

    table: Table
    relation: Relation | None
    anchored: bool
    where: Predicate
    permit: Predicate
    order: tuple[Order, ...]
    page: Page


@dataclass(frozen=True, slots=True)
class Nodes:
    """The rows of the page as a list."""

    key: Key
    body: tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class Cursor:
    """The keyset of a row, between the marks that the reply replaces by a sealed cursor.

    `connection` numbers the connections of an operation, so that the reply knows which it is.
    """

    key: Key
    connection: int


@dataclass(frozen=True, slots=True)
class Node:
    """The row of an edge."""

    key: Key
    body: tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class Edges:
    """The rows of the page as a list of edges."""

    key: Key
    parts: tuple[Cursor | Node | Constant, ...]


class PageFact(Enum):
    """What pageInfo can say."""

    HAS_NEXT = "hasNextPage"
    HAS_PREVIOUS = "hasPreviousPage"
    START = "startCursor"
    END = "endCursor"


@dataclass(frozen=True, slots=True)
class PageInfo:
    """Facts about the page, each under its key, with the number of the connection for cursors."""

    key: Key
    facts: tuple[tuple[Key, PageFact, int] | Constant, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """Rows of the whole connection, without its page; only those that `permit` opens."""

    key: Key
    permit: Predicate


Member: TypeAlias = Nodes | Edges | PageInfo | Count | Constant | Nothing


@dataclass(frozen=True, slots=True)
class Connection:
    """A page of rows under a response key. `permit` is asked of the anchor of the row at hand."""

    key: Key
    rows: Rows
    members: tuple[Member, ...]
    permit: Predicate


@dataclass(frozen=True, slots=True)
class Single:
    """The one row that a root field names. Two rows are reported as two; neither is shown.

    The `where` of its rows is one comparison: of the column that names it, for equality.
    """

    rows: Rows
    body: tuple[Output, ...]


class Bucket(Enum):
    """How much of a day a key keeps: the first day of it. The value is PostgreSQL's word."""

    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Leg:
    """A step of a dimension to the one row that a relation leads to, where `scope` holds on it.

    `permit` is asked of the anchor of the row at hand; where it fails there is no row.
    """

    relation: Relation
    scope: Predicate
    permit: Predicate
    anchored: bool


@dataclass(frozen=True, slots=True)
class Dimension:
    """What rows are grouped by: a value of the row that the legs lead to; null where `permit`
    fails on its anchor."""

    ref: Ref
    permit: Predicate
    through: tuple[Leg, ...]
    bucket: Bucket | None


class Function(Enum):
    """What is made of the values of a cell. The value is its name in the schema."""

    COUNT_DISTINCT = "countDistinct"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a cell, made of the values on which `permit` holds."""

    function: Function
    ref: Ref
    permit: Predicate


@dataclass(frozen=True, slots=True)
class Summary:
    """Rows of an anchor, grouped. `permit` are those that exist, `where` those asked for.

    `count` is the condition under which a row is counted, None where nobody asks. `smallest` is the
    fewest people that a number may be about, 0 for no least; `without` are then the filters in
    which one clause says nothing, to count the people whom it sets apart. `most` groups are read,
    and one more, so that too many show.
    """

    table: Table
    where: Predicate
    permit: Predicate
    dimensions: tuple[Dimension, ...]
    count: Predicate | None
    measures: tuple[Measure, ...]
    smallest: int
    without: tuple[Predicate, ...]
    most: int


@dataclass(frozen=True, slots=True)
class Reach:
    """How many people have a row of a table that meets a condition of policy."""

    table: Table
    rows: Predicate


Output: TypeAlias = Constant | Nothing | Value | Object | Connection

Root: TypeAlias = Connection | Single | Summary | Reach


@dataclass(frozen=True, slots=True)
class Plan:
    """The record selections of one operation, in document order. One plan is one statement."""

    roots: tuple[Root, ...]
