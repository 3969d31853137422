"""One pass over each file: rows to their readers, and whatever is wrong with one to the tally.

Knows the order of the files; knows no field. All that belongs to people who are imported is held
in memory, so the size of a folder is limited by it: see docs/import.md for what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.ingest.synthea import files
from db.ingest.synthea.care import Care
from db.ingest.synthea.providers import Provider, provider
from db.ingest.synthea.reading import Malformed, Record, rows
from db.ingest.synthea.roster import Folder, Roster
from db.ingest.synthea.tally import Reason, RowRejected, RowSkipped, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from db.ingest.synthea.files import Source, Survey
    from db.ingest.synthea.labels import LabelBook


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that is to be imported; `last_day` is the last day that the folder knows."""

    folders: Sequence[Folder]
    providers: Sequence[tuple[str, Provider]]
    book: LabelBook
    last_day: date
    everyone: bool


def gather(survey: Survey, tally: Tally, *, everyone: bool) -> Gathered:
    """Reads every file that is there, each once. `providers` come with the file they are from."""
    providers: dict[str, tuple[str, Provider]] = {}
    roster = Roster(tally, everyone=everyone)
    kinds = {files.ORGANIZATIONS.name: "organization", files.PROVIDERS.name: "provider"}
    care = Care(
        *(roster, tally, providers),
        kinds={kind for name, kind in kinds.items() if name in survey.sources},
    )

    def provider_of(file: str) -> Callable[[Record], None]:
        def read(row: Record) -> None:
            one = provider(row, kinds[file], lambda *lost: tally.drop(file, row.line, *lost))
            if one.key in providers:
                raise RowRejected(Reason.DUPLICATE_ID, "ID")
            providers[one.key] = file, one

        return read

    readers: Mapping[str, Callable[[Record], None]] = {
        files.PAYERS.name: roster.payer,
        files.TRANSITIONS.name: roster.transition,
        files.PATIENTS.name: roster.patient,
        files.ORGANIZATIONS.name: provider_of(files.ORGANIZATIONS.name),
        files.PROVIDERS.name: provider_of(files.PROVIDERS.name),
        files.ENCOUNTERS.name: care.encounter,
        files.CONDITIONS.name: care.condition,
        files.PROCEDURES.name: care.procedure,
        files.MEDICATIONS.name: care.medication,
        files.CLAIMS.name: care.claim,
    }
    for spec in files.SPECS:
        if (source := survey.sources.get(spec.name)) is not None:
            _read(source, readers[spec.name], tally)
    roster.settle()
    return Gathered(
        folders=tuple(roster.folders.values()),
        providers=tuple(providers.values()),
        book=care.book,
        last_day=max(roster.last_day, care.last_day),
        everyone=everyone,
    )


def _read(source: Source, reader: Callable[[Record], None], tally: Tally) -> None:
    name = source.spec.name
    for row in rows(source):
        tally.of(name).read += 1
        if isinstance(row, Malformed):
            tally.reject(name, row.line, row.reason)
            continue
        try:
            reader(row)
        except RowRejected as rejected:
            tally.reject(name, row.line, rejected.reason, rejected.column)
        except RowSkipped as skipped:
            tally.skip(name, skipped.why)
