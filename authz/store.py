"""Policy and orders as one text, as it is stored with a version, and back. Makes no SQL.

The text is canonical JSON of what the files say, and is read by the same strict parsers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from authz.case_file import case_facts, cases_of
from authz.document import Document
from authz.errors import DocumentInvalid, PolicyInvalid
from authz.invariant_file import invariant_facts, invariants_of
from authz.near import unknown
from authz.order_file import order_of
from authz.policy_file import policy_of
from authz.strict_table import StrictTable
from authz.wildcards import is_wildcard
from db.catalog_records import CATALOG
from db.floor_apply import stored_head

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import asyncpg

    from authz.order import Order
    from authz.policy import PolicySet, Role, Rule
    from db.catalog import Catalog

_DAYS: Final = ("issued", "effective")


@dataclass(frozen=True)
class Head:
    """The policy version that PostgreSQL holds now."""

    number: int
    digest: str
    document: Document


async def head(connection: asyncpg.Connection, catalog: Catalog = CATALOG) -> Head | None:
    """The head version, read anew; None before the first. Raises what `read_document` raises for
    one that this version of the program does not understand."""
    stored = await stored_head(connection)
    if stored is None:
        return None
    return Head(stored.number, stored.digest, read_document(stored.document, catalog))


def digest_of(document: str) -> str:
    """SHA-256 of a document, in hexadecimal: of policy and orders together."""
    return sha256(document.encode()).hexdigest()


def document_of(policy: PolicySet, orders: Sequence[Order]) -> str:
    """The text of a policy with its orders, and nothing else."""
    return text_of(Document(policy, tuple(orders)))


def text_of(document: Document) -> str:
    """A version as text. Equal ones are equal text; what is empty is not mentioned."""
    policy = document.policy
    return json.dumps(
        {
            "policy": {
                "roles": {name: _role(role) for name, role in policy.roles.items()},
                # Wildcards come back with the coordinates that there are by then.
                "classes": {
                    name: sorted(members)
                    for name, members in policy.classes.items()
                    if not is_wildcard(name)
                },
                "scopes": {
                    name: {anchor: scope.text for anchor, scope in meanings.items()}
                    for name, meanings in policy.scopes.items()
                },
                "rules": [_rule(rule) for rule in policy.rules],
            },
            "orders": [
                _order(order) for order in sorted(document.orders, key=lambda each: each.name)
            ],
            **_invariants(document),
            **_cases(document),
            **_assignments(document),
        },
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )


def read_document(text: str, catalog: Catalog) -> Document:
    """What `text_of` wrote. Raises DocumentInvalid, PolicyInvalid, OrderInvalid or CaseInvalid."""
    try:
        file = StrictTable(_dated(json.loads(text)), "the document", DocumentInvalid)
    except (ValueError, RecursionError) as error:
        raise DocumentInvalid("not the JSON of a policy") from error
    policy = policy_of(catalog, file.table("policy"))
    orders = tuple(order_of(catalog, table.text("name"), table) for table in file.tables("orders"))
    invariants = invariants_of(policy, file.table("invariants")) if file.has("invariants") else ()
    cases = cases_of(catalog, policy, file.table("cases")) if file.has("cases") else ()
    assignments = _read_assignments(file, policy)
    file.done()
    return Document(policy, orders, invariants, cases, assignments)


def _invariants(document: Document) -> dict[str, object]:
    given = {invariant.name: invariant_facts(invariant) for invariant in document.invariants}
    return {"invariants": given} if given else {}


def _cases(document: Document) -> dict[str, object]:
    given = {case.name: case_facts(case) for case in document.cases}
    return {"cases": given} if given else {}


def _assignments(document: Document) -> dict[str, object]:
    given = {subject: sorted(roles) for subject, roles in document.assignments.items() if roles}
    return {"assignments": given} if given else {}


def _read_assignments(file: StrictTable, policy: PolicySet) -> Mapping[str, frozenset[str]]:
    if not file.has("assignments"):
        return MappingProxyType({})
    table = file.table("assignments")
    found: dict[str, frozenset[str]] = {}
    for subject in table.names():
        roles = table.texts(subject)
        for role in roles:
            if role not in policy.roles:
                raise PolicyInvalid(
                    f"assignment of '{subject}': {unknown('role', role, policy.roles)}"
                )
        found[subject] = frozenset(roles)
    return MappingProxyType(found)


def _dated(document: object) -> object:
    """Days and instants of orders as TOML has them, for which the parsers are made; JSON has none.

    ValueError for text that is neither.
    """
    for order in _tables(document, "orders"):
        for name in _DAYS:
            _read(order, name, date.fromisoformat)
        for change in _tables(order, "history"):
            _read(change, "at", datetime.fromisoformat)
    return document


def _tables(given: object, name: str) -> list[dict[str, object]]:
    listed = given.get(name) if isinstance(given, dict) else None
    return (
        [table for table in listed if isinstance(table, dict)] if isinstance(listed, list) else []
    )


def _read(table: dict[str, object], name: str, read: Callable[[str], object]) -> None:
    if isinstance(text := table.get(name), str):
        table[name] = read(text)


def _role(role: Role) -> dict[str, object]:
    return {
        "description": role.description,
        "page_limit": role.page_limit,
        "denial": role.denial_mode.value,
        "inherits": sorted(role.inherits),
        "requires": sorted(role.requires),
        "smallest_cell": role.smallest_cell,
    }


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "role": rule.role,
        "on": [rule.object],
        "actions": [rule.action],
        "where": rule.condition,
        "effect": rule.effect.value,
    }


def _order(order: Order) -> dict[str, object]:
    return {
        "name": order.name,
        "caption": order.caption,
        "court": order.court,
        "docket": order.docket,
        "issued": order.issued.isoformat(),
        "effective": order.effective.isoformat(),
        "role": order.role,
        "states": sorted(order.states),
        "history": [
            {"at": change.at.isoformat(), "status": change.status.value} for change in order.history
        ],
        "population": {
            "scope": order.scope,
            **{anchor: scope.text for anchor, scope in order.population.items()},
        },
        "grants": [
            {"on": [coordinate], "actions": sorted(actions)}
            for coordinate, actions in sorted(order.grants.items())
        ],
    }
