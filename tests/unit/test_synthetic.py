"""Described rows: what is read, what is refused, and conditions on what no record shows."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from authz.errors import RowInvalid
from authz.holds import holds
from authz.principal import Attributes
from authz.scope import parse_scope
from authz.synthetic import read_row, written_row
from db.catalog_records import CATALOG
from db.predicate import AsOf, Compare, Exists, Literal, Operator, Ref, Slot, negate
from db.tables import ENROLLEE

DAY = date(2026, 3, 31)
ID = "00000000-0000-4000-8000-000000000001"
NOBODY = Attributes()


def enrollee(**given: Any) -> dict[str, Any]:  # noqa: ANN401 - what a client writes is anything
    """A described person."""
    return {"entity": "Enrollee", **given}


def test_a_row_is_read_with_the_rows_below_it() -> None:
    row = read_row(
        CATALOG,
        enrollee(
            enrollee_id=ID,
            date_of_birth="1990-02-03",
            date_of_death=date(2020, 1, 2),
            population=["2026-01-06/.."],
            home_address={"county": "06001"},
            claims=[{"tot_billed_amt": 12.5, "sensitivity_labels": ["ETH"], "sensitive": True}, {}],
        ),
    )
    assert row.entity == "Enrollee"
    assert row.values["date_of_birth"] == date(1990, 2, 3)
    assert [each.values for each in row.related["home_address"]] == [
        {"county": "06001", "enrollee_id": ID}
    ]
    first, second = row.related["claims"]
    assert first.values["tot_billed_amt"] == Decimal("12.5")
    assert second.values == {"enrollee_id": ID}
    assert read_row(CATALOG, written_row(row)) == row


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "'entity' is missing"),
    ({"entity": 3}, "'entity' is missing"),
    ({"entity": "Enrolee"}, "unknown entity 'Enrolee'; did you mean 'Enrollee'?"),
    ({"entity": "HomeAddress"}, "unknown entity 'HomeAddress'"),
    (enrollee(sexx="F"), "Enrollee: unknown column or relation 'sexx'; did you mean 'sex'?"),
    (enrollee(sex="X"), "Enrollee.sex: unknown code 'X'"),
    (enrollee(sex=True), "Enrollee.sex: no value of type text"),
    (enrollee(birth_year="1990"), "Enrollee.birth_year: no value of type integer"),
    (enrollee(birth_year=True), "Enrollee.birth_year: no value of type integer"),
    (enrollee(enrollee_id="1"), "Enrollee.enrollee_id: no value of type uuid"),
    (enrollee(date_of_birth="1990-02-30"), "Enrollee.date_of_birth: no value of type date"),
    (enrollee(date_of_birth=datetime(1990, 2, 3)), "no value of type date"),  # noqa: DTZ001
    (enrollee(population=["2026-01-06"]), "no value of type datemultirange"),
    (enrollee(population=["2026-01-06/2026-01-05"]), "no value of type datemultirange"),
    (enrollee(population="2026-01-06/.."), "no value of type datemultirange"),
    (enrollee(home_address="06001"), "Enrollee.home_address: neither a row nor a list of rows"),
    (enrollee(home_address={"countyy": "1"}), "Enrollee.home_address: unknown column or relation"),
    (enrollee(claims=[{"substance_use": "no"}]), "Enrollee.claims.substance_use: no value of"),
    (enrollee(claims=[{"sensitivity_labels": ["ETH", "NOPE"]}]), "unknown code 'NOPE'"),
    (enrollee(claims=[{"tot_billed_amt": float("inf")}]), "no value of type numeric"),
    (enrollee(claims=[{"tot_billed_amt": "much"}]), "no value of type numeric"),
    (enrollee(claims=[{"tot_billed_amt": True}]), "no value of type numeric"),
    ({"entity": "Claim", "plan": [{}, {}]}, "Claim.plan: leads to one row, not to 2"),
    ({"entity": "Claim", "plan_id_number": "a", "plan": {"state_plan_id_num": "b"}},
     "Claim.plan: its key is not that of the row it belongs to"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "problem"), WRONG)
def test_a_row_that_could_not_be_is_refused(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(RowInvalid) as refused:
        read_row(CATALOG, given)
    assert problem in refused.value.detail


def test_a_row_without_end_is_refused() -> None:
    row: dict[str, Any] = {}
    for _ in range(30):
        row = {"claims": [{"enrollee": row}]}
    with pytest.raises(RowInvalid, match="rows deep"):
        read_row(CATALOG, enrollee(**row))


def test_no_name_is_a_column_and_a_relation() -> None:
    for entity in CATALOG.entities.values():
        relations = CATALOG.relations.get(entity.table.name, {})
        assert not relations.keys() & {*entity.table.columns, "entity"}


HELD: list[tuple[str, dict[str, Any], bool]] = [
    ("population covers as_of", {"population": ["2026-03-31/2026-03-31"]}, True),
    ("population covers as_of", {"population": ["../2026-03-30", "2026-04-01/.."]}, False),
    ("population covers as_of", {"population": ["2025-01-01/2025-02-01", "../.."]}, True),
    ("population covers as_of", {"population": []}, False),
    ("population covers as_of", {}, False),
    ("not (population covers as_of)", {"population": []}, True),
    ("not (population covers as_of)", {}, False),
    ("sex = 'F'", {"sex": None}, False),
    ("sex != 'F'", {"sex": None}, False),
    ("home_address.county = '06001'", {"home_address": {"county": "06001"}}, True),
    ("home_address.county = '06001'",
     {"home_address": {"county": "06001", "end_date": "2026-03-30"}}, False),
    ("home_address.county = '06001'",
     {"home_address": {"county": "06001", "effective_date": "2026-04-01"}}, False),
    ("home_address.county = '06001'",
     {"home_address": [{"county": "06001"}, {"county": "06003", "effective_date": "2020-01-01"}]},
     False),
    ("home_address.county = '06001'",
     {"home_address": [{"county": "06001", "span_num": 2}, {"county": "06003", "span_num": 1}]},
     True),
    ("any managed_care (current)", {"managed_care": [{"end_date": "2026-03-31"}]}, True),
    ("any managed_care (not (current))", {"managed_care": [{"end_date": "2026-03-31"}]}, False),
    ("date_of_birth >= as_of - 1 months", {"date_of_birth": "2026-02-28"}, True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "given", "held"), HELD)
def test_a_condition_on_a_described_row(text: str, given: dict[str, Any], held: bool) -> None:
    row = read_row(CATALOG, enrollee(**given))
    assert holds(parse_scope(CATALOG, "Enrollee", text), row, NOBODY, DAY) is held


def test_what_an_operation_brings_is_no_condition_of_policy() -> None:
    row = read_row(CATALOG, enrollee(sex="F"))
    asked = Compare(Ref(ENROLLEE.columns["sex"]), Operator.EQ, Slot(0))
    with pytest.raises(ValueError, match="policy"):
        holds(asked, row, NOBODY, DAY)


def test_days_have_an_order_and_other_things_have_none_with_them() -> None:
    row = read_row(CATALOG, enrollee(date_of_birth="2026-03-31", sex="F"))
    born, sex = (Ref(ENROLLEE.columns[name]) for name in ("date_of_birth", "sex"))
    for operator, held in (
        (Operator.LT, False), (Operator.LTE, True), (Operator.GT, False), (Operator.GTE, True),
    ):  # fmt: skip
        leaf = Compare(born, operator, AsOf())
        assert holds(leaf, row, NOBODY, DAY) is held
        assert holds(negate(leaf), row, NOBODY, DAY) is not held
        assert not holds(Compare(sex, operator, AsOf()), row, NOBODY, DAY)


def test_a_value_is_missing_where_there_is_none_and_where_there_is_no_row() -> None:
    home = CATALOG.relations["enrollee"]["home_address"]
    county = Ref(home.target.columns["county"], home)
    missing = Compare(county, Operator.IS_NULL, None)
    for given, there in (
        ({}, False), ({"home_address": {}}, False), ({"home_address": {"county": "1"}}, True),
    ):  # fmt: skip
        row = read_row(CATALOG, enrollee(**given))
        assert holds(missing, row, NOBODY, DAY) is not there
        assert holds(negate(missing), row, NOBODY, DAY) is there


def test_a_permit_is_asked_of_the_row_that_was_reached_where_that_is_an_anchor() -> None:
    woman = Compare(Ref(ENROLLEE.columns["sex"]), Operator.EQ, Literal("F"))
    person = CATALOG.relations["claim"]["enrollee"]
    state = Compare(Ref(ENROLLEE.columns["submitting_state"]), Operator.EQ, Literal("CA"), woman)
    row = read_row(CATALOG, {"entity": "Claim", "enrollee": {"sex": "F", "submitting_state": "CA"}})
    assert holds(Exists(person, state), row, NOBODY, DAY)
    # The claim has no sex, so what is asked of it is not met.
    assert not holds(Exists(person, state, anchored=False), row, NOBODY, DAY)
    assert not holds(Exists(person, state, permit=woman), row, NOBODY, DAY)
