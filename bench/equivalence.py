"""That all competitors answer the same, asked before anything is measured.

Knows operations and what their answers mean; knows nothing of how a peer makes them. An answer that
is fast and wrong is no competitor's.
"""

from __future__ import annotations

import asyncio
import http.client
import json
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.operations import Operation, Sample
    from bench.peers import Serving

BODIES = 5
"""Requests of each operation that are compared, spread over its bodies."""
_SECONDS = 300


class Different(Exception):
    """Two peers answered one request differently, or one of them did not answer it."""


async def check(
    servings: Iterable[Serving],
    operations: Iterable[Operation],
    sample: Sample,
    *,
    bodies: int = BODIES,
) -> None:
    """Different, with the first difference, unless all who answer an operation say the same."""
    peers = tuple(servings)
    for operation in operations:
        answering = [peer for peer in peers if peer.peer in operation.peers]
        for number in spread(len(operation.values(sample)), bodies):
            first: tuple[str, object] | None = None
            for peer in answering:
                body = operation.bodies(peer.peer, sample)[number]
                answer = await asyncio.to_thread(ask, peer, operation, body)
                said = _reduced(operation, peer.peer, answer)
                if not said:
                    raise Different(f"{operation.name} {number}: {peer.peer} has no row to compare")
                if first is None:
                    first = (peer.peer, said)
                elif said != first[1]:
                    place = difference(first[1], said)
                    raise Different(
                        f"{operation.name} {number}: {first[0]} and {peer.peer} differ {place}"
                    )


def spread(count: int, wanted: int) -> list[int]:
    """At most `wanted` numbers below `count`, first and last among them, evenly apart."""
    if count <= wanted:
        return list(range(count))
    return sorted({round(each * (count - 1) / (wanted - 1)) for each in range(wanted)})


def ask(peer: Serving, operation: Operation, body: bytes) -> dict[str, Any]:
    """One request. Different unless the answer is JSON of an object."""
    connection = http.client.HTTPConnection("127.0.0.1", peer.port, timeout=_SECONDS)
    try:
        connection.request("POST", peer.path, body, peer.headers(operation.role))
        response = connection.getresponse()
        said = response.read()
    finally:
        connection.close()
    try:
        answer = json.loads(said)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Different(f"{operation.name}: {peer.peer} answered {response.status} {said[:200]!r}")
    return answer


def _reduced(operation: Operation, peer: str, answer: dict[str, Any]) -> object:
    try:
        return operation.reduce(peer, answer)
    except (ValueError, KeyError, TypeError) as error:
        raise Different(f"{operation.name}: {peer}: {error!r}") from error


def difference(one: object, other: object) -> str:
    """Where two reduced answers differ first, and what stands there in each."""
    match one, other:
        case dict(), dict() if one.keys() == other.keys():
            name = next(name for name in one if one[name] != other[name])
            return f".{name}{difference(one[name], other[name])}"
        case list(), list():
            return _in_lists(one, other)
        case _:
            return f": {one!r} and {other!r}"


def _in_lists(one: Sequence[object], other: Sequence[object]) -> str:
    if len(one) != len(other):
        return f": {len(one)} rows and {len(other)}"
    number, pair = next(
        (number, pair) for number, pair in enumerate(zip_longest(one, other)) if pair[0] != pair[1]
    )
    return f"[{number}]{difference(*pair)}"
