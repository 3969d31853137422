"""Requests to an ASGI application in this process. Knows bytes; no GraphQL, no clock.

Thinner than an HTTP client, whose own work would be most of what a measurement sees.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Scope


@dataclass(frozen=True, slots=True)
class Post:
    """A POST to /graphql, made once and sent as often as one likes."""

    scope: Scope
    body: bytes = field(repr=False)

    @staticmethod
    def of(token: str, query: str, variables: dict[str, Any]) -> Post:
        """The request of a bearer token for a query."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = [
            (b"host", b"bench.test"),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"authorization", f"Bearer {token}".encode()),
        ]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/graphql",
            "raw_path": b"/graphql",
            "query_string": b"",
            "headers": headers,
        }
        return Post(scope, body)

    async def send(self, app: ASGIApp) -> bytes:
        """Status, headers and body of the answer, as the bytes that a server would write."""
        said: list[bytes] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": self.body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                said.append(str(message["status"]).encode())
                said.extend(name + b": " + value for name, value in message["headers"])
            else:
                said.append(message.get("body", b""))

        # Applications write into their scope.
        await app(dict(self.scope), receive, send)
        return b"\n".join(said)
