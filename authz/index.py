"""Which rules can speak of a role, a coordinate and an action. Knows nothing of what they decide.

Casbin walks all rules for every question; these are the ones among which its answer is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from authz import hierarchy, questions
from authz.policy import Effect

if TYPE_CHECKING:
    from authz.policy import PolicySet, Rule


@dataclass(frozen=True, eq=False)
class Speakers:
    """Rules that speak of the same questions of one role, as policy has them in order.

    Questions of which the same rules speak have the same object here, so it is a key by itself.
    """

    rules: tuple[Rule, ...]

    @property
    def kinds(self) -> tuple[frozenset[str], frozenset[str]]:
        """What distinguishes them to Casbin, once it is known that they match."""
        return self.allows, self.denies

    @cached_property
    def allows(self) -> frozenset[str]:
        """The conditions of those that allow."""
        return frozenset(rule.condition for rule in self.rules if rule.effect is Effect.ALLOW)

    @cached_property
    def denies(self) -> frozenset[str]:
        """The conditions of those that deny."""
        return frozenset(rule.condition for rule in self.rules if rule.effect is Effect.DENY)


class Index:
    """The rules of one role, inherited ones included, by coordinate and action."""

    def __init__(self, policy: PolicySet, role: str) -> None:
        self.roles = hierarchy.reachable(policy.parents, role)
        self._policy = policy
        self._places: dict[tuple[str, str], list[int]] = {}
        for name in self.roles:
            for place, rule in policy.rules_of.get(name, ()):
                self._places.setdefault((rule.object, rule.action), []).append(place)
        self._named = frozenset(target for target, _ in self._places)
        self._actions = frozenset(action for _, action in self._places)
        self.conditions = frozenset(
            policy.rules[place].condition for places in self._places.values() for place in places
        )
        self._about: dict[str, frozenset[str]] = {}
        self._speakers: dict[tuple[frozenset[str], str], Speakers] = {}

    def memberships(self, coordinate: str) -> dict[str, frozenset[str]]:
        """A coordinate, the classes that it is in, and the classes of those, by step."""
        within = self._policy.containers
        return {name: within.get(name, frozenset()) for name in self._policy.objects[coordinate]}

    def matching(self, coordinate: str, action: str) -> Speakers:
        """The rules about a coordinate and an action, whatever their condition."""
        key = (self._objects(coordinate), self._spoken(action))
        found = self._speakers.get(key)
        if found is None:
            found = self._speakers[key] = Speakers(self._find(*key))
        return found

    def _objects(self, coordinate: str) -> frozenset[str]:
        """Of a coordinate and the classes that it is in, those that a rule of the role names."""
        found = self._about.get(coordinate)
        if found is None:
            found = self._about[coordinate] = (
                self._policy.objects.get(coordinate, frozenset()) & self._named
            )
        return found

    def _spoken(self, action: str) -> str:
        """The action, or the one that it is a case of where no rule of the role names the case."""
        return action if action in self._actions else questions.parent(action) or action

    def _find(self, objects: frozenset[str], action: str) -> tuple[Rule, ...]:
        asked = [action] if (above := questions.parent(action)) is None else [action, above]
        places = [
            place
            for target in objects
            for name in asked
            for place in self._places.get((target, name), ())
        ]
        return tuple(self._policy.rules[place] for place in sorted(places))
