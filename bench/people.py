"""A PostgreSQL of its own with generated people, and a gateway over it, for one measurement."""

from __future__ import annotations

import os
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from api.app import create_app
from api.cli.database import lay_floor
from api.demo import demo_claims, example_claims
from api.demo_key import DemoKey, mint
from bench.multiply import multiply
from db.cluster import GATEWAY
from db.embedded import EmbeddedServer, Urls
from db.examples import attribute_examples
from db.ingest.seed import seed
from db.migrate import grant_gateway, migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.applications import Starlette

SEED = 7
# What is read here was written here; nothing has to outlive the measurement.
_FAST = (("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"))

_LARGE = (("shared_buffers", "1GB"), ("max_wal_size", "16GB"))


@dataclass(frozen=True)
class Ground:
    """A gateway in this process, the owner of its records, and who may ask. `gateway_url` and
    `secret` are what logs in as the roles of the floor."""

    app: Starlette
    gateway_url: str
    secret: bytes
    owner: asyncpg.Connection
    examples: dict[str, str]
    key: DemoKey

    def token(self, role: str) -> str:
        """A token of a role, with attributes under which it sees some of the people."""
        claims = demo_claims(role) | example_claims(role, self.examples)
        return mint(role, claims, self.key, datetime.now(UTC), timedelta(hours=12))


@asynccontextmanager
async def ground(people: int) -> AsyncIterator[Ground]:
    """A fresh server with that many people. Gone in the end."""
    with tempfile.TemporaryDirectory() as name:
        # So that the server's account may enter, where root runs this.
        os.chmod(name, 0o755)  # noqa: S103 - the server's own folder below is closed
        server = EmbeddedServer(Path(name, "server"), settings=_FAST)
        urls = server.start()
        try:
            async with _owned(urls) as owner:
                await _generated(owner, people)
                async with _served(urls, owner) as found:
                    yield found
        finally:
            server.discard()


@asynccontextmanager
async def kept_ground(folder: Path, people: int, generated: int) -> AsyncIterator[Ground]:
    """A server whose data stay in a folder between measurements, with that many people: so many
    generated, and copied (bench/multiply.py). Made when the folder is not there.

    ValueError when `people` is no multiple of `generated`.
    """
    copies, rest = divmod(people, generated)
    if rest or not copies:
        raise ValueError("the number of people is a multiple of those generated")
    folder.mkdir(parents=True, exist_ok=True)
    server = EmbeddedServer(folder, settings=(*_FAST, *_LARGE))
    urls = server.start()
    made = folder / "made"
    try:
        async with _owned(urls) as owner:
            if not made.exists():
                if await owner.fetchval("select to_regclass('medicaid.enrollee')") is not None:
                    raise SystemExit(f"{folder} was left half made: delete it")
                await _generated(owner, generated)
                seconds = await multiply(owner, copies)
                made.write_text(f"{people} people, copied in {seconds:.0f} s\n")
            async with _served(urls, owner) as found:
                yield found
    finally:
        server.stop()


@asynccontextmanager
async def _owned(urls: Urls) -> AsyncIterator[asyncpg.Connection]:
    owner = await asyncpg.connect(urls.admin, timeout=60)
    try:
        yield owner
    finally:
        await owner.close()


async def _generated(owner: asyncpg.Connection, people: int) -> None:
    await migrate(owner)
    await seed(owner, people, SEED)
    await grant_gateway(owner, GATEWAY)
    await owner.execute("vacuum analyze")


@asynccontextmanager
async def _served(urls: Urls, owner: asyncpg.Connection) -> AsyncIterator[Ground]:
    key = DemoKey(b"0" * 64)
    secret = b"a secret of the bench, and no other"
    await lay_floor(owner, secret)
    app = create_app(urls.gateway, key.settings(), (bytes(range(64)),), secret)
    async with app.router.lifespan_context(app):
        examples = await attribute_examples(owner)
        yield Ground(app, urls.gateway, secret, owner, examples, key)
