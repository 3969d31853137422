"""Decisions of two versions, compared: only of roles of which something differs. Reads no text.

A role's part of a version is all that its decisions rest on; where the parts are equal, so are the
decisions, at every instant, and nothing is decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from authz import hierarchy, questions
from authz.ceiling import effective
from authz.decided import decided
from authz.decision import Action, Deny, Reason, condition
from authz.diff.difference import AccessChange, Direction
from authz.implies import implies
from authz.matcher import binding
from authz.order import instants
from authz.policy import PolicySet, parts
from authz.reads import columns, shown
from authz.wording import meaning, words
from db.predicate import Always, Never

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from authz.decision import Decision, DecisionSet
    from authz.document import Document
    from authz.policy import Scope
    from db.predicate import Predicate

_KNOWING: Final = frozenset({Action.READ.value, Action.FILTER.value})
"""Whoever may do one of these with a value of a row gets to know it."""
_CLOSED: Final = Deny(Reason.NO_RULE)
_PROVEN: Final = 2**12
"""Pairs of conditions of which the direction is kept: what is compared when it is proposed is
compared again when it is committed, and a proof can take milliseconds."""


@lru_cache(_PROVEN)
def direction(before: Predicate, after: Predicate) -> Direction | None:
    """Which way from one condition to another; None where both hold on the same rows."""
    narrower, wider = implies(after, before), implies(before, after)
    if narrower and wider:
        return None
    if narrower:
        return Direction.NARROWER
    return Direction.WIDER if wider else Direction.OTHER


@dataclass(frozen=True)
class Moment:
    """The decisions of a role before and after, at an instant; None where there is no such role."""

    role: str
    at: datetime
    before: DecisionSet | None
    after: DecisionSet | None
    policies: tuple[PolicySet, PolicySet]

    def counts(self, action: str) -> bool:
        """Whether an action decides, or helps to decide, of whom the role's numbers are made. One
        about fewer people is another number, and nobody had it."""
        if action == Action.AGGREGATE.value:
            return True
        return Action.FILTER.value in (action, questions.parent(action)) and any(
            asked == Action.AGGREGATE.value and not isinstance(decision, Deny)
            for (_, asked), decision in (self.after.table.items() if self.after else ())
        )


@dataclass(frozen=True)
class _Alike:
    """What coordinates have in common that change alike."""

    at: datetime
    role: str
    action: str
    before: str
    after: str
    direction: Direction
    anchor: str | None
    rows_before: Predicate
    rows_after: Predicate

    def place(self) -> tuple[datetime, str, str, str, str, str]:
        """By which changes are put in order."""
        return self.at, self.role, self.action, self.before, self.after, self.anchor or ""

    def change(self, coordinates: Iterable[str]) -> AccessChange:
        """The change of these coordinates."""
        return AccessChange(
            self.role, self.action, tuple(sorted(coordinates)), self.before, self.after,
            self.direction, self.anchor, self.rows_before, self.rows_after,
        )  # fmt: skip


class Access:
    """Two versions, and when to compare them."""

    def __init__(self, before: Document, after: Document, as_of: datetime) -> None:
        self._sides = (_Side(before), _Side(after))
        self.instants = instants((*before.orders, *after.orders), as_of)
        self._ways: dict[tuple[Predicate, Predicate], Direction | None] = {}
        self._told: dict[tuple[str, datetime, str | None, Predicate, Predicate], bool] = {}

    @cached_property
    def moments(self) -> tuple[Moment, ...]:
        """Each role of which something differs, now and, where an order binds it, later."""
        before, after = self._sides
        names = before.document.policy.roles.keys() | after.document.policy.roles.keys()
        differing = [name for name in sorted(names) if before.part(name) != after.part(name)]
        for side in self._sides:
            side.keep(differing)
        return tuple(
            Moment(
                name,
                at,
                before.decided(name, at),
                after.decided(name, at),
                (before.effective(at), after.effective(at)),
            )
            for name in differing
            for at in (self.instants if self._dated(name) else self.instants[:1])
        )

    def _dated(self, role: str) -> bool:
        return any(
            binding(side.document, role)
            for side in self._sides
            if role in side.document.policy.roles
        )

    def changes(self) -> tuple[AccessChange, ...]:
        """What changes, alike together: first what does at once."""
        found: dict[_Alike, list[str]] = {}
        said: dict[tuple[str, str, str], set[tuple[Decision, Decision]]] = {}
        for moment in self.moments:
            for (coordinate, action), pair in self._differing(moment).items():
                known = said.setdefault((moment.role, coordinate, action), set())
                if pair not in known:
                    known.add(pair)
                    alike = self._alike(moment, coordinate, action, pair)
                    found.setdefault(alike, []).append(coordinate)
        return tuple(each.change(found[each]) for each in sorted(found, key=_Alike.place))

    def _differing(self, moment: Moment) -> Mapping[tuple[str, str], tuple[Decision, Decision]]:
        tables = [
            each.table if each is not None else MappingProxyType({})
            for each in (moment.before, moment.after)
        ]
        found: dict[tuple[str, str], tuple[Decision, Decision]] = {}
        for asked in tables[0].keys() | tables[1].keys():
            one, other = (table.get(asked, _CLOSED) for table in tables)
            if self.way(condition(one), condition(other)) is not None:
                found[asked] = (one, other)
        return {
            (coordinate, action): pair
            for (coordinate, action), pair in found.items()
            # An operator that changes as all of them do.
            if found.get((coordinate, questions.parent(action) or "")) != pair
        }

    def way(self, before: Predicate, after: Predicate) -> Direction | None:
        """`direction`, found once for each pair."""
        if before == after:
            return None
        key = (before, after)
        if key not in self._ways:
            self._ways[key] = direction(before, after)
        return self._ways[key]

    def _alike(
        self, moment: Moment, coordinate: str, action: str, pair: tuple[Decision, Decision]
    ) -> _Alike:
        anchor = moment.policies[0].anchors[coordinate]
        before, after = (_spoken(each) for each in pair)
        if before == after:
            before, after = (
                f"{before} ({meaning(policy, each, anchor)})"
                for policy, each in zip(moment.policies, pair, strict=True)
            )
        if moment.at != self.instants[0]:
            after += f", from {moment.at.isoformat()}"
        rows = (condition(pair[0]), condition(pair[1]))
        way = self.way(*rows) or Direction.OTHER
        if (
            way is Direction.NARROWER
            and not isinstance(rows[1], Never)
            and (moment.counts(action) or self._tells(moment, anchor, *rows))
        ):
            way = Direction.OTHER
        return _Alike(moment.at, moment.role, action, before, after, way, anchor, *rows)

    def _tells(
        self, moment: Moment, anchor: str | None, before: Predicate, after: Predicate
    ) -> bool:
        """Whether a narrower condition asks about a value that neither the wider one asked about
        nor the role reads, before and after, on all of its rows: who keeps what, and who does not,
        would tell it. Whom an order is about, the order says."""
        key = (moment.role, moment.at, anchor, before, after)
        if anchor is not None and key not in self._told:
            catalog = moment.policies[1].catalog
            table = catalog.entities[anchor].table
            new = columns(after, table) - columns(before, table)
            if new:
                for order in binding(self._sides[1].document, moment.role):
                    if order.in_force(moment.at) and anchor in order.population:
                        new -= columns(order.population[anchor].predicate, table)
            for decisions in (moment.before, moment.after):
                if new and decisions is not None:
                    new -= shown(catalog, _on_all(moment, decisions, anchor, before))
            self._told[key] = bool(new)
        return anchor is not None and self._told[key]


def _on_all(moment: Moment, decisions: DecisionSet, anchor: str, rows: Predicate) -> set[str]:
    """The coordinates that a role reads or filters on every row that meets a condition."""
    found = set()
    for (coordinate, action), decision in decisions.table.items():
        if action in _KNOWING:
            known = condition(decision)
            same = moment.policies[1].anchors[coordinate] == anchor
            if isinstance(known, Always) or (same and implies(rows, known)):
                found.add(coordinate)
    return found


def _spoken(decision: Decision) -> str:
    text = words(decision)
    return text if text in ("always", "never") else f"where {text}"


class _Side:
    """One of two versions."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._scopes: dict[str, dict[str, Scope]] = {
            name: dict(meanings) for name, meanings in document.policy.scopes.items()
        }
        for order in document.orders:
            self._scopes.setdefault(order.scope, {}).update(order.population)
        self._kept = document.policy
        self._effective: dict[datetime, PolicySet] = {}

    def part(self, role: str) -> object:
        """All that the decisions of a role rest on, to be compared; None where it is not there."""
        policy = self.document.policy
        if role not in policy.roles:
            return None
        above = sorted(hierarchy.reachable(policy.parents, role))
        rules = [rule for name in above for _, rule in policy.rules_of.get(name, ())]
        named = frozenset().union(
            *(hierarchy.reachable(policy.classes, name) for name in {rule.object for rule in rules})
        )
        bound = binding(self.document, role)
        scopes = frozenset(order.scope for order in bound).union(
            *(parts(each) for each in {rule.condition for rule in rules})
        )
        roles = [policy.roles[name] for name in above]
        return (
            [(each.name, each.inherits, each.requires, each.smallest_cell) for each in roles],
            rules,
            {name: policy.classes[name] for name in named if name in policy.classes},
            {name: self._scopes[name] for name in scopes},
            bound,
        )

    def keep(self, roles: Iterable[str]) -> None:
        """Of the policy only what these roles rest on: decisions of others are not asked for."""
        policy = self.document.policy
        there = [name for name in roles if name in policy.roles]
        kept = frozenset().union(*(hierarchy.reachable(policy.parents, name) for name in there))
        self._kept = PolicySet(
            policy.catalog,
            MappingProxyType({name: policy.roles[name] for name in sorted(kept)}),
            policy.classes,
            policy.scopes,
            tuple(rule for rule in policy.rules if rule.role in kept),
        )

    def effective(self, at: datetime) -> PolicySet:
        """What is kept of the policy, as it holds at an instant."""
        if at not in self._effective:
            self._effective[at] = effective(self._kept, self.document.orders, at)
        return self._effective[at]

    def decided(self, role: str, at: datetime) -> DecisionSet | None:
        """The decisions of a role at an instant; None where it is not there."""
        policy = self.effective(at)
        return decided(policy, role) if role in policy.roles else None
