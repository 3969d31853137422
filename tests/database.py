"""Databases for tests: fresh, migrated or seeded, on a server that FIELDWARD_TEST_SERVER names.

The URL's role may create databases. Where it is a superuser, databases belong to a plain role
instead, so that no test passes only because a superuser ran it. Copying a template takes a few
hundredths of a second; migrating or seeding takes longer, so a session does each once.
"""

from __future__ import annotations

import os
import secrets
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from authz.document import Document
from authz.floor import floor_of
from authz.packaged import load_seed_document
from authz.store import digest_of, text_of
from db.catalog_records import CATALOG
from db.floor_apply import apply
from db.floor_login import floor_role, password
from db.ingest.seed import seed
from db.migrate import migrate
from db.programs import Account, Programs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from authz.order import Order
    from authz.policy import PolicySet
    from db.embedded import EmbeddedServer
    from db.floor import Floor

OWNER = "fieldward_test_owner"
SUPERUSER = "fieldward_test_superuser"
PASSWORD = "fieldward-test"
FLOOR_SECRET = b"fieldward-test"


def server() -> str:
    """URL of the maintenance database on the test server. KeyError where there is none."""
    return os.environ["FIELDWARD_TEST_SERVER"]


def with_login(url: str, user: str, password: str | None = None) -> str:
    """The same URL for another role."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    login = user if password is None else f"{user}:{password}"
    return urlunsplit(parts._replace(netloc=f"{login}@{place}"))


def with_database(url: str, database: str) -> str:
    """The same URL for another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def with_superuser(server: EmbeddedServer) -> str:
    """URL of a superuser that the embedded server has for tests alone; starts the server.

    Some logins that a gateway must refuse only a superuser can make.
    """
    url = server.start().admin
    server.stop()
    home = server._link.resolve()
    programs = Programs(server.binaries, Account.for_owner_of(home, server.state_dir))
    programs.reachable(server._copies).run(
        "postgres", "--single", "-c", "exit_on_error=on", "-D", home / "data", "postgres",
        stdin=f"create role {SUPERUSER} superuser login password '{PASSWORD}';\n",
    )  # fmt: skip
    server.start()
    return with_login(url, SUPERUSER, PASSWORD)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that is closed in the end."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def fresh_database(template: str | None = None) -> AsyncIterator[str]:
    """URL of the owner of a new database, empty or a copy of the template; dropped in the end."""
    name = f"fieldward_test_{secrets.token_hex(6)}"
    async with connected(server()) as admin:
        owner_url = await _owner_url(admin)
        owner = urlsplit(owner_url).username
        source = template or "template0"
        await admin.execute(f"create database {name} template {source} owner {owner}")
    try:
        yield with_database(owner_url, name)
    finally:
        async with connected(server()) as admin:
            await admin.execute(f"drop database {name} with (force)")
            await _drop_roles(admin, name)


async def _drop_roles(admin: asyncpg.Connection, database: str) -> None:
    """Drops the roles of a floor: they belong to the server, and a database leaves them behind."""
    names = await admin.fetch(
        "select format('%I', rolname) as name from pg_roles where starts_with(rolname, $1 || ':')",
        database,
    )
    if names:
        await admin.execute(f"drop role {', '.join(row['name'] for row in names)}")


async def floored(
    owner_url: str,
    policy: PolicySet | None = None,
    orders: tuple[Order, ...] | None = None,
) -> Floor:
    """Applies the floor of a policy (the seed policy unless given) to a migrated database.

    Passwords follow from FLOOR_SECRET; `login_url` is the URL of a role of it.
    """
    async with connected(owner_url) as owner:
        return await floored_by(owner, policy, orders)


async def floored_by(
    owner: asyncpg.Connection,
    policy: PolicySet | None = None,
    orders: tuple[Order, ...] | None = None,
) -> Floor:
    """The same by a connection of the owner, within the transaction that it is in."""
    seeded = load_seed_document(CATALOG)
    if orders is not None:
        seeded = replace(seeded, orders=orders)
    given = seeded if policy is None else Document(policy, seeded.orders)
    document = text_of(given)
    floor = floor_of(given.policy, given.orders)
    await apply(owner, floor, document, digest_of(document), FLOOR_SECRET)
    return floor


def login_url(owner_url: str, role: str, secret: bytes = FLOOR_SECRET) -> str:
    """The URL with which a role of policy logs in to a floored database."""
    database = urlsplit(owner_url).path[1:]
    login = quote(floor_role(database, role), safe="")
    return with_login(owner_url, login, password(secret, database, role))


@asynccontextmanager
async def template_database(
    build: Callable[[asyncpg.Connection], Awaitable[object]],
) -> AsyncIterator[str]:
    """Name of a database that `build` has filled, for `fresh_database` to copy."""
    async with fresh_database() as url:
        async with connected(url) as connection:
            await build(connection)
        yield urlsplit(url).path[1:]


@asynccontextmanager
async def migrated_template() -> AsyncIterator[str]:
    """Name of a template with all tables and no records."""
    async with template_database(migrate) as name:
        yield name


@asynccontextmanager
async def seeded_template(people: int, number: int) -> AsyncIterator[str]:
    """Name of a template with all tables and that many people of that seed."""

    async def build(connection: asyncpg.Connection) -> None:
        await migrate(connection)
        await seed(connection, people, number)

    async with template_database(build) as name:
        yield name


async def _owner_url(admin: asyncpg.Connection) -> str:
    if not await admin.fetchval("select rolsuper from pg_roles where rolname = current_user"):
        return server()
    # Roles are of the whole server, so another process may be making this one.
    await admin.execute(
        f"""
        do $$ begin
          perform pg_advisory_xact_lock(hashtext('{OWNER}'));
          if not exists (select from pg_roles where rolname = '{OWNER}') then
            create role {OWNER} login createdb createrole password '{PASSWORD}';
          end if;
        end $$
        """
    )
    return with_login(server(), OWNER, PASSWORD)
