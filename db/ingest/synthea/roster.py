"""Payers, coverage and patients → who is imported. Knows three files; knows nothing of care.

Imported is everyone whom payer_transitions.csv ever shows under Medicaid, alone or beside
Medicare, however long ago; or, if so asked, everyone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from db.ingest.synthea import files
from db.ingest.synthea.coverage import Program, Span, Visit, program, transition
from db.ingest.synthea.people import Patient, patient
from db.ingest.synthea.tally import Reason, RowRejected, RowSkipped, Skipped

if TYPE_CHECKING:
    from db.ingest.synthea.claims import Encounter
    from db.ingest.synthea.reading import Record
    from db.ingest.synthea.tally import Tally


@dataclass(slots=True)
class Folder:
    """A person to be imported and what the files say of them. `used` counts rows by file."""

    person: Patient
    transitions: list[Span]
    encounters: list[Encounter] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)

    def visits(self) -> list[Visit]:
        """Days of visits and who paid."""
        return [Visit(each.day, each.program) for each in self.encounters]


class Roster:
    """Reads payers.csv, payer_transitions.csv and patients.csv, in this order."""

    def __init__(self, tally: Tally, *, everyone: bool) -> None:
        self.folders: dict[str, Folder] = {}
        self.last_day = date.min
        self._everyone = everyone
        self._tally = tally
        self._payers: dict[str, tuple[str, Program | None]] = {}
        self._transitions: dict[str, list[tuple[int, Span]]] = {}
        # Patient Id → why its rows are not wanted; None where they are.
        self._patients: dict[str, Reason | Skipped | None] = {}

    def payer(self, row: Record) -> None:
        """A row of payers.csv."""
        key, name = row.text("ID"), row.text("NAME")
        said = name, program(name, row.get("OWNERSHIP"))
        earlier = self._payers.setdefault(key, said)
        if earlier is not said:
            # A folder that was joined from several runs has each payer once per run.
            if earlier == said:
                raise RowSkipped(Skipped.REPEATED)
            raise RowRejected(Reason.DUPLICATE_ID, "ID")
        self._tally.of(files.PAYERS.name).imported += 1

    def paid_by(self, row: Record) -> Program | None:
        """The program that a row's payer stands for; None for any other payer, or none."""
        payer = row.get("PAYER")
        if not payer or not self._payers:
            return None
        if payer not in self._payers:
            raise RowRejected(Reason.UNKNOWN_PAYER, "PAYER")
        return self._payers[payer][1]

    def wanted(self, paid_by: Program | None) -> None:
        """RowSkipped for care that Medicaid did not pay for, unless everyone is imported."""
        if paid_by is None and not self._everyone:
            raise RowSkipped(Skipped.OTHER_PAYER)

    def transition(self, row: Record) -> None:
        """A row of payer_transitions.csv; it is counted when its patient is known."""
        start = row.get("START_DATE") or row.get("START_YEAR")
        if not start:
            raise RowRejected(Reason.EMPTY, "START_DATE")
        end = row.get("END_DATE") or row.get("END_YEAR")
        span = transition(start, end, self.paid_by(row))
        self.last_day = max(self.last_day, span.start)
        self._transitions.setdefault(row.text("PATIENT"), []).append((row.line, span))

    def patient(self, row: Record) -> None:
        """A row of patients.csv. The first row of an Id counts; a later one is rejected."""
        name, source_id = files.PATIENTS.name, row.text("ID")
        if source_id in self._patients:
            raise RowRejected(Reason.DUPLICATE_ID, "ID")
        spans = [span for _, span in self._transitions.get(source_id, ())]
        if not self._everyone and not any(span.program for span in spans):
            self._patients[source_id] = Skipped.NOT_COVERED
            raise RowSkipped(Skipped.NOT_COVERED)
        # Stays so if the row turns out to be bad.
        self._patients[source_id] = Reason.PATIENT_REJECTED
        person = patient(
            row, lambda reason, column: self._tally.drop(name, row.line, reason, column)
        )
        self._patients[source_id] = None
        self.folders[source_id] = Folder(person, spans, used=Counter({name: 1}))

    def settle(self) -> None:
        """Counts the transitions, now that it is known whose they are."""
        name = files.TRANSITIONS.name
        for source_id, spans in self._transitions.items():
            match self._patients.get(source_id, Reason.UNKNOWN_PATIENT):
                case None:
                    self.folders[source_id].used[name] += len(spans)
                case Skipped() as why:
                    self._tally.skip(name, why, len(spans))
                case Reason() as reason:
                    for line, _ in spans:
                        self._tally.reject(name, line, reason, "PATIENT")
        self._transitions.clear()

    def folder(self, row: Record, column: str) -> Folder:
        """The folder of a row's patient. RowRejected or RowSkipped where there is none."""
        source_id = row.text(column)
        match self._patients.get(source_id, Reason.UNKNOWN_PATIENT):
            case None:
                return self.folders[source_id]
            case Skipped() as why:
                raise RowSkipped(why)
            case Reason() as reason:
                raise RowRejected(reason, column)
