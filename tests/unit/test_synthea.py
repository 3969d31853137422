"""The import of real Synthea folders, which this project did not write, into a real database."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from db.ingest.synthea.files import CLAIMS
from db.ingest.synthea.importing import import_synthea
from tests import synthea
from tests.database import connected, fresh_database, migrated_template

# Beside the checkout, as its README says; nothing of it is part of the project.
SHARED = Path(__file__).resolve().parents[3] / "shared"
# People whom Medicaid ever covered, as the README beside the folders counts them.
FOLDERS = {"synthea_9states": 97, "synthea_ma": 27, "synthea_ne": 24, "synthea_ny": 14}
# Chosen so that the few people of the folders who were born abroad are not all citizens.
SEED = 3


def shared(name: str) -> Path:
    """A folder of records that this project did not write."""
    if not (SHARED / "data").is_dir():
        pytest.skip("no ../shared/data beside this checkout")
    return SHARED / "data" / name


@pytest.fixture(scope="module")
async def migrated(test_server: str) -> AsyncIterator[str]:
    """Name of a template without records."""
    async with migrated_template() as name:
        yield name


@pytest.fixture
async def database(migrated: str) -> AsyncIterator[asyncpg.Connection]:
    """The owner's connection to a database without records."""
    async with fresh_database(migrated) as url, connected(url) as connection:
        yield connection


@pytest.fixture(scope="module")
async def imported(migrated: str) -> AsyncIterator[asyncpg.Connection]:
    """A database with all four folders, which no test changes."""
    async with fresh_database(migrated) as url, connected(url) as connection:
        for name in FOLDERS:
            await import_synthea(connection, shared(name), seed=SEED, rejects=None)
        yield connection


@pytest.mark.parametrize("everyone", [False, True])
@pytest.mark.parametrize("name", FOLDERS)
async def test_every_row_of_a_real_folder_is_imported_skipped_or_rejected(
    database: asyncpg.Connection, name: str, everyone: bool
) -> None:
    folder = shared(name)
    report = await import_synthea(database, folder, seed=SEED, rejects=None, everyone=everyone)
    assert report.people == (report.files["patients.csv"].read if everyone else FOLDERS[name])
    assert report.people_refused == 0
    for file, count in report.files.items():
        with (folder / file).open(encoding="utf-8-sig", newline="") as stream:
            assert count.read == sum(1 for row in csv.reader(stream) if row) - 1
        assert count.read == count.imported + count.skipped.total() + count.rejected.total()
        assert count.rejected.total() == 0
    for table, rows in report.rows.items():
        counted = await database.fetchval(
            f"select count(*) from medicaid.{table}"  # noqa: S608 - a table of the report
        )
        assert rows == counted
    if everyone:
        # One claim for each visit and each drug, whether claims.csv speaks of them or not.
        visits, drugs = report.files["encounters.csv"].read, report.files["medications.csv"].read
        assert report.rows["claim"] == visits + drugs
        unnamed = await database.fetchval(
            "select count(*) from medicaid.claim where 'icn_orig' = any (derived)"
        )
        assert unnamed == (0 if CLAIMS.name in report.files else visits + drugs)


@pytest.mark.parametrize("name", FOLDERS)
async def test_importing_a_real_folder_twice_changes_nothing(
    database: asyncpg.Connection, name: str
) -> None:
    await import_synthea(database, shared(name), seed=SEED, rejects=None)
    before = await synthea.contents(database)
    again = await import_synthea(database, shared(name), seed=SEED + 1, rejects=None)
    assert await synthea.contents(database) == before
    assert (again.people, again.people_there) == (0, FOLDERS[name])
    assert not again.rows


@pytest.mark.parametrize("name", ["synthea_ma", "synthea_ny"])
async def test_claims_csv_brings_no_second_claim(database: asyncpg.Connection, name: str) -> None:
    report = await import_synthea(database, shared(name), seed=1, rejects=None, everyone=True)
    visits, drugs = report.files["encounters.csv"].read, report.files["medications.csv"].read
    assert report.rows["claim"] == visits + drugs
    assert report.files[CLAIMS.name].imported == visits + drugs
    assert not await database.fetchval(
        "select count(*) from medicaid.claim where 'icn_orig' = any (derived)"
    )


_PRIMARY = "from medicaid.eligibility_determinant e join medicaid.variable_demographics v"
_SAME_DAYS = (
    "using (enrollee_id) where daterange(e.effective_date, e.end_date, '[]')"
    " && daterange(v.effective_date, v.end_date, '[]')"
)
# Of each rule, a query for the rows that break it; those of a share count as broken past it.
BROKEN = {
    "RULE-2048": "select 1 from medicaid.variable_demographics"
    " where immigration_status in ('1', '2', '3') and citizenship_ind is distinct from '0'",
    "RULE-2051": "select 1 from medicaid.variable_demographics"
    " where citizenship_ind in ('1', '2') and immigration_status is distinct from '8'",
    "RULE-7528": "select 1 from medicaid.variable_demographics"
    " where immigration_status = '8' and coalesce(citizenship_ind, '') not in ('1', '2')",
    "RULE-2157": f"select 1 {_PRIMARY} {_SAME_DAYS} and e.restricted_benefits_code = '2'"
    " and e.primary_eligibility_group_ind and v.citizenship_ind in ('1', '2')",
    "EL-6-037-37": f"select 1 {_PRIMARY} {_SAME_DAYS} and v.immigration_status = '3'"
    " and e.restricted_benefits_code not in ('2', '4')",
    "EL-6-033-33": f"select 1 {_PRIMARY} {_SAME_DAYS} and e.restricted_benefits_code = '2'"
    " and coalesce(v.immigration_status not in ('1', '2', '3'), true)",
    "ELG097-4": "select 1 from medicaid.eligibility_determinant e"
    " join medicaid.enrollee p using (enrollee_id)"
    " where e.restricted_benefits_code = '4' and p.sex is distinct from 'F'",
    "ELG097-6": "select 1 from medicaid.eligibility_determinant"
    " where restricted_benefits_code = '6' and eligibility_group not in ('35', '70')",
    "ELG097-3": "select 1 from medicaid.eligibility_determinant"
    " where restricted_benefits_code = '3' and dual_eligible_code = '00'",
    "ELG097-G": "select 1 from medicaid.eligibility_determinant"
    " where restricted_benefits_code = 'G' and dual_eligible_code not in ('01', '03', '06')",
}


