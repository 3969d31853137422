"""What each edit is written with: its keys, and what each of them is. Knows no version.

So that a file is understood before anybody is asked, and that GraphQL has the same edits.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, assert_never

from authz.errors import EditInvalid
from authz.near import unknown
from authz.strict_table import StrictTable

if TYPE_CHECKING:
    from collections.abc import Mapping


class Form(Enum):
    """What a key holds."""

    TEXT = "text"
    TEXTS = "texts"
    WHOLE = "whole"
    INSTANT = "instant"
    MEANINGS = "meanings"


_NAME: Final = {"name": Form.TEXT}
_RULE: Final = {"role": Form.TEXT, "on": Form.TEXTS, "actions": Form.TEXTS, "where": Form.TEXT}
_ROLE: Final = {
    "name": Form.TEXT, "description": Form.TEXT, "page_limit": Form.WHOLE, "denial": Form.TEXT,
    "inherits": Form.TEXTS, "requires": Form.TEXTS, "smallest_cell": Form.WHOLE,
}  # fmt: skip
_INVARIANT: Final = {
    "name": Form.TEXT, "why": Form.TEXT, "roles": Form.TEXTS, "but": Form.TEXTS,
    "on": Form.TEXTS, "actions": Form.TEXTS, "only_where": Form.TEXT,
}  # fmt: skip
_SUBJECT: Final = {"subject": Form.TEXT, "roles": Form.TEXTS}

FORMS: Final[Mapping[str, Mapping[str, Form]]] = MappingProxyType(
    {
        "grant": _RULE,
        "deny": _RULE,
        "remove_rule": {**_RULE, "effect": Form.TEXT},
        "add_role": _ROLE,
        "set_role": _ROLE,
        "remove_role": _NAME,
        "set_class": {**_NAME, "members": Form.TEXTS},
        "remove_class": _NAME,
        "set_scope": {**_NAME, "meanings": Form.MEANINGS},
        "remove_scope": _NAME,
        "set_invariant": _INVARIANT,
        "remove_invariant": _NAME,
        "set_case": {"yaml": Form.TEXT},
        "remove_case": _NAME,
        "assign": _SUBJECT,
        "unassign": _SUBJECT,
        "add_order": {"toml": Form.TEXT},
        "set_order_status": {**_NAME, "status": Form.TEXT, "at": Form.INSTANT},
    }
)
"""Key of an edit → its keys."""

_OPTIONAL: Final = {
    "remove_rule": {"effect"},
    "add_role": _ROLE.keys() - {"name", "description", "page_limit"},
    "set_role": _ROLE.keys() - {"name"},
    "set_invariant": {"roles", "but", "only_where"},
    "set_order_status": {"at"},
}


def opened(number: int, edit: Mapping[str, object]) -> tuple[str, StrictTable]:
    """The key of an edit, which is the only one, and its table, which has the form of that edit.

    `number` begins the text of errors. Raises EditInvalid.
    """
    where = f"edit {number}"
    if len(edit) != 1:
        keys = ", ".join(sorted(edit)) or "none"
        raise EditInvalid(f"{where}: an edit has one key, and here are: {keys}")
    ((kind, given),) = edit.items()
    if kind not in FORMS:
        raise EditInvalid(f"{where}: {unknown('edit', kind, FORMS)}")
    table = StrictTable(given, f"{where}, {kind}", EditInvalid)
    for key in sorted(set(table.names()) - FORMS[kind].keys()):
        raise table.wrong(unknown("key", key, FORMS[kind]))
    for key, form in FORMS[kind].items():
        if key in table.names() or key not in _OPTIONAL.get(kind, ()):
            _hold(table, key, form)
    return kind, table


def _hold(table: StrictTable, key: str, form: Form) -> None:
    """Reads a key, and forgets what it says."""
    match form:
        case Form.TEXT:
            table.text(key)
        case Form.TEXTS:
            table.texts(key)
        case Form.WHOLE:
            table.whole(key)
        case Form.INSTANT:
            instant(table, key)
        case Form.MEANINGS:
            meanings(table, key)
        case _:
            assert_never(form)


def instant(table: StrictTable, key: str) -> datetime:
    """An instant as TOML has it, or as text: JSON has no days and instants."""
    value = table.value(key)
    if isinstance(value, str):
        try:
            value = (date if len(value) == len("2026-01-06") else datetime).fromisoformat(value)
        except ValueError:
            raise table.wrong(f"'{key}' is not a day or an instant") from None
    return StrictTable({key: value}, table.where, EditInvalid).instant(key)


def meanings(table: StrictTable, key: str) -> dict[str, str]:
    """Anchor → text of a row scope on it."""
    found: dict[str, str] = {}
    for meaning in table.tables(key):
        anchor = meaning.text("anchor")
        if anchor in found:
            raise meaning.wrong(f"a meaning on {anchor} twice")
        found[anchor] = meaning.text("text")
        meaning.done()
    return found
