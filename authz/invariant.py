"""What administrators have promised never to allow, as a value that is kept with the policy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """Some roles never do something, or do it on some rows only.

    `roles` are those that it binds, all of them where there is none, without `but`. `on` names
    coordinates and data classes, `actions` what is not done with them. `only_where` is a condition
    as rules have it: the rows on which it may be done; empty for none.
    """

    name: str
    why: str
    roles: frozenset[str]
    but: frozenset[str]
    on: frozenset[str]
    actions: frozenset[str]
    only_where: str = ""
