"""How the gateway reads and writes what belongs to it in schema fieldward, and what PostgreSQL
raises there as errors of ours. Knows no statement."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import asyncpg

from db.errors import (
    ApprovalMissing,
    ChangeClosed,
    ChangeExpired,
    ChangeInvalid,
    ChangeUnknown,
    DatabaseUnavailable,
    FieldwardError,
    FloorRefused,
    NotTheAuthor,
    PolicyMoved,
    SamePerson,
    StatementFailed,
    StatementTimeout,
)
from db.session import AWAY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

# What the functions raise is called like the error that it becomes; the head that moved has the
# number that it had before there were changes.
_RAISED: Final[Mapping[str, type[FieldwardError]]] = {"FW409": PolicyMoved} | {
    each.code: each
    for each in (
        ChangeUnknown,
        SamePerson,
        ApprovalMissing,
        ChangeExpired,
        NotTheAuthor,
        ChangeInvalid,
    )
}
_NO_VERIFIER: Final = "28P01"
_DATA: Final = "22"  # the class of what is no JSON, or no text that PostgreSQL can hold


@asynccontextmanager
async def reading(otherwise: type[FieldwardError] = StatementFailed) -> AsyncIterator[None]:
    """What the driver raises, as errors of ours; `otherwise` for what has none of its own."""
    try:
        yield
    except asyncpg.QueryCanceledError:
        raise StatementTimeout from None
    except asyncpg.PostgresError as error:
        # A floor that lacks a verifier is no session that was not let in.
        if error.sqlstate != _NO_VERIFIER and isinstance(error, AWAY):
            raise DatabaseUnavailable(type(error).__name__) from None
        raise _refused(error, otherwise) from None
    except AWAY as error:
        raise DatabaseUnavailable(type(error).__name__) from None


@asynccontextmanager
async def writing(
    connection: asyncpg.Connection, otherwise: type[FieldwardError] = StatementFailed
) -> AsyncIterator[None]:
    """A transaction that writes, in a session that by itself does not; errors as above."""
    async with reading(otherwise), connection.transaction():
        await connection.execute("set transaction isolation level read committed, read write")
        yield


def _refused(error: asyncpg.PostgresError, otherwise: type[FieldwardError]) -> FieldwardError:
    """What PostgreSQL raised, as an error of ours. Its DETAIL can quote a row, so it stays away."""
    state = error.sqlstate or ""
    if state == ChangeClosed.code:
        return ChangeClosed(state=error.detail)
    if (raised := _RAISED.get(state)) is not None:
        return raised()
    if otherwise is FloorRefused:
        return FloorRefused(f"{state}: {error.message}")
    return ChangeInvalid() if state.startswith(_DATA) else otherwise(state)
