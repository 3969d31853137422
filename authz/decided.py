"""Decisions that were made before, kept: an edit leaves most roles as they are. Decides nothing.

What is kept for is everything that the decisions of a role rest on, its own part of the policy, and
never a name or a version of it.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from authz import hierarchy
from authz.enforcer import decision_set
from authz.errors import UnknownRole
from authz.policy import parts

if TYPE_CHECKING:
    from authz.decision import DecisionSet
    from authz.policy import PolicySet, Rule
    from db.catalog import Catalog

_MOST: Final = 45_000
"""Rules behind the sets that are kept, with `_EACH` more for each: a version of 10,000 in a hundred
roles and the one that is to replace it, or four in thirteen roles."""
_EACH: Final = 100


def decided(policy: PolicySet, role: str) -> DecisionSet:
    """Every decision of one role, as `decision_set` makes them. Raises what it raises.

    Two threads may make the same one at once; they are equal, and either stays.
    """
    if role not in policy.roles:
        raise UnknownRole
    rules = _rules(policy, role)
    key = (role, _digest(policy, role, rules))
    found = _KEPT.get(policy.catalog, key)
    if found is None:
        found = decision_set(policy, role)
        _KEPT.put(policy.catalog, key, found, _EACH + len(rules))
    return found if found.version == policy.digest else replace(found, version=policy.digest)


def _rules(policy: PolicySet, role: str) -> list[Rule]:
    above = sorted(hierarchy.reachable(policy.parents, role))
    return [rule for name in above for _, rule in policy.rules_of.get(name, ())]


def _digest(policy: PolicySet, role: str, rules: list[Rule]) -> str:
    """SHA-256 of all that the decisions of one role rest on besides the catalog, in hexadecimal.

    That is the role and what it inherits, their rules, the classes that these name and all within,
    and the meanings of their scopes.
    """
    above = sorted(hierarchy.reachable(policy.parents, role))
    own = policy.roles[role]
    text = json.dumps(
        [
            [own.page_limit, own.denial_mode.value, policy.smallest_cell(role)],
            [(name, sorted(policy.parents[name])) for name in above],
            [
                (each.role, each.object, each.action, each.condition, each.effect.value,
                 each.reason.name)
                for each in rules
            ],
            _classes(policy, {rule.object for rule in rules}),
            _scopes(policy, {rule.condition for rule in rules}),
        ]
    )  # fmt: skip
    return sha256(text.encode()).hexdigest()


def _classes(policy: PolicySet, objects: set[str]) -> list[tuple[str, list[str]]]:
    named = frozenset[str]().union(
        *(hierarchy.reachable(policy.classes, name) for name in objects & policy.classes.keys())
    )
    return [(name, sorted(policy.classes[name])) for name in sorted(named & policy.classes.keys())]


def _scopes(policy: PolicySet, conditions: set[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    named = frozenset[str]().union(*(parts(condition) for condition in conditions))
    return [
        (name, sorted((anchor, scope.text) for anchor, scope in policy.scopes[name].items()))
        for name in sorted(named)
    ]


class _Kept:
    """The sets that were asked for last, for one catalog: there is one in a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._catalog: Catalog | None = None
        self._sets: OrderedDict[tuple[str, str], tuple[DecisionSet, int]] = OrderedDict()
        self._size = 0

    def get(self, catalog: Catalog, key: tuple[str, str]) -> DecisionSet | None:
        """A set that is kept, as the one that was asked for last."""
        with self._lock:
            if catalog is not self._catalog or key not in self._sets:
                return None
            self._sets.move_to_end(key)
            return self._sets[key][0]

    def put(self, catalog: Catalog, key: tuple[str, str], found: DecisionSet, size: int) -> None:
        """Keeps a set; those that nobody asked for longest go."""
        with self._lock:
            if catalog is not self._catalog:
                self._catalog = catalog
                self._sets.clear()
                self._size = 0
            _, before = self._sets.pop(key, (None, 0))
            self._sets[key] = (found, size)
            self._size += size - before
            while self._size > _MOST and len(self._sets) > 1:
                _, (_, gone) = self._sets.popitem(last=False)
                self._size -= gone


_KEPT: Final = _Kept()
