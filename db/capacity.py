"""How many sessions a server lets in. Knows no pool and no setting of the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncpg

_CAPACITY: Final = """
select current_setting('max_connections')::integer
       - current_setting('superuser_reserved_connections')::integer
       - coalesce(current_setting('reserved_connections', true), '0')::integer
"""


async def capacity(connection: asyncpg.Connection) -> int:
    """Sessions that logins without privileges may have at once, over all of them."""
    return int(await connection.fetchval(_CAPACITY))
