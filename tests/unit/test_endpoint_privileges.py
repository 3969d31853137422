"""What PostgreSQL refuses to a role: stale once, drift the second time, and never a word of it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from api.app import check_start, create_app
from authz import drift_watch
from authz.packaged import load_seed
from authz.policy import Effect, PolicySet, Rule
from authz.snapshot import Holder
from db.catalog_records import CATALOG
from db.errors import FloorDrift, FloorMissing, UnsafeLogin
from db.floor_login import floor_role
from db.pools import database_of
from tests.database import FLOOR_SECRET, connected, floored, floored_by, fresh_database
from tests.gateway import CURSOR_KEY, KEY, Gateway, gateway_login, gateway_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg
    import httpx

DESK = "front_desk"
SUPERVISOR = "eligibility_supervisor"
NAMES = "{enrollees(first:2){nodes{lastName phoneNumber}}}"


@asynccontextmanager
async def changing(template: str) -> AsyncIterator[tuple[Gateway, asyncpg.Connection]]:
    """A gateway whose grants and policy may be changed, and the owner who does."""
    async with gateway_over(template) as gateway, connected(gateway.owner_url) as owner:
        yield gateway, owner


def login(gateway: Gateway, role: str = DESK) -> str:
    return floor_role(database_of(gateway.owner_url), role)


@pytest.fixture(autouse=True)
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grants are compared again as soon as somebody wants it."""
    monkeypatch.setattr(drift_watch, "_REST", 0)


async def answered(gateway: Gateway, status: int, role: str = DESK) -> httpx.Response:
    """The first answer with a status: what is looked at behind the requests takes a moment."""
    async with asyncio.timeout(30):
        while True:
            answer = await gateway.post(role, NAMES)
            if answer.status_code == status:
                return answer
            await asyncio.sleep(0.02)


def without(*coordinates: str, role: str = DESK) -> PolicySet:
    """The seed policy, with rules that deny a role to read some coordinates, or to use them."""
    policy, _ = load_seed(CATALOG)
    denied = tuple(
        Rule(role, coordinate, action, "always", Effect.DENY)
        for coordinate in coordinates
        for action in ("read", "filter", "sort", "aggregate")
    )
    return replace(policy, rules=(*policy.rules, *denied))


