"""Two gateways that have to answer one asker alike: status, headers and bytes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from api.demo_key import mint
from tests.gateway import KEY

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

    from tests.gateway import Gateway
    from tests.interference.figures import Figures
    from tests.oracle.asker import Asker
    from tests.oracle.evaluator import Question
    from tests.oracle.operations import Case

ROUNDS = 2
"""How often a question is asked on with cursors out of its own answer."""

_CURSOR = re.compile(r"[A-Za-z0-9_-]{70,}")


@dataclass(frozen=True)
class Reply:
    """All of an answer that a client gets."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass
class Pair:
    """Two gateways, of whose records one asker may see the same."""

    asker: Asker
    one: Gateway
    other: Gateway
    figures: Figures
    differences: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        now = datetime.now(UTC)
        self._token = mint(self.asker.role, self.asker.claims, KEY, now, timedelta(hours=12))

    async def pursue(self, case: Case, chance: random.Random) -> None:
        """Asks, and asks on with cursors out of the answer."""
        body = json.loads((await self.ask(case.question)).body)
        self.figures.operations += 1
        self.figures.answered += "data" in body
        self.figures.codes.update({each["extensions"]["code"] for each in body.get("errors", ())})
        for _ in range(ROUNDS):
            cursors = list(_cursors(body.get("data"), ()))
            if not (case.cursors and cursors):
                return
            given = {name: _cursor(cursors, path, chance) for name, path in case.cursors.items()}
            variables = {**case.question.variables, **given}
            body = json.loads((await self.ask(replace(case.question, variables=variables))).body)

    async def ask(self, question: Question) -> Reply:
        """The first one's answer, after it was compared with the other's."""
        reply, other = await self._send(self.one, question), await self._send(self.other, question)
        self.figures.requests += 1
        if reply != other:
            pairs = zip(reply.body, other.body, strict=False)
            self.figures.differing_bytes += sum(a != b for a, b in pairs)
            self.figures.differing_bytes += abs(len(reply.body) - len(other.body))
            self.differences.append(
                f"{self.asker}\n{question.query}\n{dict(question.variables)}\n{reply}\n{other}"
            )
        return reply

    async def _send(self, gateway: Gateway, question: Question) -> Reply:
        body: dict[str, Any] = {"query": question.query, "variables": dict(question.variables)}
        if question.operation_name is not None:
            body["operationName"] = question.operation_name
        answer = await gateway.client.post(
            "/graphql",
            content=json.dumps(body),
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
            },
        )
        return Reply(answer.status_code, tuple(answer.headers.items()), answer.content)


def _cursors(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Whatever looks like a cursor, with the response keys that lead to it."""
    match value:
        case dict():
            for name, part in value.items():
                yield from _cursors(part, (*path, name))
        case list():
            for part in value:
                yield from _cursors(part, path)
        case str() if _CURSOR.fullmatch(value):
            yield path, value
        case _:
            return


def _cursor(
    cursors: Sequence[tuple[tuple[str, ...], str]], path: tuple[str, ...], chance: random.Random
) -> str:
    """A cursor of the list at a path, now and then of another."""
    own = [found for found in cursors if found[0][:-2] == path]
    return chance.choice(cursors if chance.random() < 0.03 else own or cursors)[1]
