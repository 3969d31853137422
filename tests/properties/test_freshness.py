"""No answer under a policy that was superseded before it was asked for; the next request sees a
commit, on every node, whatever becomes of notifications.

`FIELDWARD_CASES` says how many commits there are under load.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from api import app as application
from api.fresh import MOST_TRIES
from authz import drift_watch
from authz.follower import Cause, Follower, follow
from db.errors import FloorMissing, StalePolicy
from db.floor_login import floor_role
from db.pools import database_of
from tests.database import connected, floored, server
from tests.gateway import Gateway, gateway_over, node
from tests.properties.policies_in_turn import (
    ADMINISTRATOR,
    COUNT,
    ROLES,
    Chain,
    Ready,
    label_of,
    policy,
    ready,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    import httpx

COMMITS = int(os.environ.get("FIELDWARD_CASES", "60"))
SEED = int(os.environ.get("FIELDWARD_SEED", "20260106"))
ASKERS = 6
FIELDS = "firstName lastName phoneNumber"
QUERIES = (
    f"{{enrollees(first:3){{nodes{{{FIELDS}}}}}}}",
    f"{{a:enrollees(first:1){{nodes{{lastName}}}} b:enrollees(first:2){{nodes{{{FIELDS}}}}}}}",
    f"query($id:String!){{enrollee(medicaidId:$id){{{FIELDS}}}}}",
)
POLICY = "{policy{version}}"


@dataclass
class Nodes:
    """Two gateways over one database, and the owner who commits."""

    gateway: Gateway
    clients: tuple[httpx.AsyncClient, ...]
    followers: list[Follower]
    chain: Chain
    person: str
    answers: int = 0
    decisive: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    async def ask(self, client: httpx.AsyncClient, role: str, query: str) -> httpx.Response:
        """The answer of one of the gateways."""
        return await client.post(
            "/graphql",
            json={"query": query, "variables": {"id": self.person} if "$id" in query else {}},
            headers={"Authorization": f"Bearer {self.gateway.token(role)}"},
        )

    async def check(self, client: httpx.AsyncClient, role: str, query: str) -> None:
        """Asks, and fails on an answer under a version that was superseded before."""
        before = self.chain.done
        answer = await self.ask(client, role, query)
        body = answer.json()
        if answer.status_code != 200:
            assert "data" not in body
            self.refused[body["errors"][0]["extensions"]["code"]] += 1
            return
        allowed = self.chain.allowed(before)
        if query == POLICY:
            assert body["data"]["policy"]["version"] in {each.version for each in allowed}
        else:
            assert label_of(body) in {each.label for each in allowed}, (before, body)
        self.answers += 1
        self.decisive += len({each.label for each in allowed}) < COUNT

    async def check_all(self) -> None:
        """Asks everything once on each gateway, while nobody commits: one version is right."""
        assert self.chain.began == self.chain.done
        for client in self.clients:
            for query in QUERIES:
                for role in ROLES:
                    await self.check(client, role, query)
            await self.check(client, ADMINISTRATOR, POLICY)
        assert not self.refused


@pytest.fixture
def followers(monkeypatch: pytest.MonkeyPatch) -> list[Follower]:
    """The followers of the gateways of a test, in turn; they look only when they are told to."""
    made: list[Follower] = []

    async def noted(pools, as_of):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - as follow
        made.append(await follow(pools, as_of, poll_seconds=600))
        return made[-1]

    monkeypatch.setattr(application, "follow", noted)
    return made


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens or looks: every notification is lost."""
    monkeypatch.setattr(Follower, "following", lambda _: nullcontext())


@asynccontextmanager
async def nodes(template: str, followers: list[Follower]) -> AsyncIterator[Nodes]:
    """Two gateways over a database whose head is the first of the policies."""
    async with gateway_over(template) as gateway, connected(gateway.owner_url) as owner:
        await floored(gateway.owner_url, policy(0))
        person = await owner.fetchval(
            "select msis_identification_num from medicaid.enrollee limit 1"
        )
        head = await owner.fetchval("select version from fieldward.policy_head")
        chain = Chain(owner, head, {head: ready(0)}, head)
        async with node(gateway.gateway_url) as second:
            yield Nodes(gateway, (gateway.client, second), followers, chain, person)


