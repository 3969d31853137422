"""Cursors: a keyset, sealed. Knows keys and bytes; nothing of SQL, policy or GraphQL.

Sealed with AES-SIV (RFC 5297): deterministic, so that equal answers are equal bytes, and of one
length for one order, so that the length of a hidden value does not show. What a cursor is bound to
(subject, role, list, order, filter) is authenticated with it; under another binding it does not
open.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from api.errors import CursorInvalid
from db.catalog import Kind

if TYPE_CHECKING:
    from db.plan import Order

KEY_BYTES = 64
_MOST_BYTES = 8 * 1024
# The longest value as JSON and the comma and space behind it.
_WIDTH = {Kind.DATE: 14, Kind.INTEGER: 13, Kind.DECIMAL: 26, Kind.BOOLEAN: 7, Kind.UUID: 40}


@dataclass(frozen=True, slots=True)
class Binding:
    """What a cursor belongs to: a digest over caller and list, and the order of its keyset."""

    digest: bytes
    order: tuple[Order, ...]

    @property
    def size(self) -> int:
        """Bytes of the longest keyset of this order; every cursor of it is padded to that."""
        # A character of text takes at most six bytes in JSON: four in UTF-8, six when escaped.
        return 2 + sum(
            _WIDTH.get(term.ref.column.kind, 6 * term.ref.column.width + 4) for term in self.order
        )


class Sealer:
    """Seals with the first key, opens with any: a key is rotated by putting a new one first."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"cursor keys have {KEY_BYTES} bytes")
        self._ciphers = tuple(AESSIV(key) for key in keys)

    def seal(self, keyset: bytes, binding: Binding) -> bytes:
        """A keyset as PostgreSQL wrote it (JSON) → the cursor, base64url without padding."""
        sealed = self._ciphers[0].encrypt(keyset.ljust(binding.size), [binding.digest])
        return _text(sealed)

    def open(self, cursor: str, binding: Binding) -> tuple[object, ...]:
        """The values of a cursor, of the types of the order's columns; None for a missing value.

        CursorInvalid for anything that this gateway did not seal for this binding.
        """
        if len(cursor) > _MOST_BYTES:
            raise CursorInvalid
        try:
            sealed = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except (binascii.Error, UnicodeEncodeError):
            raise CursorInvalid from None
        # One text for one cursor: a decoder lets pass padding, another alphabet and spare bits.
        if _text(sealed) != cursor.encode("ascii"):
            raise CursorInvalid
        for cipher in self._ciphers:
            try:
                keyset = json.loads(cipher.decrypt(sealed, [binding.digest]))
            except (InvalidTag, ValueError):
                continue
            if len(keyset) != len(binding.order):
                raise CursorInvalid
            return tuple(
                _typed(value, term.ref.column.kind)
                for value, term in zip(keyset, binding.order, strict=True)
            )
        raise CursorInvalid


def _text(sealed: bytes) -> bytes:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=")


def _typed(value: Any, kind: Kind) -> object:  # noqa: ANN401 - what JSON holds
    if value is None:
        return None
    try:
        match kind:
            case Kind.DATE:
                return date.fromisoformat(value)
            case Kind.DECIMAL:
                return Decimal(str(value))
            case Kind.UUID:
                return UUID(value)
            case _:
                return value
    except (ValueError, InvalidOperation):
        raise CursorInvalid from None
