"""Plan → statement: pure, deterministic, no value and no caller's text in it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from api.document import DocumentInvalid
from api.planner import plan_operation
from authz.packaged import load_seed
from authz.snapshot import take
from db.catalog_records import CATALOG
from db.execute import Inputs, bind
from db.predicate import Attribute, Compare, Literal, Operator, Ref, Slot
from db.sql.conditions import condition, operand
from db.sql.pieces import Day, Mark, Parameters, Statement, Version, enum_name, identifier, text
from db.sql.render import render
from db.sql.rows import Level, Names, Row
from db.tables import ENROLLEE, VARIABLE_DEMOGRAPHICS
from tests.roles import asked

AS_OF = datetime(2026, 11, 23, 12, tzinfo=UTC)
SNAPSHOT = take(*load_seed(CATALOG), AS_OF)


def statement(role: str, query: str, **variables: object) -> Statement:
    """The statement of a query in a role."""
    operation, given = asked(query, variables)
    planned = plan_operation(operation, SNAPSHOT.decisions(role), given)
    return render(planned.plan)


PAIRS = {
    "the value of a filter": (
        '{ enrollees(where: { lastName: { eq: "A" } }) { nodes { lastName } } }',
        '{ enrollees(where: { lastName: { eq: "Zz" } }) { nodes { lastName } } }',
    ),
    "the values of a list": (
        '{ enrollees(where: { lastName: { in: ["A"] } }) { nodes { lastName } } }',
        '{ enrollees(where: { lastName: { in: ["B", "C"] } }) { nodes { lastName } } }',
    ),
    "the size of a page": (
        "{ enrollees(first: 1) { nodes { lastName } } }",
        "{ enrollees(first: 40) { nodes { lastName } } }",
    ),
    "an alias": (
        "{ enrollees { nodes { a: lastName } } }",
        "{ enrollees { nodes { bbbb: lastName } } }",
    ),
    "the name of a denied selection": (
        "{ enrollees { nodes { lastName claims { totalCount } } } }",
        "{ enrollees { nodes { lastName birthYear } } }",
    ),
}


@pytest.mark.parametrize("what", PAIRS)
def test_equal_shapes_are_one_statement(what: str) -> None:
    first, second = PAIRS[what]
    assert statement("front_desk", first) == statement("front_desk", second)


@pytest.mark.parametrize(
    "query",
    [
        '{ enrollees(where: { lastName: { eq: "S3CRET" } }) { nodes { S3CRET: lastName } } }',
        '{ S3CRET: enrollees(where: { homeAddress: { city: { startsWith: "S3CRET" } } }) '
        "{ S3CRET: nodes { lastName } S3CRET2: edges { S3CRET: cursor } } }",
    ],
)
def test_no_callers_text_is_in_a_statement(query: str) -> None:
    assert "S3CRET" not in statement("front_desk", query).text


def test_a_denied_selection_leaves_neither_column_nor_name() -> None:
    made = statement(
        "immigration_enforcement",
        "{ enrollees { nodes { dateOfBirth ssn lastName race homeAddress { city county } } } }",
    )
    for name in ("ssn", "lastName", "eligible_last_name", "race", "county"):
        assert not re.search(rf"\b{name}\b", made.text), name
    assert not {c for c in made.columns if c.endswith((".ssn", "_name", ".county", "race.race"))}


def test_rendering_twice_is_the_same_text() -> None:
    query = "{ enrollees { nodes { lastName homeAddress { city } } pageInfo { endCursor } } }"
    first = statement("front_desk", query)
    assert statement("front_desk", query) == first


def test_a_day_is_a_parameter_and_never_the_servers_clock() -> None:
    made = statement("immigration_enforcement", "{ enrollees { nodes { dateOfBirth } } }")
    assert Day() in made.sources
    assert not re.search(r"\bnow\(|current_|clock_timestamp|localtime", made.text)


def test_parameters_are_bound_in_the_order_of_the_text() -> None:
    parameters = Parameters()
    placed = [
        parameters.place(source, kind)
        for source, kind in (
            (Day(), "date"), (Slot(1), "text"), (Mark(), "text"), (Attribute("state"), "text[]"),
            (Attribute("npi"), "text[]"), (Literal(24), "integer"), (Slot(1), "text"),
            (Version(), "bigint"),
        )
    ]  # fmt: skip
    assert placed == [
        "$1::date", "$2::text", "$3::text", "$4::text[]", "$5::text[]", "$6::integer", "$2::text",
        "$7::bigint",
    ]  # fmt: skip
    inputs = Inputs(("x", "y"), {"state": ("CA",)}, date(2026, 1, 2), "mark", 3)
    bound = bind(Statement("", parameters.sources, frozenset()), inputs)
    assert bound == [date(2026, 1, 2), "y", "mark", ("CA",), (), 24, 3]


@pytest.mark.parametrize("name", ['a"b', "a b", "é", "a;b", ""])
def test_what_could_end_its_quotes_is_no_identifier(name: str) -> None:
    with pytest.raises(ValueError, match="identifier"):
        identifier(name)


@pytest.mark.parametrize("constant", ["it's", "back\\slash"])
def test_what_could_end_its_quotes_is_no_constant(constant: str) -> None:
    with pytest.raises(ValueError, match="constant"):
        text(constant)


def test_enum_names_are_the_code_a_prefix_or_a_case() -> None:
    state = CATALOG.fields["Enrollee.submittingState"].column.codes
    group = CATALOG.fields["Enrollee.eligibilityGroup"].column.codes
    sex = CATALOG.fields["Enrollee.sex"].column.codes
    assert state is not None
    assert group is not None
    assert sex is not None
    assert enum_name("x", state) == "x"
    assert enum_name("x", group) == "('EG_' || x)"
    assert enum_name("x", sex).startswith("case x when 'F' then 'FEMALE'")


OPERATORS = {
    Operator.EQ: "= $1", Operator.NE: "<> $1", Operator.LT: "< $1", Operator.LTE: "<= $1",
    Operator.GT: "> $1", Operator.GTE: ">= $1", Operator.IN: "= any ($1",
    Operator.NOT_IN: "<> all ($1", Operator.STARTS_WITH: "starts_with(",
    Operator.NOT_STARTS_WITH: "not starts_with(", Operator.HAS: "@> array[$1",
    Operator.HAS_NOT: "not ", Operator.IS_NULL: "is null", Operator.IS_NOT_NULL: "is not null",
    Operator.COVERS: "@> $1", Operator.NOT_COVERS: "not ",
}  # fmt: skip


@pytest.mark.parametrize("operator", Operator)
def test_every_operator_has_a_form(operator: Operator) -> None:
    row = Row(Names(), ENROLLEE, Level(), None)
    names = {Operator.COVERS: "population", Operator.NOT_COVERS: "population"}
    column = ENROLLEE.columns[names.get(operator, "sex")]
    asked = None if "NULL" in operator.name else Slot(0)
    assert OPERATORS[operator] in condition(Compare(Ref(column), operator, asked), row)


def test_an_operator_without_its_operand_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="operand"):
        operand(None, "text", Row(Names(), ENROLLEE, Level(), None))


def test_a_day_that_policy_writes_is_bound_as_a_day() -> None:
    row = Row(Names(), ENROLLEE, Level(), None)
    operand(Literal("2026-01-31"), "date", row)
    assert row.names.parameters.sources == (Literal(date(2026, 1, 31)),)


def test_a_row_hands_out_the_columns_of_its_table_alone() -> None:
    row = Row(Names(), VARIABLE_DEMOGRAPHICS, Level(), None)
    with pytest.raises(KeyError):
        row.column("eligible_last_name")


def test_an_invalid_document_has_no_statement() -> None:
    with pytest.raises(DocumentInvalid):
        statement("front_desk", "{ enrollees { nodes { shoeSize } } }")
