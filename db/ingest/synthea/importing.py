"""One import of a Synthea folder, top to bottom. Knows the order; knows no file and no table.

survey (refuse, or go on) → gather all rows → providers and plans → people, some at a time.

A person is loaded whole or not at all: a batch of whole people is one transaction, and a batch
that the database refuses is tried again person by person. Keys come from source Ids, so a person
who is there already is left alone, pseudonym and all; running an import twice changes nothing.

No immigration determination is ever imported: a determination is made by a person, on evidence,
and nothing in these files is one. So nobody imported is in the population of the court order.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import asyncpg

from db.errors import StatementFailed
from db.ingest.load import copy_batch
from db.ingest.synthea import claims, coverage, files, people, providers
from db.ingest.synthea.files import survey
from db.ingest.synthea.gathering import gather
from db.ingest.synthea.report import ImportReport
from db.ingest.synthea.rows import Rows
from db.ingest.synthea.tally import Reason, Skipped, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from db.ingest.synthea.gathering import Gathered
    from db.ingest.synthea.roster import Folder

# A key of our own in PostgreSQL's space of advisory locks: two imports at once would both find a
# person missing.
_LOCK = 5_306_187_302
_BATCH = 50
# What PostgreSQL, or the driver's encoder before it, has against the data themselves.
_REFUSALS = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, ValueError)


@dataclass(slots=True)
class _Outcome:
    there: int = 0
    imported: int = 0
    refused: int = 0
    rows: Counter[str] = field(default_factory=Counter)


async def import_synthea(
    connection: asyncpg.Connection,
    folder: Path,
    *,
    seed: int,
    rejects: Path | None,
    everyone: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Imports a folder of Synthea CSV files through the administrator's connection.

    Everyone whom Medicaid ever covered, and the care that it paid for; with `everyone`, all people
    and all care. `seed` decides what is derived. `rejects` is the file that every lost row and
    value is written to, without values. `progress` hears people done and people in all.

    ImportRefused before anything is written where a required file or column is missing;
    StatementFailed where the database fails midway: the people before it are there, and the same
    import goes on where it stopped.
    """
    found = await asyncio.to_thread(survey, folder, everyone=everyone)
    with Tally(rejects) as tally:
        gathered = await asyncio.to_thread(gather, found, tally, everyone=everyone)
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        try:
            done = await _store(connection, gathered, tally, seed, progress)
        except asyncpg.PostgresError as error:
            # The driver's text may quote a record; the SQLSTATE cannot.
            raise StatementFailed(f"the import stopped with SQLSTATE {error.sqlstate}") from None
        finally:
            if not connection.is_closed():
                await connection.execute("select pg_advisory_unlock($1)", _LOCK)
    return ImportReport(
        people=done.imported,
        people_there=done.there,
        people_refused=done.refused,
        rows={table: count for table, count in done.rows.items() if count},
        files=tally.files,
        missing_files=found.missing_files,
        missing_columns=found.missing_columns,
        unused_files=found.unused,
    )


async def _store(
    connection: asyncpg.Connection,
    gathered: Gathered,
    tally: Tally,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> _Outcome:
    done = _Outcome()
    directory = claims.Directory(
        await _store_providers(connection, gathered, tally, done), gathered.book
    )
    new = await _new_people(connection, gathered, tally, done)
    done.rows["managed_care_plan"] = await providers.store_plans(
        connection, (each.person.state for each in new)
    )
    for start in range(0, len(new), _BATCH):
        batch = [
            (each, _rows(each, seed, gathered, directory)) for each in new[start : start + _BATCH]
        ]
        await _store_people(connection, batch, tally, done)
        if progress is not None:
            progress(start + len(batch), len(new))
    return done


async def _store_providers(
    connection: asyncpg.Connection, gathered: Gathered, tally: Tally, done: _Outcome
) -> dict[str, str]:
    numbers, new = await providers.store_providers(
        connection, [each for _, each in gathered.providers]
    )
    done.rows["provider"] = len(new)
    for file, each in gathered.providers:
        if each.key in new:
            tally.of(file).imported += 1
        else:
            tally.skip(file, Skipped.ALREADY_THERE)
    return numbers


async def _new_people(
    connection: asyncpg.Connection, gathered: Gathered, tally: Tally, done: _Outcome
) -> list[Folder]:
    found = await connection.fetch(
        "select enrollee_id from medicaid.enrollee where enrollee_id = any($1::uuid[])",
        [each.person.enrollee_id for each in gathered.folders],
    )
    there = {row["enrollee_id"] for row in found}
    new: list[Folder] = []
    for each in gathered.folders:
        if each.person.enrollee_id not in there:
            new.append(each)
            continue
        done.there += 1
        for file, rows in each.used.items():
            tally.skip(file, Skipped.ALREADY_THERE, rows)
    return new


def _rows(each: Folder, seed: int, gathered: Gathered, directory: claims.Directory) -> Rows:
    """All rows of one person."""
    rows, person = Rows(), each.person
    spans = coverage.covered(
        each.transitions, each.visits(), person.born, person.died, gathered.last_day
    )
    people.add_person(rows, person, spans, gathered.last_day, seed)
    for visit in each.encounters:
        claims.add_claims(rows, person, visit, directory, everyone=gathered.everyone)
    return rows


async def _store_people(
    connection: asyncpg.Connection,
    batch: Sequence[tuple[Folder, Rows]],
    tally: Tally,
    done: _Outcome,
) -> None:
    """One transaction for all, or, where the database refuses that, one for each."""
    together = Rows()
    for _, rows in batch:
        together.extend(rows)
    try:
        await copy_batch(connection, together.batch())
    except _REFUSALS:
        if len(batch) > 1:
            for one in batch:
                await _store_people(connection, [one], tally, done)
            return
        _refuse(batch[0][0], tally, done)
        return
    done.rows.update(together.counts())
    done.imported += len(batch)
    for each, _ in batch:
        for file, count in each.used.items():
            tally.of(file).imported += count


def _refuse(each: Folder, tally: Tally, done: _Outcome) -> None:
    done.refused += 1
    patients = files.PATIENTS.name
    tally.reject(patients, each.person.line, Reason.DATABASE_REFUSED)
    for file, rows in each.used.items():
        if file != patients:
            tally.reject_with_person(file, rows)
