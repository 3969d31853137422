"""HTTP → GraphQL request, after GraphQL over HTTP. Knows no token, no document, no policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.errors import (
    MediaTypeUnsupported,
    MethodNotAllowed,
    NotAcceptable,
    RequestMalformed,
    RequestTooLarge,
)

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

    Without a preference it is application/json, which every client understands.
    """
    accept = request.headers.get("accept", "").strip()
    if not accept:
        return JSON
    best, weight = "", 0.0
    for entry in accept.split(","):
        name, _, parameters = entry.strip().partition(";")
        quality = _quality(parameters)
        for offered in _offers(name.strip().lower()):
            if quality > weight:
                best, weight = offered, quality
    if not best:
        raise NotAcceptable
    return best


def _offers(name: str) -> tuple[str, ...]:
    if name in ("*/*", "application/*"):
        return (JSON,)
    return (name,) if name in (GRAPHQL, JSON) else ()


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


async def read_request(request: Request) -> GraphQLRequest:
    """The GraphQL request in an HTTP request.

    Raises MethodNotAllowed, MediaTypeUnsupported, RequestTooLarge or RequestMalformed.
    """
    if request.method == "GET":
        if len(request.url.query) > MOST_BYTES:
            raise RequestTooLarge
        given: dict[str, Any] = dict(request.query_params)
        for name in ("variables", "extensions"):
            if name in given:
                given[name] = _json(given[name].encode())
        return _checked(given)
    if request.method != "POST":
        raise MethodNotAllowed
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if kind.strip().lower() != JSON or charset not in ("", "utf-8"):
        raise MediaTypeUnsupported
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise RequestTooLarge
    return _checked(_json(bytes(body)))


def _json(text: bytes) -> Any:  # noqa: ANN401 - what JSON holds is not known yet
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise RequestMalformed from None


def _checked(given: object) -> GraphQLRequest:
    if not isinstance(given, dict):
        raise RequestMalformed
    query, name = given.get("query"), given.get("operationName")
    variables, extensions = given.get("variables"), given.get("extensions")
    if not isinstance(query, str) or not (name is None or isinstance(name, str)):
        raise RequestMalformed
    for mapping in (variables, extensions):
        if not (mapping is None or isinstance(mapping, dict)):
            raise RequestMalformed
    return GraphQLRequest(query, name or None, variables or {})
