"""A statement and its values → bytes. One round trip; no value in an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

import asyncpg

from db.errors import DatabaseUnavailable, StatementFailed, StatementTimeout
from db.predicate import Attribute, Literal, Slot
from db.sql.pieces import Day, Mark

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from db.sql.pieces import Source, Statement

_SECONDS_FOR_A_CONNECTION = 10.0
_UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shut down, or the session was ended
    asyncpg.InsufficientResourcesError,  # too many connections, memory, disk
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InterfaceError,
    # What asyncpg says where the server ends an idle session just before it is used.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a statement needs beside its text.

    `values` by slot index; `attributes` of the principal, each a list of text; `day` of the
    request (UTC); `mark` is random per request and stands around keysets.
    """

    values: tuple[object, ...]
    attributes: Mapping[str, tuple[str, ...]]
    day: date
    mark: str


def bind(statement: Statement, inputs: Inputs) -> list[object]:
    """The parameters in the order of the statement. An attribute that is absent is empty."""
    return [_value(source, inputs) for source in statement.sources]


def _value(source: Source, inputs: Inputs) -> object:
    match source:
        case Day():
            return inputs.day
        case Mark():
            return inputs.mark
        case Slot(index):
            return inputs.values[index]
        case Attribute(name):
            return inputs.attributes.get(name, ())
        case Literal(value):
            return value
        case _:
            assert_never(source)


async def execute(pool: asyncpg.Pool, statement: Statement, inputs: Inputs) -> tuple[object, ...]:
    """The one row of a statement: JSON as bytes, counts as integers.

    A connection is waited for, but not for ever: a gateway whose connections all hang says so.

    Raises StatementFailed, StatementTimeout or DatabaseUnavailable; none of them holds text of the
    driver, which can quote values.
    """
    try:
        async with pool.acquire(timeout=_SECONDS_FOR_A_CONNECTION) as connection:
            row = await connection.fetchrow(statement.text, *bind(statement, inputs))
    except asyncpg.QueryCanceledError:
        raise StatementTimeout from None
    except _UNAVAILABLE:
        raise DatabaseUnavailable from None
    except (asyncpg.PostgresError, asyncpg.DataError) as error:
        raise StatementFailed(getattr(error, "sqlstate", "") or "") from None
    if row is None:
        raise StatementFailed("no row")
    return tuple(row.values())
