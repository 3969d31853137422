"""The mark that others are measured against: SQL by hand, JSON that goes out as PostgreSQL made it.

Starlette, uvicorn and asyncpg at their fastest: one statement a request, prepared once per
connection; the pool's reset is a coroutine that does nothing, which saves a round trip; JSON comes
as bytes and is not looked into. No authorization, no audit, no GraphQL: the body names one of the
operations and its values.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import asyncpg
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from bench.bare_sql import STATEMENTS
from bench.listening import Told, listen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


async def _prepare(connection: asyncpg.Connection) -> None:
    # Bytes both ways: the driver neither decodes nor parses.
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary"
    )


async def _keep(_: asyncpg.Connection) -> None:
    """Instead of asyncpg's reset, which is a round trip. No request leaves anything behind."""


def application(told: Told) -> Starlette:
    """POST /query."""
    pools: list[asyncpg.Pool] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(
            told.database,
            min_size=told.connections,
            max_size=told.connections,
            init=_prepare,
            reset=_keep,
            max_inactive_connection_lifetime=0,
        ) as pool:
            pools.append(pool)
            yield

    async def query(request: Request) -> Response:
        asked: dict[str, Any] = json.loads(await request.body())
        statement, names = STATEMENTS[asked["operation"]]
        values = [_DAYS[name](asked[name]) if name in _DAYS else asked[name] for name in names]
        async with pools[0].acquire() as connection:
            answer = await connection.fetchval(statement, *values)
        return Response(answer, media_type="application/json")

    return Starlette(routes=[Route("/query", query, methods=["POST"])], lifespan=lifespan)


_DAYS = {"from": date.fromisoformat, "to": date.fromisoformat}


def main() -> None:
    """Serves until it is ended."""
    told = Told.by_environment()
    listen(application(told), told)


if __name__ == "__main__":
    main()
