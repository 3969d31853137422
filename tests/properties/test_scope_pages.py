"""Pages of a scope over several values: the rows of all of them in one order, none twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.database import connected

if TYPE_CHECKING:
    from tests.gateway import Gateway

ROLE = "eligibility_supervisor"
PAGE = """query($n:Int,$m:Int,$a:String,$b:String){{
  enrollees(first:$n,last:$m,after:$a,before:$b{where}){{
    nodes{{medicaidId dateOfBirth}} pageInfo{{startCursor endCursor hasNextPage hasPreviousPage}}
  }}
}}"""
# The first is read value by value, the second in the form that one value of it makes plain.
FORMS = {
    "plain": PAGE.format(where=""),
    "filtered": PAGE.format(where=',where:{dateOfBirth:{gte:"1900-01-01"}}'),
}
SCOPES = {"one": (0,), "two": (0, 1), "twice the same": (0, 0), "three and one twice": (2, 0, 1, 0)}


async def _expected(gateway: Gateway, chosen: tuple[int, ...]) -> tuple[list[str], list[str]]:
    async with connected(gateway.owner_url) as owner:
        found = await owner.fetch(
            "select submitting_state as s from medicaid.enrollee "
            "group by 1 order by count(*) desc, 1"
        )
        states = [row["s"] for row in found]
        scope = [states[index] for index in chosen if index < len(states)]
        rows = await owner.fetch(
            "select msis_identification_num as id from medicaid.enrollee "
            "where submitting_state = any ($1::text[]) order by enrollee_id limit 40",
            scope,
        )
        last = await owner.fetch(
            "select msis_identification_num as id from medicaid.enrollee "
            "where submitting_state = any ($1::text[]) order by enrollee_id desc limit 40",
            scope,
        )
    assert len(set(scope)) == len(set(chosen)), "the seeded people are of fewer states"
    rows_backwards = [row["id"] for row in last][::-1]
    return scope, [row["id"] for row in rows] + ["|"] + rows_backwards


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("form", FORMS)
async def test_pages_of_several_values_are_those_of_one_order(
    gateway: Gateway, form: str, scope: str
) -> None:
    states, expected = await _expected(gateway, SCOPES[scope])
    cut = expected.index("|")
    assert await _walk(gateway, form, states, forwards=True) == expected[:cut]
    assert await _walk(gateway, form, states, forwards=False) == expected[cut + 1 :]


async def test_a_value_that_nobody_has_is_no_row(gateway: Gateway) -> None:
    for document in FORMS.values():
        answer = await gateway.ask(ROLE, document, {"n": 5}, state=["GU"])
        assert answer["data"]["enrollees"]["nodes"] == []


async def _walk(gateway: Gateway, form: str, states: list[str], *, forwards: bool) -> list[str]:
    """Up to forty rows in pages of ten, in the order shown."""
    found: list[str] = []
    place: str | None = None
    for _ in range(4):
        asked: dict[str, Any] = {"n": 10, "a": place} if forwards else {"m": 10, "b": place}
        answer = await gateway.ask(ROLE, FORMS[form], asked, state=states)
        page = answer["data"]["enrollees"]
        ids = [node["medicaidId"] for node in page["nodes"]]
        found = found + ids if forwards else ids + found
        more = page["pageInfo"]["hasNextPage" if forwards else "hasPreviousPage"]
        place = page["pageInfo"]["endCursor" if forwards else "startCursor"]
        if not more:
            break
    return found
