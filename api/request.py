"""HTTP → GraphQL request, after GraphQL over HTTP. Knows no token, no document, no policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect

from api.errors import (
    MediaTypeUnsupported,
    MethodNotAllowed,
    NotAcceptable,
    RequestMalformed,
    RequestTooLarge,
)
from api.strict_json import read_object

if TYPE_CHECKING:
    from starlette.requests import Request

MOST_BYTES = 256 * 1024
GRAPHQL = "application/graphql-response+json"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The four parameters of a request, checked for their types and nothing else."""

    query: str
    operation_name: str | None
    variables: Mapping[str, Any]


def media_type(request: Request) -> str:
    """The media type of the answer. NotAcceptable when the client takes neither.

    Without a preference it is application/json, which every client understands. Of the ranges that
    name a type the narrowest counts (RFC 9110, section 12.5.1); of equals, the one written first.
    """
    ranges: dict[str, tuple[float, int]] = {}
    for place, entry in enumerate(",".join(request.headers.getlist("accept")).split(",")):
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


async def read_request(request: Request) -> GraphQLRequest:
    """The GraphQL request in an HTTP request.

    Raises MethodNotAllowed, MediaTypeUnsupported, RequestTooLarge or RequestMalformed.
    """
    if request.method == "GET":
        if len(request.url.query) > MOST_BYTES:
            raise RequestTooLarge
        given: dict[str, Any] = dict(request.query_params)
        if len(given) != len(request.query_params.multi_items()):
            raise RequestMalformed
        for name in ("variables", "extensions"):
            if name in given:
                given[name] = None if given[name] == "null" else _object(given[name].encode())
        return _checked(given)
    if request.method != "POST":
        raise MethodNotAllowed
    # Two headers become one that is no media type.
    kind, _, parameters = ",".join(request.headers.getlist("content-type")).partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if kind.strip().lower() != JSON or charset not in ("", "utf-8"):
        raise MediaTypeUnsupported
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise RequestTooLarge
    except ClientDisconnect:
        raise RequestMalformed from None
    return _checked(_object(bytes(body)))


def _object(text: bytes) -> dict[str, object]:
    found = read_object(text)
    if found is None:
        raise RequestMalformed
    return found


def _checked(given: Mapping[str, Any]) -> GraphQLRequest:
    query, name = given.get("query"), given.get("operationName")
    variables, extensions = given.get("variables"), given.get("extensions")
    if not isinstance(query, str) or not (name is None or isinstance(name, str)):
        raise RequestMalformed
    for mapping in (variables, extensions):
        if not (mapping is None or isinstance(mapping, dict)):
            raise RequestMalformed
    return GraphQLRequest(query, name or None, variables or {})
