"""What root fields that are no records resolve from: the caller, the policy, the orders."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from api.administration.caller import Caller
from api.administration.shown import KEPT, kept_facts
from api.schema.viewer import Viewer, viewer
from api.shown import order_facts, policy_facts

if TYPE_CHECKING:
    from datetime import datetime

    from api.administration.changes import Administration
    from api.administration.documents import Documents
    from api.administration.inquiry import Inquiry
    from authz.principal import Principal
    from authz.snapshot import Snapshot


class Root:
    """The root value of one request. Fields are made when they are first asked for.

    `administration` and `inquiry` outlive it: what they answer, they answer to the `caller`.
    """

    def __init__(
        self,
        principal: Principal,
        role: str,
        snapshot: Snapshot,
        as_of: datetime,
        administration: Administration,
        inquiry: Inquiry,
        documents: Documents,
    ) -> None:
        self._principal = principal
        self._role = role
        self._snapshot = snapshot
        self._as_of = as_of
        self.administration = administration
        self.inquiry = inquiry
        self._documents = documents

    @cached_property
    def caller(self) -> Caller:
        """Who asks about the policy or changes it."""
        decisions = self._snapshot.decisions(self._role)
        return Caller(self._principal.subject, decisions, self._snapshot, self._as_of)

    @property
    def viewer(self) -> Viewer:
        """The caller."""
        return viewer(self._principal, self._role, self._snapshot.version)

    @cached_property
    def policy(self) -> dict[str, object]:
        """The effective policy, with what its version keeps beside."""
        kept = {name: partial(self._kept, name) for name in KEPT}
        return policy_facts(self._snapshot) | kept

    @cached_property
    def orders(self) -> list[dict[str, object]]:
        """Court orders on file."""
        return [order_facts(order, self._as_of) for order in self._snapshot.orders]

    async def _kept(self, name: str) -> list[dict[str, object]]:
        return kept_facts(await self._documents.number(self._snapshot.number))[name]
