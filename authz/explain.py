"""Why something is decided as it is, who else may do it, and the whole as a table. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from authz import questions
from authz.ceiling import effective
from authz.decided import decided
from authz.decision import Allow, AllowWhere, Deny
from authz.enforcer import decide
from authz.errors import QuestionInvalid, RowInvalid, UnknownRole
from authz.holds import holds
from authz.matcher import binding, outcome, taking_part
from authz.near import unknown
from authz.policy import ALWAYS, Effect
from authz.wording import meaning, words
from db.predicate import negate

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from authz.decision import Decision
    from authz.document import Document
    from authz.policy import PolicySet, Rule
    from authz.principal import Attributes
    from authz.synthetic import Row


@dataclass(frozen=True)
class Part:
    """A rule that took part, as `matcher` has it. `holds` says whether its condition does on the
    row; None where no row was given and it depends on one. One that denies is said to hold unless
    it is known not to, because so it denies."""

    rule: Rule
    holds: bool | None


@dataclass(frozen=True)
class Explanation:
    """`decision` is allow, allow where or deny; `allowed` what that comes to on the row that was
    given, None where it depends on one and none was. `condition` is in words of policy; `reason`
    why it is denied, to a request that lacks an attribute besides. `orders` are the names of the
    orders that bind the role, in force or not."""

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
    """The decision with every rule that took part. UnknownRole; QuestionInvalid for a coordinate or
    an action that does not exist; RowInvalid for a row of another entity than the coordinate's."""
    policy = effective(document.policy, document.orders, as_of)
    _known(policy, role, coordinate, action)
    anchor = policy.anchors[coordinate]
    if row is not None and row.entity != anchor:
        raise RowInvalid(f"{coordinate} is about {anchor or 'no row'}, not {row.entity}")
    rules = taking_part(document, role, coordinate, action, as_of)
    decision = outcome(policy, rules, anchor)
    day = as_of.date()

    def held(rule: Rule) -> bool | None:
        if rule.condition == ALWAYS:
            return True
        if row is None:
            return None
        rows = policy.meaning(rule.condition, anchor)
        if rule.effect is Effect.DENY:
            return not holds(negate(rows), row, attributes, day)
        return holds(rows, row, attributes, day)

    allowed, reason = _outcome(decision, row, attributes, as_of)
    missing = _lacking(policy, role, attributes) if row is not None and allowed else ()
    return Explanation(
        _KINDS[type(decision)],
        allowed and not missing,
        words(decision),
        f"the request lacks {', '.join(missing)}" if missing else reason,
        tuple(Part(rule, held(rule)) for rule in rules),
        tuple(order.name for order in binding(document, role)),
    )


_KINDS = {Allow: "allow", AllowWhere: "allow where", Deny: "deny"}


def _known(policy: PolicySet, role: str, coordinate: str, action: str) -> None:
    if role not in policy.roles:
        raise UnknownRole
    if coordinate not in policy.anchors:
        raise QuestionInvalid(unknown("coordinate", coordinate, policy.anchors))
    offered = questions.actions(policy.catalog, coordinate)
    if action not in offered:
        raise QuestionInvalid(f"{coordinate}: {unknown('action', action, offered)}")


def _outcome(
    decision: Decision, row: Row | None, attributes: Attributes, as_of: datetime
) -> tuple[bool | None, str | None]:
    match decision:
        case Allow():
            return True, None
        case Deny(reason):
            return False, reason.value
        case AllowWhere(rows):
            if row is None:
                return None, None
            if holds(rows, row, attributes, as_of.date()):
                return True, None
            return False, "the row does not meet the condition"
        case _:
            assert_never(decision)


def _lacking(policy: PolicySet, role: str, attributes: Attributes) -> tuple[str, ...]:
    """The attributes without which every request in a role is refused, and which are not there."""
    required = decided(policy, role).reads | policy.requires(role)
    return tuple(sorted(required - attributes.keys()))


def who_can(
    document: Document, coordinate: str, action: str, as_of: datetime
) -> tuple[Access, ...]:
    """The roles that may do it on some row, by name. QuestionInvalid for a coordinate or an action
    that does not exist."""
    policy = effective(document.policy, document.orders, as_of)
    found = []
    for role in sorted(policy.roles):
        _known(policy, role, coordinate, action)
        decision = decide(policy, role, coordinate, action)
        if isinstance(decision, Deny):
            continue
        holders = (name for name, roles in document.assignments.items() if role in roles)
        text = meaning(policy, decision, policy.anchors[coordinate])
        found.append(Access(role, words(decision), text, tuple(sorted(holders))))
    return tuple(found)


def matrix(
    document: Document,
    action: str,
    as_of: datetime,
    roles: Collection[str] = (),
    coordinates: Collection[str] = (),
) -> dict[str, dict[str, str]]:
    """Coordinate → role → condition in words, `` for never; all of them where none is named, of
    coordinates those that offer the action. UnknownRole; QuestionInvalid for a coordinate or an
    action that does not exist."""
    policy = effective(document.policy, document.orders, as_of)
    asked = sorted(roles or policy.roles)
    if not frozenset(asked) <= policy.roles.keys():
        raise UnknownRole
    if action not in questions.ACTIONS | questions.FILTERS:
        known = questions.ACTIONS | questions.FILTERS
        raise QuestionInvalid(unknown("action", action, known))
    for coordinate in coordinates:
        _known(policy, asked[0], coordinate, action)
    offering = [
        coordinate
        for coordinate in sorted(coordinates or policy.anchors)
        if action in questions.actions(policy.catalog, coordinate)
    ]
    tables = {role: decided(policy, role) for role in asked}
    return {
        coordinate: {role: _cell(tables[role].decide(coordinate, action)) for role in asked}
        for coordinate in offering
    }


def _cell(decision: Decision) -> str:
    return "" if isinstance(decision, Deny) else words(decision)
