"""Numbers as PostgreSQL counted them → an answer, and an aggregate's document → its plan."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from api.errors import ArgumentInvalid, FilterTooNarrow, OperationTooComplex, PositionDenied
from api.planner import Planned, plan_operation
from api.shape import Shape
from api.summary import answer
from api.summary_plan import MOST_CLAUSES, MOST_GROUPS
from authz.decision import AllowWhere, DecisionSet, condition
from db.catalog import Cardinality, Kind
from db.catalog_records import CATALOG
from db.plan import Bucket, Summary
from db.predicate import Always, Never
from db.sql.render import render
from tests.roles import asked, decisions, denied, plan, roles, view

SHOWN = """count suppressed countDistinct { paidAmount } sum { paidAmount coveredDays }
  avg { paidAmount } min { paidAmount serviceBeginDate } max { paidAmount }"""
DOCUMENT = f"""{{ claimsAggregate(groupBy: [{{kind: VALUE}}]) {{
  {SHOWN} groups {{ key {{ kind }} {SHOWN} }} }} }}"""


def shape(smallest: int, document: str = DOCUMENT) -> Shape:
    """The shape of a document, as a role with that smallest cell would have it."""
    (found,) = plan("program_integrity", document).shapes.values()
    return replace(found, plan=replace(found.plan, smallest=smallest))


def cell(key: str | None, people: int, rows: int, paid: str = "10.50") -> list[Any]:
    """A cell of claims of equal amounts: the measures in the order of the document."""
    few = list(range(people)) if people < 11 else None
    total = str(Decimal(paid) * rows)
    return [
        [] if key is None else [key], people, few, rows,
        [min(rows, 12), people], [total, people], [str(rows), people],
        [f"{Decimal(paid):.6f}", people, total, rows],
        [paid, people], ["2024-01-02", people], [paid, people],
    ]  # fmt: skip


def shown(smallest: int, *cells: list[Any], apart: tuple[int, ...] = ()) -> dict[str, Any]:
    """The answer about cells; the true totals say 999."""
    return answer(json.dumps([cell(None, 999, 999), cells, apart]).encode(), shape(smallest))


def test_without_a_smallest_cell_every_number_is_as_it_was_counted() -> None:
    found = shown(0, cell("PHARMACY", 1, 2), cell("INPATIENT", 3, 4))
    assert found["count"] == 999
    assert [each["count"] for each in found["groups"]] == [2, 4]
    assert not found["suppressed"]
    assert not any(each["suppressed"] for each in found["groups"])
    assert found["groups"][0]["avg"] == {"paidAmount": "10.500000"}


def test_a_small_cell_and_its_company_show_a_key_and_no_number() -> None:
    found = shown(11, cell("A", 20, 30), cell("B", 3, 40), cell("C", 50, 60), cell("D", 70, 80))
    hidden = [each["key"]["kind"] for each in found["groups"] if each["suppressed"]]
    assert hidden == ["A", "B"]
    for each in found["groups"][:2]:
        assert each["count"] is None
        assert each["sum"] == {"paidAmount": None, "coveredDays": None}
        assert each["min"] == {"paidAmount": None, "serviceBeginDate": None}


def test_totals_are_made_of_what_is_shown() -> None:
    found = shown(
        11, cell("A", 20, 30), cell("B", 3, 40),
        cell("C", 50, 60, "7.00"), cell("D", 70, 80, "100.01"),
    )  # fmt: skip
    assert found["suppressed"]
    assert found["count"] == 140
    assert found["countDistinct"] == {"paidAmount": None}
    total = 60 * Decimal("7.00") + 80 * Decimal("100.01")
    assert found["sum"] == {"paidAmount": str(total), "coveredDays": "140"}
    assert found["avg"] == {"paidAmount": "60.148571"}
    assert found["min"] == {"paidAmount": "7.00", "serviceBeginDate": "2024-01-02"}
    assert found["max"] == {"paidAmount": "100.01"}


def test_where_nothing_is_shown_totals_are_null() -> None:
    found = shown(11, cell("A", 3, 30), cell("B", 4, 40))
    assert found["count"] is None
    assert found["suppressed"]
    assert found["sum"] == {"paidAmount": None, "coveredDays": None}


def test_a_total_of_counts_that_are_all_withheld_is_withheld() -> None:
    """A cell can be shown whose count is not: counting is open on rows of few of its people."""
    uncounted = [cell(key, 50, 60) for key in ("C", "D", "E")]
    for each in uncounted:
        each[3] = None
    found = shown(11, cell("A", 3, 3), cell("B", 9, 9), *uncounted)
    assert [each["count"] for each in found["groups"]] == [None] * 5
    assert found["suppressed"]
    assert found["count"] is None


def test_an_average_is_rounded_half_away_from_zero() -> None:
    cells = [cell("A", 3, 30), cell("B", 40, 40), cell("C", 50, 50), cell("D", 60, 60)]
    for each, total in zip(cells[2:], ("0.0000500", "0.0000050"), strict=True):
        each[7] = ["0", 50, total, 55]
    # 0.000055 / 110 = 0.0000005
    assert shown(11, *cells)["avg"] == {"paidAmount": "0.000001"}


def test_a_number_of_few_who_contribute_is_withheld_though_the_cell_is_shown() -> None:
    few = cell("A", 20, 30)
    few[5] = ["12.00", 4]
    few[4] = [10, 20]
    found = shown(11, few, cell("B", 30, 40))
    assert found["groups"][0]["count"] == 30
    assert found["groups"][0]["sum"] == {"paidAmount": None, "coveredDays": "30"}
    assert found["groups"][0]["countDistinct"] == {"paidAmount": None}
    assert not found["groups"][0]["suppressed"]


def test_a_total_does_not_give_back_what_a_cell_withholds_of_a_number() -> None:
    """The total less the other cells would be of the few. What no cell withholds is told."""
    few = cell("A", 20, 30)
    few[5] = ["12.00", 4]
    found = shown(11, few, cell("B", 30, 40))
    assert found["sum"] == {"paidAmount": None, "coveredDays": "999"}
    assert found["count"] == 999
    assert shown(11, cell("A", 20, 30), cell("B", 30, 40))["sum"]["paidAmount"] is not None


def test_no_values_are_no_people() -> None:
    none = cell("A", 20, 30)
    none[4:] = [[0, 0], [None, 0], [None, 0], [None, 0, None, 0], [None, 0], [None, 0], [None, 0]]
    found = shown(11, none, cell("B", 3, 4), cell("C", 30, 40), cell("D", 50, 60))
    assert found["suppressed"]
    assert found["sum"]["paidAmount"] == "1050.00"


def test_one_cell_alone_is_withheld_where_it_is_small() -> None:
    alone = shape(11, f"{{ claimsAggregate {{ {SHOWN} groups {{ count }} }} }}")
    for people, visible in ((0, True), (1, False), (10, False), (11, True)):
        body = json.dumps([cell(None, people, people * 2), [], []]).encode()
        found = answer(body, alone)
        assert found["suppressed"] is not visible
        assert found["count"] == (people * 2 if visible else None)
        assert found["groups"] == []


@pytest.mark.parametrize(("apart", "refused"), [(0, False), (1, True), (10, True), (11, False)])
def test_a_clause_that_sets_few_apart_refuses_the_operation(apart: int, refused: bool) -> None:
    cells = (cell("A", 20, 30), cell("B", 30, 40))
    if refused:
        with pytest.raises(FilterTooNarrow):
            shown(11, *cells, apart=(50, apart))
    else:
        assert shown(11, *cells, apart=(50, apart))["count"] == 999


def test_too_many_groups_are_too_many_whoever_asks() -> None:
    cells = [cell(str(i), 20, 30) for i in range(MOST_GROUPS + 1)]
    assert len(shown(0, *cells[1:])["groups"]) == MOST_GROUPS
    with pytest.raises(OperationTooComplex):
        shown(0, *cells)


def test_response_keys_are_the_callers_own() -> None:
    document = """{ x: claimsAggregate(groupBy: [{enrollee: {submittingState: VALUE}}]) {
      t: __typename n: count groups { __typename k: key { __typename
        e: enrollee { __typename s: submittingState } }
        d: countDistinct { __typename p: paidAmount } } } }"""
    body = json.dumps([[[], None, None, 5], [[["CA"], None, None, 5, [4, None]]], []]).encode()
    assert answer(body, shape(0, document)) == {
        "t": "ClaimAggregate",
        "n": 5,
        "groups": [
            {
                "__typename": "ClaimGroup",
                "k": {"__typename": "ClaimKey", "e": {"__typename": "EnrolleeKey", "s": "CA"}},
                "d": {"__typename": "ClaimCountDistinct", "p": 4},
            }
        ],
    }


# ── plans ─────────────────────────────────────────────────────────────────────────────────────


def summary(role: str, document: str) -> Summary:
    """The plan of the only aggregate of a document."""
    (found,) = plan(role, document).plan.roots
    assert isinstance(found, Summary)
    return found


MEASURED = [
    (root, entity, function, field.name)
    for root, entity in (("enrolleesAggregate", "Enrollee"), ("claimsAggregate", "Claim"))
    for field in CATALOG.fields_of(entity)
    if field.column.kind not in (Kind.TEXTS, Kind.DAYS)
    for function in ("countDistinct", "sum", "avg", "min", "max")
    if function == "countDistinct" or field.column.kind is Kind.DECIMAL
]


@pytest.mark.parametrize("role", roles())
def test_a_number_of_a_denied_coordinate_is_null_and_no_column(role: str) -> None:
    open_roots = 0
    for root, entity, function, name in MEASURED:
        planned = plan(role, f"{{ {root} {{ {function} {{ {name} }} }} }}")
        scope = decisions(role).aggregate_scope(entity)
        if isinstance(scope, Never):
            assert [each.coordinate for each in planned.denials] == [f"Query.{root}"]
            assert planned.plan.roots == ()
            continue
        open_roots += 1
        (found,) = planned.plan.roots
        assert isinstance(found, Summary)
        closed = denied(role, f"{entity}.{name}", "aggregate")
        assert len(found.measures) == (0 if closed else 1)
        coordinates = [f"{entity}.{name}"] if closed else []
        assert [each.coordinate for each in planned.denials] == coordinates
        stored = CATALOG.fields[f"{entity}.{name}"].column.name
        # The person's key is structural: it is what people are told apart by.
        if closed and stored != "enrollee_id" and f"'{stored}'" not in str(found.permit):
            assert f'"{stored}"' not in render(planned.plan).text
    assert open_roots or denied(role, "EnrolleeAggregate.count", "aggregate")


@pytest.mark.parametrize("role", roles())
def test_a_denied_dimension_refuses_the_operation(role: str) -> None:
    for root, entity in (("enrolleesAggregate", "Enrollee"), ("claimsAggregate", "Claim")):
        if isinstance(decisions(role).aggregate_scope(entity), Never):
            continue
        ways = [((), entity)] + [
            ((link,), link.target)
            for link in CATALOG.links_of(entity)
            if link.relation.cardinality is not Cardinality.MANY
        ]
        for way, target in ways:
            for field in CATALOG.fields_of(target):
                if field.column.kind in (Kind.TEXTS, Kind.DAYS):
                    continue
                date = field.column.kind is Kind.DATE
                asked = f"{field.name}: {'MONTH' if date else 'VALUE'}"
                for link in way:
                    asked = f"{link.name}: {{{asked}}}"
                document = f"{{ {root}(groupBy: [{{{asked}}}]) {{ count }} }}"
                passed = [field.coordinate, *(link.coordinate for link in way)]
                closed = any(denied(role, each, "aggregate") for each in passed)
                fine = decisions(role).smallest_cell and not (date or field.column.coarse)
                if closed or fine:
                    with pytest.raises(PositionDenied) as refused:
                        plan(role, document)
                    assert refused.value.facts["position"] == "groupBy"
                else:
                    assert len(summary(role, document).dimensions) == 1


def test_days_are_no_dimension_of_a_role_with_a_smallest_cell() -> None:
    document = "{ claimsAggregate(groupBy: [{paidDate: %s}]) { count } }"
    for bucket in Bucket:
        found = summary("program_integrity", document % bucket.name)
        assert found.dimensions[0].bucket is bucket
    decided = replace(decisions("program_integrity"), smallest_cell=11)
    with pytest.raises(PositionDenied):
        planned(decided, document % "DAY")
    assert planned(decided, document % "MONTH").plan.roots


def planned(decided: DecisionSet, document: str) -> Planned:
    """The plan of a document under decisions that a test changed."""
    operation, given = asked(document)
    return plan_operation(operation, decided, given)


@pytest.mark.parametrize(
    "document",
    [
        "{ claimsAggregate(groupBy: [{kind: VALUE}, {kind: VALUE}]) { count } }",
        "{ claimsAggregate(groupBy: [{paidDate: DAY}, {paidDate: YEAR}]) { count } }",
        "{ claimsAggregate(groupBy: [{kind: VALUE}]) { groups { key { planId } } } }",
        "{ claimsAggregate { groups { key { kind } } } }",
        "{ claimsAggregate(groupBy: [{plan: {planType: VALUE}}]) { groups { key { planId } } } }",
    ],
)
def test_a_key_is_a_dimension_and_a_dimension_is_named_once(document: str) -> None:
    with pytest.raises(ArgumentInvalid) as refused:
        plan("program_integrity", document)
    assert refused.value.facts["argument"] == "groupBy"


def test_dimensions_and_clauses_are_limited() -> None:
    names = ["kind", "serviceYear", "typeOfBill", "placeOfService", "submittingState"]
    grouped = ", ".join(f"{{{name}: VALUE}}" for name in names)
    with pytest.raises(OperationTooComplex):
        plan("program_integrity", f"{{ claimsAggregate(groupBy: [{grouped}]) {{ count }} }}")
    document = "{ enrolleesAggregate(where: {and: [%s]}) { count } }"
    for clauses, role, refused in (
        (MOST_CLAUSES - 1, "researcher", False),
        (MOST_CLAUSES, "researcher", True),
        (MOST_CLAUSES, "program_integrity", False),
    ):
        asked = document % "".join("{submittingState: {eq: CA}}" for i in range(clauses))
        if refused:
            with pytest.raises(OperationTooComplex):
                plan(role, asked)
        else:
            # Each, and the whole; all of one column is the whole again.
            assert len(summary(role, asked).without) == (clauses + 1) * (role == "researcher")


def test_a_list_in_a_filter_is_as_many_clauses_as_it_has_values() -> None:
    document = "{ enrolleesAggregate(where: {submittingState: {%s: [CA, NY, VT]}}) { count } }"
    for operator in ("in", "notIn"):
        # Each value, the whole, and for `in` none of them, for `notIn` that there is some value.
        assert len(set(summary("actuary", document % operator).without)) == 5
        assert summary("program_integrity", document % operator).without == ()
    with pytest.raises(OperationTooComplex):
        plan("actuary", (document % "in").replace("VT", " ".join(["VT"] * MOST_CLAUSES)))


@pytest.mark.parametrize("role", ["researcher", "actuary", "program_integrity"])
def test_the_rows_of_an_aggregate_are_those_that_may_be_aggregated(role: str) -> None:
    found = summary(role, "{ claimsAggregate { count sum { paidAmount } } }")
    assert found.permit == decisions(role).aggregate_scope("Claim")
    assert found.count == Always()
    assert found.measures[0].permit == Always()
    assert plan(role, "{ claimsAggregate { count sum { paidAmount } } }").conditional == ()


def test_values_that_hold_on_some_rows_are_named_whether_or_not_a_row_is_touched() -> None:
    narrow = condition(decisions("researcher").decide("Claim.serviceYear", "aggregate"))
    given = decisions("program_integrity")
    table = dict(given.table) | {
        ("Claim.kind", "aggregate"): AllowWhere(narrow),
        ("Claim.paidAmount", "aggregate"): AllowWhere(narrow),
    }
    found = planned(
        replace(given, table=table),
        "{ claimsAggregate(groupBy: [{kind: VALUE}]) { count sum { paidAmount } } }",
    )
    assert found.conditional == ("Claim.kind", "Claim.paidAmount")
    (root,) = found.plan.roots
    assert isinstance(root, Summary)
    assert root.dimensions[0].permit == root.measures[0].permit == narrow
    assert root.count == Always()


def test_a_smallest_cell_is_asked_of_the_database_only_where_there_is_one() -> None:
    document = "{ enrolleesAggregate(where: {sex: {eq: FEMALE}}) { count } }"
    for role in ("researcher", "eligibility_supervisor"):
        text = render(plan(role, document).plan).text
        assert ("uuid_hash_extended" in text) == (role == "researcher")


def test_whoever_aggregates_nothing_has_no_such_root() -> None:
    for role in roles():
        fields = view(role).query_type.fields  # type: ignore[union-attr]  # there is a Query
        for root, entity in (("enrolleesAggregate", "Enrollee"), ("claimsAggregate", "Claim")):
            open_ = not isinstance(decisions(role).aggregate_scope(entity), Never)
            assert (root in fields) == open_, role


def test_a_view_shows_the_dimensions_that_a_role_may_group_by() -> None:
    types = view("researcher").type_map
    grouped = types["EnrolleeGroupBy"].fields  # type: ignore[attr-defined]  # an input object
    assert {"ageGroup", "zip3", "sex", "birthYear"} <= set(grouped)
    assert not {"pseudonym", "dateOfBirth", "lastName"} & set(grouped)
    assert set(grouped) == set(types["EnrolleeKey"].fields)  # type: ignore[attr-defined]
    counted = types["EnrolleeCountDistinct"].fields  # type: ignore[attr-defined]
    assert "pseudonym" in counted
    assert "ssn" not in counted
