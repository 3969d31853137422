"""Many people from few: generated people copied under new keys, faster than they can be generated.

A copy is a person of its own: another UUID, Medicaid ID, SSN and case number, the same days
and as many claims. Rows stand in the order in which they would have been generated, person by
person. Indexes, keys and checks between tables are taken off for the time and put back by their own
definitions, so PostgreSQL checks every row once more; the population is copied, and then worked out
again by the rule itself. Knows the tables that seeding fills; knows no gateway.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from db.ingest.load import COLUMNS

if TYPE_CHECKING:
    import asyncpg

_DIRECTORY: Final = ("managed_care_plan", "provider")
PEOPLE_TABLES: Final = tuple(name for name in COLUMNS if name not in _DIRECTORY)
"""Tables with rows of people, in an order that foreign keys allow."""

_CHUNK: Final = 20_000
"""People whose population is worked out again in one statement."""


async def multiply(owner: asyncpg.Connection, copies: int) -> float:
    """Makes `copies` people of each that is there, itself among them; returns the seconds taken.

    The caller owns the tables, and nobody else uses them.
    """
    began = time.perf_counter()
    await owner.execute("set session characteristics as transaction isolation level read committed")
    await owner.execute("set maintenance_work_mem = '512MB'")
    async with owner.transaction():
        await _copied(owner, copies)
    await _refreshed(owner)
    await owner.execute("vacuum analyze")
    return time.perf_counter() - began


async def _copied(owner: asyncpg.Connection, copies: int) -> None:
    for table in (*PEOPLE_TABLES, "medicaid_id"):
        await owner.execute(f"alter table medicaid.{table} disable trigger user")
    put_back = await _taken_off(owner)
    for table in PEOPLE_TABLES:
        # The few as they were, while the table grows.
        await owner.execute(f"create temporary table few as table medicaid.{table}")
        columns = [*COLUMNS[table], *(("population",) if table == "enrollee" else ())]
        taken = [_copy_of(column) for column in columns]
        for number in range(1, copies):
            await owner.execute(
                f"insert into medicaid.{table} ({', '.join(columns)}) "
                f"select {', '.join(taken).replace('$n', str(number))} from few"
            )
        await owner.execute("drop table few")
    await owner.execute("delete from medicaid.medicaid_id")
    await owner.execute(
        "insert into medicaid.medicaid_id (msis_identification_num, holders) "
        "select msis_identification_num, count(*) from medicaid.enrollee group by 1"
    )
    for statement in put_back:
        await owner.execute(statement)
    for table in (*PEOPLE_TABLES, "medicaid_id"):
        await owner.execute(f"alter table medicaid.{table} enable trigger user")


def _copy_of(column: str) -> str:
    """What copy `$n` has in a column. Hashed, so that copies of a person lie anywhere."""
    match column:
        case "enrollee_id" | "claim_id":
            return f"md5({column}::text || '/$n')::uuid"
        case "pseudonym":
            return "gen_random_uuid()"
        case "msis_identification_num":
            # An ID that is an SSN stays that person's SSN; of others, those that were one stay one,
            # and no further two become one.
            ssn = f"{column} ~ '^[0-9]{{9}}$'"
            return (
                f"case when {ssn} then {_digits(column, '9', 8)} else {_digits(column, '', 19)} end"
            )
        case "ssn":
            # Begins with 9, as generated ones do: nobody's.
            return _digits(column, "9", 8)
        case "msis_case_num":
            return f"left({column}, 2) || {_digits(column, '', 10)}"
        case _:
            return column


def _digits(column: str, prefix: str, count: int) -> str:
    hashed = f"(hashtextextended({column}, $n) & 9223372036854775807)"
    shortened = f"{hashed} % {10**count}" if count < 19 else hashed
    return f"'{prefix}' || lpad(({shortened})::text, {count}, '0')"


async def _taken_off(owner: asyncpg.Connection) -> list[str]:
    """Drops keys, foreign keys and indexes of the tables of people; returns what makes them again,
    in the order in which that works."""
    tables = [f"medicaid.{table}" for table in PEOPLE_TABLES]
    constraints = await owner.fetch(
        "select conrelid::regclass::text as owner, quote_ident(conname) as name, contype::text, "
        "pg_get_constraintdef(oid) as made from pg_constraint "
        "where conrelid = any ($1::text[]::regclass[]) and contype in ('f', 'p', 'u') "
        "order by contype = 'f' desc, conname",
        tables,
    )
    for found in constraints:
        await owner.execute(f"alter table {found['owner']} drop constraint {found['name']}")
    indexes = await owner.fetch(
        "select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as made "
        "from pg_index where indrelid = any ($1::text[]::regclass[]) order by 1",
        tables,
    )
    for found in indexes:
        await owner.execute(f"drop index {found['name']}")
    return [
        *(
            f"alter table {found['owner']} add constraint {found['name']} {found['made']}"
            for found in sorted(constraints, key=lambda found: str(found["contype"]) == "f")
        ),
        *(found["made"] for found in indexes),
    ]


async def _refreshed(owner: asyncpg.Connection) -> None:
    """Two people may come to one ID by chance: whoever has is out of the population."""
    people = await owner.fetch("select enrollee_id from medicaid.enrollee")
    for start in range(0, len(people), _CHUNK):
        chunk = [row["enrollee_id"] for row in people[start : start + _CHUNK]]
        await owner.execute("select medicaid.refresh_population($1)", chunk)
