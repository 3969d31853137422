"""A gateway in this process over a copy of a database, and a client that asks as any role."""

from __future__ import annotations

import contextlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx

from api.app import create_app
from api.demo_key import DemoKey, mint
from db.examples import attribute_examples
from db.migrate import grant_gateway
from tests.database import FLOOR_SECRET, connected, floored, fresh_database, with_login

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from authz.snapshot import Holder

LOGIN = "fieldward_test_gateway"
PASSWORD = "fieldward-test"
KEY = DemoKey(b"0" * 64)
CURSOR_KEY = bytes(range(64))


@dataclass
class Gateway:
    """The client, the owner's URL of the database behind it, and attributes that occur in it."""

    client: httpx.AsyncClient
    owner_url: str
    gateway_url: str
    examples: Mapping[str, str]

    def claims(self, role: str) -> dict[str, object]:
        """Claims under which a role of the seed policy sees something of the seeded records."""
        e = self.examples
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        lists: dict[str, dict[str, object]] = {
            "front_desk": {"county": [e["county"]]},
            "eligibility_worker": {"state": [e["state"]], "county": [e["county"]]},
            "eligibility_supervisor": {"state": [e["state"]]},
            "managed_care_plan": {"plan_id": [e["plan_id"]]},
            "provider": {"npi": [e["npi"]]},
            "program_integrity": {"state": [e["state"]]},
            "researcher": {"agreement": "DUA-1", "agreement_states": [e["state"]]},
            "beneficiary": {"enrollee_id": e["enrollee_id"]},
            "break_glass": {"person": e["enrollee_id"], "until": until, "reason": "test"},
            "immigration_enforcement": {"purpose": "LAWENF", "request": "REQ-1"},
        }
        return lists.get(role, {})

    def token(self, role: str, **claims: object) -> str:
        """A token for a role, with claims that fit the seeded records unless given."""
        return mint(role, self.claims(role) | claims, KEY, datetime.now(UTC), timedelta(hours=1))

    async def post(
        self,
        role: str,
        query: str,
        variables: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        **claims: object,
    ) -> httpx.Response:
        """The HTTP answer to a query in a role."""
        return await self.client.post(
            "/graphql",
            json={"query": query, "variables": variables or {}},
            headers={"Authorization": f"Bearer {self.token(role, **claims)}", **(headers or {})},
        )

    async def ask(
        self, role: str, query: str, variables: Mapping[str, object] | None = None, **claims: object
    ) -> dict[str, Any]:
        """The decoded body of the answer."""
        answer = await self.post(role, query, variables, **claims)
        body = answer.json()
        assert isinstance(body, dict)
        return body


async def gateway_login(owner_url: str) -> str:
    async with connected(owner_url) as owner:
        # Roles are of the whole server: an earlier test may have made this one.
        with contextlib.suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            await owner.execute(f"create role {LOGIN} login password '{PASSWORD}'")
        await grant_gateway(owner, LOGIN)
    return with_login(owner_url, LOGIN, PASSWORD)


@asynccontextmanager
async def gateway_over(template: str, holder: Holder | None = None) -> AsyncIterator[Gateway]:
    """A gateway over a fresh copy of a template database; both are gone in the end.

    The database holds the policy and the orders of the holder, the packaged ones without, and their
    floor: requests run as its roles.
    """
    async with fresh_database(template) as owner_url:
        gateway_url = await gateway_login(owner_url)
        async with connected(owner_url) as owner:
            examples = await attribute_examples(owner)
        written = holder.current(datetime.now(UTC)) if holder else None
        await floored(owner_url, written and written.written, written and written.orders)
        async with node(gateway_url) as client:
            yield Gateway(client, owner_url, gateway_url, examples)


@asynccontextmanager
async def node(gateway_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway of its own over a database that others may serve, too."""
    app = create_app(gateway_url, KEY.settings(), (CURSOR_KEY,), FLOOR_SECRET)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://fieldward.test"
        ) as client,
    ):
        yield client
