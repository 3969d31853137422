"""Changes of the policy in PostgreSQL: which step is possible when and for whom, and its traces.

Everything is done as the gateway's login does it, in a session that by itself reads only.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from authz.store import digest_of
from db.changes import (
    Change,
    approvals,
    approve,
    change,
    changes,
    overdue,
    propose,
    reject,
    set_approvals,
    withdraw,
)
from db.errors import (
    ApprovalMissing,
    ChangeClosed,
    ChangeExpired,
    ChangeInvalid,
    ChangeUnknown,
    DatabaseUnavailable,
    FieldwardError,
    FloorRefused,
    NotTheAuthor,
    PolicyMoved,
    SamePerson,
    VersionUnknown,
)
from db.floor_apply import stored_head
from db.floor_drift import differences
from db.session import open_session
from db.versions import version, version_at, versions
from tests.changing import AUTHOR, OTHER, THIRD, Changing, changing
from tests.database import floored, migrated_template
from tests.properties.policies_in_turn import policy, ready

SECRET = "a-value-of-a-document"


@pytest.fixture(scope="module")
async def store() -> AsyncIterator[Changing]:
    """A store that the tests of this module share: none rests on what another left."""
    async with migrated_template() as template, changing(template) as made:
        yield made


@pytest.fixture
async def alone(store: Changing) -> AsyncIterator[None]:
    """A deployment in which one person is enough."""
    await set_approvals(store.owner, 1)
    yield
    await set_approvals(store.owner, 2)


async def label(store: Changing) -> int:
    """A policy that is not the head's."""
    stored = await stored_head(store.owner)
    assert stored is not None
    return 1 if stored.document != ready(1).document else 2


async def age(store: Changing, found: int, days: int) -> None:
    """Has a change be older than it is: only who can alter the table can."""
    await store.owner.execute("alter table fieldward.policy_change disable trigger hold")
    await store.owner.execute(
        "update fieldward.policy_change set proposed_at = proposed_at - $2::interval,"
        " expires_at = expires_at - $2::interval, approval_due = approval_due - $2::interval"
        " where id = $1",
        found,
        timedelta(days=days),
    )
    await store.owner.execute("alter table fieldward.policy_change enable trigger hold")


# How a change comes into a state


async def _approved(store: Changing) -> int:
    return await store.approved(await label(store))


async def _proposed(store: Changing) -> int:
    return await store.proposed(await label(store))


async def _committed(store: Changing) -> int:
    wanted = await label(store)
    found = await store.approved(wanted)
    await store.commit(found, wanted)
    return found


async def _rejected(store: Changing) -> int:
    found = await _approved(store)
    await reject(store.gateway, found, OTHER, "no")
    return found


async def _withdrawn(store: Changing) -> int:
    found = await _approved(store)
    await withdraw(store.gateway, found, AUTHOR, "")
    return found


async def _superseded(store: Changing) -> int:
    found = await _approved(store)
    await _committed(store)
    return found


async def _expired(store: Changing) -> int:
    found = await _approved(store)
    await age(store, found, 14)
    return found


async def _emergency(store: Changing) -> int:
    return await store.proposed(await label(store), emergency=True)


async def _emergency_committed(store: Changing) -> int:
    wanted = await label(store)
    found = await store.proposed(wanted, emergency=True)
    await store.commit(found, wanted)
    return found


async def _emergency_looked_at(store: Changing) -> int:
    found = await _emergency_committed(store)
    await approve(store.gateway, found, OTHER, "I have seen it")
    return found


