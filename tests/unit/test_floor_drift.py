"""What PostgreSQL grants against the floor: each kind of difference made once, named, and repaired.

Also how a floor comes to be: whole or not at all, one of two at once, under any name of a database.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import asyncpg
import pytest

from authz.floor import floor_of
from authz.packaged import load_seed_document
from authz.store import digest_of, head, text_of
from db.catalog_records import CATALOG
from db.changes import approve, commit_change, propose
from db.errors import FloorRefused, PolicyMoved
from db.floor import Floor
from db.floor_apply import apply, commit, stored_head
from db.floor_drift import differences
from db.floor_login import floor_role, password, verifier
from db.migrate import DIRECTORY, check_gateway, grant_gateway, migrate
from tests.database import (
    FLOOR_SECRET,
    connected,
    floored,
    fresh_database,
    login_url,
    migrated_template,
    server,
    with_database,
    with_login,
)

SEED = load_seed_document(CATALOG)
POLICY, ORDERS = SEED.policy, SEED.orders
DOCUMENT = text_of(SEED)
FLOOR = floor_of(POLICY, ORDERS)
DIGEST = digest_of(DOCUMENT)


@pytest.fixture(scope="module")
async def template() -> AsyncIterator[str]:
    """Name of a template with all tables and no records."""
    async with migrated_template() as name:
        yield name


@pytest.fixture(scope="module")
async def url(template: str) -> AsyncIterator[str]:
    """URL of the owner of a floored database, which every test leaves as it found it."""
    async with fresh_database(template) as made:
        await floored(made)
        yield made


@pytest.fixture
async def owner(url: str) -> AsyncIterator[asyncpg.Connection]:
    """The owner of the floored database."""
    async with connected(url) as connection:
        yield connection


@pytest.fixture
async def empty(template: str) -> AsyncIterator[str]:
    """URL of the owner of a migrated database without a floor."""
    async with fresh_database(template) as made:
        yield made


async def lay(connection: asyncpg.Connection, floor: Floor = FLOOR) -> int:
    """Applies a floor with the seed's document."""
    return await apply(connection, floor, DOCUMENT, DIGEST, FLOOR_SECRET)


def named(owner_url: str, text: str) -> str:
    """A text with {front_desk} and the like replaced by the names of this database."""
    database = urlsplit(owner_url).path[1:]
    names = {role: floor_role(database, role) for role in FLOOR.roles}
    return text.format(
        **names,
        open=floor_role(database, ":open"),
        capped=floor_role(database, ":capped"),
        database=database,
        other=OTHER,
    )


OTHER = f"fieldward_test_{secrets.token_hex(6)}"

