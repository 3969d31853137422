"""Policies that an answer tells apart, committed one after another, and who knows which one held.

Each denies another set of three coordinates, so that the errors of an answer say under which of the
eight it was made.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from authz.floor import floor_of
from authz.packaged import load_seed
from authz.policy import Effect, PolicySet, Rule
from authz.snapshot import take
from authz.store import digest_of, document_of
from db.catalog_records import CATALOG
from db.floor_apply import commit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import asyncpg

    from db.floor import Floor

ROLES: Final = ("front_desk", "eligibility_supervisor")
ADMINISTRATOR: Final = "policy_administrator"
COORDINATES: Final = ("Enrollee.firstName", "Enrollee.lastName", "Enrollee.phoneNumber")
COUNT: Final = 2 ** len(COORDINATES)
_ORDERS: Final = load_seed(CATALOG)[1]
_KEPT: Final = {*ROLES, ADMINISTRATOR, *(order.role for order in _ORDERS)}


def policy(label: int) -> PolicySet:
    """The seed policy with few roles, of whom nobody may use the coordinates of a label's bits."""
    seed, _ = load_seed(CATALOG)
    denied = [
        Rule(role, coordinate, action, "always", Effect.DENY)
        for role in ROLES
        for action in ("read", "filter", "sort", "aggregate")
        for bit, coordinate in enumerate(COORDINATES)
        if label >> bit & 1
    ]
    return replace(
        seed,
        roles={name: role for name, role in seed.roles.items() if name in _KEPT},
        rules=(*(rule for rule in seed.rules if rule.role in _KEPT), *denied),
    )


@dataclass(frozen=True)
class Ready:
    """A policy with all that a commit takes."""

    label: int
    document: str
    floor: Floor
    version: str


@cache
def ready(label: int, page_limit: int | None = None) -> Ready:
    """`page_limit` makes another policy with the same floor."""
    made = policy(label)
    floor = floor_of(made, _ORDERS)
    if page_limit is not None:
        roles = {n: replace(role, page_limit=page_limit) for n, role in made.roles.items()}
        made = replace(made, roles=roles)
    version = take(made, _ORDERS, datetime.now(UTC)).version
    return Ready(label, document_of(made, _ORDERS), floor, version)


@dataclass
class Chain:
    """The versions of one database. `began` and `done` are of commits: between the two, either
    version may be the head."""

    owner: asyncpg.Connection
    done: int
    made: dict[int, Ready] = field(default_factory=dict)
    began: int = 0

    async def commit(self, policy: Ready) -> None:
        """Makes a policy the head."""
        self.began = self.done + 1
        self.made[self.began] = policy
        number = await commit(
            self.owner, self.done, policy.floor, policy.document, digest_of(policy.document), {}
        )
        assert number == self.began
        self.done = number

    def allowed(self, before: int) -> list[Ready]:
        """The policies under which an answer may be that was asked for when `before` was done and
        has come by now."""
        return [self.made[number] for number in range(before, self.began + 1)]


def label_of(body: Mapping[str, Any]) -> int:
    """Which policy made an answer to a query that selects all of the coordinates."""
    denied = {error["extensions"].get("coordinate") for error in body.get("errors", [])}
    return sum(1 << bit for bit, each in enumerate(COORDINATES) if each in denied)
