"""The connections of one gateway process: each request's by the login of its role. Knows names
and limits; knows nothing of what a role may do.

A session logs in as the role of the floor and cannot become another, so what a request may reach is
PostgreSQL's to say as well, at no further round trip.
"""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from db.budget import Budget
from db.floor_login import floor_role, password, verifier
from db.session import close_session, open_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from contextlib import AbstractAsyncContextManager

    import asyncpg

MOST: Final = 32
"""Connections of a process. PostgreSQL takes 100 unless told otherwise, of all processes."""
_LOOKS: Final = 2
OWN: Final = _LOOKS + 1
"""Of the gateway's own login, beside these: to look at its state, and one that listens."""
# A role's connections of the two kinds are apart, and share one budget. No role's name has a space.
_STEADY: Final = " steady"


class Pools:
    """At most `budget` connections of roles, and OWN of the gateway's own login beside them: two
    for looking at its state, and one that listens.

    `gateway_url` names host, database and the gateway's login; `secret` is what the passwords of
    the floor's roles are derived from. Nothing is opened before it is needed.
    """

    def __init__(
        self,
        gateway_url: str,
        secret: bytes,
        budget: int = MOST,
        *,
        statement_seconds: float = 30.0,
        connect_seconds: float = 10.0,
        wait_seconds: float = 10.0,
    ) -> None:
        self._database = database = database_of(gateway_url)
        self._secret = secret

        async def as_role(name: str) -> asyncpg.Connection:
            role = name.removesuffix(_STEADY)
            return await open_session(
                gateway_url,
                floor_role(database, role),
                password(secret, database, role),
                steady=name != role,
                statement_seconds=statement_seconds,
                connect_seconds=connect_seconds,
            )

        async def as_gateway(purpose: str) -> asyncpg.Connection:
            return await open_session(
                gateway_url,
                statement_seconds=statement_seconds,
                connect_seconds=connect_seconds,
                purpose=purpose,
            )

        self._roles = Budget(budget, as_role, wait_seconds)
        self._own = Budget(_LOOKS, as_gateway, wait_seconds)
        self._as_gateway = as_gateway

    def acquire(
        self, role: str, *, steady: bool = False
    ) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """A connection that has logged in as the floor's role for a role of policy; a `steady` one
        for statements that are (`Statement.steady`).

        DatabaseUnavailable when there is none in time, or when PostgreSQL lets that role not in.
        """
        return self._roles.acquire(role + _STEADY if steady else role)

    def own(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """A connection of the gateway's own login, for what is no request: head, drift, readiness.

        Apart from the budget, so that requests cannot keep the gateway from knowing its state.
        """
        return self._own.acquire("")

    @asynccontextmanager
    async def listener(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the gateway's own login that is nobody else's, for as long as the block
        runs. DatabaseUnavailable when there is none."""
        connection = await self._as_gateway("listener")
        try:
            yield connection
        finally:
            await close_session(connection)

    def verifiers(self, roles: Iterable[str]) -> dict[str, str]:
        """Role → what PostgreSQL stores for the password with which it logs in here, for roles that
        are to be. Takes milliseconds each."""
        return {role: verifier(password(self._secret, self._database, role)) for role in roles}

    def open(self) -> Mapping[str, int]:
        """Role → connections that are open, of both kinds."""
        counted = Counter[str]()
        for name, count in self._roles.open().items():
            counted[name.removesuffix(_STEADY)] += count
        return counted

    @property
    def waits(self) -> int:
        """How many requests had to wait until another's connection became free, so far."""
        return self._roles.waits

    async def close(self) -> None:
        """Ends all sessions; those in the middle of a statement are cut off."""
        await self._roles.close()
        await self._own.close()


def database_of(url: str) -> str:
    """The database that a URL names; that of its user's name where it names none, as libpq does."""
    parts = urlsplit(url)
    return unquote(parts.path.lstrip("/")) or unquote(parts.username or "")
