"""Edits of invariants and cases: what is promised of a policy, and how that is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from authz.case_file import parse_cases
from authz.edits.draft import Draft, present
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


def _set_case(draft: Draft, table: StrictTable) -> None:
    found = parse_cases(draft.catalog, table.text("yaml"))
    table.done()
    if not found:
        raise table.wrong("no case")
    for case in found:
        if draft.cases.get(case.name) == case:
            raise table.wrong(f"case '{case.name}' is so already")
        draft.cases[case.name] = case


def _remove_case(draft: Draft, table: StrictTable) -> None:
    name = table.text("name")
    table.done()
    present("case", name, draft.cases)
    del draft.cases[name]


KINDS: Final[Mapping[str, Callable[[Draft, StrictTable], None]]] = {
    "set_invariant": _set_invariant,
    "remove_invariant": _remove_invariant,
    "set_case": _set_case,
    "remove_case": _remove_case,
}
