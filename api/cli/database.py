"""fieldward db …: migrate, seed, import, floor, drift, approvals. Works with the owner's URL; the
gateway never does."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg
import click

from api.cli.output import progress, show, table
from api.errors import SettingsInvalid
from api.settings import Settings
from authz.floor import floor_of
from authz.packaged import load_seed_document
from authz.store import digest_of, head, text_of
from db.catalog_records import CATALOG
from db.changes import approvals as people_needed
from db.changes import set_approvals
from db.errors import DatabaseUnavailable
from db.floor_apply import apply, stored_head
from db.floor_drift import differences
from db.ingest.seed import seed as seed_records
from db.ingest.synthea.importing import import_synthea
from db.ingest.synthea.report import ImportReport
from db.migrate import grant_gateway
from db.migrate import migrate as migrate_schema

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from db.embedded import Urls
    from db.floor import Floor


async def as_owner(urls: Urls, work: Callable[[asyncpg.Connection], Awaitable[object]]) -> object:
    """Runs work on a connection of the owner, after the schema is as this version wants it."""
    if not urls.admin:
        raise SettingsInvalid("FIELDWARD_ADMIN_DATABASE_URL is not set")
    try:
        connection = await asyncpg.connect(urls.admin)
    except (OSError, asyncpg.PostgresError) as error:
        raise DatabaseUnavailable(type(error).__name__) from None
    try:
        await migrate_schema(connection)
        gateway = urlsplit(urls.gateway).username
        if not gateway:
            raise SettingsInvalid("FIELDWARD_DATABASE_URL names no user")
        await grant_gateway(connection, gateway)
        return await work(connection)
    finally:
        await connection.close()


async def lay_floor(connection: asyncpg.Connection, secret: bytes) -> tuple[int, Floor]:
    """Applies the floor of the head, or of the packaged policy where there is none; the version.

    `secret` is what the passwords of the floor's roles are derived from.
    """
    found = await head(connection)
    written = found.document if found else load_seed_document(CATALOG)
    made, document = floor_of(written.policy, written.orders), text_of(written)
    return await apply(connection, made, document, digest_of(document), secret), made


def run_as_owner(
    options: Mapping[str, object], work: Callable[[asyncpg.Connection], Awaitable[object]]
) -> object:
    """`as_owner` for a command: settings from its environment and --state-dir."""
    state_dir = options["state_dir"]
    assert isinstance(state_dir, Path)  # noqa: S101 - click made it one
    settings = Settings.from_environment(os.environ, state_dir)
    with settings.database() as urls:
        return asyncio.run(as_owner(urls, work))


def run_with_secret(
    options: Mapping[str, object],
    work: Callable[[asyncpg.Connection, bytes], Awaitable[object]],
) -> object:
    """`run_as_owner` for work that makes logins: it gets the secret of their passwords, too."""
    state_dir = options["state_dir"]
    assert isinstance(state_dir, Path)  # noqa: S101 - click made it one
    settings = Settings.from_environment(os.environ, state_dir)
    with settings.database() as urls:
        secret = settings.floor_secret(urls)
        return asyncio.run(as_owner(urls, lambda connection: work(connection, secret)))


@click.group("db")
def database() -> None:
    """The records: schema, generated people, files."""


@database.command()
@click.pass_obj
def migrate(options: dict[str, object]) -> None:
    """Bring the schema to this version and grant the gateway's login what it needs."""

    async def nothing(_: asyncpg.Connection) -> None:
        return None

    run_as_owner(options, nothing)
    show({"schema": "up to date"}, as_json=bool(options["json"]))


@database.command()
@click.option("--enrollees", type=click.IntRange(min=1), default=2000, show_default=True)
@click.option("--seed", "number", type=int, default=1, show_default=True)
@click.pass_obj
def seed(options: dict[str, object], enrollees: int, number: int) -> None:
    """Generate people and claims; the same numbers always give the same records."""
    with progress("people") as advance:
        report = run_as_owner(
            options, lambda connection: seed_records(connection, enrollees, number, advance)
        )
    show(_facts(report), as_json=bool(options["json"]))


@database.command("import")
@click.argument("source", type=click.Choice(["synthea"]))
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--seed", "number", type=int, default=1, show_default=True)
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path), default=None,
              help="Where each rejected line is named, with the reason.")  # fmt: skip
@click.option("--everyone", is_flag=True, help="Also people who never were on Medicaid.")
@click.pass_obj
def import_records(
    options: dict[str, object],
    source: str,
    folder: Path,
    number: int,
    rejects: Path | None,
    everyone: bool,
) -> None:
    """Read records that another program wrote. Running it twice changes nothing."""
    del source  # there is one; the argument leaves room for the next
    with progress("people") as advance:
        report = run_as_owner(
            options,
            lambda connection: import_synthea(
                connection, folder, seed=number, rejects=rejects, progress=advance,
                everyone=everyone,
            ),
        )  # fmt: skip
    assert isinstance(report, ImportReport)  # noqa: S101 - import_synthea returns one
    if options["json"]:
        show(report.as_dict(), as_json=True)
    else:
        print("\n".join(report.lines()))


@database.command()
@click.pass_obj
def floor(options: dict[str, object]) -> None:
    """Compile policy and orders into logins, grants and row policies of PostgreSQL.

    The policy is that of the head version; where there is none yet, the packaged one becomes it.
    """

    done = run_with_secret(options, lay_floor)
    assert isinstance(done, tuple)  # noqa: S101 - lay_floor returns one
    version, made = done
    roles = [
        {"role": name, "columns": len(role.columns), "functions": len(role.functions),
         "rows": "of the population" if role.capped else "all"}
        for name, role in made.roles.items()
    ]  # fmt: skip
    if options["json"]:
        show({"version": version, "roles": roles}, as_json=True)
        return
    table(roles, as_json=False)
    print(f"\nversion {version}")


@database.command()
@click.pass_obj
def drift(options: dict[str, object]) -> None:
    """Compare what PostgreSQL grants with the policy; exit 1 when anything differs."""

    async def work(connection: asyncpg.Connection) -> tuple[str, ...]:
        stored, found = await stored_head(connection), await head(connection)
        if stored is None or found is None:
            return await differences(connection)
        compiled = floor_of(found.document.policy, found.document.orders)
        changed = () if compiled == stored.floor else ("the stored floor is not its policy's",)
        return (*changed, *await differences(connection, compiled))

    found = run_as_owner(options, work)
    assert isinstance(found, tuple)  # noqa: S101 - work returns one
    if options["json"]:
        show({"differences": list(found)}, as_json=True)
    else:
        print("\n".join(found) or "no difference")
    if found:
        sys.exit(1)


@database.command()
@click.argument("people", type=click.Choice(["1", "2"]), required=False)
@click.pass_obj
def approvals(options: dict[str, object], people: str | None) -> None:
    """How many people a change of the policy needs, its author among them: shows it, or sets it.

    Only the owner of the database can. Two unless set; with one, an author commits alone.
    """

    async def work(connection: asyncpg.Connection) -> int:
        if people is not None:
            await set_approvals(connection, int(people))
        return await people_needed(connection)

    show({"approvals": run_as_owner(options, work)}, as_json=bool(options["json"]))


def _facts(report: object) -> dict[str, object]:
    return {name: getattr(report, name) for name in report.__dataclass_fields__}  # type: ignore[attr-defined]  # reports are dataclasses
