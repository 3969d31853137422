"""A version against its orders: what it would give beyond them, and what becomes of the orders."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from authz.ceiling import Excess, capped, violations
from authz.checks.finding import Check, Finding, Severity
from authz.implies import implies
from authz.near import unknown
from authz.order import Status
from authz.policy import parts
from authz.routes import route, where

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from authz.ceiling import Violation
    from authz.document import Document
    from authz.order import Order
    from authz.policy import PolicySet, Rule


def order_findings(before: Document | None, after: Document, as_of: datetime) -> Iterator[Finding]:
    """What speaks against `after` for the sake of orders, those of a later day included.

    An excess is an error where the edit brings it. It is a warning where `before` had it, under the
    same orders, on no fewer rows: then an order came after the policy, and access is what both
    leave.
    """
    for order in sorted(after.orders, key=lambda each: each.name):
        if order.role not in after.policy.roles:
            problem = unknown("role", order.role, after.policy.roles)
            yield _about(order, Severity.ERROR, f"would cap nobody: {problem}")
        elif since := _binding(order, as_of):
            yield from _excess(before, after, order, since)
        if _closes(before, after, order, as_of):
            yield _about(
                order,
                Severity.WARNING,
                f"caps {order.role} from now on, and is not in force yet: until it is, the role "
                "reads nothing",
            )
        if _means_otherwise(after.policy, order):
            others = _others(after, order.scope)
            # Its word would hold in their rules, too, and an order is to change one role.
            named = f", and rules of {', '.join(others)} name it: call one of the two otherwise"
            text = f"says who '{order.scope}' are, and the policy says otherwise"
            if others:
                said = f"the order {order.name} {text}{named}"
                yield Finding(Severity.ERROR, Check.SCOPE, said, order.role)
            else:
                yield _about(order, Severity.WARNING, f"{text}: the order's word holds")
    if before is not None:
        for order in sorted(before.orders, key=lambda each: each.name):
            yield from _changed(order, after, as_of)


def _binding(order: Order, as_of: datetime) -> str | None:
    """Since when an order is in force, in words; None where it is not and will not be."""
    if order.in_force(as_of):
        return "in force"
    later = [
        change.at
        for change in order.history
        if change.at > as_of and change.status is Status.IN_FORCE
    ]
    return f"in force from {min(later).isoformat()} on" if later else None


def _means_otherwise(policy: PolicySet, order: Order) -> bool:
    named = policy.scopes.get(order.scope, {})
    return any(
        anchor in named and named[anchor].predicate != scope.predicate
        for anchor, scope in order.population.items()
    )


def _closes(before: Document | None, after: Document, order: Order, as_of: datetime) -> bool:
    """Whether an order takes everything from a role that was free, because its day is to come."""
    if before is None or order.role in capped(before.policy, before.orders):
        return False
    return not any(each.in_force(as_of) for each in after.orders if each.role == order.role)


def _others(document: Document, scope: str) -> list[str]:
    """The roles without a cap whose rules name a row scope."""
    free = document.policy.roles.keys() - capped(document.policy, document.orders)
    rules = document.policy.rules
    return sorted({r.role for r in rules if r.role in free and scope in parts(r.condition)})


def _excess(
    before: Document | None, after: Document, order: Order, since: str
) -> Iterator[Finding]:
    policy = after.policy
    found = violations(policy, order)
    if not found:
        return
    known = (
        {}
        if before is None
        else {
            (each.role, each.coordinate, each.action): each
            for each in violations(before.policy, order)
        }
    )
    alike: defaultdict[tuple[Severity, str, Excess, tuple[Rule, ...]], list[Violation]]
    alike = defaultdict(list)
    stood = before is not None and order.name in {each.name for each in before.orders}
    standing: Counter[str] = Counter()
    for each in found:
        was = known.get((each.role, each.coordinate, each.action))
        old = was is not None and implies(each.rows, was.rows)
        if old and stood:
            standing[each.role] += 1
            continue
        error = each.excess is Excess.COORDINATE and not old
        severity = Severity.ERROR if error else Severity.WARNING
        alike[severity, each.role, each.excess, each.rules].append(each)
    for (severity, *_), group in alike.items():
        yield _finding(policy, order, since, severity, group)
    # Told one by one when the order came; whoever edits something else has seen it since.
    for role, count in sorted(standing.items()):
        yield Finding(
            Severity.WARNING,
            Check.ORDER,
            f"{role} would get more than the order leaves in {count} cases, as before "
            f"({order.name}, {since}); nobody gets it, because access is what both leave",
            role,
        )


def _finding(
    policy: PolicySet, order: Order, since: str, severity: Severity, group: list[Violation]
) -> Finding:
    one = group[0]
    more = f", and {len(group) - 1} more like it" if len(group) > 1 else ""
    beyond = f"{one.excess.value} ({order.name}, {since})"
    if severity is Severity.WARNING:
        beyond += "; nobody gets it, because access is what both leave"
    return Finding(
        severity,
        Check.ORDER,
        f"{one.role} may {one.action} {one.coordinate} where {where(one.rules)}{more}: {beyond}; "
        f"by {route(policy, one.role, one.coordinate, one.rules)}",
        one.role,
        one.coordinate,
        one.action,
        where(one.rules),
    )


def _changed(order: Order, after: Document, as_of: datetime) -> Iterator[Finding]:
    """What becomes of an order that was there. One that ended sets nobody free, and neither does
    one that is left out, or whose past is written anew."""
    same = next((each for each in after.orders if each.name == order.name), None)
    if same is None:
        yield _about(
            order,
            Severity.ERROR,
            f"would be gone, and with it what caps {order.role}: set its status instead",
        )
        return
    if same.role != order.role:
        yield _about(order, Severity.ERROR, f"would no longer cap {order.role}")
    past = {change for change in order.history if change.at <= as_of}
    if not past <= set(same.history):
        yield _about(order, Severity.ERROR, "would have another past: history is added to")
    if (same.grants, same.population) != (order.grants, order.population):
        yield _about(order, Severity.WARNING, "says something else than it did")


def _about(order: Order, severity: Severity, text: str) -> Finding:
    return Finding(severity, Check.ORDER, f"the order {order.name} {text}", order.role)
