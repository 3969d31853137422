"""Conditions on a row: what a filter asks and what a row scope permits, in one typed form.

Knows tables and relations; knows nothing of roles, GraphQL or SQL text. Three-valued logic never
decides: a comparison with a missing value is false, and so is its negation, because `negate` pushes
`not` down to the leaves, where every operator has its complement.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias, TypeVar, assert_never

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from db.catalog import Column, Kind, Relation


_Type = TypeVar("_Type", bound=type)


class _Kept:
    """Room for the hash of a tree, which is not looked through again each time it is a key."""

    __slots__ = ("_hash",)
    _hash: int


def _hashed_once(made: _Type) -> _Type:
    """A frozen class that finds its hash when first asked. Equality is as it was."""
    find: Callable[[_Kept], int] = vars(made)["__hash__"]

    def kept(self: _Kept) -> int:
        try:
            return self._hash
        except AttributeError:
            # The class is frozen, and this is no field of it: nothing that is compared or copied.
            object.__setattr__(self, "_hash", find(self))
            return self._hash

    setattr(made, "__hash__", kept)  # noqa: B010  # mypy takes no assignment to a method
    return made


class Operator(Enum):
    """How a column is compared. The value is its name in filters and in `filter:…` actions."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    IN = "in"
    NOT_IN = "notIn"
    STARTS_WITH = "startsWith"
    NOT_STARTS_WITH = "notStartsWith"
    HAS = "has"
    HAS_NOT = "hasNot"
    IS_NULL = "isNull"
    IS_NOT_NULL = "isNotNull"
    COVERS = "covers"
    NOT_COVERS = "notCovers"


_PAIRS = (
    (Operator.EQ, Operator.NE),
    (Operator.LT, Operator.GTE),
    (Operator.LTE, Operator.GT),
    (Operator.IN, Operator.NOT_IN),
    (Operator.STARTS_WITH, Operator.NOT_STARTS_WITH),
    (Operator.HAS, Operator.HAS_NOT),
    (Operator.IS_NULL, Operator.IS_NOT_NULL),
    (Operator.COVERS, Operator.NOT_COVERS),
)
COMPLEMENT = {a: b for a, b in _PAIRS} | {b: a for a, b in _PAIRS}


@dataclass(frozen=True, slots=True)
class Ref:
    """A column of the row at hand, or of the one row that a to-one relation leads to."""

    column: Column
    hop: Relation | None = None


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant written in policy. It still enters SQL as a parameter."""

    value: str | int | bool | date | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """The n-th value that the caller sent with this operation. The plan does not hold the value."""

    index: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the principal: always a list of text; absent means an empty list."""

    name: str


@dataclass(frozen=True, slots=True)
class AsOf:
    """The day of the request (UTC), less a number of calendar months."""

    months_before: int = 0


Operand: TypeAlias = Literal | Slot | Attribute | AsOf


@dataclass(frozen=True, slots=True)
class Always:
    """True of every row."""


@dataclass(frozen=True, slots=True)
class Never:
    """True of no row."""


@_hashed_once
@dataclass(frozen=True, slots=True)
class Compare(_Kept):
    """A leaf. `permit` is the condition under which the caller may see the column at all: outside
    it the leaf is false, whatever its operator, so a hidden value is in no answer."""

    ref: Ref
    operator: Operator
    operand: Operand | None
    permit: Predicate = Always()


@dataclass(frozen=True, slots=True)
class Covers:
    """The dated row at hand holds on the day of the request."""

    negated: bool = False


@_hashed_once
@dataclass(frozen=True, slots=True)
class Exists(_Kept):
    """Some row (none, when negated) that a relation leads to meets a condition.

    `permit` is asked of the anchor of the row at hand: when it is false the leaf is false. Permits
    inside `where` are asked of the row that was reached, where that is an anchor (`anchored`), and
    else of the anchor of the row at hand. `scope` says which of the rows exist.
    """

    relation: Relation
    where: Predicate
    negated: bool = False
    permit: Predicate = Always()
    anchored: bool = True
    scope: Predicate = Always()


@_hashed_once
@dataclass(frozen=True, slots=True)
class Through(_Kept):
    """The one row that a relation leads to is there, `scope` holds on it, and it meets a condition.

    Unlike Exists it is no leaf: what it says is about that row, so its negation is the negated
    condition on the same row, and without a row both are false.
    """

    relation: Relation
    scope: Predicate
    where: Predicate
    permit: Predicate = Always()
    anchored: bool = True


@_hashed_once
@dataclass(frozen=True, slots=True)
class And(_Kept):
    """All parts hold; two parts or more."""

    parts: tuple[Predicate, ...]


