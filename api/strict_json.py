"""JSON text to object, with one reading only. Knows nothing of what the object means."""

from __future__ import annotations

import json


def read_object(document: bytes) -> dict[str, object] | None:
    """The JSON object in `document`, or None.

    Refused are a key that occurs twice (RFC 8259: what it then means differs by reader), NaN and
    Infinity, text that is not UTF-8, and nesting too deep to walk.
    """
    try:
        value = json.loads(
            document.decode(), object_pairs_hook=_without_doubles, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _no_constant(name: str) -> object:
    raise ValueError("not a JSON number")