CLOSED = {step: ChangeClosed for step in ("approve", "reject", "withdraw", "commit")}
# how it came into a state → step → the state that follows, or the error
TRANSITIONS: dict[Callable[[Changing], Awaitable[int]], dict[str, Any]] = {
    _proposed: {
        "approve": "approved", "reject": "rejected", "withdraw": "withdrawn",
        "commit": ApprovalMissing,
    },
    _approved: {
        "approve": ChangeClosed, "reject": "rejected", "withdraw": "withdrawn",
        "commit": "committed",
    },
    _emergency: {
        "approve": "approved", "reject": "rejected", "withdraw": "withdrawn",
        "commit": "committed",
    },
    _emergency_committed: CLOSED | {"approve": "committed"},
    _emergency_looked_at: CLOSED,
    _committed: CLOSED,
    _rejected: CLOSED,
    _withdrawn: CLOSED,
    _superseded: CLOSED,
    _expired: {step: ChangeExpired for step in CLOSED},
}  # fmt: skip


async def step(store: Changing, name: str, found: int) -> None:
    """A step by whoever may take it."""
    match name:
        case "approve":
            await approve(store.gateway, found, THIRD, "seen")
        case "reject":
            await reject(store.gateway, found, THIRD, "not so")
        case "withdraw":
            await withdraw(store.gateway, found, AUTHOR, "")
        case _:
            await store.commit(found, await label(store))


@pytest.mark.parametrize("into", TRANSITIONS)
async def test_a_step_is_possible_in_some_states_and_in_no_other(
    store: Changing, into: Callable[[Changing], Awaitable[int]]
) -> None:
    for name, expected in TRANSITIONS[into].items():
        found = await into(store)
        before, head = await change(store.gateway, found), await store.head()
        if isinstance(expected, str):
            await step(store, name, found)
            after = await change(store.gateway, found)
            assert after.state == expected, name
            assert after.events[:-1] == before.events
            event = after.events[-1].event
            assert event == ("approved" if name == "approve" else expected)
            assert (after.version or head) == await store.head()
        else:
            with pytest.raises(expected) as caught:
                await step(store, name, found)
            if expected is ChangeClosed:
                assert caught.value.facts == {"state": before.state}
            assert await change(store.gateway, found) == before, name
            assert await store.head() == head


async def test_an_author_neither_approves_nor_rejects_and_nobody_else_withdraws(
    store: Changing,
) -> None:
    for into in (_proposed, _emergency_committed):
        found = await into(store)
        before = await change(store.gateway, found)
        with pytest.raises(SamePerson):
            await approve(store.gateway, found, AUTHOR, "mine")
        with pytest.raises(SamePerson if before.state == "proposed" else ChangeClosed):
            await reject(store.gateway, found, AUTHOR, "mine")
        with pytest.raises(NotTheAuthor if before.state == "proposed" else ChangeClosed):
            await withdraw(store.gateway, found, OTHER, "")
        assert await change(store.gateway, found) == before


async def test_who_approved_may_think_again(store: Changing) -> None:
    found = await _approved(store)
    await reject(store.gateway, found, OTHER, "I did not see that one")
    assert (await change(store.gateway, found)).state == "rejected"


@pytest.mark.usefixtures("alone")
async def test_where_one_person_is_enough_the_author_commits_and_nothing_is_due(
    store: Changing,
) -> None:
    assert await approvals(store.gateway) == 1
    for emergency in (False, True):
        wanted = await label(store)
        found = await store.proposed(wanted, emergency=emergency)
        with pytest.raises(SamePerson):
            await approve(store.gateway, found, AUTHOR, "")
        number = await store.commit(found, wanted)
        after = await change(store.gateway, found)
        assert (after.state, after.version, after.approver) == ("committed", number, None)
        assert after.approval_due is None
        made = await version(store.gateway, number)
        assert (made.author, made.approver, made.approval_due) == (AUTHOR, None, None)


async def test_the_gateway_cannot_say_how_many_people_it_takes(store: Changing) -> None:
    assert await approvals(store.gateway) == 2
    with pytest.raises(asyncpg.PostgresError):
        await set_approvals(store.gateway, 1)
    with pytest.raises(asyncpg.CheckViolationError):
        await set_approvals(store.owner, 0)
    assert await approvals(store.gateway) == 2


# What is left behind


