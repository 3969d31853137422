"""Which rules can speak of a role, a coordinate and an action. Knows nothing of what they decide.

Casbin walks all rules for every question; these are the ones among which its answer is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz import hierarchy, questions

if TYPE_CHECKING:
    from authz.policy import PolicySet, Rule


class Index:
    """The rules of one role, inherited ones included, by coordinate and action."""

    def __init__(self, policy: PolicySet, role: str) -> None:
        parents = {name: entry.inherits for name, entry in policy.roles.items()}
        self.roles = hierarchy.reachable(parents, role)
        self._containers = hierarchy.inverse(policy.classes)
        self._objects: dict[str, frozenset[str]] = {}
        self._rules: dict[tuple[str, str], list[Rule]] = {}
        for rule in policy.rules:
            if rule.role in self.roles:
                self._rules.setdefault((rule.object, rule.action), []).append(rule)

    def objects(self, coordinate: str) -> frozenset[str]:
        """A coordinate and all the classes that it is in."""
        if coordinate not in self._objects:
            self._objects[coordinate] = hierarchy.reachable(self._containers, coordinate)
        return self._objects[coordinate]

    def matching(self, coordinate: str, action: str) -> tuple[Rule, ...]:
        """The rules about a coordinate and an action, whatever their condition; in no order."""
        asked = (action, questions.parent(action))
        return tuple(
            rule
            for target in self.objects(coordinate)
            for name in asked
            if name is not None
            for rule in self._rules.get((target, name), ())
        )
