"""How authorization is often added to Strawberry: a permission on each field that asks Casbin.

A schema of its own by hand. What may be cached without changing that way is: documents are parsed
and validated once, rows of other tables are fetched for all parents at once (DataLoader),
statements are prepared, the pool's reset does nothing. The policy is the project's own, exported as
Casbin's lines, for each role those rules that are the role's: over the rules of all roles a
question took two to nine times as long. The condition that a question names is the row scope that
SQL has applied. No token is checked: role and state are headers.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import asyncpg
import strawberry
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache

from authz.enforcer import enforcer_for
from authz.packaged import load_seed
from bench.listening import Told, listen
from bench.naive_rows import Loaders, Records
from bench.naive_schema import Query
from db.catalog_records import CATALOG

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.websockets import WebSocket


async def _keep(_: asyncpg.Connection) -> None:
    """Instead of asyncpg's reset, which is a round trip."""


def application(told: Told) -> Starlette:
    """POST /graphql."""
    policy, _ = load_seed(CATALOG)

    @cache
    def enforcer(role: str) -> Any:
        return enforcer_for(
            replace(policy, rules=tuple(rule for rule in policy.rules if rule.role == role))
        )

    schema = strawberry.Schema(Query, extensions=[ParserCache, ValidationCache])
    pools: list[asyncpg.Pool] = []

    class View(GraphQL):
        async def get_context(self, request: Request | WebSocket, response: Any = None) -> Any:
            role = request.headers["x-role"]
            records = Records(pools[0], role, request.headers["x-state"])
            return {"records": records, "loaders": Loaders(records), "enforcer": enforcer(role)}

    view = View(schema, graphql_ide=None, allow_queries_via_get=False)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(
            told.database,
            min_size=told.connections,
            max_size=told.connections,
            reset=_keep,
            max_inactive_connection_lifetime=0,
        ) as pool:
            pools.append(pool)
            yield

    return Starlette(routes=[Route("/graphql", view)], lifespan=lifespan)


def main() -> None:
    """Serves until it is ended."""
    told = Told.by_environment()
    listen(application(told), told)


if __name__ == "__main__":
    main()
