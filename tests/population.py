"""A small ground for the population: people to edit, edits by chance, and the check after them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import asyncpg

DAY = date(2026, 3, 15)

# Text and arguments of a statement.
Statement = tuple[str, tuple[object, ...]]

# Days and people on which the stored set and the clauses disagree.
DISAGREE = """
select d.day, c.enrollee_id, e.population::text
  from unnest($1::date[]) d (day)
  cross join lateral medicaid.population_clauses(d.day) c
  join medicaid.enrollee e using (enrollee_id)
 where (e.population @> d.day) is distinct from (
         c.determined and c.one_span and c.non_citizen and c.verified and c.status_open
         and c.no_five_year_bar and c.unshared_id and c.id_is_no_ssn)
"""
HOLDERS = """
select msis_identification_num, holders from medicaid.medicaid_id where holders > 0
except
select msis_identification_num, count(*) from medicaid.enrollee group by 1
"""


# A person who is in the population on DAY, and whom nothing else touches.
A, B = UUID(int=1), UUID(int=2)
PERSON = """
insert into medicaid.enrollee (enrollee_id, submitting_state, msis_identification_num,
  eligible_first_name, eligible_last_name, date_of_birth)
values ($1, 'CA', $2, 'Ana', 'Doe', '1990-01-01')
"""
SPAN = """
insert into medicaid.variable_demographics (enrollee_id, span_num, effective_date, end_date, ssn,
  citizenship_ind, immigration_status, immigration_verification_flag)
values ($1, $2, '2020-01-01', null, '912345678', '0', '3', true)
"""
DETERMINED = """
insert into medicaid.immigration_determination (enrollee_id, span_num, effective_date, end_date,
  outcome, determined_by, determined_on, evidence)