# what is done → the sentence that names it
DRIFT = {
    'revoke select (sex) on medicaid.enrollee from "{beneficiary}"':
        "role {beneficiary} lacks SELECT on column sex of medicaid.enrollee",
    'grant select (ssn) on medicaid.variable_demographics to "{front_desk}"':
        "role {front_desk} has SELECT on column ssn of medicaid.variable_demographics",
    'grant select (eligible_last_name) on medicaid.enrollee to "{policy_reach}"':
        "role {policy_reach} has SELECT on column eligible_last_name of medicaid.enrollee",
    'grant update (city) on medicaid.home_address to "{front_desk}"':
        "role {front_desk} has UPDATE on column city of medicaid.home_address",
    'grant select (city) on medicaid.home_address to "{front_desk}" with grant option':
        "role {front_desk} may grant SELECT on column city of medicaid.home_address to others",
    'grant select on medicaid.claim to "{researcher}"':
        "role {researcher} has SELECT on table medicaid.claim",
    'grant insert on medicaid.claim to "{open}"':
        "role {open} has INSERT on table medicaid.claim",
    'grant select (npi) on medicaid.provider to public':
        "everybody has SELECT on column npi of medicaid.provider",
    'grant select on medicaid.claim to "{other}"':
        "role {other} has SELECT on table medicaid.claim",
    'grant select on medicaid.medicaid_id to "{provider}"':
        "role {provider} has SELECT on table medicaid.medicaid_id",
    'grant select on fieldward.policy_version to "{provider}"':
        "role {provider} has SELECT on table fieldward.policy_version",
    'revoke select (version) on medicaid.policy_head from "{provider}"':
        "role {provider} lacks SELECT on column version of medicaid.policy_head",
    'grant select (version) on medicaid.policy_head to "{auditor}"':
        "role {auditor} has SELECT on column version of medicaid.policy_head",
    'grant select on medicaid.policy_head to "{auditor}"':
        "role {auditor} has SELECT on view medicaid.policy_head",
    'grant update (version) on medicaid.policy_head to "{provider}"':
        "role {provider} has UPDATE on column version of medicaid.policy_head",
    'revoke usage on schema medicaid from "{capped}"':
        "role {capped} lacks USAGE on schema medicaid",
    'grant create on schema medicaid to "{auditor}"':
        "role {auditor} has CREATE on schema medicaid",
    'grant usage on schema fieldward to public':
        "everybody has USAGE on schema fieldward",
    'grant execute on function medicaid.variable_demographics_by_ssn to "{provider}"':
        "role {provider} has EXECUTE on function medicaid.variable_demographics_by_ssn",
    'revoke execute on function medicaid.age_group from "{actuary}"':
        "role {actuary} lacks EXECUTE on function medicaid.age_group",
    'grant execute on function medicaid.zip3 to public':
        "everybody has EXECUTE on function medicaid.zip3",
    'revoke execute on function fieldward.population_day from "{capped}"':
        "role {capped} lacks EXECUTE on function fieldward.population_day",
    'alter role "{provider}" createdb': "role {provider} may create databases",
    'alter role "{provider}" createrole': "role {provider} may create roles",
    'alter role "{provider}" nologin': "role {provider} may not log in",
    'alter role "{provider}" set row_security = off': "role {provider} has settings of its own",
    'alter role "{capped}" login': "role {capped} may log in and is not of the floor",
    'grant "{open}" to "{immigration_enforcement}"':
        "role {immigration_enforcement} is a member of {open}",
    'revoke "{capped}" from "{immigration_enforcement}"':
        "role {immigration_enforcement} is not a member of {capped}",
    'grant "{open}" to "{provider}" with set true':
        "role {provider} is a member of {open} with the set option",
    'grant "{provider}" to "{other}"': "role {other} is a member of {provider}",
    'create role "{database}:stranger" login':
        "role {database}:stranger may log in and is not of the floor",
    'grant temporary on database "{database}" to public':
        "everybody may create temporary tables",
    "alter table medicaid.phone disable row level security":
        "row level security is off on phone",
    "drop policy capped on medicaid.phone": "the row policy capped on phone is missing",
    "alter policy capped on medicaid.enrollee using (true)":
        "the row policy capped on enrollee was altered",
    'alter policy open on medicaid.claim to "{open}", "{capped}"':
        "the row policy open on claim was altered",
    "create policy mine on medicaid.claim using (true)":
        "the row policy mine on claim is not of the floor",
    "insert into fieldward.standing (role, ends) values ('immigration_enforcement', '2020-01-01')":
        "the spans in which orders let immigration_enforcement read are not the floor's",
    "insert into fieldward.standing (role, begins) values ('provider', '2020-01-01')":
        "the spans in which orders let provider read are not the floor's",
    "delete from fieldward.standing":
        "the spans in which orders let immigration_enforcement read are not the floor's",
}  # fmt: skip


@pytest.fixture(scope="module")
async def other(test_server: str) -> AsyncIterator[None]:
    """A role of the server that is of no floor."""
    async with connected(server()) as admin:
        await admin.execute(f"create role {OTHER} nologin")
        yield
        await admin.execute(f"drop role {OTHER}")


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize("change", DRIFT)
async def test_a_difference_is_named_and_applying_again_repairs_it(
    change: str, owner: asyncpg.Connection, url: str
) -> None:
    assert await differences(owner) == ()
    await owner.execute(named(url, change))
    found = await differences(owner)
    version = await lay(owner)
    assert found == (named(url, DRIFT[change]),)
    assert await differences(owner) == ()
    assert version == 1


