"""The guard inside a statement: it raises for every shape that a statement can have."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import asyncpg
import pytest

from api.planner import plan_operation
from db.errors import StalePolicy
from db.execute import Inputs, bind, execute
from db.guard import HEAD, STALE, STALE_POLICY, VERSION
from db.pools import Pools
from db.sql.pieces import Version
from db.sql.render import render
from tests.database import FLOOR_SECRET, connected, login_url
from tests.gateway import Gateway, gateway_over
from tests.roles import asked, decisions, values_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.sql.pieces import Statement

ROLE = "eligibility_supervisor"
CAPPED = "immigration_enforcement"
NOBODY = '{enrollees(where:{lastName:{eq:"nobody at all"}}){nodes{lastName}}}'
SHAPES = {
    "one root": "{enrollees(first:2){nodes{lastName}}}",
    "no row": NOBODY,
    "several roots": "{a:enrollees(first:1){nodes{lastName}} b:claims(first:1){nodes{icn}}}",
    "one person": '{enrollee(medicaidId:"x"){lastName}}',
    "people alone": '{a:enrollee(medicaidId:"x"){lastName} b:enrollee(medicaidId:"y"){lastName}}',
    "a person and a list": '{a:enrollee(medicaidId:"x"){lastName} b:enrollees{nodes{lastName}}}',
    "an aggregate": "{enrolleesAggregate{count}}",
    "aggregates alone": "{a:enrolleesAggregate{count} b:enrolleesAggregate{count}}",
    "nothing but a constant": "{enrollees{__typename}}",
    "nothing that is permitted": "{enrollees{nodes{ssn}}}",
}


@asynccontextmanager
async def guarded(template: str) -> AsyncIterator[tuple[Gateway, Pools, int]]:
    """A gateway, connections of its roles, and the number of the head."""
    async with gateway_over(template) as gateway:
        pools = Pools(gateway.gateway_url, FLOOR_SECRET)
        try:
            async with connected(gateway.owner_url) as owner:
                head = await owner.fetchval("select version from fieldward.policy_head")
            yield gateway, pools, head
        finally:
            await pools.close()


def compiled(query: str, role: str) -> tuple[Statement, tuple[object, ...]]:
    """The statement of a query in a role, and the values of its slots."""
    operation, given = asked(query)
    planned = plan_operation(operation, decisions(role), given)
    return render(planned.plan), values_of(planned, given)


def inputs(values: tuple[object, ...], version: int) -> Inputs:
    """What a statement needs, under a version of the policy."""
    return Inputs(values, {"state": ("CA",)}, datetime.now(UTC).date(), "mark", version)


async def test_a_statement_of_any_shape_is_answered_under_the_head_alone(seeded: str) -> None:
    async with guarded(seeded) as (gateway, pools, head), connected(gateway.owner_url) as owner:
        made = {(role, name): compiled(query, role)
                for role in (ROLE, CAPPED) for name, query in SHAPES.items()
                if role == ROLE or ("Aggregate" not in query and "where" not in query
                and "medicaidId" not in query and "claims" not in query)}  # fmt: skip
        for (role, name), (statement, values) in made.items():
            assert statement.sources[0] == Version(), name
            assert await execute(pools, role, statement, inputs(values, head))
            for other in (head - 1, head + 1, 0):
                with pytest.raises(StalePolicy):
                    await execute(pools, role, statement, inputs(values, other))
        await owner.execute("delete from fieldward.policy_head")
        for (role, _), (statement, values) in made.items():
            for version in (head, 0):
                with pytest.raises(StalePolicy):
                    await execute(pools, role, statement, inputs(values, version))


async def test_the_guard_raises_its_own_state_and_says_nothing(seeded: str) -> None:
    async with (
        guarded(seeded) as (gateway, _, head),
        connected(login_url(gateway.owner_url, ROLE)) as session,
    ):
        statement, values = compiled(SHAPES["one root"], ROLE)
        assert await session.fetchrow(statement.text, *bind(statement, inputs(values, head)))
        for version in (head + 1, None):
            arguments = bind(statement, inputs(values, version))  # type: ignore[arg-type]  # none
            with pytest.raises(asyncpg.PostgresError) as refused:
                await session.fetchrow(statement.text, *arguments)
            assert refused.value.sqlstate == STALE
            assert str(refused.value) == "the policy is another version"


async def test_no_plan_folds_the_guard(seeded: str) -> None:
    """Planned once and kept, and planned anew each time: asked whenever the statement runs."""
    statement, values = compiled(SHAPES["one root"], ROLE)
    async with (
        guarded(seeded) as (gateway, _, head),
        connected(gateway.owner_url) as owner,
        connected(login_url(gateway.owner_url, ROLE)) as session,
    ):
        arguments = bind(statement, inputs(values, head))
        for mode in ("force_generic_plan", "force_custom_plan"):
            await session.execute(f"set plan_cache_mode = {mode}")
            prepared = await session.prepare(statement.text)
            for _ in range(7):
                assert await prepared.fetchrow(*arguments)
            # Planning alone asks nothing, whatever the version: what is folded raises here.
            stale = bind(statement, inputs(values, head + 1))
            assert await session.fetch(f"explain {statement.text}", *stale)
            with pytest.raises(asyncpg.PostgresError) as refused:
                await prepared.fetchrow(*stale)
            assert refused.value.sqlstate == STALE
            # Nor is what the head was at planning kept in the plan.
            assert await prepared.fetchrow(*arguments)
            await owner.execute("delete from fieldward.policy_head")
            with pytest.raises(asyncpg.PostgresError) as refused:
                await prepared.fetchrow(*arguments)
            assert refused.value.sqlstate == STALE
            await owner.execute("insert into fieldward.policy_head values ($1)", head)


async def test_what_a_session_makes_of_its_search_path_changes_nothing(seeded: str) -> None:
    """An operator of somebody else's for which every number is equal, found before PostgreSQL's."""
    async with (
        guarded(seeded) as (gateway, _, head),
        connected(gateway.owner_url) as owner,
        connected(login_url(gateway.owner_url, ROLE)) as session,
    ):
        await owner.execute(
            """
            create schema trap;
            create function trap.same(bigint, bigint) returns boolean language sql return true;
            create operator trap.= (leftarg = bigint, rightarg = bigint, function = trap.same);
            grant usage on schema trap to public;
            grant execute on function trap.same to public;
            """
        )
        await session.execute("set search_path = trap, pg_catalog")
        assert await session.fetchval("select 1::bigint = 2::bigint")
        statement, values = compiled(SHAPES["one root"], ROLE)
        assert await session.fetchrow(statement.text, *bind(statement, inputs(values, head)))
        with pytest.raises(asyncpg.PostgresError) as refused:
            await session.fetchrow(statement.text, *bind(statement, inputs(values, head + 1)))
        assert refused.value.sqlstate == STALE


LOOK = f"select {VERSION} from medicaid.{HEAD}"  # noqa: S608 - constants
CALL = f"select medicaid.{STALE_POLICY}(1)"


async def test_who_has_no_record_has_no_guard(seeded: str) -> None:
    async with guarded(seeded) as (gateway, _, head):
        for role in ("auditor", "policy_administrator"):
            async with connected(login_url(gateway.owner_url, role)) as session:
                for statement in (LOOK, CALL):
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await session.fetchval(statement)
        for role in (ROLE, CAPPED):
            async with connected(login_url(gateway.owner_url, role)) as session:
                assert await session.fetchval(LOOK) == head
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await session.execute("select version from fieldward.policy_head")
