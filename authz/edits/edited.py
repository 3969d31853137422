"""Edits of a policy, as tables that TOML and GraphQL both have, applied to a version. Pure.

Each edit is a table with one key, which says what is done, and a table of what it is done with:

    { assign = { subject = "jo@example.org", roles = ["auditor"] } }

What an edit does not know is an error, and so is what is there already or is not there: whoever
wrote it had another version in mind. docs/administration.md lists them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from authz.edits import orders, policy, promises, subjects
from authz.edits.draft import Draft
from authz.edits.forms import opened
from authz.errors import EditInvalid
from authz.strict_table import document as table_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from authz.document import Document
    from authz.strict_table import StrictTable

_KINDS: Final[Mapping[str, Callable[[Draft, StrictTable], None]]] = {
    **policy.KINDS,
    **promises.KINDS,
    **orders.KINDS,
    **subjects.KINDS,
}
"""Key of an edit → what it does to a draft."""


def edited(document: Document, edits: Sequence[Mapping[str, object]], as_of: datetime) -> Document:
    """The version that these edits make, one after the other, at an instant.

    The parts only have to fit once all edits are made. Raises EditInvalid with the number of the
    edit, from 1, and what making a version of the parts raises: PolicyInvalid, OrderInvalid,
    CaseInvalid.
    """
    draft = Draft.of(document, as_of)
    for number, edit in enumerate(edits, 1):
        kind, table = opened(number, edit)
        try:
            _KINDS[kind](draft, table)
        except EditInvalid as error:
            if error.detail.startswith(table.where):
                raise
            raise table.wrong(error.detail) from error
    return draft.over(document)


def read_edits_file(text: str) -> list[Mapping[str, object]]:
    """The edits of a TOML file, `[[edits]]`, each in its form. Raises EditInvalid."""
    file = table_of(text, EditInvalid)
    tables = file.tables("edits")
    file.done()
    if not tables:
        raise file.wrong("'edits' is empty")
    found = [{key: table.value(key) for key in table.names()} for table in tables]
    for number, edit in enumerate(found, 1):
        opened(number, edit)
    return list(found)
