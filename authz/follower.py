"""Keeps what requests use with the head of the policy in PostgreSQL. Knows no request and no token.

A version is used only once the grants of the floor are seen to be its own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from authz.floor import floor_of
from authz.snapshot import Holder
from authz.store import head
from db.errors import FloorDrift, FloorMissing
from db.floor_drift import differences

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from authz.snapshot import Snapshot
    from authz.store import Head
    from db.pools import Pools


async def follow(pools: Pools, as_of: datetime) -> Holder:
    """The policy of the head, as a gateway starts with it.

    Raises FloorMissing where there is none, FloorDrift, and what `take` raises.
    """
    async with pools.own() as connection:
        found = await _standing(connection)
    return Holder(found.policy, found.orders, as_of, found.number)


async def catch_up(pools: Pools, holder: Holder, as_of: datetime) -> Snapshot:
    """The snapshot of the head at an instant, after the holder was swapped to it if need be.

    Raises what `follow` raises; the holder is then as it was.
    """
    async with pools.own() as connection:
        found = await _standing(connection)
    if found.number > holder.number:
        holder.swap(found.policy, found.orders, as_of, found.number)
    return holder.current(as_of)


async def _standing(connection: asyncpg.Connection) -> Head:
    """The head, with grants that are those of its policy and orders."""
    found = await _head(connection)
    while True:
        # Beside the loop: other requests go on while a new version is compiled.
        floor = await asyncio.to_thread(floor_of, found.policy, found.orders)
        differing = await differences(connection, floor)
        if not differing:
            return found
        # A version may have been written between the two looks.
        newer = await _head(connection)
        if newer.number == found.number:
            raise FloorDrift("; ".join(differing))
        found = newer


async def _head(connection: asyncpg.Connection) -> Head:
    found = await head(connection)
    if found is None:
        raise FloorMissing
    return found
