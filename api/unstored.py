"""No answer may be stored, the framework's own included. Knows headers and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


UNSTORED: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


class Unstored:
    """`Cache-Control: no-store` on every answer that does not say itself how it may be stored.

    A path that is not there, a host that is not ours, a redirect: a cache that kept one of these
    would answer the next caller in the gateway's place (RFC 9111, section 3: 404, 405 and 308 may
    be stored without being told so).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                missing = [header for header in UNSTORED if header[0] not in there]
                if missing:
                    message["headers"] = [*message["headers"], *missing]
            await send(message)

        await self._app(scope, receive, marked)
