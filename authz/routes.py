"""By which rules a role gets at a coordinate, and on which way: roles inherited, classes named.

Knows no order and no engine: what is open, others decide.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from authz.policy import Effect, parts
from db.predicate import Never

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Set

    from authz.index import Index
    from authz.policy import PolicySet, Rule


def opening(policy: PolicySet, index: Index, coordinate: str, action: str) -> tuple[Rule, ...]:
    """The rules of an index that allow it on some row, and that no deny takes away whole."""
    speakers = index.matching(coordinate, action)
    denied = [parts(each) for each in speakers.denies]
    anchor = policy.anchors[coordinate]
    return tuple(
        rule
        for rule in speakers.rules
        if rule.effect is Effect.ALLOW
        and not any(deny <= parts(rule.condition) for deny in denied)
        and not isinstance(policy.meaning(rule.condition, anchor), Never)
    )


def where(rules: Iterable[Rule]) -> str:
    """The conditions of rules that allow, in words of policy: either is enough."""
    return " or ".join(dict.fromkeys(rule.condition for rule in rules))


def route(policy: PolicySet, role: str, coordinate: str, rules: Iterable[Rule]) -> str:
    """The rules in words, each with the way from the role to its role and from its object to the
    coordinate, where there is one."""
    return " and ".join(_by(policy, role, coordinate, rule) for rule in rules)


def _by(policy: PolicySet, role: str, coordinate: str, rule: Rule) -> str:
    ways = [_way(policy.parents, role, rule.role), _way(policy.classes, rule.object, coordinate)]
    steps = "; ".join(" → ".join(way) for way in ways if len(way) > 1)
    named = f"the rule for {rule.role} to {rule.action} {rule.object}"
    return f"{named} ({steps})" if steps else named


def _way(links: Mapping[str, Set[str]], begin: str, end: str) -> tuple[str, ...]:
    """The shortest way from a name to another, both included."""
    ways: deque[tuple[str, ...]] = deque([(begin,)])
    seen = {begin}
    while ways:
        way = ways.popleft()
        if way[-1] == end:
            return way
        for name in sorted(links.get(way[-1], frozenset()) - seen):
            seen.add(name)
            ways.append((*way, name))
    return (begin, end)