async def test_a_version_says_who_wrote_it_who_agreed_and_why(store: Changing) -> None:
    wanted = await label(store)
    before = await store.head()
    found = await store.approved(wanted)
    number = await store.commit(found, wanted)
    assert number == before + 1
    made = await version(store.gateway, number)
    assert (made.author, made.approver, made.change) == (AUTHOR, OTHER, found)
    assert made.reason == f"makes it {wanted}"
    assert made.document == ready(wanted).document
    assert made.digest == digest_of(ready(wanted).document)
    after = await change(store.gateway, found)
    assert (after.version, after.base, after.approver) == (number, before, OTHER)
    assert json.loads(after.report) == {"findings": []}
    lives = after.expires_at - after.proposed_at
    assert timedelta(days=14) <= lives < timedelta(days=14, seconds=1)
    assert [(e.actor, e.event) for e in after.events] == [
        (AUTHOR, "proposed"), (OTHER, "approved"), (AUTHOR, "committed"),
    ]  # fmt: skip
    assert await differences(store.gateway) == ()


async def test_a_second_person_may_come_after_an_emergency_and_the_version_stays(
    store: Changing,
) -> None:
    found = await _emergency_committed(store)
    after = await change(store.gateway, found)
    assert after.version is not None
    assert after.approver is None
    assert after.approval_due is not None
    due = after.approval_due - datetime.now(UTC)
    assert timedelta(hours=23) < due <= timedelta(hours=24)
    assert (await version(store.gateway, after.version)).approval_due == after.approval_due
    assert await overdue(store.gateway) == 0
    await age(store, found, 2)
    assert await overdue(store.gateway) == 1
    stored = await store.owner.fetchrow(
        "select * from fieldward.policy_version where number = $1", after.version
    )
    await approve(store.gateway, found, OTHER, "late")
    assert await overdue(store.gateway) == 0
    now = await change(store.gateway, found)
    assert (now.approver, now.approval_due) == (OTHER, None)
    made = await version(store.gateway, after.version)
    assert (made.approver, made.approval_due) == (OTHER, None)
    assert stored == await store.owner.fetchrow(
        "select * from fieldward.policy_version where number = $1", after.version
    )


@pytest.mark.parametrize(
    "report", ["{}", "[]", '{"onlyNarrows": false}', '{"onlyNarrows": "true"}',
               '{"onlyNarrows": null}'],
)  # fmt: skip
async def test_an_emergency_that_is_not_said_to_narrow_takes_two_people(
    store: Changing, report: str
) -> None:
    wanted = await label(store)
    found = await store.proposed(wanted, emergency=True, report=report)
    with pytest.raises(ApprovalMissing):
        await store.commit(found, wanted)
    await approve(store.gateway, found, OTHER, "")
    await store.commit(found, wanted)


async def test_an_emergency_that_was_approved_before_owes_nothing(store: Changing) -> None:
    wanted = await label(store)
    found = await store.proposed(wanted, emergency=True)
    await approve(store.gateway, found, OTHER, "")
    await store.commit(found, wanted)
    after = await change(store.gateway, found)
    assert (after.approver, after.approval_due) == (OTHER, None)


async def test_versions_and_changes_are_listed_from_the_newest_on(store: Changing) -> None:
    made = [await _committed(store) for _ in range(3)]
    waiting = await _proposed(store)
    head = await store.head()
    assert [v.number for v in await versions(store.gateway, 2)] == [head, head - 1]
    assert [v.number for v in await versions(store.gateway, 1, head)] == [head - 1]
    assert [v.document for v in await versions(store.gateway, 2)] == [None, None]
    assert [c.id for c in await changes(store.gateway, most=2)] == [waiting, made[-1]]
    assert [c.id for c in await changes(store.gateway, "proposed", 1)] == [waiting]
    listed = await changes(store.gateway, "committed", 2, made[-1])
    assert [c.id for c in listed] == made[-2::-1]
    whole = await change(store.gateway, made[-2])
    assert listed[0] == Change(
        **{n: getattr(whole, n) for n in Change.__slots__} | {"document": ""}
    )


