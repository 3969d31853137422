"""A policy as the lines of a Casbin CSV, for any Casbin. Knows nothing of an engine.

p,role,object,action,condition,effect     a rule
g,role,role                               inheritance
g2,coordinate or class,class              membership
g3,condition,condition                    what else holds where a condition holds
g4,filter:eq,filter                       what an action is a case of
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import combinations, product
from typing import TYPE_CHECKING, Final, TypeAlias

from authz import hierarchy, questions
from authz.decision import Action
from authz.errors import PolicyInvalid
from authz.policy import ALWAYS, Effect, join, parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Set

    from authz.policy import PolicySet, Rule

Line: TypeAlias = tuple[str, ...]

TOKEN: Final = re.compile(r"[A-Za-z0-9_.&*:-]+")
"""A comma, a quote or a bracket in a token is read differently by different Casbins."""

_KEPT: Final = 2**14
"""Conditions of which is kept what was found: the same ones are asked about again and again."""


def lines(policy: PolicySet) -> tuple[Line, ...]:
    """All lines, in one order. Raises PolicyInvalid for a name that no CSV should hold."""
    found = (
        *rule_lines(policy.rules),
        *membership_lines("g", policy.parents),
        *membership_lines("g2", policy.containers),
        *condition_lines(conditions(policy)),
        *action_lines(),
    )
    for token in {token for line in found for token in line}:
        if not TOKEN.fullmatch(token):
            raise PolicyInvalid(f"'{token}' cannot stand in a CSV")
    return found


def policy_csv(policy: PolicySet) -> str:
    """The lines as a file that every Casbin reads, with model.conf."""
    return "".join(",".join(line) + "\n" for line in lines(policy))


def rule_lines(rules: Iterable[Rule]) -> tuple[Line, ...]:
    """Rules as p lines."""
    return tuple(
        ("p", rule.role, rule.object, rule.action, rule.condition, rule.effect.value)
        for rule in rules
    )


def membership_lines(kind: str, links: Mapping[str, Set[str]]) -> tuple[Line, ...]:
    """Names and what they are in, as g or g2 lines."""
    return tuple(sorted((kind, name, group) for name in links for group in links[name]))


def action_lines() -> tuple[Line, ...]:
    """Filtering by each operator is filtering: g4 lines."""
    return tuple(sorted(("g4", name, Action.FILTER.value) for name in questions.FILTERS))


def conditions(policy: PolicySet) -> frozenset[str]:
    """Every condition that has to be asked about: each allow's, and each with each deny's.

    A row that meets an allow's condition and a deny's meets their conjunction, so asking for that
    tells whether the deny takes the allow away.
    """
    own = {
        role: {
            effect: {rule.condition for _, rule in rules if rule.effect is effect}
            for effect in Effect
        }
        for role, rules in policy.rules_of.items()
    }
    found = {rule.condition for rule in policy.rules}
    met: set[tuple[frozenset[str], frozenset[str]]] = set()
    for role in policy.roles:
        above = [own[name] for name in hierarchy.reachable(policy.parents, role) if name in own]
        allows, denies = (
            frozenset().union(*(by_effect[effect] for by_effect in above)) for effect in Effect
        )
        met.add((allows, denies))
    return frozenset(found.union(*(pairs(allows, denies) for allows, denies in met)))


def pairs(allows: Set[str], denies: Set[str]) -> frozenset[str]:
    """Each condition of an allow, joined with each of a deny."""
    return frozenset(conjunction(allow, deny) for allow, deny in product(allows, denies))


@lru_cache(_KEPT)
def conjunction(one: str, other: str) -> str:
    """The condition that two conditions hold."""
    return join(parts(one) | parts(other))


@lru_cache(_KEPT)
def holding(condition: str) -> frozenset[str]:
    """Every condition that holds where this one does: it, what says less, and `always`."""
    names = sorted(parts(condition))
    sizes = range(len(names) + 1)
    return frozenset(join(some) for size in sizes for some in combinations(names, size))


def condition_lines(asked: Set[str]) -> tuple[Line, ...]:
    """What holds where each of these conditions holds: all of them that say less, and always."""
    known = {ALWAYS, *asked}.union(*(parts(condition) for condition in asked))
    return tuple(
        sorted(
            ("g3", condition, less)
            for condition in known
            for less in (holding(condition) & known) - {condition}
        )
    )
