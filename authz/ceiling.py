"""What court orders leave of a policy, and where a policy exceeds them. Knows no file.

A role that an order names, and every role that has its rules, is capped for good. Under an order in
force it has at most what the order leaves; under several, what all of them leave; under none,
nothing. An order that ended sets nobody free. A role that inherits a capped one is under the orders
of both, and each of the two needs one of its own in force.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from authz import hierarchy, questions
from authz.decided import decided
from authz.decision import Action, Reason, condition
from authz.errors import OrderInvalid
from authz.implies import implies
from authz.index import Index
from authz.order import ambiguity, standing
from authz.policy import ALWAYS, Effect, PolicySet, Rule, join, parts, sorted_rules
from authz.routes import opening
from db.predicate import Never

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from authz.order import Order
    from db.predicate import Predicate


class Excess(Enum):
    """How a policy exceeds an order. Rows alone are for a second look and no more: whatever a rule
    says, its rows are those of the population."""

    COORDINATE = "the order does not cover it"
    ROWS = "not only on the order's population"


@dataclass(frozen=True, slots=True)
class Violation:
    """A counterexample: what a capped role could do if the order were not, on which rows, and the
    rules that let it. `rows` is the condition on the coordinate's anchor."""

    order: str
    role: str
    coordinate: str
    action: str
    rules: tuple[Rule, ...]
    excess: Excess
    rows: Predicate = field(compare=False, repr=False)


def capped(policy: PolicySet, orders: Iterable[Order]) -> frozenset[str]:
    """The roles that some order names, in force or not, and the roles that inherit them."""
    named = {order.role for order in orders}
    return frozenset(
        role for role in policy.roles if hierarchy.reachable(policy.parents, role) & named
    )


def violations(policy: PolicySet, order: Order) -> tuple[Violation, ...]:
    """Every way in which a policy, as it is written, gives a capped role more than an order leaves.

    Looks at every coordinate and action, by Casbin's decision about it: by whatever class, wildcard
    or inherited role it is reached. Empty when the order holds. What a deny takes away whole, or is
    on no row at all, is none.
    """
    return tuple(
        violation
        for role in sorted(capped(policy, [order]))
        for violation in _exceeding(policy, order, role)
    )


def _exceeding(policy: PolicySet, order: Order, role: str) -> Iterator[Violation]:
    index = Index(policy, role)
    table = decided(policy, role).table
    # Few different decisions are behind many questions.
    closed = {
        id(decision): implies(condition(decision), Never())
        for decision in {id(each): each for each in table.values()}.values()
    }
    for coordinate, action in sorted(table):
        decision = table[coordinate, action]
        if closed[id(decision)]:
            continue
        rows = condition(decision)
        rules = opening(policy, index, coordinate, action)
        if order.covers(coordinate, action):
            excess = Excess.ROWS
            rules = tuple(rule for rule in rules if _is_wider(policy, order, coordinate, rule))
        else:
            excess = Excess.COORDINATE
        if rules or excess is Excess.COORDINATE:
            yield Violation(order.name, role, coordinate, action, rules, excess, rows)


def _is_wider(policy: PolicySet, order: Order, coordinate: str, rule: Rule) -> bool:
    """Whether a rule speaks of others than the order's people, by what the conditions mean: the
    policy's scope of that name may mean others."""
    anchor = questions.anchor(policy.catalog, coordinate)
    rows = policy.meaning(rule.condition, anchor)
    people = order.population[anchor or ""].predicate
    return not implies(rows, people)


def effective(policy: PolicySet, orders: Sequence[Order], as_of: datetime) -> PolicySet:
    """The policy that holds at an instant: orders included, as rules like any other.

    What is closed to a capped role is denied by rules of its own, so that an engine that reads
    only the rules decides alike, and so that no rule can open it again. Raises OrderInvalid where
    two orders give one name different people.
    """
    if problem := ambiguity(orders):
        raise OrderInvalid(problem)
    roles = dict(policy.roles)
    classes = dict(policy.classes)
    scopes = dict(policy.scopes)
    for order in orders:
        # The order says who its people are; a policy that has the name for others is overruled.
        scopes[order.scope] = MappingProxyType({**scopes.get(order.scope, {}), **order.population})
    names = capped(policy, orders)
    rules = [rule for rule in policy.rules if rule.role not in names]
    for name in sorted(names):
        above = hierarchy.reachable(policy.parents, name)
        cap = _Cap(
            policy, name, standing([order for order in orders if order.role in above], as_of)
        )
        # Its inherited rules are among its own now, each with the population.
        roles[name] = replace(
            roles[name],
            inherits=frozenset(),
            requires=policy.requires(name),
            smallest_cell=policy.smallest_cell(name),
        )
        classes |= cap.closed_class()
        rules += [*cap.left(), *cap.closed()]
    return PolicySet(
        policy.catalog,
        MappingProxyType(roles),
        MappingProxyType(classes),
        MappingProxyType(scopes),
        sorted_rules(rules),
    )


class _Cap:
    """What orders in force leave one role, and what they close: everything, when there is none."""

    def __init__(self, policy: PolicySet, role: str, orders: Sequence[Order]) -> None:
        self._policy = policy
        self._role = role
        self._orders = orders
        self._reason = Reason.ORDER if orders else Reason.NO_ORDER
        self._class = f"order:{role}"
        self._open: dict[str, list[str]] = {}
        # What some order does not name is closed; most is named by none.
        named = [order.grants.keys() for order in orders]
        for coordinate in sorted(set(named[0]).intersection(*named[1:]) if named else ()):
            offered = questions.actions(policy.catalog, coordinate)
            if left := [action for action in offered if self._covers(coordinate, action)]:
                self._open[coordinate] = left

    def _covers(self, coordinate: str, action: str) -> bool:
        covering = [order for order in self._orders if order.covers(coordinate, action)]
        return len(covering) == len(self._orders) > 0

    def left(self) -> list[Rule]:
        """The role's rules about what is open, one for each coordinate, on the population only."""
        index = Index(self._policy, self._role)
        population = {order.scope for order in self._orders}
        return [
            replace(
                rule,
                role=self._role,
                object=coordinate,
                action=action,
                condition=(
                    join(parts(rule.condition) | population)
                    if rule.effect is Effect.ALLOW
                    else rule.condition
                ),
            )
            for coordinate, actions in self._open.items()
            for action in actions
            for rule in index.matching(coordinate, action).rules
            # One about `filter` is here once, where all of `filter` is open.
            if rule.action == action or rule.action not in actions
        ]

    def closed_class(self) -> dict[str, frozenset[str]]:
        """The coordinates of which nothing is open, as a class that only this role's rules name."""
        closed = questions.coordinates(self._policy.catalog) - self._open.keys()
        return {self._class: closed} if closed else {}

    def closed(self) -> list[Rule]:
        """Rules that deny all that is not open."""
        denied = [(name, action.value) for name in self.closed_class() for action in Action]
        for coordinate, left in self._open.items():
            denied += [
                (coordinate, action)
                for action in questions.actions(self._policy.catalog, coordinate)
                if action not in left and not self._holds_open(action, left)
            ]
        return [
            Rule(self._role, target, action, ALWAYS, Effect.DENY, self._reason)
            for target, action in denied
        ]

    def _holds_open(self, action: str, left: list[str]) -> bool:
        """Whether denying an action would also deny a case of it that is open: `filter`."""
        return any(questions.parent(case) == action for case in left)
