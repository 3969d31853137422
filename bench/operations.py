"""What is asked of every competitor: seven operations, their values, and what an answer means.

Knows documents and answers; knows no process, no socket and no SQL. Fieldward, Apollo and the naive
server answer the same document; bare SQL takes the operation's name and the same values; what
PostGraphile is asked is in bench/postgraphile.py, for it names columns and not T-MSIS fields.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from bench import postgraphile

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg

PEERS = ("fieldward", "bare", "naive", "postgraphile", "apollo")
MOST_PEOPLE = 1_000
"""Medicaid IDs in a sample, where the state has as many."""
PAGE = 50
LARGE = 1_000

Values: TypeAlias = dict[str, str]

SIX = (
    "citizenship immigrationStatus homeAddress { line1 line2 line3 city state zip } "
    "phoneNumber dateOfBirth medicaidId"
)
CLAIM_FIVE = "icn kind serviceBeginDate providerNpi paidAmount"
PLAIN_SIX = "medicaidId firstName middleInitial lastName dateOfBirth sex"
DENIED = (
    "firstName", "middleInitial", "lastName", "ssn", "ssnLast4", "sex", "dateOfDeath",
    "maritalStatus", "incomeCode", "race", "caseNumber", "eligibilityGroup",
)  # fmt: skip
CLAIM_TWENTY = (
    "id icn kind submittingState serviceBeginDate serviceEndDate serviceYear admissionDate "
    "dischargeDate adjudicationDate paidDate typeOfBill placeOfService coveredDays providerNpi "
    "planId billedAmount allowedAmount paidAmount enrollee { medicaidId }"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """Values that occur in the records. All of one state, the one that the tokens are for."""

    state: str
    day: date
    medicaid_ids: tuple[str, ...]
    npis: tuple[str, ...]
    birth_spans: tuple[tuple[date, date], ...]
    service_days: tuple[date, ...]
    claim_days: tuple[date, ...]


async def sample(owner: asyncpg.Connection) -> Sample:
    """Values for requests, the same ones each time over the same records."""
    state = await owner.fetchval(
        """
        select submitting_state from medicaid.enrollee group by 1 order by count(*) desc, 1 limit 1
        """
    )
    ids = await owner.fetch(
        """
        select msis_identification_num as id from medicaid.enrollee
         group by 1 having count(*) = 1 and min(submitting_state) = $1
         order by md5(msis_identification_num) limit $2
        """,
        state,
        MOST_PEOPLE,
    )
    npis = await owner.fetch(
        """
        select billing_prov_npi_num as npi from medicaid.claim
         where submitting_state = $1 and billing_prov_npi_num is not null
         group by 1 order by count(*) desc, 1 limit 20
        """,
        state,
    )
    first, last = await owner.fetchrow(
        "select min(beginning_date_of_service), max(beginning_date_of_service) from medicaid.claim"
    )
    months = [date(first.year + m // 12, m % 12 + 1, 1) for m in range(first.month, 48)]
    within = [month for month in months if first < month < last]
    return Sample(
        state,
        datetime.now(UTC).date(),
        tuple(row["id"] for row in ids),
        tuple(row["npi"] for row in npis),
        tuple((date(year, month, 1), date(year + 3, month, 1))
              for year in range(1950, 2015, 2) for month in (1, 4, 7, 10)),
        tuple(within[: max(1, len(within) // 2)]),
        # Nearly all claims are later than these, so that a page costs the same for each.
        tuple(within[:4]),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `document` is GraphQL for all but two of `peers`; `values` are what its
    variables take, a request each; `rows` finds in an answer's data what is compared."""

    name: str
    title: str
    role: str
    peers: frozenset[str]
    document: str
    values: Callable[[Sample], list[Values]]
    rows: Callable[[Any], object]
    denies: bool = False

    def bodies(self, peer: str, sample: Sample) -> list[bytes]:
        """Bodies of POST requests, in one order for all peers."""
        if peer not in self.peers:
            raise ValueError(f"{peer} does not answer {self.name}")
        return [self._body(peer, values, sample) for values in self.values(sample)]

    def _body(self, peer: str, values: Values, sample: Sample) -> bytes:
        if peer == "bare":
            return _json({"operation": self.name, "state": sample.state, **values})
        if peer == "postgraphile":
            document = postgraphile.DOCUMENTS[self.name]
            values = values | {"state": sample.state, "day": sample.day.isoformat()}
        else:
            document = self.document
        asked = {name: value for name, value in values.items() if f"${name}" in document}
        return _json({"query": document, "variables": asked})

    def reduce(self, peer: str, answer: dict[str, Any]) -> object:
        """What an answer says: equal for equal rows, values and order, whoever gave it.

        ValueError for an answer that is none: no data, or errors where nothing is denied.
        """
        data = answer.get("data")
        if not isinstance(data, dict) or (answer.get("errors") and not self.denies):
            raise ValueError(f"{peer} did not answer {self.name}: {_shortened(answer)}")
        if peer == "postgraphile":
            return postgraphile.READERS[self.name](data)
        return self.rows(data)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _shortened(answer: dict[str, Any]) -> str:
    return json.dumps(answer)[:500]


