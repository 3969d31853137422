"""Operations that were noted, under two policies: what opens, what breaks, and that it is so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from api.administration.replay import Outcome, Replayed, replay
from api.demand import Demand, Use, written
from authz.decision import DenialMode
from authz.packaged import load_seed
from authz.policy import ALWAYS, Effect, PolicySet, Role, Rule
from authz.policy_check import policy_set
from authz.snapshot import Snapshot, take
from db.catalog_records import CATALOG
from db.operations import Recorded, operations
from tests.database import connected, floored
from tests.gateway import gateway_over, node

NOW = datetime.now(UTC)
WHOLE, NULLS, REFUSED = Outcome.WHOLE, Outcome.NULLS, Outcome.REFUSED
CLERK = Role("clerk", "A role.", 50, DenialMode.NULL)


def policy(*rules: tuple[str, str] | tuple[str, str, str], role: Role = CLERK) -> Snapshot:
    """A policy of one role: (coordinate, action) always, or on the rows of a scope."""
    made = [
        Rule(role.name, rule[0], rule[1], rule[2] if len(rule) > 2 else ALWAYS, Effect.ALLOW)
        for rule in rules
    ]
    return take(
        policy_set(CATALOG, [role], {}, {"women": {"Enrollee": "sex = 'F'"}}, made), (), NOW
    )


def asking(*demands: Demand, role: str = "clerk", times: int = 1) -> Recorded:
    """An operation that was noted."""
    return Recorded("", role, f"o{times}", written(demands), NOW, NOW, times)


LIST = Demand(Use.ROWS, "Query.enrollees", "read", 1)
SEX = Demand(Use.SELECTION, "Enrollee.sex", "read", 3)
HOME = Demand(Use.SELECTION, "Enrollee.homeAddress", "read", 3)
CITY = Demand(Use.SELECTION, "HomeAddress.city", "read", 4)
BY_SEX = Demand(Use.FILTER, "Enrollee.sex", "filter:eq")
IN_ORDER = Demand(Use.ORDER, "Enrollee.lastName", "sort")
LAST = Demand(Use.SELECTION, "Enrollee.lastName", "read", 3)
TABLE = Demand(Use.ROWS, "Query.enrolleesAggregate", "aggregate", 1)
BY_YEAR = Demand(Use.GROUP, "Enrollee.dateOfBirth", "aggregate")
BY_NAME = Demand(Use.GROUP, "Enrollee.lastName", "aggregate")

READS_SEX, READS_LAST = ("Enrollee.sex", "read"), ("Enrollee.lastName", "read")
SORTS_LAST = ("Enrollee.lastName", "sort")
SUMS = (("Enrollee.lastName", "aggregate"), ("Enrollee.dateOfBirth", "aggregate"))

# demands, policy before and after → outcomes, what opens, what breaks
CASES = {
    "a value is closed": (
        [LIST, SEX, LAST], policy(READS_SEX, READS_LAST), policy(READS_LAST),
        WHOLE, NULLS, [], ["Enrollee.sex read"],
    ),
    "a value is opened": (
        [LIST, SEX, LAST], policy(READS_LAST), policy(READS_SEX, READS_LAST),
        NULLS, WHOLE, ["Enrollee.sex read"], [],
    ),
    "everything is closed": (
        [LIST, SEX], policy(READS_SEX), policy(),
        WHOLE, NULLS, [], ["Query.enrollees read", "Enrollee.sex read"],
    ),
    "a link is opened, and what is below it is not": (
        [LIST, SEX, HOME, CITY], policy(READS_SEX),
        policy(READS_SEX, ("Enrollee.homeAddress", "read")),
        NULLS, NULLS, ["Enrollee.homeAddress read"], [],
    ),
    "a link is closed, and with it what is below": (
        [LIST, SEX, HOME, CITY],
        policy(READS_SEX, ("Enrollee.homeAddress", "read"), ("HomeAddress.city", "read")),
        policy(READS_SEX, ("HomeAddress.city", "read")),
        WHOLE, NULLS, [], ["Enrollee.homeAddress read", "HomeAddress.city read"],
    ),
    "a filter is closed": (
        [LIST, BY_SEX, SEX], policy(READS_SEX, ("Enrollee.sex", "filter")),
        policy(READS_SEX, ("Enrollee.sex", "filter:in")),
        WHOLE, REFUSED, [], ["Enrollee.sex filter:eq"],
    ),
    "a filter below what is denied is not asked for": (
        [LIST, SEX, HOME, Demand(Use.FILTER, "HomeAddress.city", "filter:eq"), CITY],
        policy(READS_SEX), policy(READS_SEX, READS_LAST), NULLS, NULLS, None, None,
    ),
    "an order by what some rows hide": (
        [LIST, IN_ORDER, SEX], policy(READS_SEX, READS_LAST, SORTS_LAST),
        policy(READS_SEX, (*READS_LAST, "women"), SORTS_LAST),
        WHOLE, REFUSED, [], ["Enrollee.lastName sort"],
    ),
    "rows that are fewer are no break": (
        [LIST, SEX], policy(READS_SEX), policy((*READS_SEX, "women")), WHOLE, WHOLE, None, None,
    ),
    "a denial refuses the whole": (
        [LIST, SEX, LAST], policy(READS_SEX),
        policy(READS_SEX, role=replace(CLERK, denial_mode=DenialMode.REFUSE)),
        NULLS, REFUSED, [], [],
    ),
    "small cells are withheld": (
        [TABLE, BY_YEAR, BY_NAME], policy(*SUMS),
        policy(*SUMS, role=replace(CLERK, smallest_cell=11)),
        WHOLE, REFUSED, [], ["Enrollee.lastName aggregate"],
    ),
    "one table is answered where small cells are withheld": (
        [TABLE, BY_YEAR, TABLE, BY_YEAR], policy(*SUMS),
        policy(*SUMS, role=replace(CLERK, smallest_cell=11)),
        WHOLE, REFUSED, [], ["Query.enrolleesAggregate aggregate"],
    ),
    "the role is gone": (
        [LIST, SEX], policy(READS_SEX), policy(role=replace(CLERK, name="other")),
        WHOLE, REFUSED, [], ["Query.enrollees read", "Enrollee.sex read"],
    ),
    "the role is new": (
        [LIST, SEX], policy(role=replace(CLERK, name="other")), policy(READS_SEX),
        REFUSED, WHOLE, ["Query.enrollees read", "Enrollee.sex read"], [],
    ),
    "the role is in neither": (
        [LIST, SEX], policy(role=replace(CLERK, name="a")), policy(role=replace(CLERK, name="b")),
        REFUSED, REFUSED, None, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_opens_and_what_breaks_is_said(name: str) -> None:
    demands, before, after, was, becomes, opens, breaks = CASES[name]
    found = replay([asking(*demands)], before, after)
    if opens is None or breaks is None:
        assert found == ()
        return
    assert found == (Replayed("o1", "clerk", was, becomes, tuple(opens), tuple(breaks), 1),)
    back = replay([asking(*demands)], after, before)
    assert back == (Replayed("o1", "clerk", becomes, was, tuple(breaks), tuple(opens), 1),)


def test_the_most_used_come_first_and_what_the_schema_lacks_is_left_out() -> None:
    gone = [
        Demand(Use.SELECTION, "Enrollee.shoeSize", "read", 3),
        Demand(Use.ROWS, "Query.shoes", "read", 1),
        Demand(Use.FILTER, "Enrollee.shoeSize", "filter:eq"),
        Demand(Use.FILTER, "Enrollee.sex", "filter:smells"),
        Demand(Use.SELECTION, "Enrollee.sex", "smell", 3),
        Demand(Use.ORDER, "Enrollee.shoeSize", "sort"),
    ]
    noted = [asking(LIST, SEX, times=times) for times in (3, 12, 7)]
    noted += [asking(LIST, SEX, each, times=99) for each in gone]
    noted += [replace(noted[0], demands=text) for text in ("[]", "[[1]]", '[["x","y","z",1]]')]
    assert [each.seen for each in replay(noted, policy(READS_SEX), policy())] == [12, 7, 3]


# As it really happens

ROLE = "eligibility_supervisor"
QUERIES = {
    "Closed": "query Closed { enrollees(first: 1) { nodes { firstName citizenship } } }",
    "Opened": "query Opened { providers(first: 1) { nodes { npi } } claims(first: 1) "
    "{ nodes { icn } } }",
    "Filtered": 'query Filtered { enrollees(first: 1, where: {lastName: {eq: "A"}}) '
    "{ nodes { firstName } } }",
    "Ordered": "query Ordered { enrollees(first: 1, orderBy: [{lastName: ASC}]) "
    "{ nodes { firstName } } }",
    "Same": "query Same { enrollees(first: 1) { nodes { firstName homeAddress { city } } } }",
    "Counted": "query Counted { enrolleesAggregate { count } }",
}


def outcome(answer: httpx.Response) -> Outcome:
    """What became of an operation."""
    body = answer.json()
    if "data" not in body:
        return REFUSED
    return NULLS if "errors" in body else WHOLE


def altered(seed: PolicySet) -> PolicySet:
    """The seed policy with a value, a filter and an order closed, and claims opened."""
    denied = [("Enrollee.citizenship", "read"), ("Enrollee.lastName", "filter")]
    rules = [Rule(ROLE, *each, ALWAYS, Effect.DENY) for each in denied]
    rules.append(Rule(ROLE, "Enrollee.lastName", "read", "in_population", Effect.DENY))
    rules.append(Rule(ROLE, "Claim.icn", "read", "own_state", Effect.ALLOW))
    return policy_set(
        CATALOG,
        seed.roles.values(),
        seed.classes,
        {
            name: {anchor: scope.text for anchor, scope in meanings.items()}
            for name, meanings in seed.scopes.items()
        },
        [*seed.rules, *rules],
    )


async def test_operations_become_what_replay_says(seeded: str) -> None:
    seed, orders = load_seed(CATALOG)
    after = altered(seed)
    async with gateway_over(seeded) as gateway, connected(gateway.owner_url) as owner:
        headers = {"Authorization": f"Bearer {gateway.token(ROLE)}"}

        async def sent() -> dict[str, Outcome]:
            async with node(gateway.gateway_url) as client:
                return {
                    name: outcome(
                        await client.post("/graphql", json={"query": query}, headers=headers)
                    )
                    for name, query in QUERIES.items()
                }

        before = await sent()
        noted = await operations(owner)
        assert {each.name for each in noted} == set(QUERIES)
        said = {
            each.operation: each
            for each in replay(noted, take(seed, orders, NOW), take(after, orders, NOW))
        }
        await floored(gateway.owner_url, after, orders)
        now = await sent()
    assert {name: said[name].before for name in said} == {name: before[name] for name in said}
    assert now == before | {name: each.after for name, each in said.items()}
    assert {name: (each.opens, each.breaks) for name, each in said.items()} == {
        "Closed": ((), ("Enrollee.citizenship read",)),
        "Opened": (("Query.claims read", "Claim.icn read"), ()),
        "Filtered": ((), ("Enrollee.lastName filter:eq",)),
        "Ordered": ((), ("Enrollee.lastName sort",)),
    }
