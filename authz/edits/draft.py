"""A policy version while edits are made to it, in parts. Knows what is there; no meaning of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from authz.case_file import check_case
from authz.errors import EditInvalid
from authz.invariant_file import check_invariant
from authz.near import unknown
from authz.policy_check import policy_set
from authz.wildcards import is_wildcard

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from authz.case import Case
    from authz.document import Document
    from authz.invariant import Invariant
    from authz.order import Order
    from authz.policy import PolicySet, Role, Rule
    from db.catalog import Catalog


@dataclass
class Draft:
    """Changed in place by one edit after the other, and thrown away.

    `as_of` is the instant of the edits: what an order's history has up to then is past.
    """

    catalog: Catalog
    as_of: datetime
    roles: dict[str, Role]
    classes: dict[str, frozenset[str]]
    scopes: dict[str, dict[str, str]]
    rules: dict[Rule, None]
    orders: dict[str, Order]
    invariants: dict[str, Invariant]
    cases: dict[str, Case]
    assignments: dict[str, frozenset[str]]

    @staticmethod
    def of(document: Document, as_of: datetime) -> Draft:
        """The parts of a version, to be changed."""
        policy = document.policy
        return Draft(
            policy.catalog,
            as_of,
            dict(policy.roles),
            _listed(policy),
            _texts(policy),
            dict.fromkeys(policy.rules),
            {order.name: order for order in document.orders},
            {invariant.name: invariant for invariant in document.invariants},
            {case.name: case for case in document.cases},
            dict(document.assignments),
        )

    def over(self, document: Document) -> Document:
        """The version that took the place of the one that the draft was made of.

        Raises PolicyInvalid where the parts make no policy, or one in which an invariant means
        nothing, and CaseInvalid where a case does not.
        """
        policy = self._policy(document.policy)
        for invariant in self.invariants.values():
            check_invariant(policy, invariant)
        for case in self.cases.values():
            check_case(policy, case)
        return replace(
            document,
            policy=policy,
            orders=tuple(self.orders.values()),
            invariants=tuple(self.invariants[name] for name in sorted(self.invariants)),
            cases=tuple(self.cases[name] for name in sorted(self.cases)),
            assignments=MappingProxyType(self.assignments),
        )

    def _policy(self, before: PolicySet) -> PolicySet:
        if (
            self.roles == before.roles
            and self.classes == _listed(before)
            and self.scopes == _texts(before)
            and self.rules.keys() == set(before.rules)
        ):
            return before
        return policy_set(self.catalog, self.roles.values(), self.classes, self.scopes, self.rules)


def present(what: str, name: str, known: Iterable[str]) -> None:
    """Raises EditInvalid with the nearest that is there, where something is not."""
    known = tuple(known)
    if name not in known:
        raise EditInvalid(unknown(what, name, known))


def absent(what: str, name: str, known: Iterable[str]) -> None:
    """Raises EditInvalid where something is there already."""
    if name in known:
        raise EditInvalid(f"{what} '{name}' is there already")


def _listed(policy: PolicySet) -> dict[str, frozenset[str]]:
    """The classes that somebody lists: wildcards follow from the catalog."""
    return {name: members for name, members in policy.classes.items() if not is_wildcard(name)}


def _texts(policy: PolicySet) -> dict[str, dict[str, str]]:
    return {
        name: {anchor: scope.text for anchor, scope in meanings.items()}
        for name, meanings in policy.scopes.items()
    }


def listed(names: Iterable[str], most: int = 5) -> str:
    """Names for a sentence, the first few where there are many."""
    ordered = sorted(names)
    shown = ", ".join(f"'{name}'" for name in ordered[:most])
    return shown if len(ordered) <= most else f"{shown} and {len(ordered) - most} more"
