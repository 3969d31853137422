"""The stored population against its clauses, on a real PostgreSQL: loaded and edited."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from datetime import date, timedelta
from uuid import UUID

import asyncpg
import pytest

from db.ingest.generate import batches
from tests.database import connected, fresh_database, migrated_template, seeded_template
from tests.people import clauses, count_holders, people_of
from tests.population import (
    DAY,
    DETERMINED,
    FOLK,
    GROUND,
    PERSON,
    SPAN,
    WITH_EDGES,
    A,
    B,
    Editor,
    add,
    agree,
    inside,
    settle,
)

CASES = int(os.environ.get("FIELDWARD_CASES", "0")) // 20 or 4
PEOPLE, SEED = 1_000, 7


@pytest.fixture(scope="module")
async def template() -> AsyncIterator[str]:
    async with migrated_template() as name:
        yield name


@pytest.fixture(scope="module")
async def shared_url(template: str) -> AsyncIterator[str]:
    async with fresh_database(template) as found:
        yield found


@pytest.fixture
async def owner(shared_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection whose work is undone in the end."""
    async with connected(shared_url) as connection:
        undone = connection.transaction()
        await undone.start()
        yield connection
        await undone.rollback()


@pytest.fixture
async def alone(template: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database of its own, for what is committed."""
    async with fresh_database(template) as url, connected(url) as connection:
        yield connection


@pytest.fixture(scope="module")
async def seeded_url() -> AsyncIterator[str]:
    async with seeded_template(PEOPLE, SEED) as name, fresh_database(name) as found:
        yield found


async def test_seeded_people_are_in_the_population_on_the_days_of_the_clauses(
    seeded_url: str,
) -> None:
    async with connected(seeded_url) as connection:
        rows = await connection.fetch(
            """
            select effective_date, end_date from medicaid.immigration_determination
            union
            select effective_date, end_date from medicaid.variable_demographics
             where enrollee_id in (select enrollee_id from medicaid.immigration_determination)
            """
        )
        edges = {day for row in rows for day in row if day is not None}
        days = {edge + timedelta(days=n) for edge in edges for n in (-1, 0, 1)}
        chosen = sorted(random.Random(SEED).sample(sorted(days), min(len(days), 40 * CASES)))
        await agree(connection, chosen)


async def test_the_database_and_python_read_the_rule_alike(seeded_url: str) -> None:
    everybody = people_of(batches(SEED, 0, PEOPLE))
    holders = count_holders(everybody)
    async with connected(seeded_url) as connection:
        for day in (date(2025, 6, 30), date(2026, 11, 1), date(2027, 5, 1), date(2028, 10, 1)):
            stored = await inside(connection, day)
            read = {
                UUID(person.enrollee["enrollee_id"])
                for person in everybody
                if all(clauses(person, day, holders).values())
            }
            assert stored == read
            assert len(stored) >= 10


_DETERMINATION = "update medicaid.immigration_determination set "
_STATUS = "update medicaid.variable_demographics set "
_ANOTHER = """
insert into medicaid.immigration_determination
select enrollee_id, 2, '2026-03-15', '2026-03-15', '{}', determined_by, determined_on, evidence,
       derived
  from medicaid.immigration_determination
"""
_SECOND_SPAN = """
insert into medicaid.variable_demographics (enrollee_id, span_num, effective_date, end_date,
  citizenship_ind, immigration_status, immigration_verification_flag)
values ('00000000-0000-0000-0000-000000000001', 2, '2026-03-15', '2026-03-15', '0', '3', true)
"""
_OLD_SPAN = """
insert into medicaid.variable_demographics (enrollee_id, span_num, effective_date, end_date, ssn)
values ('00000000-0000-0000-0000-000000000001', 2, '2010-01-01', '2010-12-31', 'CA1')
"""

# clause → ways to fail it and nothing else
FAILURES = {
    "determined": [
        "delete from medicaid.immigration_determination",
        _DETERMINATION + "end_date = '2026-03-14'",
        _DETERMINATION + "effective_date = '2026-03-16'",
        _DETERMINATION + "outcome = 'lawfully_present'",
        _DETERMINATION + "outcome = 'undetermined'",
        _ANOTHER.format("lawfully_present"),
        _ANOTHER.format("undetermined"),
    ],
    "one_span": [_SECOND_SPAN],
    "non_citizen": [_STATUS + "citizenship_ind = null"],
    "verified": [
        _STATUS + "immigration_verification_flag = false",
        _STATUS + "immigration_verification_flag = null",
    ],
    "status_open": [
        _STATUS + "immigration_status = '1'",
        _STATUS + "immigration_status = '2'",
        _STATUS + "immigration_status = null",
    ],
    "no_five_year_bar": [
        _STATUS + "immigration_status_five_year_bar_end_date = '2019-01-01'",
        _STATUS + "immigration_status_five_year_bar_end_date = '2030-01-01'",
    ],
    "unshared_id": [
        PERSON.replace("$1", f"'{B}'").replace("$2", "'CA1'"),
    ],
    "id_is_no_ssn": [
        "update medicaid.enrollee set msis_id_ssn_based = true",
        "update medicaid.enrollee set msis_identification_num = '912345678'",
    ],
}


async def failed(connection: asyncpg.Connection, enrollee: UUID) -> list[str]:
    """The clauses that the person fails on DAY."""
    row = await connection.fetchrow(
        "select * from medicaid.population_clauses($1) where enrollee_id = $2", DAY, enrollee
    )
    return [name for name, holds in row.items() if holds is False]


@pytest.mark.parametrize("clause", FAILURES)
async def test_who_fails_this_clause_alone_is_out(clause: str, owner: asyncpg.Connection) -> None:
    await add(owner, A, "CA1")
    for edit in FAILURES[clause]:
        assert await inside(owner, DAY) == {A}
        assert await failed(owner, A) == []
        undo = owner.transaction()
        await undo.start()
        await owner.execute(edit)
        assert await failed(owner, A) == [clause], edit
        assert await inside(owner, DAY) == set(), edit
        await undo.rollback()


async def test_every_clause_has_a_failure(owner: asyncpg.Connection) -> None:
    await add(owner, A, "CA1")
    row = await owner.fetchrow("select * from medicaid.population_clauses($1)", DAY)
    assert set(row.keys()) - {"enrollee_id"} == set(FAILURES)


async def test_who_has_no_span_on_the_day_is_out(owner: asyncpg.Connection) -> None:
    await add(owner, A, "CA1")
    await owner.execute("update medicaid.variable_demographics set end_date = '2026-03-14'")
    assert await inside(owner, DAY) == set()
    assert await inside(owner, DAY - timedelta(days=1)) == {A}


async def test_an_ssn_of_long_ago_that_is_the_id_counts(owner: asyncpg.Connection) -> None:
    await add(owner, A, "912345679")
    await owner.execute(_OLD_SPAN.replace("CA1", "912345679"))
    assert await failed(owner, A) == ["id_is_no_ssn"]
    assert await inside(owner, DAY) == set()


async def test_who_no_longer_shares_an_id_is_in_again(owner: asyncpg.Connection) -> None:
    await add(owner, A, "CA1")
    await add(owner, B, "CA1")
    assert await inside(owner, DAY) == set()
    await owner.execute(
        "update medicaid.enrollee set msis_identification_num = 'CA2' where enrollee_id = $1", B
    )
    assert await inside(owner, DAY) == {A, B}


@pytest.mark.parametrize("table", ["variable_demographics", "immigration_determination"])
async def test_a_row_that_is_moved_counts_for_its_new_person_alone(
    table: str, owner: asyncpg.Connection
) -> None:
    await add(owner, A, "CA1")
    await add(owner, B, "CA2")
    await owner.execute(f"delete from medicaid.{table} where enrollee_id = $1", B)  # noqa: S608 - constant names
    assert await inside(owner, DAY) == {A}
    await owner.execute(f"update medicaid.{table} set enrollee_id = $1", B)  # noqa: S608 - constant names
    assert await inside(owner, DAY) == {B}


async def test_a_person_with_a_new_key_holds_the_same_id(owner: asyncpg.Connection) -> None:
    await add(owner, A, "CA1")
    await owner.execute(PERSON, B, "CA2")
    await owner.execute(
        "update medicaid.enrollee set enrollee_id = $2 where enrollee_id = $1", B, UUID(int=3)
    )
    await agree(owner, [DAY])
    await owner.execute("update medicaid.enrollee set msis_identification_num = 'CA1'")
    await agree(owner, [DAY])
    assert await inside(owner, DAY) == set()


@pytest.mark.parametrize(
    "population", ["{}", "{(,)}", "{[2026-03-15,2026-03-16)}", "{[1900-01-01,2100-01-01)}"]
)
async def test_an_edit_of_the_population_itself_is_undone(
    population: str, owner: asyncpg.Connection
) -> None:
    await add(owner, A, "CA1")
    await owner.execute(PERSON, B, "CA2")
    stored = "select enrollee_id, population::text from medicaid.enrollee order by enrollee_id"
    before = await owner.fetch(stored)
    await owner.execute(
        "update medicaid.enrollee set population = $1::text::datemultirange", population
    )
    assert await owner.fetch(stored) == before


async def test_a_population_given_on_insert_is_not_believed(owner: asyncpg.Connection) -> None:
    await owner.execute(
        PERSON.replace("date_of_birth)", "date_of_birth, population)").replace(
            "'1990-01-01')", "'1990-01-01', '{(,)}')"
        ),
        A,
        "CA1",
    )
    assert await inside(owner, DAY) == set()


@pytest.mark.parametrize(
    "table", ["enrollee", "variable_demographics", "immigration_determination", "medicaid_id"]
)
async def test_truncate_is_refused(table: str, owner: asyncpg.Connection) -> None:
    await add(owner, A, "CA1")
    with pytest.raises(asyncpg.RaiseError):
        async with owner.transaction():
            await owner.execute(f"truncate medicaid.{table} cascade")
    assert await inside(owner, DAY) == {A}


@pytest.mark.parametrize(
    "edit",
    [
        "update medicaid.medicaid_id set holders = 1",
        "delete from medicaid.medicaid_id",
        "insert into medicaid.medicaid_id values ('CA2', 1)",
        "select medicaid.count_medicaid_id(array['CA1'], -1)",
    ],
)
async def test_the_count_of_holders_is_nobodys_to_edit(
    edit: str, owner: asyncpg.Connection
) -> None:
    with pytest.raises(asyncpg.RaiseError):
        await owner.execute(edit)


@pytest.mark.parametrize("level", ["repeatable_read", "serializable"])
async def test_records_are_written_under_read_committed_alone(
    level: str, alone: asyncpg.Connection
) -> None:
    await add(alone, A, "CA1")
    for statement, arguments in ((SPAN, (A, 2)), (DETERMINED, (A, 2, "undetermined"))):
        with pytest.raises(asyncpg.RaiseError):
            async with alone.transaction(isolation=level):
                await alone.execute(statement, *arguments)
    with pytest.raises(asyncpg.RaiseError):
        async with alone.transaction(isolation=level):
            await alone.execute(PERSON, B, "CA1")


@pytest.mark.parametrize("case", range(CASES))
async def test_the_population_is_true_after_every_edit(
    case: int, alone: asyncpg.Connection
) -> None:
    editor = Editor(random.Random(case))
    await settle(alone)
    members = 0
    for _ in range(50):
        async with alone.transaction():
            undone = alone.transaction()
            await undone.start()
            for _ in range(editor.chance.randint(0, 2)):
                text, arguments = editor.statement()
                await alone.execute(text, *arguments)
            await undone.rollback()
            for _ in range(editor.chance.randint(1, 3)):
                text, arguments = editor.statement()
                await alone.execute(text, *arguments)
        await agree(alone, WITH_EDGES)
        for day in GROUND[::4]:
            members += len(await inside(alone, day))
    assert members > 50


async def test_the_population_is_true_after_copy(owner: asyncpg.Connection) -> None:
    for person in FOLK:
        await owner.execute(PERSON, person, f"CA{person.int}")
    status = [(p, 1, GROUND[0], None, "0", "3", True) for p in FOLK]
    found = [(p, 1, GROUND[3], GROUND[9], "unlawfully_present", "t", GROUND[0], "t") for p in FOLK]
    await owner.copy_records_to_table(
        "immigration_determination",
        schema_name="medicaid",
        columns=["enrollee_id", "span_num", "effective_date", "end_date", "outcome",
                 "determined_by", "determined_on", "evidence"],
        records=found,
    )  # fmt: skip
    await owner.copy_records_to_table(
        "variable_demographics",
        schema_name="medicaid",
        columns=["enrollee_id", "span_num", "effective_date", "end_date", "citizenship_ind",
                 "immigration_status", "immigration_verification_flag"],
        records=status,
    )  # fmt: skip
    assert await inside(owner, GROUND[9]) == set(FOLK)
    await owner.copy_records_to_table(
        "enrollee",
        schema_name="medicaid",
        columns=["enrollee_id", "submitting_state", "msis_identification_num",
                 "eligible_first_name", "eligible_last_name", "date_of_birth"],
        records=[(UUID(int=99), "CA", "CA1", "Ana", "Doe", date(1990, 1, 1))],
    )  # fmt: skip
    assert await inside(owner, GROUND[9]) == set(FOLK[1:])
    await agree(owner, WITH_EDGES)
