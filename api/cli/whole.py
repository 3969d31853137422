"""A version of the policy, whole, as the gateway tells it. Prints nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz.store import read_document
from db.catalog_records import CATALOG

if TYPE_CHECKING:
    from api.cli.acting import Acting
    from authz.document import Document

_HEAD = "{ policy { number } }"
_VERSION = "query ($number: Int!) { policyVersion(number: $number) { document } }"


def head_number(who: Acting) -> int:
    """The number of the version in force."""
    number = who.ask(_HEAD)["number"]
    assert isinstance(number, int)  # noqa: S101 - the schema says so
    return number


def document_of(who: Acting, number: int) -> Document:
    """A version, read as strictly as a gateway does."""
    return read_document(who.ask(_VERSION, number=number)["document"], CATALOG)
