"""What was read, imported, skipped and rejected, and why. Writes the rejects file.

Knows files, lines, columns and reasons; never sees a value of a record, so none can reach the
rejects file, a log or the report.
"""

from __future__ import annotations

import csv
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path


class Reason(Enum):
    """Why a row or a value was lost: the code in the rejects file and its text."""

    BAD_ENCODING = "bad_encoding", "the row is not UTF-8"
    CONTROL_CHARACTER = "control_character", "the row holds a control character"
    BAD_QUOTES = "bad_quotes", "a quote opens and does not close"
    COLUMN_COUNT = "column_count", "the row has more or fewer fields than the header"
    EMPTY = "empty", "a required field is empty"
    BAD_DATE = "bad_date", "the field is not a date"
    BAD_AMOUNT = "bad_amount", "the field is not an amount"
    BAD_NAME = "bad_name", "the field is not a name"
    BAD_FORM = "bad_form", "the field does not have the form of its kind"
    TOO_LONG = "too_long", "the field is longer than its column"
    UNKNOWN_STATE = "unknown_state", "the state is none of the United States or its territories"
    UNKNOWN_CODE = "unknown_code", "the field has a value that has no counterpart"
    UNKNOWN_CODE_SYSTEM = "unknown_code_system", "the code system is not known"
    ENDS_BEFORE_START = "ends_before_start", "the end is before the beginning"
    DUPLICATE_ID = "duplicate_id", "an earlier row has the same Id"
    UNKNOWN_PATIENT = "unknown_patient", "no row of patients.csv has this patient"
    PATIENT_REJECTED = "patient_rejected", "the patient's own row was rejected"
    UNKNOWN_PAYER = "unknown_payer", "no row of payers.csv has this payer"
    UNKNOWN_PROVIDER = "unknown_provider", "no accepted row has this provider or organization"
    UNKNOWN_ENCOUNTER = "unknown_encounter", "no row of encounters.csv has this encounter"
    ENCOUNTER_REJECTED = "encounter_rejected", "the encounter's own row was rejected"
    OTHER_PATIENT = "other_patient", "the encounter is one of another patient"
    DATABASE_REFUSED = "database_refused", "the database refused the person's records"

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = text


class Skipped(Enum):
    """Why a good row was not imported: the key in the report and its text."""

    NOT_COVERED = "not_covered", "of a person whom Medicaid never covered"
    OTHER_PAYER = "other_payer", "of a visit that Medicaid did not pay for"
    ALREADY_THERE = "already_there", "in the database already"
    REPEATED = "repeated", "says what an earlier row said"
    SURPLUS = "surplus", "a claim beyond the visit and its drugs"

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = text


class RowRejected(Exception):
    """A row that cannot be imported. Carries a reason and a column; never a value."""

    def __init__(self, reason: Reason, column: str = "") -> None:
        super().__init__(reason.code)
        self.reason = reason
        self.column = column


class RowSkipped(Exception):
    """A good row that is not wanted."""

    def __init__(self, why: Skipped) -> None:
        super().__init__(why.code)
        self.why = why


@dataclass(slots=True)
class FileCount:
    """Rows of one file. `values` counts single values that were dropped from imported rows.

    INVARIANT: at the end of an import read = imported + skipped + rejected.
    """

    read: int = 0
    imported: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)


class Tally:
    """Counts of each file, and the rejects file while it is open.

    The rejects file has a line for each lost row and each lost value: file, line number, `row` or
    `value`, column where one is to blame, reason code, reason text.
    """

    HEADER = ("file", "line", "lost", "column", "code", "reason")

    def __init__(self, rejects: Path | None) -> None:
        self.files: dict[str, FileCount] = {}
        self._path = rejects
        self._open = ExitStack()
        self._writer: Any = None

    def __enter__(self) -> Self:
        if self._path is not None:
            stream = self._open.enter_context(self._path.open("w", encoding="utf-8", newline=""))
            self._writer = csv.writer(stream)
            self._writer.writerow(self.HEADER)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def of(self, file: str) -> FileCount:
        """The counts of a file; zeros at first."""
        return self.files.setdefault(file, FileCount())

    def skip(self, file: str, why: Skipped, rows: int = 1) -> None:
        """Counts good rows that were not imported."""
        self.of(file).skipped[why.code] += rows

    def reject(self, file: str, line: int, reason: Reason, column: str = "") -> None:
        """Counts a lost row and writes it down."""
        self.of(file).rejected[reason.code] += 1
        self._write(file, line, "row", column, reason)

    def reject_with_person(self, file: str, rows: int) -> None:
        """Counts good rows that were lost because the database refused their person."""
        self.of(file).rejected[Reason.DATABASE_REFUSED.code] += rows

    def drop(self, file: str, line: int, reason: Reason, column: str) -> None:
        """Counts a lost value of a row that is imported without it, and writes it down."""
        self.of(file).values[column] += 1
        self._write(file, line, "value", column, reason)

    def _write(self, file: str, line: int, lost: str, column: str, reason: Reason) -> None:
        if self._writer is not None:
            self._writer.writerow((file, line, lost, column, reason.code, reason.text))
