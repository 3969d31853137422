"""Lint, types and import contracts, run as tests: what they hold is part of the design."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

CHECKS = {
    "ruff": ["-m", "ruff", "check", "."],
    "format": ["-m", "ruff", "format", "--check", "."],
    "mypy": ["-m", "mypy"],
    "imports": ["-c", "from importlinter.cli import lint_imports_command as run; run()"],
    "dead code": ["-m", "vulture"],
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_project_passes(name: str) -> None:
    done = subprocess.run(
        [sys.executable, *CHECKS[name]], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
