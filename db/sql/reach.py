"""How many people conditions of policy reach, as SQL. Part of the SQL maker.

A number of people is all that leaves, as JSON: the column of a root, under the guard of any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from db.sql.conditions import condition
from db.sql.pieces import table
from db.sql.rows import Level, Row

if TYPE_CHECKING:
    from db.plan import Reach
    from db.sql.rows import Names

_PERSON: Final = "enrollee_id"


def people(reach: Reach, names: Names) -> str:
    """The number, as a scalar subquery. KeyError for a table that is about nobody."""
    row = Row(names, reach.table, Level(), None)
    person = row.column(_PERSON)
    # A key names each person once, and what is distinct by itself need not be sorted.
    counted = "*" if reach.table.key == (_PERSON,) else f"distinct {person}"
    return (
        f"(select to_json(count({counted})) from {table(reach.table.name)} {row.alias} "
        f"where {condition(reach.rows, row)})"
    )
