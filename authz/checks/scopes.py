"""Row scopes of capped roles: those that would tell a value which no order leaves the role. Pure.

An order says what a role gets to know. A condition that is met by some of its people alone tells
of each who meets it, by the values that are shown and by those that are not.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from authz.ceiling import capped, effective
from authz.checks.finding import Check, Finding, Severity
from authz.decided import decided
from authz.decision import Action, AllowWhere, condition
from authz.implies import implies
from authz.matcher import binding
from authz.order import instants
from authz.policy import parts
from authz.reads import columns, shown
from authz.wording import words
from db.predicate import Never

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from authz.decision import Decision
    from authz.document import Document
    from authz.policy import PolicySet

    _Columns = frozenset[tuple[str, str]]


def scope_findings(before: Document | None, after: Document, as_of: datetime) -> Iterator[Finding]:
    """What effective decisions of capped roles ask about beyond orders, now or at a later instant
    at which something dated changes; each once, as it first would. A warning where the policy of
    `before`, as it is written, asked about it for the same coordinate and action."""
    roles = sorted(capped(after.policy, after.orders))
    if not roles:
        return
    stood = {
        role: _asked(before.policy, role)
        for role in roles
        if before is not None and role in before.policy.roles
    }
    said: set[tuple[str, str, str, _Columns]] = set()
    for instant in instants(after.orders, as_of):
        policy = effective(after.policy, after.orders, instant)
        since = "" if instant == as_of else f" from {instant.isoformat()} on"
        for role in roles:
            left = _left(after, role, instant)
            alike: defaultdict[tuple[Severity, str, str, _Columns], list[tuple[str, str]]]
            alike = defaultdict(list)
            for (coordinate, action), asked in sorted(_asked(policy, role).items()):
                anchor = policy.anchors[coordinate] or ""
                beyond = asked - left[anchor] if anchor in left else asked
                if not beyond or (role, coordinate, action, beyond) in said:
                    continue
                said.add((role, coordinate, action, beyond))
                old = stood.get(role, {}).get((coordinate, action), frozenset())
                severity = Severity.WARNING if beyond <= old else Severity.ERROR
                decision = decided(policy, role).decide(coordinate, action)
                scopes = _named(policy, decision, anchor, beyond)
                alike[severity, words(decision), scopes, beyond].append((coordinate, action))
            for (severity, rows, scopes, beyond), group in alike.items():
                yield _finding(severity, role, rows, scopes, beyond, group, since)


def _asked(policy: PolicySet, role: str) -> Mapping[tuple[str, str], _Columns]:
    """(Coordinate, action) → what the decision's condition asks about, where it does and some row
    may meet it."""
    found: dict[tuple[str, str], _Columns] = {}
    # Few different decisions are behind many questions, and each is the same object.
    known: dict[tuple[int, str], _Columns] = {}
    for (coordinate, action), decision in decided(policy, role).table.items():
        anchor = policy.anchors[coordinate]
        if anchor is None or not isinstance(decision, AllowWhere):
            continue
        key = (id(decision), anchor)
        if key not in known:
            rows = condition(decision)
            asked = columns(rows, policy.catalog.entities[anchor].table)
            known[key] = asked if asked and not implies(rows, Never()) else frozenset()
        if known[key]:
            found[coordinate, action] = known[key]
    return found


def _left(document: Document, role: str, at: datetime) -> Mapping[str, _Columns]:
    """Anchor → what every order in force lets a role read or filter, and what says who its people
    are."""
    catalog = document.policy.catalog
    orders = [order for order in binding(document, role) if order.in_force(at)]
    granted = frozenset[str]().union(*(order.grants for order in orders))
    open_to = shown(
        catalog,
        (
            coordinate
            for coordinate in granted
            if all(
                order.covers(coordinate, Action.READ.value)
                or order.covers(coordinate, Action.FILTER.value)
                for order in orders
            )
        ),
    )
    return {
        anchor: open_to.union(
            *(
                columns(order.population[anchor].predicate, catalog.entities[anchor].table)
                for order in orders
                if anchor in order.population
            )
        )
        for anchor in frozenset[str]().union(*(order.population for order in orders))
    }


def _named(policy: PolicySet, decision: Decision, anchor: str, beyond: _Columns) -> str:
    """The row scopes of a decision that ask about some columns."""
    if not isinstance(decision, AllowWhere):
        return ""
    table = policy.catalog.entities[anchor].table
    labels = decision.label.replace("!", "|").split("|")
    names = frozenset[str]().union(*(parts(label) for label in labels))
    return ", ".join(
        name
        for name in sorted(names)
        if columns(policy.scopes[name][anchor].predicate, table) & beyond
    )


def _finding(
    severity: Severity,
    role: str,
    rows: str,
    scopes: str,
    beyond: _Columns,
    group: list[tuple[str, str]],
    since: str,
) -> Finding:
    coordinate, action = group[0]
    more = f", and {len(group) - 1} more like it" if len(group) > 1 else ""
    asked = ", ".join(f"{table}.{column}" for table, column in sorted(beyond))
    return Finding(
        severity,
        Check.SCOPE,
        f"{role} may {action} {coordinate} where {rows}{more}{since}: {scopes} asks about {asked}, "
        "which no order lets it read or filter, and a value or its absence would tell it",
        role,
        coordinate,
        action,
        rows,
    )
