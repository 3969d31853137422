"""What is not yours is answered as what nobody has: every role, every way to name a record.

Bytes, headers, statement and number of statements. How long it takes is measured and not tested:
docs/equal-answers.md.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from tests.database import connected
from tests.gateway import gateway_over
from tests.roles import decisions, denied, readers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from db.sql.pieces import Statement
    from tests.gateway import Gateway

SUPERVISOR = "eligibility_supervisor"

PAGE = """{nodes{__typename} edges{cursor node{__typename}} totalCount
  pageInfo{hasNextPage hasPreviousPage startCursor endCursor}}"""
NO_UUID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Way:
    """A way to name a record.

    `coordinate` is filtered for equality; `values` is the owner's query for (value, key of a
    record that has it) with the keys that `known` asks for in scope.
    """

    coordinate: str
    document: str
    values: str
    nobody: str = "000000000"
    entity: str = "Enrollee"


def listed(root: str, type_: str, where: str) -> str:
    return f"query($i:{type_}!){{{root}(where:{where}){PAGE}}}"


PERSON = "select %s::text as value, t.enrollee_id::text as key from medicaid.%s t"
CLAIM = "select %s::text as value, t.claim_id::text as key from medicaid.claim t"

WAYS = {
    "root key": Way(
        "Enrollee.medicaidId",
        "query($i:String!){enrollee(medicaidId:$i){__typename}}",
        PERSON % ("msis_identification_num", "enrollee"),
    ),
    "root key, twice": Way(
        "Enrollee.medicaidId",
        'query($i:String!){a:enrollee(medicaidId:$i){__typename} b:enrollee(medicaidId:"0")'
        "{__typename} c:enrollee(medicaidId:$i){__typename}}",
        PERSON % ("msis_identification_num", "enrollee"),
    ),
    "Medicaid ID": Way(
        "Enrollee.medicaidId",
        listed("enrollees", "String", "{medicaidId:{eq:$i}}"),
        PERSON % ("msis_identification_num", "enrollee"),
    ),
    "Medicaid ID below and, or": Way(
        "Enrollee.medicaidId",
        listed("enrollees", "String", "{and:[{or:[{medicaidId:{eq:$i}},{or:[]}]},{}]}"),
        PERSON % ("msis_identification_num", "enrollee"),
    ),
    "record ID": Way(
        "Enrollee.id",
        listed("enrollees", "ID", "{id:{eq:$i}}"),
        PERSON % ("enrollee_id", "enrollee"),
        NO_UUID,
    ),
    "SSN": Way(
        "Enrollee.ssn",
        listed("enrollees", "String", "{ssn:{eq:$i}}"),
        PERSON % ("ssn", "variable_demographics"),
    ),
    "case number": Way(
        "Enrollee.caseNumber",
        listed("enrollees", "String", "{caseNumber:{eq:$i}}"),
        PERSON % ("msis_case_num", "eligibility_determinant"),
    ),
    "phone number": Way(
        "Enrollee.phoneNumber",
        listed("enrollees", "String", "{phoneNumber:{eq:$i}}"),
        PERSON % ("phone_number", "phone"),
    ),
    "street": Way(
        "HomeAddress.line1",
        listed("enrollees", "String", "{homeAddress:{line1:{eq:$i}}}"),
        PERSON % ("addr_ln1", "home_address"),
    ),
    "claim ID": Way(
        "Claim.id",
        listed("claims", "ID", "{id:{eq:$i}}"),
        CLAIM % "claim_id",
        NO_UUID,
        "Claim",
    ),
    "claim number": Way(
        "Claim.icn",
        listed("claims", "String", "{icn:{eq:$i}}"),
        CLAIM % "icn_orig",
        entity="Claim",
    ),
}  # fmt: skip


def comparable(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Everything of an answer that a client can see."""
    return answer.status_code, answer.content, sorted(answer.headers.items())


