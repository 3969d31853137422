"""People that a change of policy is about: who counts them, as SQL counts them, and rounded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import cast

import asyncpg
import pytest

from api.administration import impact
from api.administration.impact import Impact, people, rounded
from authz.decision import DenialMode
from authz.diff.diff import AccessChange, Diff, Direction
from authz.errors import PolicyInvalid
from authz.packaged import load_seed
from authz.policy import Role
from authz.policy_check import policy_set
from authz.scope import parse_scope
from authz.snapshot import Snapshot, take
from db.catalog_records import CATALOG
from db.errors import StalePolicy
from db.floor import REACH
from db.plan import Plan, Reach
from db.pools import Pools
from db.predicate import Always, Compare, Literal, Never, Operator, Predicate, Ref
from db.sql.render import render
from tests.database import FLOOR_SECRET, connected, login_url
from tests.gateway import Gateway

NOW = datetime.now(UTC)

ROUNDED = {
    0: 0, 1: 0, 10: 0, 11: 11, 14: 11, 15: 20, 24: 20, 104: 100, 105: 110, 999: 1000, 1234: 1200,
    1250: 1300, 99_999: 100_000, 250_000: 250_000,
}  # fmt: skip


@pytest.mark.parametrize("count", ROUNDED)
def test_a_number_of_people_is_rounded(count: int) -> None:
    assert rounded(count) == ROUNDED[count]


def test_no_number_tells_of_one_to_ten_and_none_is_of_more_than_two_digits() -> None:
    for count in range(1, 20_000):
        shown = rounded(count)
        assert (shown == 0) == (count < 11)
        assert shown in (0, 11) or (shown > 11 and len(str(shown).rstrip("0")) <= 2)


def test_both_numbers_together_are_rounded_again() -> None:
    assert [Impact(*pair).people for pair in ((0, 0), (11, 0), (11, 11), (140, 11))] == [
        0, 11, 20, 150,
    ]  # fmt: skip
    assert Impact(None, 0).people is Impact(11, None).people is None


def on(text: str, anchor: str = "Enrollee") -> Predicate:
    """A row scope."""
    return parse_scope(CATALOG, anchor, text)


# Counts


@pytest.fixture(scope="module")
async def pools(gateway: Gateway) -> AsyncIterator[Pools]:
    """Connections to a database with people and the floor of the seed policy."""
    made = Pools(gateway.gateway_url, FLOOR_SECRET, 2)
    yield made
    await made.close()


@pytest.fixture
async def owner(gateway: Gateway) -> AsyncIterator[asyncpg.Connection]:
    """The owner of the same records."""
    async with connected(gateway.owner_url) as connection:
        yield connection


def head(number: int = 1) -> Snapshot:
    """The seed policy as the version of a number."""
    return take(*load_seed(CATALOG), NOW, number)


def change(
    before: Predicate, after: Predicate, anchor: str | None = "Enrollee", action: str = "read"
) -> AccessChange:
    """A change of what one role may do with one coordinate."""
    return AccessChange(
        "clerk", action, ("Enrollee.sex",), "", "", Direction.OTHER, anchor, before, after
    )


async def counted(pools: Pools, *changes: AccessChange, number: int = 1) -> list[Impact | None]:
    """What is said of changes."""
    return await people(pools, Diff(changes, ()), head(number), NOW)


ALL = "select count(*) from medicaid.enrollee"
DEAD = f"{ALL} where date_of_death <= $1"
ALIVE = f"{ALL} where (date_of_death <= $1) is not true"
IN_COUNTY = (
    "exists (select from medicaid.home_address h where h.enrollee_id = e.enrollee_id"
    " and h.county is not null and $1 between h.effective_date and coalesce(h.end_date, $1)"
    " and not exists (select from medicaid.home_address n where n.enrollee_id = h.enrollee_id"
    " and $1 between n.effective_date and coalesce(n.end_date, $1)"
    " and (n.effective_date, n.span_num) > (h.effective_date, h.span_num)))"
)
CLAIMANTS = "select count(distinct enrollee_id) from medicaid.claim"

# anchor, before, after → who comes in and who leaves, as the owner counts them
CASES = {
    "everybody comes in": ("Enrollee", "never", "always", ALL, "select 0"),
    "everybody leaves": ("Enrollee", "always", "never", "select 0", ALL),
    "the unknown come in, too": ("Enrollee", "date_of_death <= as_of", "always", ALIVE, "select 0"),
    "the unknown leave, too": ("Enrollee", "always", "date_of_death <= as_of", "select 0", ALIVE),
    "some come and some leave": (
        "Enrollee", "sex = 'F'", "date_of_death <= as_of",
        f"{DEAD} and (sex = 'F') is not true", f"{ALIVE} and sex = 'F'",
    ),
    "of any county": (
        "Enrollee", "never", "home_address.county in principal.county",
        f"{ALL} e where {IN_COUNTY}", "select 0",
    ),
    "of any state, whatever county they have": (
        "Enrollee", "home_address.county in principal.county",
        "submitting_state in principal.state", ALL, f"{ALL} e where {IN_COUNTY}",
    ),
    "people and not claims": (
        "Claim", "never", "substance_use = true", f"{CLAIMANTS} where substance_use", "select 0",
    ),
    "another claim of theirs": (
        "Claim", "substance_use = true", "always", f"{CLAIMANTS} where not substance_use",
        "select 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_people_are_counted_as_the_owner_counts_them(
    pools: Pools, owner: asyncpg.Connection, name: str
) -> None:
    anchor, before, after, *wanted = CASES[name]
    entering, leaving = [
        rounded(await owner.fetchval(sql, *([NOW.date()] if "$1" in sql else []))) for sql in wanted
    ]
    assert (entering, leaving) != (0, 0)
    found = await counted(pools, change(on(before, anchor), on(after, anchor), anchor))
    assert found == [Impact(entering, leaving)]


async def test_one_person_is_shown_as_nobody(pools: Pools, owner: asyncpg.Connection) -> None:
    born = await owner.fetchval(
        "select date_of_birth from medicaid.enrollee group by 1 having count(*) = 1 limit 1"
    )
    column = CATALOG.entities["Enrollee"].table.columns["date_of_birth"]
    one = Compare(Ref(column), Operator.EQ, Literal(born))
    assert await counted(pools, change(Never(), one)) == [Impact(0, 0)]


async def test_only_what_is_read_of_records_about_people_is_counted(pools: Pools) -> None:
    none = [
        change(Never(), Always(), None),
        change(Never(), Always(), "Provider"),
        change(Never(), Always(), action="filter"),
    ]
    assert await counted(pools, *none) == [None, None, None]


async def test_what_is_asked_twice_is_looked_up_once_and_only_so_much_is(
    pools: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    execute = impact.execute

    async def watched(*given: object) -> object:
        asked.append(given[2])
        return await execute(*given)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(impact, "execute", watched)
    ages = [
        change(Never(), on(f"date_of_birth <= as_of - {months} months")) for months in (1, 2, 3)
    ]
    again = [*ages, *ages, change(ages[0].rows_after, ages[0].rows_after)]
    first, *_, same = await counted(pools, *again)
    assert first == same or same == Impact(0, 0)
    assert len(asked) == 3
    monkeypatch.setattr(impact, "MOST_COUNTS", 2)
    found = await counted(pools, *again)
    assert [each and each.entering for each in found][2] is None
    assert found[0] == found[3] == first
    monkeypatch.setattr(impact, "MOST_SECONDS_IN_ALL", 0.0)
    assert await counted(pools, ages[0]) == [Impact(None, 0)]


async def test_what_takes_too_long_is_not_counted(
    pools: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impact, "MOST_SECONDS", 0.0)
    assert await counted(pools, change(Never(), Always())) == [Impact(None, 0)]
    monkeypatch.undo()
    assert (await counted(pools, change(Never(), Always())))[0] != Impact(None, 0)


async def test_a_count_is_made_under_the_head_alone(pools: Pools) -> None:
    with pytest.raises(StalePolicy):
        await counted(pools, change(Never(), Always()), number=7)


# Who counts


def named(column: str, table: str = "enrollee") -> Predicate:
    """A condition on a column that no row scope may ask about."""
    tables = {each.name: each for each in CATALOG.tables}
    return Compare(Ref(tables[table].columns[column]), Operator.IS_NOT_NULL, None)


async def test_who_counts_cannot_ask_who_somebody_is(pools: Pools) -> None:
    found = await counted(pools, change(Never(), named("eligible_last_name")))
    assert found == [Impact(None, 0)]


async def test_who_counts_has_a_grant_on_what_row_scopes_ask_and_on_nothing_else(
    gateway: Gateway,
) -> None:
    async with connected(login_url(gateway.owner_url, REACH)) as session:
        for table in CATALOG.tables:
            for column in table.columns.values():
                statement = f"select {column.name} from medicaid.{table.name} limit 1"  # noqa: S608 - of the catalog
                if column.scopable:
                    await session.execute(statement)
                    continue
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await session.execute(statement)
        for refused in ("delete from medicaid.claim", "select 1 from medicaid.medicaid_id",
                        "select medicaid.variable_demographics_by_ssn('1')"):  # fmt: skip
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await session.execute(refused)


def test_no_role_of_policy_has_the_name_of_who_counts() -> None:
    with pytest.raises(PolicyInvalid, match=REACH):
        policy_set(CATALOG, [Role(REACH, "A role.", 10, DenialMode.NULL)], {}, {}, [])


async def test_nobody_acts_as_who_counts(gateway: Gateway) -> None:
    answer = await gateway.ask(REACH, "{ viewer { role } }")
    assert "data" not in answer
    assert cast("str", answer["errors"][0]["extensions"]["code"]).startswith("FW21")


def test_a_count_is_parameters_and_the_guard_like_any_statement() -> None:
    reach = Reach(CATALOG.entities["Enrollee"].table, on("sex = 'F' and date_of_death <= as_of"))
    statement = render(Plan((reach,)))
    assert "'F'" not in statement.text
    assert "stale_policy" in statement.text
    assert len(statement.sources) == 3
    assert not statement.steady
