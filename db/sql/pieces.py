"""Pieces of SQL text and the numbering of parameters. With `render`, the only maker of SQL text.

Identifiers come from the catalog and are quoted; everything else is a parameter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from db.predicate import Literal

if TYPE_CHECKING:
    from db.codes import CodeList
    from db.predicate import Attribute, Slot

SCHEMA = "medicaid"


@dataclass(frozen=True, slots=True)
class Day:
    """The day of the request: the one moment that a statement knows."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The random mark of the request that stands around keysets."""


@dataclass(frozen=True, slots=True)
class Version:
    """The number of the policy version that the statement was compiled under."""


Source: TypeAlias = "Day | Mark | Version | Literal | Slot | Attribute"
"""Where a parameter's value comes from when the statement runs."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text and, in the order of $1, $2, …, where each value comes from.

    `columns` names every column of a record that the text speaks of, for those who check it.
    `steady`: one way to run it is the best for all values, so PostgreSQL need not plan it again
    for each.
    """

    text: str
    sources: tuple[Source, ...]
    columns: frozenset[str]
    steady: bool = False


class Parameters:
    """Numbers parameters in the order of first use; the same source and type is one parameter."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[Source, str], int] = {}

    def place(self, source: Source, sql_type: str) -> str:
        """The placeholder of a source, cast to its type."""
        number = self._numbers.setdefault((source, sql_type), len(self._numbers) + 1)
        return f"${number}::{sql_type}"

    @property
    def sources(self) -> tuple[Source, ...]:
        """Sources in the order of their numbers."""
        return tuple(source for source, _ in self._numbers)


def identifier(name: str) -> str:
    """A name of the catalog, quoted. ValueError for one that could end its quotes."""
    if not name.replace("_", "").isalnum() or not name.isascii():
        raise ValueError("not an identifier of the catalog")
    return f'"{name}"'


def table(name: str) -> str:
    """A record table with its schema; a statement depends on no search path."""
    return f"{identifier(SCHEMA)}.{identifier(name)}"


def text(constant: str) -> str:
    """A constant of the schema (a field name, an enum name) as SQL text. Never caller's text."""
    if "'" in constant or "\\" in constant:
        raise ValueError("not a constant of the schema")
    return f"'{constant}'"


def enum_name(expression: str, codes: CodeList) -> str:
    """The API name of a stored code: itself, a prefix before it, or a case over the list."""
    first = codes.codes[0]
    if all(code.name == code.code for code in codes.codes):
        return expression
    prefix = first.name.removesuffix(first.code)
    if all(code.name == prefix + code.code for code in codes.codes):
        return f"({text(prefix)} || {expression})"
    cases = " ".join(f"when {text(code.code)} then {text(code.name)}" for code in codes.codes)
    return f"case {expression} {cases} end"


def json_array(values: list[str]) -> str:
    """A JSON list of value expressions, null among them."""
    if not values:
        return "'[]'::json"
    return f"JSON_ARRAY({', '.join(values)} NULL ON NULL RETURNING json)"


def json_object(pairs: list[tuple[str, str]]) -> str:
    """A JSON object of (key expression, value expression). It cuts no key and knows no limit."""
    return "JSON_OBJECT(" + ", ".join(f"{key} : {value}" for key, value in pairs) + ")"
