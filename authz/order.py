"""A court order as dated data: whom it caps, what it leaves them, since when. Reads no policy.

An order is never law in code: a later one is a new file. Nothing here is legal advice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from authz import questions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from authz.policy import Scope


class Status(Enum):
    """What became of an order. Only the first lets anybody read anything."""

    IN_FORCE = "in_force"
    STAYED = "stayed"
    PAUSED = "paused"
    SUPERSEDED = "superseded"
    VACATED = "vacated"


@dataclass(frozen=True, slots=True)
class Change:
    """Since when an order has a status: an instant in UTC."""

    at: datetime
    status: Status


@dataclass(frozen=True)
class Order:
    """The most that one role may do, on which rows, while the order is in force.

    `grants` names coordinates, never classes of a policy: whoever edits a class would edit the
    order. `population` is a row scope with the meaning that the order itself gives it, on every
    anchor that `grants` needs. `states` are the plaintiffs; they bind nothing here, because the
    ceiling holds everywhere.
    """

    name: str
    caption: str
    court: str
    docket: str
    issued: date
    effective: date
    role: str
    states: tuple[str, ...]
    history: tuple[Change, ...]
    population: Mapping[str, Scope]
    grants: Mapping[str, frozenset[str]] = field(repr=False)
    """Coordinate → actions, `filter` standing for every operator."""

    @property
    def scope(self) -> str:
        """The name of the row scope that its people meet."""
        return next(iter(self.population.values())).name

    def status_at(self, as_of: datetime) -> Status | None:
        """The status at an instant; None before the first."""
        past = [change.status for change in self.history if change.at <= as_of]
        return past[-1] if past else None

    def in_force(self, as_of: datetime) -> bool:
        """Whether it lets its role read anything at an instant."""
        return self.status_at(as_of) is Status.IN_FORCE

    def covers(self, coordinate: str, action: str) -> bool:
        """Whether it leaves its role an action on a coordinate, on the rows of the population."""
        granted = self.grants.get(coordinate, frozenset())
        return action in granted or questions.parent(action) in granted


def standing(orders: Iterable[Order], as_of: datetime) -> tuple[Order, ...]:
    """Of the orders that bind one role, those in force: none at all where an ordered role among it
    and those that it inherits has no order of its own in force.

    Else an order about one role would let another read whose own order is paused.
    """
    given = tuple(orders)
    held = tuple(order for order in given if order.in_force(as_of))
    return held if {order.role for order in held} == {order.role for order in given} else ()


def ambiguity(orders: Iterable[Order]) -> str | None:
    """What two orders call by one name and mean differently, as the text of an error; None where
    every name has one meaning. The later one would say who the people of the other are."""
    meant: dict[tuple[str, str], tuple[str, Scope]] = {}
    for order in orders:
        for anchor, scope in order.population.items():
            other, first = meant.setdefault((order.scope, anchor), (order.name, scope))
            if first.predicate != scope.predicate:
                return f"{order.name}: '{order.scope}' on {anchor} means something else in {other}"
    return None


def next_change(orders: Iterable[Order], as_of: datetime) -> datetime | None:
    """The next instant at which the status of some order changes; None when none will."""
    return min((at for at in _changes(orders) if at > as_of), default=None)


def last_change(orders: Iterable[Order], as_of: datetime) -> datetime | None:
    """The last instant at which the status of some order changed; None when none had yet."""
    return max((at for at in _changes(orders) if at <= as_of), default=None)


def instants(orders: Iterable[Order], as_of: datetime) -> tuple[datetime, ...]:
    """An instant, and every later one at which the status of some order changes."""
    return (as_of, *sorted({at for at in _changes(orders) if at > as_of}))


def _changes(orders: Iterable[Order]) -> list[datetime]:
    return [change.at for order in orders for change in order.history]
