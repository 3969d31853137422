"""What PostgreSQL has to grant so that policy and orders hold there too. Pure data.

Roles are those of policy, without the name of a database: `floor_login` says what they are called
there. Knows nothing of how a floor comes about (`authz.floor`), of applying one (`floor_apply`) or
of comparing (`floor_drift`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Span: TypeAlias = "tuple[datetime | None, datetime | None]"
"""From the first instant on and before the second; None is without an end on that side."""

REACH: Final = "policy_reach"
"""What is no role of policy and has a login all the same: who counts the people that a change of
policy brings into reach."""


@dataclass(frozen=True, slots=True)
class RoleFloor:
    """What one role may do: SELECT on columns, each (table, column) of schema medicaid, and EXECUTE
    on functions of that schema, by name. `capped`: of the population of the order alone."""

    columns: frozenset[tuple[str, str]]
    functions: frozenset[str]
    capped: bool


@dataclass(frozen=True)
class Floor:
    """All roles of a policy, and REACH; for each capped one, the spans in which orders let it read,
    in order and apart from each other: none is never."""

    roles: Mapping[str, RoleFloor]
    standing: Mapping[str, tuple[Span, ...]]

    def as_json(self) -> str:
        """Canonical JSON: equal floors are equal text."""
        return json.dumps(
            {
                "roles": {name: _role(role) for name, role in self.roles.items()},
                "standing": {
                    name: [[_text(begin), _text(end)] for begin, end in spans]
                    for name, spans in self.standing.items()
                },
            },
            sort_keys=True,
            separators=(",", ":"),
        )

    @staticmethod
    def from_json(text: str) -> Floor:
        """What `as_json` wrote, in whatever order. KeyError, TypeError or ValueError for more.

        In a version from before there were spans for each role, one list was every capped role's.
        """
        given = json.loads(text)
        roles = {
            name: RoleFloor(
                frozenset((t, c) for t, names in role["columns"].items() for c in names),
                frozenset(role["functions"]),
                bool(role["capped"]),
            )
            for name, role in sorted(given["roles"].items())
        }
        standing = given["standing"]
        if isinstance(standing, list):
            standing = {name: standing for name, role in roles.items() if role.capped}
        return Floor(
            MappingProxyType(roles),
            MappingProxyType({name: _spans(each) for name, each in sorted(standing.items())}),
        )


def _role(role: RoleFloor) -> dict[str, object]:
    columns: dict[str, list[str]] = {}
    for table, column in sorted(role.columns):
        columns.setdefault(table, []).append(column)
    return {"capped": role.capped, "columns": columns, "functions": sorted(role.functions)}


def _spans(given: list[tuple[str | None, str | None]]) -> tuple[Span, ...]:
    return tuple((_instant(begin), _instant(end)) for begin, end in given)


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