async def test_an_instant_has_one_version(store: Changing) -> None:
    for _ in range(2):
        await _committed(store)
    newest, before = await versions(store.gateway, 2)
    assert before.committed_at < newest.committed_at
    assert (await version_at(store.gateway, newest.committed_at)).number == newest.number
    just_before = newest.committed_at - timedelta(microseconds=1)
    found = await version_at(store.gateway, just_before)
    assert (found.number, found.author) == (before.number, before.author)
    assert found.document is not None
    assert (await version_at(store.gateway, datetime.now(UTC))).number == newest.number


async def test_what_there_is_not_is_said_to_be_unknown(store: Changing) -> None:
    none = 10**9
    for asked in (
        change(store.gateway, none),
        approve(store.gateway, none, OTHER, ""),
        reject(store.gateway, none, OTHER, "no"),
        withdraw(store.gateway, none, AUTHOR, ""),
        store.commit(none),
    ):
        with pytest.raises(ChangeUnknown):
            await asked
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    for unknown in (version(store.gateway, none), version_at(store.gateway, long_ago)):
        with pytest.raises(VersionUnknown):
            await unknown


async def test_what_the_owner_lays_ends_what_was_proposed(store: Changing) -> None:
    found, wanted = await _approved(store), await label(store)
    await floored(store.owner_url, policy(wanted))
    after = await change(store.gateway, found)
    assert after.state == "superseded"
    assert after.events[-1].note == f"version {await store.head()} was committed"
    laid = await version(store.gateway, await store.head())
    assert (laid.author, laid.approver, laid.change) == ("the owner of the database", None, None)
    assert laid.reason == "laid by the owner of the database"


async def test_what_has_expired_says_so_at_once_and_is_written_down_later(store: Changing) -> None:
    found = await _expired(store)
    assert (await change(store.gateway, found)).state == "expired"
    assert found in {each.id for each in await changes(store.gateway, "expired")}
    assert found not in {each.id for each in await changes(store.gateway, "approved")}
    await _proposed(store)
    after = await change(store.gateway, found)
    assert (after.state, after.events[-1].event) == ("expired", "expired")
    assert after.events[-1].at == after.expires_at


# What is refused


async def test_a_change_needs_its_author_a_reason_and_its_digest(store: Changing) -> None:
    document = json.dumps({"policy": SECRET})
    good = {
        "base": await store.head(), "author": AUTHOR, "reason": "why", "document": document,
        "digest": digest_of(document), "report": "{}", "emergency": False,
    }  # fmt: skip
    bad: list[dict[str, Any]] = [
        {"author": " "}, {"author": "x" * 1001}, {"reason": "\n"}, {"reason": "x" * 4001},
        {"digest": digest_of(document + " ")}, {"digest": ""}, {"report": SECRET},
        {"reason": f"{SECRET}\0"},
    ]  # fmt: skip
    count = len(await changes(store.gateway, most=1000))
    for each in bad:
        with pytest.raises(ChangeInvalid) as caught:
            await propose(store.gateway, **good | each)
        assert SECRET not in str(caught.value) + repr(caught.value.facts)
    for base in (0, good["base"] - 1, good["base"] + 1):
        with pytest.raises(PolicyMoved):
            await propose(store.gateway, **good | {"base": base})
    found = await _proposed(store)
    long = "x" * 4001
    for asked in (
        approve(store.gateway, found, "", ""),
        approve(store.gateway, found, OTHER, long),
        reject(store.gateway, found, OTHER, " "),
        withdraw(store.gateway, found, AUTHOR, long),
    ):
        with pytest.raises(ChangeInvalid):
            await asked
    assert len(await changes(store.gateway, most=1000)) == count + 1


async def test_a_floor_that_postgresql_does_not_grant_leaves_all_as_it_was(store: Changing) -> None:
    from db.changes import commit_change
    from tests.unit.test_floor_drift import REFUSED

    found = await _approved(store)
    before, head = await change(store.gateway, found), await stored_head(store.owner)
    for floor in (REFUSED["a column that there is not"], REFUSED["a role without a verifier"]):
        with pytest.raises(FloorRefused):
            await commit_change(store.gateway, found, AUTHOR, floor, {})
    assert await change(store.gateway, found) == before
    assert await stored_head(store.owner) == head
    assert await differences(store.owner) == ()