ONLY_A_SUPERUSER = {
    'alter role "{provider}" superuser': "role {provider} is a superuser",
    'alter role "{provider}" bypassrls': "role {provider} bypasses row policies",
    'alter role "{provider}" replication': "role {provider} may replicate the database",
    'grant pg_read_all_data to "{provider}"': "role {provider} is a member of pg_read_all_data",
}


@pytest.mark.parametrize("change", ONLY_A_SUPERUSER)
async def test_what_only_a_superuser_can_do_is_named(
    change: str, owner: asyncpg.Connection, url: str
) -> None:
    async with connected(with_database(server(), urlsplit(url).path[1:])) as admin:
        try:
            await admin.execute(named(url, change))
        except asyncpg.InsufficientPrivilegeError:
            pytest.skip("the test server has no superuser for tests")
        try:
            assert named(url, ONLY_A_SUPERUSER[change]) in await differences(owner)
            with contextlib.suppress(FloorRefused):
                await lay(owner)
            assert named(url, ONLY_A_SUPERUSER[change]) in await differences(owner)
        finally:
            undo = change.replace("to ", "from ").replace("grant", "revoke")
            undo = undo.replace('" ', '" no') if "alter" in change else undo
            await admin.execute(named(url, undo))
    assert await differences(owner) == ()


DEFINITIONS = {
    "alter table medicaid.enrollee disable trigger population_insert":
        ("the trigger population_insert on medicaid.enrollee was altered",
         "alter table medicaid.enrollee enable trigger population_insert"),
    "alter function medicaid.variable_demographics_by_ssn security invoker":
        ("the function medicaid.variable_demographics_by_ssn(text) was altered",
         "alter function medicaid.variable_demographics_by_ssn security definer"),
    "create or replace view medicaid.policy_head as select 7::bigint as version":
        ("the view medicaid.policy_head was altered",
         "create or replace view medicaid.policy_head as"
         " select h.version from fieldward.policy_head h"),
    "alter view medicaid.policy_head set (security_invoker = true)":
        ("the view medicaid.policy_head was altered",
         "alter view medicaid.policy_head reset (security_invoker)"),
    "alter function medicaid.stale_policy immutable":
        ("the function medicaid.stale_policy(bigint) was altered",
         "alter function medicaid.stale_policy volatile"),
    "alter trigger immutable on fieldward.policy_version rename to mutable":
        ("the trigger immutable on fieldward.policy_version is missing",
         "alter trigger mutable on fieldward.policy_version rename to immutable"),
}  # fmt: skip


@pytest.mark.parametrize("change", DEFINITIONS)
async def test_a_function_or_trigger_that_the_floor_rests_on_is_looked_at(
    change: str, owner: asyncpg.Connection
) -> None:
    sentence, undo = DEFINITIONS[change]
    await owner.execute(change)
    assert await differences(owner) == (sentence,)
    await owner.execute(undo)
    assert await differences(owner) == ()


# What applying a floor does not take back, and what names it; all is undone in the end.
NAMED = {
    "create view public.round as select * from medicaid.enrollee;"
    " grant select on public.round to public":
        "everybody may use the view public.round, which has the rights of the records' owner",
    "create function public.round() returns bigint language sql security definer"
    " as 'select count(*) from medicaid.enrollee';"
    ' grant execute on function public.round() to "{provider}"':
        "role {provider} may use the function public.round(), which has the rights of the records'"
        " owner",
    'create role "{database}-bob"; grant "{database}-bob" to current_user with set true;'
    ' grant usage, create on schema medicaid to "{database}-bob";'
    ' alter table medicaid.claim owner to "{database}-bob"':
        "the table medicaid.claim belongs to {database}-bob",
    "alter table medicaid.claim alter column substance_use drop expression":
        "the derived column substance_use of medicaid.claim is missing",
    'alter role "{provider}" connection limit 0': "role {provider} has a limit of connections",
}  # fmt: skip


