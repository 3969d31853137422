"""Documents that show every feature once: those of documents.toml, and those that are too long."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path


def _written() -> dict[str, tuple[str, dict[str, object]]]:
    with Path(__file__).with_name("documents.toml").open("rb") as file:
        found: dict[str, dict[str, str]] = tomllib.load(file)
    return {
        name: (entry["query"], json.loads(entry.get("variables", "{}")))
        for name, entry in found.items()
    }


def _many(text: str, count: int) -> str:
    return " ".join(text.format(n) for n in range(count))


_IN_NAMES = (
    "query($n: [String!]) { enrollees(first: 5, where: {lastName: {in: $n}}) { nodes { id } } }"
)
_NOT_X = "query($w: [EnrolleeWhere!]) { enrollees(where: {and: $w}) { nodes { id } } }"

DOCUMENTS: dict[str, tuple[str, dict[str, object]]] = _written() | {
    "more fields than a row constructor holds, and a key longer than an identifier": (
        f"{{ enrollees {{ nodes {{ {_many('a{}: firstName', 120)} {'a' * 80}: id }} }} }}",
        {},
    ),
    "a thousand values": (_IN_NAMES, {"n": ["Same", *(f"n{n}" for n in range(999))]}),
    "a thousand and one": (_IN_NAMES, {"n": [f"n{n}" for n in range(1001)]}),
    "more fields than there may be": (
        f"{{ enrollees(first: 1) {{ nodes {{ {_many('f{}: id', 1000)} }} }} }}",
        {},
    ),
    "more roots than there may be": (
        f"{{ {_many('r{}: plans(first: 1) {{ totalCount }}', 51)} }}",
        {},
    ),
    "more conditions than there may be": (_NOT_X, {"w": [{"firstName": {"ne": "x"}}] * 251}),
    "more values than an answer may hold": (
        "{ enrollees(first: 50) { nodes { claims(first: 60) { nodes { lines(first: 20) "
        f"{{ nodes {{ {_many('f{}: number', 20)} }} }} }} }} }} }} }}",
        {},
    ),
}
