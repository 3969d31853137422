"""Organizations, clinicians and payers → providers and plans. Knows both tables; knows no person.

Synthea has no NPI: each is derived from the source Id. The tables have no `derived` column, so it
is the claims that mark the numbers they name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from db.ingest.load import Batch, Row, copy_batch
from db.ingest.synthea import values
from db.ingest.synthea.coverage import Program
from db.ingest.synthea.deriving import npi_of
from db.ingest.synthea.people import NAMESPACE, plan_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import asyncpg

    from db.ingest.synthea.reading import Record
    from db.ingest.synthea.tally import Reason

# SPECIALITY → NUCC taxonomy, for those that Synthea gives its clinicians most.
_TAXONOMY = {
    "GENERAL PRACTICE": "208D00000X",
    "CLINICAL SOCIAL WORKER": "1041C0700X",
}


@dataclass(frozen=True, slots=True)
class Provider:
    """An organization or a clinician. `key` is kind and source Id."""

    key: str
    name: str
    taxonomy: str | None
    city: str | None
    state: str

    @property
    def provider_id(self) -> UUID:
        """The same for the same source Id, always."""
        return uuid5(NAMESPACE, self.key)


def provider(record: Record, kind: str, drop: Callable[[Reason, str], None]) -> Provider:
    """The provider of a row. RowRejected without an Id, a name or a state."""
    if kind == "organization":
        name = record.required("NAME", lambda text: values.line(text, 100))
    else:
        name = record.required("NAME", values.person)
    return Provider(
        key=f"{kind} {record.text('ID')}",
        name=name,
        taxonomy=_TAXONOMY.get(record.get("SPECIALITY").upper()),
        city=record.lenient("CITY", lambda text: values.line(text, 28), drop),
        state=record.required("STATE", values.state),
    )


async def store_providers(
    connection: asyncpg.Connection, providers: Sequence[Provider]
) -> tuple[dict[str, str], set[str]]:
    """NPI by key of every provider, and the keys of those that are new. One statement reads, one
    transaction writes; those that are there already keep their row and their NPI."""
    candidates = {each.key: npi_of(each.key, 0) for each in providers}
    found = await connection.fetch(
        "select provider_id, npi from medicaid.provider"
        " where provider_id = any($1::uuid[]) or npi = any($2::text[])",
        [each.provider_id for each in providers],
        list(candidates.values()),
    )
    stored: dict[UUID, str] = {row["provider_id"]: row["npi"] for row in found}
    taken = set(stored.values())
    numbers: dict[str, str] = {}
    new: dict[str, Row] = {}
    for each in providers:
        number = stored.get(each.provider_id)
        if number is None:
            number = await _free_number(connection, each.key, candidates[each.key], taken)
            taken.add(number)
            about = each.name, each.taxonomy, each.city, each.state
            new[each.key] = each.provider_id, number, *about
        numbers[each.key] = number
    await copy_batch(connection, Batch({"provider": list(new.values())}))
    return numbers, set(new)


async def _free_number(
    connection: asyncpg.Connection, key: str, candidate: str, taken: set[str]
) -> str:
    attempt = 0
    while candidate in taken or (
        # The first candidates were looked up together; a later one is rare.
        attempt
        and await connection.fetchval("select 1 from medicaid.provider where npi = $1", candidate)
    ):
        attempt += 1
        candidate = npi_of(key, attempt)
    return candidate


async def store_plans(connection: asyncpg.Connection, states: Iterable[str]) -> int:
    """One plan for each state and program; returns how many are new.

    Synthea knows Medicaid as one payer of the whole country and says nothing of its plans, so
    their type is 99, unknown.
    """
    wanted = {
        plan_number(state, program): (state, program)
        for state in sorted(set(states))
        for program in Program
    }
    found = await connection.fetch(
        "select state_plan_id_num from medicaid.managed_care_plan"
        " where state_plan_id_num = any($1::text[])",
        list(wanted),
    )
    there = {row["state_plan_id_num"] for row in found}
    new = [
        (uuid5(NAMESPACE, f"plan {number}"), number, f"{program.value} ({state})", "99", state)
        for number, (state, program) in wanted.items()
        if number not in there
    ]
    await copy_batch(connection, Batch({"managed_care_plan": new}))
    return len(new)