@pytest.mark.parametrize("change", NAMED)
async def test_a_way_round_the_floor_is_named(
    change: str, owner: asyncpg.Connection, url: str
) -> None:
    assert await differences(owner) == ()
    undone = owner.transaction()
    await undone.start()
    try:
        await owner.execute(named(url, change))
        assert named(url, NAMED[change]) in await differences(owner)
    finally:
        await undone.rollback()
    assert await differences(owner) == ()


async def test_what_a_login_sets_for_another_database_is_no_difference(
    owner: asyncpg.Connection, url: str
) -> None:
    undone = owner.transaction()
    await undone.start()
    try:
        change = "alter role \"{provider}\" in database postgres set work_mem = '1MB'"
        await owner.execute(named(url, change))
        assert await differences(owner) == ()
    finally:
        await undone.rollback()


_PROVIDER = '"provider": {"columns": {}, "functions": [], "capped": false}'
NO_FLOORS = ["null", "[]", "{}", '{"roles": {}}', '{"standing": {}}',
             '{"roles": {"provider": {"columns": {}, "functions": []}}, "standing": {}}',
             '{"roles": {"provider": []}, "standing": {}}',
             # Spans that say no role, or one that the row policies do not hold.
             f'{{"roles": {{{_PROVIDER}}}, "standing": []}}',
             f'{{"roles": {{{_PROVIDER}}}, "standing": {{"provider": []}}}}',
             f'{{"roles": {{{_PROVIDER}}}, "standing": {{"nobody": []}}}}',
             f'{{"roles": {{{_PROVIDER.replace("false", "true")}}},'
             ' "standing": {"provider": null}}']  # fmt: skip


@pytest.mark.parametrize("text", NO_FLOORS)
async def test_what_is_no_floor_is_not_committed(text: str, owner: asyncpg.Connection) -> None:
    """Else no command could read the head any more."""
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await owner.fetchval(
            "select fieldward.commit_policy(1, 'd', '{}', $1::text::jsonb, '{}')", text
        )
    assert await differences(owner) == ()


@pytest.mark.parametrize("also", [(), ("front_desk",)])
async def test_a_floor_from_before_spans_were_of_roles_opens_no_more_until_it_is_laid_again(
    also: tuple[str, ...], tmp_path: Path
) -> None:
    """One capped role keeps its spans. Of several, none sees anybody."""
    (order,) = ORDERS
    later = tuple(replace(order, name=f"about {role}", role=role) for role in also)
    floor = floor_of(POLICY, (*ORDERS, *later))
    text = json.loads(floor.as_json())
    text["standing"] = text["standing"]["immigration_enforcement"]
    for file in sorted(DIRECTORY.glob("000[1-7]_*.sql")):
        shutil.copy(file, tmp_path)
    async with fresh_database() as url, connected(url) as owner:
        await migrate(owner, tmp_path)
        name = urlsplit(url).path[1:]
        verifiers = {role: verifier(password(FLOOR_SECRET, name, role)) for role in floor.roles}
        await owner.execute(
            "select fieldward.commit_policy(null, $1, $2, $3::text::jsonb, $4::text::jsonb)",
            DIGEST, DOCUMENT, json.dumps(text), json.dumps(verifiers),
        )  # fmt: skip
        assert len(await migrate(owner)) >= 1
        found = await owner.fetch("select role, begins, ends from fieldward.standing")
        (span,) = floor.standing["immigration_enforcement"]
        assert [tuple(row) for row in found] == (
            [] if also else [("immigration_enforcement", *span)]
        )
        said = [sentence for sentence in await differences(owner) if "spans" in sentence]
        assert said == [
            f"the spans in which orders let {role} read are not the floor's"
            for role in (sorted(("immigration_enforcement", *also)) if also else ())
        ]
        assert await lay(owner, floor) == 1
        assert await differences(owner) == ()


