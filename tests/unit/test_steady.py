"""Which plans are planned once by PostgreSQL for all values, and how the others are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.arguments import PAGE_BOUNDS
from db.catalog import Cardinality
from db.catalog_records import CATALOG
from db.predicate import Always, Exists
from db.sql.render import render
from db.sql.steady import own
from tests.roles import plan

if TYPE_CHECKING:
    from db.catalog import Relation
    from db.sql.pieces import Statement

SUPERVISOR = "eligibility_supervisor"
STEADY = {
    "a list": (SUPERVISOR, "{enrollees(first:5){nodes{medicaidId}}}"),
    "a page with its facts": (
        SUPERVISOR, "{enrollees(first:5){edges{cursor} pageInfo{hasNextPage}}}",
    ),
    "an order of its own columns": (
        SUPERVISOR, "{enrollees(first:5,orderBy:[{lastName:ASC}]){nodes{medicaidId}}}",
    ),
    "a person": (SUPERVISOR, '{enrollee(medicaidId:"A"){medicaidId homeAddress{city}}}'),
    "lists in a list": (
        "program_integrity", "{enrollees(first:5){nodes{claims(first:2){nodes{icn}}}}}",
    ),
}  # fmt: skip
UNSTEADY = {
    "a filter": (
        SUPERVISOR, '{enrollees(where:{lastName:{eq:"A"}}){nodes{medicaidId}}}',
    ),
    "a filter of a list in a list": (
        "program_integrity",
        '{enrollees(first:5){nodes{claims(where:{serviceBeginDate:{gte:"2024-01-01"}})'
        "{nodes{icn}}}}}",
    ),
    "an order by another table": (
        SUPERVISOR, "{enrollees(first:5,orderBy:[{fiveYearBarEndDate:ASC}]){nodes{medicaidId}}}",
    ),
    "a scope that leads to another table": (
        "front_desk", "{enrollees(first:5){nodes{medicaidId}}}",
    ),
    "an aggregate": ("program_integrity", "{claimsAggregate{groups{count}}}"),
    "one unsteady root of two": (
        SUPERVISOR,
        '{a:enrollees{nodes{medicaidId}} b:enrollees(where:{lastName:{eq:"A"}})'
        "{nodes{medicaidId}}}",
    ),
}  # fmt: skip


def made(role: str, document: str) -> Statement:
    return render(plan(role, document).plan)


@pytest.mark.parametrize("what", STEADY)
def test_lists_and_keys_are_steady(what: str) -> None:
    assert made(*STEADY[what]).steady


@pytest.mark.parametrize("what", UNSTEADY)
def test_what_depends_on_how_common_a_value_is_is_not_steady(what: str) -> None:
    assert not made(*UNSTEADY[what]).steady


@pytest.mark.parametrize(("size", "bound"), [(1, 64), (64, 64), (65, 1024), (1000, 1024)])
def test_a_page_is_bounded_by_the_next_number_that_holds_it(size: int, bound: int) -> None:
    text = made("program_integrity", f"{{claims(first:{size}){{nodes{{icn}}}}}}").text
    assert bound in PAGE_BOUNDS
    assert text.count(f" limit {bound}") == 2


def test_a_page_that_knows_whether_there_are_more_may_read_one_row_past_its_bound() -> None:
    text = made(SUPERVISOR, "{enrollees(first:5){nodes{medicaidId} pageInfo{hasNextPage}}}").text
    assert f" limit {PAGE_BOUNDS[0] + 1}" in text


def test_a_row_that_a_key_names_is_joined_without_a_limit() -> None:
    text = made("program_integrity", "{claims(first:5){nodes{enrollee{medicaidId}}}}").text
    assert "limit 1) t" not in text


def test_a_list_with_a_filter_is_planned_for_one_value_of_its_scope() -> None:
    filtered = made(SUPERVISOR, '{enrollees(where:{lastName:{eq:"A"}}){nodes{medicaidId}}}')
    assert "cardinality(" in filtered.text
    assert "unnest(" not in filtered.text


@pytest.mark.parametrize(
    "relation",
    [
        link.relation
        for link in CATALOG.links.values()
        if link.relation.cardinality is Cardinality.ONE
    ],
    ids=lambda relation: f"{relation.source}.{relation.name}",
)
def test_a_to_one_relation_leads_along_a_whole_key(relation: Relation) -> None:
    """What lets a join go without a limit."""
    unique = {"managed_care_plan": {"state_plan_id_num"}, "provider": {"npi"}}
    target = {b for _, b in relation.on}
    stored = relation.target
    assert target in (set(stored.key), unique.get(stored.name))


def test_a_condition_on_other_tables_is_not_the_rows_own() -> None:
    relation = CATALOG.links["Enrollee.claims"].relation
    assert own(Always())
    assert not own(Exists(relation, Always()))
