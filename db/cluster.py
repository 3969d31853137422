"""What a new embedded database is made of: roles, who may log in, settings; starts nothing.

Part of the embedded server (db/embedded.py), which is its only user.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from db.private_files import replace_file, sync
from db.programs import Programs

HOST = "127.0.0.1"
DATABASE = "fieldward"
OWNER = "fieldward_owner"
GATEWAY = "fieldward_gateway"

# Durability stays at PostgreSQL's defaults. The log must not repeat records: terse leaves out
# DETAIL and CONTEXT, which quote rows, and no statement is quoted beside its error.
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # no socket: no path that could be too long, no second way in
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}

# The superuser has no password and is turned away: it acts in single-user mode and nowhere else.
HBA = f"host all postgres all reject\nhost all all {HOST}/32 scram-sha-256\n"


@dataclass(frozen=True)
class Passwords:
    """Of the two roles that log in; hexadecimal, so that neither SQL nor a URL needs quoting."""

    owner: str = field(repr=False)
    gateway: str = field(repr=False)


def make_data(programs: Programs, home: Path, passwords: Passwords) -> None:
    """`home/data` appears whole, with roles and database, or not at all.

    The owner role owns the database and may create roles and databases; the gateway role may log
    in. Neither is a superuser. EmbeddedServerFailed if a step fails.
    """
    fresh = home / "data.new"
    if fresh.exists():
        shutil.rmtree(fresh)  # of somebody who was stopped in the middle
    # One collation on every system, by code point: an index or a cursor means the same anywhere.
    builtin = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    programs.run(
        "initdb",
        "--username=postgres",
        "--auth=reject",
        "--encoding=UTF8",
        "--locale=C",
        *(builtin if int(programs.major()) >= 17 else ()),
        "--data-checksums",
        "-D",
        fresh,
    )
    conf = fresh / "postgresql.conf"
    replace_file(conf, f"{conf.read_text()}\ninclude_if_exists 'fieldward.conf'\n", like=fresh)
    replace_file(fresh / "pg_hba.conf", HBA, like=fresh)
    quiet = ("-c", "exit_on_error=on", "-c", "log_min_error_statement=panic")
    programs.run("postgres", "--single", *quiet, "-D", fresh, "postgres", stdin=_roles(passwords))
    fresh.rename(home / "data")
    sync(home)


def configure(data: Path, settings: dict[str, str]) -> None:
    """These settings, and the ones above that they do not replace, from the next start on."""
    quoted = {name: value.replace("'", "''") for name, value in (SETTINGS | settings).items()}
    lines = "".join(f"{name} = '{value}'\n" for name, value in quoted.items())
    replace_file(data / "fieldward.conf", lines, like=data)


def _roles(passwords: Passwords) -> str:
    """Administration SQL for single-user mode, a statement a line."""
    return (
        f"CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB PASSWORD '{passwords.owner}';\n"
        f"CREATE DATABASE {DATABASE} OWNER {OWNER};\n"
        # By the owner, as on any other server: who creates a role may administer it.
        f"SET ROLE {OWNER};\n"
        f"CREATE ROLE {GATEWAY} LOGIN PASSWORD '{passwords.gateway}';\n"
    )
