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
from db.cluster import GATEWAY
from db.embedded import EmbeddedServer
from db.examples import attribute_examples
from db.ingest.seed import seed
from db.migrate import grant_gateway, migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.applications import Starlette

SEED = 7
# What is read here was written here; nothing has to outlive the measurement.
_FAST = (("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"))


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
            owner = await asyncpg.connect(urls.admin)
            try:
                await migrate(owner)
                await seed(owner, people, SEED)
                await grant_gateway(owner, GATEWAY)
                await owner.execute("vacuum analyze")
                key = DemoKey(b"0" * 64)
                secret = b"a secret of the bench, and no other"
                await lay_floor(owner, secret)
                app = create_app(urls.gateway, key.settings(), (bytes(range(64)),), secret)
                async with app.router.lifespan_context(app):
                    examples = await attribute_examples(owner)
                    yield Ground(app, urls.gateway, secret, owner, examples, key)
            finally:
                await owner.close()
        finally:
            server.discard()