async def until(true: Callable[[], bool]) -> None:
    """Waits for what happens behind the requests."""
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


def in_turn() -> Iterator[Ready]:
    """Policies of which no two that follow each other are alike: wider, narrower and both."""
    return cycle(ready(label) for label in (1, 3, 7, 6, 4, 5, 2, 0))


async def test_under_load_no_answer_is_older_than_the_question_and_the_next_one_is_new(
    seeded: str, followers: list[Follower], capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(SEED)
    async with nodes(seeded, followers) as asked:
        stop = asyncio.Event()

        async def asker(client: httpx.AsyncClient) -> None:
            while not stop.is_set():
                if chance.random() < 0.1:
                    await asked.check(client, ADMINISTRATOR, POLICY)
                else:
                    await asked.check(client, chance.choice(ROLES), chance.choice(QUERIES))

        async def committer() -> None:
            turn = in_turn()
            for number in range(COMMITS):
                following = next(turn)
                if number % 20 == 19:  # one that nobody has seen before
                    following = ready(following.label, number)
                await asked.chain.commit(following)
                if chance.random() < 0.5:
                    await asked.check(chance.choice(asked.clients), ADMINISTRATOR, POLICY)
                    await asked.check(chance.choice(asked.clients), ROLES[0], QUERIES[0])
            stop.set()

        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as group:
            for index in range(ASKERS):
                group.create_task(asker(asked.clients[index % 2]))
            group.create_task(committer())
        seconds = loop.time() - began
        refreshes = [dict(follower.refreshes) for follower in followers]
    with capsys.disabled():
        if COMMITS > 60:
            print(  # noqa: T201 - figures of a long run
                f"{COMMITS} commits in {seconds:.1f} s, {asked.answers} answers, "
                f"{asked.decisive} of them decisive, refused {dict(asked.refused)}, {refreshes}"
            )
    # Whoever met a commit at each of several tries was told so, and nothing else went wrong.
    assert set(asked.refused) <= {StalePolicy.code}
    assert asked.decisive > COMMITS


async def test_the_next_request_sees_a_commit_on_every_node(
    seeded: str, followers: list[Follower]
) -> None:
    async with nodes(seeded, followers) as asked:
        await asked.check_all()
        turn = in_turn()
        for _ in range(3):
            await asked.chain.commit(next(turn))
            await asked.check_all()


@pytest.mark.usefixtures("alone")
async def test_without_any_notification_the_next_request_sees_a_commit(
    seeded: str, followers: list[Follower]
) -> None:
    async with nodes(seeded, followers) as asked:
        await asked.check_all()
        turn = in_turn()
        for _ in range(4):
            await asked.chain.commit(next(turn))
            await asked.check_all()
        assert {cause for follower in followers for cause in follower.refreshes} <= {
            Cause.STALE, Cause.PRIVILEGE,
        }  # fmt: skip


@pytest.mark.usefixtures("alone")
async def test_a_wider_policy_is_told_by_the_guard_and_a_narrower_one_by_a_privilege(
    seeded: str, followers: list[Follower]
) -> None:
    async with nodes(seeded, followers) as asked:
        client = asked.clients[0]
        for label, told in ((1, Cause.PRIVILEGE), (0, Cause.STALE)):
            await asked.check(client, ROLES[0], QUERIES[0])
            before = followers[0].refreshes.copy()
            await asked.chain.commit(ready(label))
            await asked.check(client, ROLES[0], QUERIES[0])
            assert followers[0].refreshes - before == Counter([told])
        assert asked.decisive == 4


@pytest.mark.usefixtures("alone")
async def test_a_refusal_rests_on_the_head_as_an_answer_does(
    seeded: str, followers: list[Follower]
) -> None:
    """A filter that the old policy denies, and the new one does not, is no longer refused."""
    filtered = '{enrollees(first:1,where:{lastName:{startsWith:"A"}}){nodes{lastName}}}'
    async with nodes(seeded, followers) as asked:
        client = asked.clients[0]
        await asked.chain.commit(ready(2))
        refused = (await asked.ask(client, ROLES[0], filtered)).json()
        assert "data" not in refused
        await asked.chain.commit(ready(0))
        assert (await asked.ask(client, ROLES[0], filtered)).json()["data"]["enrollees"]
        assert followers[0].refreshes[Cause.REFUSAL] == 1


async def test_a_commit_is_taken_up_and_decided_for_the_roles_in_use_before_anybody_asks(
    seeded: str, followers: list[Follower]
) -> None:
    async with nodes(seeded, followers) as asked:
        await asked.check_all()
        await until(lambda: all(follower.listening for follower in followers))
        await asked.chain.commit(ready(5))
        await until(lambda: all(each.number == asked.chain.done for each in followers))
        for follower in followers:
            held = follower._holder.held
            assert held.decided >= {*ROLES, ADMINISTRATOR}
            before = follower.refreshes.copy()
            assert before[Cause.NOTICE]
        await asked.check_all()
        assert [follower.refreshes[Cause.STALE] for follower in followers] == [0, 0]


async def test_a_listener_that_is_cut_off_listens_again(
    seeded: str, followers: list[Follower]
) -> None:
    async with nodes(seeded, followers) as asked, connected(server()) as superuser:
        await until(lambda: all(follower.listening for follower in followers))
        database = await asked.chain.owner.fetchval("select current_database()")
        ended = await superuser.fetch(
            "select pg_terminate_backend(pid) as ended from pg_stat_activity "
            "where datname = $1 and application_name = 'fieldward listener'",
            database,
        )
        assert [row["ended"] for row in ended] == [True, True]
        await asked.chain.commit(ready(6))
        await asked.check_all()
        await until(lambda: all(follower.listening for follower in followers))
        await asked.chain.commit(ready(1))
        await until(lambda: all(each.number == asked.chain.done for each in followers))
        assert all(follower.refreshes[Cause.NOTICE] for follower in followers)
        await asked.check_all()


async def test_a_gateway_that_stopped_at_drift_looks_again_once_the_floor_is_laid(
    seeded: str, followers: list[Follower], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift_watch, "_REST", 0)
    async with nodes(seeded, followers) as asked:
        await until(lambda: all(follower.listening for follower in followers))
        login = floor_role(database_of(asked.gateway.owner_url), ROLES[0])
        await asked.chain.owner.execute(f'grant select on medicaid.claim to "{login}"')
        async with asked.chain.owner.transaction():
            await asked.chain.commit(ready(1))
            await asked.chain.owner.execute(f'grant select on medicaid.claim to "{login}"')
        await until(lambda: all(follower.drifted for follower in followers))
        for client in asked.clients:
            assert (await asked.ask(client, ROLES[0], QUERIES[0])).status_code == 503
        await floored(asked.gateway.owner_url, policy(1))
        await until(lambda: not any(follower.drifted for follower in followers))
        await asked.check_all()


async def test_without_a_head_there_is_no_data(seeded: str, followers: list[Follower]) -> None:
    async with nodes(seeded, followers) as asked:
        await asked.check_all()
        await asked.chain.owner.execute("delete from fieldward.policy_head")
        for client in asked.clients:
            for query in (*QUERIES, POLICY, "{viewer{subject}}", "{shoe}"):
                role = ADMINISTRATOR if query == POLICY else ROLES[0]
                answer = await asked.ask(client, role, query)
                assert answer.status_code == 503
                assert answer.json() == {
                    "errors": [
                        {
                            "message": FloorMissing.public,
                            "extensions": {"code": FloorMissing.code},
                        }
                    ]
                }
        await asked.chain.owner.execute(
            "insert into fieldward.policy_head (version) values ($1)", asked.chain.done
        )
        await asked.check_all()


@pytest.mark.usefixtures("alone")
async def test_who_meets_a_commit_at_every_try_is_told_to_ask_again(
    seeded: str, followers: list[Follower], monkeypatch: pytest.MonkeyPatch
) -> None:
    from api import endpoint

    left = 0
    async with nodes(seeded, followers) as asked:
        execute = endpoint.execute
        turn = in_turn()

        async def late(pools, role, statement, inputs):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - as execute
            nonlocal left
            if left:
                left -= 1
                await asked.chain.commit(next(turn))
            return await execute(pools, role, statement, inputs)

        monkeypatch.setattr(endpoint, "execute", late)
        for times in range(1, MOST_TRIES + 1):
            assert not asked.refused
            left = times
            await asked.check(asked.clients[0], ROLES[0], QUERIES[0])
            assert left == 0
        assert asked.refused == Counter([StalePolicy.code])
