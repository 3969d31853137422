"""Nothing that is kept for one caller is used for another: requests interleaved and compared."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.database import connected
from tests.roles import view

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.gateway import Gateway

# The same text for everybody: what differs is the caller, or a value.
PEOPLE = """query($w:EnrolleeWhere,$n:Int=20,$ssn:Boolean=false){
  enrollees(first:$n,where:$w){
    nodes{medicaidId firstName lastName dateOfBirth pseudonym phoneNumber ssn @include(if:$ssn)
      homeAddress{city zip county} eligibilitySpans(first:2){nodes{effectiveDate}}}
    edges{cursor} pageInfo{hasNextPage endCursor} totalCount}
  viewer{subject actingRole purpose request}
}"""
CLAIMS = """query($w:ClaimWhere){claims(first:15,where:$w){
  nodes{icn serviceYear diagnosisCode paidAmount enrollee{lastName pseudonym} lines{nodes{number}}}
  edges{cursor}}}"""
TYPES = '{__schema{types{name}} t:__type(name:"Enrollee"){fields{name}} __typename}'
DIRECTORY = (
    "{providers(first:10){nodes{npi name}} plans(first:10){nodes{planId name}} policy{version}}"
)


@dataclass(frozen=True)
class Ask:
    """One request: the role, what its token says besides, the document and its variables."""

    role: str
    claims: Mapping[str, object]
    document: str
    variables: Mapping[str, object] | None = None


async def callers(gateway: Gateway) -> list[tuple[str, dict[str, object]]]:
    """Principals that differ in role, or in one attribute, subject, purpose or request alone."""
    async with connected(gateway.owner_url) as owner:
        people = await owner.fetch(
            "select enrollee_id::text as id from medicaid.enrollee order by 1 limit 3"
        )
        npis = await owner.fetch(
            "select billing_prov_npi_num as npi from medicaid.claim "
            "where billing_prov_npi_num is not null group by 1 order by count(*) desc limit 3"
        )
    found: list[tuple[str, dict[str, object]]] = [
        (role, {})
        for role in (
            "immigration_enforcement",
            "front_desk",
            "eligibility_worker",
            "eligibility_supervisor",
            "managed_care_plan",
            "program_integrity",
            "researcher",
            "auditor",
            "actuary",
        )
    ]
    found += [("eligibility_supervisor", {"state": [state]}) for state in ("CA", "NY", "TX")]
    found += [("eligibility_supervisor", {"state": ["NY", "TX"]})]
    found += [("front_desk", {"county": [county]}) for county in ("06037", "36047")]
    found += [("provider", {"npi": [row["npi"]]}) for row in npis]
    found += [("beneficiary", {"enrollee_id": row["id"]}) for row in people]
    found += [("eligibility_supervisor", {"sub": name}) for name in ("alice", "bob")]
    found += [
        ("immigration_enforcement", {"purpose": "LAWENF", "request": f"REQ-{number}"})
        for number in (2, 3)
    ]
    found += [("eligibility_supervisor", {"purpose": purpose}) for purpose in ("HOPERAT", "TREAT")]
    return found


async def test_hundreds_of_interleaved_requests_are_answered_as_one_after_the_other(
    gateway: Gateway,
) -> None:
    """No answer, plan, view, verdict or cursor of one principal in the answer of another."""
    requests = [
        Ask(role, claims, document, variables)
        for role, claims in await callers(gateway)
        for document, variables in (
            (PEOPLE, None),
            (PEOPLE, {"n": 5, "ssn": True}),
            (PEOPLE, {"w": {"dateOfBirth": {"gte": "1990-01-01"}}}),
            (PEOPLE, {"w": {"dateOfBirth": {"gte": "2010-01-01"}}}),
            (PEOPLE, {"w": {"medicaidId": {"eq": "1"}}}),
            (CLAIMS, None),
            (TYPES, None),
            (DIRECTORY, None),
        )
    ]
    tokens = {
        (ask.role, str(ask.claims)): gateway.token(ask.role, **ask.claims) for ask in requests
    }

    async def answer(ask: Ask) -> tuple[int, bytes]:
        got = await gateway.client.post(
            "/graphql",
            json={"query": ask.document, "variables": ask.variables},
            headers={"Authorization": f"Bearer {tokens[ask.role, str(ask.claims)]}"},
        )
        return got.status_code, got.content

    alone = [await answer(ask) for ask in requests]
    for ask, (_, content) in zip(requests, alone, strict=True):
        if ask.document == TYPES:
            types = json.loads(content)["data"]["__schema"]["types"]
            assert {type_["name"] for type_ in types} == set(view(ask.role).type_map)
    assert len(set(alone)) > len(requests) / 2
    assert {status for status, _ in alone} == {200}
    order = random.Random(7).choices(range(len(requests)), k=400)
    together = await asyncio.gather(*(answer(requests[number]) for number in order))
    mixed = [number for number, got in zip(order, together, strict=True) if got != alone[number]]
    assert mixed == []


async def test_plans_of_one_shape_take_the_values_of_their_own_request(gateway: Gateway) -> None:
    """One statement, many values: in filters, lists, pages, aliases and cursors."""
    document = """query($a:String,$b:[Date!],$n:Int,$c:String){
      x:enrollees(first:$n,after:$c,where:{or:[{lastName:{eq:$a}},{dateOfBirth:{in:$b}}]}){
        y:nodes{lastName} edges{cursor} totalCount}}"""
    everybody = (
        await gateway.ask(
            "eligibility_supervisor", "{enrollees(first:60){nodes{lastName dateOfBirth}}}"
        )
    )["data"]["enrollees"]["nodes"]

    async def one(number: int) -> None:
        person, other = everybody[number], everybody[-number - 1]
        variables = {"a": person["lastName"], "b": [other["dateOfBirth"]], "n": number % 3 + 1}
        page = (await gateway.ask("eligibility_supervisor", document, variables))["data"]["x"]
        assert len(page["y"]) == min(number % 3 + 1, page["totalCount"])
        born = {p["lastName"] for p in everybody if p["dateOfBirth"] == other["dateOfBirth"]}
        assert {node["lastName"] for node in page["y"]} <= born | {person["lastName"]}
        after = variables | {"c": page["edges"][-1]["cursor"]}
        rest = (await gateway.ask("eligibility_supervisor", document, after))["data"]["x"]
        assert rest["totalCount"] == page["totalCount"]
        assert not {e["cursor"] for e in rest["edges"]} & {e["cursor"] for e in page["edges"]}

    await asyncio.gather(*(one(number) for number in range(30)))


async def test_a_null_and_an_absent_variable_do_not_share_an_answer(gateway: Gateway) -> None:
    document = """query($n:Int=2,$s:Boolean=false){
      enrollees(first:$n){nodes{lastName @skip(if:$s) firstName}}}"""
    counted: dict[str, object] = {}
    for variables in ({}, {"n": None}, {"n": 3}, {"s": True}, {}, {"n": None}, {"s": True}):
        answer = await gateway.ask("eligibility_supervisor", document, variables)
        nodes = answer["data"]["enrollees"]["nodes"]
        shape = (len(nodes), tuple(nodes[0]))
        assert counted.setdefault(str(variables), shape) == shape
    assert counted == {
        "{}": (2, ("lastName", "firstName")),
        "{'n': None}": (50, ("lastName", "firstName")),
        "{'n': 3}": (3, ("lastName", "firstName")),
        "{'s': True}": (2, ("firstName",)),
    }
