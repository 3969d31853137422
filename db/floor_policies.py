"""The row policies of the floor: who sees which rows of a table that it has a column of.

They name groups, and groups are of one database, so they are made when a floor is applied and not
by a migration. What PostgreSQL makes of each is written down, so that a change shows.

A capped role sees an enrollee whose stored population holds the day, and of every other record what
belongs to an enrollee it sees: that subquery is under the policy of the enrollee itself. Of
providers and plans it sees no row. `coalesce` is for the planner: docs/adr/0008-floor.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.floor_login import CAPPED, OPEN, floor_role

if TYPE_CHECKING:
    import asyncpg

_POPULATION: Final = (
    "population <> '{}' and coalesce(population @> (select fieldward.population_day()), false)"
)
_OF_VISIBLE: Final = (
    "exists (select from medicaid.enrollee e where e.enrollee_id = {table}.enrollee_id)"
)

# A policy as PostgreSQL has it now. Its names are whole in this form whatever the search path.
_FOUND: Final = """
select c.relname as table, p.polname as name,
       concat_ws(' | ', p.polcmd::text, p.polpermissive::text, p.polroles::regrole[]::text,
                 pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
         as definition
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
 where c.relnamespace = 'medicaid'::regnamespace
"""


@dataclass(frozen=True, slots=True)
class RowPolicy:
    """A row policy: its table, its name there, and the statement that makes it."""

    table: str
    name: str
    source: str

    @property
    def object(self) -> str:
        """What it is called where definitions are written down."""
        return f"row policy {self.name} on medicaid.{self.table}"


@dataclass(frozen=True, slots=True)
class Difference:
    """A policy that is not as it was made: missing, altered, or not ours (`wanted` is None)."""

    table: str
    name: str
    wanted: RowPolicy | None
    problem: str


async def record_tables(connection: asyncpg.Connection) -> dict[str, bool]:
    """Every table of schema medicaid that logins may have columns of → whether it is about a
    person."""
    rows = await connection.fetch(
        """
        select c.relname as name, exists (
                 select from pg_attribute a
                  where a.attrelid = c.oid and a.attname = 'enrollee_id' and not a.attisdropped
               ) as personal
          from pg_class c
         where c.relnamespace = 'medicaid'::regnamespace and c.relkind in ('r', 'p')
           and c.relname <> 'medicaid_id'
         order by c.relname
        """
    )
    return {row["name"]: row["personal"] for row in rows}


async def wanted(connection: asyncpg.Connection) -> tuple[RowPolicy, ...]:
    """The row policies of this database."""
    database = await connection.fetchval("select current_database()::text")
    everybody, capped = (_quoted(floor_role(database, group)) for group in (OPEN, CAPPED))
    found: list[RowPolicy] = []
    for table, personal in (await record_tables(connection)).items():
        found.append(_policy(table, "open", everybody, "true"))
        if table == "enrollee":
            found.append(_policy(table, "capped", capped, _POPULATION))
        elif personal:
            found.append(_policy(table, "capped", capped, _OF_VISIBLE.format(table=table)))
    return tuple(found)


def _policy(table: str, name: str, group: str, using: str) -> RowPolicy:
    source = f"create policy {name} on medicaid.{table} for select to {group} using ({using})"
    return RowPolicy(table, name, source)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


async def policy_differences(connection: asyncpg.Connection) -> tuple[Difference, ...]:
    """Row policies that are missing, altered or not ours. The search path is pg_catalog alone."""
    now = {(row["table"], row["name"]): row["definition"] for row in await connection.fetch(_FOUND)}
    rows = await connection.fetch("select object, source, definition from fieldward.definition")
    made = {row["object"]: (row["source"], row["definition"]) for row in rows}
    found: list[Difference] = []
    expected = await wanted(connection)
    for policy in expected:
        definition = now.pop((policy.table, policy.name), None)
        if definition is None:
            found.append(Difference(policy.table, policy.name, policy, "is missing"))
        elif made.get(policy.object) != (policy.source, definition):
            found.append(Difference(policy.table, policy.name, policy, "was altered"))
    for table, name in sorted(now):
        found.append(Difference(table, name, None, "is not of the floor"))
    return tuple(found)


async def repair_policies(connection: asyncpg.Connection) -> None:
    """Makes the row policies anew where they differ. As the owner, in a transaction whose search
    path is pg_catalog alone; a table waits for the statements that read it."""
    closed = await connection.fetch(
        """
        select format('%I', c.relname) as name from pg_class c
         where c.relnamespace = 'medicaid'::regnamespace and c.relkind in ('r', 'p')
           and not c.relrowsecurity
        """
    )
    for row in closed:
        await connection.execute(f"alter table medicaid.{row['name']} enable row level security")
    for each in await policy_differences(connection):
        name = _quoted(each.name)
        await connection.execute(f"drop policy if exists {name} on medicaid.{_quoted(each.table)}")
        if each.wanted is not None:
            await connection.execute(each.wanted.source)
            await _write_down(connection, each.wanted)


async def _write_down(connection: asyncpg.Connection, policy: RowPolicy) -> None:
    await connection.execute(
        f"""
        insert into fieldward.definition (object, source, definition)
        select $1, $2, f.definition from ({_FOUND}) f where f."table" = $3 and f.name = $4
        on conflict (object) do update
          set source = excluded.source, definition = excluded.definition
        """,  # noqa: S608 - a constant of this module
        policy.object,
        policy.source,
        policy.table,
        policy.name,
    )
