"""One request, top to bottom. Where it may be refused stands beside each step.

bytes → GraphQL request → principal → acting role → operation → plan → statement → bytes
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from api import metrics
from api.administration.changes import Administration
from api.administration.documents import Documents
from api.administration.inquiry import Inquiry
from api.authenticate import challenge, complete
from api.cache import Cache
from api.document import DocumentInvalid
from api.errors import (
    AccessEnded,
    AttributeMissing,
    MethodNotAllowed,
    SharedMedicaidId,
)
from api.explorer import page_response, wants_page
from api.fresh import under_head
from api.local import answer_local
from api.reply import compact, defect_of, error_of, failure, parts, sealed, success
from api.request import GRAPHQL, JSON, HttpRequest, media_type, read_request
from api.root import Root
from api.summary import answer as summarized
from api.unstored import UNSTORED
from api.view import view_of
from authz.principal import acting_role
from db.errors import FieldwardError
from db.execute import Inputs, execute

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import GraphQLSchema
    from starlette.types import Receive, Scope, Send

    from api.authenticate import Authenticator
    from api.compiler import Compiled, Compiler
    from api.given import Given
    from api.request import GraphQLRequest
    from authz.decision import DecisionSet
    from authz.follower import Follower
    from authz.principal import Principal
    from authz.snapshot import Snapshot
    from db.pools import Pools

_log = logging.getLogger("fieldward")
_MOST_VIEWS = 32_000
_NO_STORE = {name.decode(): value.decode() for name, value in UNSTORED}


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Endpoint:
    """Everything that a request needs and that outlives it."""

    authenticator: Authenticator
    policy: Follower
    pools: Pools
    compiler: Compiler
    clock: Callable[[], datetime] = _now
    _views: Cache[GraphQLSchema] = field(default_factory=lambda: Cache(_MOST_VIEWS))

    def __post_init__(self) -> None:
        self._documents = Documents(self.pools)
        self._administration = Administration(self.pools, self.policy, self._documents)
        self._inquiry = Inquiry(self._documents)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The HTTP answer to /graphql, as ASGI: never an exception, never a value in an error."""
        if scope["method"] in ("GET", "HEAD") and wants_page(page := Request(scope)):
            await page_response(page)(scope, receive, send)
            return
        began = time.perf_counter()
        kind, code, role, before = JSON, "", "", True
        refused: Response | None = None
        try:
            request = HttpRequest(scope, receive)
            kind = media_type(request)
            asked = await read_request(request)
            principal = await self._principal(request)
            as_of = self.clock()
            named = request.one(b"acting-role")

            async def once(snapshot: Snapshot) -> list[bytes]:
                nonlocal role, before
                who = snapshot.principal(principal)
                role = acting_role(who, named, snapshot.capped, snapshot.roles)
                before = False
                return await self._answer(asked, who, snapshot, role, as_of)

            body = await under_head(self.policy, as_of, once, lambda: role)
        except FieldwardError as error:
            code, refused = error.code, _refused(error, kind, before=before)
        except Exception as error:
            defect = defect_of(error)
            code, refused = defect.code, _refused(defect, kind, before=before)
        status = 200 if refused is None else refused.status_code
        metrics.observe(role, status, code, time.perf_counter() - began)
        if refused is not None:
            await refused(scope, receive, send)
            return
        # What Response would do, without making one: this is what nearly every request comes to.
        length = b"%d" % sum(map(len, body))
        headers = [(b"content-length", length), (b"content-type", kind.encode()), *UNSTORED]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        *before_last, last = parts(body)
        for part in before_last:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": last})

    async def _principal(self, request: HttpRequest) -> Principal:
        principal = await self.authenticator.authenticate(request.one(b"authorization"))
        return complete(
            principal, request.one(b"purpose-of-use"), request.one(b"request-reference")
        )

    @property
    def caches(self) -> Mapping[str, Cache[Any]]:
        """What is kept between requests, by its name in metrics."""
        return {
            "variables": self.compiler.variables,
            "facts": self.compiler.facts,
            "compiled": self.compiler.compiled,
            "views": self._views,
            "tokens": self.authenticator.verified,
        }

    def _view(self, decisions: DecisionSet) -> GraphQLSchema:
        """The schema as a role sees it: for introspection, and to say what is wrong in it."""
        key = (decisions.version, decisions.role)
        view = self._views.get(key)
        if view is None:
            view = view_of(decisions)
            self._views.put(key, view, 0)
        return view

    async def _answer(
        self,
        asked: GraphQLRequest,
        principal: Principal,
        snapshot: Snapshot,
        role: str,
        as_of: datetime,
    ) -> list[bytes]:
        """The body of an answer with data, in pieces. A record operation is one statement, one
        round trip.

        StalePolicy where this snapshot is not the head's, PrivilegeMissing where PostgreSQL does
        not let the role do what it permits.
        """
        decisions = snapshot.decisions(role)
        compiled, given = self.compiler.compile(
            asked, decisions, principal.subject, lambda: self._view(decisions)
        )
        data: dict[int, bytes] = {}
        errors = compiled.errors
        if compiled.statement is not None:
            _check_attributes(principal, snapshot.required_attributes(role), as_of)
            data, found = await self._records(compiled, given, principal, role, as_of, snapshot)
            errors += found
        else:
            await self.policy.confirm(snapshot)
        if compiled.local is not None:
            local, found = await answer_local(
                compiled.local,
                asked.variables,
                decisions,
                self._view(decisions),
                Root(
                    principal,
                    role,
                    snapshot,
                    as_of,
                    self._administration,
                    self._inquiry,
                    self._documents,
                ),
            )
            data |= {compiled.keys.index(key): compact(value) for key, value in local.items()}
            errors += found
        return success(compiled.labels, data, errors, compiled.extensions)

    async def _records(
        self,
        compiled: Compiled,
        given: Given,
        principal: Principal,
        role: str,
        as_of: datetime,
        snapshot: Snapshot,
    ) -> tuple[dict[int, bytes], tuple[bytes, ...]]:
        """Response keys by their index → JSON, and what is said of single rows."""
        assert compiled.statement is not None  # noqa: S101 - who calls has seen it
        mark = secrets.token_hex(16) if compiled.marked else ""
        inputs = Inputs(
            compiled.values(given),
            principal.attributes.lists,
            as_of.date(),
            mark,
            snapshot.number,
        )
        row = iter(await execute(self.pools, role, compiled.statement, inputs))
        data: dict[int, bytes] = {}
        errors: tuple[bytes, ...] = ()
        for shown in compiled.shown:
            body = next(row)
            if shown.single and next(row) == 2:
                errors += (compact(error_of(SharedMedicaidId(), (compiled.keys[shown.key],))),)
            found = body if isinstance(body, bytes) else b"null"
            if shown.aggregate is not None:
                # What has to be withheld of many cells takes a while: other requests go on.
                found = compact(await asyncio.to_thread(summarized, found, shown.aggregate))
            elif compiled.marked:
                found = sealed(found, mark.encode(), compiled.listings, given)
            data[shown.key] = found
        return data, errors


