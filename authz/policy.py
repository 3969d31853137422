"""Roles, data classes, row scopes and rules, as values. Knows no file and no engine.

`policy_check.policy_set` makes a PolicySet and refuses whatever it does not know: a rule that is
skipped could be the one that denies.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from authz import hierarchy, questions
from authz.decision import Reason
from db.predicate import both

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from authz.decision import DenialMode
    from db.catalog import Catalog
    from db.predicate import Predicate

ALWAYS: Final = "always"
"""The condition that holds on every row, and where there is no row."""
_AND: Final = "&"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Effect(Enum):
    """What a rule says."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Role:
    """What rules grant to. `page_limit` is the most rows of a page.

    `inherits` names roles whose rules are this role's too; `requires` names attributes that every
    request must carry besides those that its row scopes read. `smallest_cell` is the fewest people
    that a number in an aggregate may be about; 0 where there is no least.
    """

    name: str
    description: str
    page_limit: int
    denial_mode: DenialMode
    inherits: frozenset[str] = frozenset()
    requires: frozenset[str] = frozenset()
    smallest_cell: int = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """What a named condition means on the rows of one anchor entity."""

    name: str
    anchor: str
    text: str
    predicate: Predicate = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """One role, one coordinate or class, one action. `condition` is `always` or row scopes with &.

    `reason` is what a caller is told whom this rule denies.
    """

    role: str
    object: str
    action: str
    condition: str
    effect: Effect
    reason: Reason = Reason.RULE


def is_name(text: str) -> bool:
    """Whether a role, class or scope may be called so: what every Casbin reads from a CSV in the
    same way, and what stands in a condition for itself alone."""
    return text != ALWAYS and _NAME.fullmatch(text) is not None


def parts(condition: str) -> frozenset[str]:
    """The row scopes that a condition joins; none for `always`."""
    return frozenset() if condition == ALWAYS else frozenset(condition.split(_AND))


def join(names: Iterable[str]) -> str:
    """The condition that all of these row scopes hold: in one order, so that it is one name."""
    return _AND.join(sorted(set(names))) or ALWAYS


@dataclass(frozen=True)
class PolicySet:
    """A whole policy. Equal digests mean equal decisions and equal words about them."""

    catalog: Catalog = field(compare=False, repr=False)
    roles: Mapping[str, Role]
    classes: Mapping[str, frozenset[str]]
    """Class → the coordinates and classes in it."""
    scopes: Mapping[str, Mapping[str, Scope]]
    """Name → anchor entity → meaning."""
    rules: tuple[Rule, ...]

    def meaning(self, condition: str, anchor: str | None) -> Predicate:
        """A condition on the rows of an anchor. KeyError where a row scope has none there."""
        names = sorted(parts(condition))
        return both(*(self.scopes[name][anchor or ""].predicate for name in names))

    def requires(self, role: str) -> frozenset[str]:
        """The attributes that a role requires, and those of the roles that it inherits."""
        above = hierarchy.reachable(self.parents, role)
        return frozenset().union(*(self.roles[name].requires for name in above))

    def smallest_cell(self, role: str) -> int:
        """The largest of the smallest cells of a role and of the roles that it inherits."""
        above = hierarchy.reachable(self.parents, role)
        return max(self.roles[name].smallest_cell for name in above)

    # What follows is found once for all roles, because every role asks for it.

    @cached_property
    def parents(self) -> Mapping[str, frozenset[str]]:
        """Role → the roles that it inherits, one step away."""
        return {name: role.inherits for name, role in self.roles.items()}

    @cached_property
    def containers(self) -> Mapping[str, frozenset[str]]:
        """Coordinate or class → the classes that it is in, one step away."""
        return hierarchy.inverse(self.classes)

    @cached_property
    def objects(self) -> Mapping[str, frozenset[str]]:
        """Coordinate → itself and every class that it is in, at any distance."""
        return {name: hierarchy.reachable(self.containers, name) for name in self.anchors}

    @cached_property
    def anchors(self) -> Mapping[str, str | None]:
        """Coordinate → the entity on whose row a condition about it is evaluated."""
        asked = sorted(questions.coordinates(self.catalog))
        return {coordinate: questions.anchor(self.catalog, coordinate) for coordinate in asked}

    @cached_property
    def questions(self) -> tuple[tuple[str, str], ...]:
        """Every coordinate with each action, in one order, so that equal policies make equal
        statements. The decisions of all roles are kept under these very pairs."""
        return tuple(
            (coordinate, action)
            for coordinate in self.anchors
            for action in sorted(questions.actions(self.catalog, coordinate))
        )

    @cached_property
    def rules_of(self) -> Mapping[str, tuple[tuple[int, Rule], ...]]:
        """Role → the rules that name it, each with its place among all."""
        found: defaultdict[str, list[tuple[int, Rule]]] = defaultdict(list)
        for place, rule in enumerate(self.rules):
            found[rule.role].append((place, rule))
        return {role: tuple(rules) for role, rules in found.items()}

    @cached_property
    def canonical(self) -> str:
        """The policy as text, the same whatever the order in which it was written."""
        return json.dumps(
            {
                "roles": [_role(self.roles[name]) for name in sorted(self.roles)],
                "classes": {name: sorted(members) for name, members in self.classes.items()},
                "scopes": {
                    name: {anchor: scope.text for anchor, scope in meanings.items()}
                    for name, meanings in self.scopes.items()
                },
                "rules": sorted(_words(rule) for rule in self.rules),
            },
            sort_keys=True,
            separators=(",", ":"),
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical text, in hexadecimal."""
        return sha256(self.canonical.encode()).hexdigest()


def sorted_rules(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Rules in one order, each once, so that equal policies are equal."""
    return tuple(sorted(set(rules), key=_words))


def _words(rule: Rule) -> tuple[str, ...]:
    return (
        rule.role,
        rule.object,
        rule.action,
        rule.condition,
        # What `value` and `name` say, at a fifth of the time: this is asked of each rule.
        rule.effect._value_,
        rule.reason._name_,
    )


def _role(role: Role) -> dict[str, object]:
    return {
        "name": role.name,
        "description": role.description,
        "page_limit": role.page_limit,
        "denial_mode": role.denial_mode.value,
        "inherits": sorted(role.inherits),
        "requires": sorted(role.requires),
        "smallest_cell": role.smallest_cell,
    }
