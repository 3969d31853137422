"""What is noted of operations that clients send: names of the schema and numbers, and no value."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from typing import cast

import asyncpg
import pytest

from api import recorder as recorders
from api.compiler import Compiler
from api.demand import Asked, Demand, Use, read, scrubbed, written
from api.recorder import Recorder
from api.request import GraphQLRequest
from db.errors import ChangeInvalid, DatabaseUnavailable, FieldwardError, OperationsRefused
from db.operations import operations, record
from db.pools import Pools
from tests.database import FLOOR_SECRET, connected
from tests.gateway import Gateway, node
from tests.roles import SEALER, decisions, whole

# Whatever a client could write, in every place that takes something of it.
SECRETS = ("123456789", "Okonkwo", "1977-03-04", "sesame", "anAlias", "aFragment", "theVariable")
DOCUMENT = """
# Okonkwo of 1977-03-04
query Find123456789($theVariable: String = "Okonkwo", $sesame: Boolean = true) {
  anAlias: enrollees(
    first: 7
    where: { lastName: { eq: "Okonkwo" }, dateOfBirth: { in: ["1977-03-04"] },
      firstName: { eq: $theVariable }, homeAddress: { zip: { startsWith: "123456789" } } }
    orderBy: [{ lastName: ASC }]
  ) { nodes { anAlias: firstName ...aFragment @include(if: $sesame) } }
  enrollee(medicaidId: "123456789") { ssnLast4 }
}
fragment aFragment on Enrollee { lastName homeAddress { anAlias: city } }
"""
VARIABLES = {"theVariable": "sesame", "sesame": True}
ROLE = "eligibility_supervisor"


def noted(
    query: str, variables: dict[str, object], role: str = ROLE
) -> tuple[Compiler, list[Asked]]:
    """A compiler that a request was sent to, and what it noted."""
    compiler = Compiler(SEALER)
    request = GraphQLRequest(query, None, variables)
    with suppress(FieldwardError):
        compiler.compile(request, decisions(role), "subject-sesame", whole)
    return compiler, list(compiler.recorder._times)


@pytest.mark.parametrize(
    "role", [ROLE, "front_desk", "program_integrity", "immigration_enforcement"]
)
def test_nothing_that_a_client_wrote_is_noted(role: str) -> None:
    _, (asked,) = noted(DOCUMENT, VARIABLES, role)
    text = repr(asked)
    assert not [each for each in SECRETS if each in text]
    assert asked.name == "Find"
    assert asked.role == role
    # The capped role is refused for the filter, and would ask for the rest all the same.
    assert Demand(Use.SELECTION, "HomeAddress.city", "read", 4) in read(asked.demands)
    assert Demand(Use.FILTER, "Enrollee.dateOfBirth", "filter:in") in read(asked.demands)


def test_every_role_is_noted_to_ask_the_same() -> None:
    each = {noted(DOCUMENT, VARIABLES, role)[1][0].demands for role in (ROLE, "actuary", "auditor")}
    assert len(each) == 1


NAMES = {
    None: "", "People": "People", "a1b22": "ab", "ssn12_34_56789": "ssn__", "x999y1000z": "xyz",
    "n" * 200: "n" * 100,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_noted_without_long_numbers(name: str | None) -> None:
    assert scrubbed(name) == NAMES[name]


def test_what_is_compiled_is_counted_each_time_and_so_is_what_is_refused() -> None:
    for role, answered in ((ROLE, True), ("immigration_enforcement", False)):
        compiler, (asked,) = noted(DOCUMENT, VARIABLES, role)
        assert len(compiler.compiled) == int(answered)
        for _ in range(3):
            try:
                compiler.compile(
                    GraphQLRequest(DOCUMENT, None, VARIABLES), decisions(role), "b", whole
                )
            except FieldwardError:
                assert not answered
        assert compiler.recorder._times == {asked: 4}


NOT_NOTED = {
    "no record": "{ viewer { subject } }",
    "introspection": "{ __schema { queryType { name } } }",
    "no document": "{ enrollees { nodes { shoeSize } } }",
    "right under no policy": "{ enrollees(first: -1) { nodes { sex } } }",
    "right under no policy, below what is denied": "{ claims(first: -1) { totalCount } }",
}


@pytest.mark.parametrize("what", NOT_NOTED)
def test_what_is_not_about_records_or_never_right_is_not_noted(what: str) -> None:
    assert noted(NOT_NOTED[what], {}, "immigration_enforcement")[1] == []


# Bounds


def asked(number: int, size: int = 2) -> Asked:
    """An operation of its own."""
    return Asked("clerk", f"o{number}", "[" + " " * (size - 2) + "]")


def test_what_is_used_least_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "MOST", 2)
    recorder = Recorder()
    often, seldom, other = asked(1), asked(2), asked(3)
    for each in (often, often, seldom, other):
        recorder.saw(each)
    assert recorder._times == {often: 2, other: 1}
    assert recorder.dropped == 1


def test_demands_are_kept_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "MOST_CHARACTERS", 100)
    monkeypatch.setattr(recorders, "LARGEST", 80)
    recorder = Recorder()
    small, middle = asked(1, 40), asked(2, 70)
    for each in (asked(3, 81), small, middle):
        recorder.saw(each)
    assert recorder._times == {middle: 1}
    assert recorder.dropped == 2


class _Away:
    """Connections to a database that is away."""

    def own(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        raise DatabaseUnavailable


async def test_what_cannot_be_written_down_is_kept() -> None:
    recorder, once = Recorder(), asked(1)
    recorder.saw(once)
    await recorder.flush(cast("Pools", _Away()))
    recorder.saw(once)
    assert recorder._times == {once: 2}
    assert recorder.dropped == 0


# PostgreSQL


@pytest.fixture
async def owner(gateway: Gateway) -> AsyncIterator[asyncpg.Connection]:
    """The owner of the gateway's database."""
    async with connected(gateway.owner_url) as connection:
        yield connection


