"""Edits of invariants: what a policy is kept from, whatever its rules say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from authz.draft import Draft, present
from authz.invariant_file import invariant_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from authz.strict_table import StrictTable


def _set_invariant(draft: Draft, table: StrictTable) -> None:
    name = table.text("name")
    invariant = invariant_of(name, table)
    if draft.invariants.get(name) == invariant:
        raise table.wrong(f"invariant '{name}' is so already")
    draft.invariants[name] = invariant


def _remove_invariant(draft: Draft, table: StrictTable) -> None:
    name = table.text("name")
    table.done()
    present("invariant", name, draft.invariants)
    del draft.invariants[name]


KINDS: Final[Mapping[str, Callable[[Draft, StrictTable], None]]] = {
    "set_invariant": _set_invariant,
    "remove_invariant": _remove_invariant,
}
