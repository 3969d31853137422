"""A version against its invariants: what its effective decisions allow that was ruled out. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from authz import questions
from authz.ceiling import effective
from authz.checks.finding import Check, Finding, Severity
from authz.decided import decided
from authz.decision import condition
from authz.errors import PolicyInvalid
from authz.implies import implies
from authz.index import Index
from authz.invariant_file import check_invariant
from authz.order import instants
from authz.policy import ALWAYS
from authz.routes import opening, route, where
from authz.wildcards import within
from db.predicate import Never

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from authz.decision import Decision
    from authz.document import Document
    from authz.invariant import Invariant
    from authz.policy import PolicySet


def invariant_findings(document: Document, as_of: datetime) -> Iterator[Finding]:
    """What decisions allow against an invariant, orders included, now or at a later instant at
    which something dated changes; each once, as it is first allowed."""
    meant = []
    for invariant in document.invariants:
        if (finding := _meaningless(document.policy, invariant)) is None:
            meant.append(invariant)
        else:
            yield finding
    if not meant:
        return
    said: set[tuple[str, str, str, str]] = set()
    for instant in instants(document.orders, as_of):
        policy = effective(document.policy, document.orders, instant)
        since = "" if instant == as_of else f" from {instant.isoformat()} on"
        for invariant in sorted(meant, key=lambda each: each.name):
            for role in bound(invariant, policy):
                broken = [
                    question
                    for question in _broken(policy, invariant, role)
                    if (invariant.name, role, *question) not in said
                ]
                said |= {(invariant.name, role, *question) for question in broken}
                yield from _findings(policy, invariant, role, broken, since)


def _meaningless(policy: PolicySet, invariant: Invariant) -> Finding | None:
    """That an invariant means nothing in the policy, as after an edit that took away what it names;
    None where it has a meaning."""
    try:
        check_invariant(policy, invariant)
    except PolicyInvalid as error:
        return Finding(Severity.ERROR, Check.INVARIANT, error.detail)
    return None


def bound(invariant: Invariant, policy: PolicySet) -> list[str]:
    """The roles of a policy that an invariant binds, by name."""
    return sorted((invariant.roles or policy.roles.keys()) - invariant.but)


def _broken(policy: PolicySet, invariant: Invariant, role: str) -> Iterator[tuple[str, str]]:
    """The coordinates and actions that a role has on rows on which the invariant rules it out."""
    table = decided(policy, role).table
    fine: dict[tuple[int, str | None], bool] = {}
    for coordinate in sorted(_coordinates(policy, invariant)):
        anchor = policy.anchors[coordinate]
        for action in questions.actions(policy.catalog, coordinate):
            decision = table.get((coordinate, action))
            if decision is None or not _speaks_of(invariant, action):
                continue
            # Few different decisions are behind many questions, and each is the same object.
            key = (id(decision), anchor)
            if key not in fine:
                fine[key] = _is_fine(policy, invariant, decision, anchor)
            if not fine[key]:
                yield coordinate, action


def _coordinates(policy: PolicySet, invariant: Invariant) -> frozenset[str]:
    return frozenset[str]().union(
        *(within(policy.catalog, policy.classes, name) for name in invariant.on)
    )


def _speaks_of(invariant: Invariant, action: str) -> bool:
    return action in invariant.actions or questions.parent(action) in invariant.actions


def _is_fine(
    policy: PolicySet, invariant: Invariant, decision: Decision, anchor: str | None
) -> bool:
    """Whether a decision is proven to open no row that the invariant closes."""
    left = policy.meaning(invariant.only_where, anchor) if invariant.only_where else Never()
    return implies(condition(decision), left)


def _findings(
    policy: PolicySet,
    invariant: Invariant,
    role: str,
    broken: Sequence[tuple[str, str]],
    since: str,
) -> Iterator[Finding]:
    """One for each set of rules by which it is open, with the first that they open."""
    index = Index(policy, role)
    alike: defaultdict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for coordinate, action in broken:
        rules = opening(policy, index, coordinate, action)
        named = ", ".join(f"{rule.role} {rule.object} {rule.condition}" for rule in rules)
        by = route(policy, role, coordinate, rules)
        alike[named].append((coordinate, action, f"{where(rules)}\n{by}"))
    for group in alike.values():
        coordinate, action, words = group[0]
        rows, _, by = words.partition("\n")
        more = f", and {len(group) - 1} more like it" if len(group) > 1 else ""
        only = f" but where {invariant.only_where}" if invariant.only_where else ""
        closed = rows if not invariant.only_where else f"{rows}, not only {invariant.only_where}"
        yield Finding(
            Severity.ERROR,
            Check.INVARIANT,
            f"{role} may {action} {coordinate} where {rows}{more}{since}: never{only}, says the "
            f"invariant {invariant.name} ({invariant.why}); by {by}",
            role,
            coordinate,
            action,
            closed if rows != ALWAYS or invariant.only_where else ALWAYS,
        )
