"""docs/leaks.md names a test for every leak, and each test that it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
DOCUMENT = (PROJECT / "docs/leaks.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`((?:tests|bench)/[\w/]+\.py)(?:::(\w+))?`")
ROW = re.compile(r"^\| (?!---|leak )(.+?) \| (.+) \|$", re.MULTILINE)
OPEN = "not yet"


def names_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    }


def test_every_leak_has_a_test_or_says_why_not() -> None:
    rows = ROW.findall(DOCUMENT)
    assert len(rows) > 30
    for leak, closed in rows:
        assert NAMED.search(closed) or closed.startswith(OPEN), leak


def test_every_test_that_is_named_is_there() -> None:
    named = NAMED.findall(DOCUMENT)
    assert len(named) > 40
    for file, test in named:
        path = PROJECT / file
        assert path.is_file(), file
        if test:
            assert test in names_of(path), f"{file}::{test}"


def test_every_test_of_leaks_closes_one_that_is_named() -> None:
    named = {test for _, test in NAMED.findall(DOCUMENT)}
    here = Path(__file__)
    unnamed = {
        f"{path.name}::{test}"
        for path in here.parent.glob("test_*.py")
        if path != here
        for test in names_of(path) - named
    }
    assert unnamed == set()
