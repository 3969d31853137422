"""What root fields that are no records resolve from: the caller, the policy, the orders."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from api.schema.viewer import Viewer, viewer
from api.shown import order_facts, policy_facts

if TYPE_CHECKING:
    from datetime import datetime

    from authz.principal import Principal
    from authz.snapshot import Snapshot


class Root:
    """The root value of one request. Fields are made when they are first asked for."""

    def __init__(
        self, principal: Principal, role: str, snapshot: Snapshot, as_of: datetime
    ) -> None:
        self._principal = principal
        self._role = role
        self._snapshot = snapshot
        self._as_of = as_of

    @property
    def viewer(self) -> Viewer:
        """The caller."""
        return viewer(self._principal, self._role, self._snapshot.version)

    @cached_property
    def policy(self) -> dict[str, object]:
        """The effective policy."""
        return policy_facts(self._snapshot)

    @cached_property
    def orders(self) -> list[dict[str, object]]:
        """Court orders on file."""
        return [order_facts(order, self._as_of) for order in self._snapshot.orders]
