"""One session with PostgreSQL, as the gateway wants it. Knows URLs and limits; no statement."""

from __future__ import annotations

from datetime import date
from typing import Final

import asyncpg

from db.errors import DatabaseUnavailable, PrivilegeMissing

# A statement above asyncpg's default of 15 kB would be prepared anew for every request, and what
# clients ask for makes 1 to 10 kB. A server keeps some 35 bytes per character of a statement, on
# every connection, so both limits bound what a caller who invents documents can fill.
_LARGEST_CACHED_STATEMENT = 32 * 1024
_STATEMENTS_PER_CONNECTION = 256
_SECONDS_TO_PART = 2.0

AWAY: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shut down, or the session was ended
    asyncpg.InsufficientResourcesError,  # too many connections, memory, disk
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InterfaceError,
    # What asyncpg says where the server ends an idle session just before it is used.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What the driver raises where the server, or a session with it, is not to be had."""


async def open_session(
    url: str,
    user: str | None = None,
    password: str | None = None,
    *,
    steady: bool = False,
    statement_seconds: float = 30.0,
    connect_seconds: float = 10.0,
    purpose: str = "",
) -> asyncpg.Connection:
    """A connection to the database of a URL, by the URL's login or by `user` with `password`.

    PostgreSQL lists it as `fieldward`, with its `purpose` where it has one of its own.

    A `steady` one plans each statement once, whatever its values; another as often as PostgreSQL
    thinks right.

    Sessions are read-only, and a statement ends after `statement_seconds`. Nothing in the gateway
    changes a setting of a session, so a session that is used again is as it was at first.
    DatabaseUnavailable when there is none within `connect_seconds`, PrivilegeMissing when
    `user` may not log in any more; neither holds text of the driver.
    """
    try:
        connection = await asyncpg.connect(
            url,
            user=user,
            password=password,
            timeout=connect_seconds,
            statement_cache_size=_STATEMENTS_PER_CONNECTION,
            max_cacheable_statement_size=_LARGEST_CACHED_STATEMENT,
            server_settings={
                "application_name": f"fieldward {purpose}".rstrip(),
                "default_transaction_read_only": "on",
                "statement_timeout": str(int(statement_seconds * 1000)),
                # To plan a page takes as long as to run it, and PostgreSQL by itself would nearly
                # always plan again, because it thinks planning cheap and unknown limits large.
                "plan_cache_mode": "force_generic_plan" if steady else "auto",
                # JIT costs more than any page takes.
                "jit": "off",
                "search_path": "pg_catalog",
            },
        )
    except (*AWAY, asyncpg.PostgresError) as error:
        # The password was right, and PostgreSQL lets the role in no more.
        if user is not None and error.__class__ is asyncpg.InvalidAuthorizationSpecificationError:
            raise PrivilegeMissing from None
        raise DatabaseUnavailable(type(error).__name__) from None
    try:
        await _prepare(connection)
    except BaseException as error:
        connection.terminate()
        if isinstance(error, (*AWAY, asyncpg.PostgresError)):
            raise DatabaseUnavailable(type(error).__name__) from None
        raise
    return connection


async def close_session(connection: asyncpg.Connection) -> None:
    """Parts from the server and waits until it has ended the session, for a while; then aborts.

    A statement that was left in its middle is cancelled first.
    """
    try:
        await connection.close(timeout=_SECONDS_TO_PART)
    except (*AWAY, asyncpg.PostgresError, AssertionError):
        # asyncpg asserts that no statement runs; that one is cut off, as is whoever hangs.
        connection.terminate()


async def _prepare(connection: asyncpg.Connection) -> None:
    # PostgreSQL built the JSON; nobody here needs it as anything but bytes.
    await connection.set_type_codec(
        "json", schema="pg_catalog", format="binary", encoder=bytes, decoder=bytes
    )
    # asyncpg sends 9999-12-31 as infinity; to T-MSIS it is the day on which open spans end.
    await connection.set_type_codec(
        "date",
        schema="pg_catalog",
        format="text",
        encoder=date.isoformat,
        decoder=date.fromisoformat,
    )
