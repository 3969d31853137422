"""A PostgreSQL of its own with generated people, and a gateway over it, for one measurement."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg

from api.app import create_app
from api.demo import demo_claims, example_claims
from api.demo_key import DemoKey, mint
from authz.floor import floor_of
from authz.packaged import load_seed
from authz.store import digest_of, document_of
from bench.multiply import multiply
from db.catalog_records import CATALOG
from db.cluster import GATEWAY
from db.embedded import EmbeddedServer
from db.examples import attribute_examples
from db.floor_apply import apply
from db.ingest.seed import seed
from db.migrate import grant_gateway, migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.applications import Starlette

SEED = 7
GENERATED = 50_000
"""People of whom all others are copies, where there are many: generating takes the longest."""
SECRET = b"a secret of the bench, and no other"
CURSOR_KEYS = (bytes(range(64)),)
KEY = DemoKey(b"0" * 64)
# What is read here was written here and can be generated again.
_FAST = (("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"))
# What is kept is measured for long: its records fit, each competitor has connections of its own,
# and nobody works beside (tables are vacuumed and analyzed when they are made).
_KEPT = (
    ("shared_buffers", "1GB"),
    ("max_connections", "200"),
    ("autovacuum", "off"),
    ("max_wal_size", "16GB"),
)

_LASTS: Final = timedelta(hours=12)
"""How long tokens hold: longer than any run."""


@dataclass(frozen=True)
class Ground:
    """A gateway in this process, the owner of its records, and who may ask. `gateway_url` and
    `secret` are what logs in as the roles of the floor; `owner_url` is the owner's."""

    app: Starlette
    gateway_url: str
    owner_url: str
    secret: bytes
    owner: asyncpg.Connection
    examples: dict[str, str]
    key: DemoKey

    def token(self, role: str) -> str:
        """A token of a role, with attributes under which it sees some of the people."""
        now = datetime.now(UTC)
        claims = demo_claims(role) | example_claims(role, self.examples)
        if "until" in claims:  # a demo's hour is over before a long run is
            claims["until"] = (now + _LASTS).isoformat()
        return mint(role, claims, self.key, now, _LASTS)


def tell(there: int, wanted: int) -> None:
    """Says now and then how many people are made: for a person who waits."""
    if there % 10_000 == 0:
        print(f"{there} of {wanted} people are made", file=sys.stderr, flush=True)


@asynccontextmanager
async def ground(
    people: int,
    keep: Path | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> AsyncIterator[Ground]:
    """A server with that many people. Gone in the end, unless `keep` names a folder for it: there
    it is stopped in the end and found again the next time, with nothing to seed. Of a multiple of
    GENERATED, all but these are copies of them (bench/multiply.py), ten times as fast.

    `advance` hears how many people are there, and how many will be.
    """
    with _home(people, keep) as (server, leave):
        urls = server.start()
        try:
            owner = await asyncpg.connect(urls.admin, timeout=60)
            try:
                await _people(owner, people, advance)
                await _floor(owner)
                app = create_app(urls.gateway, KEY.settings(), CURSOR_KEYS, SECRET)
                async with app.router.lifespan_context(app):
                    examples = await attribute_examples(owner)
                    yield Ground(app, urls.gateway, urls.admin, SECRET, owner, examples, KEY)
            finally:
                await owner.close()
        finally:
            leave()


async def _people(
    owner: asyncpg.Connection,
    people: int,
    advance: Callable[[int, int], None] | None,
) -> None:
    copies, rest = divmod(people, GENERATED)
    copies = 1 if rest else copies
    await migrate(owner)
    if copies > 1 and await owner.fetchval("select count(*) from medicaid.enrollee") == people:
        return
    seeded = await seed(owner, people // copies, SEED, advance)
    if copies > 1:
        await multiply(owner, copies)
    await grant_gateway(owner, GATEWAY)
    if seeded.rows:
        await owner.execute("vacuum analyze")


async def _floor(owner: asyncpg.Connection) -> None:
    """The packaged policy becomes the head: a kept database may hold an older one."""
    policy, orders = load_seed(CATALOG)
    document = document_of(policy, orders)
    await apply(owner, floor_of(policy, orders), document, digest_of(document), SECRET)


@contextmanager
def _home(people: int, keep: Path | None) -> Iterator[tuple[EmbeddedServer, Callable[[], None]]]:
    """A server, and what to do with it in the end."""
    if keep is not None:
        server = EmbeddedServer(keep / f"people-{people}", settings=_FAST + _KEPT)
        yield server, server.stop
        return
    with tempfile.TemporaryDirectory() as name:
        # So that the server's account may enter, where root runs this.
        os.chmod(name, 0o755)  # noqa: S103 - the server's own folder below is closed
        server = EmbeddedServer(Path(name, "server"), settings=_FAST)
        yield server, server.discard
