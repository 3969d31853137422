"""A small Synthea folder that tests can break, and what a database holds after an import."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import TYPE_CHECKING

from db.ingest.load import COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

    import asyncpg

PEOPLE = ("ann", "bob", "cyd")

Table = list[list[str]]


def tables() -> dict[str, Table]:
    """Every file as rows, header first: three people under Medicaid, two visits each, of which
    the second has a condition, a procedure, a drug and two claims."""
    made: dict[str, Table] = {
        "payers.csv": [
            ["Id", "NAME", "OWNERSHIP"],
            ["mcd", "Medicaid", "GOVERNMENT"],
            ["pri", "Humana", "PRIVATE"],
        ],
        "organizations.csv": [["Id", "NAME", "CITY", "STATE"], ["org", "CLINIC", "OMAHA", "NE"]],
        "providers.csv": [
            ["Id", "NAME", "SPECIALITY", "CITY", "STATE"],
            ["doc", "Ida4 Hill5", "GENERAL PRACTICE", "OMAHA", "NE"],
        ],
        "payer_transitions.csv": [["PATIENT", "START_DATE", "END_DATE", "PAYER"]],
        "patients.csv": [
            [
                *("Id", "BIRTHDATE", "DEATHDATE", "SSN", "FIRST", "MIDDLE", "LAST", "RACE"),
                *("ETHNICITY", "GENDER", "BIRTHPLACE", "ADDRESS", "CITY", "STATE", "FIPS", "ZIP"),
            ]
        ],
        "encounters.csv": [
            [
                *("Id", "START", "STOP", "PATIENT", "ORGANIZATION", "PROVIDER", "PAYER"),
                *("ENCOUNTERCLASS", "CODE", "DESCRIPTION", "BASE_ENCOUNTER_COST"),
                *("TOTAL_CLAIM_COST", "PAYER_COVERAGE", "REASONCODE", "REASONDESCRIPTION"),
            ]
        ],
        "conditions.csv": [["START", "PATIENT", "ENCOUNTER", "SYSTEM", "CODE", "DESCRIPTION"]],
        "procedures.csv": [["START", "PATIENT", "ENCOUNTER", "CODE", "DESCRIPTION", "BASE_COST"]],
        "medications.csv": [
            [
                *("START", "STOP", "PATIENT", "PAYER", "ENCOUNTER", "CODE", "DESCRIPTION"),
                *("PAYER_COVERAGE", "DISPENSES", "TOTALCOST", "REASONCODE", "REASONDESCRIPTION"),
            ]
        ],
        "claims.csv": [
            ["Id", "PATIENTID", "APPOINTMENTID", "STATUS1", "LASTBILLEDDATE1", "DIAGNOSIS1"]
        ],
    }
    for number, who in enumerate(PEOPLE, start=1):
        _add_person(made, number, who)
    return made


def _add_person(made: dict[str, Table], number: int, who: str) -> None:
    made["payer_transitions.csv"] += [
        [who, "2015-03-01T00:00:00Z", "2016-03-01T00:00:00Z", "mcd"],
        [who, "2016-03-01T00:00:00Z", "2017-03-01T00:00:00Z", "mcd"],
        [who, "2017-03-01T00:00:00Z", "2018-03-01T00:00:00Z", "pri"],
        [who, "2018-03-01T00:00:00Z", "2021-03-01T00:00:00Z", "mcd"],
    ]
    made["patients.csv"].append(
        [
            *(who, f"198{number}-02-03", "", f"999-00-000{number}", f"{who.title()}{number}", ""),
            *("O'Neil9", "white", "hispanic", "F", "Hanoi    VN", f"{number} Elm St Apt {number}"),
            *("Omaha", "Nebraska", "31055", "68102"),
        ]
    )
    first, second = f"{who}-1", f"{who}-2"
    for visit, year, kind in ((first, 2015, "wellness"), (second, 2020, "inpatient")):
        made["encounters.csv"].append(
            [
                *(visit, f"{year}-05-01T08:00:00Z", f"{year}-05-04T08:00:00Z", who, "org", "doc"),
                *("mcd", kind, "185349003", "Encounter for check up", "80.00", "120.50", "99.50"),
                *("", ""),
            ]
        )
    made["conditions.csv"].append(
        ["2020-05-01", who, second, "SNOMED-CT", "6525002", "Dependent drug abuse (disorder)"]
    )
    made["procedures.csv"].append(
        ["2020-05-02T09:00:00Z", who, second, "430193006", "Medication reconciliation", "40.50"]
    )
    made["medications.csv"].append(
        [
            *("2020-05-04T08:00:00Z", "2020-06-03T08:00:00Z", who, "mcd", second, "308192"),
            *("Amoxicillin 500 MG Oral Tablet", "9.00", "1", "10.00", "", ""),
        ]
    )
    for place in (1, 2):
        made["claims.csv"].append(
            [f"icn-{who}-{place}", who, second, "CLOSED", "2020-05-09T00:00:00Z", "6525002"]
        )


def text(table: Table) -> str:
    """The rows as CSV."""
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(table)
    return stream.getvalue()


def write(folder: Path, made: dict[str, Table]) -> Path:
    """Writes each table as a file of the folder; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in made.items():
        (folder / name).write_text(text(table), encoding="utf-8", newline="")
    return folder


async def contents(connection: asyncpg.Connection) -> dict[str, tuple[int, str]]:
    """Each table's number of rows and a digest of all of them, system columns too."""
    found: dict[str, tuple[int, str]] = {}
    for table in [*COLUMNS, "medicaid_id"]:
        rows = await connection.fetch(
            f"select t.xmin::text || t::text from medicaid.{table} t order by 1"  # noqa: S608 - constants
        )
        found[table] = len(rows), hashlib.sha256(repr(rows).encode()).hexdigest()
    return found