async def test_a_database_without_a_version_says_so(empty: str) -> None:
    async with connected(empty) as owner:
        assert await differences(owner) == ("no policy version is committed",)
        missing = await differences(owner, FLOOR)
        assert any("is missing" in sentence for sentence in missing)


async def test_the_gateway_sees_the_same_differences_as_the_owner(empty: str) -> None:
    login = f"fieldward_test_{secrets.token_hex(6)}"
    async with connected(empty) as owner:
        await owner.execute(f"create role {login} login password 'fieldward-test'")
    try:
        async with fresh_copy(empty) as url, connected(url) as owner:
            await grant_gateway(owner, login)
            await lay(owner)
            async with connected(with_login(url, login, "fieldward-test")) as gateway:
                await check_gateway(gateway)
                assert await differences(gateway) == ()
                found = await head(gateway)
                assert found is not None
                assert found.document.policy.digest == POLICY.digest
                with pytest.raises(FloorRefused, match="42501"):  # that is the owner's
                    await commit(gateway, 1, wider(), DOCUMENT, DIGEST, VERIFIERS)
                change = await propose(
                    gateway, base=1, author="ada", reason="why", document=DOCUMENT, digest=DIGEST,
                    report="{}", emergency=False,
                )  # fmt: skip
                await approve(gateway, change, "ben", "")
                assert await commit_change(gateway, change, "ada", wider(), VERIFIERS) == 2
                assert await differences(gateway) == ()
                await owner.execute("drop policy capped on medicaid.phone")
                await owner.execute("alter table medicaid.race disable row level security")
                assert await differences(gateway) == await differences(owner)
                assert len(await differences(gateway)) == 2
    finally:
        async with connected(server()) as admin:
            await admin.execute(f"drop role {login}")


def fresh_copy(owner_url: str) -> object:
    """A copy of a database under another name."""
    return fresh_database(urlsplit(owner_url).path[1:])


# How a floor comes to be


async def test_applying_twice_changes_nothing(empty: str) -> None:
    async with connected(empty) as owner:
        assert await lay(owner) == 1
        before = await owner.fetch("select oid, relacl, xmin from pg_class order by 1")
        assert await lay(owner) == 1
        assert await owner.fetch("select oid, relacl, xmin from pg_class order by 1") == before


async def test_another_floor_is_another_version(empty: str) -> None:
    fewer = Floor(
        MappingProxyType({name: FLOOR.roles[name] for name in ("front_desk", "provider")}), ()
    )
    async with connected(empty) as owner:
        assert await lay(owner) == 1
        assert await lay(owner, fewer) == 2
        stored = await stored_head(owner)
        assert stored is not None
        assert (stored.number, stored.floor) == (2, fewer)
        assert await differences(owner) == ()
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(login_url(empty, "researcher"))
    async with connected(empty) as owner:
        assert await lay(owner) == 3
        assert await differences(owner) == ()
    async with connected(login_url(empty, "researcher")) as researcher:
        await researcher.fetch("select sex from medicaid.enrollee")


async def test_a_copy_under_another_name_has_roles_of_its_own(template: str) -> None:
    async with fresh_database(template) as original:
        await floored(original)
        async with fresh_copy(original) as copy, connected(copy) as owner:
            assert any("is missing" in sentence for sentence in await differences(owner))
            assert await lay(owner) == 1
            assert await differences(owner) == ()
            # What the roles of the original held was copied, and is taken back.
            url_there = with_database(login_url(original, "provider"), urlsplit(copy).path[1:])
            async with connected(url_there) as provider:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await provider.fetch("select enrollee_id from medicaid.enrollee")


async def test_a_new_secret_is_a_new_password(empty: str) -> None:
    async with connected(empty) as owner:
        await lay(owner)
        await apply(owner, FLOOR, DOCUMENT, DIGEST, b"another")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(login_url(empty, "provider"))
    async with connected(login_url(empty, "provider", b"another")):
        pass