def _one_of_none(_: Sample) -> list[Values]:
    return [{}]


def _groups(data: Any) -> object:
    """Groups by key: GraphQL promises no order of them."""
    groups = [
        {**group["key"], "count": group["count"], "paid": group["sum"]["paidAmount"]}
        for group in data["claimsAggregate"]["groups"]
    ]
    return sorted(groups, key=lambda group: (group["serviceYear"], group["kind"]))


def _nodes(root: str) -> Callable[[Any], object]:
    return lambda data: data[root]["nodes"]


_ALL = frozenset(PEERS)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "one",
        "one enrollee by Medicaid ID, six fields",
        "eligibility_supervisor",
        _ALL,
        f"query One($medicaidId: String!) {{ enrollee(medicaidId: $medicaidId) {{ {SIX} }} }}",
        lambda sample: [{"medicaidId": each} for each in sample.medicaid_ids],
        lambda data: data["enrollee"],
    ),
    Operation(
        "fifty",
        "50 enrollees, six fields",
        "eligibility_supervisor",
        _ALL,
        f"query Fifty {{ enrollees(first: {PAGE}) {{ nodes {{ {SIX} }} }} }}",
        _one_of_none,
        _nodes("enrollees"),
    ),
    Operation(
        "fifty_claims",
        "50 enrollees, 10 claims each, five fields",
        "program_integrity",
        _ALL,
        f"query Claims {{ enrollees(first: {PAGE}) {{ nodes {{ medicaidId "
        f"claims(first: 10) {{ nodes {{ {CLAIM_FIVE} }} }} }} }} }}",
        _one_of_none,
        _nodes("enrollees"),
    ),
    Operation(
        "filtered",
        "filtered and ordered page of 50, six fields",
        "eligibility_supervisor",
        _ALL,
        f"query Filtered($from: Date!, $to: Date!) {{ enrollees(first: {PAGE}, "
        "where: { dateOfBirth: { gte: $from, lt: $to } }, "
        f"orderBy: [{{ lastName: ASC }}, {{ medicaidId: ASC }}]) {{ nodes {{ {PLAIN_SIX} }} }} }}",
        lambda sample: [
            {"from": begin.isoformat(), "to": end.isoformat()} for begin, end in sample.birth_spans
        ],
        _nodes("enrollees"),
    ),
    Operation(
        "aggregate",
        "claims of a provider by year and kind: count and sum",
        "program_integrity",
        _ALL,
        "query Aggregate($npi: String!, $from: Date!) { claimsAggregate("
        "where: { providerNpi: { eq: $npi }, serviceBeginDate: { gte: $from } }, "
        "groupBy: [{ serviceYear: VALUE }, { kind: VALUE }]) "
        "{ groups { key { serviceYear kind } count sum { paidAmount } } } }",
        lambda sample: [
            {"npi": npi, "from": day.isoformat()}
            for day in sample.service_days
            for npi in sample.npis
        ],
        _groups,
    ),
    Operation(
        "denied",
        "50 enrollees of the population, six fields and twelve denied ones",
        "immigration_enforcement",
        # A column without a grant is not in PostGraphile's schema: it refuses the document whole.
        _ALL - {"postgraphile"},
        f"query Denied {{ enrollees(first: {PAGE}) {{ nodes {{ {SIX} {' '.join(DENIED)} }} }} }}",
        _one_of_none,
        _nodes("enrollees"),
        denies=True,
    ),
    Operation(
        "large",
        "1,000 claims, twenty fields",
        "program_integrity",
        _ALL,
        f"query Large($from: Date!) {{ claims(first: {LARGE}, "
        f"where: {{ serviceBeginDate: {{ gte: $from }} }}) {{ nodes {{ {CLAIM_TWENTY} }} }} }}",
        lambda sample: [{"from": day.isoformat()} for day in sample.claim_days],
        _nodes("claims"),
    ),
)
