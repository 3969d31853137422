"""Numbers about few people are in no answer of a role that must not see them.

Over HTTP, on seeded records; what is true the owner of the records counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from api.errors import FilterTooNarrow, OperationTooComplex, PositionDenied
from db.catalog_records import CATALOG

if TYPE_CHECKING:
    import asyncpg

    from tests.gateway import Gateway

SMALLEST = 11

PEOPLE = ["ageGroup: VALUE", "sex: VALUE", "zip3: VALUE", "eligibilityGroup: VALUE",
          "dualEligibleCode: VALUE", "submittingState: VALUE"]  # fmt: skip
CLAIMS = {
    "researcher": ["serviceYear: VALUE", "diagnosisCodeSystem: VALUE", "diagnosisCode: VALUE",
                   "enrollee: {sex: VALUE}", "enrollee: {birthYear: VALUE}"],
    "actuary": ["enrollee: {ageGroup: VALUE}", "enrollee: {sex: VALUE}", "enrollee: {zip3: VALUE}",
                "enrollee: {eligibilityGroup: VALUE}"],
}  # fmt: skip
NUMBERS = """count suppressed countDistinct { paidAmount }
  sum { paidAmount } avg { paidAmount } min { paidAmount } max { paidAmount }"""


def aggregate(root: str, dimensions: tuple[str, ...], numbers: str, where: str = "{}") -> str:
    """A document that groups by dimensions."""
    grouped = ", ".join(f"{{{each}}}" for each in dimensions)
    return (
        f"{{ {root}(where: {where}, groupBy: [{grouped}]) {{ {numbers} groups {{ {numbers} }} }} }}"
    )


def groupings(dimensions: list[str]) -> Iterator[tuple[str, ...]]:
    """All pairs, and the first three."""
    for size in range(3):
        yield from combinations(dimensions, size)
    yield tuple(dimensions[:3])


def counts(answer: Any) -> Iterator[int]:  # noqa: ANN401 - JSON
    """Every whole number of an answer."""
    if isinstance(answer, dict):
        for value in answer.values():
            yield from counts(value)
    elif isinstance(answer, list):
        for value in answer:
            yield from counts(value)
    elif isinstance(answer, int) and not isinstance(answer, bool):
        yield answer


async def ask(gateway: Gateway, role: str, query: str) -> dict[str, Any]:
    """The data of an answer without errors."""
    body = await gateway.ask(role, query)
    assert "errors" not in body, body
    data = body["data"]
    assert isinstance(data, dict)
    return data


@pytest.mark.parametrize("role", ["researcher", "actuary"])
async def test_no_count_of_few_is_in_any_answer_over_any_grouping(
    gateway: Gateway, role: str
) -> None:
    withheld = shown = 0
    for root, dimensions, numbers in (
        ("enrolleesAggregate", PEOPLE, "count suppressed countDistinct { ageGroup }"),
        ("claimsAggregate", CLAIMS[role], NUMBERS),
    ):
        for grouping in groupings(dimensions):
            data = await ask(gateway, role, aggregate(root, grouping, numbers))
            found = [n for n in counts(data) if 0 < n < SMALLEST]
            assert found == [], grouping
            for cell in data[root]["groups"]:
                withheld += cell["suppressed"]
                shown += not cell["suppressed"]
                if cell["suppressed"]:
                    assert cell["count"] is None
                    assert all(
                        each is None
                        for part in cell.values()
                        if isinstance(part, dict)
                        for each in part.values()
                    )
    assert withheld > 50
    assert shown > 50


@pytest.mark.parametrize("role", ["researcher", "actuary"])
async def test_what_is_left_of_a_total_is_about_many_or_nobody(gateway: Gateway, role: str) -> None:
    """The total of fewer dimensions, less the cells that are shown."""
    for grouping in groupings(PEOPLE[:4]):
        for size in range(len(grouping)):
            for fewer in combinations(grouping, size):
                total = await ask(gateway, role, _keyed(fewer))
                parts = await ask(gateway, role, _keyed(grouping))
                for line in total["enrolleesAggregate"]["groups"] or [total["enrolleesAggregate"]]:
                    key = line.get("key", {})
                    inside = [
                        cell
                        for cell in parts["enrolleesAggregate"]["groups"]
                        if key.items() <= cell["key"].items()
                    ]
                    if line["count"] is not None and not line["suppressed"]:
                        left = line["count"] - sum(cell["count"] or 0 for cell in inside)
                        assert left == 0 or left >= SMALLEST, (grouping, fewer, line)


def _keyed(grouping: tuple[str, ...]) -> str:
    names = " ".join(each.partition(":")[0] for each in grouping)
    grouped = ", ".join(f"{{{each}}}" for each in grouping)
    key = f"key {{ {names} }}" if names else ""
    return (
        f"{{ enrolleesAggregate(groupBy: [{grouped}]) "
        f"{{ count suppressed groups {{ {key} count suppressed }} }} }}"
    )


async def test_a_small_cell_takes_another_with_it_and_the_total_counts_what_is_shown(
    gateway: Gateway,
) -> None:
    found = False
    for dimension in PEOPLE:
        data = await ask(gateway, "actuary", _keyed((dimension,)))
        answer = data["enrolleesAggregate"]
        hidden = [cell for cell in answer["groups"] if cell["suppressed"]]
        assert len(hidden) != 1
        assert answer["suppressed"] == bool(hidden)
        shown = [cell["count"] for cell in answer["groups"] if not cell["suppressed"]]
        assert answer["count"] == (sum(shown) if shown else None)
        found = found or bool(hidden and shown)
    assert found


async def test_totals_are_made_of_the_cells_that_are_shown(gateway: Gateway) -> None:
    query = aggregate("claimsAggregate", ("diagnosisCode: VALUE",), NUMBERS)
    answer = (await ask(gateway, "researcher", query))["claimsAggregate"]
    cells = [cell for cell in answer["groups"] if not cell["suppressed"]]
    assert answer["suppressed"]
    assert cells
    sums = [Decimal(cell["sum"]["paidAmount"]) for cell in cells if cell["sum"]["paidAmount"]]
    assert Decimal(answer["sum"]["paidAmount"]) == sum(sums)
    least = [Decimal(c["min"]["paidAmount"]) for c in cells if c["min"]["paidAmount"]]
    assert Decimal(answer["min"]["paidAmount"]) == min(least)
    assert answer["countDistinct"] == {"paidAmount": None}


async def test_the_difference_of_two_answers_by_a_clause_is_about_many_or_refused(
    gateway: Gateway,
) -> None:
    """A tracker: everybody, and everybody but a few."""
    everybody = (await ask(gateway, "actuary", "{ enrolleesAggregate { count } }"))[
        "enrolleesAggregate"
    ]["count"]
    refused = answered = 0
    for name in ("ageGroup", "sex", "eligibilityGroup", "dualEligibleCode"):
        codes = CATALOG.fields[f"Enrollee.{name}"].column.codes
        assert codes is not None
        others = " ".join(each.name for each in codes.codes[1:])
        for where in [
            *(f"{{{name}: {{ne: {each.name}}}}}" for each in codes.codes),
            *(f"{{not: {{{name}: {{eq: {each.name}}}}}}}" for each in codes.codes),
            f"{{{name}: {{in: [{others}]}}}}",
        ]:
            body = await gateway.ask(
                "actuary", f"{{ enrolleesAggregate(where: {where}) {{ count }} }}"
            )
            if "errors" in body:
                (error,) = body["errors"]
                # A list of more values than clauses are weighed is too long.
                assert error["extensions"]["code"] in (
                    FilterTooNarrow.code, OperationTooComplex.code,
                )  # fmt: skip
                assert "data" not in body
                refused += 1
            else:
                left = everybody - (body["data"]["enrolleesAggregate"]["count"] or 0)
                assert left == 0 or left >= SMALLEST, where
                answered += 1
    assert refused > 2
    assert answered > 5


REFUSED = {
    "researcher": [
        ("enrolleesAggregate", "{pseudonym: VALUE}", "{}"),
        ("claimsAggregate", "{paidAmount: VALUE}", "{}"),
        ("claimsAggregate", "{plan: {name: VALUE}}", "{}"),
    ],
    "actuary": [
        ("claimsAggregate", "{paidAmount: VALUE}", "{}"),
        ("claimsAggregate", "{enrollee: {ageGroup: VALUE}}", '{paidAmount: {gt: "1000"}}'),
        ("claimsAggregate", "", '{lines: {some: {paidAmount: {gt: "1000"}}}}'),
        ("enrolleesAggregate", "", '{eligibilitySpans: {some: {endDate: {eq: "2025-06-30"}}}}'),
        ("enrolleesAggregate", "{dateOfBirth: YEAR}", "{}"),
    ],
}


@pytest.mark.parametrize(
    ("role", "root", "dimension", "where"),
    [(role, *case) for role, cases in REFUSED.items() for case in cases],
)
async def test_a_fine_coordinate_makes_no_group_and_no_filter(
    gateway: Gateway, sent: list[object], role: str, root: str, dimension: str, where: str
) -> None:
    body = await gateway.ask(
        role, f"{{ {root}(where: {where}, groupBy: [{dimension}]) {{ count }} }}"
    )
    (error,) = body["errors"]
    assert error["extensions"]["code"] == PositionDenied.code
    assert "data" not in body
    assert sent == []


async def test_one_operation_holds_one_table_of_who_must_not_see_small_cells(
    gateway: Gateway, sent: list[object]
) -> None:
    """What one withholds could be had from another beside it, under the same policy and records."""
    query = """{
      a: enrolleesAggregate(groupBy: [{sex: VALUE}]) { groups { key { s: sex } n: count m: count } }
      %s
      viewer { actingRole }
    }"""
    data = await ask(gateway, "actuary", query % "")
    assert len(sent) == 1
    assert all(cell["n"] == cell["m"] for cell in data["a"]["groups"])
    for other in ("b: enrolleesAggregate { count }", "claimsAggregate { count }"):
        body = await gateway.ask("actuary", query % other)
        assert [each["extensions"]["code"] for each in body["errors"]] == ["FW113"]
    assert len(sent) == 1
    assert "errors" not in await gateway.ask(
        "eligibility_supervisor",
        "{ a: enrolleesAggregate { count } b: enrolleesAggregate { count } }",
    )


async def test_a_clause_that_sets_few_of_one_cell_apart_is_refused(gateway: Gateway) -> None:
    """Many in all, and few in some cells: the difference of two tables would be about these."""
    where = "where: {sex: {eq: FEMALE}}"
    whole = await gateway.ask("actuary", f"{{ enrolleesAggregate({where}) {{ count }} }}")
    assert whole["data"]["enrolleesAggregate"]["count"] > SMALLEST
    by_place = await gateway.ask(
        "actuary",
        f"{{ enrolleesAggregate({where}, groupBy: [{{zip3: VALUE}}]) {{ groups {{ count }} }} }}",
    )
    assert [each["extensions"]["code"] for each in by_place["errors"]] == [FilterTooNarrow.code]


async def test_a_role_without_a_smallest_cell_sees_true_counts(
    gateway: Gateway, owner: asyncpg.Connection
) -> None:
    state = gateway.examples["state"]
    query = """{
      claims(first: 0) { totalCount }
      claimsAggregate(groupBy: [{serviceYear: VALUE}, {kind: VALUE}]) {
        count suppressed sum { paidAmount } groups { key { serviceYear kind } count } }
    }"""
    data = await ask(gateway, "program_integrity", query)
    answer = data["claimsAggregate"]
    assert answer["count"] == data["claims"]["totalCount"]
    assert not answer["suppressed"]
    truth = await owner.fetch(
        "select service_year, claim_kind, count(*) from medicaid.claim "
        "where submitting_state = $1 group by 1, 2 order by 1, 2",
        state,
    )
    assert [cell["count"] for cell in answer["groups"]] == [row[2] for row in truth]
    assert min(row[2] for row in truth) < SMALLEST
    total = await owner.fetchval(
        "select sum(tot_medicaid_paid_amt) from medicaid.claim where submitting_state = $1", state
    )
    assert Decimal(answer["sum"]["paidAmount"]) == total


async def test_the_true_number_is_counted_for_the_actuary_too(
    gateway: Gateway, owner: asyncpg.Connection
) -> None:
    answer = await ask(gateway, "actuary", "{ enrolleesAggregate { count } }")
    people = await owner.fetchval("select count(*) from medicaid.enrollee")
    assert answer == {"enrolleesAggregate": {"count": people}}


async def test_a_clause_written_twice_is_weighed_as_one(gateway: Gateway) -> None:
    """Of two that say the same, each alone sets nobody apart: so what is about one column, and
    about two, is weighed together."""
    refused = 0
    for code in ("AGE_90_PLUS", "AGE_80_89"):
        once = f"{{sex: {{eq: FEMALE}}}}, {{ageGroup: {{ne: {code}}}}}"
        other = f"{{not: {{ageGroup: {{in: [{code}]}}}}}}"
        for where in (once, f"{once}, {{ageGroup: {{ne: {code}}}}}", f"{once}, {other}"):
            body = await gateway.ask(
                "actuary", f"{{ enrolleesAggregate(where: {{and: [{where}]}}) {{ count }} }}"
            )
            refused += "errors" in body
            if "errors" in body:
                assert body["errors"][0]["extensions"]["code"] == FilterTooNarrow.code
        # All three say the same, so all are answered or none.
        assert refused % 3 == 0
    assert refused
