"""With everything above bypassed, PostgreSQL still refuses: raw SQL, logged in as each role.

Columns come from the database itself, those that no coordinate names included. What a role may have
is said twice: by the floor, and by the access matrix that was written by hand.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import pytest

from api.planner import plan_operation
from authz.order import Change, Status
from authz.packaged import load_seed
from db.catalog_records import CATALOG
from db.errors import FieldwardError
from db.execute import Inputs, bind
from db.floor import Floor
from db.floor_login import CAPPED, OPEN, floor_role
from db.guard import HEAD, VERSION
from db.sql.render import render
from tests.database import connected, floored, fresh_database, login_url
from tests.oracle.documents import DOCUMENTS
from tests.properties.access_matrix import cells
from tests.roles import asked, decisions, values_of

ROLES = sorted(load_seed(CATALOG)[0].roles)
THE_CAPPED = "immigration_enforcement"
REFUSED = asyncpg.InsufficientPrivilegeError
KEYS = {"enrollee_id", "claim_id", "place", "diagnosis_num", "line_num", "span_num", "provider_id"}
STRUCTURAL = KEYS | {"effective_date", "end_date", "population", "ssn_known", "substance_use",
                     "sensitive", "managed_care_plan_id", "state_plan_id_num", "npi",
                     "billing_prov_npi_num", "plan_id_number"}  # fmt: skip
"""Keys, days of spans, what scopes read of a claim, and what relations to directories join by."""


@dataclass
class Floored:
    """A floored database: its owner's URL, its floor, every column of every record table."""

    owner_url: str
    floor: Floor
    tables: dict[str, tuple[str, ...]]

    def denied(self, role: str) -> list[tuple[str, str]]:
        """What a role has no privilege on, if the floor holds."""
        granted = self.floor.roles[role].columns
        return [
            (t, c) for t, columns in self.tables.items() for c in columns if (t, c) not in granted
        ]

    def login(self, role: str) -> str:
        """The name of a role's login."""
        return floor_role(urlsplit(self.owner_url).path[1:], role)


@pytest.fixture(scope="module")
async def database(seeded: str) -> AsyncIterator[Floored]:
    """Seeded records under the floor of the seed policy."""
    async with fresh_database(seeded) as url:
        floor = await floored(url)
        async with connected(url) as owner:
            rows = await owner.fetch(
                "select table_name, array_agg(column_name::text) as columns"
                " from information_schema.columns where table_schema = 'medicaid' group by 1"
            )
        yield Floored(url, floor, {row["table_name"]: tuple(row["columns"]) for row in rows})


@pytest.fixture(params=ROLES)
async def role(request: pytest.FixtureRequest) -> str:
    """Each role."""
    name: str = request.param
    return name


