"""Which files and columns a Synthea release exports. Knows headers; reads no row.

Releases differ: a column is required only where nothing can be made without it. Header names are
compared without regard to case. The lists follow the CSV data dictionary of Synthea's wiki.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.errors import ImportRefused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileSpec:
    """One file: its required columns, groups of which one must be there, and optional ones."""

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()


PAYERS = FileSpec("payers.csv", ("ID", "NAME"), ("OWNERSHIP",))
TRANSITIONS = FileSpec(
    "payer_transitions.csv",
    ("PATIENT", "PAYER"),
    one_of=(("START_DATE", "END_DATE"), ("START_YEAR", "END_YEAR")),
)
PATIENTS = FileSpec(
    "patients.csv",
    ("ID", "BIRTHDATE", "FIRST", "LAST", "STATE"),
    (
        *("DEATHDATE", "SSN", "MIDDLE", "RACE", "ETHNICITY", "GENDER", "BIRTHPLACE"),
        *("ADDRESS", "CITY", "FIPS", "ZIP"),
    ),
)
ORGANIZATIONS = FileSpec("organizations.csv", ("ID", "NAME", "STATE"), ("CITY",))
PROVIDERS = FileSpec("providers.csv", ("ID", "NAME", "STATE"), ("CITY", "SPECIALITY"))
ENCOUNTERS = FileSpec(
    "encounters.csv",
    ("ID", "START", "PATIENT", "PAYER", "ENCOUNTERCLASS"),
    (
        *("STOP", "ORGANIZATION", "PROVIDER", "CODE", "DESCRIPTION", "BASE_ENCOUNTER_COST"),
        *("TOTAL_CLAIM_COST", "PAYER_COVERAGE", "REASONCODE", "REASONDESCRIPTION"),
    ),
)
CONDITIONS = FileSpec("conditions.csv", ("PATIENT", "ENCOUNTER", "CODE"), ("SYSTEM", "DESCRIPTION"))
PROCEDURES = FileSpec(
    "procedures.csv",
    ("PATIENT", "ENCOUNTER", "CODE"),
    ("SYSTEM", "DESCRIPTION", "BASE_COST", "REASONCODE", "REASONDESCRIPTION"),
    one_of=(("START",), ("DATE",)),
)
MEDICATIONS = FileSpec(
    "medications.csv",
    ("PATIENT", "ENCOUNTER", "CODE", "START"),
    (
        *("STOP", "PAYER", "DESCRIPTION", "PAYER_COVERAGE", "DISPENSES", "TOTALCOST"),
        *("REASONCODE", "REASONDESCRIPTION"),
    ),
)
DIAGNOSIS_COLUMNS = tuple(f"DIAGNOSIS{number}" for number in range(1, 9))
CLAIMS = FileSpec(
    "claims.csv",
    ("ID", "PATIENTID", "APPOINTMENTID"),
    ("STATUS1", "LASTBILLEDDATE1", *DIAGNOSIS_COLUMNS),
)

# In the order in which they are read: a file refers only to files before it.
SPECS = (
    *(PAYERS, TRANSITIONS, PATIENTS, ORGANIZATIONS, PROVIDERS),
    *(ENCOUNTERS, CONDITIONS, PROCEDURES, MEDICATIONS, CLAIMS),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is there, with its header in upper case."""

    spec: FileSpec
    path: Path
    header: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """What a folder holds and lacks. `unused` are CSV files that the import does not read."""

    sources: Mapping[str, Source]
    missing_files: tuple[str, ...]
    missing_columns: Mapping[str, tuple[str, ...]]
    unused: tuple[str, ...]


def survey(folder: Path, *, everyone: bool) -> Survey:
    """The files of a folder. ImportRefused where a required file or column is missing.

    patients.csv is required; payers.csv and payer_transitions.csv are too, because they say who
    was covered, except where everyone is imported.
    """
    if not folder.is_dir():
        raise ImportRefused("the folder to import does not exist")
    required = {PATIENTS.name} if everyone else {PATIENTS.name, PAYERS.name, TRANSITIONS.name}
    sources: dict[str, Source] = {}
    missing_files: list[str] = []
    missing_columns: dict[str, tuple[str, ...]] = {}
    for spec in SPECS:
        path = folder / spec.name
        if not path.is_file():
            if spec.name in required:
                raise ImportRefused(f"{spec.name} is missing")
            missing_files.append(spec.name)
            continue
        header = _header(path)
        _require(spec, header)
        sources[spec.name] = Source(spec, path, header)
        if absent := tuple(name for name in spec.optional if name not in header):
            missing_columns[spec.name] = absent
    known = {spec.name for spec in SPECS}
    unused = sorted(path.name for path in folder.glob("*.csv") if path.name not in known)
    return Survey(sources, tuple(missing_files), missing_columns, tuple(unused))


def _header(path: Path) -> tuple[str, ...]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            first = next(csv.reader(text, strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        # The decoder works block by block, so a bad byte further down can end it as well.
        with path.open("rb") as raw:
            line = raw.readline().decode("utf-8-sig", errors="replace")
        first = next(csv.reader([line]), [])
    return tuple(name.strip().upper() for name in first)


def _require(spec: FileSpec, header: tuple[str, ...]) -> None:
    missing = [name for name in spec.required if name not in header]
    if missing:
        raise ImportRefused(f"{spec.name} lacks {', '.join(missing)}")
    if spec.one_of and not any(set(group) <= set(header) for group in spec.one_of):
        groups = " or ".join(" and ".join(group) for group in spec.one_of)
        raise ImportRefused(f"{spec.name} lacks {groups}")
    if len(set(header)) != len(header):
        raise ImportRefused(f"{spec.name} names a column twice")
