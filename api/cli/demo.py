"""fieldward demo, fieldward serve: the gateway on a port."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import uvicorn

from api.app import check_start, create_app
from api.cli.database import as_owner, lay_floor
from api.cli.gateway import state_dir_of
from api.cli.output import progress
from api.cli.workers import Serving, config, run_workers
from api.demo import Demo, prepare
from api.demo_key import DemoKey
from api.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

    import asyncpg
    from starlette.applications import Starlette

_HOST = click.option("--host", default="127.0.0.1", show_default=True)
_PORT = click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, envvar="PORT"
)


@click.command()
@_HOST
@_PORT
@click.option("--enrollees", type=click.IntRange(min=1), default=2000, show_default=True)
@click.pass_obj
def demo(options: dict[str, object], host: str, port: int, enrollees: int) -> None:
    """Start everything: database, generated records, gateway, GraphiQL; print a token per role."""
    state_dir: Path = state_dir_of(options)
    settings = Settings.from_environment(os.environ, state_dir)
    with settings.database() as urls:
        secret = settings.floor_secret(urls)

        async def work(connection: asyncpg.Connection) -> dict[str, str]:
            await lay_floor(connection, secret)
            with progress("people") as advance:
                return await prepare(connection, enrollees, advance)

        made = asyncio.run(as_owner(urls, work))
        key = DemoKey.in_state_dir(state_dir)
        shown = Demo(made if isinstance(made, dict) else {}, key)
        app = create_app(
            urls.gateway,
            key.settings(),
            settings.cursor_keys,
            secret,
            connections=settings.connections,
            session=shown.session,
            hosts=(host, "localhost"),
            whole_process=True,
        )
        _run(app, host, port, lambda bound: print(shown.welcome(f"http://{host}:{bound}")))


@click.command()
@_HOST
@_PORT
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Processes that serve. FIELDWARD_CONNECTIONS is for each of them.",
)
@click.pass_obj
def serve(options: dict[str, object], host: str, port: int, workers: int) -> None:
    """Serve with the issuer's keys (FIELDWARD_TOKEN_…); see docs/tokens.md."""
    state_dir = state_dir_of(options)
    settings = Settings.from_environment(os.environ, state_dir)
    with settings.database() as urls:
        serving = Serving(urls, state_dir)
        app = serving()
        secret = settings.floor_secret(urls)
        asyncio.run(check_start(urls.gateway, secret, settings.connections, workers))

        def announce(bound: int) -> None:
            print(f"serving on http://{host}:{bound}")

        if workers > 1:
            run_workers(serving, host, port, workers, announce)
        else:
            _run(app, host, port, announce)


class _Server(uvicorn.Server):
    """Says where it listens once it does."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[int], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce(self.servers[0].sockets[0].getsockname()[1])
            sys.stdout.flush()


def _run(app: Starlette, host: str, port: int, announce: Callable[[int], None]) -> None:
    server = _Server(config(app, host, port), announce)
    server.run()
    if not server.started:
        sys.exit(1)
