"""What somebody wants the policy to be: edits, a whole policy, or what it was. Pure.

INVARIANT: an order leaves no version that follows. Edits have nothing to take one away with, a
policy has none in it, and going back goes back to the policy of then, under the orders of now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from api.errors import ArgumentInvalid, PolicyUnchanged
from api.schema.policy_edit import table_of
from authz.edits.edited import edited
from authz.policy_file import parse_policy_file
from authz.store import read_document, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from authz.document import Document
    from authz.policy import PolicySet

_NAMES = ("edits", "text", "rollbackTo")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One of the three is given: edits as tables, a policy as TOML, the number of a version."""

    edits: tuple[Mapping[str, object], ...] | None = None
    text: str | None = None
    rollback_to: int | None = None


def wanted_of(edits: Sequence[Any] | None, text: str | None, rollback_to: int | None) -> Wanted:
    """What the arguments of a root field say. ArgumentInvalid unless just one of them is given."""
    given = [name for name, value in zip(_NAMES, (edits, text, rollback_to), strict=True)
             if value is not None]  # fmt: skip
    if len(given) != 1:
        raise ArgumentInvalid(argument=" or ".join(given or _NAMES))
    tables = None if edits is None else tuple(table_of(edit) for edit in edits)
    return Wanted(tables, text, rollback_to)


def made(wanted: Wanted, before: Document, older: Document | None, as_of: datetime) -> Document:
    """The version that follows. `older` is the one to go back to, where one is.

    Raises EditInvalid, PolicyInvalid, OrderInvalid, and PolicyUnchanged where it is the same.
    """
    if older is not None:
        after = replace(older, policy=_ordered(older.policy, before), orders=before.orders)
    elif wanted.text is not None:
        policy, invariants = parse_policy_file(before.policy.catalog, wanted.text)
        after = replace(before, policy=policy, invariants=invariants or before.invariants)
    else:
        after = edited(before, wanted.edits or (), as_of)
    text = text_of(after)
    if text == text_of(before):
        raise PolicyUnchanged
    # What is read back is what gateways will use: parts that do not fit are found here.
    return read_document(text, before.policy.catalog)


def _ordered(older: PolicySet, now: Document) -> PolicySet:
    """An older policy with the roles that orders name by now: an order stays, and so does the role
    that it caps, without a rule."""
    named = {order.role for order in now.orders} - older.roles.keys()
    kept = {name: replace(now.policy.roles[name], inherits=frozenset()) for name in named}
    return replace(older, roles=MappingProxyType({**older.roles, **kept}))


def touched(before: Document, after: Document) -> Iterator[tuple[str, str]]:
    """The coordinates, each with an action, that it takes to bring one about from the other."""
    old = {order.name: order for order in before.orders}
    new = {order.name: order for order in after.orders}
    if new.keys() - old.keys():
        yield "Order.name", "create"
    if any(new.get(name) != order for name, order in old.items()):
        yield "Order.status", "update"
    if text_of(replace(before, orders=())) != text_of(replace(after, orders=())):
        yield "Policy.rules", "update"
