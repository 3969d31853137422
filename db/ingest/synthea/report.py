"""The counts of an import, as data and as lines to print. Knows counts; never sees a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.ingest.synthea.tally import Reason, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from db.ingest.synthea.tally import FileCount

_TEXTS = {each.code: each.text for each in (*Skipped, *Reason)}


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What one import did.

    `people` were imported; `people_there` were in the database before, and nothing of theirs was
    touched; `people_refused` were turned away by the database, whole. `rows` counts written rows by
    table, `files` source rows by file.
    """

    people: int
    people_there: int
    people_refused: int
    rows: Mapping[str, int]
    files: Mapping[str, FileCount]
    missing_files: tuple[str, ...]
    missing_columns: Mapping[str, tuple[str, ...]]
    unused_files: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """The same, ready for JSON."""
        return {
            "people": self.people,
            "peopleAlreadyThere": self.people_there,
            "peopleRefused": self.people_refused,
            "rows": dict(self.rows),
            "files": {
                name: {
                    "read": count.read,
                    "imported": count.imported,
                    "skipped": dict(count.skipped),
                    "rejected": dict(count.rejected),
                    "valuesDropped": dict(count.values),
                }
                for name, count in self.files.items()
            },
            "missingFiles": list(self.missing_files),
            "missingColumns": {name: list(names) for name, names in self.missing_columns.items()},
            "unusedFiles": list(self.unused_files),
        }

    def lines(self) -> Iterator[str]:
        """The same, to be read by a person."""
        yield (
            f"people: {self.people} imported, {self.people_there} already there, "
            f"{self.people_refused} refused by the database"
        )
        for name, count in self.files.items():
            skipped, rejected = count.skipped.total(), count.rejected.total()
            yield (
                f"{name}: {count.read} read, {count.imported} imported, "
                f"{skipped} skipped, {rejected} rejected"
            )
            for code, rows in sorted((count.skipped + count.rejected).items()):
                yield f"  {rows} {_TEXTS[code]} ({code})"
            for column, values in sorted(count.values.items()):
                yield f"  {values} values of {column} dropped"
        for table, rows in self.rows.items():
            yield f"medicaid.{table}: {rows} rows"
        if self.missing_files:
            yield f"optional files not found: {', '.join(self.missing_files)}"
        for name, columns in self.missing_columns.items():
            yield f"optional columns not found in {name}: {', '.join(columns)}"
        if self.unused_files:
            yield f"files not used: {', '.join(self.unused_files)}"
