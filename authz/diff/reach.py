"""Whom a change of access is about: the people whose rows it opens to somebody, or closes.

Says it as a condition on rows, and counts nobody. Who asks is anybody: a comparison with an
attribute of the principal holds of whatever value some principal could have there. So the condition
holds at least where the change does, and of some rows besides.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, assert_never

from authz.decision import Action
from authz.implies import implies, ways
from db.predicate import (
    COMPLEMENT,
    Always,
    And,
    Attribute,
    Compare,
    Covers,
    Exists,
    Never,
    Operator,
    Or,
    Through,
    both,
    either,
)

if TYPE_CHECKING:
    from authz.diff.difference import AccessChange
    from db.predicate import Predicate

_PEOPLE: Final = ("Enrollee", "Claim")
"""Entities of which each row is about one person."""


def entering(change: AccessChange) -> Predicate | None:
    """The rows of the anchor, Enrollee or Claim, that somebody can read after a change and could
    not before; None for a change that is not about reading such rows."""
    return _gained(change, change.rows_before, change.rows_after)


def leaving(change: AccessChange) -> Predicate | None:
    """The rows of the anchor that somebody could read before a change and cannot after; else as
    `entering`."""
    return _gained(change, change.rows_after, change.rows_before)


def _gained(change: AccessChange, less: Predicate, more: Predicate) -> Predicate | None:
    if change.action != Action.READ.value or change.anchor not in _PEOPLE:
        return None
    whole = both(more, fails(less))
    found = ways(whole)
    if found is None:
        return somebody(whole)
    return either(*(somebody(way) for way in found if not implies(way, Never())))


def fails(predicate: Predicate) -> Predicate:
    """The rows on which a condition does not hold, those with a missing value among them: `negate`
    holds on neither of these."""
    match predicate:
        case Always():
            return Never()
        case Never():
            return Always()
        case And(parts):
            return either(*(fails(part) for part in parts))
        case Or(parts):
            return both(*(fails(part) for part in parts))
        case Covers(negated):
            return Covers(not negated)
        case Compare(ref, operator, _, permit):
            other = replace(
                predicate,
                operator=COMPLEMENT[operator],
                permit=Always(),
            )
            # What is always there is not asked for.
            asked = operator not in (Operator.IS_NULL, Operator.IS_NOT_NULL) and not (
                ref.hop is None and ref.column.required
            )
            missing = Compare(ref, Operator.IS_NULL, None) if asked else Never()
            return either(fails(permit), other, missing)
        case Exists(negated=negated, permit=permit):
            return either(fails(permit), replace(predicate, negated=not negated, permit=Always()))
        case Through(relation, scope, where, permit, anchored):
            none = Exists(relation, where, True, Always(), anchored, scope)
            return either(fails(permit), none)
        case _:
            assert_never(predicate)


def somebody(predicate: Predicate, *, denied: bool = False) -> Predicate:
    """A condition that holds of a row if `predicate` does for some principal. `denied`: one that
    holds only if it does for every one, as what is asked under `not` has to."""
    match predicate:
        case Compare(ref, _, Attribute(), permit):
            if denied:
                return Never()
            shown = somebody(permit)
            return Compare(ref, Operator.IS_NOT_NULL, None, shown)
        case Compare(permit=permit):
            return replace(predicate, permit=somebody(permit, denied=denied))
        case And(parts):
            return both(*(somebody(part, denied=denied) for part in parts))
        case Or(parts):
            return either(*(somebody(part, denied=denied) for part in parts))
        case Exists(where=where, negated=negated, permit=permit, scope=scope):
            inner = denied is not negated
            return replace(
                predicate,
                where=somebody(where, denied=inner),
                scope=somebody(scope, denied=inner),
                permit=somebody(permit, denied=denied),
            )
        case Through(scope=scope, where=where, permit=permit):
            return replace(
                predicate,
                where=somebody(where, denied=denied),
                scope=somebody(scope, denied=denied),
                permit=somebody(permit, denied=denied),
            )
        case Always() | Never() | Covers():
            return predicate
        case _:
            assert_never(predicate)
