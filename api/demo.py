"""The demo: people, a token and a first query for each role. Nothing of it serves elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from api.demo_key import mint
from db.examples import attribute_examples
from db.ingest.seed import seed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import asyncpg

    from api.demo_key import DemoKey

SEED = 1
LIFETIME = timedelta(hours=12)

_SIX = """{
  enrollees(first: 5) {
    nodes {
      medicaidId
      dateOfBirth
      citizenship
      immigrationStatus
      phoneNumber
      homeAddress { line1 line2 line3 city state zip }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""
_PEOPLE = """{
  enrollees(first: 5) {
    nodes { medicaidId firstName lastName dateOfBirth phoneNumber homeAddress { line1 city zip } }
  }
}
"""
_POLICY = """{
  policy { version rules { role object action condition effect } }
  orders { docket status effective }
}
"""


@dataclass(frozen=True, slots=True)
class _Role:
    name: str
    label: str
    attributes: tuple[str, ...]
    query: str


_ROLES = (
    _Role("immigration_enforcement", "Immigration enforcement", (), _SIX),
    _Role("beneficiary", "Beneficiary", ("enrollee_id",), """{
  enrollees { nodes { firstName lastName dateOfBirth phoneNumber claims(first: 3) {
    nodes { serviceBeginDate diagnosisCode paidAmount } } } }
}
"""),
    _Role("front_desk", "Front desk", ("county",), """{
  enrollees(first: 5, orderBy: [{ lastName: ASC }]) {
    nodes { firstName lastName dateOfBirth ssnLast4 phoneNumber }
  }
}
"""),
    _Role("eligibility_worker", "Eligibility worker", ("state", "county"), """{
  enrollees(first: 5, where: { citizenship: { eq: NON_CITIZEN } }) {
    nodes { firstName lastName immigrationStatus determinations { nodes { outcome endDate } } }
  }
}
"""),
    _Role("eligibility_supervisor", "Eligibility supervisor", ("state",), """{
  enrollees(first: 5, where: { immigrationStatus: { eq: EMERGENCY_SERVICES_ONLY } }) {
    totalCount
    nodes { firstName lastName eligibilityGroup }
  }
}
"""),
    _Role("managed_care_plan", "Managed care plan", ("plan_id",), """{
  enrollees(first: 5) {
    nodes { medicaidId lastName claims(first: 2) { nodes { icn paidAmount } } }
  }
}
"""),
    _Role("provider", "Provider", ("npi",), """{
  enrollees(first: 5) {
    nodes { lastName dateOfBirth claims(first: 2) { nodes { diagnosisCode } } }
  }
}
"""),
    _Role("program_integrity", "Program integrity", ("state",), """{
  claims(first: 5, orderBy: [{ paidAmount: DESC }]) {
    totalCount
    nodes { icn paidAmount diagnosisCode provider { name } enrollee { lastName } }
  }
}
"""),
    _Role("researcher", "Researcher", ("agreement_states",), """{
  enrollees(first: 5) { nodes { pseudonym birthYear ageGroup zip3 sex race } }
  enrolleesAggregate(groupBy: [{ ageGroup: VALUE }, { sex: VALUE }]) {
    count suppressed groups { key { ageGroup sex } count suppressed }
  }
}
"""),
    _Role("actuary", "Actuary", (), """{
  claimsAggregate(groupBy: [{ enrollee: { ageGroup: VALUE } }]) {
    count suppressed
    groups { key { enrollee { ageGroup } } count sum { paidAmount } avg { paidAmount } suppressed }
  }
}
"""),
    _Role("auditor", "Auditor", (), _POLICY),
    _Role("policy_administrator", "Policy administrator", (), _POLICY),
    _Role("break_glass", "Break glass", ("person",), """{
  enrollees { nodes { firstName lastName dateOfBirth claims(first: 5) {
    nodes { serviceBeginDate diagnosisCode } } } }
}
"""),
)  # fmt: skip


async def prepare(
    connection: asyncpg.Connection, enrollees: int, progress: Callable[[int, int], None] | None
) -> dict[str, str]:
    """Records to look at, where there are none yet; attribute values that occur in them."""
    if not await attribute_examples(connection):
        await seed(connection, enrollees, SEED, progress)
    return await attribute_examples(connection)


def demo_claims(role: str) -> dict[str, object]:
    """Claims of a demo token that no record is needed for: purpose, request, reason, hour."""
    match role:
        case "immigration_enforcement":
            return {"purpose": "LAWENF", "request": "DEMO-1"}
        case "researcher":
            return {"agreement": "DEMO-DUA", "purpose": "HRESCH"}
        case "break_glass":
            until = datetime.now(UTC) + timedelta(hours=1)
            return {"reason": "demo", "until": until.isoformat(), "purpose": "ETREAT"}
        case _:
            return {}


def first_queries() -> dict[str, str]:
    """Role → the query that GraphiQL offers for it."""
    return {role.name: role.query for role in _ROLES}


def example_claims(role: str, examples: Mapping[str, str]) -> dict[str, object]:
    """Attributes under which a role sees something; `examples` are values of the records."""
    wanted = {each.name: each.attributes for each in _ROLES}.get(role, ())
    sources = {"agreement_states": "state", "person": "enrollee_id"}
    found = {name: examples.get(sources.get(name, name)) for name in wanted}
    return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Demo:
    """`examples`: attribute → a value that occurs in the records. `key` signs the tokens."""

    examples: Mapping[str, str]
    key: DemoKey

    def token(self, role: str) -> str:
        """A token for a role, good for LIFETIME."""
        claims = demo_claims(role) | example_claims(role, self.examples)
        return mint(role, claims, self.key, datetime.now(UTC), LIFETIME)

    def session(self) -> bytes:
        """What GraphiQL is told: roles, tokens and first queries of the demo."""
        roles = [
            {"role": r.name, "label": r.label, "token": self.token(r.name), "query": r.query}
            for r in _ROLES
        ]
        return json.dumps({"demo": True, "roles": roles}).encode()

    def welcome(self, url: str) -> str:
        """What the demo prints: where, a request that works as it is, a token for each role."""
        first = _ROLES[0]
        body = json.dumps({"query": " ".join(first.query.split())})
        tokens = "\n".join(f"{role.name}\n  {self.token(role.name)}" for role in _ROLES)
        return (
            f"\nTokens, good for {int(LIFETIME.total_seconds() // 3600)} hours:\n\n{tokens}\n\n"
            f"A first request:\n\n"
            f"curl -s {url}/graphql -H 'Content-Type: application/json' \\\n"
            f"  -H 'Authorization: Bearer {self.token(first.name)}' \\\n"
            f"  --data '{body}'\n\n"
            f"GraphiQL: {url}/graphql\n"
        )