async def test_what_clients_send_is_written_down_without_a_value(
    gateway: Gateway, owner: asyncpg.Connection
) -> None:
    # A gateway that ends writes down what it has.
    for times in (2, 1):
        async with node(gateway.gateway_url) as client:
            headers = {"Authorization": f"Bearer {gateway.token(ROLE)}"}
            body = {"query": DOCUMENT, "variables": VARIABLES}
            for _ in range(times):
                answer = await client.post("/graphql", json=body, headers=headers)
                assert "data" in answer.json()
    rows = [row for row in await operations(owner) if row.name == "Find"]
    assert [(row.role, row.times) for row in rows] == [(ROLE, 3)]
    assert read(rows[0].demands) == read(noted(DOCUMENT, VARIABLES)[1][0].demands)
    whole_table = await owner.fetchval("select string_agg(o::text, '') from fieldward.operation o")
    assert not [each for each in SECRETS if each in whole_table]


DEMANDS = written([Demand(Use.SELECTION, "Enrollee.sex", "read", 3)])
REFUSED = {
    "a number as a name": ("clerk", "x123", DEMANDS),
    "a sentence as a name": ("clerk", "who is it", DEMANDS),
    "a value as a role": ("Ann Bee", "", DEMANDS),
    "a value as a coordinate": ("clerk", "", '[["filter","Ann Bee","read",3]]'),
    "a number as a coordinate": ("clerk", "", '[["filter",123456789,"read",3]]'),
    "a value as an action": ("clerk", "", '[["filter","Enrollee.sex","eq 12",3]]'),
    "a value as a use": ("clerk", "", '[["12","Enrollee.sex","read",3]]'),
    "a value as a depth": ("clerk", "", '[["filter","Enrollee.sex","read",123456789]]'),
    "a value beside": ("clerk", "", '[["filter","Enrollee.sex","read",3,"Ann"]]'),
    "a value alone": ("clerk", "", '["Ann"]'),
    "a table": ("clerk", "", '{"a":"Ann"}'),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_postgresql_writes_down_nothing_but_names_of_a_schema(
    gateway: Gateway, owner: asyncpg.Connection, what: str
) -> None:
    pools = Pools(gateway.gateway_url, FLOOR_SECRET)
    before = await owner.fetchval("select count(*) from fieldward.operation")
    try:
        async with pools.own() as connection:
            with pytest.raises((OperationsRefused, ChangeInvalid)):
                await record(connection, {REFUSED[what]: 1})
            with pytest.raises(asyncpg.PostgresError):
                await connection.execute("delete from fieldward.operation")
    finally:
        await pools.close()
    assert await owner.fetchval("select count(*) from fieldward.operation") == before


async def test_of_too_many_operations_the_least_used_go(owner: asyncpg.Connection) -> None:
    letters = "abcdefghij"
    seen = {
        ("clerk", "n" + "".join(letters[int(digit)] for digit in str(number)), DEMANDS): 1
        for number in range(10_000)
    }
    often = ("clerk", "often", DEMANDS)
    await record(owner, {often: 9})
    await record(owner, seen)
    names = [row.name for row in await operations(owner, 20_000)]
    await owner.execute("delete from fieldward.operation where role = 'clerk'")
    assert len(names) == 10_000
    assert "often" in names
