"""The value of a column of a row on a day. Derived values are worked out here, from their sources.

Nothing is read of what the database itself derives: generated columns, its functions over the day,
and the stored population.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.catalog import Cardinality
from tests.people import clauses

if TYPE_CHECKING:
    from datetime import date

    from db.catalog import Column, Relation
    from tests.oracle.records import Record, Records, Value

_FEW_PEOPLE = frozenset(
    ["036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878",
     "879", "884", "890", "893"]
)  # fmt: skip
"""First three digits of ZIP codes that hold 20,000 people or fewer (HHS, census of 2000)."""


_SUBSTANCE_USE = frozenset({"ETH", "ETHUD"})
"""Labels of substance use; alcohol use (ETHUD) is a part of it."""


def zip3(code: str | None) -> str | None:
    """45 CFR 164.514(b)(2)(i)(B)."""
    if code is None:
        return None
    return "000" if code[:3] in _FEW_PEOPLE else code[:3]


def age_group(year: int, day: date) -> str | None:
    """Ten-year band by calendar year; 90 and older is one (45 CFR 164.514(b)(2)(i)(C))."""
    age = day.year - year
    if age < 0:
        return None
    return "90+" if age >= 90 else f"{age - age % 10}-{age - age % 10 + 9}"


def birth_year(year: int, day: date) -> int | None:
    """The year, unless it tells of an age over 89."""
    return None if day.year - year >= 90 else year


def value_of(records: Records, row: Record, column: Column, day: date) -> Value:
    """What a column of this row says on a day; None where nothing."""
    match column.function or column.name:
        case "age_group":
            return age_group(row["date_of_birth"].year, day)
        case "birth_year":
            year: int = row["date_of_birth"].year
            return birth_year(year, day) if column.function else year
        case "zip3":
            return zip3(row["zip"])
        case "ssn_last4":
            return None if row["ssn"] is None else row["ssn"][-4:]
        case "service_year":
            return row["beginning_date_of_service"].year
        case "ssn_known":
            return row["ssn"] is not None
        case "substance_use":
            return not _SUBSTANCE_USE.isdisjoint(row["sensitivity_labels"])
        case "sensitive":
            return bool(row["sensitivity_labels"])
        case "population":
            raise LookupError("the stored population is what is checked, not what is believed")
        case _:
            return row[column.name]


def in_population(records: Records, row: Record, day: date) -> bool:
    """Whether every clause of the population rule holds for a person on a day."""
    return all(clauses(records.person(row), day, records.holders).values())


def one_row(records: Records, relation: Relation, row: Record, day: date) -> Record | None:
    """The one row that a relation leads to, or None."""
    if relation.cardinality is Cardinality.CURRENT:
        return records.current(relation, row, day)
    found = records.related(relation, row)
    assert len(found) <= 1, f"{relation.name} leads to {len(found)} rows"
    return found[0] if found else None


def hopped(records: Records, row: Record, column: Column, hop: Relation | None, day: date) -> Value:
    """A value of the row at hand or of the one row that a hop leads to."""
    source = row if hop is None else one_row(records, hop, row, day)
    return None if source is None else value_of(records, source, column, day)
