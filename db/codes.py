"""Value lists of coded T-MSIS elements: codes, their names and meanings; nothing of tables."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Code:
    """One valid value: what the record holds, its name in the API, its meaning in words."""

    code: str
    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class CodeList:
    """The valid values of one element, in the order of their codes; names are unique."""

    name: str
    codes: tuple[Code, ...]

    def code_of(self, name: str) -> str:
        """The stored code of an API name. KeyError for a name that the list does not have."""
        return {code.name: code.code for code in self.codes}[name]


@cache
def _lists() -> dict[str, CodeList]:
    with (Path(__file__).parent / "codes.toml").open("rb") as file:
        raw: dict[str, dict[str, list[str]]] = tomllib.load(file)
    return {
        name: CodeList(name, tuple(Code(code, *entry) for code, entry in entries.items()))
        for name, entries in raw.items()
    }


def code_list(name: str) -> CodeList:
    """The list of that name in codes.toml. KeyError when there is none."""
    return _lists()[name]


def code_lists() -> tuple[CodeList, ...]:
    """All lists, in file order."""
    return tuple(_lists().values())
