"""The rules that take part in one decision, found one by one, and what they come to. No engine.

An engine names one rule at most, so whoever explains has to find them without it. Tests hold the
outcome against the engine's on every question.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from authz import hierarchy, questions
from authz.decision import Allow, AllowWhere, Deny, Reason
from authz.order import standing
from authz.policy import ALWAYS, Effect, Rule, join, parts
from db.predicate import Always, Never, both, either, negate

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from authz.decision import Decision
    from authz.document import Document
    from authz.order import Order
    from authz.policy import PolicySet
    from db.predicate import Predicate


def binding(document: Document, role: str) -> tuple[Order, ...]:
    """The orders that bind a role, by itself or by a role that it inherits; in force or not."""
    above = hierarchy.reachable(document.policy.parents, role)
    return tuple(order for order in document.orders if order.role in above)


def taking_part(
    document: Document, role: str, coordinate: str, action: str, as_of: datetime
) -> tuple[Rule, ...]:
    """The rules that speak of a question: as they are written, with the people of the orders that
    bind the role in their conditions; and last the rule by which an order denies it.

    Where an order leaves some operators of `filter` and not all, the question `filter` is denied by
    that rule, and the engine, which then has no rule about it, says so.
    """
    above = hierarchy.reachable(document.policy.parents, role)
    rules = _speaking(document.policy, above, coordinate, action)
    orders = binding(document, role)
    return _under(orders, rules, (role, coordinate, action), as_of) if orders else rules


def outcome(policy: PolicySet, rules: Sequence[Rule], anchor: str | None) -> Decision:
    """What rules that all speak of one question come to: some allow holds, and no deny does.

    `policy` says what scopes mean: the effective one, orders included.
    """
    by_effect = {
        effect: sorted({rule.condition for rule in rules if rule.effect is effect})
        for effect in Effect
    }
    denies = by_effect[Effect.DENY]
    ways: list[Predicate] = []
    label: list[str] = []
    for allow in by_effect[Effect.ALLOW]:
        if any(parts(deny) <= parts(allow) for deny in denies):
            continue
        kept = (negate(policy.meaning(deny, anchor)) for deny in denies)
        ways.append(both(policy.meaning(allow, anchor), *kept))
        label.append("!".join((allow, *denies)))
    match either(*ways):
        case Always():
            return Allow()
        case Never():
            return Deny(_reason(rules))
        case rows:
            return AllowWhere(rows, "|".join(label))


def _speaking(
    policy: PolicySet, roles: Collection[str], coordinate: str, action: str
) -> tuple[Rule, ...]:
    actions = {action, questions.parent(action)}
    inside: dict[str, bool] = {}

    def about(target: str) -> bool:
        if target not in inside:
            inside[target] = target == coordinate or any(
                about(member) for member in policy.classes.get(target, ())
            )
        return inside[target]

    return tuple(
        rule
        for rule in policy.rules
        if rule.role in roles and rule.action in actions and about(rule.object)
    )


def _under(
    orders: Collection[Order],
    rules: tuple[Rule, ...],
    question: tuple[str, str, str],
    as_of: datetime,
) -> tuple[Rule, ...]:
    """What rules come to under the orders that bind a role: only on their people; or denied."""
    role, coordinate, action = question
    holding = standing(orders, as_of)
    if not holding or not all(order.covers(coordinate, action) for order in holding):
        reason = Reason.ORDER if holding else Reason.NO_ORDER
        return (*rules, Rule(role, coordinate, action, ALWAYS, Effect.DENY, reason))
    people = {order.scope for order in holding}
    return tuple(
        replace(rule, condition=join(parts(rule.condition) | people))
        if rule.effect is Effect.ALLOW
        else rule
        for rule in rules
    )


def _reason(rules: Sequence[Rule]) -> Reason:
    given = [rule.reason for rule in rules if rule.effect is Effect.DENY]
    for reason in (Reason.NO_ORDER, Reason.ORDER, Reason.RULE):
        if reason in given:
            return reason
    return Reason.NO_RULE