async def test_a_version_that_was_committed_stays(owner: asyncpg.Connection) -> None:
    for change in (
        "update fieldward.policy_version set document = ''",
        "delete from fieldward.policy_version",
        "truncate fieldward.policy_version cascade",
    ):
        with pytest.raises(asyncpg.RaiseError):
            await owner.execute(change)
    with pytest.raises(asyncpg.UniqueViolationError):
        await owner.execute("insert into fieldward.policy_head (version) values (1)")


VERIFIERS = {role: verifier("x") for role in FLOOR.roles} | {"new_role": verifier("x")}


def wider(table: str = "claim", column: str = "icn_orig", role: str = "front_desk") -> Floor:
    """The seed's floor, with one column more for one role."""
    granted = FLOOR.roles["front_desk"]
    more = replace(granted, columns=granted.columns | {(table, column)})
    return Floor(MappingProxyType(dict(FLOOR.roles) | {role: more}), FLOOR.standing)


REFUSED = {
    "a table of another schema": wider("pg_authid", "rolpassword"),
    "a table that is qualified": wider("fieldward.policy_version", "document"),
    "a column that there is not": wider("claim", "shoe_size"),
    "a system column": wider("claim", "ctid"),
    "a role of a name that could be another's": wider(role="x:y"),
    "a role without a verifier": wider(role="nobody"),
    "a function that there is not": Floor(
        MappingProxyType(
            {"front_desk": replace(FLOOR.roles["front_desk"], functions=frozenset({"version"}))}
        ),
        MappingProxyType({}),
    ),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_a_commit_that_fails_leaves_head_and_grants_as_they_were(
    what: str, owner: asyncpg.Connection
) -> None:
    before = await stored_head(owner)
    with pytest.raises(FloorRefused):
        await commit(owner, 1, REFUSED[what], "{}", "other", VERIFIERS)
    assert await stored_head(owner) == before
    assert await differences(owner) == ()


async def test_a_password_in_the_clear_is_no_verifier(owner: asyncpg.Connection) -> None:
    with pytest.raises(FloorRefused, match="verifier"):
        await commit(owner, 1, wider(role="new_role"), "{}", "o", {"new_role": "open sesame"})


async def test_a_commit_over_a_head_that_moved_is_refused(owner: asyncpg.Connection) -> None:
    for base in (None, 0, 2):
        with pytest.raises(PolicyMoved):
            await commit(owner, base, wider(), "{}", "other", VERIFIERS)
    assert await differences(owner) == ()


async def test_of_two_commits_at_once_one_wins(empty: str) -> None:
    async with connected(empty) as one, connected(empty) as two:
        await lay(one)
        floors = (wider("claim", "icn_orig"), wider("claim", "covered_days"))
        done = await asyncio.gather(
            *(
                commit(connection, 1, floor, "{}", f"by {number}", VERIFIERS)
                for number, (connection, floor) in enumerate(zip((one, two), floors, strict=True))
            ),
            return_exceptions=True,
        )
        (won,) = (number for number, result in enumerate(done) if result == 2)
        assert isinstance(done[1 - won], PolicyMoved)
        stored = await stored_head(one)
        assert stored is not None
        assert stored.floor == floors[won]
        assert await differences(one) == ()


async def test_two_who_apply_at_once_write_one_version(empty: str) -> None:
    async with connected(empty) as one, connected(empty) as two:
        assert await asyncio.gather(lay(one), lay(two)) == [1, 1]
        assert await differences(one) == ()


@pytest.mark.parametrize("role", [":open", "provider", "r" * 60])
async def test_sql_calls_roles_as_python_does(owner: asyncpg.Connection, role: str) -> None:
    database = await owner.fetchval("select current_database()::text")
    name = await owner.fetchval("select fieldward.floor_role($1)", role)
    assert name == floor_role(database, role)


async def test_nothing_but_a_verifier_is_stored_or_sent(owner: asyncpg.Connection) -> None:
    stored = await owner.fetchval("select json_agg(v)::text from fieldward.policy_version v")
    database = await owner.fetchval("select current_database()::text")
    assert json.loads(stored)
    assert password(FLOOR_SECRET, database, "provider") not in stored
    assert "SCRAM" not in stored
