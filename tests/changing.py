"""A store of policy changes for tests: a database with a small policy, the gateway's sessions."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from authz.store import digest_of
from db.changes import approve, commit_change, propose
from db.session import open_session
from tests.database import connected, floored, fresh_database
from tests.gateway import gateway_login
from tests.properties.policies_in_turn import policy, ready

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg


AUTHOR, OTHER, THIRD = "ada", "ben", "cy"


@dataclass
class Changing:
    """The owner, two sessions as the gateway has them, and the URLs of both."""

    owner: asyncpg.Connection
    gateway: asyncpg.Connection
    second: asyncpg.Connection
    owner_url: str
    gateway_url: str

    async def head(self) -> int:
        """The number of the head."""
        number = await self.owner.fetchval("select version from fieldward.policy_head")
        assert isinstance(number, int)
        return number

    async def proposed(
        self,
        label: int = 1,
        *,
        emergency: bool = False,
        by: asyncpg.Connection | None = None,
        report: str = "",
    ) -> int:
        """A change of the head, by AUTHOR; an emergency says that it only narrows."""
        narrows = ', "onlyNarrows": true' if emergency else ""
        document = ready(label).document
        return await propose(
            by or self.gateway,
            base=await self.head(),
            author=AUTHOR,
            reason=f"makes it {label}",
            document=document,
            digest=digest_of(document),
            report=report or f'{{"findings": []{narrows}}}',
            emergency=emergency,
        )

    async def approved(self, label: int = 1) -> int:
        """The same, approved by OTHER."""
        change = await self.proposed(label)
        await approve(self.gateway, change, OTHER, "")
        return change

    async def commit(
        self, change: int, label: int = 1, *, by: asyncpg.Connection | None = None
    ) -> int:
        """The version that a change becomes; AUTHOR commits."""
        return await commit_change(by or self.gateway, change, AUTHOR, ready(label).floor, {})


@asynccontextmanager
async def changing(template: str) -> AsyncIterator[Changing]:
    """A fresh copy of a template whose head is the first of the policies."""
    async with AsyncExitStack() as stack:
        owner_url = await stack.enter_async_context(fresh_database(template))
        gateway_url = await gateway_login(owner_url)
        await floored(owner_url, policy(0))
        owner = await stack.enter_async_context(connected(owner_url))
        sessions = []
        for _ in range(2):
            sessions.append(session := await open_session(gateway_url))
            stack.push_async_callback(session.close)
        yield Changing(owner, sessions[0], sessions[1], owner_url, gateway_url)
