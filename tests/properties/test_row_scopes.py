"""Each row scope of the seed policy by itself: one clause fails, and one role loses one record.

Everybody of scope_people lacks one thing. Each role sees exactly those of whom its clauses hold: in
lists, by ID, in counts, and along relations from either end. Then the same as time goes by, with no
commit of policy.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import asyncpg
import pytest

from authz.errors import AttributeInvalid
from authz.order import Change, Order, Status
from authz.packaged import load_seed
from authz.snapshot import Holder
from db.catalog_records import CATALOG
from db.migrate import migrate
from tests.database import template_database
from tests.gateway import gateway_over
from tests.oracle.asker import Asker
from tests.oracle.authority import Authority
from tests.oracle.evaluator import Oracle, Question
from tests.oracle.records import Records
from tests.oracle.world import World
from tests.properties.scope_people import (
    CASES,
    DAY,
    LETTERS,
    NUMBERS,
    Case,
    Row,
    directory,
    insert,
    person_id,
    rows_of,
    seen,
)
from tests.properties.test_differential_days import at

POLICY, ORDERS = load_seed(CATALOG)
LATER = "2030-01-01T00:00:00Z"

CLAIMS: dict[str, dict[str, object]] = {
    "front_desk": {"county": ["06001"]},
    "eligibility_worker": {"state": ["CA"], "county": ["06001"]},
    "eligibility_supervisor": {"state": ["CA"]},
    "managed_care_plan": {"plan_id": ["CAP1"]},
    "provider": {"npi": ["1000000001"]},
    "program_integrity": {"state": ["CA"]},
    "researcher": {"agreement": "test", "agreement_states": ["CA"]},
}
OF_ONE = ("beneficiary", "break_glass")
"""Roles that see one person."""


def claims_of(role: str, number: int) -> dict[str, object]:
    """The claims of a token under which a role sees somebody."""
    one = str(person_id(number))
    return {
        "beneficiary": {"enrollee_id": one},
        "break_glass": {"person": one, "until": LATER, "reason": "test"},
        **CLAIMS,
    }.get(role, {})


@dataclass
class Ground:
    """A gateway over a few records, and the clock that it goes by."""

    world: World
    now: datetime

    async def ask(self, role: str, query: str, claims: Mapping[str, object]) -> dict[str, Any]:
        """The body of an answer."""
        return dict(await self.world.ask(Question(Asker(role, "", claims), query)))


@asynccontextmanager
async def ground(
    rows: Iterable[tuple[str, Row]], orders: tuple[Order, ...] = ORDERS
) -> AsyncIterator[Ground]:
    """A ground on whose clock it is noon of DAY."""
    noon = datetime.combine(DAY, time(12), UTC)

    async def built(owner: asyncpg.Connection) -> None:
        await migrate(owner)
        await insert(owner, rows)

    async with (
        template_database(built) as template,
        gateway_over(template, Holder(POLICY, orders, noon)) as gateway,
    ):
        found = Ground(World(gateway, Oracle(Records({}), Authority(POLICY))), noon)
        async with at(found.world, POLICY, orders, lambda: found.now) as travelling:
            found.world = travelling
            yield found


@pytest.fixture(scope="module")
async def people(test_server: str) -> AsyncIterator[Ground]:
    """Everybody of CASES."""
    rows = [*directory()]
    for name, number in NUMBERS.items():
        rows += rows_of(CASES[name], number)
    async with ground(rows) as made:
        yield made


# Who is seen, by whom, wherever one can look.

_PERSON = "medicaidId pseudonym"
_CLAIM = "icn paidAmount"
_LISTS = {
    "enrollees": f"{_PERSON} claims(first: 3) {{ nodes {{ {_CLAIM} }} }}",
    "claims": f"{_CLAIM} enrollee {{ {_PERSON} }}",
}
_IDS = {
    dict(row for row in [next(rows_of(CASES[name], number))])["enrollee"][
        "msis_identification_num"
    ]: name
    for name, number in NUMBERS.items()
}
"""Medicaid ID → who has it."""


def who(node: Mapping[str, Any]) -> str:
    """The name of a person that a node is about."""
    if node["medicaidId"] is not None:
        return _IDS[node["medicaidId"]]
    return list(NUMBERS)[int(node["pseudonym"].replace("-", ""), 16) - 1]


def which(node: Mapping[str, Any]) -> tuple[str, str]:
    """Whose claim a node is, and its letter."""
    number, _, position = (node["icn"] or node["paidAmount"].replace(".0", "-")).partition("-")
    return list(NUMBERS)[int(number) - 1], position


async def listed(
    ground: Ground, role: str, claims: Mapping[str, object], root: str
) -> list[dict[str, Any]]:
    """The nodes of all pages of a list; nothing where the role has none."""
    nodes: list[dict[str, Any]] = []
    after = ""
    while True:
        query = (
            f"{{ {root}(first: 40{after}) {{ nodes {{ {_LISTS[root]} }} "
            "pageInfo { hasNextPage endCursor } } }"
        )
        page = (await ground.ask(role, query, claims))["data"][root]
        if page is None:
            return []
        nodes += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes
        after = f', after: "{page["pageInfo"]["endCursor"]}"'


def expected(role: str, names: Iterable[str]) -> dict[str, str]:
    """Who is seen by a role of these people, with all the letters."""
    return {name: letters for name in names if (letters := seen(role, name))}


async def check(ground: Ground, role: str, claims: Mapping[str, object], names: list[str]) -> None:
    """Lists and relations show of these people whom the role sees, and of the others nobody."""
    wanted = expected(role, names)
    persons = {name for name, letters in wanted.items() if "E" in letters}
    theirs = {
        (name, letter) for name, letters in wanted.items() for letter in letters if letter != "E"
    }
    found = await listed(ground, role, claims, "enrollees")
    assert sorted(map(who, found)) == sorted(persons)
    for node in found:
        # A role that does not walk this way is told so by null.
        if node["claims"] is not None:
            below = {which(each) for each in node["claims"]["nodes"]}
            assert below == {each for each in theirs if each[0] == who(node)}
    found = await listed(ground, role, claims, "claims")
    assert sorted(map(which, found)) == sorted(theirs)
    for node in found:
        name = which(node)[0]
        assert (node["enrollee"] and who(node["enrollee"])) == (name if name in persons else None)


@pytest.mark.parametrize("role", sorted(LETTERS.keys() - set(OF_ONE)))
async def test_a_role_sees_whoever_meets_every_clause_and_nobody_else(
    role: str, people: Ground
) -> None:
    await check(people, role, claims_of(role, 0), list(CASES))


@pytest.mark.parametrize("role", OF_ONE)
async def test_a_role_about_one_person_sees_that_one_and_nobody_else(
    role: str, people: Ground
) -> None:
    for name, number in NUMBERS.items():
        await check(people, role, claims_of(role, number), [name])
    assert not await listed(people, role, claims_of(role, 999), "enrollees")
    assert not await listed(people, role, claims_of(role, 999), "claims")


@pytest.mark.parametrize("role", sorted(LETTERS))
async def test_an_id_finds_whoever_is_listed(role: str, people: Ground) -> None:
    names = ["everything holds"] if role in OF_ONE else list(CASES)
    # Neither looks anybody up: a person's own record has no other, and research has no IDs.
    names = [] if role in ("beneficiary", "researcher") else names
    found = set()
    ids = list(_IDS)
    for start in range(0, len(ids), 40):
        roots = " ".join(
            f'p{n}: enrollee(medicaidId: "{each}") {{ medicaidId }}'
            for n, each in enumerate(ids[start : start + 40])
        )
        body = await people.ask(role, f"{{ {roots} }}", claims_of(role, 1))
        assert ("data" in body) is bool(names)
        found |= {
            who({**each, "pseudonym": None}) for each in body.get("data", {}).values() if each
        }
    assert found == {name for name, letters in expected(role, names).items() if "E" in letters}


@pytest.mark.parametrize(
    ("role", "roots"),
    [("eligibility_supervisor", "E"), ("program_integrity", "E12")],
)
async def test_counts_are_of_those_who_are_listed(role: str, roots: str, people: Ground) -> None:
    letters = "".join(expected(role, CASES).values())
    claims = claims_of(role, 0)
    body = await people.ask(role, "{ enrollees { totalCount } claims { totalCount } }", claims)
    assert body["data"]["enrollees"]["totalCount"] == letters.count("E")
    if "1" in roots:
        counted = body["data"]["claims"]["totalCount"]
        assert counted == letters.count("1") + letters.count("2")
        query = "{ enrollees(first: 100) { nodes { medicaidId claims { totalCount } } } }"
        body = await people.ask(role, query, claims)
        for node in body["data"]["enrollees"]["nodes"]:
            own = seen(role, who({**node, "pseudonym": None}))
            assert node["claims"]["totalCount"] == len(own) - 1


@pytest.mark.parametrize("label", ["ETH", "ETHUD", "HIV", "PSY", "SDV", "SEX", "STD", "GDIS", ""])
async def test_program_integrity_reads_clinical_values_where_there_is_no_substance_use(
    label: str, people: Ground
) -> None:
    name = f"has a claim with {label}" if label else "everything holds"
    query = "{ claims(first: 100) { nodes { icn diagnosisCode sensitivityLabels } } }"
    body = await people.ask("program_integrity", query, claims_of("program_integrity", 0))
    (node,) = (n for n in body["data"]["claims"]["nodes"] if n["icn"] == f"{NUMBERS[name]}-1")
    hidden = label.startswith("ETH")
    assert (node["diagnosisCode"], node["sensitivityLabels"] is None) == (
        None if hidden else "Z00",
        hidden,
    )
    assert "Claim.diagnosisCode" in body["extensions"]["conditional"]


async def test_a_shared_id_takes_both_out_of_the_population() -> None:
    same = {"enrollee": [{"msis_identification_num": "SAME"}]}
    rows = [*directory(), *rows_of(Case(same), 1), *rows_of(Case(same), 2), *rows_of(Case(), 3)]
    async with ground(rows) as two:
        query = '{ enrollees { nodes { medicaidId } } enrollee(medicaidId: "SAME") { medicaidId } }'
        body = await two.ask("immigration_enforcement", query, {})
        assert body == {"data": {"enrollees": {"nodes": [{"medicaidId": "M3"}]}, "enrollee": None}}
        body = await two.ask("front_desk", query, CLAIMS["front_desk"])
        assert len(body["data"]["enrollees"]["nodes"]) == 3


# Attributes that say nothing.

NOBODY: dict[str, dict[str, object]] = {
    "front_desk": {"county": ["99999"]},
    "eligibility_worker": {"state": ["GU"], "county": ["99999"]},
    "eligibility_supervisor": {"state": ["GU"]},
    "managed_care_plan": {"plan_id": ["none"]},
    "provider": {"npi": ["9999999999"]},
    "program_integrity": {"state": ["GU"]},
    "researcher": {"agreement": "test", "agreement_states": ["GU"]},
    "beneficiary": {"enrollee_id": str(person_id(999))},
    "break_glass": {"person": str(person_id(999)), "until": LATER, "reason": "test"},
}


@pytest.mark.parametrize("role", NOBODY)
async def test_an_attribute_that_nobody_has_shows_nobody(role: str, people: Ground) -> None:
    assert not await listed(people, role, NOBODY[role], "enrollees")
    assert not await listed(people, role, NOBODY[role], "claims")
    counted = await people.ask(role, "{ enrollees { totalCount } }", NOBODY[role])
    assert counted["data"]["enrollees"]["totalCount"] in (0, None)


@pytest.mark.parametrize(
    ("role", "missing"), [(role, name) for role, claims in NOBODY.items() for name in claims]
)
async def test_an_attribute_that_is_missing_or_empty_is_refused(
    role: str, missing: str, people: Ground
) -> None:
    claims = claims_of(role, 1)
    without = {name: value for name, value in claims.items() if name != missing}
    body = await people.ask(role, "{ enrollees { nodes { __typename } } }", without)
    assert "data" not in body
    assert body["errors"][0]["extensions"] == {"code": "FW123", "attributes": [missing]}
    empty = [] if isinstance(claims[missing], list) else ""
    with pytest.raises(AttributeInvalid):
        await people.ask(role, "{ __typename }", {**claims, missing: empty})


@pytest.mark.parametrize(
    ("counties", "states", "sees"),
    [
        (["06001"], ["CA"], True),
        (["06003"], ["CA"], False),
        (["06001"], ["NV"], False),
        (["06003", "06001"], ["NV", "CA"], True),
        (["06003"], ["NV"], False),
    ],
)
async def test_a_worker_needs_both_the_county_and_the_state(
    counties: list[str], states: list[str], sees: bool, people: Ground
) -> None:
    claims = {"county": counties, "state": states}
    query = '{ enrollee(medicaidId: "M1") { medicaidId } }'
    body = await people.ask("eligibility_worker", query, claims)
    assert body["data"]["enrollee"] == ({"medicaidId": "M1"} if sees else None)


# Providers and plans.


@pytest.fixture(scope="module")
async def offices(test_server: str) -> AsyncIterator[Ground]:
    """Two people, one with a claim of each provider but the sixth and the eighth."""
    kinds: dict[int, Row] = {
        1: {}, 2: {"sensitivity_labels": ["ETH"]}, 3: {"sensitivity_labels": ["ETHUD"]},
        4: {"sensitivity_labels": ["HIV"]}, 5: {"plan_id_number": "CAP2"}, 7: {},
    }  # fmt: skip
    one = [{**kind, "billing_prov_npi_num": f"100000000{n}"} for n, kind in kinds.items()]
    other = {"billing_prov_npi_num": "1000000008", "plan_id_number": "NVP1"}
    past = {"managed_care_plan_id": "CAP2", "end_date": date(2021, 1, 1)}
    rows = [
        *directory(),
        *rows_of(Case({"claim": one, "managed_care_participation": [{}, past]}), 1),
        *rows_of(
            Case(
                {"claim": [other], "managed_care_participation": [{"managed_care_plan_id": "NVP1"}]}
            ),
            2,
        ),
    ]
    async with ground(rows) as made:
        yield made


PROVIDERS = [
    ("beneficiary", 1, "123457"),
    ("beneficiary", 2, "8"),
    ("managed_care_plan", 1, "147"),
    ("provider", 1, "12345678"),
    ("program_integrity", 1, "1234568"),
]
PLANS = [
    ("beneficiary", 1, ["CAP1", "CAP2"]),
    ("beneficiary", 2, ["NVP1"]),
    ("eligibility_worker", 1, ["CAP1", "CAP2", "CAP3"]),
    ("eligibility_supervisor", 1, ["CAP1", "CAP2", "CAP3"]),
    ("managed_care_plan", 1, ["CAP1"]),
    ("provider", 1, ["CAP1", "CAP2", "CAP3", "NVP1"]),
    ("program_integrity", 1, ["CAP1", "CAP2", "CAP3"]),
    ("researcher", 1, ["CAP1", "CAP2", "CAP3"]),
    ("break_glass", 1, ["CAP1", "CAP2"]),
    ("break_glass", 2, ["NVP1"]),
]


@pytest.mark.parametrize(("role", "number", "numbers"), PROVIDERS)
async def test_a_role_sees_the_providers_of_its_records(
    role: str, number: int, numbers: str, offices: Ground
) -> None:
    body = await offices.ask(role, "{ providers { nodes { npi } } }", claims_of(role, number))
    assert [node["npi"][-1] for node in body["data"]["providers"]["nodes"]] == list(numbers)


@pytest.mark.parametrize(("role", "number", "plans"), PLANS)
async def test_a_role_sees_the_plans_of_its_records(
    role: str, number: int, plans: list[str], offices: Ground
) -> None:
    body = await offices.ask(role, "{ plans { nodes { planId } } }", claims_of(role, number))
    assert [node["planId"] for node in body["data"]["plans"]["nodes"]] == plans


@pytest.mark.parametrize("root", ["providers", "plans"])
async def test_no_other_role_has_a_directory(root: str, offices: Ground) -> None:
    having = {case[0] for case in (PROVIDERS if root == "providers" else PLANS)}
    for role in LETTERS.keys() - having:
        query = f"{{ {root} {{ nodes {{ __typename }} }} }}"
        body = await offices.ask(role, query, claims_of(role, 1))
        assert body["data"] == {root: None}, role


async def test_a_relation_leads_to_no_provider_or_plan_out_of_scope(offices: Ground) -> None:
    query = (
        "{ claims { nodes { providerNpi planId provider { npi } plan { planId } } } "
        "enrollees { nodes { managedCare { nodes { planId plan { planId } } } } } }"
    )
    body = await offices.ask("program_integrity", query, CLAIMS["program_integrity"])
    claims = body["data"]["claims"]["nodes"]
    assert len(claims) == 7
    for claim in claims:
        there = claim["providerNpi"] == "1000000007"
        assert claim["provider"] == (None if there else {"npi": claim["providerNpi"]})
        assert claim["plan"] == (None if claim["planId"] == "NVP1" else {"planId": claim["planId"]})
    spans = [
        span for node in body["data"]["enrollees"]["nodes"] for span in node["managedCare"]["nodes"]
    ]
    assert {span["planId"]: span["plan"] for span in spans} == {
        "CAP1": {"planId": "CAP1"}, "CAP2": {"planId": "CAP2"}, "NVP1": None,
    }  # fmt: skip


# Dated facts take effect at their instant, and nobody commits a policy.

_TICK = timedelta(microseconds=1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


LAST_DAYS = [
    ("immigration_enforcement", date(2027, 12, 31)),
    ("front_desk", date(2026, 6, 30)),
    ("managed_care_plan", date(2026, 12, 31)),
    ("provider", date(2028, 2, 1)),
]


@pytest.fixture(scope="module")
async def one(test_server: str) -> AsyncIterator[Ground]:
    """One person, for whom everything holds."""
    async with ground([*directory(), *rows_of(Case(), 1)]) as made:
        yield made


@pytest.mark.parametrize(("role", "last"), LAST_DAYS)
async def test_a_dated_fact_holds_to_the_end_of_its_last_day(
    role: str, last: date, one: Ground
) -> None:
    end = _midnight(last + timedelta(days=1))
    for moment, there in ((_midnight(last), True), (end - _TICK, True), (end, False)):
        one.now = moment
        body = await one.ask(role, "{ enrollees { nodes { medicaidId } } }", claims_of(role, 1))
        assert len(body["data"]["enrollees"]["nodes"]) == there, moment


async def test_break_glass_ends_at_its_instant(one: Ground) -> None:
    until = datetime(2026, 3, 15, 13, 0, 0, 1, tzinfo=UTC)
    claims = {**claims_of("break_glass", 1), "until": until.isoformat()}
    for moment, there in ((until - _TICK, True), (until, False), (until + _TICK, False)):
        one.now = moment
        body = await one.ask("break_glass", "{ enrollees { nodes { medicaidId } } }", claims)
        if there:
            assert body == {"data": {"enrollees": {"nodes": [{"medicaidId": "M1"}]}}}
        else:
            assert "data" not in body
            assert [error["extensions"]["code"] for error in body["errors"]] == ["FW124"]


async def test_an_order_lets_its_role_read_while_it_is_in_force_and_no_instant_longer() -> None:
    begins, paused, resumed, vacated = (_midnight(date(2026, 3, day)) for day in (1, 9, 12, 20))
    history = (
        Change(begins, Status.IN_FORCE),
        Change(paused, Status.PAUSED),
        Change(resumed, Status.IN_FORCE),
        Change(vacated, Status.VACATED),
    )
    orders = tuple(replace(order, history=history) for order in ORDERS)
    async with ground([*directory(), *rows_of(Case(), 1)], orders) as dated:
        for moment, reads in (
            (begins - _TICK, False), (begins, True), (paused - _TICK, True), (paused, False),
            (resumed - _TICK, False), (resumed, True), (vacated - _TICK, True), (vacated, False),
        ):  # fmt: skip
            dated.now = moment
            query = "{ enrollees { nodes { medicaidId } } }"
            body = await dated.ask("immigration_enforcement", query, {})
            if reads:
                assert body == {"data": {"enrollees": {"nodes": [{"medicaidId": "M1"}]}}}
            else:
                assert body["data"] == {"enrollees": None}
                assert body["errors"][0]["extensions"]["code"] == "FW120"
