"""Cursors, totals and page facts: nothing of a value, nothing of a row outside the scope."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.roles import readers

if TYPE_CHECKING:
    import asyncpg

    from db.sql.pieces import Statement
    from tests.gateway import Gateway

CAPPED = "immigration_enforcement"
SUPERVISOR = "eligibility_supervisor"
BY_NAME = "orderBy:[{lastName:ASC},{fiveYearBarEndDate:DESC}]"
ORDERED = f"""query($c:String,$n:Int=200){{
  enrollees(first:$n,after:$c,{BY_NAME}){{
    edges{{cursor node{{id lastName firstName dateOfBirth fiveYearBarEndDate}}}}
    pageInfo{{endCursor}}
  }}
}}"""


async def edges(gateway: Gateway) -> list[dict[str, Any]]:
    answer = await gateway.ask(SUPERVISOR, ORDERED)
    found: list[dict[str, Any]] = answer["data"]["enrollees"]["edges"]
    assert len(found) > 100
    return found


async def test_a_cursor_holds_no_readable_value(gateway: Gateway) -> None:
    for edge in await edges(gateway):
        cursor: str = edge["cursor"]
        opened = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        for value in edge["node"].values():
            # Of what is shorter, chance alone brings some.
            if value is not None and len(value) > 4:
                assert value.encode() not in opened
                assert value.replace("-", "") not in opened.hex()
                assert value not in cursor


async def test_the_length_of_a_cursor_tells_nothing(gateway: Gateway) -> None:
    """One length for an order, whether a name is long or a date is missing."""
    found = await edges(gateway)
    assert len({len(edge["cursor"]) for edge in found}) == 1
    assert len({len(edge["node"]["lastName"]) for edge in found}) > 3
    assert {edge["node"]["fiveYearBarEndDate"] is None for edge in found} == {True, False}


async def test_dates_and_numbers_of_every_size_make_cursors_of_one_length(
    gateway: Gateway,
) -> None:
    for terms in (
        "{serviceBeginDate:DESC},{dischargeDate:ASC},{admissionDate:ASC},{paidDate:ASC}",
        "{paidAmount:ASC},{billedAmount:DESC},{coveredDays:ASC}",
        "{providerNpi:ASC},{planId:DESC},{kind:ASC}",
    ):
        document = f"{{claims(first:1000,orderBy:[{terms}]){{edges{{cursor}}}}}}"
        answer = await gateway.ask("program_integrity", document)
        assert len({len(edge["cursor"]) for edge in answer["data"]["claims"]["edges"]}) == 1


async def test_no_two_rows_share_a_cursor_and_the_same_row_keeps_its_own(gateway: Gateway) -> None:
    first, second = await edges(gateway), await edges(gateway)
    assert first == second
    assert len({edge["cursor"] for edge in first}) == len(first)


async def test_an_altered_cursor_opens_nothing(gateway: Gateway, sent: list[Statement]) -> None:
    cursor: str = (await edges(gateway))[3]["cursor"]
    sent.clear()
    for place in range(0, len(cursor), 5):
        other = "A" if cursor[place] != "A" else "B"
        await refused(gateway, cursor[:place] + other + cursor[place + 1 :])
    for altered in (
        "",
        "x",
        cursor[:-4],
        cursor + "AAAA",
        cursor[4:],
        cursor[::-1],
        cursor.swapcase(),
        f" {cursor}",
        cursor + "\n",
        cursor[:8] + "=" + cursor[8:],
        "Ω" + cursor[1:],
        "\x00" + cursor[1:],
        "-" * len(cursor),
        "A" * 20_000,
        base64.b64encode(b'["Smith",null,"x"]').decode(),
    ):
        await refused(gateway, altered)
    assert sent == []


async def refused(gateway: Gateway, cursor: str) -> None:
    answer = await gateway.ask(SUPERVISOR, ORDERED, {"c": cursor})
    assert answer["errors"][0]["extensions"] == {"code": "FW116"}, cursor
    assert "data" not in answer


PERSON = "{enrollees(%s){nodes{id}}}"
FOREIGN: dict[str, tuple[str, str, dict[str, object]]] = {
    # What differs from the cursor's own list: role, document with %s for the cursor, claims.
    "subject": (SUPERVISOR, PERSON % f"after:%s,{BY_NAME}", {"sub": "mallory"}),
    "role": ("eligibility_worker", PERSON % f"after:%s,{BY_NAME}", {"sub": "demo-" + SUPERVISOR}),
    "order": (SUPERVISOR, PERSON % "after:%s,orderBy:[{lastName:ASC},{dateOfBirth:DESC}]", {}),
    "direction": (
        SUPERVISOR,
        PERSON % "after:%s,orderBy:[{lastName:ASC},{fiveYearBarEndDate:ASC}]",
        {},
    ),
    "fewer terms": (SUPERVISOR, PERSON % "after:%s,orderBy:[{lastName:ASC}]", {}),
    "no order": (SUPERVISOR, PERSON % "after:%s", {}),
    "filter": (SUPERVISOR, PERSON % f"after:%s,{BY_NAME},where:{{sex:{{eq:FEMALE}}}}", {}),
    "list": (SUPERVISOR, "{plans(after:%s){nodes{id}}}", {}),
    "nested list": (
        SUPERVISOR,
        "{enrollees{nodes{eligibilitySpans(after:%s){nodes{caseNumber}}}}}",
        {},
    ),
}


@pytest.mark.parametrize("difference", FOREIGN)
async def test_a_cursor_of_another_list_opens_nothing(
    difference: str, gateway: Gateway, sent: list[Statement]
) -> None:
    cursor = (await edges(gateway))[3]["cursor"]
    sent.clear()
    role, document, claims = FOREIGN[difference]
    for argument in ("after", "before"):
        answer = await gateway.post(
            role, document.replace("after:%s", f'{argument}:"{cursor}"'), None, None, **claims
        )
        assert answer.json()["errors"][0]["extensions"] == {"code": "FW116"}
    assert sent == []


async def test_a_cursor_of_a_nested_list_does_not_open_the_whole_list(gateway: Gateway) -> None:
    nested = "{enrollees(first:30){nodes{claims(first:1){edges{cursor}}}}}"
    answer = await gateway.ask("program_integrity", nested)
    (cursor, *_) = (
        edge["cursor"]
        for node in answer["data"]["enrollees"]["nodes"]
        for edge in node["claims"]["edges"]
    )
    whole = f'{{claims(first:1,after:"{cursor}"){{nodes{{icn}}}}}}'
    answer = await gateway.ask("program_integrity", whole)
    assert answer["errors"][0]["extensions"] == {"code": "FW116"}


async def pages(gateway: Gateway, role: str, size: int, *, backwards: bool) -> list[list[Any]]:
    """All pages of people, walked to the end."""
    count, bound, more, end = (
        ("last", "before", "hasPreviousPage", "startCursor")
        if backwards
        else ("first", "after", "hasNextPage", "endCursor")
    )
    document = (
        f"query($c:String,$n:Int){{enrollees({count}:$n,{bound}:$c)"
        f"{{edges{{cursor}} pageInfo{{{more} {end}}}}}}}"
    )
    found: list[list[Any]] = []
    cursor = None
    while True:
        answer = await gateway.ask(role, document, {"n": size, "c": cursor})
        page = answer["data"]["enrollees"]
        found.append([edge["cursor"] for edge in page["edges"]])
        if not page["pageInfo"][more]:
            return found
        cursor = page["pageInfo"][end]


POPULATION = "select count(*) from medicaid.enrollee where population @> current_date"
STATE = "select count(*) from medicaid.enrollee where submitting_state = $1"


async def test_has_next_page_does_not_count_rows_outside_the_scope(
    gateway: Gateway, owner: asyncpg.Connection
) -> None:
    """The last page of the capped role says that it is the last, though the table goes on."""
    population = await owner.fetchval(POPULATION)
    people = await owner.fetchval("select count(*) from medicaid.enrollee")
    assert 10 < population < people / 2
    for size in (7, 50):
        for backwards in (False, True):
            found = await pages(gateway, CAPPED, size, backwards=backwards)
            assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)
            assert sum(map(len, found)) == population
            assert len({cursor for page in found for cursor in page}) == population


async def test_a_page_that_ends_with_the_scope_says_that_nothing_follows(
    gateway: Gateway, owner: asyncpg.Connection
) -> None:
    population = await owner.fetchval(POPULATION)
    divisor = next(size for size in range(50, 0, -1) if population % size == 0)
    found = await pages(gateway, CAPPED, divisor, backwards=False)
    assert len(found) == population / divisor
    document = "{enrollees(%s:%d){pageInfo{hasNextPage hasPreviousPage}}}"
    if population <= 50:
        for side in ("first", "last"):
            facts = await gateway.ask(CAPPED, document % (side, population))
            assert facts["data"]["enrollees"]["pageInfo"] == {
                "hasNextPage": False,
                "hasPreviousPage": False,
            }


async def test_a_total_counts_the_scope_and_no_more(
    gateway: Gateway, owner: asyncpg.Connection
) -> None:
    document = "query($w:EnrolleeWhere){enrollees(where:$w,first:1){totalCount nodes{id}}}"
    for state in ("CA", "NY", "TX"):
        answer = await gateway.post(SUPERVISOR, document, None, None, state=[state])
        assert answer.json()["data"]["enrollees"]["totalCount"] == await owner.fetchval(
            STATE, state
        )
    # A filter that asks for the rest of the table counts none of it.
    for where in (
        {"submittingState": {"ne": gateway.examples["state"]}},
        {"not": {"submittingState": {"eq": gateway.examples["state"]}}},
        {"or": [{"submittingState": {"notIn": [gateway.examples["state"]]}}, {"or": []}]},
    ):
        answer = (await gateway.ask(SUPERVISOR, document, {"w": where}))["data"]["enrollees"]
        assert answer == {"totalCount": 0, "nodes": []}


async def test_a_total_of_a_nested_list_counts_rows_of_that_person(
    gateway: Gateway, owner: asyncpg.Connection
) -> None:
    document = "{enrollees(first:200){nodes{id eligibilitySpans{totalCount}}}}"
    nodes = (await gateway.ask(SUPERVISOR, document))["data"]["enrollees"]["nodes"]
    rows = await owner.fetch("select enrollee_id::text as id from medicaid.eligibility_determinant")
    spans = Counter(row["id"] for row in rows)
    assert {node["id"]: node["eligibilitySpans"]["totalCount"] for node in nodes} == {
        node["id"]: spans[node["id"]] for node in nodes
    }


@pytest.mark.parametrize("role", readers())
async def test_a_total_needs_aggregate_alone_and_beside_rows(role: str, gateway: Gateway) -> None:
    """Null and one error, or a number; never a failure, whatever else is selected."""
    for selection in ("totalCount", "totalCount nodes{__typename}", "a:totalCount b:totalCount"):
        answer = await gateway.ask(role, f"{{enrollees{{{selection}}}}}")
        keys = [key for key in answer["data"]["enrollees"] if key != "nodes"]
        counts = [answer["data"]["enrollees"][key] for key in keys]
        if role in (SUPERVISOR, "program_integrity"):
            assert all(isinstance(count, int) for count in counts)
        else:
            assert set(counts) == {None}
            assert [error["path"][1] for error in answer["errors"]] == keys
            assert {e["extensions"]["code"] for e in answer["errors"]} == {"FW120"}


async def test_paging_both_ways_over_missing_values_loses_and_repeats_nobody(
    gateway: Gateway, owner: asyncpg.Connection
) -> None:
    """In an order of values one hop away and of missing ones, forwards and backwards."""
    state = await owner.fetchval(STATE, gateway.examples["state"])
    terms = "[{phoneNumber:DESC},{fiveYearBarEndDate:ASC},{eligibilityGroup:ASC}]"
    seen: dict[str, list[str]] = {}
    for count, bound, more, end in (
        ("first", "after", "hasNextPage", "endCursor"),
        ("last", "before", "hasPreviousPage", "startCursor"),
    ):
        document = (
            f"query($c:String){{enrollees({count}:37,{bound}:$c,orderBy:{terms})"
            f"{{nodes{{id}} pageInfo{{{more} {end}}}}}}}"
        )
        found: list[str] = []
        cursor, going = None, True
        while going:
            page = (await gateway.ask(SUPERVISOR, document, {"c": cursor}))["data"]["enrollees"]
            ids = [node["id"] for node in page["nodes"]]
            found = found + ids if count == "first" else ids + found
            cursor, going = page["pageInfo"][end], page["pageInfo"][more]
        seen[count] = found
    assert seen["first"] == seen["last"]
    assert len(set(seen["first"])) == len(seen["first"]) == state


async def test_between_two_cursors_lie_the_rows_between(gateway: Gateway) -> None:
    found = await edges(gateway)
    document = (
        "query($a:String,$b:String)"
        f"{{enrollees(first:9,after:$a,before:$b,{BY_NAME}){{nodes{{id}}}}}}"
    )
    inside = await gateway.ask(
        SUPERVISOR, document, {"a": found[10]["cursor"], "b": found[15]["cursor"]}
    )
    ids = [node["id"] for node in inside["data"]["enrollees"]["nodes"]]
    assert ids == [edge["node"]["id"] for edge in found[11:15]]
    for after, before in ((15, 10), (10, 10), (10, 11)):
        none = await gateway.ask(
            SUPERVISOR, document, {"a": found[after]["cursor"], "b": found[before]["cursor"]}
        )
        assert none["data"]["enrollees"]["nodes"] == []


async def test_an_answer_without_an_order_is_in_no_order_of_a_value(gateway: Gateway) -> None:
    """The order behind every list is a random key, so places tell nothing."""
    answer = await gateway.ask(CAPPED, "{enrollees(first:50){nodes{medicaidId dateOfBirth}}}")
    nodes = answer["data"]["enrollees"]["nodes"]
    for name in ("medicaidId", "dateOfBirth"):
        values = [node[name] for node in nodes]
        assert values not in (sorted(values), sorted(values, reverse=True))
    assert json.dumps(nodes) == json.dumps(
        (await gateway.ask(CAPPED, "{enrollees(first:50){nodes{medicaidId dateOfBirth}}}"))["data"][
            "enrollees"
        ]["nodes"]
    )
