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

SEED = Path(__file__).parents[2] / "authz" / "seed" / "policy.toml"


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
    edits = desk.edits(
        'grant = { role = "front_desk", on = ["race"], actions = ["read"], where = "own_county" }'
    )
    tried = await desk.told("policy try", "--edits", edits)
    assert [(each["role"], each["before"]) for each in tried["access"]] == [("front_desk", "never")]
    change = await desk.told("policy propose", "--edits", edits, "--reason", "They ask for it.")
    assert (change["id"], change["state"], change["author"]) == (1, "proposed", "jo")
    assert "FW" in await desk.refused("policy approve 1", as_="jo")
    await desk.run("policy approve 1", as_="al")
    done = await desk.told("policy commit 1", as_="jo")
    assert (done["state"], done["version"], done["approver"]) == ("committed", 2, "al")

    row = json.dumps({"entity": "Enrollee", "home_address": {"county": "06001"}})
    explained = await desk.run(
        "policy explain front_desk Enrollee.race --claim county=06001", "--row", row
    )
    assert "allow where\ncondition   own_county\non the row  allowed\n" in explained.output
    compared = (await desk.run("policy compare 1 2")).output
    assert "front_desk  read    Enrollee.race" in compared

    file = desk.state_dir / "old.toml"
    file.write_text((await desk.run("policy version 1 --toml")).output)
    back = await desk.told("policy try", "--file", str(file))
    assert (back["onlyNarrows"], back["findings"]) == (True, [])
    number = str((await desk.told("policy propose --rollback 1 --emergency --reason R"))["id"])
    done = await desk.told("policy commit", number)
    assert (done["version"], done["approver"]) == (3, None)
    assert done["approvalDue"] is not None
    assert await desk.told("policy decide front_desk Enrollee.race") == {
        "decision": "deny", "reason": "no rule allows it",
    }  # fmt: skip


async def test_what_exceeds_an_order_is_refused_with_a_counterexample(desk: Desk) -> None:
    edits = desk.edits(
        'grant = { role = "immigration_enforcement", on = ["ssn"], actions = ["read"], '
        'where = "in_population" }'
    )
    number = str((await desk.told("policy propose --reason R", "--edits", edits))["id"])
    await desk.run("policy approve", number, as_="al")
    found = await desk.refused("policy commit", number)
    assert found.startswith("FW411")
    assert "immigration_enforcement may read Enrollee.ssn where in_population" in found


async def test_the_cases_of_the_package_hold_in_the_head(desk: Desk) -> None:
    done = await desk.run("policy cases", str(SEED.with_name("cases.yaml")))
    assert done.output.endswith("failed  0\n")
    assert (await desk.told("policy describe"))["cases"] != []


async def test_an_order_is_paused_at_once(desk: Desk) -> None:
    (order,) = await desk.told("order list")
    line = f"order set-status {order['name']} paused --emergency --reason R"
    await desk.run("policy commit", str((await desk.told(line))["id"]))
    explained = (
        await desk.run("policy explain immigration_enforcement Enrollee.citizenship")
    ).output
    assert "no court order is in force" in explained
    assert f"court orders that bind the role: {order['name']}" in explained


async def test_an_auditor_reads_and_changes_nothing_and_nobody_else_reads(desk: Desk) -> None:
    assert await desk.told("policy versions --acting-role auditor")
    line = "policy propose --rollback 1 --reason R --acting-role auditor"
    assert "FW12" in await desk.refused(line)
    assert "FW" in await desk.refused("policy versions --acting-role front_desk")


async def test_an_edit_that_does_not_fit_is_refused_with_what_was_meant(desk: Desk) -> None:
    edits = desk.edits('remove_class = { name = "rcae" }')
    assert "did you mean 'race'?" in await desk.refused("policy try", "--edits", edits)
