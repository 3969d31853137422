"""fieldward token, fieldward query: a question from the command line, through the same gateway."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.app import create_app
from api.cli.database import as_owner, lay_floor
from api.demo import demo_claims, example_claims
from api.demo_key import DemoKey, claims_from_arguments, mint
from api.errors import SettingsInvalid
from api.settings import Settings
from api.token_settings import TokenSettings
from authz.principal import ATTRIBUTES
from db.examples import attribute_examples

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import Message

    from db.embedded import Urls

_CLAIM = click.option(
    "--claim", "claims", multiple=True, metavar="NAME=VALUE",
    help="An attribute, sub, roles, purpose or request; lists part at commas.",
)  # fmt: skip


def _token(state_dir: Path, role: str, claims: tuple[str, ...], hours: int, urls: Urls) -> str:
    """A token of the demo. Where no attribute is given, those of the demo's records stand in."""
    given = claims_from_arguments(claims)
    if not given.keys() & ATTRIBUTES.keys() and urls.admin:
        found = asyncio.run(as_owner(urls, attribute_examples))
        given = example_claims(role, found if isinstance(found, dict) else {}) | given
    key = DemoKey.in_state_dir(state_dir)
    return mint(role, demo_claims(role) | given, key, datetime.now(UTC), timedelta(hours=hours))


@click.command()
@click.argument("role")
@_CLAIM
@click.option("--hours", type=click.IntRange(1, 24 * 30), default=12, show_default=True)
@click.pass_obj
def token(options: dict[str, object], role: str, claims: tuple[str, ...], hours: int) -> None:
    """Print a token of the demo for ROLE. A gateway with an issuer of its own does not take it."""
    state_dir = _state_dir(options)
    with Settings.from_environment(os.environ, state_dir).database() as urls:
        print(_token(state_dir, role, claims, hours, urls))


@click.command()
@click.option("--role", help="Act in this role, with a token of the demo.")
@click.option("--token", "bearer", help="Act with this token instead.")
@_CLAIM
@click.option("--variables", default="{}", metavar="JSON", help="Variables of the operation.")
@click.option("--operation", default=None, help="Name of the operation, where there are several.")
@click.argument("document")
@click.pass_obj
def query(
    options: dict[str, object],
    role: str | None,
    bearer: str | None,
    claims: tuple[str, ...],
    variables: str,
    operation: str | None,
    document: str,
) -> None:
    """Answer DOCUMENT ('-' reads it from standard input) and print the JSON."""
    if (role is None) == (bearer is None):
        raise click.UsageError("give one of --role and --token")
    try:
        values = json.loads(variables)
    except ValueError:
        raise click.BadParameter("not JSON", param_hint="--variables") from None
    state_dir = _state_dir(options)
    issuer = bool(os.environ.get("FIELDWARD_TOKEN_ISSUER"))
    if issuer and role is not None:
        raise SettingsInvalid("an issuer is configured: ask it for a token and use --token")
    settings = Settings.from_environment(os.environ, state_dir)
    tokens = (
        TokenSettings.from_environment(os.environ)
        if issuer
        else DemoKey.in_state_dir(state_dir).settings()
    )
    text = sys.stdin.read() if document == "-" else document
    body = json.dumps({"query": text, "variables": values, "operationName": operation}).encode()
    with settings.database() as urls:
        secret = settings.floor_secret(urls)
        if settings.gateway_url is None:
            asyncio.run(as_owner(urls, lambda connection: lay_floor(connection, secret)))
        app = create_app(urls.gateway, tokens, settings.cursor_keys, secret)
        presented = bearer if role is None else _token(state_dir, role, claims, 1, urls)
        answer = asyncio.run(_ask(app, str(presented), body))
    decoded = json.loads(answer)
    print(json.dumps(decoded, ensure_ascii=False, indent=None if options["json"] else 2))
    if "data" not in decoded:
        sys.exit(1)


def _state_dir(options: dict[str, object]) -> Path:
    state_dir = options["state_dir"]
    assert isinstance(state_dir, Path)  # noqa: S101 - click made it one
    return state_dir


async def _ask(app: Starlette, bearer: str, body: bytes) -> bytes:
    """One POST to /graphql through the application itself, without a socket."""
    sent: list[bytes] = []
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/graphql",
        "raw_path": b"/graphql", "query_string": b"", "scheme": "http", "root_path": "",
        "server": ("127.0.0.1", 0), "client": ("127.0.0.1", 0),
        "headers": [
            (b"content-type", b"application/json"),
            (b"authorization", f"Bearer {bearer}".encode()),
        ],
    }  # fmt: skip

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            sent.append(message.get("body", b""))

    async with app.router.lifespan_context(app):
        await app(scope, receive, send)
    return b"".join(sent)
