"""Invariants as tables, in a policy file and in a stored version, and back. Reads no decision.

[invariants.ssn_is_looked_up]
why = "Whoever knows the number may look it up; who determines eligibility reads it."
on = ["ssn"]                      coordinates, data classes, wildcards
actions = ["read", "sort"]
roles = [..]                      all of them without it
but = ["eligibility_worker"]      none without it
only_where = "own_state"          the rows on which it may be done; none without it
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from authz import questions
from authz.errors import PolicyInvalid
from authz.invariant import Invariant
from authz.near import unknown
from authz.policy import ALWAYS, join, parts
from authz.wildcards import wildcards, within

if TYPE_CHECKING:
    from collections.abc import Iterable, Set

    from authz.policy import PolicySet
    from authz.strict_table import StrictTable

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


def invariants_of(policy: PolicySet, table: StrictTable) -> tuple[Invariant, ...]:
    """The invariants that a table names, by name. Raises PolicyInvalid for what the policy does not
    know or an invariant cannot mean, or the error of the table."""
    found = tuple(invariant_of(name, table.table(name)) for name in sorted(table.names()))
    for invariant in found:
        check_invariant(policy, invariant)
    return found


def invariant_of(name: str, table: StrictTable) -> Invariant:
    """The invariant that a table says, held against no policy. Raises the error of the table."""
    rows = table.text("only_where") if table.has("only_where") else ""
    invariant = Invariant(
        name,
        table.text("why"),
        frozenset(table.texts("roles") if table.has("roles") else ()),
        frozenset(table.texts("but") if table.has("but") else ()),
        frozenset(table.texts("on")),
        frozenset(table.texts("actions")),
        "&".join(sorted(part.strip() for part in rows.split("&"))) if rows else "",
    )
    table.done()
    return invariant


def invariant_facts(invariant: Invariant) -> dict[str, object]:
    """What `invariants_of` reads under the name of an invariant; what is empty is not mentioned."""
    facts = {
        "why": invariant.why,
        "roles": sorted(invariant.roles),
        "but": sorted(invariant.but),
        "on": sorted(invariant.on),
        "actions": sorted(invariant.actions),
        "only_where": invariant.only_where,
    }
    return {name: value for name, value in facts.items() if value}


def check_invariant(policy: PolicySet, invariant: Invariant) -> None:
    """Raises PolicyInvalid where an invariant has no meaning in a policy, as it has none any more
    when an edit takes away a role, a class or a scope that it names."""
    where = f"invariant '{invariant.name}'"
    if not _NAME.fullmatch(invariant.name):
        raise PolicyInvalid(f"{where}: a name is a-z, 0-9 and _")
    if not invariant.on or not invariant.actions:
        raise PolicyInvalid(f"{where}: on nothing, or no action: it would say nothing")
    if both := sorted(invariant.roles & invariant.but):
        raise PolicyInvalid(f"{where}: '{both[0]}' is among 'roles' and among 'but'")
    objects = (
        questions.coordinates(policy.catalog)
        | policy.classes.keys()
        | wildcards(policy.catalog).keys()
    )
    _known(where, "role", invariant.roles | invariant.but, policy.roles)
    _known(where, "coordinate or class", invariant.on, objects)
    _known(where, "action", invariant.actions, questions.ACTIONS | questions.FILTERS)
    if invariant.only_where:
        _check_rows(policy, where, invariant)


def _known(where: str, what: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in sorted(set(names) - set(known)):
        raise PolicyInvalid(f"{where}: {unknown(what, name, known)}")


def _check_rows(policy: PolicySet, where: str, invariant: Invariant) -> None:
    scopes = parts(invariant.only_where)
    if not scopes or scopes & {ALWAYS, ""} or invariant.only_where != join(scopes):
        raise PolicyInvalid(f"{where}: 'only_where' is different scopes joined by &")
    _known(where, "scope", scopes, policy.scopes)
    for coordinate in sorted(_coordinates(policy, invariant.on)):
        anchor = policy.anchors[coordinate]
        if anchor is None:
            raise PolicyInvalid(f"{where}: {coordinate} has no rows, so 'only_where' means nothing")
        for name in sorted(scopes):
            if anchor not in policy.scopes[name]:
                raise PolicyInvalid(
                    f"{where}: scope '{name}' has no meaning on {anchor}, as {coordinate} needs"
                )


def _coordinates(policy: PolicySet, names: Set[str]) -> frozenset[str]:
    return frozenset[str]().union(*(within(policy.catalog, policy.classes, name) for name in names))
