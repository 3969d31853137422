"""Envelope around PostgreSQL's bytes; errors → codes. Knows no record and no policy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from api.errors import SelectionDenied

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from api.cursor import Binding, Sealer
    from api.gate import Denial
    from db.errors import FieldwardError


def compact(value: object) -> bytes:
    """JSON without spaces, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def sealed(body: bytes, mark: bytes, bindings: Sequence[Binding], sealer: Sealer) -> bytes:
    """The body with every keyset between two marks replaced by its cursor.

    A keyset is `<number of the connection>:<JSON in hexadecimal digits>`.
    """
    pieces = body.split(mark)
    for index in range(1, len(pieces), 2):
        number, _, packed = pieces[index].partition(b":")
        pieces[index] = sealer.seal(bytes.fromhex(packed.decode()), bindings[int(number)])
    return b"".join(pieces)


def success(
    data: Iterable[tuple[str, bytes]],
    errors: Sequence[Mapping[str, object]],
    extensions: Mapping[str, object],
) -> bytes:
    """An answer with data: response keys with their JSON, in document order."""
    joined = b",".join(compact(key) + b":" + value for key, value in data)
    body = b'{"data":{' + joined + b"}"
    if errors:
        body += b',"errors":' + compact(errors)
    if extensions:
        body += b',"extensions":' + compact(extensions)
    return body + b"}"


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
