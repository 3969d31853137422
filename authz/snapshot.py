"""All that decisions rest on, at one moment: the policy with the orders of that moment in it.

Replaced whole, never changed. Knows no token, no database and no clock: whoever asks says when.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from authz.ceiling import capped, effective
from authz.decided import decided
from authz.errors import OrderInvalid
from authz.near import unknown
from authz.order import last_change, next_change

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from authz.decision import DecisionSet
    from authz.order import Order
    from authz.policy import PolicySet
    from authz.principal import Principal


@dataclass(frozen=True)
class Snapshot:
    """An immutable policy at a version, for the instants from `since` on and before `until`.

    `policy` has the orders in it, `written` is without. `capped` are the roles that an order caps.
    `number` is that of the version in the database, which statements say; 0 for one from nowhere.
    """

    written: PolicySet
    policy: PolicySet
    orders: tuple[Order, ...]
    capped: frozenset[str]
    since: datetime | None
    until: datetime | None
    number: int = 0
    assignments: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """Subject → the roles that policy gives it besides those of its token."""
    _decisions: dict[str, DecisionSet] = field(default_factory=dict, compare=False, repr=False)
    _required: dict[str, frozenset[str]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def version(self) -> str:
        """Digest of everything that decisions rest on, in hexadecimal."""
        return self.policy.digest

    @property
    def roles(self) -> frozenset[str]:
        """All roles."""
        return frozenset(self.policy.roles)

    @property
    def decided(self) -> frozenset[str]:
        """The roles of which everything was asked that requests ask."""
        return frozenset(self._required)

    def principal(self, principal: Principal) -> Principal:
        """Who asks, with the roles that policy assigns to the subject."""
        assigned = self.assignments.get(principal.subject, frozenset())
        if assigned <= principal.roles:
            return principal
        return replace(principal, roles=principal.roles | assigned)

    def holds_at(self, as_of: datetime) -> bool:
        """Whether nothing dated lies between this snapshot and an instant."""
        return (self.since is None or self.since <= as_of) and (
            self.until is None or as_of < self.until
        )

    def decisions(self, role: str) -> DecisionSet:
        """Every decision of a role, built when first asked for. Raises UnknownRole.

        Two threads may build the same one at once; they are equal, and either stays.
        """
        if role not in self._decisions:
            self._decisions[role] = decided(self.policy, role)
        return self._decisions[role]

    def required_attributes(self, role: str) -> frozenset[str]:
        """The attributes without which a request in a role is refused. Raises UnknownRole.

        Those that its row scopes read, because an absent one would silently mean nobody, and under
        `not` everybody; and those that the role itself, or one that it inherits, requires.
        """
        # Kept, because every request asks: over a thousand decisions, going through them takes
        # milliseconds, more than the request's statement.
        if role not in self._required:
            self._required[role] = self.decisions(role).reads | self.policy.requires(role)
        return self._required[role]


def take(
    policy: PolicySet,
    orders: tuple[Order, ...],
    as_of: datetime,
    number: int = 0,
    assignments: Mapping[str, frozenset[str]] = MappingProxyType({}),
) -> Snapshot:
    """The snapshot of an instant. `as_of` has an offset.

    Where the policy exceeds an order, access is what both leave: `check` refuses the edit that
    would exceed one, and an order that is newer than its policy narrows it at once. Raises
    OrderInvalid for an order about a role that the policy does not have, because its cap would hold
    nobody.
    """
    for order in orders:
        if order.role not in policy.roles:
            raise OrderInvalid(f"{order.name}: {unknown('role', order.role, policy.roles)}")
    return Snapshot(
        policy,
        effective(policy, orders, as_of),
        orders,
        capped(policy, orders),
        last_change(orders, as_of),
        next_change(orders, as_of),
        number,
        assignments,
    )


class Holder:
    """Holds the one snapshot that requests use, and replaces it when its time is over."""

    def __init__(
        self,
        policy: PolicySet,
        orders: tuple[Order, ...],
        as_of: datetime,
        number: int = 0,
        assignments: Mapping[str, frozenset[str]] = MappingProxyType({}),
    ) -> None:
        """Raises what `take` raises."""
        self._snapshot = take(policy, orders, as_of, number, assignments)

    @property
    def held(self) -> Snapshot:
        """The snapshot that is held, whether or not its time is over."""
        return self._snapshot

    def current(self, as_of: datetime) -> Snapshot:
        """The snapshot of an instant: the one that is held, or the same version taken anew."""
        snapshot = self._snapshot
        if not snapshot.holds_at(as_of):
            snapshot = take(
                snapshot.written, snapshot.orders, as_of, snapshot.number, snapshot.assignments
            )
            self._snapshot = snapshot
        return snapshot

    def hold(self, snapshot: Snapshot) -> None:
        """Holds another version from here on."""
        self._snapshot = snapshot
