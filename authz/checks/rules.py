"""Rules that change nothing: another has said it already, or takes it away whole. Pure.

By names alone: a scope that is narrower than another only by what it means shadows nothing here.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Final, TypeAlias

from authz import hierarchy, questions
from authz.checks.finding import Check, Finding, Severity
from authz.implies import implies
from authz.policy import Effect, parts
from db.predicate import Never

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authz.document import Document
    from authz.invariant import Invariant
    from authz.order import Order
    from authz.policy import PolicySet, Rule
    from db.catalog import Catalog

    _Key: TypeAlias = "tuple[str, tuple[Order, ...], tuple[Invariant, ...]]"

_LOOKED_AT: Final[deque[tuple[Catalog, _Key, tuple[Finding, ...]]]] = deque(maxlen=4)
"""Catalog, all that findings rest on besides it, and the findings."""


def rule_findings(before: Document | None, after: Document) -> tuple[Finding, ...]:
    """Warnings about `after`, without those that `before` would get as well."""
    known = frozenset() if before is None else frozenset(_kept(before))
    return tuple(each for each in _kept(after) if each not in known)


def _kept(document: Document) -> tuple[Finding, ...]:
    """The findings of a version. It is looked at for every edit of it, and again when it is
    committed, and takes tenths of a second among ten thousand rules, so the last few are kept."""
    policy = document.policy
    key = (policy.digest, document.orders, document.invariants)
    # Of a copy: another thread may add to it meanwhile.
    for entry in tuple(_LOOKED_AT):
        catalog, known, findings = entry
        if catalog is policy.catalog and known == key:
            # The last again: else what is asked for all the time goes as the oldest.
            _LOOKED_AT.append(entry)
            return findings
    findings = tuple(_findings(document))
    _LOOKED_AT.append((policy.catalog, key, findings))
    return findings


def _findings(document: Document) -> Iterator[Finding]:
    policy = document.policy
    yield from _idle_rules(policy)
    for role in sorted(policy.roles):
        above = hierarchy.reachable(policy.parents, role)
        if not any(name in policy.rules_of for name in above):
            text = f"no rule speaks of the role {role}, so it may do nothing"
            yield Finding(Severity.WARNING, Check.RULE, text, role)
    conditions = {rule.condition for rule in policy.rules}
    conditions |= {invariant.only_where for invariant in document.invariants}
    used = frozenset[str]().union(*(parts(condition) for condition in conditions if condition))
    used |= {order.scope for order in document.orders}
    for name in sorted(policy.scopes.keys() - used):
        yield Finding(Severity.WARNING, Check.SCOPE, f"nothing names the row scope {name}")


def _idle_rules(policy: PolicySet) -> Iterator[Finding]:
    cover = _Cover(policy)
    for place, rule in enumerate(policy.rules):
        if text := _idle(cover, place, rule):
            yield Finding(
                Severity.WARNING,
                Check.RULE,
                f"{_spoken(rule)} {text}",
                rule.role,
                rule.object,
                rule.action,
                rule.condition,
            )


def _idle(cover: _Cover, place: int, rule: Rule) -> str | None:
    """Why a rule changes nothing, in words; None where it may."""
    if rule.effect is Effect.ALLOW:
        if cover.on_no_row(rule):
            return "opens no row: nothing meets its condition"
        taken = next(cover.wider(place, rule, Effect.DENY), None)
        if taken is not None:
            return f"opens nothing: {_spoken(taken)} takes it away"
    shadow = next(cover.wider(place, rule, rule.effect), None)
    return None if shadow is None else f"adds nothing to {_spoken(shadow)}"


class _Cover:
    """Which rules speak of all that another speaks of, for its role and for all of its rows."""

    def __init__(self, policy: PolicySet) -> None:
        self._policy = policy
        bits = {name: 1 << place for place, name in enumerate(sorted(policy.anchors))}
        self._bits = bits
        self._within: dict[str, frozenset[str]] = {}
        self._masks: dict[str, int] = {}
        self._above = {
            role: sorted(hierarchy.reachable(policy.parents, role)) for role in policy.roles
        }
        self._never: dict[tuple[str, str | None], bool] = {}
        # By one bit of what they speak of: whatever covers a rule has the rule's lowest bit.
        self._by_bit: defaultdict[tuple[str, str, int], list[tuple[int, Rule]]] = defaultdict(list)
        for place, rule in enumerate(policy.rules):
            for name in self._coordinates(rule.object):
                self._by_bit[rule.role, rule.action, bits[name]].append((place, rule))

    def on_no_row(self, rule: Rule) -> bool:
        """Whether the condition of a rule is met by no row of any of its coordinates."""
        anchors = {self._policy.anchors[name] for name in self._coordinates(rule.object)}
        return all(self._is_never(rule.condition, anchor) for anchor in anchors)

    def wider(self, place: int, rule: Rule, effect: Effect) -> Iterator[Rule]:
        """The rules of an effect whose part a rule is. Of two that say the same, the first."""
        mask, scopes = self._mask(rule.object), parts(rule.condition)
        lowest = mask & -mask
        for role in self._above[rule.role]:
            for action in filter(None, (rule.action, questions.parent(rule.action))):
                for at, other in self._by_bit.get((role, action, lowest), ()):
                    wide = self._mask(other.object)
                    if (
                        at != place
                        and other.effect is effect
                        and not mask & ~wide
                        and parts(other.condition) <= scopes
                        and not (at > place and self._same(rule, other, mask, wide))
                    ):
                        yield other

    def _same(self, rule: Rule, other: Rule, mask: int, wide: int) -> bool:
        """Whether each of two rules of one effect would shadow the other."""
        return (rule.role, rule.action, rule.condition, rule.effect, mask) == (
            other.role,
            other.action,
            other.condition,
            other.effect,
            wide,
        )

    def _coordinates(self, name: str) -> frozenset[str]:
        if name not in self._within:
            reached = hierarchy.reachable(self._policy.classes, name)
            self._within[name] = reached & self._bits.keys()
        return self._within[name]

    def _mask(self, name: str) -> int:
        if name not in self._masks:
            self._masks[name] = sum(self._bits[each] for each in self._coordinates(name))
        return self._masks[name]

    def _is_never(self, condition: str, anchor: str | None) -> bool:
        key = (condition, anchor)
        if key not in self._never:
            self._never[key] = implies(self._policy.meaning(*key), Never())
        return self._never[key]


def _spoken(rule: Rule) -> str:
    return (
        f"the rule to {rule.effect.value} {rule.role} to {rule.action} {rule.object} where "
        f"{rule.condition}"
    )
