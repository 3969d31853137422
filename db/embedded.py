"""A PostgreSQL of its own for a state directory; knows nothing of tables, event loops or HTTP.

Only the programs of a wheel are used (db/programs.py), never its Python layer:
docs/adr/0001-embedded-postgresql.md says why. What a new database holds is in db/cluster.py.
`EmbeddedServer.start` reads top to bottom.

    state_dir/embedded.lock    held while one process starts or stops the server
    state_dir/embedded.json    port and passwords, mode 0600
    state_dir/postgresql       home of the server: a directory, or a link to one (`_home`)
    home/alive.lock            held by the server's own processes for as long as one of them lives
    home/data, home/log        data directory; log since this start (of the one before: log.1)
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from db.cluster import DATABASE, GATEWAY, HOST, OWNER, Passwords, configure, make_data
from db.errors import EmbeddedServerFailed
from db.private_files import opened, replace_file
from db.programs import Account, Programs, binaries_of_wheel

__all__ = ["EmbeddedServer", "Urls", "binaries_of_wheel"]

# Where a home goes when the server's account cannot enter the state directory. Not below a
# temporary directory: those are swept by age, and a swept data directory is a corrupt one.
OUTSIDE = Path("/var/lib/fieldward")

# Below the range from which Linux and macOS take ports for outgoing connections, so that the
# port kept in the state directory is likely still free at the next start.
FIRST_PORT, PORT_COUNT = 20_000, 12_000
PORT_ATTEMPTS = 5

STARTING_SECONDS = 300  # crash recovery after a large load takes minutes on a slow disk
STOPPING_SECONDS = 60


@dataclass(frozen=True)
class Urls:
    """postgresql:// URLs of both roles, passwords included: for a driver, never for a log."""

    admin: str = field(repr=False)
    gateway: str = field(repr=False)


@dataclass(frozen=True)
class _State:
    port: int
    passwords: Passwords

    @staticmethod
    def of(text: str) -> _State:
        """Read what `text` wrote; ValueError, TypeError or KeyError on anything else."""
        found = json.loads(text)
        return _State(int(found["port"]), Passwords(**found["passwords"]))

    def text(self) -> str:
        return json.dumps(asdict(self))

    def urls(self, port: int) -> Urls:
        place = f"{HOST}:{port}/{DATABASE}"
        return Urls(
            admin=f"postgresql://{OWNER}:{self.passwords.owner}@{place}",
            gateway=f"postgresql://{GATEWAY}:{self.passwords.gateway}@{place}",
        )