async def test_even_the_owner_does_not_edit_what_was_proposed(store: Changing) -> None:
    found = await _committed(store)
    rejected = await _rejected(store)
    for text in (
        "update fieldward.policy_change set document = '', digest = encode(sha256(''), 'hex')",
        "update fieldward.policy_change set author = 'x'",
        "update fieldward.policy_change set expires_at = now() + interval '1 year'",
        "update fieldward.policy_change set state = 'proposed', version = null",
        "update fieldward.policy_change set approver = 'x'",
        f"update fieldward.policy_change set state = 'approved' where id = {rejected}",  # noqa: S608 - a number
        f"delete from fieldward.policy_change where id = {found}",  # noqa: S608 - a number
        "truncate fieldward.policy_change cascade",
        "update fieldward.policy_event set note = ''",
        "delete from fieldward.policy_event",
        "truncate fieldward.policy_event",
    ):
        with pytest.raises(asyncpg.PostgresError) as caught:
            await store.owner.execute(text)
        assert caught.value.sqlstate in ("P0001", "FW515"), text


# Two at once


async def both(*asked: Awaitable[object]) -> tuple[list[object], list[Exception]]:
    """What was returned and what was raised."""
    done = await asyncio.gather(*asked, return_exceptions=True)
    raised = [each for each in done if isinstance(each, Exception)]
    return [each for each in done if not isinstance(each, BaseException)], raised


async def test_of_two_changes_committed_at_once_one_wins(store: Changing) -> None:
    for _ in range(5):
        head = await store.head()
        one, two = await store.approved(3), await store.approved(5)
        made, raised = await both(store.commit(one, 3), store.commit(two, 5, by=store.second))
        assert made == [head + 1]
        (lost,) = raised
        assert isinstance(lost, ChangeClosed)
        assert lost.facts == {"state": "superseded"}
        states = {(await change(store.gateway, each)).state for each in (one, two)}
        assert states == {"committed", "superseded"}
        assert await differences(store.owner) == ()


async def test_a_change_that_two_commit_at_once_is_one_version(store: Changing) -> None:
    head, found = await store.head(), await store.approved(6)
    made, raised = await both(store.commit(found, 6), store.commit(found, 6, by=store.second))
    assert made == [head + 1]
    assert [type(each) for each in raised] == [ChangeClosed]
    assert [e.event for e in (await change(store.gateway, found)).events].count("committed") == 1


async def test_what_is_proposed_while_somebody_commits_is_of_the_new_head_or_superseded(
    store: Changing,
) -> None:
    for _ in range(5):
        wanted = await label(store)
        found = await store.approved(wanted)
        made, raised = await both(store.commit(found, wanted), store.proposed(4, by=store.second))
        for each in raised:
            assert isinstance(each, PolicyMoved)
        head = await store.head()
        assert {each.base for each in await changes(store.gateway, "proposed", 1000)} <= {head}
        assert len(made) + len(raised) == 2


async def test_two_who_approve_at_once_are_one_approval(store: Changing) -> None:
    found = await _proposed(store)
    _, raised = await both(
        approve(store.gateway, found, OTHER, ""), approve(store.second, found, THIRD, "")
    )
    assert [type(each) for each in raised] == [ChangeClosed]
    after = await change(store.gateway, found)
    assert [event.event for event in after.events] == ["proposed", "approved"]
    assert after.approver == after.events[-1].actor


async def test_a_database_that_is_away_is_said_to_be(store: Changing) -> None:
    session = await open_session(store.gateway_url)
    await session.close()
    for asked in (change(session, 1), approve(session, 1, OTHER, ""), versions(session)):
        with pytest.raises(FieldwardError) as caught:
            await asked
        assert isinstance(caught.value, DatabaseUnavailable)
