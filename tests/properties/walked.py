"""What a policy says, walked by brute force: rules, classes, roles, every truth of every scope.

Shares nothing with the code under test but the values that a policy is made of. A scope's text is
cut into atoms, each of which is true, false or unknown of a row; a rule that allows needs all of
its scopes true, and one that denies needs none false.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

from authz import questions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from authz.order import Order
    from authz.policy import PolicySet

Truth = bool | None
Question = tuple[str, str, str]
"""Role, coordinate, action."""
Said = tuple[tuple[str, ...], tuple[str, ...]]
"""The texts under which something is allowed, and those under which it is denied."""


def split(text: str, word: str) -> list[str]:
    """A text at each place where a word stands outside of parentheses."""
    parts, depth, begin, at = [], 0, 0, 0
    while at < len(text):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0 and text.startswith(f" {word} ", at):
            parts.append(text[begin:at])
            begin = at = at + len(word) + 2
        else:
            at += 1
    return [*parts, text[begin:]]


def inside(text: str) -> str | None:
    """What is between parentheses that hold a whole text."""
    if not text.startswith("("):
        return None
    depth = 0
    for at, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return text[1:at] if at == len(text) - 1 else None
    return None


@lru_cache(50_000)
def atoms(text: str) -> frozenset[str]:
    """The conditions that a text is made of."""
    found: set[str] = set()
    _value(text, lambda atom: found.add(atom))
    return frozenset(found)


def truth(text: str, row: dict[str, Truth]) -> Truth:
    """Whether a text holds on a row, as far as that is known (Kleene)."""
    return _value(text, row.__getitem__)


def _value(text: str, of: Callable[[str], Truth]) -> Truth:
    text = text.strip()
    if len(parts := split(text, "or")) > 1:
        return _not(_all([_not(_value(part, of)) for part in parts]))
    if len(parts := split(text, "and")) > 1:
        return _all([_value(part, of) for part in parts])
    if (within := inside(text)) is not None:
        return _value(within, of)
    if text.startswith("not "):
        return _not(_value(text[4:], of))
    if text in ("always", "never"):
        return text == "always"
    return of(text)


def _all(found: list[Truth]) -> Truth:
    return False if False in found else None if None in found else True


def _not(found: Truth) -> Truth:
    return None if found is None else not found


def rows(texts: frozenset[str]) -> Iterator[dict[str, Truth]]:
    """Every way in which the atoms of some texts are true, false or unknown."""
    names = sorted(frozenset[str]().union(*(atoms(text) for text in texts)))
    for values in product((True, False, None), repeat=len(names)):
        yield dict(zip(names, values, strict=True))


def allows(said: Said, row: dict[str, Truth]) -> bool:
    """Whether something is allowed on a row."""
    allow, deny = said
    return any(truth(text, row) is True for text in allow) and not any(
        truth(text, row) is not False for text in deny
    )


@lru_cache(50_000)
def grows(before: Said, after: Said) -> bool:
    """Whether something is allowed on a row on which it was not."""
    texts = frozenset((*before[0], *before[1], *after[0], *after[1]))
    return any(allows(after, row) and not allows(before, row) for row in rows(texts))


def heirs(policy: PolicySet, role: str) -> set[str]:
    """A role of a policy and those that have its rules."""
    return {name for name in policy.roles if role in _above(policy, name)}


def _above(policy: PolicySet, name: str) -> set[str]:
    return {name}.union(*(_above(policy, each) for each in policy.roles[name].inherits))


@dataclass
class Walked:
    """A policy that is walked for some roles. `named` are meanings that overrule the policy's."""

    policy: PolicySet
    named: dict[str, dict[str, str]]

    def said(self, role: str) -> dict[tuple[str, str], Said]:
        """(coordinate, action) → what rules say of it, where some rule allows it."""
        above = _above(self.policy, role)
        allow: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        deny: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for rule in self.policy.rules:
            if rule.role not in above:
                continue
            for coordinate in self._coordinates(rule.object):
                text = self._text(rule.condition, coordinate)
                for action in questions.actions(self.policy.catalog, coordinate):
                    if rule.action in (action, action.partition(":")[0]):
                        into = allow if rule.effect.value == "allow" else deny
                        into[coordinate, action].add(text)
        return {
            question: (tuple(sorted(texts)), tuple(sorted(deny.get(question, ()))))
            for question, texts in allow.items()
        }

    def _coordinates(self, name: str) -> set[str]:
        everything = questions.coordinates(self.policy.catalog)
        if name == "*":
            return set(everything)
        if name.endswith(".*"):
            return {each for each in everything if each.split(".")[0] == name[:-2]}
        if name in everything:
            return {name}
        return set[str]().union(*(self._coordinates(each) for each in self.policy.classes[name]))

    def _text(self, condition: str, coordinate: str) -> str:
        if condition == "always":
            return condition
        anchor = questions.anchor(self.policy.catalog, coordinate) or ""
        texts = [
            self.named.get(name, {}).get(anchor) or self.policy.scopes[name][anchor].text
            for name in condition.split("&")
        ]
        return " and ".join(f"({text})" for text in texts)


def covers(order: Order, coordinate: str, action: str) -> bool:
    """Whether an order leaves an action."""
    left = order.grants.get(coordinate, frozenset())
    return action in left or action.partition(":")[0] in left


def in_force(order: Order, at: datetime) -> bool:
    """Whether an order is in force at an instant."""
    past = [change for change in order.history if change.at <= at]
    return bool(past) and max(past, key=lambda each: each.at).status.value == "in_force"


def excesses(before: PolicySet, after: PolicySet, order: Order) -> set[Question]:
    """What a policy, as it is written, allows beyond an order on rows on which the one before it
    did not: to the roles that the order capped then, and to those that it caps anew."""
    nothing: Said = ((), ())
    found: set[Question] = set()
    for role in heirs(after, order.role):
        was = Walked(before, {}).said(role) if role in heirs(before, order.role) else {}
        for (coordinate, action), said in Walked(after, {}).said(role).items():
            if not covers(order, coordinate, action) and grows(
                was.get((coordinate, action), nothing), said
            ):
                found.add((role, coordinate, action))
    return found
