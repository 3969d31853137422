"""Edits of a file as the variables that GraphQL takes. Knows names; knows no edit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date


def as_input(edit: object) -> object:
    """An edit as JSON: keys as GraphQL writes them, days and instants as text."""
    match edit:
        case Mapping():
            return {_camel(str(key)): as_input(value) for key, value in edit.items()}
        case list():
            return [as_input(each) for each in edit]
        case date():  # a datetime is one
            return edit.isoformat()
        case _:
            return edit


def _camel(key: str) -> str:
    head, *tail = key.split("_")
    return head + "".join(part.title() for part in tail)
