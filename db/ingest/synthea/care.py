"""Visits and all that refers to them → the folders of their patients.

Knows five files and how they refer to each other; knows no table. What belongs to a visit of
another patient, of nobody, or of a visit that was rejected, is rejected: no person gets a record
on the strength of a broken reference.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

from db.ingest.synthea import files, values
from db.ingest.synthea.claims import ClaimRow, Drug, Encounter, Procedure
from db.ingest.synthea.labels import LabelBook
from db.ingest.synthea.tally import Reason, RowRejected, RowSkipped, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from db.ingest.synthea.reading import Record
    from db.ingest.synthea.roster import Folder, Roster
    from db.ingest.synthea.tally import Tally


class Care:
    """Reads encounters.csv first, claims.csv last.

    `providers` are the keys of all that are known, each a kind and a source Id; `kinds` are the
    kinds whose file is there, so that a reference to one which is not can be called broken.
    """

    def __init__(
        self, roster: Roster, tally: Tally, providers: Container[str], kinds: Container[str]
    ) -> None:
        self.book = LabelBook()
        self.last_day = date.min
        self._roster = roster
        self._tally = tally
        self._providers = providers
        self._kinds = kinds
        self._encounters: dict[str, Encounter] = {}
        self._owners: dict[str, str] = {}
        self._rejected: set[str] = set()
        self._claim_ids: set[str] = set()
        self._orders: Counter[str] = Counter()

    def encounter(self, row: Record) -> None:
        """A row of encounters.csv. It is kept even where another payer paid: a person's visits
        tell until when Medicaid did."""
        source_id, owner = row.text("ID"), row.text("PATIENT")
        if source_id in self._owners:
            raise RowRejected(Reason.DUPLICATE_ID, "ID")
        self._owners[source_id] = owner
        # Stays so if the row turns out to be bad.
        self._rejected.add(source_id)
        day = row.required("START", values.day)
        self.last_day = max(self.last_day, day)
        folder = self._roster.folder(row, "PATIENT")
        encounter = self._encounter(row, source_id, day)
        self._rejected.discard(source_id)
        folder.encounters.append(encounter)
        self._encounters[source_id] = encounter
        self._roster.wanted(encounter.program)
        folder.used[files.ENCOUNTERS.name] += 1

    def _encounter(self, row: Record, source_id: str, day: date) -> Encounter:
        code = row.optional("CODE", values.clinical_code) or ""
        reason = row.optional("REASONCODE", values.clinical_code) or ""
        return Encounter(
            source_id=source_id,
            day=day,
            stop=row.optional("STOP", lambda text: _not_before(day, text)),
            kind=row.get("ENCOUNTERCLASS").casefold(),
            program=self._roster.paid_by(row),
            base_cost=row.optional("BASE_ENCOUNTER_COST", values.amount),
            cost=row.optional("TOTAL_CLAIM_COST", values.amount),
            paid=row.optional("PAYER_COVERAGE", values.amount),
            organization=self._provider(row, "ORGANIZATION"),
            provider=self._provider(row, "PROVIDER"),
            code=code,
            reason=reason,
            labels=self.book.learn(code, row.get("DESCRIPTION"))
            | self.book.learn(reason, row.get("REASONDESCRIPTION")),
        )

    def _provider(self, row: Record, column: str) -> str:
        """The key of a provider; empty, and written down, where no file has it."""
        kind = column.lower()
        key = f"{kind} {row.get(column)}"
        if not row.get(column) or kind not in self._kinds or key in self._providers:
            return key
        self._tally.drop(files.ENCOUNTERS.name, row.line, Reason.UNKNOWN_PROVIDER, column)
        return ""

    def _visit(self, row: Record, patient: str, encounter: str) -> tuple[Folder, Encounter]:
        """The folder and the visit that a row belongs to. RowRejected or RowSkipped."""
        folder = self._roster.folder(row, patient)
        source_id = row.text(encounter)
        owner = self._owners.get(source_id)
        if owner is None:
            raise RowRejected(Reason.UNKNOWN_ENCOUNTER, encounter)
        if owner != folder.person.source_id:
            raise RowRejected(Reason.OTHER_PATIENT, encounter)
        if source_id in self._rejected:
            raise RowRejected(Reason.ENCOUNTER_REJECTED, encounter)
        return folder, self._encounters[source_id]

    def condition(self, row: Record) -> None:
        """A row of conditions.csv: a diagnosis of the visit on which it was found."""
        folder, visit = self._visit(row, "PATIENT", "ENCOUNTER")
        code = row.required("CODE", values.clinical_code)
        system = _system(row)
        labels = self.book.learn(code, row.get("DESCRIPTION"))
        self._roster.wanted(visit.program)
        visit.labels |= labels
        visit.conditions.setdefault(code, system)
        folder.used[files.CONDITIONS.name] += 1

    def procedure(self, row: Record) -> None:
        """A row of procedures.csv: a line of the visit's claim."""
        folder, visit = self._visit(row, "PATIENT", "ENCOUNTER")
        self._roster.wanted(visit.program)
        code = row.required("CODE", values.clinical_code)
        reason = row.optional("REASONCODE", values.clinical_code) or ""
        day = row.required("START" if row.get("START") else "DATE", values.day)
        cost = row.optional("BASE_COST", values.amount)
        visit.procedures.append(Procedure(day, code, _system(row), cost))
        visit.labels |= self.book.learn(code, row.get("DESCRIPTION"))
        visit.labels |= self.book.learn(reason, row.get("REASONDESCRIPTION"))
        folder.used[files.PROCEDURES.name] += 1

    def medication(self, row: Record) -> None:
        """A row of medications.csv: a pharmacy claim of its own."""
        folder, visit = self._visit(row, "PATIENT", "ENCOUNTER")
        code = row.required("CODE", values.clinical_code)
        reason = row.optional("REASONCODE", values.clinical_code) or ""
        day = row.required("START", values.day)
        fills = row.optional("DISPENSES", values.amount)
        # The same drug can be ordered twice on one visit; only its place tells the two apart.
        key = f"{visit.source_id} {code} {row.get('START')}"
        self._orders[key] += 1
        drug = Drug(
            key=f"{key} {self._orders[key]}",
            day=day,
            stop=row.lenient("STOP", lambda text: _not_before(day, text), self._dropped(row)),
            program=self._roster.paid_by(row) if row.get("PAYER") else visit.program,
            code=code,
            fills=int(fills) if fills is not None and fills >= 1 else None,
            cost=row.optional("TOTALCOST", values.amount),
            paid=row.optional("PAYER_COVERAGE", values.amount),
            reason=reason,
            labels=self.book.learn(code, row.get("DESCRIPTION"))
            | self.book.learn(reason, row.get("REASONDESCRIPTION")),
        )
        # Kept even where another payer paid, so that the claims of a visit find their drugs.
        visit.drugs.append(drug)
        self._roster.wanted(drug.program)
        folder.used[files.MEDICATIONS.name] += 1

    def _dropped(self, row: Record) -> Callable[[Reason, str], None]:
        return lambda *lost: self._tally.drop(files.MEDICATIONS.name, row.line, *lost)

    def claim(self, row: Record) -> None:
        """A row of claims.csv: what the claim of a visit or a drug lacks.

        The first claim of a visit is the visit's own, the others are those of its drugs, in order:
        Synthea writes them so, and gives all of them the same diagnoses.
        """
        source_id = row.text("ID")
        if source_id in self._claim_ids:
            raise RowRejected(Reason.DUPLICATE_ID, "ID")
        self._claim_ids.add(source_id)
        folder, visit = self._visit(row, "PATIENTID", "APPOINTMENTID")
        if len(source_id) > 50:
            raise RowRejected(Reason.TOO_LONG, "ID")
        place = len(visit.claims)
        if place > len(visit.drugs):
            raise RowSkipped(Skipped.SURPLUS)
        closed = None
        if row.get("STATUS1").upper() == "CLOSED":
            closed = row.optional("LASTBILLEDDATE1", values.day)
        codes = (row.optional(name, values.clinical_code) for name in files.DIAGNOSIS_COLUMNS)
        diagnoses = tuple(dict.fromkeys(code for code in codes if code))
        visit.claims.append(ClaimRow(source_id, diagnoses, closed))
        self._roster.wanted(visit.drugs[place - 1].program if place else visit.program)
        folder.used[files.CLAIMS.name] += 1


def _not_before(start: date, text: str) -> date:
    stop = values.day(text)
    if stop < start:
        raise RowRejected(Reason.ENDS_BEFORE_START)
    return stop


def _system(row: Record) -> str:
    """SNOMED CT where the file has no column for it or leaves it empty."""
    try:
        return values.code_system(row.get("SYSTEM"))
    except RowRejected as rejected:
        raise RowRejected(rejected.reason, "SYSTEM") from None
