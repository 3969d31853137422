"""Makes a policy of its parts, or says what in them has no meaning. Knows no file and no engine."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from authz import hierarchy, questions
from authz.errors import PolicyInvalid, ScopeInvalid
from authz.near import unknown
from authz.policy import (
    ALWAYS,
    PolicySet,
    Rule,
    Scope,
    is_name,
    join,
    parts,
    sorted_rules,
)
from authz.principal import ATTRIBUTES
from authz.scope import parse_scope
from authz.wildcards import wildcards
from db.floor import REACH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Set

    from authz.policy import Role
    from db.catalog import Catalog

_LARGEST_PAGE: Final = 10_000
_MOST_SCOPES: Final = 4
"""Scopes in one condition: each way to leave some out is a line that Casbin reads."""


def policy_set(
    catalog: Catalog,
    roles: Iterable[Role],
    classes: Mapping[str, Set[str]],
    scopes: Mapping[str, Mapping[str, str]],
    rules: Iterable[Rule],
) -> PolicySet:
    """A policy over the coordinates of a catalog. `scopes` is name → anchor entity → text.

    The wildcards that rules and classes mention are classes of it; among `classes` they need not
    be. Raises PolicyInvalid for the first part that is unknown, doubled, circular, or means
    nothing.
    """
    by_name = _roles(roles)
    listed = _once(rules)
    policy = PolicySet(
        catalog,
        MappingProxyType(by_name),
        MappingProxyType(_classes(catalog, classes, {rule.object for rule in listed})),
        MappingProxyType(_scopes(catalog, scopes)),
        listed,
    )
    _Checked(policy).rules()
    return policy


def _named(what: str, name: str) -> None:
    if not is_name(name):
        raise PolicyInvalid(f"{what} '{name}': a name is a-z, 0-9 and _, and not '{ALWAYS}'")


def _roles(roles: Iterable[Role]) -> dict[str, Role]:
    found: dict[str, Role] = {}
    for role in roles:
        _named("role", role.name)
        if role.name in found:
            raise PolicyInvalid(f"role '{role.name}' twice")
        if role.name == REACH:
            raise PolicyInvalid(f"role '{role.name}': the name is that of the login that counts")
        if not 1 <= role.page_limit <= _LARGEST_PAGE:
            raise PolicyInvalid(f"role '{role.name}': a page has 1 to {_LARGEST_PAGE} rows")
        if role.smallest_cell < 0 or role.smallest_cell == 1:
            raise PolicyInvalid(f"role '{role.name}': a smallest cell is 0 (none) or 2 and more")
        found[role.name] = role
    for role in found.values():
        for parent in sorted(role.inherits - found.keys()):
            raise PolicyInvalid(f"role '{role.name}': {unknown('role', parent, found)}")
        for name in sorted(role.requires - ATTRIBUTES.keys()):
            raise PolicyInvalid(f"role '{role.name}': {unknown('attribute', name, ATTRIBUTES)}")
    if problem := hierarchy.fault({role.name: role.inherits for role in found.values()}):
        raise PolicyInvalid(f"roles: {problem}")
    return found


def _classes(
    catalog: Catalog, classes: Mapping[str, Set[str]], objects: Set[str]
) -> dict[str, frozenset[str]]:
    derived = wildcards(catalog)
    known = questions.coordinates(catalog) | classes.keys() | derived.keys()
    found: dict[str, frozenset[str]] = {}
    for name, members in classes.items():
        if derived.get(name) == members:
            continue
        _named("class", name)
        if not members:
            raise PolicyInvalid(f"class '{name}' is empty")
        for member in sorted(members - known):
            raise PolicyInvalid(f"class '{name}': {unknown('coordinate or class', member, known)}")
        found[name] = frozenset(members)
    mentioned = frozenset(objects).union(*found.values())
    found |= {name: derived[name] for name in sorted(mentioned & derived.keys())}
    if problem := hierarchy.fault(found):
        raise PolicyInvalid(f"classes: {problem}")
    return found


def _scopes(
    catalog: Catalog, scopes: Mapping[str, Mapping[str, str]]
) -> dict[str, Mapping[str, Scope]]:
    anchors = {entity.anchor for entity in catalog.entities.values()}
    found: dict[str, Mapping[str, Scope]] = {}
    for name, meanings in scopes.items():
        _named("scope", name)
        if not meanings:
            raise PolicyInvalid(f"scope '{name}' is empty")
        parsed: dict[str, Scope] = {}
        for anchor, text in meanings.items():
            if anchor not in anchors:
                raise PolicyInvalid(f"scope '{name}': {unknown('anchor', anchor, anchors)}")
            try:
                parsed[anchor] = Scope(name, anchor, text, parse_scope(catalog, anchor, text))
            except ScopeInvalid as error:
                raise PolicyInvalid(f"scope '{name}' on {anchor}: {error.detail}") from error
        found[name] = MappingProxyType(parsed)
    return found


def _once(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    given = tuple(rules)
    found = sorted_rules(given)
    if len(found) < len(given):
        double = next(rule for rule, times in Counter(given).items() if times > 1)
        raise PolicyInvalid(f"{_spoken(double)}: twice")
    return found


class _Checked:
    """Rules against the rest of their policy; what many rules have in common is looked at once."""

    def __init__(self, policy: PolicySet) -> None:
        self._policy = policy
        self._coordinates = questions.coordinates(policy.catalog)
        self._known = self._coordinates | policy.classes.keys() | wildcards(policy.catalog).keys()
        self._meant: dict[str, frozenset[str]] = {}
        self._fine: set[tuple[str, str, str]] = set()
        """Objects with the actions and the conditions that are known to go with them."""

    def rules(self) -> None:
        """Raises PolicyInvalid for the first rule that has no meaning."""
        for rule in self._policy.rules:
            where = _spoken(rule)
            if rule.role not in self._policy.roles:
                raise PolicyInvalid(f"{where}: {unknown('role', rule.role, self._policy.roles)}")
            if rule.object not in self._known:
                named = unknown("coordinate or class", rule.object, self._known)
                raise PolicyInvalid(f"{where}: {named}")
            if ("action", rule.object, rule.action) not in self._fine:
                meant = self._coordinates_of(rule.object)
                _check_action(self._policy.catalog, where, rule.action, meant)
                self._fine.add(("action", rule.object, rule.action))
            if ("where", rule.object, rule.condition) not in self._fine:
                self._check_condition(where, rule)
                self._fine.add(("where", rule.object, rule.condition))

    def _coordinates_of(self, target: str) -> frozenset[str]:
        if target not in self._meant:
            within = hierarchy.reachable(self._policy.classes, target)
            self._meant[target] = within & self._coordinates
        return self._meant[target]

    def _check_condition(self, where: str, rule: Rule) -> None:
        names = parts(rule.condition)
        if rule.condition != join(names):
            raise PolicyInvalid(f"{where}: '{rule.condition}' is not sorted, or says a scope twice")
        if len(names) > _MOST_SCOPES:
            raise PolicyInvalid(f"{where}: more than {_MOST_SCOPES} scopes; make one of them")
        for name in sorted(names):
            if name not in self._policy.scopes:
                raise PolicyInvalid(f"{where}: {unknown('scope', name, self._policy.scopes)}")
            for coordinate in sorted(self._coordinates_of(rule.object)):
                anchor = self._policy.anchors[coordinate]
                if anchor is None:
                    raise PolicyInvalid(
                        f"{where}: {coordinate} has no rows, so only '{ALWAYS}' holds"
                    )
                if anchor not in self._policy.scopes[name]:
                    raise PolicyInvalid(
                        f"{where}: scope '{name}' has no meaning on {anchor}, as {coordinate} needs"
                    )


def _check_action(catalog: Catalog, where: str, action: str, meant: Set[str]) -> None:
    known = questions.ACTIONS | questions.FILTERS
    if action not in known:
        raise PolicyInvalid(f"{where}: {unknown('action', action, known)}")
    if action in questions.FILTERS and not any(
        action in questions.filters(catalog, coordinate) for coordinate in meant
    ):
        raise PolicyInvalid(f"{where}: no filter there offers '{action}'")


def _spoken(rule: Rule) -> str:
    return f"rule {rule.effect.value} {rule.role} {rule.action} {rule.object}"
