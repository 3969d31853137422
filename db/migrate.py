"""What the owner does to a database before a gateway may use it: tables, grants, and a check.

Numbered SQL files are applied forward only. Any number of workers may migrate the same database
at once: each takes the same lock, for one file at a time, and looks again. Knows nothing of roles
of policy; a gateway is one login here.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from db.errors import MigrationRefused, UnsafeLogin

if TYPE_CHECKING:
    import asyncpg

DIRECTORY = Path(__file__).with_name("migrations")

_FILE = re.compile(r"(?P<number>[0-9]{4})_(?P<name>[a-z0-9_]+)\.sql")
_LOCK = 0x4669_656C_6477_6172  # of this program in its database: nobody else's key

# What the gateway's own login reads and calls: versions of the policy and the changes that become
# some, and what the check of drift compares with. Records it reads as the roles of the floor, and
# never as itself. It writes no version that was not proposed: `commit_policy` is the owner's.
_READ = (
    "policy_head", "policy_version", "policy_change", "policy_event", "deployment", "worker",
    "standing", "definition", "operation",
)  # fmt: skip
_CALLED = (
    "propose_change", "approve_change", "reject_change", "withdraw_change", "commit_change",
    "acknowledge_worker", "retire_worker", "record_operations",
)  # fmt: skip

# Why a login may do more than a gateway may, the worst first. Every role that it can become
# counts, whether or not it is one now: the session could change to it at any time.
_EXCESS = """
with reachable as (
  select r.* from pg_roles r where pg_has_role(session_user, r.oid, 'member')
), records as (
  select c.oid, c.relowner, c.relname
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = 'medicaid' and c.relkind in ('r', 'p', 'v', 'm', 'f')
)
select reason
  from (
    select 1, 'is a superuser' from reachable where rolsuper
    union all
    select 2, 'bypasses row policies' from reachable where rolbypassrls
    union all
    select 3, 'may create roles' from reachable where rolcreaterole
    union all
    select 4, 'may create databases' from reachable where rolcreatedb
    union all
    select 5, 'may replicate the database' from reachable where rolreplication
    union all
    select 6, 'is ' || rolname
      from reachable where rolname in ('pg_read_all_data', 'pg_write_all_data', 'pg_maintain',
        'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')
    union all
    select 7, 'owns ' || t.relname from records t join reachable r on r.oid = t.relowner
    union all
    select 8, 'may write ' || t.relname
      from records t, reachable r
     where has_table_privilege(r.oid, t.oid, 'insert, update, delete, truncate, trigger')
        or has_any_column_privilege(r.oid, t.oid, 'insert, update')
    union all
    select 9, 'may read ' || t.relname
      from records t, reachable r
     where has_table_privilege(r.oid, t.oid, 'select')
        or has_any_column_privilege(r.oid, t.oid, 'select')
    union all
    select 10, 'may create objects among the records'
      from reachable r, pg_namespace n
     where n.nspname = 'medicaid' and has_schema_privilege(r.oid, n.oid, 'create')
    union all
    select 11, 'owns the database or a schema'
      from reachable r
     where r.oid in (select datdba from pg_database where datname = current_database()
                     union all
                     select nspowner from pg_namespace where nspname in ('medicaid', 'fieldward'))
    union all
    select 12, 'may write ' || c.relname
      from reachable r, pg_class c
     where c.relnamespace = to_regnamespace('fieldward') and c.relkind in ('r', 'p')
       and (has_table_privilege(r.oid, c.oid, 'insert, update, delete, truncate, trigger')
            or has_any_column_privilege(r.oid, c.oid, 'insert, update'))
    union all
    select 13, 'may call ' || p.proname
      from reachable r, pg_proc p
     where p.pronamespace = to_regnamespace('fieldward') and not p.proname::text = any ($1)
       and has_function_privilege(r.oid, p.oid, 'execute')
  ) excess (severity, reason)
 order by severity, reason
 limit 1
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number from 1 on, its name without number, its text."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text, the same whatever line ends a checkout made."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations(directory: Path = DIRECTORY) -> tuple[Migration, ...]:
    """The files in order. MigrationRefused for a strange name, a gap or a number used twice."""
    found = []
    for path in sorted(directory.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None:
            raise MigrationRefused(f"{path.name} is not called like a migration")
        found.append(Migration(int(match["number"]), match["name"], path.read_text("utf-8")))
    for place, migration in enumerate(found, 1):
        if migration.number != place:
            raise MigrationRefused(f"migration {place} is missing or there twice")
    return tuple(found)


async def migrate(connection: asyncpg.Connection, directory: Path = DIRECTORY) -> tuple[str, ...]:
    """Brings the database to the newest file, each file in a transaction of its own.

    Returns the names of the files that this call applied, as `number_name`; none if the database
    was there already. MigrationRefused, with nothing changed by the file in question, if an
    applied file was edited or renamed, if one is missing, or if the database is newer than these
    files. The caller is the owner of the records.
    """
    files = migrations(directory)
    applied: list[str] = []
    while True:
        async with connection.transaction(isolation="read_committed"):
            await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
            done = await _applied(connection)
            _check(files, done)
            if len(done) == len(files):
                return tuple(applied)
            following = files[len(done)]
            # Whatever the database sets: names in a definition are written by it.
            await connection.execute("set local search_path to pg_catalog")
            await connection.execute(following.text)
            await connection.execute(
                "insert into fieldward.migration (number, name, digest) values ($1, $2, $3)",
                following.number,
                following.name,
                following.digest,
            )
        applied.append(f"{following.number:04d}_{following.name}")


async def _applied(connection: asyncpg.Connection) -> list[tuple[int, str, str]]:
    """Number, name and digest of what was applied, in order; makes the table that keeps them."""
    if await connection.fetchval("select to_regclass('fieldward.migration')") is None:
        await connection.execute(
            """
            create schema if not exists fieldward;
            create table fieldward.migration (
              number integer primary key check (number > 0),
              name text not null,
              digest text not null,
              applied_at timestamptz not null default now()
            )
            """
        )
    rows = await connection.fetch(
        "select number, name, digest from fieldward.migration order by number"
    )
    return [(row["number"], row["name"], row["digest"]) for row in rows]


def _check(files: tuple[Migration, ...], done: list[tuple[int, str, str]]) -> None:
    if len(done) > len(files) or (done and done[-1][0] > len(files)):
        raise MigrationRefused(f"the database is at migration {done[-1][0]} of {len(files)}")
    for file, (number, name, digest) in zip(files, done, strict=False):
        if number != file.number:
            raise MigrationRefused(f"the database lacks migration {file.number}")
        if name != file.name or digest != file.digest:
            raise MigrationRefused(f"migration {number} was changed after it was applied")


async def grant_gateway(connection: asyncpg.Connection, gateway: str) -> None:
    """Leaves the gateway's login what it needs of its own: to read policy versions, to propose,
    approve and commit changes of the policy, and to say which version it uses.

    It has no privilege on records: a request runs as the role of the floor that it acts in.

    Whatever else it held in these schemas goes, and so does what PostgreSQL gives to everybody.
    The caller is the owner of the records; `gateway` names a role that exists.
    """
    name = await connection.fetchval("select format('%I', $1::text)", gateway)
    tables = ", ".join(f"fieldward.{table}" for table in _READ)
    statements = [
        "alter default privileges revoke execute on functions from public",
        *(
            f"revoke all on {what} from public, {name}"
            for schema in ("medicaid", "fieldward")
            for what in (
                f"schema {schema}",
                f"all tables in schema {schema}",
                f"all sequences in schema {schema}",
                f"all functions in schema {schema}",
            )
        ),
        f"grant usage on schema fieldward to {name}",
        f"grant select on {tables} to {name}",
        *(f"grant execute on function fieldward.{function} to {name}" for function in _CALLED),
    ]
    async with connection.transaction():
        # Two that change the same privileges at once would fail on each other's rows.
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        for statement in statements:
            await connection.execute(statement)


async def check_gateway(connection: asyncpg.Connection) -> None:
    """UnsafeLogin if the login of this connection may do more than a gateway may.

    It may not be a superuser, bypass row policies, create roles or databases, replicate, read or
    write everything; it may not own a record table or be able to read or write one, or be a member
    of a role that may; nor write what the policy is kept in but through the functions for it, which
    hold two people to a change. `detail` says what was found first.
    """
    if excess := await connection.fetchval(_EXCESS, list(_CALLED)):
        raise UnsafeLogin(f"the gateway's login {excess}")
