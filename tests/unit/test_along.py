"""Filters and orders along links: what they may speak of, how far they go, what they become."""

from __future__ import annotations

import pytest

from api.errors import OperationTooComplex, PositionDenied
from api.narrowing import MOST_STEPS
from db.plan import Connection, Rows
from db.predicate import And, Exists, Through
from db.sql.render import render
from tests.roles import decisions, plan


def rows(role: str, document: str) -> Rows:
    """The rows of the only root of a document."""
    (root,) = plan(role, document).plan.roots
    assert isinstance(root, Connection)
    return root.rows


def test_some_and_none_are_about_the_rows_that_exist_for_the_role() -> None:
    found = rows(
        "managed_care_plan",
        "{enrollees(where:{claims:{some:{kind:{eq:INPATIENT}},none:{}}}){nodes{medicaidId}}}",
    )
    assert isinstance(found.where, And)
    scope = decisions("managed_care_plan").row_scope("Claim")
    for part, negated in zip(found.where.parts, (False, True), strict=True):
        assert isinstance(part, Exists)
        assert part.negated is negated
        assert part.scope == scope


def test_a_step_to_one_row_holds_where_that_row_exists_for_the_role() -> None:
    found = rows(
        "program_integrity",
        '{claims(where:{enrollee:{lastName:{eq:"A"}}}){nodes{icn}}}',
    )
    assert isinstance(found.where, Through)
    assert found.where.scope == decisions("program_integrity").row_scope("Enrollee")


@pytest.mark.parametrize(
    ("role", "where", "coordinate"),
    [
        ("eligibility_worker", "{claims:{some:{}}}", "Enrollee.claims"),
        ("immigration_enforcement", "{claims:{none:{}}}", "Enrollee.claims"),
        ("immigration_enforcement", "{determinations:{some:{}}}", "Enrollee.determinations"),
        ("immigration_enforcement", "{mailingAddress:{}}", "Enrollee.mailingAddress"),
        ("provider", '{claims:{some:{paidAmount:{gt:"1"}}}}', "Claim.paidAmount"),
    ],
)
def test_a_filter_along_a_closed_link_or_to_a_closed_field_is_refused(
    role: str, where: str, coordinate: str
) -> None:
    with pytest.raises(PositionDenied) as error:
        plan(role, f"{{enrollees(where:{where}){{nodes{{__typename}}}}}}")
    assert error.value.facts["coordinate"] == coordinate
    assert error.value.facts["position"] == "filter"


@pytest.mark.parametrize(
    ("role", "term", "coordinate"),
    [
        ("program_integrity", "{enrollee:{dateOfBirth:ASC}}", "Enrollee.dateOfBirth"),
        ("break_glass", "{enrollee:{lastName:ASC}}", "Claim.enrollee"),
        ("managed_care_plan", "{enrollee:{ssnLast4:ASC}}", "Enrollee.ssnLast4"),
    ],
)
def test_an_order_along_a_closed_link_or_by_a_closed_field_is_refused(
    role: str, term: str, coordinate: str
) -> None:
    with pytest.raises(PositionDenied) as error:
        plan(role, f"{{claims(orderBy:[{term}]){{nodes{{__typename}}}}}}")
    assert error.value.facts["coordinate"] == coordinate
    assert error.value.facts["position"] == "orderBy"


def nested(links: int) -> str:
    """A filter of people that goes there and back along so many links."""
    where = "{}"
    for step in range(links):
        where = (
            f"{{enrollee:{where}}}" if (links - step) % 2 == 0 else f"{{claims:{{some:{where}}}}}"
        )
    return f"{{enrollees(where:{where}){{nodes{{medicaidId}}}}}}"


def test_a_filter_goes_along_so_many_links_and_no_more() -> None:
    assert render(plan("program_integrity", nested(MOST_STEPS)).plan).text.count("exists") >= 5
    with pytest.raises(OperationTooComplex):
        plan("program_integrity", nested(MOST_STEPS + 1))


def test_links_beside_each_other_are_no_steps_behind_each_other() -> None:
    parts = ",".join(["{claims:{some:{}}}"] * 20)
    plan("program_integrity", f"{{enrollees(where:{{and:[{parts}]}}){{nodes{{medicaidId}}}}}}")
