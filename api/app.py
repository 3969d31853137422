"""Composition root: what lives as long as the gateway is built here and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api import metrics
from api.authenticate import Authenticator
from api.cursor import Sealer
from api.endpoint import Endpoint
from api.errors import NotReady
from api.explorer import routes as explorer_routes
from api.reply import error_of, failure
from api.request import JSON
from api.unstored import Unstored
from authz.packaged import load_seed
from authz.snapshot import Holder
from db.catalog_records import CATALOG
from db.errors import FieldwardError
from db.migrate import check_gateway
from db.pool import open_pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

    from api.token_settings import TokenSettings

_NO_ROLES = b'{"demo":false,"roles":[]}'
_NO_STORE = {"Cache-Control": "no-store"}
_SECONDS_TO_BE_READY = 2.0


async def check_login(gateway_url: str) -> None:
    """What starting the gateway checks, before a server is there to say it in its own words.

    Raises DatabaseUnavailable or UnsafeLogin.
    """
    pool = await open_pool(gateway_url)
    try:
        async with pool.acquire() as connection:
            await check_gateway(connection)
    finally:
        await pool.close()


def create_app(
    gateway_url: str,
    tokens: TokenSettings,
    cursor_keys: tuple[bytes, ...],
    *,
    session: Callable[[], bytes] = lambda: _NO_ROLES,
    holder: Holder | None = None,
    hosts: tuple[str, ...] = ("*",),
) -> Starlette:
    """The gateway as an ASGI application.

    Starting it fails (FieldwardError) when the database is away, when its login may do more than a
    gateway may, or when the policy breaks a court order in force. `session` is what GraphiQL is
    told at its start: outside the demo, no roles and no tokens. `hosts` are the names that a
    request may address; the demo, which tells its tokens, names them, so that no page of another
    name that was made to point here (DNS rebinding) hears them.
    """
    policy = holder or Holder(*load_seed(CATALOG), datetime.now(UTC))
    endpoints: list[Endpoint] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        pool = await open_pool(gateway_url)
        try:
            async with pool.acquire() as connection:
                await check_gateway(connection)
            endpoint = Endpoint(Authenticator(tokens), policy, pool, Sealer(cursor_keys))
            policy.current(endpoint.clock())
            endpoints.append(endpoint)
            yield
        finally:
            endpoints.clear()
            await pool.close()

    async def graphql(request: Request) -> Response:
        if not endpoints:
            return Response(
                failure([error_of(NotReady())]), NotReady.status, _NO_STORE, media_type=JSON
            )
        return await endpoints[0](request)

    async def ready(_: Request) -> Response:
        try:
            if not endpoints:
                raise NotReady
            async with asyncio.timeout(_SECONDS_TO_BE_READY):
                await tokens.keys.current()
                await endpoints[0].pool.fetchval("select 1")
        # Whatever it is, a request would meet it too.
        except Exception as error:
            code = error.code if isinstance(error, FieldwardError) else NotReady.code
            return JSONResponse({"ready": False, "code": code}, 503, _NO_STORE)
        return JSONResponse({"ready": True}, headers=_NO_STORE)

    async def health(_: Request) -> Response:
        return JSONResponse({"alive": True}, headers=_NO_STORE)

    async def exposition(_: Request) -> Response:
        return Response(
            metrics.exposition(), media_type="text/plain; version=0.0.4", headers=_NO_STORE
        )

    return Starlette(
        routes=[
            Route(
                "/graphql", graphql, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
            ),
            Route("/healthz", health),
            Route("/readyz", ready),
            Route("/metrics", exposition),
            *explorer_routes(session),
        ],
        middleware=[
            Middleware(Unstored),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts)),
        ],
        lifespan=lifespan,
    )
