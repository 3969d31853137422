"""What a soak asks: all roles, many operations, and what fills caches and has to be evicted again.

A share of the requests is like no other before: fresh aliases, fresh combinations of fields, fresh
values, fresh tokens, documents that are not valid, tokens that have expired, cursors of answers
that came before. Each request knows which answer is right.
"""

from __future__ import annotations

import json
import random
import re
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from api.demo import demo_claims, example_claims
from api.demo_key import mint
from authz.decision import Deny
from authz.packaged import load_seed
from authz.snapshot import take
from db.catalog_records import CATALOG
from db.predicate import Never

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from authz.snapshot import Snapshot
    from bench.people import Ground

_SIX = (
    "citizenship immigrationStatus homeAddress { line1 line2 line3 city state zip } "
    "phoneNumber dateOfBirth medicaidId"
)
_FIELDS = (
    "medicaidId", "firstName", "middleInitial", "lastName", "dateOfBirth", "sex", "citizenship",
    "immigrationStatus", "phoneNumber", "caseNumber", "eligibilityGroup", "race", "ssnLast4",
    "maritalStatus", "incomeCode", "dateOfDeath",
    "homeAddress { city zip }", "mailingAddress { line1 }",
    "claims(first: 3) { nodes { icn paidAmount } }",
    "enrollments(first: 2) { nodes { __typename } }",
)  # fmt: skip
_CURSOR = re.compile(rb'"endCursor":"([A-Za-z0-9_-]+)"')
_ONE = "query One($id: String!) { enrollee(medicaidId: $id) { %s } }"
_PAGE = "query Page($n: Int!) { enrollees(first: $n) { nodes { %s } } }"
_WALK = (
    "query Walk($after: String) { enrollees(first: 20, after: $after) "
    "{ nodes { medicaidId dateOfBirth } pageInfo { endCursor hasNextPage } } }"
)
_BORN = (
    "query Born($from: Date!, $to: Date!) { enrollees(first: 25, "
    "where: { dateOfBirth: { gte: $from, lt: $to } }, orderBy: [{ dateOfBirth: ASC }]) "
    "{ nodes { dateOfBirth } } }"
)
_CLAIMS = (
    "{ enrollees(first: 20) { nodes { medicaidId claims(first: 10) "
    "{ nodes { icn kind serviceBeginDate providerNpi paidAmount } } } } }"
)
_PAID = (
    "query Paid($npi: String!) { claimsAggregate(where: { providerNpi: { eq: $npi } }, "
    "groupBy: [{ serviceYear: VALUE }]) "
    "{ groups { key { serviceYear } count sum { paidAmount } } } }"
)
_SEXES = "{ enrolleesAggregate(groupBy: [{ sex: VALUE }]) { count groups { key { sex } count } } }"
_LARGE = "{ claims(first: 1000) { nodes { icn kind serviceBeginDate paidAmount billedAmount } } }"
_VIEWER = "{ viewer { __typename } }"
_SCHEMA = "{ __schema { types { name fields { name } } } }"