@_hashed_once
@dataclass(frozen=True, slots=True)
class Or(_Kept):
    """Some part holds; two parts or more."""

    parts: tuple[Predicate, ...]


Predicate: TypeAlias = Always | Never | Compare | Covers | Exists | Through | And | Or


def both(*parts: Predicate) -> Predicate:
    """The conjunction, flat, without repeats, in the order given."""
    flat: dict[Predicate, None] = {}
    for part in parts:
        match part:
            case Always():
                continue
            case Never():
                return part
            case And(inner):
                flat.update(dict.fromkeys(inner))
            case _:
                flat[part] = None
    found = tuple(flat)
    if not found:
        return Always()
    return found[0] if len(found) == 1 else And(found)


def either(*parts: Predicate) -> Predicate:
    """The disjunction, flat, in the order given, without a part that another one contains.

    `a or (a and b)` is `a`: so a wide and a narrow condition together are the wide one, and can be
    seen to be it.
    """
    flat: dict[Predicate, None] = {}
    for part in parts:
        match part:
            case Never():
                continue
            case Always():
                return part
            case Or(inner):
                flat.update(dict.fromkeys(inner))
            case _:
                flat[part] = None
    conjuncts = {part: _conjuncts(part) for part in flat}
    # Whatever contains another has all of its parts, so its first one too: few are compared.
    by_part: dict[Predicate, list[frozenset[Predicate]]] = {}
    for part, own in conjuncts.items():
        by_part.setdefault(part.parts[0] if isinstance(part, And) else part, []).append(own)
    # A conjunction that has all parts of another, and more, is within it.
    found = tuple(
        part
        for part, own in conjuncts.items()
        if not any(wide < own for one in own for wide in by_part.get(one, ()))
    )
    if not found:
        return Never()
    return found[0] if len(found) == 1 else Or(found)


def _conjuncts(predicate: Predicate) -> frozenset[Predicate]:
    return frozenset(predicate.parts) if isinstance(predicate, And) else frozenset({predicate})


def negate(predicate: Predicate) -> Predicate:
    """The negation, pushed to the leaves; permits stay as they are, since they are not asked."""
    match predicate:
        case Always():
            return Never()
        case Never():
            return Always()
        case Compare(ref, operator, operand, permit):
            return Compare(ref, COMPLEMENT[operator], operand, permit)
        case Covers(negated):
            return Covers(not negated)
        case Exists():
            return replace(predicate, negated=not predicate.negated)
        case Through():
            return replace(predicate, where=negate(predicate.where))
        case And(parts):
            return either(*(negate(part) for part in parts))
        case Or(parts):
            return both(*(negate(part) for part in parts))
        case _:
            assert_never(predicate)


def attributes(predicate: Predicate) -> frozenset[str]:
    """The attributes of the principal that a condition reads."""
    match predicate:
        case Always() | Never() | Covers():
            return frozenset()
        case Compare(_, _, operand, permit):
            own = {operand.name} if isinstance(operand, Attribute) else set()
            return frozenset(own) | attributes(permit)
        case Exists(_, where, _, permit, _, scope) | Through(_, scope, where, permit):
            return attributes(scope) | attributes(where) | attributes(permit)
        case And(parts) | Or(parts):
            return frozenset().union(*(attributes(part) for part in parts))
        case _:
            assert_never(predicate)


OPERATORS_OF: dict[str, tuple[Operator, ...]] = {
    # What a filter may ask of each kind of column, in the order in which the schema shows them.
    "text": (
        Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN, Operator.LT, Operator.LTE,
        Operator.GT, Operator.GTE, Operator.STARTS_WITH, Operator.IS_NULL,
    ),
    "code": (Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN, Operator.IS_NULL),
    "ordered": (
        Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN, Operator.LT, Operator.LTE,
        Operator.GT, Operator.GTE, Operator.IS_NULL,
    ),
    "boolean": (Operator.EQ, Operator.IS_NULL),
    "texts": (Operator.HAS, Operator.IS_NULL),
}  # fmt: skip


def operators(kind: Kind, *, coded: bool) -> tuple[Operator, ...]:
    """The operators that a filter offers on a column of this kind."""
    if coded and kind.value == "text":
        return OPERATORS_OF["code"]
    match kind.value:
        case "text":
            return OPERATORS_OF["text"]
        case "date" | "integer" | "numeric":
            return OPERATORS_OF["ordered"]
        case "uuid":
            return OPERATORS_OF["code"]
        case "boolean":
            return OPERATORS_OF["boolean"]
        case "text[]":
            return OPERATORS_OF["texts"]
        case _:
            return ()
