"""A statement and its values → bytes. One round trip; no value in an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

import asyncpg

from db.errors import (
    DatabaseUnavailable,
    PrivilegeMissing,
    StalePolicy,
    StatementFailed,
    StatementTimeout,
)
from db.guard import STALE
from db.predicate import Attribute, Literal, Slot
from db.session import AWAY
from db.sql.pieces import Day, Mark, Version

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from db.pools import Pools
    from db.sql.pieces import Source, Statement


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a statement needs beside its text.

    `values` by slot index; `attributes` of the principal, each a list of text; `day` of the
    request (UTC); `mark` is random per request and stands around keysets; `version` is the number
    of the policy version that the statement was compiled under.
    """

    values: tuple[object, ...]
    attributes: Mapping[str, tuple[str, ...]]
    day: date
    mark: str
    version: int


def bind(statement: Statement, inputs: Inputs) -> list[object]:
    """The parameters in the order of the statement. An attribute that is absent is empty."""
    return [_value(source, inputs) for source in statement.sources]


def _value(source: Source, inputs: Inputs) -> object:
    match source:
        case Day():
            return inputs.day
        case Mark():
            return inputs.mark
        case Version():
            return inputs.version
        case Slot(index):
            return inputs.values[index]
        case Attribute(name):
            return inputs.attributes.get(name, ())
        case Literal(value):
            return value
        case _:
            assert_never(source)


async def execute(
    pools: Pools, role: str, statement: Statement, inputs: Inputs
) -> tuple[object, ...]:
    """The one row of a statement, by the login of a role: JSON as bytes, counts as integers.

    Raises StalePolicy, PrivilegeMissing, StatementFailed, StatementTimeout or DatabaseUnavailable;
    none of them holds text of the driver, which can quote values.
    """
    try:
        async with pools.acquire(role, steady=statement.steady) as connection:
            row = await connection.fetchrow(statement.text, *bind(statement, inputs))
    except asyncpg.QueryCanceledError:
        raise StatementTimeout from None
    except asyncpg.InsufficientPrivilegeError:
        raise PrivilegeMissing from None
    except AWAY:
        raise DatabaseUnavailable from None
    except (asyncpg.PostgresError, asyncpg.DataError) as error:
        state = getattr(error, "sqlstate", "") or ""
        if state == STALE:
            raise StalePolicy from None
        raise StatementFailed(state) from None
    if row is None:
        raise StatementFailed("no row")
    return tuple(row.values())
