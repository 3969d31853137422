"""Dated facts take effect at their instant, and nobody commits a policy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from authz.order import Change, Status
from tests.properties.scope_ground import ORDERS, Ground, claims_of, ground
from tests.properties.scope_people import Case, directory, rows_of

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
        await one.clock.set(moment)
        body = await one.ask(role, "{ enrollees { nodes { medicaidId } } }", claims_of(role, 1))
        assert len(body["data"]["enrollees"]["nodes"]) == there, moment


async def test_break_glass_ends_at_its_instant(one: Ground) -> None:
    until = datetime(2026, 3, 15, 13, 0, 0, 1, tzinfo=UTC)
    claims = {**claims_of("break_glass", 1), "until": until.isoformat()}
    for moment, there in ((until - _TICK, True), (until, False), (until + _TICK, False)):
        await one.clock.set(moment)
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
            await dated.clock.set(moment)
            query = "{ enrollees { nodes { medicaidId } } }"
            body = await dated.ask("immigration_enforcement", query, {})
            if reads:
                assert body == {"data": {"enrollees": {"nodes": [{"medicaidId": "M1"}]}}}
            else:
                assert body["data"] == {"enrollees": None}
                assert body["errors"][0]["extensions"]["code"] == "FW120"
