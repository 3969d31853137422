"""Policy and orders changed from the command line, by two people, over a real database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.cli.main import cli
from db.errors import FieldwardError
from tests.database import fresh_database, migrated_template
from tests.gateway import gateway_login

ORDER = """
name = "d-v-e"
caption = "D. v. E."
court = "A court"
docket = "1"
issued = 2026-01-01
effective = 2026-02-01
role = "front_desk"
states = ["CA"]
history = [{ at = 2026-02-01, status = "in_force" }]
grants = [{ on = ["Enrollee.lastName"], actions = ["read"] }]
[population]
scope = "in_population"
Enrollee = "population covers as_of"
"""
RACE = {"role": "front_desk", "on": ["race"], "actions": ["read"], "where": "own_county"}


@dataclass
class Desk:
    """Where people type: each command is a process of its own as far as the gateway can tell."""

    env: dict[str, str]
    state_dir: Path

    async def run(self, line: str, *more: str, as_: str | None = None, code: int = 0) -> Result:
        """The result of a command that ends with a status."""
        words = ["--state-dir", str(self.state_dir), *line.split(), *more]
        words += ["--as", as_] if as_ else []
        done = await asyncio.to_thread(CliRunner().invoke, cli, words, env=self.env)
        assert done.exit_code == code, (line, done.output, done.exception)
        return done

    async def told(self, line: str, *more: str, as_: str = "jo") -> Any:  # noqa: ANN401 - JSON
        """What a command prints with --json."""
        return json.loads((await self.run(f"--json {line}", *more, as_=as_)).stdout)

    async def refused(self, line: str, *more: str, as_: str = "jo") -> str:
        """What a command that is refused prints."""
        done = await self.run(line, *more, as_=as_, code=1)
        if isinstance(done.exception, FieldwardError):
            return str(done.exception)
        return done.output

    def edits(self, *edits: str) -> str:
        """A file of edits."""
        path = self.state_dir / "edits.toml"
        path.write_text("".join(f"[[edits]]\n{edit}\n" for edit in edits))
        return str(path)


@pytest.fixture(scope="module")
async def desk(test_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """A database whose head is the packaged policy."""
    async with migrated_template() as template, fresh_database(template) as url:
        env = {
            "FIELDWARD_ADMIN_DATABASE_URL": url,
            "FIELDWARD_DATABASE_URL": await gateway_login(url),
            "FIELDWARD_FLOOR_KEY": "k" * 32,
        }
        made = Desk(env, tmp_path_factory.mktemp("state"))
        await made.run("db floor")
        yield made


async def test_two_people_change_a_policy_and_take_it_back(desk: Desk) -> None:
    base = (await desk.told("policy status"))["number"]
    edits = desk.edits('grant = { role = "front_desk", on = ["race"], actions = ["read"], '
                       'where = "own_county" }')  # fmt: skip
    tried = await desk.told("policy try", "--edits", edits)
    assert [(each["role"], each["before"]) for each in tried["access"]] == [("front_desk", "never")]
    assert (await desk.told("policy changes")) == []

    change = await desk.told("policy propose", "--edits", edits, "--reason", "They ask for it.")
    assert (change["state"], change["author"], change["base"]) == ("proposed", "jo", base)
    number = str(change["id"])
    assert "FW" in await desk.refused("policy approve", number, as_="jo")
    assert "FW" in await desk.refused("policy commit", number, as_="jo")
    await desk.run("policy approve", number, as_="al")
    done = await desk.told("policy commit", number, as_="jo")
    assert (done["state"], done["version"], done["approver"]) == ("committed", base + 1, "al")

    assert "race" in (await desk.run("policy show --role front_desk")).output
    explained = await desk.told("policy explain front_desk Enrollee.race")
    assert (explained["decision"], explained["condition"]) == ("allow where", "own_county")
    row = json.dumps({"entity": "Enrollee", "home_address": {"county": "06001"}})
    for county, allowed in (("06001", True), ("06003", False)):
        line = f"policy explain front_desk Enrollee.race --claim county={county}"
        assert (await desk.told(line, "--row", row))["allowed"] is allowed
    compared = (await desk.run(f"policy compare {base} {base + 1}")).output
    assert "front_desk  read    Enrollee.race" in compared
    assert "only narrows: no" in compared

    written = (await desk.run(f"policy version {base} --toml")).output
    file = desk.state_dir / "old.toml"
    file.write_text(written)
    by_text = await desk.told("policy try", "--file", str(file))
    by_number = await desk.told("policy try", "--rollback", str(base))
    assert by_text["access"] == by_number["access"] != []
    assert by_number["onlyNarrows"] is True

    back = await desk.told("policy propose --emergency", "--rollback", str(base), "--reason", "No.")
    done = await desk.told("policy commit", str(back["id"]))
    assert (done["state"], done["version"], done["approver"]) == ("committed", base + 2, None)
    assert done["approvalDue"] is not None
    assert (await desk.run("policy decide front_desk Enrollee.race")).output.startswith(
        "decision  deny"
    )
    await desk.run("policy approve", str(back["id"]), as_="al")
    assert (await desk.told(f"policy version {base + 2}"))["approver"] == "al"


async def test_what_exceeds_an_order_is_refused_with_a_counterexample(desk: Desk) -> None:
    edits = desk.edits('grant = { role = "immigration_enforcement", on = ["Enrollee.ssn"], '
                       'actions = ["read"], where = "in_population" }')  # fmt: skip
    found = await desk.refused("policy try", "--edits", edits)
    assert "immigration_enforcement read Enrollee.ssn" in found
    change = await desk.told("policy propose", "--edits", edits, "--reason", "A mistake.")
    number = str(change["id"])
    await desk.run("policy approve", number, as_="al")
    found = await desk.refused("policy commit", number)
    assert "immigration_enforcement read Enrollee.ssn" in found
    await desk.run("policy withdraw", number, as_="jo")
    assert (await desk.told(f"policy change {number}"))["state"] == "withdrawn"


async def test_an_order_is_added_and_paused(desk: Desk) -> None:
    file = desk.state_dir / "order.toml"
    file.write_text(ORDER)
    added = await desk.told("order add", str(file), "--reason", "It arrived.")
    await desk.run("policy approve", str(added["id"]), as_="al")
    await desk.run("policy commit", str(added["id"]), as_="al")
    assert "d-v-e" in (await desk.run("order list")).output
    await desk.run("policy decide front_desk Enrollee.lastName")
    paused = await desk.told("order set-status d-v-e paused --emergency", "--reason", "Paused.")
    await desk.run("policy commit", str(paused["id"]))
    explained = (await desk.run("policy explain front_desk Enrollee.lastName")).output
    assert "no court order is in force" in explained
    assert "court orders that bind the role: d-v-e" in explained
    who = await desk.told("policy who-can Enrollee.lastName")
    assert "front_desk" not in {each["role"] for each in who}


async def test_an_auditor_reads_and_changes_nothing_and_nobody_else_reads(desk: Desk) -> None:
    assert await desk.told("policy versions --acting-role auditor")
    for line in ("order set-status d-v-e vacated --reason R", "policy propose --rollback 1 "
                 "--reason R", "policy approve 1", "policy commit 1"):  # fmt: skip
        assert "FW12" in await desk.refused(f"{line} --acting-role auditor")
    for line in ("policy versions", "policy changes", "policy status", "order list"):
        assert "FW" in await desk.refused(f"{line} --acting-role front_desk")


async def test_an_edit_that_does_not_fit_is_refused_with_what_was_meant(desk: Desk) -> None:
    edits = desk.edits('remove_class = { name = "rcae" }')
    assert "did you mean 'race'?" in await desk.refused("policy try", "--edits", edits)
    edits = desk.edits('remove_class = { nmae = "race" }')
    assert "did you mean 'name'?" in await desk.refused("policy try", "--edits", edits)