values ($1, $2, '2025-01-01', '2027-12-31', $3, 'test', '2025-01-01', 'test')
"""


async def add(connection: asyncpg.Connection, enrollee: UUID, medicaid_id: str) -> None:
    await connection.execute(PERSON, enrollee, medicaid_id)
    await connection.execute(SPAN, enrollee, 1)
    await connection.execute(DETERMINED, enrollee, 1, "unlawfully_present")


async def agree(connection: asyncpg.Connection, days: list[date]) -> None:
    assert await connection.fetch(DISAGREE, days) == []
    assert await connection.fetch(HOLDERS) == []


async def inside(connection: asyncpg.Connection, day: date) -> set[UUID]:
    rows = await connection.fetch(
        "select enrollee_id from medicaid.enrollee where population @> $1::date", day
    )
    return {row["enrollee_id"] for row in rows}


# Random edits on a small ground, so that spans, days and IDs meet often.
GROUND = [date(2026, 1, 1) + timedelta(days=n) for n in range(24)]
WITH_EDGES = [GROUND[0] - timedelta(days=1), *GROUND, GROUND[-1] + timedelta(days=1)]
IDS = ["CA1", "CA2", "CA3", "CA4", "CA5", "CA6", "CA7", "CA8", "912345678", "912345679"]
FOLK = [UUID(int=n) for n in range(1, 6)]
STATUSES: list[tuple[str | None, str | None]] = [("0", "3")] * 12
STATUSES += [("0", "1"), ("0", "2"), ("0", None), ("1", "8")]
STATUSES += [(None, None), (None, "3")]
OUTCOMES = ["unlawfully_present"] * 8 + ["lawfully_present", "undetermined"]


class Editor:
    """Statements drawn by chance."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def statement(self) -> Statement:
        kinds: list[Callable[[], Statement]] = [
            *[self.person] * 3,
            *[self.status] * 8,
            *[self.determination] * 8,
            *[self.medicaid_id] * 3,
            self.change_status,
            self.change_outcome,
            self.move,
            self.rename,
            self.mark,
            self.store,
            self.remove_status,
            self.remove_determination,
            self.remove_person,
            self.swap_ids,
        ]
        return self.chance.choice(kinds)()

    def who(self) -> UUID:
        return self.chance.choice(FOLK)

    def days(self) -> tuple[date, date]:
        one, other = sorted(self.chance.choices(GROUND, k=2))
        return one, other

    def person(self) -> Statement:
        return PERSON + " on conflict do nothing", (self.who(), self.chance.choice(IDS))

    def status(self) -> Statement:
        citizenship, status = self.chance.choice(STATUSES)
        start, end = self.days()
        return (
            """
            insert into medicaid.variable_demographics (enrollee_id, span_num, effective_date,
              end_date, ssn, citizenship_ind, immigration_status, immigration_verification_flag,
              immigration_status_five_year_bar_end_date)
            select enrollee_id, $2, $3, $4, $5, $6, $7, $8, $9
              from medicaid.enrollee where enrollee_id = $1
            on conflict (enrollee_id, span_num) do update
              set effective_date = excluded.effective_date, end_date = excluded.end_date,
                  citizenship_ind = excluded.citizenship_ind,
                  immigration_status = excluded.immigration_status
            """,
            (
                self.who(),
                self.chance.choice([1, 1, 1, 2]),
                start,
                self.chance.choice([None, None, end]),
                self.chance.choice([*[None] * 8, *IDS[-2:]]),
                citizenship,
                status,
                self.chance.choice([*[True] * 8, False, None]),
                self.chance.choice([*[None] * 8, date(2030, 1, 1)]),
            ),
        )

    def determination(self) -> Statement:
        start, end = self.days()
        return (
            """
            insert into medicaid.immigration_determination (enrollee_id, span_num, effective_date,
              end_date, outcome, determined_by, determined_on, evidence)
            select enrollee_id, $2, $3, $4, $5, 'test', date '2025-01-01', 'test'
              from medicaid.enrollee where enrollee_id = $1
            on conflict (enrollee_id, span_num) do update set outcome = excluded.outcome
            """,
            (self.who(), self.chance.randint(1, 3), start, end, self.chance.choice(OUTCOMES)),
        )

    def medicaid_id(self) -> Statement:
        return (
            "update medicaid.enrollee set msis_identification_num = $2 where enrollee_id = $1",
            (self.who(), self.chance.choice(IDS)),
        )

    def swap_ids(self) -> Statement:
        return (
            """
            update medicaid.enrollee e set msis_identification_num = o.msis_identification_num
              from medicaid.enrollee o
             where (e.enrollee_id, o.enrollee_id) in (($1, $2), ($2, $1))
            """,
            (self.who(), self.who()),
        )

    def change_status(self) -> Statement:
        return (
            """
            update medicaid.variable_demographics
               set immigration_verification_flag = $1, citizenship_ind = $2,
                   immigration_status = $3
             where effective_date between $4 and $5
            """,
            (self.chance.random() < 0.95, *self.chance.choice(STATUSES), *self.days()),
        )

    def change_outcome(self) -> Statement:
        return (
            "update medicaid.immigration_determination set outcome = $1 where end_date >= $2",
            (self.chance.choice(OUTCOMES), self.days()[1]),
        )

    def move(self) -> Statement:
        table = self.chance.choice(["variable_demographics", "immigration_determination"])
        return (
            f"""
            update medicaid.{table} t set enrollee_id = $2, span_num = o.free
              from (select coalesce(max(span_num), 0) + 1 as free
                      from medicaid.{table} where enrollee_id = $2) o
             where enrollee_id = $1 and span_num = 1
               and exists (select from medicaid.enrollee where enrollee_id = $2)
            """,  # noqa: S608 - a constant name
            (self.who(), self.who()),
        )

    def rename(self) -> Statement:
        return (
            """
            update medicaid.enrollee set enrollee_id = $2
             where enrollee_id = $1
               and not exists (select from medicaid.enrollee where enrollee_id = $2)
               and not exists (select from medicaid.variable_demographics where enrollee_id = $1)
               and not exists (
                     select from medicaid.immigration_determination where enrollee_id = $1)
            """,
            (self.who(), self.who()),
        )

    def mark(self) -> Statement:
        return (
            "update medicaid.enrollee set msis_id_ssn_based = $2 where enrollee_id = $1",
            (self.who(), self.chance.random() < 0.2),
        )

    def store(self) -> Statement:
        return (
            "update medicaid.enrollee set population = $2::text::datemultirange"
            " where enrollee_id = $1",
            (self.who(), self.chance.choice(["{}", "{(,)}", "{[2026-01-05,2026-01-09)}"])),
        )

    def remove_status(self) -> Statement:
        return (
            "delete from medicaid.variable_demographics where enrollee_id = $1 and span_num = $2",
            (self.who(), self.chance.randint(1, 2)),
        )

    def remove_determination(self) -> Statement:
        return (
            "delete from medicaid.immigration_determination where effective_date = $1",
            (self.days()[0],),
        )

    def remove_person(self) -> Statement:
        return (
            """
            with a as (delete from medicaid.variable_demographics where enrollee_id = $1),
                 b as (delete from medicaid.immigration_determination where enrollee_id = $1)
            delete from medicaid.enrollee where enrollee_id = $1
            """,
            (self.who(),),
        )


async def settle(connection: asyncpg.Connection) -> None:
    """Everybody of FOLK, in the population on every day of the ground."""
    for person in FOLK:
        await add(connection, person, f"CA{person.int}")
