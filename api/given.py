"""What one request gives to the plan of its operation: leaves of variables, and who asks.

A plan is made once for all requests that agree in its *facts*: what its making looked at. All else
that a request gives is taken from here when the statement runs.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from api.cursor import Binding
from api.variables import Leaf

if TYPE_CHECKING:
    from api.cursor import Sealer
    from db.plan import Order


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of an operation, as its cursors are bound to it: role, name, order, and the arguments
    that narrow it. `number` counts the lists of the operation."""

    number: int
    role: str
    name: str
    arguments: Mapping[str, object] = field(hash=False)
    order: tuple[Order, ...]


@dataclass(slots=True)
class Given:
    """One request: the leaves of its variables, in their order; its subject, to whom cursors are
    bound; and what seals and opens these."""

    leaves: tuple[object, ...]
    subject: str
    sealer: Sealer
    _bindings: dict[int, Binding] = field(default_factory=dict)
    _opened: dict[tuple[int, str | Leaf], tuple[object, ...]] = field(default_factory=dict)

    def value(self, asked: object) -> object:
        """A value of the operation, with its leaves put in."""
        match asked:
            case Leaf(index):
                return self.leaves[index]
            case list():
                return [self.value(item) for item in asked]
            case dict():
                return {name: self.value(item) for name, item in asked.items()}
            case _:
                return asked

    def binding(self, listing: Listing) -> Binding:
        """What the cursors of a list are bound to in this request."""
        binding = self._bindings.get(listing.number)
        if binding is None:
            bound = [self.subject, listing.role, listing.name, listing.arguments]
            packed = json.dumps(bound, sort_keys=True, default=self._plain)
            digest = hashlib.sha256(packed.encode("utf-8", "surrogatepass")).digest()
            binding = self._bindings[listing.number] = Binding(digest, listing.order)
        return binding

    def _plain(self, value: object) -> object:
        if isinstance(value, Leaf):
            return self.leaves[value.index]
        return str(value.value if isinstance(value, enum.Enum) else value)

    def keyset(self, opened: Opened) -> tuple[object, ...]:
        """The values in a cursor. CursorInvalid for one that is not of this list and caller."""
        key = (opened.listing.number, opened.cursor)
        found = self._opened.get(key)
        if found is None:
            cursor = self.value(opened.cursor)
            assert isinstance(cursor, str)  # noqa: S101 - the schema has it so
            found = self._opened[key] = self.sealer.open(cursor, self.binding(opened.listing))
        return found


@dataclass(frozen=True, slots=True)
class Opened:
    """A cursor that the caller sent for a list."""

    listing: Listing
    cursor: str | Leaf


@dataclass(frozen=True, slots=True)
class Looked:
    """The fact of a leaf whose value the plan depends on."""

    leaf: Leaf

    def of(self, given: Given) -> Hashable:
        """The value."""
        value = given.leaves[self.leaf.index]
        return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Missing:
    """The fact of a cursor: which of its values are missing, because those are compared in another
    way than values that are there."""

    opened: Opened

    def of(self, given: Given) -> Hashable:
        """For each value, whether it is missing. CursorInvalid."""
        return tuple(value is None for value in given.keyset(self.opened))


Fact: TypeAlias = Looked | Missing
