"""A mutation is done once, whatever becomes of the policy meanwhile; what it says has no value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from strawberry.types.base import get_object_definition

from api import endpoint
from api.administration import changes as administration
from api.administration.wanted import touched
from api.schema.policy_edit import PolicyEdit, table_of
from authz.document import Document
from authz.edits.forms import FORMS
from authz.follower import Follower
from authz.packaged import load_seed
from db import changes
from db.catalog_records import CATALOG
from db.errors import DatabaseUnavailable, FieldwardError, StalePolicy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import asyncpg

    from authz.snapshot import Snapshot
    from tests.gateway import Gateway

ADMINISTRATOR = "policy_administrator"
TWO = 'mutation{a:policyWithdraw(id:1){id} b:policyReject(id:2,note:"no"){id}}'


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Steps that were tried, in their order; none is real, so that the gateway stays as it is."""
    steps: list[tuple[str, int]] = []

    def step(name: str) -> Callable[..., Awaitable[None]]:
        async def instead(_: asyncpg.Connection, change: int, *__: object) -> None:
            steps.append((name, change))

        return instead

    for name in ("withdraw", "reject"):
        monkeypatch.setattr(changes, name, step(name))
    return steps


async def test_the_head_is_looked_at_before_a_mutation_and_it_is_done_once(
    gateway: Gateway, done: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the policy was committed between reading the head and using it."""
    confirm, looks = Follower.confirm, []

    async def stale_at_first(self: Follower, snapshot: Snapshot) -> None:
        looks.append(len(done))
        if len(looks) == 1:
            raise StalePolicy
        await confirm(self, snapshot)

    monkeypatch.setattr(Follower, "confirm", stale_at_first)
    await gateway.ask(ADMINISTRATOR, TWO)
    assert looks == [0, 0]
    assert done == [("withdraw", 1), ("reject", 2)]


@pytest.mark.parametrize("error", [StalePolicy(), DatabaseUnavailable("10.0.0.1"), ValueError("x")])
async def test_what_goes_wrong_in_a_mutation_is_told_in_its_place_and_tried_no_more(
    gateway: Gateway,
    done: list[tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    async def broken(_: asyncpg.Connection, change: int, *__: object) -> None:
        done.append(("withdraw", change))
        raise error

    monkeypatch.setattr(changes, "withdraw", broken)
    answer = await gateway.post(ADMINISTRATOR, TWO)
    assert done == [("withdraw", 1), ("reject", 2)]
    body = answer.json()
    assert (answer.status_code, body["data"]) == (200, {"a": None, "b": None})
    told = {each["path"][0]: each["extensions"]["code"] for each in body["errors"]}
    assert told["a"] == (error.code if isinstance(error, FieldwardError) else "FW193")
    assert "10.0.0.1" not in answer.text


async def test_a_mistake_of_ours_in_a_query_is_the_requests(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ValueError("123-45-6789")

    monkeypatch.setattr(administration.Administration, "versions", broken)
    answer = await gateway.post("auditor", "{policyVersions{number}}")
    assert answer.status_code == 500
    assert "123-45-6789" not in answer.text


async def test_nothing_of_a_mutation_is_done_whose_variables_are_not_all_good(
    gateway: Gateway, done: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[object] = []
    monkeypatch.setattr(endpoint, "answer_local", lambda *given: ran.append(given))
    document = """mutation($i: Int = 1, $n: String = "x", $s: Boolean = true) {
      policyWithdraw(id: 1) { id @skip(if: $s) } policyReject(id: $i, note: $n) { id } }"""
    for variables in ({"i": None}, {"n": None}, {"i": "1"}, {"s": None}):
        answer = await gateway.ask(ADMINISTRATOR, document, variables)
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FW112"]
    assert (done, ran) == ([], [])


async def test_a_mutation_is_not_kept(gateway: Gateway, done: list[tuple[str, int]]) -> None:
    metric = 'fieldward_cache_entries{cache="compiled"}'

    async def kept() -> str:
        text = (await gateway.client.get("/metrics")).text
        return next(line for line in text.splitlines() if line.startswith(metric))

    before = await kept()
    for _ in range(2):
        await gateway.ask(ADMINISTRATOR, TWO)
    assert await kept() == before
    assert len(done) == 4


async def test_a_document_of_both_runs_the_one_that_is_named(
    gateway: Gateway, done: list[tuple[str, int]]
) -> None:
    document = "query Q{viewer{actingRole}} mutation M{policyWithdraw(id:7){id}}"
    token = gateway.token(ADMINISTRATOR)
    for name, expected in (("Q", []), ("M", [("withdraw", 7)])):
        answer = await gateway.client.post(
            "/graphql",
            json={"query": document, "operationName": name},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert "data" in answer.json()
        assert done == expected


def test_edits_have_the_names_that_files_have() -> None:
    """`authz.edits.forms` says which edits there are, and what each is written with."""
    kinds = get_object_definition(PolicyEdit, strict=True).fields
    found = {}
    for kind in kinds:
        type_: Any = kind.type
        while hasattr(type_, "of_type"):
            type_ = type_.of_type
        below = get_object_definition(type_, strict=True).fields
        found[kind.python_name.removesuffix("_")] = {
            field.python_name.removesuffix("_") for field in below
        }
    assert {kind: set(keys) for kind, keys in FORMS.items()}.items() <= found.items()


def test_an_edit_is_a_table_of_what_is_given() -> None:
    fields = {field.python_name: field for field in get_object_definition(PolicyEdit).fields}
    type_: Any = fields["set_role_"].type
    role = type_.of_type(name_="clerk", page_limit_=7, inherits_=[])
    assert table_of(PolicyEdit(set_role_=role)) == {
        "set_role": {"name": "clerk", "page_limit": 7, "inherits": []}
    }


def test_what_a_change_touches_is_what_it_takes() -> None:
    policy, orders = load_seed(CATALOG)
    both, none = Document(policy, orders), Document(policy)
    assigned = Document(policy, orders, assignments={"jo": frozenset({"auditor"})})
    assert list(touched(both, both)) == []
    assert list(touched(none, both)) == [("Order.name", "create")]
    assert list(touched(both, none)) == [("Order.status", "update")]
    assert list(touched(both, assigned)) == [("Policy.rules", "update")]
    assert list(touched(none, assigned)) == [("Order.name", "create"), ("Policy.rules", "update")]
