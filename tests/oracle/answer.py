"""An answer in comparable form, and how two of them differ. Knows neither side."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.oracle.pages import CURSOR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.oracle.records import Value

NOT_VALID = "FW110"
"""Code of a document that does not parse or validate, whatever is wrong with it."""

_FACTS = ("coordinate", "coordinates", "selection", "position", "operator", "attributes")


@dataclass
class Answer:
    """Data (absent when the operation did not run), errors as canonical text, and conditions."""

    data: Any
    errors: list[str] = field(default_factory=list)
    conditional: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What the oracle finds wrong with cells that the other side withholds."""


def error(
    code: str,
    *,
    facts: Mapping[str, object] | None = None,
    path: Iterable[str] = (),
    locations: Iterable[tuple[int, int]] = (),
) -> str:
    """An error as canonical text."""
    said = {name: value for name, value in (facts or {}).items() if name in _FACTS}
    at = [list(location) for location in locations]
    return json.dumps({**said, "code": code, "path": list(path), "locations": at}, sort_keys=True)


def told(body: Mapping[str, Any]) -> Answer:
    """What a client was told."""
    errors = [
        error(
            shown["extensions"]["code"],
            facts=shown["extensions"],
            path=shown.get("path", ()),
            locations=[(at["line"], at["column"]) for at in shown.get("locations", ())],
        )
        for shown in body.get("errors", ())
    ]
    if "data" not in body and NOT_VALID in {each["extensions"]["code"] for each in body["errors"]}:
        # A document that is not valid is refused once, however much is wrong with it.
        errors = [error(NOT_VALID)]
    return Answer(
        body.get("data", ...),
        sorted(errors),
        list(body.get("extensions", {}).get("conditional", ())),
    )


@dataclass
class Comparison:
    """Walks two answers side by side; cursors are compared by what they stand for.

    `pairs` are (path, expected, got) of every cursor met, path without positions in lists.
    """

    differences: list[str] = field(default_factory=list)
    pairs: list[tuple[tuple[str, ...], str, str]] = field(default_factory=list)

    def compare(self, expected: Answer, got: Answer) -> list[str]:
        """Every way in which they differ."""
        if (expected.data is ...) != (got.data is ...):
            self.differences.append("one has data and the other has not")
        else:
            self._walk(expected.data, got.data, ())
        if expected.errors != got.errors:
            self.differences.append(f"errors: expected {expected.errors}, got {got.errors}")
        if expected.conditional != got.conditional:
            self.differences.append(
                f"conditional: expected {expected.conditional}, got {got.conditional}"
            )
        self.differences += expected.faults
        self._one_to_one()
        return self.differences

    def _walk(self, expected: Value, got: Value, path: tuple[str | int, ...]) -> None:
        if len(self.differences) > 20:
            return
        where = ".".join(map(str, path))
        match expected, got:
            case dict(), dict():
                if list(expected) != list(got):
                    self.differences.append(f"{where}: keys {list(expected)}, got {list(got)}")
                    return
                for name in expected:
                    self._walk(expected[name], got[name], (*path, name))
            case list(), list():
                if len(expected) != len(got):
                    self.differences.append(f"{where}: {len(expected)} items, got {len(got)}")
                for index, (one, other) in enumerate(zip(expected, got, strict=False)):
                    self._walk(one, other, (*path, index))
            case str(), str() if expected.startswith(CURSOR):
                keys = tuple(step for step in path if isinstance(step, str))
                self.pairs.append((keys, expected, got))
            case _:
                # bool is an int to Python.
                if expected != got or type(expected) is not type(got):
                    self.differences.append(f"{where}: {expected!r}, got {got!r}")

    def _one_to_one(self) -> None:
        ours = {expected: got for _, expected, got in self.pairs}
        theirs = {got: expected for _, expected, got in self.pairs}
        for path, expected, got in self.pairs:
            if ours[expected] != got or theirs[got] != expected:
                self.differences.append(f"{'.'.join(path)}: a cursor that stands for two places")
                return