class Right(Enum):
    """Which answer a request should have."""

    DATA = "data"
    """Status 200 with data; errors beside it say what was denied."""
    REFUSED = "200 without data: a filter or an order is denied to the role"
    INVALID = "the document is not valid"
    EXPIRED = "401"


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: what kind it is, its token and body, and which answer is right."""

    kind: str
    token: str
    body: bytes
    right: Right

    def fault(self, status: int, body: bytes) -> str | None:
        """What is wrong with an answer, without any of its values; None if nothing is."""
        code = re.search(rb'"code":"(FW\d{3})"', body)
        said = f"{status} {code[1].decode() if code else ''}".strip()
        data = b'"data":{' in body[:20]
        match self.right:
            case Right.DATA:
                good = status == 200 and data
            case Right.REFUSED:
                good = status == 200 and code is not None and code[1] == b"FW121"
            case Right.INVALID:
                good = status == 200 and code is not None and code[1] == b"FW110"
            case Right.EXPIRED:
                good = status == 401
        return None if good else said


class Mix:
    """An endless stream of requests; the same one for the same number."""

    def __init__(self, place: Ground, ids: Sequence[str], number: int = 1) -> None:
        self._place = place
        self._ids = ids
        self._rng = random.Random(number)
        policy = take(*load_seed(CATALOG), datetime.now(UTC))
        self._roles = sorted(policy.roles)
        # To whom no person exists, the root is null, whatever it is asked by.
        nobody = {r for r in policy.roles if policy.decisions(r).row_scope("Enrollee") == Never()}
        self._finds = nobody | _who(policy, "Enrollee.medicaidId", "filter:eq")
        self._spans = nobody | _who(
            policy, "Enrollee.dateOfBirth", "filter:gte", "filter:lt", "sort"
        )
        self._tokens = {role: place.token(role) for role in self._roles}
        past = datetime.now(UTC) - timedelta(hours=1)
        self._expired = [self._mint(role, past) for role in self._roles]
        self._cursors: deque[tuple[str, str]] = deque(maxlen=500)
        self._count = 0
        kinds: dict[Callable[[], Ask], int] = {
            self._one: 30, self._page: 18, self._walk: 12, self._fresh_aliases: 6,
            self._fresh_fields: 6, self._fresh_token: 5, self._born: 5, self._claims: 4,
            self._denied: 4, self._invalid: 3, self._expired_token: 3, self._paid: 2,
            self._local: 2, self._large: 0.2, self._sexes: 0.1,
        }  # fmt: skip
        self._kinds, self._weights = list(kinds), list(kinds.values())

    def next(self) -> Ask:
        """The next request."""
        self._count += 1
        return self._rng.choices(self._kinds, self._weights)[0]()

    def hear(self, ask: Ask, body: bytes) -> None:
        """Keeps the cursor of an answer for a request to come."""
        if ask.kind == "walk" and (found := _CURSOR.search(body)):
            self._cursors.append((ask.token, found[1].decode()))

    def _mint(self, role: str, now: datetime, **claims: object) -> str:
        """A token of five minutes from a moment on."""
        own = demo_claims(role) | example_claims(role, self._place.examples)
        return mint(role, own | claims, self._place.key, now, timedelta(minutes=5))

    def _any(self) -> str:
        return self._tokens[self._rng.choice(self._roles)]

    def _one(self) -> Ask:
        role = self._rng.choice(self._roles)
        return self._found("one", role, self._tokens[role])

    def _found(self, kind: str, role: str, token: str) -> Ask:
        right = Right.DATA if role in self._finds else Right.REFUSED
        return _ask(kind, token, _ONE % _SIX, right, id=self._rng.choice(self._ids))

    def _page(self) -> Ask:
        return _ask("page", self._any(), _PAGE % _SIX, n=self._rng.choice((5, 10, 25, 50)))

    def _walk(self) -> Ask:
        if self._cursors and self._rng.random() < 0.9:
            token, after = self._cursors.popleft()
            return _ask("walk", token, _WALK, after=after)
        return _ask("walk", self._any(), _WALK, after=None)

    def _fresh_aliases(self) -> Ask:
        names = [f"a{self._rng.randrange(10**9)}" for _ in range(3)]
        fields = " ".join(f"{n}: {f}" for n, f in zip(names, _FIELDS[:3], strict=True))
        return _ask("fresh aliases", self._any(), _PAGE % fields, n=10)

    def _fresh_fields(self) -> Ask:
        chosen = self._rng.sample(_FIELDS, self._rng.randrange(3, 12))
        document = _PAGE % " ".join(chosen)
        return _ask("fresh fields", self._any(), document, n=self._rng.randrange(1, 50))

    def _fresh_token(self) -> Ask:
        role = self._rng.choice(self._roles)
        token = self._mint(role, datetime.now(UTC), sub=f"soak-{self._count}")
        return self._found("fresh token", role, token)

    def _born(self) -> Ask:
        year = self._rng.randrange(1930, 2020)
        between = {"from": f"{year}-01-01", "to": f"{year}-{self._rng.randrange(2, 13):02}-01"}
        role = self._rng.choice(self._roles)
        right = Right.DATA if role in self._spans else Right.REFUSED
        return _ask("born", self._tokens[role], _BORN, right, **between)

    def _claims(self) -> Ask:
        return _ask("claims", self._tokens["program_integrity"], _CLAIMS)

    def _denied(self) -> Ask:
        document = _PAGE % " ".join(_FIELDS[:16])
        return _ask("denied", self._tokens["immigration_enforcement"], document, n=50)

    def _invalid(self) -> Ask:
        number = self._rng.randrange(10**9)
        document = self._rng.choice(
            (f"{{ enrollees {{ nodes {{ no{number} }} }} }}", f"{{ enrollees {{ #{number}\n")
        )
        return _ask("invalid", self._any(), document, Right.INVALID)

    def _expired_token(self) -> Ask:
        return _ask("expired", self._rng.choice(self._expired), _VIEWER, Right.EXPIRED)

    def _paid(self) -> Ask:
        npi = self._place.examples["npi"]
        return _ask("paid", self._tokens["program_integrity"], _PAID, npi=npi)

    def _local(self) -> Ask:
        return _ask("local", self._any(), self._rng.choice((_VIEWER, _SCHEMA)))

    def _large(self) -> Ask:
        return _ask("large", self._tokens["program_integrity"], _LARGE)

    def _sexes(self) -> Ask:
        return _ask("sexes", self._tokens["researcher"], _SEXES)


def _who(policy: Snapshot, coordinate: str, *actions: str) -> frozenset[str]:
    """The roles to which none of the actions is denied on all rows."""
    return frozenset(
        role
        for role in policy.roles
        if not any(
            isinstance(policy.decisions(role).decide(coordinate, action), Deny)
            for action in actions
        )
    )


def _ask(
    kind: str,
    token: str,
    document: str,
    right: Right = Right.DATA,
    **variables: Any,
) -> Ask:
    body = json.dumps({"query": document, "variables": variables}).encode()
    return Ask(kind, token, body, right)