SHOWN = {
    # What a role reads of a record that tells which it is, and the owner's query for its key.
    "Enrollee": (
        "enrollees",
        ("medicaidId", "pseudonym"),
        {
            "medicaidId": PERSON % ("msis_identification_num", "enrollee"),
            "pseudonym": PERSON % ("pseudonym", "enrollee"),
        },
    ),
    "Claim": ("claims", ("icn",), {"icn": CLAIM % "icn_orig"}),
}


async def in_scope(
    gateway: Gateway, owner: asyncpg.Connection, role: str, entity: str
) -> frozenset[str]:
    """Keys of the records that the role's own lists show, page by page."""
    root, names, queries = SHOWN[entity]
    name = next(each for each in names if not denied(role, f"{entity}.{each}", "read"))
    document = (
        f"query($c:String,$n:Int){{{root}(first:$n,after:$c)"
        f"{{nodes{{{name}}} pageInfo{{hasNextPage endCursor}}}}}}"
    )
    shown: set[str] = set()
    variables: dict[str, Any] = {"n": decisions(role).page_limit, "c": None}
    while True:
        page = (await gateway.ask(role, document, variables))["data"][root]
        shown |= {node[name] for node in page["nodes"]}
        if not page["pageInfo"]["hasNextPage"]:
            break
        variables["c"] = page["pageInfo"]["endCursor"]
    rows = await owner.fetch(queries[name])
    return frozenset(row["key"] for row in rows if row["value"] in shown)


CASES = [(role, way) for role in readers() for way in WAYS]
ASKED = 12
_known: dict[tuple[str, str], frozenset[str]] = {}


