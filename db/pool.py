"""Connections of the gateway. Knows URLs and limits; knows nothing of statements or roles."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import asyncpg

from db.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

# A statement above asyncpg's default of 15 kB would be prepared anew for every request, and what
# clients ask for makes 1 to 10 kB. A server keeps some 35 bytes per character of a statement, on
# every connection, so both limits bound what a caller who invents documents can fill.
_LARGEST_CACHED_STATEMENT = 32 * 1024
_STATEMENTS_PER_CONNECTION = 256


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


async def _keep(connection: PoolConnectionProxy) -> None:
    """Nothing to reset: the gateway changes no setting of its sessions, and asyncpg itself rolls
    back what a cancelled request left open. Saves a round trip per request."""


async def open_pool(
    url: str, *, size: int = 8, statement_seconds: float = 30.0, connect_seconds: float = 10.0
) -> asyncpg.Pool:
    """A pool of at most `size` connections, opened as they are needed.

    Sessions are read-only, and a statement ends after `statement_seconds`. `connect_seconds` is
    for the first connection. DatabaseUnavailable when there is none.
    """
    try:
        return await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size,
            init=_prepare,
            reset=_keep,
            timeout=connect_seconds,
            statement_cache_size=_STATEMENTS_PER_CONNECTION,
            max_cacheable_statement_size=_LARGEST_CACHED_STATEMENT,
            server_settings={
                "application_name": "fieldward",
                "default_transaction_read_only": "on",
                "statement_timeout": str(int(statement_seconds * 1000)),
                # The same statement runs with ever new values: a plan per statement is enough for
                # equality on keys, and JIT costs more than any page takes.
                "jit": "off",
                "search_path": "pg_catalog",
            },
        )
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise DatabaseUnavailable(type(error).__name__) from error
