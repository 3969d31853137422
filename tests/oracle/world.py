"""A gateway and the oracle over the same records: one question, both answers."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from api.demo_key import mint
from authz.snapshot import Holder
from tests.database import connected, fresh_database
from tests.gateway import KEY, gateway_over
from tests.oracle.answer import Answer, Comparison, told
from tests.oracle.authority import Authority
from tests.oracle.evaluator import Oracle, Question
from tests.oracle.records import read_records

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    import asyncpg

    from authz.order import Order
    from authz.policy import PolicySet
    from tests.gateway import Gateway
    from tests.oracle.asker import Asker


@dataclass
class Exchange:
    """One question with both answers, and the cursors in them: (path, oracle's, gateway's)."""

    question: Question
    expected: Answer
    got: Answer
    differences: list[str]
    cursors: list[tuple[tuple[str, ...], str, str]]

    def report(self) -> str:
        """All that somebody needs who wants to see it again."""
        return "\n".join(
            [
                *self.differences,
                f"asker      {self.question.asker}",
                f"operation  {self.question.query}",
                f"named      {self.question.operation_name}",
                f"variables  {dict(self.question.variables)}",
                f"expected   {self.expected}",
                f"got        {self.got}",
            ]
        )


class World:
    """A gateway over a database, and the oracle over what the owner reads there.

    `clock` is the gateway's. No dataclass: Hypothesis prints all fields of those, and this has all
    records.
    """

    def __init__(
        self, gateway: Gateway, oracle: Oracle, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.gateway = gateway
        self.oracle = oracle
        self.clock = clock or (lambda: datetime.now(UTC))
        self._tokens: dict[Asker, str] = {}

    def _token(self, asker: Asker) -> str:
        if asker not in self._tokens:
            now = datetime.now(UTC)
            self._tokens[asker] = mint(asker.role, asker.claims, KEY, now, timedelta(hours=12))
        return self._tokens[asker]

    async def ask(self, question: Question) -> Mapping[str, Any]:
        """What the gateway says."""
        body: dict[str, Any] = {"query": question.query, "variables": dict(question.variables)}
        if question.operation_name is not None:
            body["operationName"] = question.operation_name
        answer = await self.gateway.client.post(
            "/graphql",
            content=json.dumps(body),  # in ASCII, so that half a character can be sent
            headers={
                "Authorization": f"Bearer {self._token(question.asker)}",
                "Content-Type": "application/json",
            },
        )
        found = answer.json()
        assert isinstance(found, dict)
        return found

    async def exchange(
        self, question: Question, cursors: Mapping[str, tuple[str, str]] | None = None
    ) -> Exchange:
        """Both answers. `cursors` are variables by name: what the oracle gets, and the gateway."""
        cursors = cursors or {}
        given = {**question.variables, **{name: pair[0] for name, pair in cursors.items()}}
        sent = {**question.variables, **{name: pair[1] for name, pair in cursors.items()}}
        while True:
            as_of = self.clock()
            got = told(await self.ask(replace(question, variables=sent)))
            # Both have to speak of the same day.
            if self.clock().date() == as_of.date():
                break
        expected = self.oracle.answer(replace(question, variables=given), as_of, got.data)
        comparison = Comparison()
        differences = comparison.compare(expected, got)
        return Exchange(
            replace(question, variables=sent), expected, got, differences, comparison.pairs
        )


@asynccontextmanager
async def world_over(
    template: str,
    policy: PolicySet,
    orders: tuple[Order, ...],
    add: Callable[[asyncpg.Connection], Awaitable[None]] | None = None,
    *,
    whole: bool = False,
) -> AsyncIterator[World]:
    """A world over a copy of a template database, to which `add` may add records first.

    `whole` as in Authority.
    """
    holder = Holder(policy, orders, datetime.now(UTC))
    async with fresh_database(template) as grown:
        async with connected(grown) as owner:
            if add is not None:
                await add(owner)
        async with gateway_over(grown.rpartition("/")[2], holder) as gateway:
            async with connected(gateway.owner_url) as owner:
                records = await read_records(owner)
            effective = holder.current(datetime.now(UTC)).policy
            yield World(gateway, Oracle(records, Authority(effective, whole=whole)))
