"""Migrations and grants, on a real PostgreSQL: once each, whole, and nothing for the gateway."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from db.catalog_records import CATALOG
from db.codes import code_list
from db.errors import MigrationRefused, UnsafeLogin
from db.ingest.load import COLUMNS
from db.migrate import DIRECTORY, check_gateway, grant_gateway, migrate, migrations
from tests.database import (
    PASSWORD,
    connected,
    fresh_database,
    migrated_template,
    server,
    with_database,
    with_login,
)

NAMES = tuple(f"{file.number:04d}_{file.name}" for file in migrations())


@pytest.fixture
async def empty() -> AsyncIterator[str]:
    async with fresh_database() as url:
        yield url


@pytest.fixture(scope="module")
async def template() -> AsyncIterator[str]:
    async with migrated_template() as name:
        yield name


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Three small migrations."""
    for number, text in enumerate(
        ("create schema t;", "create table t.a (n int);", "create table t.b (n int);"), 1
    ):
        (tmp_path / f"{number:04d}_step_{number}.sql").write_text(text)
    return tmp_path


async def tables(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch(
        "select tablename from pg_tables where schemaname = 't' order by tablename"
    )
    return [row["tablename"] for row in rows]


async def test_an_empty_database_gets_every_migration_in_order(empty: str) -> None:
    async with connected(empty) as connection:
        assert await migrate(connection) == NAMES
        rows = await connection.fetch("select * from fieldward.migration order by number")
        assert [row["number"] for row in rows] == list(range(1, len(NAMES) + 1))
        assert await connection.fetchval("select count(*) from medicaid.enrollee") == 0


async def test_migrating_twice_changes_nothing(empty: str) -> None:
    async with connected(empty) as connection:
        await migrate(connection)
        before = await connection.fetch("select * from fieldward.migration")
        assert await migrate(connection) == ()
        assert await connection.fetch("select * from fieldward.migration") == before


async def test_two_workers_at_once_apply_each_migration_once(empty: str) -> None:
    async with connected(empty) as one, connected(empty) as other, connected(empty) as third:
        done = await asyncio.gather(migrate(one), migrate(other), migrate(third))
        assert sorted(name for names in done for name in names) == sorted(NAMES)


async def test_a_new_file_is_applied_to_an_older_database(empty: str, files: Path) -> None:
    async with connected(empty) as connection:
        await migrate(connection, files)
        (files / "0004_more.sql").write_text("create table t.c (n int);")
        assert await migrate(connection, files) == ("0004_more",)
        assert await tables(connection) == ["a", "b", "c"]


async def test_a_migration_that_fails_leaves_those_before_it_and_nothing_of_itself(
    empty: str, files: Path
) -> None:
    (files / "0002_step_2.sql").write_text("create table t.a (n int); select 1 / 0;")
    async with connected(empty) as connection:
        with pytest.raises(asyncpg.DivisionByZeroError):
            await migrate(connection, files)
        assert await tables(connection) == []
        (files / "0002_step_2.sql").write_text("create table t.a (n int);")
        assert await migrate(connection, files) == ("0002_step_2", "0003_step_3")


async def test_a_checkout_with_other_line_ends_is_the_same(empty: str, files: Path) -> None:
    (files / "0001_step_1.sql").write_bytes(b"create schema t;\n-- end\n")
    async with connected(empty) as connection:
        await migrate(connection, files)
        (files / "0001_step_1.sql").write_bytes(b"create schema t;\r\n-- end\r\n")
        assert await migrate(connection, files) == ()


async def refused(connection: asyncpg.Connection, files: Path, text: str) -> None:
    before = await tables(connection)
    with pytest.raises(MigrationRefused, match=text) as caught:
        await migrate(connection, files)
    assert caught.value.code == "FW504"
    assert await tables(connection) == before


async def test_an_edited_migration_is_refused(empty: str, files: Path) -> None:
    async with connected(empty) as connection:
        await migrate(connection, files)
        (files / "0004_more.sql").write_text("create table t.c (n int);")
        (files / "0002_step_2.sql").write_text("create table t.a (n bigint);")
        await refused(connection, files, "migration 2 was changed")


async def test_a_renamed_migration_is_refused(empty: str, files: Path) -> None:
    async with connected(empty) as connection:
        await migrate(connection, files)
        (files / "0002_step_2.sql").rename(files / "0002_another.sql")
        await refused(connection, files, "migration 2 was changed")


async def test_a_gap_among_the_files_is_refused(empty: str, files: Path) -> None:
    (files / "0002_step_2.sql").unlink()
    async with connected(empty) as connection:
        await refused(connection, files, "migration 2 is missing")


async def test_a_number_that_two_files_have_is_refused(empty: str, files: Path) -> None:
    (files / "0002_other.sql").write_text("select 1;")
    async with connected(empty) as connection:
        await refused(connection, files, "migration 3 is missing or there twice")


async def test_a_file_with_a_strange_name_is_refused(empty: str, files: Path) -> None:
    (files / "4_more.sql").write_text("select 1;")
    async with connected(empty) as connection:
        await refused(connection, files, "not called like a migration")


async def test_a_gap_in_the_database_is_refused(empty: str, files: Path) -> None:
    async with connected(empty) as connection:
        await migrate(connection, files)
        await connection.execute("delete from fieldward.migration where number = 2")
        await refused(connection, files, "lacks migration 2")


async def test_a_newer_database_is_refused(empty: str, files: Path) -> None:
    async with connected(empty) as connection:
        await migrate(connection, files)
        (files / "0003_step_3.sql").unlink()
        await refused(connection, files, "at migration 3 of 2")


async def test_every_coded_column_admits_the_codes_of_its_list_and_no_other(template: str) -> None:
    async with fresh_database(template) as url, connected(url) as connection:
        rows = await connection.fetch(
            """
            select c.relname, a.attname, pg_get_constraintdef(k.oid) as definition
              from pg_constraint k
              join pg_class c on c.oid = k.conrelid
              join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1]
             where k.contype = 'c' and cardinality(k.conkey) = 1
               and k.connamespace = 'medicaid'::regnamespace
               and pg_get_constraintdef(k.oid) like '%ARRAY[%'
            """
        )
    admitted = {
        (row["relname"], row["attname"]): set(re.findall(r"'([^']+)'::text", row["definition"]))
        for row in rows
    }
    tables = [entity.table for entity in CATALOG.entities.values()]
    tables += [field.hop.target for field in CATALOG.fields.values() if field.hop]
    listed = {
        (table.name, column.name): {code.code for code in column.codes.codes}
        for table in tables
        for column in table.columns.values()
        if column.codes and column.function is None
    }
    assert admitted == listed


async def test_age_groups_are_those_of_their_list(migrated: str) -> None:
    async with connected(migrated) as connection:
        rows = await connection.fetch(
            """
            select distinct medicaid.age_group(year::smallint, date '2026-11-01') as age_group
              from generate_series(1900, 2026) year
            """
        )
    codes = {code.code for code in code_list("age_group").codes}
    assert {row["age_group"] for row in rows} == codes


async def test_a_batch_fills_every_column_but_those_the_database_makes(migrated: str) -> None:
    async with connected(migrated) as connection:
        rows = await connection.fetch(
            """
            select table_name, column_name from information_schema.columns
             where table_schema = 'medicaid' and is_generated = 'NEVER'
            """
        )
    found = {(row["table_name"], row["column_name"]) for row in rows}
    loaded = {(table, column) for table, columns in COLUMNS.items() for column in columns}
    made = {("enrollee", "population"), ("claim", "place")}
    made |= {("medicaid_id", column) for column in ("msis_identification_num", "holders")}
    made.add(("policy_head", "version"))  # a view
    assert found == loaded | made


@dataclass
class Logins:
    """Logins of one test: each name, made with the rights of the owner of its databases."""

    made: list[str]

    async def make(self, owner: asyncpg.Connection) -> str:
        name = f"fieldward_test_{secrets.token_hex(6)}"
        await owner.execute(f"create role {name} login password '{PASSWORD}'")
        self.made.append(name)
        return name


@pytest.fixture
async def logins() -> AsyncIterator[Logins]:
    """Torn down after the databases, with which all that the logins held there goes."""
    found = Logins([])
    yield found
    async with connected(server()) as admin:
        for name in found.made:
            await admin.execute(f"drop role {name}")


@pytest.fixture
async def migrated(logins: Logins, template: str) -> AsyncIterator[str]:
    async with fresh_database(template) as url:
        yield url


@pytest.fixture
async def owner(migrated: str) -> AsyncIterator[asyncpg.Connection]:
    async with connected(migrated) as connection:
        yield connection


@pytest.fixture
async def gateway(
    logins: Logins, migrated: str, owner: asyncpg.Connection
) -> AsyncIterator[asyncpg.Connection]:
    """A connection of a login that was granted what a gateway needs."""
    name = await logins.make(owner)
    await grant_gateway(owner, name)
    async with connected(with_login(migrated, name, PASSWORD)) as connection:
        yield connection


async def test_the_gateway_itself_neither_reads_nor_writes_a_record_table(
    gateway: asyncpg.Connection,
) -> None:
    for table in COLUMNS:
        for statement in (
            "select * from {}",
            "select count(*) from {}",
            "insert into {} default values",
            "delete from {}",
            "truncate {}",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await gateway.execute(statement.format(f"medicaid.{table}"))


CLOSED = [
    "select * from medicaid.medicaid_id",
    "select * from fieldward.migration",
    "update medicaid.enrollee set population = '{}'",
    "select medicaid.zip3('12345')",
    "select * from medicaid.variable_demographics_by_ssn('123456789')",
    "select fieldward.enforce_floor('{}', '{}')",
    "select fieldward.commit_policy(1, '', '', '{}', '{}')",
    "select fieldward.write_version(1, '', '', '{}', '{}', '', '', '', 1)",
    "select fieldward.note_event(1, 'a', 'approved', '')",
    "select fieldward.open_change(1)",
    "update fieldward.policy_change set state = 'approved'",
    "insert into fieldward.policy_event (change, actor, event) values (1, 'a', 'approved')",
    "update fieldward.deployment set approvals = 1",
    "delete from fieldward.worker",
    "select fieldward.population_day()",
    "insert into fieldward.policy_head values (1)",
    "delete from fieldward.standing",
    "select * from medicaid.population_clauses(current_date)",
    "select * from medicaid.population_of('{}')",
    "select medicaid.refresh_population('{}')",
    "select medicaid.count_medicaid_id('{}', 1)",
    "create table medicaid.t (n int)",
    "create function medicaid.f() returns int language sql return 1",
]


async def test_the_gateway_reaches_nothing_else(gateway: asyncpg.Connection) -> None:
    for statement in CLOSED:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await gateway.execute(statement)


async def test_the_gateway_reads_versions_of_the_policy(gateway: asyncpg.Connection) -> None:
    for table in (
        "policy_head", "policy_version", "policy_change", "policy_event", "deployment", "worker",
        "standing", "definition",
    ):  # fmt: skip
        await gateway.fetch(f"select * from fieldward.{table}")  # noqa: S608 - a constant name


@pytest.mark.parametrize(
    ("labels", "substance_use", "sensitive"),
    [
        ([], False, False),
        (["ETH"], True, True),
        (["ETHUD", "HIV"], True, True),
        *(([label], False, True) for label in ("HIV", "PSY", "SDV", "SEX", "STD", "GDIS")),
    ],
)
async def test_what_labels_say_is_stored_beside_them(
    migrated: str, labels: list[str], substance_use: bool, sensitive: bool
) -> None:
    person = "00000000-0000-4000-8000-000000000001"
    async with connected(migrated) as owner:
        await owner.execute(
            "insert into medicaid.enrollee (enrollee_id, submitting_state, msis_identification_num,"
            " eligible_first_name, eligible_last_name, date_of_birth)"
            " values ($1, 'CA', '1', 'A', 'B', '1990-01-01')",
            person,
        )
        row = await owner.fetchrow(
            "insert into medicaid.claim (enrollee_id, claim_id, submitting_state, claim_kind,"
            " icn_orig, beginning_date_of_service, sensitivity_labels)"
            " values ($1, $1, 'CA', 'OT', '1', '2026-01-01', $2)"
            " returning substance_use, sensitive",
            person,
            labels,
        )
    assert tuple(row) == (substance_use, sensitive)


async def test_a_function_made_later_is_not_open_to_everybody(
    gateway: asyncpg.Connection, owner: asyncpg.Connection
) -> None:
    await owner.execute("create function medicaid.later() returns int language sql return 1")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await gateway.fetchval("select medicaid.later()")


async def test_granting_again_takes_back_what_was_too_much(
    logins: Logins, migrated: str, owner: asyncpg.Connection
) -> None:
    name = await logins.make(owner)
    await owner.execute(f"grant usage on schema fieldward, medicaid to {name}")
    await owner.execute(f"grant all on all tables in schema fieldward, medicaid to {name}")
    await owner.execute(f"grant update (population) on medicaid.enrollee to {name}")
    await grant_gateway(owner, name)
    await grant_gateway(owner, name)
    async with connected(with_login(migrated, name, PASSWORD)) as connection:
        await check_gateway(connection)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("select * from fieldward.migration")


async def test_two_workers_at_once_grant_the_same(
    logins: Logins, migrated: str, owner: asyncpg.Connection
) -> None:
    name = await logins.make(owner)
    async with connected(migrated) as other:
        for _ in range(5):
            await asyncio.gather(grant_gateway(owner, name), grant_gateway(other, name))
    async with connected(with_login(migrated, name, PASSWORD)) as connection:
        await check_gateway(connection)


async def test_a_login_with_a_strange_name_is_granted_no_more(
    owner: asyncpg.Connection,
) -> None:
    with pytest.raises(asyncpg.UndefinedObjectError):
        await grant_gateway(owner, "x; grant all on all tables in schema medicaid to public")


async def test_a_gateway_with_its_grants_is_safe(gateway: asyncpg.Connection) -> None:
    await check_gateway(gateway)


async def test_a_login_on_an_empty_database_is_safe(logins: Logins, empty: str) -> None:
    async with connected(empty) as owner:
        name = await logins.make(owner)
    async with connected(with_login(empty, name, PASSWORD)) as connection:
        await check_gateway(connection)


async def test_the_owner_is_no_gateway(owner: asyncpg.Connection) -> None:
    with pytest.raises(UnsafeLogin):
        await check_gateway(owner)


# what is granted → the reason that is found
UNSAFE = {
    "alter role {} superuser": "is a superuser",
    "alter role {} bypassrls": "bypasses row policies",
    "alter role {} createrole": "may create roles",
    "alter role {} createdb": "may create databases",
    "alter role {} replication": "may replicate",
    "grant pg_read_all_data to {}": "is pg_read_all_data",
    "grant pg_execute_server_program to {}": "is pg_execute_server_program",
    "grant create on schema medicaid to {0}; alter table medicaid.phone owner to {0}": "owns phone",
    "grant insert on medicaid.claim to {}": "may write claim",
    "grant select on medicaid.claim to {}": "may read claim",
    "grant select (npi) on medicaid.provider to {}": "may read provider",
    "grant select on medicaid.medicaid_id to public": "may read medicaid_id",
    "grant update (approvals) on fieldward.deployment to {}": "may write deployment",
    "grant insert on fieldward.policy_event to {}": "may write policy_event",
    "grant execute on function fieldward.commit_policy to {}": "may call commit_policy",
    "grant update (zip) on medicaid.home_address to {}": "may write home_address",
    "grant delete on medicaid.medicaid_id to {}": "may write medicaid_id",
    "grant update on medicaid.race to public": "may write race",
    "grant create on schema medicaid to {}": "may create objects",
    "alter schema fieldward owner to {}": "owns the database or a schema",
}


@pytest.mark.parametrize("grant", UNSAFE)
async def test_a_login_that_may_do_more_is_refused(
    grant: str, logins: Logins, migrated: str, owner: asyncpg.Connection
) -> None:
    """Whether it holds the right itself or could become a role that does."""
    name, member, group = [await logins.make(owner) for _ in range(3)]
    await owner.execute(f"grant {group} to {member} with inherit false, set true")
    await grant_gateway(owner, name)
    await grant_gateway(owner, member)
    for login, holder in ((name, name), (member, group)):
        async with connected(with_database(server(), urlsplit(migrated).path[1:])) as admin:
            await admin.execute(f"grant {holder} to current_user with set true")
            try:
                await admin.execute(grant.format(holder))
            except asyncpg.InsufficientPrivilegeError:
                pytest.skip("only a superuser of the test server can make such a login")
        async with connected(with_login(migrated, login, PASSWORD)) as connection:
            with pytest.raises(UnsafeLogin, match=UNSAFE[grant]) as caught:
                await check_gateway(connection)
            assert str(caught.value) != caught.value.public


def test_the_files_of_the_project_are_called_like_migrations() -> None:
    assert [path.name for path in sorted(DIRECTORY.iterdir())] == [f"{name}.sql" for name in NAMES]