@pytest.fixture
async def session(database: Floored, role: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that is really logged in as the role."""
    async with connected(login_url(database.owner_url, role)) as connection:
        yield connection


async def refuses(connection: asyncpg.Connection, statement: str) -> bool:
    """Whether PostgreSQL refuses a statement for want of a privilege, and for nothing else."""
    try:
        if statement.startswith("copy "):
            await connection.copy_from_query(statement[len("copy ") :], output=BytesIO())
        else:
            await connection.execute(statement)
    except REFUSED:
        return True
    return False


POSITIONS = (
    "select {c} from {t}",
    "select distinct on ({c}) 1 from {t}",
    "select 1 from {t} where {c} is null",
    "select 1 from {t} order by {c}",
    "select count(*) from {t} group by {c}",
    "select 1 from {t} having count({c}) > 1",
    "select max({c}::text) from {t}",
    "select count({c}) over () from {t}",
    "select pg_catalog.length({c}::text) from {t}",
    "select (select {c} from {t} limit 1)",
    "select 1 where exists (select from {t} where {c} is not null)",
    "with x as (select {c} as v from {t}) select v from x",
    "select 1 from {t} a join {t} b using ({c})",
    "copy select {c} from {t}",
    "explain (analyze) select {c} from {t}",
    "explain select 1 from {t} where {c} is not null",
    "delete from {t} returning {c}",
    "select {c} from {t} limit 0",
    "do $$ begin perform {c} from {t}; end $$",
    "declare k cursor with hold for select {c} from {t}",
)

WHOLE_ROWS = (
    "select * from {t}",
    "select x from {t} x",
    "select x.* from {t} x",
    "select row_to_json(x) from {t} x",
    "select x::text from {t} x",
    "select 1 from {t} x where x is null",
    "select md5(x::text) from {t} x",
    "table {t}",
    "copy select * from {t}",
    "select json_agg(x) from {t} x",
    "select 1 from {t} a join {t} b on a = b",
)


async def test_every_denied_column_is_refused_in_every_position(
    database: Floored, session: asyncpg.Connection, role: str
) -> None:
    denied = database.denied(role)
    assert len(denied) > 20
    answered = [
        statement
        for table, column in denied
        for position in POSITIONS
        for statement in [position.format(t=f"medicaid.{table}", c=f'"{column}"')]
        if not await refuses(session, statement)
    ]
    assert answered == []


async def test_no_row_is_had_whole_where_a_column_of_it_is_denied(
    database: Floored, session: asyncpg.Connection, role: str
) -> None:
    tables = {table for table, _ in database.denied(role)}
    # Whatever is about a person has a column that nobody is granted: what an importer made up.
    assert set(database.tables) - tables <= {"managed_care_plan", "provider", HEAD}
    for table in sorted(tables):
        for form in WHOLE_ROWS:
            assert await refuses(session, form.format(t=f"medicaid.{table}")), (table, form)
        copied = session.copy_from_table(table, schema_name="medicaid", output=BytesIO())
        with pytest.raises(REFUSED):
            await copied


async def test_every_granted_column_is_answered(
    database: Floored, session: asyncpg.Connection, role: str
) -> None:
    """So that what is refused above is refused for its column, and not for some other reason."""
    for table, column in database.floor.roles[role].columns:
        await session.execute(ONE.format(column, table))


WRITES = (
    "insert into {t} default values",
    "insert into {t} ({k}) select {k} from {t}",
    "insert into {t} default values on conflict do nothing",
    "update {t} set {k} = {k}",
    "update {t} set {k} = {k} where false",
    "delete from {t}",
    "delete from {t} where false",
    "truncate {t}",
    "merge into {t} a using (select 1) b on true when matched then delete",
    "do $$ begin lock table {t} in access share mode; end $$",
    "alter table {t} disable row level security",
    "alter table {t} disable trigger all",
    "drop table {t}",
    "create policy mine on {t} using (true)",
    "create index on {t} ({k})",
    "create trigger mine before insert on {t} execute function medicaid.refuse_edit()",
    "comment on table {t} is ''",
)
VIEW_WRITES = (
    "insert into {t} ({k}) values (1)",
    "insert into {t} default values",
    "insert into {t} ({k}) select {k} from {t}",
    "update {t} set {k} = {k}",
    "update {t} set {k} = {k} where false",
    "delete from {t}",
    "merge into {t} a using (select 1) b on true when matched then delete",
    "alter view {t} set (security_invoker = true)",
    "drop view {t}",
    "create or replace view {t} as select 1::bigint as {k}",
    "create rule mine as on select to {t} do instead select 1::bigint as {k}",
    "create trigger mine instead of insert on {t} execute function medicaid.refuse_edit()",
    "comment on view {t} is ''",
)
HELD = "select relacl::text || reltuples from pg_class where oid = $1::text::regclass"


async def test_nobody_writes_changes_or_hands_on_a_record_table(
    database: Floored, session: asyncpg.Connection
) -> None:
    for table in database.tables:
        key = {"provider": "provider_id", "managed_care_plan": "plan_name",
               "medicaid_id": "holders", HEAD: VERSION}.get(table, "enrollee_id")  # fmt: skip
        for write in VIEW_WRITES if table == HEAD else WRITES:
            assert await refuses(session, write.format(t=f"medicaid.{table}", k=key)), (
                table,
                write,
            )
        before = await session.fetchval(HELD, f"medicaid.{table}")
        # PostgreSQL warns where it refuses these, or fails.
        await session.execute(f"analyze medicaid.{table}")
        with contextlib.suppress(REFUSED):
            await session.execute(f"grant select on medicaid.{table} to public")
        assert await session.fetchval(HELD, f"medicaid.{table}") == before


async def test_a_key_that_is_there_and_one_that_is_not_are_refused_alike(
    database: Floored, session: asyncpg.Connection
) -> None:
    """A duplicate of a hidden key is no oracle."""
    async with connected(database.owner_url) as owner:
        taken = await owner.fetchval("select enrollee_id from medicaid.enrollee limit 1")
        ssn_holder = await owner.fetchval("select msis_identification_num from medicaid.enrollee")
    insert = (
        "insert into medicaid.enrollee (enrollee_id, submitting_state, msis_identification_num,"
        " eligible_first_name, eligible_last_name, date_of_birth)"
        " values ($1, 'CA', $2, 'A', 'B', '1990-01-01')"
    )
    said = set()
    for key in (taken, uuid4()):
        for number in (ssn_holder, "none"):
            for ending in ("", " on conflict do nothing", " on conflict (enrollee_id) do nothing"):
                with pytest.raises(REFUSED) as caught:
                    await session.execute(insert + ending, key, number)
                said.add(str(caught.value))
    assert len(said) == 1


async def test_no_role_becomes_another(
    database: Floored, session: asyncpg.Connection, role: str
) -> None:
    async with connected(database.owner_url) as owner:
        # Those of other databases come and go, where several workers run tests.
        rows = await owner.fetch(
            """
            select rolname from pg_roles
             where starts_with(rolname, current_database() || ':') or rolname ~ '^pg_' or rolsuper
                or rolname = current_user
            """
        )
    assert len(rows) > len(ROLES) + 10
    for name in (row["rolname"] for row in rows):
        if name == database.login(role):
            continue
        for statement in (
            f'set role "{name}"',
            f'set session authorization "{name}"',
            f'set local role "{name}"',
        ):
            assert await refuses(session, statement), statement
        with pytest.raises(REFUSED):
            await session.execute("select set_config('role', $1, false)", name)
        for statement in (f'grant "{name}" to current_user', f'alter role "{name}" password null'):
            with pytest.raises(
                (REFUSED, asyncpg.ReservedNameError, asyncpg.FeatureNotSupportedError)
            ):
                await session.execute(statement)
    user = await session.fetchrow("select current_user::text, session_user::text")
    assert set(user) == {database.login(role)}


CREATES = (
    "create table medicaid.t ()",
    "create table public.t ()",
    "create table fieldward.t ()",
    "create temporary table t ()",
    "create temporary view v as select 1",
    "create schema s",
    "create view public.v as select 1",
    "create materialized view public.v as select 1",
    "create function public.f() returns int language sql return 1",
    "create function pg_temp.f() returns int language sql return 1",
    "create sequence public.s",
    "create type public.t as (n int)",
    "create domain public.d as int",
    "create operator public.=== (function = pg_catalog.int4eq, leftarg = int, rightarg = int)",
    "create extension hstore",
    "create role r",
    "create database d",
    "create publication p for all tables",
    "create event trigger e on ddl_command_start execute function medicaid.refuse_edit()",
    "create foreign data wrapper w",
    "select * into temporary t from pg_class",
    "do $$ begin execute 'create temporary table t ()'; end $$",
)
ELSEWHERE = (
    "drop policy open on medicaid.claim",
    "alter policy capped on medicaid.enrollee using (true)",
    "select * from fieldward.policy_version",
    "select * from fieldward.policy_head",
    "select * from fieldward.standing",
    "insert into fieldward.standing values (null, null)",
    "select fieldward.commit_policy(1, '', '', '{}', '{}')",
    "select fieldward.commit_change(1, '', '{}', '{}')",
    "select fieldward.approve_change(1, 'a', '')",
    "select fieldward.acknowledge_worker(gen_random_uuid(), 'a', 1, now())",
    "select * from fieldward.policy_change",
    "select * from fieldward.worker",
    "update fieldward.deployment set approvals = 1",
    "select fieldward.enforce_floor('{}', '{}')",
    "select fieldward.population_day()",
    "select * from medicaid.population_clauses(current_date)",
    "select medicaid.refresh_population('{}')",
    "select medicaid.zip3('12345')",
    "select pg_read_file('postgresql.conf')",
    "select pg_ls_dir('.')",
    "select * from pg_authid",
    "select stavalues1 from pg_statistic",
    "copy (select 1) to program 'true'",
    "alter system set jit = off",
    "set session_replication_role = replica",
    "select lo_import('/etc/passwd')",
    "select pg_reload_conf()",
)


async def test_nothing_is_created(session: asyncpg.Connection) -> None:
    created = [statement for statement in CREATES if not await refuses(session, statement)]
    assert created == []


async def test_nothing_else_is_reached(session: asyncpg.Connection) -> None:
    reached = []
    for statement in ELSEWHERE:
        try:
            await session.execute(statement)
        except REFUSED:
            continue
        reached.append(statement)
    assert reached == []


async def test_what_the_planner_knows_of_a_denied_column_is_not_shown(
    database: Floored, session: asyncpg.Connection, role: str
) -> None:
    rows = await session.fetch(
        "select tablename, attname from pg_stats where schemaname = 'medicaid'"
    )
    assert not {(row["tablename"], row["attname"]) for row in rows} & set(database.denied(role))


async def test_what_a_role_may_ask_for_its_login_answers(
    session: asyncpg.Connection, role: str
) -> None:
    ran = 0
    for name, (query, variables) in DOCUMENTS.items():
        try:
            operation, given = asked(query, variables)
            planned = plan_operation(operation, decisions(role), given)
            values = values_of(planned, given)
        except FieldwardError:
            continue
        if planned.plan.roots:
            statement = render(planned.plan)
            inputs = Inputs(values, {}, datetime.now(UTC).date(), "mark", 1)
            ran += 1
            try:
                await session.fetchrow(statement.text, *bind(statement, inputs))
            except REFUSED as error:
                raise AssertionError(f"{name}: {error}") from None
    assert ran > 5 or not decisions(role).row_scopes


# The access matrix


def opened(role: str) -> set[tuple[str, str]]:
    """The columns behind the coordinates that the access matrix opens to a role, for more than a
    look-up by value where there is a function for that."""
    found = set()
    for (who, coordinate), given in cells().items():
        if who == role and coordinate in CATALOG.fields:
            column = CATALOG.fields[coordinate].column
            if column.lookup and {a for cell in given for a in cell.actions} == {"filter:eq"}:
                continue
            field = CATALOG.fields[coordinate]
            table = field.hop.target if field.hop else CATALOG.entities[field.entity].table
            found.add((table.name, field.column.name))
    return found


def scoped(role: str) -> set[str]:
    """The words of the conditions under which the access matrix opens anything to a role."""
    texts = {
        text for (who, _), found in cells().items() if who == role
        for cell in found for text in cell.conditions
    }  # fmt: skip
    return {word for text in texts for word in re.findall(r"[a-z_0-9]+", text)}


async def test_what_is_granted_is_what_the_access_matrix_opens(
    database: Floored, session: asyncpg.Connection, role: str
) -> None:
    rows = await session.fetch(
        """
        select c.relname, a.attname
          from pg_attribute a join pg_class c on c.oid = a.attrelid
         where c.relnamespace = 'medicaid'::regnamespace and c.relkind in ('r', 'v')
           and a.attnum > 0 and has_column_privilege(a.attrelid, a.attnum, 'select')
        """
    )
    granted = {(row["relname"], row["attname"]) for row in rows}
    assert granted == set(database.floor.roles[role].columns)
    beyond = {
        (table, column)
        for table, column in granted - opened(role) - {(HEAD, VERSION)}
        if column not in STRUCTURAL and column not in scoped(role)
    }
    assert beyond == set()
    # All that it opens is granted.
    assert opened(role) - granted == set()


# The capped role


@pytest.fixture
async def capped(database: Floored) -> AsyncIterator[asyncpg.Connection]:
    """A connection that is logged in as the capped role."""
    async with connected(login_url(database.owner_url, THE_CAPPED)) as connection:
        yield connection


async def population(database: Floored, day: date) -> set[UUID]:
    """The people on whom every clause of the population rule holds, clause by clause."""
    async with connected(database.owner_url) as owner:
        rows = await owner.fetch(
            """
            select enrollee_id from medicaid.population_clauses($1)
             where determined and one_span and non_citizen and verified and status_open
               and no_five_year_bar and unshared_id and id_is_no_ssn
            """,
            day,
        )
    return {row["enrollee_id"] for row in rows}


TABLES_OF_THE_CAPPED = ("enrollee", "home_address", "phone", "variable_demographics")
ONE = 'select "{}" from medicaid.{} limit 1'
PEOPLE = "select enrollee_id from medicaid.{}"
COUNT = "select count(enrollee_id) from medicaid.{}"
ATTEMPTS = (
    "select",
    "set timezone = 'Pacific/Kiritimati'",
    "set timezone = 'Etc/GMT+12'",
    "set search_path = pg_temp, medicaid, public",
    "set datestyle = 'German'",
    "set row_security = on",
    "set default_transaction_isolation = 'serializable'",
    "set enable_seqscan = off",
    "set enable_indexscan = off; set enable_bitmapscan = off; set enable_indexonlyscan = off",
    "set plan_cache_mode = force_generic_plan",
    "set transform_null_equals = on",
    "set role none",
    "reset all",
)


async def test_the_capped_role_sees_the_population_of_the_day_and_nobody_else(
    database: Floored, capped: asyncpg.Connection
) -> None:
    people = await population(database, datetime.now(UTC).date())
    assert len(people) > 10
    for attempt in ATTEMPTS:
        await capped.execute(attempt)
        for table in TABLES_OF_THE_CAPPED:
            rows = await capped.fetch(PEOPLE.format(table))
            seen = {row["enrollee_id"] for row in rows}
            assert seen <= people, (attempt, table)
            assert table == "phone" or seen == people, (attempt, table)


FORMS = (
    "select b.enrollee_id from medicaid.phone a full join medicaid.enrollee b using (enrollee_id)",
    "select a.enrollee_id from medicaid.home_address a"
    " where not exists (select from medicaid.enrollee b where b.enrollee_id = a.enrollee_id)",
    "select a.enrollee_id from medicaid.phone a, lateral (select from medicaid.enrollee b"
    " where b.enrollee_id <> a.enrollee_id or true limit 1) x",
    "select enrollee_id from medicaid.enrollee where population = '{}' or true",
    "select enrollee_id from medicaid.variable_demographics union all"
    " select enrollee_id from medicaid.phone",
    "with recursive w as (select enrollee_id from medicaid.enrollee union"
    " select a.enrollee_id from medicaid.home_address a, w) select enrollee_id from w",
    "select enrollee_id from medicaid.enrollee tablesample bernoulli (100)",
    "select e.enrollee_id from medicaid.enrollee e right join medicaid.variable_demographics v"
    " on true where v.enrollee_id <> e.enrollee_id limit 10000",
)


async def test_no_form_of_a_query_shows_the_capped_role_another_row(
    database: Floored, capped: asyncpg.Connection
) -> None:
    people = await population(database, datetime.now(UTC).date())
    for form in FORMS:
        rows = await capped.fetch(form)
        assert {row["enrollee_id"] for row in rows} <= people, form
    assert await capped.fetchval("select count(enrollee_id) from medicaid.enrollee") == len(people)


async def test_row_security_that_is_switched_off_shows_an_error_and_no_row(
    capped: asyncpg.Connection,
) -> None:
    await capped.execute("set row_security = off")
    for table in TABLES_OF_THE_CAPPED:
        assert await refuses(capped, PEOPLE.format(table))


async def test_an_error_is_no_oracle_of_a_hidden_row(
    database: Floored, capped: asyncpg.Connection
) -> None:
    """What could fail on a row is asked after the row policy."""
    people = await population(database, datetime.now(UTC).date())
    async with connected(database.owner_url) as owner:
        hidden = await owner.fetchrow(
            "select enrollee_id, msis_identification_num as number from medicaid.enrollee"
            " where population = '{}' limit 1"
        )
        shown = await owner.fetchval(
            "select msis_identification_num from medicaid.enrollee where enrollee_id = $1",
            next(iter(people)),
        )
    failing = (
        "select enrollee_id from medicaid.enrollee"
        " where 1 / (case when msis_identification_num = $1 then 0 else 1 end) = 1"
    )
    await capped.fetch(failing, hidden["number"])
    with pytest.raises(asyncpg.DivisionByZeroError):
        await capped.fetch(failing, shown)


async def test_once_no_order_stands_the_capped_role_sees_nobody(seeded: str) -> None:
    policy, orders = load_seed(CATALOG)
    async with fresh_database(seeded) as url:
        await floored(url, policy, orders)
        async with connected(login_url(url, THE_CAPPED)) as capped, connected(url) as owner:
            assert await capped.fetchval(COUNT.format("phone")) > 0
            # Kept open, as if to go on reading under an order that ends meanwhile.
            await capped.execute("begin")
            await owner.execute("update fieldward.standing set ends = statement_timestamp()")
            for table in TABLES_OF_THE_CAPPED:
                assert await capped.fetchval(COUNT.format(table)) == 0


async def test_an_order_about_another_role_shows_nobody_to_one_whose_order_is_paused(
    seeded: str,
) -> None:
    policy, (order,) = load_seed(CATALOG)
    people = "select count(enrollee_id) from medicaid.enrollee"
    other = replace(order, name="another", role="front_desk")
    since = order.history[0].at
    paused = (Change(since, Status.IN_FORCE), Change(since + timedelta(days=1), Status.PAUSED))
    # who has an order in force → who sees the population
    async with fresh_database(seeded) as url:
        for orders, seeing in (
            ((order, replace(other, history=paused)), {THE_CAPPED}),
            ((replace(order, history=paused), other), {"front_desk"}),
        ):
            await floored(url, policy, orders)
            seen = set()
            for role in (THE_CAPPED, "front_desk"):
                async with connected(login_url(url, role)) as session:
                    # A worker that PostgreSQL starts for a statement has its login.
                    for parallel in ("off", "on"):
                        await session.execute(f"set debug_parallel_query = {parallel}")
                        if await session.fetchval(people):
                            seen.add(role)
            assert seen == seeing


async def test_a_login_without_a_group_sees_no_row(database: Floored) -> None:
    """Nobody is let through because nobody thought of them."""
    name = floor_role(urlsplit(database.owner_url).path[1:], "stranger")
    async with connected(database.owner_url) as owner:
        await owner.execute(f"create role \"{name}\" login password 'fieldward-test'")
        await owner.execute(f'grant usage on schema medicaid to "{name}"')
        await owner.execute(f'grant select on all tables in schema medicaid to "{name}"')
        url = login_url(database.owner_url, "stranger").replace(
            login_url(database.owner_url, "stranger").split("@")[0].rpartition(":")[2],
            "fieldward-test",
        )
        try:
            async with connected(url) as stranger:
                for table in TABLES_OF_THE_CAPPED:
                    assert await stranger.fetchval(COUNT.format(table)) == 0
        finally:
            await owner.execute(
                f'revoke all on all tables in schema medicaid from "{name}";'
                f'revoke all on schema medicaid from "{name}"; drop role "{name}"'
            )


async def test_the_groups_do_not_log_in(database: Floored) -> None:
    async with connected(database.owner_url) as owner:
        for group in (OPEN, CAPPED):
            name = floor_role(urlsplit(database.owner_url).path[1:], group)
            assert not await owner.fetchval(
                "select rolcanlogin from pg_roles where rolname=$1", name
            )
