"""The examples of docs/administration.md are what they say."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from api.cli.main import cli
from authz.document import Document
from authz.edits.edited import edited, read_edits_file
from authz.edits.forms import FORMS
from authz.order import Status
from authz.packaged import load_seed
from db.catalog_records import CATALOG

TEXT = (Path(__file__).parents[2] / "docs" / "administration.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(\[\[edits\]\].*?)```", TEXT, re.DOTALL)
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def test_the_examples_of_edits_work_one_after_the_other() -> None:
    document = seed = Document(*load_seed(CATALOG))
    tried = []
    for example in EXAMPLES:
        edits = read_edits_file(example)
        tried += [key for edit in edits for key in edit]
        document = edited(document, edits, NOW)
    assert set(tried) == FORMS.keys()
    added = document.orders[-1]
    assert added.status_at(datetime(2027, 3, 1, tzinfo=UTC)) is Status.STAYED
    assert document.policy.roles == seed.policy.roles
    assert document.policy.classes == seed.policy.classes


def test_every_edit_is_in_the_table_with_its_keys() -> None:
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| (.*?) \| .*\|$", TEXT, re.MULTILINE)
    listed = {kind: set(re.findall(r"`(\w+)`", keys)) for kinds, keys in rows
              for kind in re.findall(r"`(\w+)`", kinds)}  # fmt: skip
    assert listed.keys() == FORMS.keys()
    for kind, keys in listed.items():
        if kind == "set_role":
            assert keys == {"name"}
        else:
            assert keys - {"anchor", "text"} == FORMS[kind].keys(), kind


@pytest.mark.parametrize("group", ["policy", "order"])
def test_every_command_is_in_the_table(group: str) -> None:
    table = TEXT.partition("## Commands")[2]
    commands = cli.commands[group]
    assert isinstance(commands, click.Group)
    for name in commands.commands:
        assert re.search(rf"`({group} )?{name}\b", table), name
