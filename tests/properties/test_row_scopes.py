"""Each row scope of the seed policy by itself: one clause fails, and one role loses one record.

Everybody of scope_people lacks one thing. Each role sees exactly those of whom its clauses hold: in
lists, by ID, in counts, and along relations from either end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import pytest

from authz.errors import AttributeInvalid
from tests.properties.scope_ground import CLAIMS, LATER, Ground, claims_of, ground
from tests.properties.scope_people import (
    CASES,
    LETTERS,
    NUMBERS,
    Case,
    directory,
    person_id,
    rows_of,
    seen,
)

OF_ONE = ("beneficiary", "break_glass")
"""Roles that see one person."""


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
    next(rows_of(CASES[name], number))[1]["msis_identification_num"]: name
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
