"""Casbin for Node, asked in bulk about exported policies. Decides nothing and compares nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from authz.casbin_lines import policy_csv
from authz.enforcer import MODEL
from tests.support import skip_or_fail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authz.policy import PolicySet

Question: TypeAlias = tuple[str, str, str, str]
"""A role, a coordinate, an action, and a condition that the row meets."""

HERE = Path(__file__).parent
_AT_ONCE = 4_000
"""Questions in a file, so that what there is can be shared between processes."""


def node() -> str:
    """A Node with Casbin; ends the test where there is none."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which("node") or shutil.which("node", path=beside)
    if found is None or not (HERE / "node_modules" / "casbin").is_dir():
        skip_or_fail("needs Node and its Casbin: make install-test")
    return found


def answers(
    asked: Sequence[tuple[PolicySet, Sequence[Question]]], folder: Path, processes: int
) -> list[list[bool]]:
    """What Casbin for Node answers about each policy, in the order of its questions.

    It reads what we export, with its own reader, and every question is put to it.
    """
    program = node()
    jobs: list[tuple[int, str]] = []
    (folder / "model.conf").write_text(MODEL, encoding="utf-8")
    for place, (policy, every) in enumerate(asked):
        (folder / f"{place}.csv").write_text(policy_csv(policy), encoding="utf-8")
        for begin in range(0, len(every), _AT_ONCE):
            name = f"{place}-{begin}.questions"
            some = every[begin : begin + _AT_ONCE]
            (folder / name).write_text("".join(",".join(one) + "\n" for one in some), "utf-8")
            jobs.append((place, f"model.conf\t{place}.csv\t{name}\n"))
    with ThreadPoolExecutor(processes) as threads:
        shares = [jobs[first::processes] for first in range(processes)]
        printed = list(threads.map(lambda share: _run(program, folder, share), shares))
    found: list[list[bool]] = [[] for _ in asked]
    for number, (place, _) in enumerate(jobs):
        line = printed[number % processes][number // processes]
        assert set(line) <= {"0", "1"}
        found[place] += [mark == "1" for mark in line]
    # Each question has its answer: none was swallowed.
    assert [len(each) for each in found] == [len(every) for _, every in asked]
    return found


def most_processes() -> int:
    """How many processes there may be: one for each processor that is ours."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _run(program: str, folder: Path, share: Sequence[tuple[int, str]]) -> list[str]:
    done = subprocess.run(
        [program, HERE / "agree.mjs"],
        input="".join(line for _, line in share),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()
