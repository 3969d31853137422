"""A floor into PostgreSQL, by the owner: policy version, logins, grants and row policies.

What is right already is left alone, so that applying twice changes nothing. Knows no policy: the
document and its digest are text here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from db.errors import FloorRefused, PolicyMoved
from db.floor import Floor
from db.floor_drift import differences
from db.floor_login import floor_role, password, verifier
from db.floor_policies import repair_policies
from db.guard import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOVED = "FW409"  # what commit_policy raises when the head is not the base


@dataclass(frozen=True, slots=True)
class Stored:
    """The head as it is stored: number from 1 on, digest, text of the policy, floor."""

    number: int
    digest: str
    document: str
    floor: Floor


async def stored_head(connection: asyncpg.Connection) -> Stored | None:
    """The head version; None before the first one. The gateway may ask, too. FloorRefused when
    what is stored is no floor."""
    row = await connection.fetchrow(
        """
        select v.number, v.digest, v.document, v.floor::text as floor
          from fieldward.policy_head h
          join fieldward.policy_version v on v.number = h.version
        """
    )
    if row is None:
        return None
    try:
        floor = Floor.from_json(row["floor"])
    except (KeyError, TypeError, ValueError):
        raise FloorRefused("the floor that is stored with the head cannot be read") from None
    return Stored(row["number"], row["digest"], row["document"], floor)


async def commit(
    connection: asyncpg.Connection,
    base: int | None,
    floor: Floor,
    document: str,
    digest: str,
    verifiers: Mapping[str, str],
) -> int:
    """The next version and its grants, in one transaction; returns its number.

    `base` is the head that the caller has seen, None for none; `verifiers` has one for each role
    that may be new. The caller is the owner; what a gateway commits was proposed before
    (`db.changes`). Raises PolicyMoved when the head is another one by now, FloorRefused when
    PostgreSQL does not grant it.
    """
    try:
        number = await connection.fetchval(
            "select fieldward.commit_policy($1, $2, $3, $4::text::jsonb, $5::text::jsonb)",
            base,
            digest,
            document,
            floor.as_json(),
            json.dumps(dict(verifiers)),
        )
    except asyncpg.PostgresError as error:
        if error.sqlstate == _MOVED:
            raise PolicyMoved from None
        raise FloorRefused(f"{error.sqlstate}: {error}") from None
    return int(number)


async def apply(
    connection: asyncpg.Connection, floor: Floor, document: str, digest: str, secret: bytes
) -> int:
    """Makes PostgreSQL hold a floor; returns the number of the version that is the head then.

    A new version is written when policy or floor differ from the head's; grants, memberships and
    row policies are made again where they differ. Passwords follow from `secret` and are set in any
    case, since nobody but a superuser sees which ones are. The caller is the owner of a migrated
    database. Raises FloorRefused; nothing has changed then.
    """
    database = await connection.fetchval("select current_database()::text")
    if ":" in database:
        raise FloorRefused("a database whose name has a colon cannot have roles named after it")
    verifiers = {role: verifier(password(secret, database, role)) for role in floor.roles}
    try:
        async with connection.transaction():
            await connection.execute("set local search_path to pg_catalog")
            # The same lock that commit_policy takes: what is read here stays the head.
            await connection.execute("lock table fieldward.policy_head in share row exclusive mode")
            head = await stored_head(connection)
            same = (digest, document, floor)
            if head is None or (head.digest, head.document, head.floor) != same:
                base = None if head is None else head.number
                number = await commit(connection, base, floor, document, digest, verifiers)
            else:
                number = head.number
                if await differences(connection, floor):
                    await _enforce(connection, floor, verifiers)
            await _close_temporary(connection, database)
            await repair_policies(connection)
            for role, made in verifiers.items():
                await _set_password(connection, floor_role(database, role), made)
            # A gateway that stopped at drift looks again.
            await connection.execute("select pg_notify($1, '')", CHANNEL)
    except asyncpg.PostgresError as error:
        raise FloorRefused(f"{error.sqlstate}: {error}") from None
    return number


async def _enforce(
    connection: asyncpg.Connection, floor: Floor, verifiers: Mapping[str, str]
) -> None:
    await connection.execute(
        "select fieldward.enforce_floor($1::text::jsonb, $2::text::jsonb)",
        floor.as_json(),
        json.dumps(dict(verifiers)),
    )


async def _close_temporary(connection: asyncpg.Connection, database: str) -> None:
    """Takes back what PostgreSQL gives to everybody: temporary tables. Whoever owns the tables and
    not the database cannot, and the check of drift says so."""
    if await connection.fetchval(
        "select pg_has_role(datdba, 'usage') from pg_database where datname = $1", database
    ):
        statement = "select format('revoke temporary on database %I from public', $1::text)"
        await connection.execute(await connection.fetchval(statement, database))


async def _set_password(connection: asyncpg.Connection, login: str, made: str) -> None:
    # The server gets a verifier, never the password; DDL takes no parameters.
    statement = "select format('alter role %I password %L', $1::text, $2::text)"
    await connection.execute(await connection.fetchval(statement, login, made))
