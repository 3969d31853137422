"""The import of small Synthea folders, whole and broken, into a real database."""

from __future__ import annotations

import asyncio
import csv
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest

from db.errors import ImportRefused, StatementFailed
from db.ingest.load import COLUMNS
from db.ingest.synthea import importing
from db.ingest.synthea.deriving import npi_of
from db.ingest.synthea.files import SPECS
from db.ingest.synthea.importing import import_synthea
from tests import synthea
from tests.database import connected, fresh_database, migrated_template
from tests.synthea import PEOPLE, Table


@pytest.fixture(scope="module")
async def migrated(test_server: str) -> AsyncIterator[str]:
    """Name of a template without records."""
    async with migrated_template() as name:
        yield name


@pytest.fixture(scope="module")
async def owner(migrated: str) -> AsyncIterator[asyncpg.Connection]:
    """The owner's connection to a database of this module."""
    async with fresh_database(migrated) as url, connected(url) as connection:
        yield connection


@pytest.fixture
async def database(owner: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """The same connection within a transaction that is rolled back, so that all begin alike."""
    transaction = owner.transaction()
    await transaction.start()
    try:
        yield owner
    finally:
        await transaction.rollback()


async def people_of(connection: asyncpg.Connection) -> list[str]:
    """First names, in order."""
    rows = await connection.fetch(
        "select lower(eligible_first_name) as name from medicaid.enrollee order by 1"
    )
    return [row["name"] for row in rows]


def lost(rejects: Path) -> list[tuple[str, int, str, str]]:
    """File, line, what was lost and why, of each line of a rejects file."""
    with rejects.open(encoding="utf-8", newline="") as stream:
        return [
            (row["file"], int(row["line"]), row["lost"], row["code"])
            for row in csv.DictReader(stream)
        ]


async def test_a_small_folder_is_imported_whole(
    database: asyncpg.Connection, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    folder = synthea.write(tmp_path / "in", synthea.tables())
    heard: list[tuple[int, int]] = []
    report = await import_synthea(
        database, folder, seed=1, rejects=rejects, progress=lambda *each: heard.append(each)
    )
    assert await people_of(database) == list(PEOPLE)
    assert lost(rejects) == []
    assert heard == [(3, 3)]
    assert report.rows["claim"] == 9
    spans = await database.fetch(
        "select distinct effective_date::text, end_date::text, derived"
        " from medicaid.enrollment_time_span order by 1"
    )
    assert [tuple(row) for row in spans] == [
        ("2015-03-01", "2017-02-28", []),
        ("2018-03-01", None, []),
    ]
    claim = await database.fetchrow(
        "select * from medicaid.claim where icn_orig = 'icn-ann-1'"
        " and claim_kind = 'IP' and sensitivity_labels = array['ETH']"
    )
    assert claim is not None
    assert (claim["covered_days"], str(claim["adjudication_date"])) == (3, "2020-05-09")
    drug = await database.fetchrow(
        "select c.icn_orig, l.* from medicaid.claim c join medicaid.claim_line l"
        " using (enrollee_id, claim_id) where c.icn_orig = 'icn-ann-2'"
    )
    assert drug is not None
    assert (drug["drug_code"], drug["drug_code_system"], drug["days_supply"]) == (
        *("308192", "RXNORM"),
        30,
    )


async def test_the_same_person_in_two_folders_is_one_person(
    database: asyncpg.Connection, tmp_path: Path
) -> None:
    made = synthea.tables()
    await import_synthea(database, synthea.write(tmp_path / "a", made), seed=1, rejects=None)
    made["patients.csv"][1][4] = "Other"
    made["encounters.csv"][1][0] = "another-visit"
    report = await import_synthea(
        database, synthea.write(tmp_path / "b", made), seed=2, rejects=None
    )
    assert (report.people, report.people_there) == (0, 3)
    assert await people_of(database) == list(PEOPLE)


async def test_the_same_seed_gives_the_same_rows_but_for_the_pseudonym(
    migrated: str, tmp_path: Path
) -> None:
    folder = synthea.write(tmp_path / "in", synthea.tables())
    found: list[tuple[list[object], set[object]]] = []
    for _ in range(2):
        async with fresh_database(migrated) as url, connected(url) as connection:
            await import_synthea(connection, folder, seed=1, rejects=None)
            rows: list[object] = []
            for table, columns in COLUMNS.items():
                names = ", ".join(column for column in columns if column != "pseudonym")
                rows += await connection.fetch(
                    f"select {names} from medicaid.{table} order by 1, 2"  # noqa: S608 - constants
                )
            pseudonyms = await connection.fetch("select pseudonym from medicaid.enrollee")
            found.append((rows, {each["pseudonym"] for each in pseudonyms}))
    assert found[0][0] == found[1][0]
    assert len(found[0][1] | found[1][1]) == 2 * len(PEOPLE)


REQUIRED_COLUMNS = [(spec.name, column) for spec in SPECS for column in spec.required]


@pytest.mark.parametrize(("file", "column"), REQUIRED_COLUMNS)
async def test_a_missing_required_column_refuses_before_anything_is_written(
    database: asyncpg.Connection, tmp_path: Path, file: str, column: str
) -> None:
    made = synthea.tables()
    place = [name.upper() for name in made[file][0]].index(column)
    made[file] = [row[:place] + row[place + 1 :] for row in made[file]]
    rejects = tmp_path / "rejects.csv"
    with pytest.raises(ImportRefused) as caught:
        await import_synthea(
            database, synthea.write(tmp_path / "in", made), seed=1, rejects=rejects
        )
    assert caught.value.detail == f"{file} lacks {column}"
    assert not rejects.exists()
    assert {rows for rows, _ in (await synthea.contents(database)).values()} == {0}


@pytest.mark.parametrize("file", ["patients.csv", "payers.csv", "payer_transitions.csv"])
async def test_a_missing_required_file_refuses_before_anything_is_written(
    database: asyncpg.Connection, tmp_path: Path, file: str
) -> None:
    folder = synthea.write(tmp_path / "in", synthea.tables())
    (folder / file).unlink()
    with pytest.raises(ImportRefused) as caught:
        await import_synthea(database, folder, seed=1, rejects=None)
    assert caught.value.detail == f"{file} is missing"
    assert {rows for rows, _ in (await synthea.contents(database)).values()} == {0}


async def test_a_folder_that_is_not_there_is_refused(
    database: asyncpg.Connection, tmp_path: Path
) -> None:
    with pytest.raises(ImportRefused):
        await import_synthea(database, tmp_path / "nowhere", seed=1, rejects=None)


@pytest.mark.parametrize(
    ("file", "column", "detail"),
    [
        *[
            ("payer_transitions.csv", column, "START_DATE and END_DATE or START_YEAR and END_YEAR")
            for column in ("START_DATE", "END_DATE")
        ],
        ("procedures.csv", "START", "START or DATE"),
    ],
)
async def test_one_of_several_groups_of_columns_must_be_there(
    database: asyncpg.Connection, tmp_path: Path, file: str, column: str, detail: str
) -> None:
    made = synthea.tables()
    made[file][0][made[file][0].index(column)] = "OTHER"
    with pytest.raises(ImportRefused) as caught:
        await import_synthea(database, synthea.write(tmp_path / "in", made), seed=1, rejects=None)
    assert caught.value.detail == f"{file} lacks {detail}"


async def test_a_column_that_is_named_twice_is_refused(
    database: asyncpg.Connection, tmp_path: Path
) -> None:
    made = synthea.tables()
    made["patients.csv"][0][-1] = "city"
    with pytest.raises(ImportRefused):
        await import_synthea(database, synthea.write(tmp_path / "in", made), seed=1, rejects=None)


@pytest.mark.parametrize(
    "content", [b"", b"\n", "Id,FIRST".encode("utf-16"), b"\xff\xfe\x00", b'"Id,BIRTHDATE']
)
async def test_a_file_that_is_no_csv_is_refused(
    database: asyncpg.Connection, tmp_path: Path, content: bytes
) -> None:
    folder = synthea.write(tmp_path / "in", synthea.tables())
    (folder / "patients.csv").write_bytes(content)
    with pytest.raises(ImportRefused):
        await import_synthea(database, folder, seed=1, rejects=None)


OPTIONAL_FILES = [
    *("organizations.csv", "providers.csv", "encounters.csv", "conditions.csv"),
    *("procedures.csv", "medications.csv", "claims.csv"),
]


@pytest.mark.parametrize("file", OPTIONAL_FILES)
async def test_people_are_imported_without_an_optional_file_and_it_is_named(
    database: asyncpg.Connection, tmp_path: Path, file: str
) -> None:
    made = synthea.tables()
    if file == "encounters.csv":  # what refers to a visit goes with the visits
        for name in ("conditions.csv", "procedures.csv", "medications.csv", "claims.csv"):
            del made[name]
    del made[file]
    rejects = tmp_path / "rejects.csv"
    report = await import_synthea(
        database, synthea.write(tmp_path / "in", made), seed=1, rejects=rejects
    )
    assert report.people == 3
    assert file in report.missing_files
    assert lost(rejects) == []


async def test_optional_columns_that_are_missing_are_named(
    database: asyncpg.Connection, tmp_path: Path
) -> None:
    made = synthea.tables()
    for name in ("patients.csv", "encounters.csv"):
        spec = next(each for each in SPECS if each.name == name)
        keep = [n for n, column in enumerate(made[name][0]) if column.upper() in spec.required]
        made[name] = [[row[n] for n in keep] for row in made[name]]
    report = await import_synthea(
        database, synthea.write(tmp_path / "in", made), seed=1, rejects=None
    )
    assert report.people == 3
    assert {"FIPS", "ZIP", "SSN", "BIRTHPLACE"} <= set(report.missing_columns["patients.csv"])
    assert "STOP" in report.missing_columns["encounters.csv"]
    assert "optional columns not found in patients.csv" in "\n".join(report.lines())
    unknown = await database.fetchval(
        "select count(*) from medicaid.variable_demographics where citizenship_ind is null"
    )
    assert unknown == 3


Edit = Callable[[dict[str, Table]], None]


def cell(file: str, row: int, column: str, value: str) -> Edit:
    """Puts a value in a row (1 is the first behind the header)."""

    def edit(made: dict[str, Table]) -> None:
        made[file][row][made[file][0].index(column)] = value

    return edit


def append(file: str, row: int) -> Edit:
    """Says a row once more, at the end."""
    return lambda made: made[file].append(list(made[file][row]))


def cut(file: str, row: int) -> Edit:
    """Takes the last field from a row."""
    return lambda made: made[file].__setitem__(row, made[file][row][:-1])


BOB_AND_HIS = [
    *[("conditions.csv", 3), ("procedures.csv", 3), ("medications.csv", 3)],
    *[("encounters.csv", 4), ("encounters.csv", 5), ("claims.csv", 4), ("claims.csv", 5)],
    *[("payer_transitions.csv", line) for line in (6, 7, 8, 9)],
]
VISIT_OF_BOB = [
    *[("conditions.csv", 3), ("procedures.csv", 3), ("medications.csv", 3)],
    *[("claims.csv", 4), ("claims.csv", 5)],
]


def row(file: str, line: int, code: str) -> tuple[str, int, str, str]:
    return file, line, "row", code


def value(file: str, line: int, code: str) -> tuple[str, int, str, str]:
    return file, line, "value", code


def bob_lost(code: str) -> list[tuple[str, int, str, str]]:
    """The row of the second person, and all that depends on it."""
    return [
        row("patients.csv", 3, code),
        *(row(file, line, "patient_rejected") for file, line in BOB_AND_HIS),
    ]


def visit_lost(code: str) -> list[tuple[str, int, str, str]]:
    """The second visit of the second person, and all that depends on it."""
    return [
        row("encounters.csv", 5, code),
        *(row(file, line, "encounter_rejected") for file, line in VISIT_OF_BOB),
    ]


# name: what is broken, the people who are left, the claims that are left, the rejects
CASES: dict[str, tuple[Edit, str, int, list[tuple[str, int, str, str]]]] = {
    "bad birth date": (
        *(cell("patients.csv", 2, "BIRTHDATE", "1982-02-30"), "ann cyd", 6),
        bob_lost("bad_date"),
    ),
    "no birth date": (cell("patients.csv", 2, "BIRTHDATE", ""), "ann cyd", 6, bob_lost("empty")),
    "no name": (cell("patients.csv", 2, "LAST", "123"), "ann cyd", 6, bob_lost("bad_name")),
    "a state abroad": (
        *(cell("patients.csv", 2, "STATE", "Bavaria"), "ann cyd", 6),
        bob_lost("unknown_state"),
    ),
    "death before birth": (
        *(cell("patients.csv", 2, "DEATHDATE", "1970-01-01"), "ann cyd", 6),
        bob_lost("ends_before_start"),
    ),
    "bad SSN": (
        *(cell("patients.csv", 2, "SSN", "12-34"), "ann bob cyd", 9),
        [value("patients.csv", 3, "bad_form")],
    ),
    "race that is on no list": (
        *(cell("patients.csv", 2, "RACE", "martian"), "ann bob cyd", 9),
        [value("patients.csv", 3, "unknown_code")],
    ),
    "city too long": (
        *(cell("patients.csv", 2, "CITY", "x" * 29), "ann bob cyd", 9),
        [value("patients.csv", 3, "too_long")],
    ),
    "the same patient twice": (
        *(append("patients.csv", 2), "ann bob cyd", 9),
        [row("patients.csv", 5, "duplicate_id")],
    ),
    "the same visit twice": (
        *(append("encounters.csv", 4), "ann bob cyd", 9),
        [row("encounters.csv", 8, "duplicate_id")],
    ),
    "the same claim twice": (
        *(append("claims.csv", 4), "ann bob cyd", 9),
        [row("claims.csv", 8, "duplicate_id")],
    ),
    "a provider twice": (
        *(append("providers.csv", 1), "ann bob cyd", 9),
        [row("providers.csv", 3, "duplicate_id")],
    ),
    "a patient of too few columns": (
        cut("patients.csv", 2),
        *("ann cyd", 6),
        [
            row("patients.csv", 3, "column_count"),
            *(row(file, line, "unknown_patient") for file, line in BOB_AND_HIS),
        ],
    ),
    "a visit of too few columns": (
        cut("encounters.csv", 4),
        *("ann bob cyd", 7),
        [
            row("encounters.csv", 5, "column_count"),
            *(row(file, line, "unknown_encounter") for file, line in VISIT_OF_BOB),
        ],
    ),
    "a visit that ends before it begins": (
        *(cell("encounters.csv", 4, "STOP", "2020-04-30T00:00:00Z"), "ann bob cyd", 7),
        visit_lost("ends_before_start"),
    ),
    "a visit without a day": (
        *(cell("encounters.csv", 4, "START", "soon"), "ann bob cyd", 7),
        visit_lost("bad_date"),
    ),
    "a visit that another payer paid for": (
        *(cell("encounters.csv", 4, "PAYER", "pri"), "ann bob cyd", 8),
        [],
    ),
    "a drug that another payer paid for": (
        *(cell("medications.csv", 2, "PAYER", "pri"), "ann bob cyd", 8),
        [],
    ),
    "a visit of an unknown payer": (
        *(cell("encounters.csv", 4, "PAYER", "nobody"), "ann bob cyd", 7),
        visit_lost("unknown_payer"),
    ),
    "a visit with a bad amount": (
        *(cell("encounters.csv", 4, "TOTAL_CLAIM_COST", "12,50"), "ann bob cyd", 7),
        visit_lost("bad_amount"),
    ),
    "a visit at an unknown provider": (
        *(cell("encounters.csv", 4, "ORGANIZATION", "nowhere"), "ann bob cyd", 9),
        [value("encounters.csv", 5, "unknown_provider")],
    ),
    "a visit of an unknown patient": (
        cell("encounters.csv", 4, "PATIENT", "zoe"),
        *("ann bob cyd", 7),
        [
            row("encounters.csv", 5, "unknown_patient"),
            *(row(file, line, "other_patient") for file, line in VISIT_OF_BOB),
        ],
    ),
    "a claim of an unknown patient": (
        *(cell("claims.csv", 4, "PATIENTID", "zoe"), "ann bob cyd", 9),
        [row("claims.csv", 5, "unknown_patient")],
    ),
    "a claim of an unknown visit": (
        *(cell("claims.csv", 4, "APPOINTMENTID", "never"), "ann bob cyd", 9),
        [row("claims.csv", 5, "unknown_encounter")],
    ),
    "a condition of another person's visit": (
        *(cell("conditions.csv", 2, "ENCOUNTER", "ann-2"), "ann bob cyd", 9),
        [row("conditions.csv", 3, "other_patient")],
    ),
    "a condition of an unknown code system": (
        *(cell("conditions.csv", 2, "SYSTEM", "urn:secret"), "ann bob cyd", 9),
        [row("conditions.csv", 3, "unknown_code_system")],
    ),
    "a procedure whose code is too long": (
        *(cell("procedures.csv", 2, "CODE", "9" * 19), "ann bob cyd", 9),
        [row("procedures.csv", 3, "too_long")],
    ),
    "a drug that stops before it starts": (
        *(cell("medications.csv", 2, "STOP", "2020-05-01"), "ann bob cyd", 9),
        [value("medications.csv", 3, "ends_before_start")],
    ),
    "a control character": (
        *(cell("patients.csv", 2, "ADDRESS", "1 Elm\x00St"), "ann cyd", 6),
        [
            row("patients.csv", 3, "control_character"),
            *(row(file, line, "unknown_patient") for file, line in BOB_AND_HIS),
        ],
    ),
    "a claim beyond the visit and its drug": (
        lambda made: made["claims.csv"].append(["icn-x", "bob", "bob-2", "", "", ""]),
        *("ann bob cyd", 9),
        [],
    ),
    "two payers of one Id": (
        *(append("payers.csv", 2), "ann bob cyd", 9),
        [],
    ),
    "two payers of one Id that differ": (
        lambda made: made["payers.csv"].append(["pri", "Medicaid", "GOVERNMENT"]),
        *("ann bob cyd", 9),
        [row("payers.csv", 4, "duplicate_id")],
    ),
    "coverage without a beginning": (
        *(cell("payer_transitions.csv", 5, "START_DATE", ""), "ann bob cyd", 9),
        [row("payer_transitions.csv", 6, "empty")],
    ),
    "coverage of nobody": (
        lambda made: made["payer_transitions.csv"].append(["zoe", "2015-01-01", "", "mcd"]),
        *("ann bob cyd", 9),
        [row("payer_transitions.csv", 14, "unknown_patient")],
    ),
    "coverage that ends before it begins": (
        *(cell("payer_transitions.csv", 5, "END_DATE", "2015-01-01"), "ann bob cyd", 9),
        [row("payer_transitions.csv", 6, "ends_before_start")],
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_broken_row_loses_what_depends_on_it_and_nothing_else(
    database: asyncpg.Connection, tmp_path: Path, case: str
) -> None:
    edit, people, claims, expected = CASES[case]
    made = synthea.tables()
    edit(made)
    rejects = tmp_path / "rejects.csv"
    report = await import_synthea(
        database, synthea.write(tmp_path / "in", made), seed=1, rejects=rejects
    )
    assert await people_of(database) == people.split()
    assert await database.fetchval("select count(*) from medicaid.claim") == claims
    assert sorted(lost(rejects)) == sorted(expected)
    for count in report.files.values():
        assert count.read == count.imported + count.skipped.total() + count.rejected.total()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda line: line.replace(b"Omaha", b"Om\xe9ha"), "bad_encoding"),
        (lambda line: line.replace(b"Omaha", b'"Omaha'), "bad_quotes"),
        (lambda line: line + b",", "column_count"),
        (lambda line: line[:20], "column_count"),
    ],
)
async def test_a_line_that_is_no_row_loses_its_person_alone(
    database: asyncpg.Connection, tmp_path: Path, change: Callable[[bytes], bytes], code: str
) -> None:
    folder = synthea.write(tmp_path / "in", synthea.tables())
    lines = (folder / "patients.csv").read_bytes().split(b"\n")
    lines[2] = change(lines[2])
    (folder / "patients.csv").write_bytes(b"\n".join(lines))
    rejects = tmp_path / "rejects.csv"
    await import_synthea(database, folder, seed=1, rejects=rejects)
    assert await people_of(database) == ["ann", "cyd"]
    assert ("patients.csv", 3, "row", code) in lost(rejects)


async def test_no_value_of_a_record_reaches_the_rejects_file_the_report_or_a_log(
    database: asyncpg.Connection,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    mark = "zzsecretzz"
    caplog.set_level(logging.DEBUG)
    made = synthea.tables()
    for file, table in made.items():
        for column in range(1, len(table[0])):
            spoilt = list(table[-1])
            spoilt[column] = f"{mark}{column}"
            if file != "patients.csv":
                spoilt[0] = f"{mark}-{column}"
            table.append(spoilt)
        table.append([mark])
    rejects = tmp_path / "rejects.csv"
    report = await import_synthea(
        database, synthea.write(tmp_path / "in", made), seed=1, rejects=rejects
    )
    assert lost(rejects)
    said = "\n".join(
        [
            *(rejects.read_text(encoding="utf-8"), *report.lines(), str(report.as_dict())),
            *(caplog.text, *capfd.readouterr()),
        ]
    )
    values = {cell for row in synthea.tables()["patients.csv"][1:] for cell in row if len(cell) > 4}
    assert [each for each in (mark, *values) if each in said] == []


async def _counts_by_person(connection: asyncpg.Connection) -> dict[str, int]:
    return {
        table: await connection.fetchval(
            "select count(*) from medicaid.enrollee p"  # noqa: S608 - a table of COLUMNS
            f" join medicaid.{table} t using (enrollee_id)"
            " where p.eligible_first_name = 'Ann'"
        )
        for table in COLUMNS
        if "enrollee_id" in COLUMNS[table] and table != "enrollee"
    }


async def test_a_person_whom_the_database_refuses_is_left_out_whole_and_alone(
    database: asyncpg.Connection, tmp_path: Path
) -> None:
    # The last table of a person, so that everything else was written before it.
    await database.execute(
        "alter table medicaid.claim_line add check (procedure_code is distinct from '666')"
    )
    made = synthea.tables()
    cell("procedures.csv", 2, "CODE", "666")(made)
    rejects = tmp_path / "rejects.csv"
    report = await import_synthea(
        database, synthea.write(tmp_path / "in", made), seed=1, rejects=rejects
    )
    assert await people_of(database) == ["ann", "cyd"]
    assert (report.people, report.people_refused) == (2, 1)
    assert lost(rejects) == [row("patients.csv", 3, "database_refused")]
    for table in COLUMNS:
        if "enrollee_id" in COLUMNS[table] and table != "enrollee":
            assert not await database.fetchval(
                f"select count(*) from medicaid.{table}"  # noqa: S608 - a table of COLUMNS
                " where enrollee_id not in (select enrollee_id from medicaid.enrollee)"
            )
    assert (await database.fetchval("select sum(holders) from medicaid.medicaid_id")) == 2
    for count in report.files.values():
        assert count.read == count.imported + count.skipped.total() + count.rejected.total()


async def test_a_failing_database_is_named_by_its_state_alone(
    owner: asyncpg.Connection, tmp_path: Path
) -> None:
    folder = synthea.write(tmp_path / "in", synthea.tables())
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute("alter table medicaid.claim_line rename to elsewhere")
    with pytest.raises(StatementFailed) as caught:
        await import_synthea(owner, folder, seed=1, rejects=None)
    await transaction.rollback()
    assert caught.value.detail == "the import stopped with SQLSTATE 42P01"
    assert caught.value.__cause__ is None
    assert await people_of(owner) == []


async def test_an_npi_that_somebody_has_is_given_to_nobody_else(
    database: asyncpg.Connection, tmp_path: Path
) -> None:
    taken = [npi_of("provider doc", 0), npi_of("provider doc", 1)]
    for number in taken:
        await database.execute(
            "insert into medicaid.provider (provider_id, npi, provider_name, submitting_state)"
            " values (gen_random_uuid(), $1, 'Other', 'NE')",
            number,
        )
    folder = synthea.write(tmp_path / "in", synthea.tables())
    await import_synthea(database, folder, seed=1, rejects=None)
    lines = await database.fetch(
        "select distinct servicing_prov_npi_num as npi from medicaid.claim_line"
        " where servicing_prov_npi_num is not null"
    )
    assert [each["npi"] for each in lines] == [npi_of("provider doc", 2)]


async def test_an_import_that_stops_midway_leaves_whole_people_and_goes_on_later(
    database: asyncpg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class StoppedError(Exception):
        pass

    def stop(done: int, of: int) -> None:
        if done == 1:
            raise StoppedError

    folder = synthea.write(tmp_path / "in", synthea.tables())
    monkeypatch.setattr(importing, "_BATCH", 1)
    with pytest.raises(StoppedError):
        await import_synthea(database, folder, seed=1, rejects=None, progress=stop)
    assert await people_of(database) == ["ann"]
    first = await _counts_by_person(database)
    report = await import_synthea(database, folder, seed=1, rejects=None)
    assert (report.people, report.people_there) == (2, 1)
    assert await _counts_by_person(database) == first
    assert first["claim"] == 3


async def test_two_imports_at_once_bring_everyone_once(migrated: str, tmp_path: Path) -> None:
    folder = synthea.write(tmp_path / "in", synthea.tables())
    async with (
        fresh_database(migrated) as url,
        connected(url) as one,
        connected(url) as other,
        connected(url) as watcher,
    ):
        # Holds both back at the point where each would look for people who are there already.
        await watcher.execute("select pg_advisory_lock($1)", importing._LOCK)
        both = [
            asyncio.create_task(import_synthea(each, folder, seed=1, rejects=None))
            for each in (one, other)
        ]
        waiting = (
            "select count(*) from pg_locks l join pg_database d on d.oid = l.database"
            " where l.locktype = 'advisory' and not l.granted and d.datname = current_database()"
        )
        while await watcher.fetchval(waiting) < 2:
            assert not any(task.done() for task in both)
        await watcher.execute("select pg_advisory_unlock($1)", importing._LOCK)
        reports = await asyncio.gather(*both)
        assert sorted(report.people for report in reports) == [0, 3]
        assert sorted(report.people_refused for report in reports) == [0, 0]
        assert await people_of(one) == list(PEOPLE)
