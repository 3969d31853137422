"""Verdicts: who gives them, how often, and what happens to one that is no verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import casbin
import pytest
from graphql import GraphQLInterfaceType, GraphQLUnionType

from api.errors import PositionDenied
from authz.decision import DecisionSet
from tests.roles import plan, whole

if TYPE_CHECKING:
    from collections.abc import Generator

    from db.sql.pieces import Statement
    from tests.gateway import Gateway

SUPERVISOR = "eligibility_supervisor"
PEOPLE = "{enrollees(first:50){nodes{lastName dateOfBirth phoneNumber homeAddress{line1 zip}}}}"


async def test_casbin_is_asked_about_no_row_and_no_request(
    gateway: Gateway, sent: list[Statement], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once per role and policy version, and never again, however many rows are answered."""
    before = await gateway.ask(SUPERVISOR, PEOPLE)

    def asked(*_: object) -> bool:
        raise AssertionError("Casbin was asked while answering")

    for name in ("enforce", "enforce_ex", "batch_enforce"):
        monkeypatch.setattr(casbin.Enforcer, name, asked)
    assert await gateway.ask(SUPERVISOR, PEOPLE) == before
    assert len(before["data"]["enrollees"]["nodes"]) == 50
    assert len(sent) == 2


class Awaited:
    """What a permission method that somebody made asynchronous would hand back: truthy."""

    def __await__(self) -> Generator[None, None, bool]:
        yield
        return True


NO_VERDICTS = {
    "awaitable": Awaited(),
    "true": True,
    "number": 1,
    "word": "allow",
    "object": object(),
}


@pytest.mark.parametrize("verdict", NO_VERDICTS.values(), ids=NO_VERDICTS)
def test_what_is_no_verdict_opens_nothing(verdict: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """An awaitable is truthy; so is True. A decision is one of three types, or nothing is open."""
    before = plan(SUPERVISOR, PEOPLE)
    assert before.denials == ()
    monkeypatch.setattr(DecisionSet, "decide", lambda *_: verdict)
    planned = plan(SUPERVISOR, PEOPLE)
    assert {denial.coordinate for denial in planned.denials} == {
        "Enrollee.lastName",
        "Enrollee.dateOfBirth",
        "Enrollee.phoneNumber",
        "Enrollee.homeAddress",
    }
    for document in (
        '{enrollees(where:{lastName:{eq:"x"}}){nodes{__typename}}}',
        "{enrollees(orderBy:[{lastName:ASC}]){nodes{__typename}}}",
        '{enrollee(medicaidId:"x"){__typename}}',
    ):
        with pytest.raises(PositionDenied):
            plan(SUPERVISOR, document)


@pytest.mark.parametrize("verdict", NO_VERDICTS.values(), ids=NO_VERDICTS)
async def test_what_is_no_verdict_opens_no_policy(
    verdict: object, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same where a field is no record."""
    document = "{policy{version} orders{docket}}"
    opened = await gateway.ask("auditor", document)
    assert opened["data"]["policy"] is not None
    monkeypatch.setattr(DecisionSet, "decide", lambda *_: verdict)
    closed = await gateway.ask("auditor", document)
    assert closed["data"] == {"policy": None, "orders": None}


def test_no_type_is_reached_by_another_name() -> None:
    """No interface and no union: each field has one coordinate, on whatever way it is reached."""
    for type_ in whole().type_map.values():
        if not type_.name.startswith("__"):
            assert not isinstance(type_, GraphQLInterfaceType | GraphQLUnionType)
