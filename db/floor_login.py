"""What the roles of the floor are called, and what they log in with. Pure; knows no connection.

Roles belong to a whole PostgreSQL server, so each is named after the database that it is for. A
password is derived from one secret of the gateway, so there is nothing else to keep or to hand on.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Final

LONGEST: Final = 63
"""Bytes of a PostgreSQL identifier; it cuts what is longer."""
ITERATIONS: Final = 4096
"""PostgreSQL's own count (scram_iterations). The password is no word that anybody guesses."""

OPEN: Final = ":open"
"""Group of the roles that a row policy lets see every row of a table they have a grant on."""
CAPPED: Final = ":capped"
"""Group of the roles that a row policy holds to the population of the court order."""


def floor_role(database: str, role: str) -> str:
    """The PostgreSQL role for a role of policy, or for OPEN and CAPPED.

    Neither a role of policy nor a database that has a floor has a colon, so two pairs never have
    one name. A long name ends in a digest, behind a sign that no whole name has there.
    """
    name = f"{database}:{role}"
    if len(name.encode()) <= LONGEST:
        return name
    return f"{database.encode()[:20].decode(errors='ignore')}#{_digest(name)}"


def password(secret: bytes, database: str, role: str) -> str:
    """What a role logs in with: HMAC-SHA-256 of its PostgreSQL name, hexadecimal."""
    name = floor_role(database, role)
    return hmac.new(secret, b"fieldward floor\x00" + name.encode(), "sha256").hexdigest()


def verifier(chosen: str, salt: bytes | None = None) -> str:
    """What PostgreSQL stores for a password (RFC 5803), so that it never sees the password itself.

    `salt` is random unless given.
    """
    salt = secrets.token_bytes(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", chosen.encode(), salt, ITERATIONS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ITERATIONS}:{_base64(salt)}${_base64(stored)}:{_base64(server)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
