"""Which rules can speak of a role, a coordinate and an action. Knows nothing of what they decide.

Casbin walks all rules for every question; these are the ones among which its answer is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz import hierarchy, questions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authz.policy import PolicySet, Rule


class Index:
    """The rules of one role, inherited ones included, by coordinate and action."""

    def __init__(self, policy: PolicySet, role: str) -> None:
        parents = {name: entry.inherits for name, entry in policy.roles.items()}
        self.roles = hierarchy.reachable(parents, role)
        self._containers = hierarchy.inverse(policy.classes)
        self._objects: dict[str, frozenset[str]] = {}
        self._rules = policy.rules
        self._places: dict[tuple[str, str], list[int]] = {}
        for place, rule in enumerate(policy.rules):
            if rule.role in self.roles:
                self._places.setdefault((rule.object, rule.action), []).append(place)

    def objects(self, coordinate: str) -> frozenset[str]:
        """A coordinate and all the classes that it is in."""
        if coordinate not in self._objects:
            self._objects[coordinate] = hierarchy.reachable(self._containers, coordinate)
        return self._objects[coordinate]

    def memberships(self, coordinates: Iterable[str]) -> dict[str, frozenset[str]]:
        """These coordinates, the classes that they are in, and the classes of those, by step."""
        reached = frozenset().union(*(self.objects(coordinate) for coordinate in coordinates))
        return {name: frozenset(self._containers.get(name, ())) for name in reached}

    def matching(self, coordinate: str, action: str) -> tuple[Rule, ...]:
        """The rules about a coordinate and an action, whatever their condition, as policy has them.

        Policy has its rules in one order, so questions that meet the same rules get equal tuples.
        """
        asked = (action, questions.parent(action))
        places = [
            place
            for target in self.objects(coordinate)
            for name in asked
            if name is not None
            for place in self._places.get((target, name), ())
        ]
        return tuple(self._rules[place] for place in sorted(places))
