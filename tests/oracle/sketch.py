"""The text of a document in the making: literals, variables in any position, fragments.

Knows GraphQL's syntax and nothing of what is asked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import GraphQLNonNull

from tests.oracle.pool import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graphql import GraphQLInputType

    from tests.oracle.records import Value


@dataclass(frozen=True)
class Node:
    """An input value with its type; parts of lists and objects are nodes themselves."""

    type: GraphQLInputType
    value: Value


@dataclass
class Sketch:
    """What was declared so far. `choose` gives a number from one to another, both included."""

    choose: Callable[[int, int], int]
    definitions: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    cursors: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Variables that take a cursor, and the path of the list that each belongs to."""
    _count: int = 0

    def chance(self, percent: int) -> bool:
        """True so often; shrinks to false."""
        return self.choose(0, 99) >= 100 - percent

    def one(self, of: Sequence[Any]) -> Value:
        """One of these; shrinks to the first."""
        return of[self.choose(0, len(of) - 1)]

    def name(self, prefix: str) -> str:
        """A name that nothing else has."""
        self._count += 1
        return f"{prefix}{self._count}"

    def value(self, node: Node, percent: int = 12) -> str:
        """The text of a value: a literal, or a variable that has it, or has it by default."""
        if not self.chance(percent):
            return self._literal(node, percent)
        type_, plain = str(node.type), plain_of(node)
        name = self.name("v")
        way = self.one(["given", "required", "default", "both", "absent"])
        if way == "absent" and (isinstance(node.type, GraphQLNonNull) or not self.chance(30)):
            way = "given"
        if way == "required" and plain is not None:
            type_ = type_ if type_.endswith("!") else f"{type_}!"
        default = ""
        if way in ("default", "both"):
            # A variable with a default may be of the type without its "!".
            type_ = type_.removesuffix("!")
            default = f" = {literal(node)}"
        self.definitions.append(f"${name}: {type_}{default}")
        if way in ("given", "required", "both"):
            self.variables[name] = plain
        return f"${name}"

    def _literal(self, node: Node, percent: int) -> str:
        match node.value:
            case dict():
                pairs = (
                    f"{name}: {self.value(part, percent)}" for name, part in node.value.items()
                )
                return "{" + ", ".join(pairs) + "}"
            case list():
                return "[" + ", ".join(self.value(part, percent) for part in node.value) + "]"
            case _:
                return literal(node)

    def cursor(self, path: tuple[str, ...]) -> str:
        """A variable for a cursor of the list at a path; nobody has given it a value yet."""
        name = self.name("c")
        self.definitions.append(f"${name}: String")
        self.cursors[name] = path
        return f"${name}"

    def directive(self, percent: int) -> str:
        """Nothing, or @include or @skip, by a literal or a variable."""
        if not self.chance(percent):
            return ""
        word = self.one(["include", "skip"])
        holds = self.one([word == "include", word != "include"])
        if self.chance(50):
            name = self.name("b")
            self.definitions.append(f"${name}: Boolean!")
            self.variables[name] = holds
            return f" @{word}(if: ${name})"
        return f" @{word}(if: {str(holds).lower()})"

    def fragment(self, type_: str, items: Sequence[str]) -> str:
        """These selections as a fragment of some kind, spread."""
        body = "{ " + " ".join(items) + " }"
        match self.one(["inline", "typed", "named"]):
            case "inline":
                return f"...{self.directive(30)} {body}"
            case "typed":
                return f"... on {type_}{self.directive(30)} {body}"
            case _:
                name = self.name("F")
                self.fragments.append(f"fragment {name} on {type_} {body}")
                return f"...{name}{self.directive(30)}"

    def grouped(self, type_: str, items: list[str]) -> str:
        """A selection set: some of the selections in fragments, some twice."""
        if len(items) > 1 and self.chance(25):
            cut = self.choose(1, len(items) - 1)
            items = [*items[:cut], self.fragment(type_, items[cut:])]
        if self.chance(5):
            items = [*items, items[0]]
        return "{ " + " ".join(items) + " }"


def plain_of(node: Node) -> Value:
    """The value as JSON has it."""
    match node.value:
        case dict():
            return {name: plain_of(part) for name, part in node.value.items()}
        case list():
            return [plain_of(part) for part in node.value]
        case Word():
            return str(node.value)
        case _:
            return node.value


def literal(node: Node) -> str:
    """The value as a document has it."""
    match node.value:
        case dict():
            pairs = (f"{name}: {literal(part)}" for name, part in node.value.items())
            return "{" + ", ".join(pairs) + "}"
        case list():
            return "[" + ", ".join(literal(part) for part in node.value) + "]"
        case Word():
            return str(node.value)
        case _:
            return json.dumps(node.value, ensure_ascii=False)