@dataclass(frozen=True)
class EmbeddedServer:
    """The one server of a state directory, shared by all processes that name this directory.

    `settings` are further (name, value) lines of postgresql.conf; they count from the next time
    that the server really starts. Methods raise EmbeddedServerFailed and nothing else.
    """

    state_dir: Path
    binaries: Path = field(default_factory=binaries_of_wheel)
    settings: tuple[tuple[str, str], ...] = ()

    def start(self) -> Urls:
        """Start the server or find it running; make it (`cluster.make_data`) the first time."""
        with self._exclusive():
            account = Account.for_owner_of(self._link, self.state_dir)
            home = self._home(account)
            state = self._state(home)
            deadline = time.monotonic() + STARTING_SECONDS
            while time.monotonic() < deadline:
                with _claim(home) as claim:
                    if claim is not None:
                        programs = Programs(self.binaries, account, claim)
                        return state.urls(self._launch(programs, home, state))
                if port := _ready_port(home / "data"):
                    return state.urls(port)
                time.sleep(0.02)  # it is starting, recovering, or its last processes are leaving
            raise EmbeddedServerFailed(f"not ready in {STARTING_SECONDS} s; see {self.log_file}")

    def stop(self) -> None:
        """Stop the server and wait until its last process is gone; nothing to do is no error.

        Open transactions are rolled back.
        """
        if self._link.exists():
            with self._exclusive():
                self._stop()

    def discard(self) -> None:
        """Stop the server and delete its data and its passwords for good."""
        if self.state_dir.exists():
            with self._exclusive():
                if self._link.exists():
                    self._stop()
                    shutil.rmtree(self._link.resolve())
                shutil.rmtree(self._copies, ignore_errors=True)  # mostly, there are none
                self._link.unlink(missing_ok=True)
                self._state_file.unlink(missing_ok=True)

    @property
    def log_file(self) -> Path:
        """The log since the last start; PostgreSQL's own words, for the operator only."""
        return self._link / "log"

    @property
    def pid(self) -> int | None:
        """Process ID of the postmaster, as the server wrote it; None after an orderly stop."""
        lines = _postmaster_lines(self._link / "data")
        return int(lines[0]) if lines else None

    @property
    def _link(self) -> Path:
        return self.state_dir.resolve() / "postgresql"

    @property
    def _state_file(self) -> Path:
        return self.state_dir.resolve() / "embedded.json"

    @property
    def _outside(self) -> Path:
        """This state directory's place below OUTSIDE."""
        return OUTSIDE / hashlib.sha256(os.fsencode(self.state_dir.resolve())).hexdigest()[:16]

    @property
    def _copies(self) -> Path:
        return self._outside.with_suffix(".programs")

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        """One process at a time, and what the operating system refuses as an error of ours."""
        path = self.state_dir / "embedded.lock"
        try:
            self.state_dir.mkdir(parents=True, exist_ok=True)
            with opened(path, like=self.state_dir) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            place = error.filename or path
            raise EmbeddedServerFailed(f"{place}: {error.strerror or error}") from error

    def _home(self, account: Account | None) -> Path:
        """The server's directory, made if need be: in the state directory, or below OUTSIDE with
        a link to it where the server's account cannot enter (a checkout below /root)."""
        home = self._link
        if not home.exists() and account and not account.may_enter(self.state_dir.resolve()):
            home.unlink(missing_ok=True)
            home.symlink_to(self._outside)
        if home.is_symlink():
            home = home.readlink()
            if home != self._outside:
                raise EmbeddedServerFailed(
                    f"{self.state_dir} was moved or copied: its database, {home}, is that of the "
                    "directory it was before"
                )
            OUTSIDE.mkdir(mode=0o755, parents=True, exist_ok=True)
        home.mkdir(mode=0o700, exist_ok=True)
        if account:
            os.chown(home, account.uid, account.gid, follow_symlinks=False)
            if not account.may_enter(home):
                raise EmbeddedServerFailed(f"the account that runs the server cannot enter {home}")
        return home

    def _state(self, home: Path) -> _State:
        if self._state_file.exists():
            try:
                return _State.of(self._state_file.read_text())
            except (ValueError, TypeError, KeyError) as error:
                raise EmbeddedServerFailed(f"{self._state_file} is damaged") from error
        if (home / "data").exists():
            raise EmbeddedServerFailed(f"{self._state_file} is lost, and the passwords with it")
        passwords = Passwords(secrets.token_hex(24), secrets.token_hex(24))
        return self._save(_State(_free_port(), passwords))

    def _save(self, state: _State) -> _State:
        replace_file(self._state_file, state.text(), like=self.state_dir)
        return state

    def _launch(self, programs: Programs, home: Path, state: _State) -> int:
        """The port of a new server: the state's, or another where that one is taken."""
        data, log = home / "data", home / "log"
        programs = programs.reachable(self._copies)
        if not data.exists():
            make_data(programs, home, state.passwords)
        if (made_by := (data / "PG_VERSION").read_text().strip()) != programs.major():
            raise EmbeddedServerFailed(
                f"{data} was made by PostgreSQL {made_by} and this is {programs.major()}: dump and "
                "restore it, or use another state directory"
            )
        # Stale, since we hold the claim. Left there, it would keep the server from starting if
        # its process ID meanwhile belongs to some other program of the same account.
        (data / "postmaster.pid").unlink(missing_ok=True)
        for _ in range(PORT_ATTEMPTS):
            if _taken(state.port):
                state = self._save(replace(state, port=_free_port()))
            configure(data, {**dict(self.settings), "port": str(state.port)})
            if log.exists():
                log.replace(home / "log.1")
            wait = f"--timeout={STARTING_SECONDS}"
            try:
                programs.run("pg_ctl", "start", "--wait", wait, "-D", data, "-l", log)
            except EmbeddedServerFailed as error:
                if not _taken(state.port):  # else somebody took it after our look
                    raise EmbeddedServerFailed(f"{_complaint(log)}; see {log}") from error
            else:
                return state.port
        raise EmbeddedServerFailed(f"no port stayed free; see {log}")

    def _stop(self) -> None:
        home = self._link.resolve()
        account = Account.for_owner_of(home, self.state_dir)
        deadline = time.monotonic() + STOPPING_SECONDS
        while time.monotonic() < deadline:
            with _claim(home) as claim:
                if claim is not None:
                    return
            programs = Programs(self.binaries, account).reachable(self._copies)
            # Refused while a server is not there yet, or when only its last processes are left.
            with contextlib.suppress(EmbeddedServerFailed):
                programs.run("pg_ctl", "stop", "--mode=fast", "--no-wait", "-D", home / "data")
            time.sleep(0.05)
        raise EmbeddedServerFailed(f"still there after {STOPPING_SECONDS} s; see {self.log_file}")


@contextlib.contextmanager
def _claim(home: Path) -> Iterator[int | None]:
    """The right to start a server here, or None while a process of the last one lives.

    The lock belongs to the open file, which the server's processes inherit: it is theirs until
    the last one ends, however it ends. A process ID says less, for it can be another program's.
    """
    with opened(home / "alive.lock", like=home) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield lock


def _postmaster_lines(data: Path) -> list[str]:
    """PostgreSQL's postmaster.pid: process ID, directory, start, port, …, status on line 8."""
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _ready_port(data: Path) -> int | None:
    lines = _postmaster_lines(data)
    if len(lines) < 8 or lines[7].strip() != "ready":
        return None
    port = int(lines[3])
    with socket.socket() as caller:
        caller.settimeout(5)
        # A postmaster that was killed leaves "ready" behind, and nobody at the port.
        return port if caller.connect_ex((HOST, port)) == 0 else None


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _free_port() -> int:
    for _ in range(PORT_COUNT):
        if not _taken(port := FIRST_PORT + secrets.randbelow(PORT_COUNT)):
            return port
    raise EmbeddedServerFailed(f"no free port on {HOST}")


def _complaint(log: Path) -> str:
    """The server's own reason for not starting."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    fatal = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
    return (fatal or lines or ["the server did not start"])[-1]
