"""The gateway in this process, asked without a socket, as a command asks it. Prints nothing."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.app import create_app
from api.cli.database import as_owner, lay_floor
from api.demo import demo_claims, example_claims
from api.demo_key import DemoKey, mint
from api.errors import SettingsInvalid
from api.settings import Settings
from api.token_settings import TokenSettings
from authz.principal import ATTRIBUTES
from db.examples import attribute_examples

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import TypeVar

    from starlette.applications import Starlette
    from starlette.types import Message

    from db.embedded import Urls

    T = TypeVar("T")


def state_dir_of(options: Mapping[str, object]) -> Path:
    """The folder that --state-dir names."""
    state_dir = options["state_dir"]
    assert isinstance(state_dir, Path)  # noqa: S101 - click made it one
    return state_dir


def has_issuer() -> bool:
    """Whether tokens come from an issuer: then none of the demo is taken."""
    return bool(os.environ.get("FIELDWARD_TOKEN_ISSUER"))


def demo_token(
    state_dir: Path, role: str, claims: Mapping[str, object], hours: int, urls: Urls
) -> str:
    """A token of the demo. Where no attribute is given, those of the demo's records stand in."""
    given = dict(claims)
    if not given.keys() & ATTRIBUTES.keys() and urls.admin:
        found = asyncio.run(as_owner(urls, attribute_examples))
        given = example_claims(role, found if isinstance(found, dict) else {}) | given
    return minted(state_dir, role, demo_claims(role) | given, hours)


def minted(state_dir: Path, role: str, claims: Mapping[str, object], hours: int = 1) -> str:
    """A token of the demo with these claims and no others."""
    key = DemoKey.in_state_dir(state_dir)
    return mint(role, claims, key, datetime.now(UTC), timedelta(hours=hours))


def refuse_beside_an_issuer() -> None:
    """Raises SettingsInvalid where tokens of the demo are worth nothing."""
    if has_issuer():
        raise SettingsInvalid("an issuer is configured: ask it for a token and use --token")


class Gateway:
    """Answers one request after the other, within one run of the application."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    async def ask(
        self, bearer: str, body: Mapping[str, object], acting_role: str | None = None
    ) -> dict[str, Any]:
        """The decoded answer to one POST to /graphql."""
        sent: list[bytes] = []
        given = json.dumps(body).encode()
        acting = [(b"acting-role", acting_role.encode())] if acting_role else []
        scope = {
            "type": "http", "http_version": "1.1", "method": "POST", "path": "/graphql",
            "raw_path": b"/graphql", "query_string": b"", "scheme": "http", "root_path": "",
            "server": ("127.0.0.1", 0), "client": ("127.0.0.1", 0),
            "headers": [
                (b"content-type", b"application/json"),
                (b"authorization", f"Bearer {bearer}".encode()),
                *acting,
            ],
        }  # fmt: skip

        async def receive() -> Message:
            return {"type": "http.request", "body": given, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                sent.append(message.get("body", b""))

        await self._app(scope, receive, send)
        answer = json.loads(b"".join(sent))
        assert isinstance(answer, dict)  # noqa: S101 - the gateway answers so
        return answer


def with_gateway(
    state_dir: Path,
    token: Callable[[Urls], str],
    work: Callable[[Gateway, str], Awaitable[T]],
) -> T:
    """What `work` makes of a gateway over the configured database and of a token for it.

    Raises SettingsInvalid and TokenSettingsInvalid, and what a token is refused for.
    """
    settings = Settings.from_environment(os.environ, state_dir)
    tokens = (
        TokenSettings.from_environment(os.environ)
        if has_issuer()
        else DemoKey.in_state_dir(state_dir).settings()
    )
    with settings.database() as urls:
        secret = settings.floor_secret(urls)
        if settings.gateway_url is None:
            asyncio.run(as_owner(urls, lambda connection: lay_floor(connection, secret)))
        app = create_app(urls.gateway, tokens, settings.cursor_keys, secret, serves=False)
        bearer = token(urls)

        async def run() -> T:
            async with app.router.lifespan_context(app):
                return await work(Gateway(app), bearer)

        return asyncio.run(run())
