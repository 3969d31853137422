"""Cursors over HTTP: what this gateway did not seal for this list is refused, always alike."""

from __future__ import annotations

import base64
import json
import string
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.app import create_app
from tests.database import FLOOR_SECRET
from tests.gateway import CURSOR_KEY, KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.sql.pieces import Statement
    from tests.gateway import Gateway

SUPERVISOR = "eligibility_supervisor"
ALPHABET = string.ascii_letters + string.digits + "-_"
LIST = """query($c:String,$b:String){enrollees(first:3,after:$c,before:$b,%s)
  {edges{cursor node{id}} pageInfo{hasNextPage endCursor}}}"""
# Cursors of the first are whole groups of base64; the last character of one of the second has two
# bits to spare.
BY_BIRTH, BY_NAME = LIST % "orderBy:[{dateOfBirth:ASC}]", LIST % "orderBy:[{lastName:ASC}]"


async def cursor_of(gateway: Gateway, document: str) -> str:
    answer = await gateway.ask(SUPERVISOR, document)
    cursor: str = answer["data"]["enrollees"]["edges"][1]["cursor"]
    return cursor


def bare(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    return answer.status_code, answer.content, sorted(answer.headers.items())


async def refusal(gateway: Gateway) -> tuple[int, bytes, list[tuple[str, str]]]:
    """What every refused cursor is answered with."""
    answer = await gateway.post(SUPERVISOR, BY_BIRTH, {"c": "x"})
    (error,) = answer.json()["errors"]
    assert error == {
        "message": "the cursor does not belong to this list",
        "extensions": {"code": "FW116"},
    }
    return bare(answer)


@pytest.mark.parametrize("document", [BY_BIRTH, BY_NAME], ids=["whole groups", "bits to spare"])
async def test_a_cursor_altered_in_any_byte_opens_nothing(
    document: str, gateway: Gateway, sent: list[Statement]
) -> None:
    cursor, expected = await cursor_of(gateway, document), await refusal(gateway)
    sent.clear()
    for place, character in enumerate(cursor):
        other = ALPHABET[(ALPHABET.index(character) + 1 + place) % len(ALPHABET)]
        altered = cursor[:place] + other + cursor[place + 1 :]
        if altered != cursor:
            assert bare(await gateway.post(SUPERVISOR, document, {"c": altered})) == expected
    # Every other last character: some differ in bits that a lenient reader drops.
    for other in set(ALPHABET) - {cursor[-1]}:
        altered = cursor[:-1] + other
        assert bare(await gateway.post(SUPERVISOR, document, {"c": altered})) == expected, other
    assert sent == []


async def test_a_cursor_written_in_another_way_opens_nothing(
    gateway: Gateway, sent: list[Statement]
) -> None:
    """Padding, the other alphabet, spaces, what else decodes to the same bytes."""
    expected = await refusal(gateway)
    for document in (BY_BIRTH, BY_NAME):
        answer = await gateway.ask(SUPERVISOR, document.replace("first:3", "first:50"))
        cursors = [edge["cursor"] for edge in answer["data"]["enrollees"]["edges"]]
        cursor = next(each for each in cursors if "-" in each and "_" in each)
        sent.clear()
        padded = cursor + "=" * (-len(cursor) % 4)
        for written in (
            cursor.replace("-", "+").replace("_", "/"),
            cursor.replace("-", "+"),
            padded if padded != cursor else cursor + "====",
            cursor + "=",
            cursor + "==",
            cursor + "A",
            cursor + "AAAA",
            cursor + cursor,
            cursor[:-1],
            cursor[:-4],
            cursor[1:],
            cursor[: len(cursor) // 2],
            cursor[::-1],
            cursor.swapcase(),
            " " + cursor,
            cursor + " ",
            cursor + "\n",
            cursor + "\x00",
            cursor[:8] + "\t" + cursor[8:],
            base64.b16encode(cursor.encode()).decode(),
            cursor.translate({ord("A"): "\N{FULLWIDTH LATIN CAPITAL LETTER A}"})
            + "\N{CYRILLIC CAPITAL LETTER A}",
        ):
            answered = bare(await gateway.post(SUPERVISOR, document, {"c": written}))
            assert answered == expected, written
        assert sent == []


GARBAGE: list[str] = [
    "",
    " ",
    "0",
    "null",
    "AAAA",
    "A" * 15,
    "A" * 20,
    "A" * 22,
    "A" * 96,
    "A" * 324,
    "=" * 96,
    "-" * 96,
    "\x00" * 4,
    "\ud800",
    "\N{GREEK CAPITAL LETTER OMEGA}" * 96,
    "A" * 8_192,
    "A" * 100_000,
    "arrayconnection:1",
    base64.b64encode(b"arrayconnection:1").decode(),
    base64.urlsafe_b64encode(b'["Smith","00000000-0000-0000-0000-000000000000"]').decode(),
    base64.urlsafe_b64encode(b"\x00" * 72).decode(),
    "' or 1=1 --",
]


@pytest.mark.parametrize("argument", ["c", "b"])
async def test_garbage_is_no_cursor(argument: str, gateway: Gateway, sent: list[Statement]) -> None:
    """As a variable and, where a document can hold it, as a literal; after and before."""
    expected = await refusal(gateway)
    for text in GARBAGE:
        body = json.dumps({"query": BY_BIRTH, "variables": {argument: text}})
        answer = await gateway.client.post(
            "/graphql",
            content=body.encode(),
            headers={
                "content-type": "application/json",
                "authorization": f"Bearer {gateway.token(SUPERVISOR)}",
            },
        )
        assert bare(answer) == expected, text[:30]
        if text.isprintable() and text.isascii():
            literal = BY_BIRTH.replace(f"${argument}", json.dumps(text), 2)
            literal = literal.replace(f"query({json.dumps(text)}:String,", "query(").replace(
                f",{json.dumps(text)}:String)", ")"
            )
            assert bare(await gateway.post(SUPERVISOR, literal)) == expected, text[:30]
    assert sent == []


FOREIGN: dict[str, tuple[str, str, dict[str, object]]] = {
    # What differs from the cursor's own list: role, document, claims.
    "subject": (SUPERVISOR, BY_NAME, {"sub": "mallory"}),
    "role": ("eligibility_worker", BY_NAME, {"sub": "demo-" + SUPERVISOR}),
    "narrower role": ("front_desk", BY_NAME, {"sub": "demo-" + SUPERVISOR}),
    "order": (SUPERVISOR, BY_BIRTH, {}),
    "direction": (SUPERVISOR, BY_NAME.replace("ASC", "DESC"), {}),
    "further term": (SUPERVISOR, BY_NAME.replace("ASC}", "ASC},{dateOfBirth:ASC}"), {}),
    "no order": (SUPERVISOR, BY_NAME.replace(",orderBy:[{lastName:ASC}]", ""), {}),
    "filter": (SUPERVISOR, BY_NAME.replace("first", "where:{sex:{eq:MALE}},first"), {}),
    "negated filter": (
        SUPERVISOR, BY_NAME.replace("first", "where:{not:{sex:{eq:MALE}}},first"), {},
    ),
    "list": (SUPERVISOR, "query($c:String,$b:String){plans(after:$c,before:$b){nodes{name}}}", {}),
    "nested list": (
        SUPERVISOR,
        "query($c:String,$b:String){enrollees{nodes{eligibilitySpans(after:$c,before:$b)"
        "{nodes{primary}}}}}",
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("difference", FOREIGN)
async def test_a_cursor_of_another_list_is_answered_as_garbage(
    difference: str, gateway: Gateway, sent: list[Statement]
) -> None:
    cursor, expected = await cursor_of(gateway, BY_NAME), await refusal(gateway)
    sent.clear()
    role, document, claims = FOREIGN[difference]
    for argument in ("c", "b"):
        answer = await gateway.post(role, document, {argument: cursor}, None, **claims)
        assert bare(answer) == expected
    assert sent == []


FILTERED = """query($c:String,$w:EnrolleeWhere){enrollees(first:3,after:$c,where:$w)
  {edges{cursor}}}"""


async def test_a_cursor_belongs_to_the_values_of_its_filter(gateway: Gateway) -> None:
    """However the filter is written: another value is another list, the same value is the same."""
    where = {"dateOfBirth": {"gte": "1980-01-01"}, "sex": {"eq": "FEMALE"}}
    answer = await gateway.ask(SUPERVISOR, FILTERED, {"w": where})
    cursor = answer["data"]["enrollees"]["edges"][0]["cursor"]
    expected = await refusal(gateway)
    turned = dict(reversed(where.items()))
    same = await gateway.ask(SUPERVISOR, FILTERED, {"w": turned, "c": cursor})
    assert "errors" not in same
    literal = FILTERED.replace(",$w:EnrolleeWhere", "").replace(
        "$w", '{sex:{eq:FEMALE},dateOfBirth:{gte:"1980-01-01"}}'
    )
    assert (await gateway.ask(SUPERVISOR, literal, {"c": cursor})) == same
    for other in (
        {},
        where | {"sex": {"eq": "MALE"}},
        where | {"dateOfBirth": {"gte": "1980-01-02"}},
        where | {"dateOfBirth": {"gt": "1980-01-01"}},
        {"or": [where]},
        {"sex": {"eq": "FEMALE"}},
    ):
        answered = await gateway.post(SUPERVISOR, FILTERED, {"w": other, "c": cursor})
        assert bare(answered) == expected, other


# ── rotation ──────────────────────────────────────────────────────────────────────────────────

NEW_KEY = bytes(range(64, 128))


@asynccontextmanager
async def keyed(gateway: Gateway, *keys: bytes) -> AsyncIterator[Gateway]:
    """Another gateway over the same records, with other cursor keys."""
    app = create_app(gateway.gateway_url, KEY.settings(), keys, FLOOR_SECRET)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://fieldward.test"
        ) as client,
    ):
        yield type(gateway)(client, gateway.owner_url, gateway.gateway_url, gateway.examples)


async def walk(gateway: Gateway, cursor: str | None, most: int) -> tuple[list[str], str]:
    """IDs of the next pages, and the cursor behind them."""
    found: list[str] = []
    for _ in range(most):
        page: dict[str, Any] = (await gateway.ask(SUPERVISOR, BY_NAME, {"c": cursor}))["data"]
        found += [edge["node"]["id"] for edge in page["enrollees"]["edges"]]
        cursor = page["enrollees"]["pageInfo"]["endCursor"]
    assert cursor is not None
    return found, cursor


async def test_a_client_pages_on_while_the_key_is_rotated(gateway: Gateway) -> None:
    """The new key first and the old one behind it; in the end the old one is gone."""
    straight, _ = await walk(gateway, None, 6)
    expected = await refusal(gateway)
    before, cursor = await walk(gateway, None, 2)
    async with keyed(gateway, NEW_KEY, CURSOR_KEY) as between:
        during, fresh = await walk(between, cursor, 2)
        # A gateway that has not heard of the new key yet opens what it sealed itself, alone.
        assert bare(await gateway.post(SUPERVISOR, BY_NAME, {"c": fresh})) == expected
    async with keyed(gateway, NEW_KEY) as after:
        rest, _ = await walk(after, fresh, 2)
        assert bare(await after.post(SUPERVISOR, BY_NAME, {"c": cursor})) == expected
    assert before + during + rest == straight


async def test_keys_can_be_told_to_every_gateway_before_the_first_seals_with_one(
    gateway: Gateway,
) -> None:
    """Rotation over several gateways: the new key is opened everywhere before it seals anywhere."""
    async with (
        keyed(gateway, CURSOR_KEY, NEW_KEY) as told,
        keyed(gateway, NEW_KEY, CURSOR_KEY) as turned,
    ):
        first, cursor = await walk(told, None, 1)
        second, cursor = await walk(turned, cursor, 1)
        third, _ = await walk(told, cursor, 1)
    assert first + second + third == (await walk(gateway, None, 3))[0]
