"""`only_narrows` is a proof: nobody may do on any row what he could not do before, now or later.

What somebody may do is worked out whole: who acts in which role, what a request needs, each row of
flags. `FIELDWARD_CASES` says how many pairs of versions there are.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import reduce
from itertools import chain, combinations, product
from operator import or_
from random import Random
from typing import TYPE_CHECKING

from authz.ceiling import capped, effective
from authz.decision import condition
from authz.diff.diff import diff
from authz.enforcer import decision_set
from authz.principal import Principal, acting_role
from db.errors import FieldwardError
from tests.properties.policies import FLAGS, holds
from tests.properties.small_documents import (
    FLAG_NAMES,
    NOW,
    ROLES,
    SUBJECT,
    edited,
    small_document,
)

if TYPE_CHECKING:
    from datetime import datetime

    from authz.decision import DecisionSet
    from authz.diff.diff import Diff
    from authz.document import Document
    from authz.policy import PolicySet
    from db.predicate import Predicate

CASES = int(os.environ.get("FIELDWARD_CASES", "40"))
ROWS = [dict(zip(FLAGS, values, strict=True)) for values in product((True, False, None), repeat=4)]
TOKENS = [frozenset(some) for some in chain.from_iterable(combinations(ROLES, n) for n in range(4))]
_MASKS: dict[Predicate, int] = {}


def rows(predicate: Predicate) -> int:
    """The rows that meet a condition, each a bit."""
    if predicate not in _MASKS:
        _MASKS[predicate] = sum(holds(predicate, row) << at for at, row in enumerate(ROWS))
    return _MASKS[predicate]


class World:
    """A version at an instant, and what somebody may do in it."""

    def __init__(self, document: Document, at: datetime) -> None:
        self.document = document
        self.policy: PolicySet = effective(document.policy, document.orders, at)
        self.capped = capped(document.policy, document.orders)
        self.decided: dict[str, DecisionSet] = {
            name: decision_set(self.policy, name) for name in self.policy.roles
        }
        self.open = {
            (name, *asked): rows(condition(decision))
            for name, decisions in self.decided.items()
            for asked, decision in decisions.table.items()
            if asked[0] in FLAG_NAMES
        }

    def acts(self, subject: str, token: frozenset[str], named: str | None, agreed: bool) -> str:
        """The role in which a request acts; empty where it is refused."""
        held = token | self.document.assignments.get(subject, frozenset())
        try:
            role = acting_role(Principal(subject, held), named, self.capped, self.roles)
        except FieldwardError:
            return ""
        return role if agreed or not self.policy.requires(role) else ""

    @property
    def roles(self) -> frozenset[str]:
        """All roles."""
        return frozenset(self.policy.roles)


def instants(*documents: Document) -> list[datetime]:
    """Now, and every later instant at which something changes."""
    dated = {
        change.at for document in documents for order in document.orders for change in order.history
    }
    return [NOW, *sorted(at for at in dated if at > NOW)]


def gains(pairs: list[tuple[World, World]]) -> list[object]:
    """All that somebody may do after and could not do before."""
    found: list[object] = []
    for old, new in pairs:
        for subject, token, agreed in product((SUBJECT, "other"), TOKENS, (True, False)):
            # Whoever may choose the role has what any of them has.
            was, now = (
                {world.acts(subject, token, named, agreed) for named in (None, *ROLES)} - {""}
                for world in (old, new)
            )
            found += [
                (subject, token, agreed, asked)
                for asked, bits in new.open.items()
                if asked[0] in now
                and bits & ~reduce(or_, (old.open.get((each, *asked[1:]), 0) for each in was), 0)
            ]
            found += [
                (subject, token, role, "settings")
                for role in now & was
                if _loosened(old, new, role)
            ]
    return found


def _loosened(old: World, new: World, role: str) -> bool:
    """A number of fewer people, or of other ones, or longer pages."""
    was, now = old.decided[role], new.decided[role]
    if now.smallest_cell < was.smallest_cell or now.page_limit > was.page_limit:
        return True
    return any(
        bits not in (0, old.open.get(asked, 0))
        for asked, bits in new.open.items()
        if asked[0] == role and asked[2] == "aggregate"
    )


def test_nobody_gets_anything_by_what_is_said_only_to_narrow() -> None:
    seen: Counter[tuple[bool, bool]] = Counter()
    for seed in range(CASES):
        random = Random(seed)
        before = small_document(random)
        after = edited(random, before)
        found = diff(before, after, NOW)
        pairs = [(World(before, at), World(after, at)) for at in instants(before, after)]
        gained = gains(pairs) if found.only_narrows else []
        assert not (found.only_narrows and gained), (seed, found, gained[0])
        seen[found.only_narrows, bool(found.access or found.settings)] += 1
        _told_all(pairs, found)
    assert seen[True, True] > CASES // 8, seen
    assert seen[False, True] > CASES // 8, seen


def _told_all(pairs: list[tuple[World, World]], found: Diff) -> None:
    """Every decision that differs on some row, of any role at any instant, is in some change."""
    told = {
        (change.role, coordinate, change.action)
        for change in found.access
        for coordinate in change.coordinates
    }
    for old, new in pairs:
        for role, coordinate, action in old.open.keys() | new.open.keys():
            asked = (role, coordinate, action)
            if old.open.get(asked, 0) != new.open.get(asked, 0):
                assert {asked, (role, coordinate, action.partition(":")[0])} & told
