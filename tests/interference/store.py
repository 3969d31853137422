"""A draft → the database: a statement a table for what came, what changed and what went."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.interference.draft import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import asyncpg

    from tests.interference.draft import Draft
    from tests.oracle.records import Record

ORDER = (
    "provider", "managed_care_plan", "enrollee",
    *(name for name, table in TABLES.items() if table.dated),
    "claim", "claim_diagnosis", "claim_line",
)  # fmt: skip
"""Whatever refers to another table comes behind it."""


async def store(
    owner: asyncpg.Connection, draft: Draft, shape: Mapping[str, Mapping[str, bool]]
) -> None:
    """Makes the database hold what a draft of its records holds."""
    before = {(name, row.key): row for name, rows in draft.base.by_table.items() for row in rows}
    come = [row for cell, row in draft.at.items() if cell not in before]
    changed = [row for cell, row in draft.at.items() if cell in before and row is not before[cell]]
    gone = [row for cell, row in before.items() if cell not in draft.at]
    async with owner.transaction():
        for table in ORDER:
            await _run(owner, table, come, _insert(table, list(shape[table])))
            await _run(owner, table, changed, _update(table, list(shape[table])))
        for table in reversed(ORDER):
            await _run(owner, table, gone, _delete(table))


def _insert(table: str, columns: list[str]) -> str:
    names = ", ".join(columns)
    return f"insert into medicaid.{table} ({names}) select {names} from new"  # noqa: S608 - names of the catalog


def _update(table: str, columns: list[str]) -> str:
    sets = ", ".join(f"{name} = new.{name}" for name in columns)
    return f"update medicaid.{table} t set {sets} from new where {_same(table)}"  # noqa: S608 - names of the catalog


def _delete(table: str) -> str:
    return f"delete from medicaid.{table} t using new where {_same(table)}"  # noqa: S608 - names of the catalog


def _same(table: str) -> str:
    return " and ".join(f"t.{name} = new.{name}" for name in TABLES[table].key)


async def _run(
    owner: asyncpg.Connection, table: str, rows: Iterable[Record], statement: str
) -> None:
    """Runs a statement over `new`, which holds those of the rows that are of the table."""
    own = [dict(row.columns) for row in rows if row.table.name == table]
    if own:
        new = f"select * from jsonb_populate_recordset(null::medicaid.{table}, $1)"  # noqa: S608 - names of the catalog
        # As text, because the driver takes the first and the last day of the calendar for infinity.
        await owner.execute(f"with new as ({new}) {statement}", json.dumps(own, default=str))
