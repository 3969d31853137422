"""`fieldward db floor` and `fieldward db drift`, as an operator runs them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from click.testing import CliRunner, Result

from api.cli.main import cli
from api.errors import SettingsInvalid
from db.floor_login import floor_role
from tests.database import connected, fresh_database, login_url, migrated_template
from tests.gateway import gateway_login

KEY = "k" * 32


@dataclass
class Operator:
    """Runs commands on one database."""

    owner_url: str
    env: dict[str, str]
    state_dir: Path

    async def run(self, *words: str) -> Result:
        """The result of a command; in a thread, because it has an event loop of its own."""
        arguments = ["--state-dir", str(self.state_dir), *words]
        return await asyncio.to_thread(CliRunner().invoke, cli, arguments, env=self.env)


@pytest.fixture
async def operator(test_server: str, tmp_path: Path) -> AsyncIterator[Operator]:
    """An operator of a migrated database without a floor."""
    async with migrated_template() as template, fresh_database(template) as url:
        env = {
            "FIELDWARD_ADMIN_DATABASE_URL": url,
            "FIELDWARD_DATABASE_URL": await gateway_login(url),
            "FIELDWARD_FLOOR_KEY": KEY,
        }
        yield Operator(url, env, tmp_path)


async def test_a_floor_is_made_shown_compared_and_repaired(operator: Operator) -> None:
    before = await operator.run("db", "drift")
    assert (before.exit_code, before.output) == (1, "no policy version is committed\n")

    made = await operator.run("--json", "db", "floor")
    assert made.exit_code == 0, made.output
    said = json.loads(made.output)
    assert said["version"] == 1
    roles = {row["role"]: row for row in said["roles"]}
    assert roles["immigration_enforcement"]["rows"] == "of the population"
    assert roles["auditor"]["columns"] == 0
    async with connected(login_url(operator.owner_url, "provider", KEY.encode())):
        pass

    same = await operator.run("db", "drift")
    assert (same.exit_code, same.output) == (0, "no difference\n")

    login = floor_role(urlsplit(operator.owner_url).path[1:], "provider")
    async with connected(operator.owner_url) as owner:
        await owner.execute(f'grant select on medicaid.claim to "{login}"')
        await owner.execute("drop policy capped on medicaid.phone")
    found = await operator.run("--json", "db", "drift")
    assert found.exit_code == 1
    assert json.loads(found.output)["differences"] == [
        f"role {login} has SELECT on table medicaid.claim",
        "the row policy capped on phone is missing",
    ]

    again = await operator.run("db", "floor")
    assert again.exit_code == 0
    assert again.output.endswith("version 1\n")
    assert (await operator.run("db", "drift")).exit_code == 0


async def test_a_floor_that_is_stored_and_not_its_policys_is_drift(operator: Operator) -> None:
    await operator.run("db", "floor")
    async with connected(operator.owner_url) as owner:
        row = await owner.fetchrow("select * from fieldward.policy_version")
        floor = json.loads(row["floor"])
        floor["roles"]["auditor"]["columns"] = {"claim": ["icn_orig"]}
        await owner.fetchval(
            "select fieldward.commit_policy(1, $1, $2, $3::text::jsonb, '{}')",
            row["digest"],
            row["document"],
            json.dumps(floor),
        )
    found = await operator.run("db", "drift")
    assert found.exit_code == 1
    assert "the stored floor is not its policy's" in found.output
    assert "SELECT on column icn_orig of medicaid.claim" in found.output
    repaired = await operator.run("db", "floor")
    assert repaired.output.endswith("version 3\n")
    assert (await operator.run("db", "drift")).exit_code == 0


async def test_with_another_key_other_passwords_log_in(operator: Operator) -> None:
    await operator.run("db", "floor")
    operator.env["FIELDWARD_FLOOR_KEY"] = "x" * 32
    await operator.run("db", "floor")
    async with connected(login_url(operator.owner_url, "provider", b"x" * 32)):
        pass
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(login_url(operator.owner_url, "provider", KEY.encode()))


async def test_how_many_people_a_change_needs_is_the_owners_to_say(operator: Operator) -> None:
    for words, said in (((), 2), (("1",), 1), ((), 1), (("2",), 2)):
        done = await operator.run("--json", "db", "approvals", *words)
        assert done.exit_code == 0, done.output
        assert json.loads(done.output) == {"approvals": said}
        async with connected(operator.env["FIELDWARD_DATABASE_URL"]) as gateway:
            assert await gateway.fetchval("select approvals from fieldward.deployment") == said
    for wrong in ("0", "3", "two"):
        assert (await operator.run("db", "approvals", wrong)).exit_code == 2
    operator.env["FIELDWARD_ADMIN_DATABASE_URL"] = ""
    refused = await operator.run("db", "approvals", "1")
    assert isinstance(refused.exception, SettingsInvalid)
