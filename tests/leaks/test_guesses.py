"""What can be guessed: a value that may be looked up and not read; who stands where in a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api.errors import OperationTooComplex, PositionDenied
from tests.roles import plan

if TYPE_CHECKING:
    import asyncpg

    from tests.gateway import Gateway

LOOKUP = '{ssn: {eq: "000000000"}}'


@pytest.mark.parametrize(
    "document",
    [
        f"{{enrollees(where: {{or: [{LOOKUP}, {LOOKUP}]}}) {{nodes {{lastName}}}}}}",
        f'{{enrollees(where: {{and: [{{}}, {LOOKUP}], ssn: {{eq: "1"}}}}) {{nodes {{lastName}}}}}}',
        f"{{a: enrollees(where: {LOOKUP}) {{nodes {{lastName}}}}"
        f" b: enrollees(where: {LOOKUP}) {{nodes {{lastName}}}}}}",
    ],
)
def test_a_value_that_nobody_reads_is_looked_up_once_in_an_operation(document: str) -> None:
    """Hundreds of guesses in one operation would find the number behind its last four digits."""
    with pytest.raises(OperationTooComplex):
        plan("front_desk", document)
    plan("front_desk", f"{{enrollees(where: {LOOKUP}) {{nodes {{lastName}}}}}}")
    # Who reads it anyway guesses nothing.
    plan("eligibility_worker", document)


@pytest.mark.parametrize("name", ["ssn", "medicaidId"])
def test_the_negation_of_an_operator_needs_what_runs(name: str) -> None:
    """`not eq` is `ne`, which tells who has a value from who has none."""
    for role in ("front_desk", "immigration_enforcement"):
        where = f'{{not: {{{name}: {{eq: "x"}}}}}}'
        with pytest.raises(PositionDenied):
            plan(role, f"{{enrollees(where: {where}) {{nodes {{dateOfBirth}}}}}}")


async def places(gateway: Gateway, role: str, query: str, owner: asyncpg.Connection) -> list[Any]:
    """The people of the rows of a list, in its order."""
    body = await gateway.ask(role, query)
    assert "errors" not in body, body
    (connection,) = body["data"].values()
    found = [node.get("enrollee", node) for node in connection["nodes"]]
    column = next(iter(found[0]))
    stored = {"medicaidId": "msis_identification_num", "pseudonym": "pseudonym"}[column]
    rows = await owner.fetch(f"select enrollee_id, {stored}::text as known from medicaid.enrollee")  # noqa: S608 - of the two above
    people = {row["known"]: row["enrollee_id"] for row in rows}
    return [people[each[column]] for each in found]


@pytest.mark.parametrize(
    ("plain", "veiled"),
    [
        (
            "{enrollees(first: 200) {nodes {medicaidId}}}",
            "{enrollees(first: 200) {nodes {pseudonym}}}",
        ),
        (
            "{claims(first: 200) {nodes {enrollee {medicaidId}}}}",
            "{claims(first: 200) {nodes {enrollee {pseudonym}}}}",
        ),
    ],
)
async def test_the_place_in_a_list_of_pseudonyms_is_no_place_in_a_list_of_names(
    plain: str, veiled: str, gateway: Gateway, owner: asyncpg.Connection
) -> None:
    named = await places(gateway, "program_integrity", plain, owner)
    known = await places(gateway, "researcher", veiled, owner)
    assert len(known) > 100
    # Chance puts some at the same place.
    assert sum(one == other for one, other in zip(named, known, strict=False)) < 10
    assert known != sorted(known)