def _check_attributes(principal: Principal, required: frozenset[str], as_of: datetime) -> None:
    known = principal.attributes.lists.keys()
    if not required <= known:
        raise AttributeMissing(attributes=sorted(required - known))
    until = principal.attributes.get("until")
    if "until" in required and datetime.fromisoformat(str(until)) <= as_of:
        raise AccessEnded


def _located(locations: tuple[tuple[int, int], ...]) -> dict[str, object]:
    # An empty list of locations would be against the specification (section 7.1.2).
    places = [{"line": line, "column": column} for line, column in locations]
    return {"locations": places} if places else {}


def _refused(error: FieldwardError, kind: str, *, before: bool) -> Response:
    """A refusal. GraphQL over HTTP: a well-formed request is answered 200 in application/json,
    and 405 where it is a mutation by GET."""
    shown: list[dict[str, object]]
    if isinstance(error, DocumentInvalid):
        shown = [
            {
                "message": problem.message,
                **_located(problem.locations),
                "extensions": {"code": error.code},
            }
            for problem in error.problems
        ]
    else:
        shown = [error_of(error)]
    status = error.status
    wrong_method = isinstance(error, MethodNotAllowed)
    if not before and kind != GRAPHQL and status < 500 and not wrong_method:
        status = 200
    if status >= 500:
        _log.error("%s %s", error.code, error.detail)
    response = Response(failure(shown), status, dict(_NO_STORE), media_type=kind)
    if status == 401:
        response.headers["WWW-Authenticate"] = challenge(error) or "Bearer"
    if wrong_method:
        response.headers["Allow"] = "GET, POST"
    return response
