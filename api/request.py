"""HTTP → GraphQL request, after GraphQL over HTTP. Knows no token, no document, no policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import QueryParams

from api.errors import (
    MediaTypeUnsupported,
    MethodNotAllowed,
    NotAcceptable,
    RequestMalformed,
    RequestTooLarge,
)
from api.strict_json import read_object

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

MOST_BYTES = 256 * 1024
GRAPHQL = "application/graphql-response+json"
JSON = "application/json"

_READ: Final = frozenset(
    (
        b"accept",
        b"content-type",
        b"authorization",
        b"purpose-of-use",
        b"request-reference",
        b"acting-role",
    )
)
"""The headers that count; no other one is looked at."""


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The parameters of a request, checked for their types and nothing else.

    `safe` says that it came by GET, which changes nothing (RFC 9110, section 9.2.1).
    """

    query: str
    operation_name: str | None
    variables: Mapping[str, Any]
    safe: bool = False


class HttpRequest:
    """What counts of an HTTP request: its method, its address, its body, and headers by name."""

    __slots__ = ("_headers", "method", "query", "receive")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.query: bytes = scope["query_string"]
        self.receive = receive
        self._headers: dict[bytes, bytes | list[bytes]] = {}
        for name, value in scope["headers"]:
            if name in _READ:
                known = self._headers.get(name)
                if known is None:
                    self._headers[name] = value
                else:
                    self._headers[name] = [*(known if isinstance(known, list) else [known]), value]

    def one(self, name: bytes) -> str | None:
        """A header that may stand once: two of them would let two readers see two principals.

        RequestMalformed.
        """
        found = self._headers.get(name)
        if found is None:
            return None
        if isinstance(found, list):
            raise RequestMalformed
        return found.decode("latin-1")

    def listed(self, name: bytes) -> str:
        """A header that may stand several times, which means the same as one list; "" for none."""
        found = self._headers.get(name, b"")
        return (b",".join(found) if isinstance(found, list) else found).decode("latin-1")


def media_type(request: HttpRequest) -> str:
    """The media type of the answer. NotAcceptable when the client takes neither.

    Without a preference it is application/json, which every client understands. Of the ranges that
    name a type the narrowest counts (RFC 9110, section 12.5.1); of equals, the one written first.
    """
    accepted = request.listed(b"accept")
    return JSON if accepted in ("", "*/*", JSON) else _chosen(accepted)


@lru_cache(maxsize=64)
def _chosen(accepted: str) -> str:
    ranges: dict[str, tuple[float, int]] = {}
    for place, entry in enumerate(accepted.split(",")):
        name, _, parameters = entry.partition(";")
        if name.strip():
            ranges.setdefault(name.strip().lower(), (_quality(parameters), -place))
    if not ranges:
        return JSON
    weights = {
        offered: next(
            (ranges[name] for name in (offered, "application/*", "*/*") if name in ranges), (0.0, 0)
        )
        for offered in (JSON, GRAPHQL)
    }
    best = max(weights, key=lambda offered: weights[offered])
    if weights[best][0] <= 0:
        raise NotAcceptable
    return best


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name == "q":
            try:
                quality = float(value)
            except ValueError:
                return 0.0
            return quality if 0 <= quality <= 1 else 0.0
    return 1.0


async def read_request(request: HttpRequest) -> GraphQLRequest:
    """The GraphQL request in an HTTP request.

    Raises MethodNotAllowed, MediaTypeUnsupported, RequestTooLarge or RequestMalformed.
    """
    if request.method == "GET":
        return _checked(_addressed(request.query), safe=True)
    if request.method != "POST":
        raise MethodNotAllowed
    # Two headers become one that is no media type.
    kind = request.listed(b"content-type")
    if kind != JSON and not _is_json(kind):
        raise MediaTypeUnsupported
    return _checked(_object(await _body(request.receive)))


def _addressed(query: bytes) -> dict[str, Any]:
    if len(query) > MOST_BYTES:
        raise RequestTooLarge
    params = QueryParams(query)
    given: dict[str, Any] = dict(params)
    if len(given) != len(params.multi_items()):
        raise RequestMalformed
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = None if given[name] == "null" else _object(given[name].encode())
    return given


def _is_json(content_type: str) -> bool:
    kind, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    return kind.strip().lower() == JSON and charset in ("", "utf-8")


async def _body(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":  # the client has left
            raise RequestMalformed
        piece = message.get("body", b"")
        pieces.append(piece)
        size += len(piece)
        if size > MOST_BYTES:
            raise RequestTooLarge
        more = message.get("more_body", False)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _object(text: bytes) -> dict[str, object]:
    found = read_object(text)
    if found is None:
        raise RequestMalformed
    return found


def _checked(given: Mapping[str, Any], *, safe: bool = False) -> GraphQLRequest:
    query, name = given.get("query"), given.get("operationName")
    variables, extensions = given.get("variables"), given.get("extensions")
    if not isinstance(query, str) or not (name is None or isinstance(name, str)):
        raise RequestMalformed
    for mapping in (variables, extensions):
        if not (mapping is None or isinstance(mapping, dict)):
            raise RequestMalformed
    return GraphQLRequest(query, name or None, variables or {}, safe)
