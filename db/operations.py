"""The operations that clients sent, as they are stored: what was asked for and how often.

Knows no value of a request: there is none in what it is given, and PostgreSQL takes nothing that is
not a name of a schema.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.errors import OperationsRefused
from db.writing import reading, writing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import asyncpg

_LIST: Final = """
select digest, role, name, demands::text as demands, first_seen, last_seen, times
  from fieldward.operation
 order by times desc, last_seen desc, digest
 limit $1
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An operation of a role: its name, empty for none, and its demands as JSON."""

    digest: str
    role: str
    name: str
    demands: str
    first_seen: datetime
    last_seen: datetime
    times: int


async def record(connection: asyncpg.Connection, seen: Mapping[tuple[str, str, str], int]) -> None:
    """Adds uses of operations: (role, name, demands as JSON) → how many. All of them, or none.

    The caller is the gateway. Raises OperationsRefused for what is no operation, and
    DatabaseUnavailable.
    """
    rows = [
        {"role": role, "name": name, "demands": json.loads(demands), "times": times}
        for (role, name, demands), times in seen.items()
    ]
    async with writing(connection, OperationsRefused):
        await connection.execute(
            "select fieldward.record_operations($1::text::jsonb)", json.dumps(rows)
        )


async def operations(connection: asyncpg.Connection, most: int = 2_000) -> tuple[Recorded, ...]:
    """What was noted, the most used first, at most so many. The gateway may ask."""
    async with reading():
        rows = await connection.fetch(_LIST, most)
    return tuple(Recorded(**row) for row in rows)
