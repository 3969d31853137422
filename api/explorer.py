"""GraphiQL for a browser: its page, its assets, and what the page is told at its start.

Everything comes from this origin. Knows nothing of GraphQL, tokens or records: what
`session.json` says is handed in as bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from db.errors import FieldwardError

ASSETS: Final = Path(__file__).parent / "static" / "graphiql"

# Monaco writes style elements and style attributes, draws its squiggles from data: images and
# has its code font inlined. Scripts, workers and requests are of this origin, without exception.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "connect-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "base-uri 'self'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

# What the build writes. Named here, because with nosniff a script runs only under its own type,
# and a machine's own table of types may differ.
_MEDIA_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain",
}
_NAMED_BY_CONTENT: Final = re.compile(r"-[0-9A-Z]{8}\.\w+$")


class AssetsNotBuilt(FieldwardError):
    """GraphiQL's page was asked for on an installation where it was never built."""

    code = "FW190"
    public = "GraphiQL is not built on this installation: run `make web`"
    status = 503


def routes(session: Callable[[], bytes]) -> list[BaseRoute]:
    """The page at `/graphiql/`, its assets below, and `/graphiql/session.json`.

    `session` gives the JSON `{"demo": bool, "roles": [{"role", "label", "token", "query"}]}`, once
    for each load of the page. It carries tokens: only the demo, whose tokens are public anyway,
    may list roles.
    """

    def session_json(request: Request) -> Response:
        return Response(
            session(),
            media_type="application/json",
            headers={**_HEADERS, "Cache-Control": "no-store"},
        )

    return [
        Route("/graphiql", _to_page),
        Route("/graphiql/", page_response),
        Route("/graphiql/session.json", session_json),
        Route("/graphiql/{name}", _asset),
    ]


def wants_page(request: Request) -> bool:
    """Whether a request to `/graphql` comes from a person's browser and carries no operation."""
    accept = request.headers.get("accept", "")
    return (
        request.method in ("GET", "HEAD")
        and "text/html" in accept
        and "json" not in accept  # a client that names both wants the answer, not the page
        and "query" not in request.query_params
    )


def page_response(request: Request) -> Response:
    """GraphiQL's page, the same at `/graphql` and `/graphiql/`; FW190 as text if not built."""
    headers = {**_HEADERS, "Cache-Control": "no-store", "Vary": "Accept"}
    page = ASSETS / "index.html"
    if not page.is_file():
        error = AssetsNotBuilt()
        return PlainTextResponse(f"{error}\n", status_code=error.status, headers=headers)
    return FileResponse(page, media_type="text/html", headers=headers)


def _to_page(request: Request) -> Response:
    return RedirectResponse("/graphiql/", headers=_HEADERS)


def _asset(request: Request) -> Response:
    file = ASSETS / request.path_params["name"]
    media_type = _MEDIA_TYPES.get(file.suffix)
    if media_type is None or file.parent != ASSETS or not file.is_file():
        raise HTTPException(404)
    forever = "public, max-age=31536000, immutable"
    caching = forever if _NAMED_BY_CONTENT.search(file.name) else "no-cache"
    return FileResponse(file, media_type=media_type, headers={**_HEADERS, "Cache-Control": caching})