@pytest.mark.parametrize(
    "statement",
    [
        'revoke select (eligible_last_name) on medicaid.enrollee from "{}"',
        'revoke select (enrollee_id) on medicaid.enrollee from "{}"',
        'revoke select (phone_number) on medicaid.phone from "{}"',
    ],
)
async def test_a_grant_that_goes_under_a_running_gateway_is_drift_and_no_data(
    statement: str, seeded: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with changing(seeded) as (gateway, owner):
        assert "errors" not in await gateway.ask(DESK, NAMES)
        await owner.execute(statement.format(login(gateway)))
        # First for the role that is refused; once the check has seen it, for everybody.
        refused = [await gateway.post(DESK, NAMES), await gateway.post(DESK, NAMES)]
        for answer in (*refused, await answered(gateway, 503, SUPERVISOR)):
            assert answer.status_code == 503
            assert answer.json() == {
                "errors": [{"message": FloorDrift.public, "extensions": {"code": "FW509"}}]
            }
        await floored(gateway.owner_url)
        assert "errors" not in (await answered(gateway, 200)).json()
        assert "errors" not in await gateway.ask(SUPERVISOR, NAMES)
    logged = [record.getMessage() for record in caplog.records if record.name == "fieldward"]
    column = statement.partition("(")[2].partition(")")[0]
    assert len([line for line in logged if column in line and DESK in line]) == 1
    assert not any("permission denied" in line for line in logged)


async def test_a_request_after_a_policy_commit_is_answered_under_the_new_policy(
    seeded: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The statement that was compiled before the commit is refused; one retry answers."""
    async with changing(seeded) as (gateway, _):
        before = await gateway.ask(DESK, NAMES)
        assert all(node["lastName"] for node in before["data"]["enrollees"]["nodes"])
        await floored(gateway.owner_url, without("Enrollee.lastName"))
        after = await gateway.post(DESK, NAMES)
        assert after.status_code == 200
        body = after.json()
        assert [node["lastName"] for node in body["data"]["enrollees"]["nodes"]] == [None, None]
        assert [error["extensions"]["coordinate"] for error in body["errors"]] == [
            "Enrollee.lastName"
        ]
        # From then on at the first go, and for a narrower view as well.
        again = await gateway.ask(DESK, "{enrollees(first:1){nodes{lastName}}}")
        assert again["data"]["enrollees"]["nodes"] == [{"lastName": None}]
        await floored(gateway.owner_url)
        # Wider grants refuse nothing; the guard does.
        assert await gateway.ask(DESK, NAMES) == before
    assert [record for record in caplog.records if record.name == "fieldward"] == []


async def test_a_role_that_the_new_policy_lacks_is_unknown_from_its_next_login_on(
    seeded: str,
) -> None:
    policy, _ = load_seed(CATALOG)
    shorter = replace(
        policy,
        roles={name: role for name, role in policy.roles.items() if name != DESK},
        rules=tuple(rule for rule in policy.rules if rule.role != DESK),
    )
    async with changing(seeded) as (gateway, _):
        await floored(gateway.owner_url, shorter)
        answer = await gateway.post(DESK, NAMES)
        assert answer.json()["errors"][0]["extensions"] == {"code": "FW211"}


async def test_a_running_gateway_stops_at_a_version_whose_grants_differ(seeded: str) -> None:
    async with changing(seeded) as (gateway, owner):
        await owner.execute(f'grant select on medicaid.phone to "{login(gateway)}"')
        assert "errors" not in await gateway.ask(DESK, NAMES)  # nobody has looked yet
        async with owner.transaction():
            await floored_by(owner, without("Enrollee.lastName"))
            await owner.execute(f'grant select on medicaid.phone to "{login(gateway)}"')
        answer = await answered(gateway, 503)
        assert answer.json()["errors"][0]["extensions"] == {"code": "FW509"}
        ready = await gateway.client.get("/readyz")
        assert (ready.status_code, ready.json()["code"]) == (503, "FW509")
        # What has nothing to do with records tells nothing of the policy, either.
        local = await gateway.ask(DESK, "{viewer{subject}}")
        assert local["errors"][0]["extensions"] == {"code": "FW509"}
        await floored(gateway.owner_url, without("Enrollee.lastName"))
        assert (await answered(gateway, 200)).json()["errors"]
        assert (await gateway.client.get("/readyz")).status_code == 200


async def test_a_statement_that_needs_more_than_its_policy_grants_is_drift(
    seeded: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Grants are as they should be, and still PostgreSQL refuses: one retry, and no more."""
    asked = 0

    async with changing(seeded) as (gateway, owner):
        from api import endpoint

        execute = endpoint.execute

        async def as_another(pools, _, statement, inputs):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - as execute
            nonlocal asked
            asked += 1
            return await execute(pools, "actuary", statement, inputs)

        monkeypatch.setattr(endpoint, "execute", as_another)
        del owner
        answer = await gateway.post(DESK, NAMES)
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["extensions"] == {"code": "FW509"}
    assert asked == 2
    assert [r.getMessage() for r in caplog.records if r.name == "fieldward"] == [
        "FW509 front_desk was refused what the policy in force gives it"
    ]


async def start(owner_url: str) -> None:
    """Starts a gateway, as `serve` does, and stops it."""
    url = await gateway_login(owner_url)
    app = create_app(url, KEY.settings(), (CURSOR_KEY,), FLOOR_SECRET)
    await check_start(url, FLOOR_SECRET)
    async with app.router.lifespan_context(app):
        pass


async def test_without_a_policy_in_the_database_the_gateway_does_not_start(seeded: str) -> None:
    async with fresh_database(seeded) as owner_url:
        with pytest.raises(FloorMissing) as refused:
            await start(owner_url)
        assert "fieldward db floor" in refused.value.public
        await floored(owner_url)
        await start(owner_url)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ('grant select (ssn) on medicaid.variable_demographics to "{}"', "ssn"),
        ('revoke select (phone_number) on medicaid.phone from "{}"', "phone_number"),
        ('grant insert on medicaid.phone to "{}"', "phone"),
        ("drop policy {policy} on medicaid.enrollee", "enrollee"),
        ("alter table medicaid.claim disable row level security", "claim"),
    ],
)
async def test_on_drift_the_gateway_does_not_start_and_says_what_differs(
    change: str, named: str, seeded: str
) -> None:
    async with fresh_database(seeded) as owner_url:
        await floored(owner_url)
        async with connected(owner_url) as owner:
            policy = await owner.fetchval(
                "select quote_ident(polname) from pg_policy "
                "where polrelid = 'medicaid.enrollee'::regclass limit 1"
            )
            role = floor_role(database_of(owner_url), DESK)
            await owner.execute(change.format(role, policy=policy))
        with pytest.raises(FloorDrift) as refused:
            await start(owner_url)
        assert named in refused.value.detail
        await floored(owner_url)
        await start(owner_url)


async def test_the_gateway_answers_with_the_policy_of_the_database_and_not_the_packaged_one(
    seeded: str,
) -> None:
    holder = Holder(without("Enrollee.lastName"), load_seed(CATALOG)[1], datetime.now(UTC))
    async with gateway_over(seeded, holder) as gateway:
        answer = await gateway.ask(DESK, NAMES)
        assert [node["lastName"] for node in answer["data"]["enrollees"]["nodes"]] == [None, None]
        assert answer["data"]["enrollees"]["nodes"][0]["phoneNumber"]


async def test_the_gateways_own_login_reads_no_record(gateway: Gateway) -> None:
    async with connected(gateway.gateway_url) as own:
        for table in ("enrollee", "phone", "claim", "provider"):
            with pytest.raises(Exception, match="permission denied"):
                await own.fetch(f"select * from medicaid.{table}")  # noqa: S608 - a constant


async def test_an_owner_is_refused_before_anything_else_is_looked_at(seeded: str) -> None:
    async with fresh_database(seeded) as owner_url:
        with pytest.raises(UnsafeLogin):
            await check_start(owner_url, FLOOR_SECRET)
