"""Text → document: parsed, validated against the whole schema, remembered. Knows no caller.

Whether a document is valid is decided once for all roles, so that one client document works for
every role. What is wrong with it, `problems` says in the words of one caller's schema.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import (
    DocumentNode,
    GraphQLError,
    ObjectFieldNode,
    ValueNode,
    parse,
    validate,
)
from graphql.validation.rules import overlapping_fields_can_be_merged
from graphql.validation.validate import ValidationAbortedError

from api.errors import OperationTooComplex
from api.schema.build import core, full_schema
from db.errors import FieldwardError

if TYPE_CHECKING:
    from graphql import GraphQLSchema

MOST_TOKENS = 15_000
_MOST_MESSAGES = 20
_MOST_REMEMBERED = 100_000
"""Characters of all documents that are remembered. Parsed, one takes up to 300 bytes; what is asked
for again and again is compiled, and does without."""

# Comparing repeated fields with each other is quadratic; graphql-core's own limit is a few seconds.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 100_000


@dataclass(frozen=True, slots=True)
class Document:
    """A document that parses, and whether it is valid."""

    tree: DocumentNode
    valid: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a document: a message without a value, and where."""

    message: str
    locations: tuple[tuple[int, int], ...]


class DocumentInvalid(FieldwardError):
    """The document does not parse or validate; an error says what is wrong in the caller's view."""

    code = "FW110"
    public = "the document is not valid"
    status = 400

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__()
        self.problems = problems


class Shelf:
    """Documents by their text, least recently used out first, up to a number of characters."""

    def __init__(self, most: int = _MOST_REMEMBERED) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[str, Document] = OrderedDict()

    @property
    def size(self) -> int:
        """Characters of all documents on it."""
        return self._size

    def read(self, text: str) -> Document:
        """The document of a text. Raises DocumentInvalid for a syntax error, OperationTooComplex.

        What is not a document, or takes too long to validate, is not remembered.
        """
        document = self._kept.pop(text, None)
        if document is None:
            document = _read(text)
            self._size += len(text)
        self._kept[text] = document
        while self._size > self._most:
            dropped, _ = self._kept.popitem(last=False)
            self._size -= len(dropped)
        return document


def problems(document: Document, view: GraphQLSchema) -> tuple[Problem, ...]:
    """What is wrong with an invalid document, in the words of the caller's own schema."""
    found = validate(view, document.tree, max_errors=_MOST_MESSAGES, hide_suggestions=True)
    return tuple(_problem(error) for error in found) or (Problem(DocumentInvalid.public, ()),)


def _read(text: str) -> Document:
    try:
        tree = parse(text, max_tokens=MOST_TOKENS)
        found = validate(core(full_schema()), tree, max_errors=1, hide_suggestions=True)
    except GraphQLError as error:
        raise DocumentInvalid((_problem(error, "syntax error"),)) from None
    except RecursionError:
        raise OperationTooComplex from None
    # First of all: behind an error it says only that one error was enough.
    if found and isinstance(found[0], ValidationAbortedError):
        raise OperationTooComplex
    return Document(tree, not found)


def _problem(error: GraphQLError, message: str | None = None) -> Problem:
    locations = tuple((place.line, place.column) for place in error.locations or ())
    # A message about a literal quotes it.
    if message is None and any(
        isinstance(node, ValueNode | ObjectFieldNode) for node in error.nodes or ()
    ):
        message = "a value is not of the type that is expected here"
    return Problem(message or error.message, locations)
