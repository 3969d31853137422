"""What a measurement was taken on, without what names the machine or a place on it."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import asyncpg

_PACKAGES = (
    "asyncpg",
    "graphql-core",
    "httptools",
    "pycasbin",
    "PyJWT",
    "starlette",
    "strawberry-graphql",
    "uvicorn",
    "uvloop",
)
# It names versions exactly.
_NPM = Path(__file__).with_name("node") / "package.json"


async def describe(owner: asyncpg.Connection, node: Path | None = None) -> dict[str, object]:
    """Processor, cores, memory, kernel, and versions of what took part.

    `node` is the program under which servers in JavaScript ran, where some did.
    """
    found: dict[str, object] = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {re.split('[-+]', platform.release())[0]}",
        "python": platform.python_version(),
        "postgresql": str(await owner.fetchval("show server_version")),
        "wrk": _first_line("wrk", "-v"),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
    }
    if node is not None:
        found["node"] = _first_line(str(node), "--version").removeprefix("v")
        found["npm"] = json.loads(_NPM.read_text())["dependencies"]
    return found


async def size(owner: asyncpg.Connection) -> dict[str, int]:
    """Rows of the two largest kinds of records, and bytes of the database."""
    return {
        "enrollees": await owner.fetchval("select count(*) from medicaid.enrollee"),
        "claims": await owner.fetchval("select count(*) from medicaid.claim"),
        "bytes": await owner.fetchval("select pg_database_size(current_database())"),
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return ""
    # wrk prints its copyright and how it is used behind its version.
    return (done.stdout or done.stderr).partition(" Copyright")[0].splitlines()[0].strip()
