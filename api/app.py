"""Composition root: what lives as long as the gateway is built here and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api import metrics
from api.authenticate import Authenticator
from api.compiler import Compiler
from api.cursor import Sealer
from api.endpoint import Endpoint
from api.errors import NotReady, SettingsInvalid
from api.explorer import routes as explorer_routes
from api.reply import error_of, failure
from api.request import JSON
from api.schema.build import core, full_schema
from api.unstored import Unstored
from authz.follower import follow
from db.capacity import capacity
from db.errors import FieldwardError
from db.migrate import check_gateway
from db.pools import MOST, OWN, Pools

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from api.token_settings import TokenSettings
    from authz.follower import Follower

_NO_ROLES = b'{"demo":false,"roles":[]}'
_NO_STORE = {"Cache-Control": "no-store"}
_SECONDS_TO_BE_READY = 2.0


async def check_start(
    gateway_url: str, floor_secret: bytes, connections: int = MOST, workers: int = 1
) -> None:
    """What starting the gateway checks, before a server is there to say it in its own words.

    Raises what `create_app` says that starting fails with, and SettingsInvalid when `workers`
    processes with `connections` each would have more sessions than the server lets in.
    """
    pools = Pools(gateway_url, floor_secret)
    try:
        await _policy(pools)
        async with pools.own() as connection:
            most = await capacity(connection)
        if workers * (connections + OWN) > most:
            raise SettingsInvalid(
                f"{workers} workers with {connections} connections and {OWN} of the gateway's own "
                f"would be {workers * (connections + OWN)}, and the server lets {most} in: set "
                f"FIELDWARD_CONNECTIONS to {most // workers - OWN} or less, or have fewer workers"
            )
    finally:
        await pools.close()


async def _policy(pools: Pools) -> Follower:
    async with pools.own() as connection:
        await check_gateway(connection)
    return await follow(pools, datetime.now(UTC))


def create_app(
    gateway_url: str,
    tokens: TokenSettings,
    cursor_keys: tuple[bytes, ...],
    floor_secret: bytes,
    *,
    connections: int = MOST,
    session: Callable[[], bytes] = lambda: _NO_ROLES,
    hosts: tuple[str, ...] = ("*",),
    whole_process: bool = False,
    serves: bool = True,
) -> Starlette:
    """The gateway as an ASGI application.

    Starting it fails (FieldwardError) when the database is away or holds no policy, when the
    gateway's login may do more than a gateway may, when the policy breaks a court order in force,
    and when the grants of the floor are not those of the policy (drift).

    `floor_secret` is what the passwords of the floor's roles are derived from, `connections` how
    many of them may be open at once. `session` is what GraphiQL is told at its start: outside the
    demo, no roles and no tokens. `hosts` are the names that a request may address; the demo, which
    tells its tokens, names them, so that no page of another name that was made to point here (DNS
    rebinding) hears them. `whole_process` says that this process does nothing else: then what is
    there when it is ready is left out of searches for garbage, which else hold up requests. What
    `serves` is ready before the first request, follows the head and is told among the workers; a
    command that asks once is and does none of it.
    """
    endpoints: list[Endpoint] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        pools = Pools(gateway_url, floor_secret, connections)
        try:
            policy = await _policy(pools)
            endpoint = Endpoint(Authenticator(tokens), policy, pools, Compiler(Sealer(cursor_keys)))
            endpoints.append(endpoint)
            if serves:
                await asyncio.to_thread(_warm, policy)
            if whole_process:
                # Schema, catalog and decisions are ninety thousand objects that never go, and
                # a search through all of them holds up every request.
                gc.collect()
                gc.freeze()
            recording = endpoint.compiler.recorder.recording(pools)
            following = policy.following() if serves else contextlib.nullcontext()
            async with following, metrics.kept(endpoint), recording:
                yield
        finally:
            endpoints.clear()
            await pools.close()

    async def graphql(scope: Scope, receive: Receive, send: Send) -> None:
        if endpoints:
            await endpoints[0](scope, receive, send)
            return
        body = failure([error_of(NotReady())])
        answer = Response(body, NotReady.status, _NO_STORE, media_type=JSON)
        await answer(scope, receive, send)

    async def ready(_: Request) -> Response:
        try:
            if not endpoints:
                raise NotReady
            async with asyncio.timeout(_SECONDS_TO_BE_READY):
                await tokens.keys.current()
                endpoints[0].policy.current(datetime.now(UTC))
                async with endpoints[0].pools.own() as connection:
                    await connection.fetchval("select 1")
        # Whatever it is, a request would meet it too.
        except Exception as error:
            code = error.code if isinstance(error, FieldwardError) else NotReady.code
            return JSONResponse({"ready": False, "code": code}, 503, _NO_STORE)
        return JSONResponse({"ready": True}, headers=_NO_STORE)

    async def health(_: Request) -> Response:
        return JSONResponse({"alive": True}, headers=_NO_STORE)

    async def exposition(_: Request) -> Response:
        return Response(
            metrics.exposition(endpoints[0] if endpoints else None),
            media_type="text/plain; version=0.0.4",
            headers=_NO_STORE,
        )

    return Starlette(
        routes=[
            Route("/graphql", _Whole(graphql)),
            Route("/healthz", health),
            Route("/readyz", ready),
            Route("/metrics", exposition),
            *explorer_routes(session),
        ],
        middleware=[
            Middleware(Unstored),
            *([] if hosts == ("*",) else [Middleware(TrustedHostMiddleware, list(hosts))]),
            Middleware(_Ahead, graphql),
        ],
        lifespan=lifespan,
    )


def _warm(policy: Follower) -> None:
    """Makes what the first requests would wait for: the schema, and what each role may do."""
    core(full_schema())
    snapshot = policy.current(datetime.now(UTC))
    for role in snapshot.roles:
        snapshot.required_attributes(role)


class _Whole:
    """An ASGI application as Starlette's router takes it: a function would be given a Request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class _Ahead:
    """Answers /graphql ahead of the router, whose search, exceptions and Request cost
    time that an answer does not need. Behind a prefix (`root_path`) the router finds it."""

    def __init__(self, app: ASGIApp, graphql: ASGIApp) -> None:
        self._app = app
        self._graphql = graphql

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ahead = scope["type"] == "http" and scope["path"] == "/graphql"
        await (self._graphql if ahead else self._app)(scope, receive, send)
