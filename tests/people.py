"""Generated batches as people: rows by name, and the population rule once more, in Python.

The rule is written here from the text of the domain, not from the SQL: two readings that must
agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from db.ingest.load import COLUMNS, Batch

Record = dict[str, Any]


@dataclass
class Person:
    """One person's rows by table; `enrollee` is the row of the table of that name."""

    enrollee: Record
    rows: dict[str, list[Record]] = field(default_factory=dict)

    def __getitem__(self, table: str) -> list[Record]:
        return self.rows.get(table, [])


def records(batch: Batch, table: str) -> list[Record]:
    """The rows of a table by column name."""
    return [dict(zip(COLUMNS[table], row, strict=True)) for row in batch.rows.get(table, ())]


def people_of(batches: Iterable[Batch]) -> list[Person]:
    """The people of the batches, in their order."""
    found: dict[str, Person] = {}
    for batch in batches:
        for enrollee in records(batch, "enrollee"):
            found[enrollee["enrollee_id"]] = Person(enrollee)
        for table in batch.rows.keys() - {"enrollee", "provider", "managed_care_plan"}:
            for record in records(batch, table):
                found[record["enrollee_id"]].rows.setdefault(table, []).append(record)
    return list(found.values())


def covers(record: Record, day: date) -> bool:
    """Whether a dated row holds on the day: both its first and its last day count."""
    end = record["end_date"]
    return bool(record["effective_date"] <= day and (end is None or day <= end))


def overlap(one: Record, other: Record) -> bool:
    """Whether two dated rows hold on a day in common."""
    return covers(one, other["effective_date"]) or covers(other, one["effective_date"])


def clauses(person: Person, day: date, holders: Mapping[str, int]) -> dict[str, bool]:
    """Which clauses of the population rule hold for the person on the day.

    `holders` counts the people who hold each Medicaid ID.
    """
    outcomes = {
        found["outcome"] for found in person["immigration_determination"] if covers(found, day)
    }
    spans = [span for span in person["variable_demographics"] if covers(span, day)]
    own_id = person.enrollee["msis_identification_num"]
    ssns = {span["ssn"] for span in person["variable_demographics"]}
    return {
        "determined": outcomes == {"unlawfully_present"},
        "one_span": len(spans) == 1,
        "non_citizen": bool(spans) and all(span["citizenship_ind"] == "0" for span in spans),
        "verified": bool(spans)
        and all(span["immigration_verification_flag"] is True for span in spans),
        "status_open": bool(spans) and all(span["immigration_status"] == "3" for span in spans),
        "no_five_year_bar": bool(spans)
        and all(span["immigration_status_five_year_bar_end_date"] is None for span in spans),
        "unshared_id": holders[own_id] == 1,
        "id_is_no_ssn": not person.enrollee["msis_id_ssn_based"] and own_id not in ssns,
    }


def count_holders(people: Iterable[Person]) -> Counter[str]:
    """How many people hold each Medicaid ID."""
    return Counter(person.enrollee["msis_identification_num"] for person in people)
