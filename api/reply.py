"""Envelope around PostgreSQL's bytes; errors → codes. Knows no record and no policy."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING, Final

from api.administration.report import finding_facts
from api.errors import Defect, SelectionDenied
from authz.errors import CommitRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from api.gate import Denial
    from api.given import Given, Listing
    from db.errors import FieldwardError

_LARGE: Final = 64 * 1024
"""Bytes from which on a piece of an answer is not copied."""
_POLICY: Final = "FW4"
"""How the codes of errors about policy and orders begin."""


def compact(value: object) -> bytes:
    """JSON without spaces, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def sealed(body: bytes, mark: bytes, listings: Sequence[Listing], given: Given) -> bytes:
    """The body with every keyset between two marks replaced by its cursor.

    A keyset is `<number of the list>:<JSON in hexadecimal digits>`.
    """
    pieces = body.split(mark)
    for index in range(1, len(pieces), 2):
        number, _, packed = pieces[index].partition(b":")
        binding = given.binding(listings[int(number)])
        pieces[index] = given.sealer.seal(bytes.fromhex(packed.decode()), binding)
    return b"".join(pieces) if len(pieces) > 1 else body


def success(
    labels: Sequence[bytes],
    data: Mapping[int, bytes],
    errors: Sequence[bytes],
    extensions: bytes,
) -> list[bytes]:
    """An answer with data, in pieces: response keys with their JSON, in document order; null for a
    key that `data` does not have. Everything is JSON already."""
    pieces = [b'{"data":{']
    for index, label in enumerate(labels):
        pieces += (b"," if index else b"", label, data.get(index, b"null"))
    pieces.append(b"}")
    if errors:
        pieces += (b',"errors":[', b",".join(errors), b"]")
    if extensions:
        pieces += (b',"extensions":', extensions)
    pieces.append(b"}")
    return pieces


def parts(pieces: Sequence[bytes]) -> Iterator[bytes]:
    """Pieces as they are written: a large one by itself, so that it is not copied; small
    ones joined."""
    small: list[bytes] = []
    for piece in pieces:
        if len(piece) < _LARGE:
            small.append(piece)
            continue
        if small:
            yield b"".join(small)
            small = []
        yield piece
    if small:
        yield b"".join(small)


def failure(errors: Sequence[Mapping[str, object]]) -> bytes:
    """An answer without data: the operation did not run."""
    return b'{"errors":' + compact(errors) + b"}"


def error_of(error: FieldwardError, path: Sequence[str] = ()) -> dict[str, object]:
    """An error of ours as a GraphQL error: constant text, its code, facts of the schema."""
    shown: dict[str, object] = {"message": error.public}
    if path:
        shown["path"] = list(path)
    shown["extensions"] = {"code": error.code, **error.facts}
    return shown


def told_of(
    error: FieldwardError, path: Sequence[str | int], places: Sequence[Mapping[str, int]]
) -> dict[str, object]:
    """An error of a field that is no record, as a GraphQL error.

    What is wrong with a policy or an order (FW4xx) is text of whoever may read all of it, and no
    record is near: its detail is told, too.
    """
    shown: dict[str, object] = {"message": error.public}
    if places:
        shown["locations"] = list(places)
    if path:
        shown["path"] = list(path)
    extensions = {"code": error.code, **error.facts}
    if error.code.startswith(_POLICY) and error.detail:
        extensions["detail"] = error.detail
    if isinstance(error, CommitRefused):
        extensions["findings"] = [finding_facts(each) for each in error.findings]
    shown["extensions"] = extensions
    return shown


def defect_of(error: Exception) -> Defect:
    """A mistake of ours by its type and place. Its own text could quote a request or a record."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    return Defect(f"{type(error).__name__}{place}")


def denial_of(denial: Denial) -> dict[str, object]:
    """One error per denied selection, whatever the number of rows.

    Below a list there is no path, since a path would name one row; `selection` names the place.
    """
    line, column = denial.location
    shown: dict[str, object] = {
        "message": SelectionDenied.public,
        "locations": [{"line": line, "column": column}],
    }
    extensions: dict[str, object] = {
        "code": SelectionDenied.code,
        "coordinate": denial.coordinate,
    }
    if denial.below_list:
        extensions["selection"] = ".".join(denial.path)
    else:
        shown["path"] = list(denial.path)
    shown["extensions"] = extensions
    return shown
