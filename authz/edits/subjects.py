"""Edits of who holds which role besides those of the token. Knows subjects; knows no token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from authz.edits.draft import Draft, listed, present

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from authz.strict_table import StrictTable


def _assign(draft: Draft, table: StrictTable) -> None:
    subject, roles = _read(table)
    for role in sorted(roles):
        present("role", role, draft.roles)
    held = draft.assignments.get(subject, frozenset())
    if roles & held:
        raise table.wrong(f"'{subject}' is assigned {listed(roles & held)} already")
    draft.assignments[subject] = held | roles


def _unassign(draft: Draft, table: StrictTable) -> None:
    subject, roles = _read(table)
    present("subject", subject, draft.assignments)
    held = draft.assignments[subject]
    for role in sorted(roles):
        present(f"role of '{subject}'", role, held)
    if left := held - roles:
        draft.assignments[subject] = left
    else:
        del draft.assignments[subject]


def _read(table: StrictTable) -> tuple[str, frozenset[str]]:
    subject, roles = table.text("subject"), frozenset(table.texts("roles"))
    table.done()
    if not roles:
        raise table.wrong("no role: this edit would do nothing")
    return subject, roles


KINDS: Final[Mapping[str, Callable[[Draft, StrictTable], None]]] = {
    "assign": _assign,
    "unassign": _unassign,
}