@pytest.mark.parametrize(("role", "way"), CASES)
async def test_not_found_and_not_yours_are_the_same_bytes(
    role: str, way: str, gateway: Gateway, owner: asyncpg.Connection, sent: list[Statement]
) -> None:
    """And the same statement, in the same number of round trips; or no statement for either."""
    named = WAYS[way]
    found = await owner.fetch(named.values + " order by 1, 2")
    rows = [row for row in found if row["value"] is not None]
    if denied(role, named.coordinate, "filter:eq"):
        for value in (named.nobody, rows[0]["value"], rows[-1]["value"]):
            answer = (await gateway.post(role, named.document, {"i": value})).json()
            # A list that is denied whole is null; else the argument refuses the operation.
            codes = {error["extensions"]["code"] for error in answer["errors"]}
            assert codes == {"FW121"} or answer.get("data") == {"claims": None}
        assert sent == []
        return
    if (role, named.entity) not in _known:
        _known[role, named.entity] = await in_scope(gateway, owner, role, named.entity)
        sent.clear()
    scope = _known[role, named.entity]
    assert scope
    own = {row["value"] for row in rows if row["key"] in scope}
    foreign = sorted({row["value"] for row in rows} - own)
    assert len(foreign) > ASKED
    nobody = await gateway.post(role, named.document, {"i": named.nobody})
    asked = [sent.pop()]
    for value in foreign[:: len(foreign) // ASKED]:
        answer = await gateway.post(role, named.document, {"i": value})
        assert comparable(answer) == comparable(nobody), value
        asked.append(sent.pop())
    assert len({statement.text for statement in asked}) == 1
    assert sent == []


def test_every_way_is_open_to_some_role() -> None:
    for name, way in WAYS.items():
        assert any(not denied(role, way.coordinate, "filter:eq") for role in readers()), name


@asynccontextmanager
async def changing(template: str) -> AsyncIterator[tuple[Gateway, asyncpg.Connection]]:
    """A gateway over records that a test may change, and their owner."""
    async with gateway_over(template) as gateway, connected(gateway.owner_url) as connection:
        yield gateway, connection


NEIGHBOURS = """select e.enrollee_id as id, e.msis_identification_num as number
  from medicaid.enrollee e where (e.submitting_state = $1) = $2
   and (select count(*) from medicaid.enrollee o
         where o.msis_identification_num = e.msis_identification_num) = 1
 order by 1 limit 1"""
SHARE = "update medicaid.enrollee set msis_identification_num = $2 where enrollee_id = $1"


async def test_an_id_shared_with_somebody_out_of_scope_is_answered_as_an_unshared_one(
    seeded: str, sent: list[Statement]
) -> None:
    """And one that two share who are both out of scope as one that nobody has."""
    person = "query($i:String!){enrollee(medicaidId:$i){firstName lastName dateOfBirth}}"
    people = listed("enrollees", "String", "{medicaidId:{eq:$i}}")
    async with changing(seeded) as (gateway, owner):
        state = gateway.examples["state"]
        own = await owner.fetchrow(NEIGHBOURS, state, True)
        other = await owner.fetchrow(NEIGHBOURS, state, False)
        for document in (person, people):
            variables = {"i": own["number"]}
            alone = await gateway.post(SUPERVISOR, document, variables)
            assert own["number"] != other["number"]
            await owner.execute(SHARE, other["id"], own["number"])
            shared = await gateway.post(SUPERVISOR, document, variables)
            assert comparable(shared) == comparable(alone)
            gone = await gateway.post(SUPERVISOR, document, {"i": other["number"]})
            await owner.execute(SHARE, other["id"], other["number"])
            hidden = await gateway.post(SUPERVISOR, document, {"i": other["number"]})
            assert comparable(gone) == comparable(hidden)
            # Two holders, both out of scope, are no more there than one or none.
            await owner.execute(SHARE, own["id"], other["number"])
            both = await gateway.post(
                SUPERVISOR, document, {"i": other["number"]}, None, state=["GU"]
            )
            none = await gateway.post(SUPERVISOR, document, {"i": "0"}, None, state=["GU"])
            assert comparable(both) == comparable(none)
            await owner.execute(SHARE, own["id"], own["number"])
            assert json.loads(alone.content)["data"] is not None
            assert len({statement.text for statement in sent}) == 1
            sent.clear()


async def erase(owner: asyncpg.Connection, enrollee: object) -> None:
    """A person and all that belongs to the person, as if never there."""
    tables = await owner.fetch(
        "select distinct table_name as name from information_schema.columns "
        "where table_schema = 'medicaid' and column_name = 'enrollee_id'"
    )
    left = [row["name"] for row in tables]
    while left:
        name = left.pop(0)
        try:
            async with owner.transaction():
                await owner.execute(
                    f"delete from medicaid.{name} where enrollee_id = $1",  # noqa: S608 - a table
                    enrollee,
                )
        except (asyncpg.ForeignKeyViolationError, asyncpg.WrongObjectTypeError) as error:
            if isinstance(error, asyncpg.ForeignKeyViolationError):
                left.append(name)


async def test_a_cursor_at_a_row_that_is_gone_pages_as_one_at_a_row_out_of_scope(
    seeded: str, sent: list[Statement]
) -> None:
    """Neither is an error, and both go on behind the place where the row was."""
    document = """query($c:String){enrollees(first:5,after:$c,orderBy:[{lastName:ASC}])
      {edges{cursor node{id lastName}} pageInfo{hasNextPage hasPreviousPage}}}"""
    answers: list[dict[str, Any]] = []
    texts: set[str] = set()
    for fate in ("stays", "leaves", "gone"):
        async with changing(seeded) as (gateway, owner):
            page = (await gateway.ask(SUPERVISOR, document))["data"]["enrollees"]["edges"]
            last = page[-1]
            sent.clear()
            if fate == "leaves":
                await owner.execute(
                    "update medicaid.enrollee set submitting_state = 'GU' where enrollee_id = $1",
                    last["node"]["id"],
                )
            elif fate == "gone":
                await erase(owner, last["node"]["id"])
            there = "select count(*) from medicaid.enrollee where enrollee_id = $1"
            assert await owner.fetchval(there, last["node"]["id"]) == (fate != "gone")
            answers.append(await gateway.ask(SUPERVISOR, document, {"c": last["cursor"]}))
            texts |= {statement.text for statement in sent}
            sent.clear()
    assert answers[0] == answers[1] == answers[2]
    assert len(answers[0]["data"]["enrollees"]["edges"]) == 5
    assert len(texts) == 1