@pytest.mark.parametrize("rule", BROKEN)
async def test_no_imported_row_breaks_a_consistency_rule(
    imported: asyncpg.Connection, rule: str
) -> None:
    with (SHARED / "codes" / "consistency_rules.csv").open(encoding="utf-8") as stream:
        assert {row["rule"] for row in csv.DictReader(stream)} == set(BROKEN)
    assert await imported.fetch(BROKEN[rule]) == []


async def test_the_rules_speak_of_somebody_who_was_imported(imported: asyncpg.Connection) -> None:
    statuses = await imported.fetch(
        "select distinct immigration_status from medicaid.variable_demographics"
    )
    assert {row[0] for row in statuses} > {"8", "3"}


async def test_nobody_imported_is_determined_to_be_unlawfully_present(
    imported: asyncpg.Connection,
) -> None:
    assert await imported.fetchval("select count(*) from medicaid.immigration_determination") == 0
    assert (
        await imported.fetchval("select count(*) from medicaid.enrollee where population <> '{}'")
        == 0
    )
    assert await imported.fetchval("select count(*) from medicaid.enrollee") == sum(
        FOLDERS.values()
    )


# Columns for which Synthea has nothing: marked wherever they hold a value.
ALWAYS_DERIVED = {
    "enrollee": {"msis_identification_num", "msis_id_ssn_based"},
    "variable_demographics": {
        *("effective_date", "citizenship_ind", "citizenship_verification_flag"),
        *("immigration_status", "immigration_verification_flag"),
    },
    "home_address": {"effective_date"},
    "phone": {"effective_date", "phone_number"},
    "race": {"effective_date"},
    "ethnicity": {"effective_date"},
    "eligibility_determinant": {
        *("msis_case_num", "dual_eligible_code", "primary_eligibility_group_ind"),
        *("eligibility_group", "restricted_benefits_code"),
    },
    "managed_care_participation": {"managed_care_plan_id", "enrolled_managed_care_plan_type"},
    "enrollment_time_span": set(),
    "claim": {"billing_prov_npi_num", "plan_id_number", "place_of_service", "covered_days"},
    "claim_diagnosis": set(),
    "claim_line": {"servicing_prov_npi_num", "type_of_service", "days_supply"},
}


@pytest.mark.parametrize("table", ALWAYS_DERIVED)
async def test_what_synthea_does_not_know_is_marked_derived(
    imported: asyncpg.Connection, table: str
) -> None:
    rows = await imported.fetch(
        f"select * from medicaid.{table}"  # noqa: S608 - a table of the list above
    )
    assert rows
    for row in rows:
        marked = set(row["derived"])
        assert all(row[column] is not None for column in marked)
        filled = {column for column in ALWAYS_DERIVED[table] if row[column] is not None}
        assert filled <= marked
        if table == "claim":
            assert ("sensitivity_labels" in marked) == bool(row["sensitivity_labels"])


async def test_another_seed_changes_derived_columns_alone(migrated: str) -> None:
    async def known(seed: int) -> list[tuple[str, list[tuple[object, ...]]]]:
        async with fresh_database(migrated) as url, connected(url) as connection:
            await import_synthea(connection, shared("synthea_ny"), seed=seed, rejects=None)
            return [
                (
                    table,
                    [
                        tuple(
                            value
                            for column, value in row.items()
                            if column not in row["derived"]
                            and column not in {"pseudonym", "place", "derived"}
                        )
                        for row in await connection.fetch(
                            f"select * from medicaid.{table} order by 1, 2"  # noqa: S608 - as above
                        )
                    ],
                )
                for table in ("enrollee", "home_address", "phone", "enrollment_time_span", "claim")
            ]

    assert await known(1) == await known(2)


async def test_derived_npis_are_valid_and_claims_name_them(imported: asyncpg.Connection) -> None:
    numbers = [row["npi"] for row in await imported.fetch("select npi from medicaid.provider")]
    for number in numbers:
        digits = [int(digit) for digit in "80840" + number][::-1]
        assert (
            sum(digits[::2]) + sum(sum(divmod(2 * each, 10)) for each in digits[1::2])
        ) % 10 == 0
    assert await imported.fetchval(
        "select bool_and(billing_prov_npi_num is not null) from medicaid.claim"
        " where claim_kind <> 'RX'"
    )


async def test_a_claim_carries_the_label_of_a_code_on_it(imported: asyncpg.Connection) -> None:
    unlabelled = await imported.fetch(
        "select 1 from medicaid.claim c join medicaid.claim_diagnosis d"
        " using (enrollee_id, claim_id)"
        " where d.diagnosis_code in ('6525002', '5602001', '55680006')"
        " and not c.sensitivity_labels @> array['ETH']"
    )
    assert unlabelled == []
    assert await imported.fetchval(
        "select count(*) from medicaid.claim where sensitivity_labels @> array['ETH']"
    )
