"""Places, names and clinical codes that records are made of, read from the .toml files beside.

Knows the files; knows nothing of people or tables.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """A ZIP code that lies in one county of one state."""

    city: str
    state: str
    zip: str
    county: str


@dataclass(frozen=True, slots=True)
class State:
    """A state that sends records: its places, area codes and the shape of its Medicaid IDs."""

    code: str
    medicaid_id: str
    area_codes: tuple[str, ...]
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a language, and the codes that go with them most often."""

    weight: int
    female: tuple[str, ...]
    male: tuple[str, ...]
    family: tuple[str, ...]
    races: tuple[str, ...]
    ethnicities: tuple[str, ...]
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Treatment:
    """A diagnosis, procedure or drug: its code, whom it fits, what it costs (cents).

    `kinds` are the claim files that it may lead; `labels` are HL7 sensitivity labels.
    """

    code: str
    care: str = "general"
    service: str = "033"
    kinds: tuple[str, ...] = ("OT",)
    sex: str | None = None
    ages: tuple[int, int] = (0, 120)
    labels: tuple[str, ...] = ()
    weight: int = 1
    price: int = 0
    days: int = 0
    quantity: int = 0

    def fits(self, sex: str, age: int) -> bool:
        """Whether a person of this sex and age (years) may have it."""
        return self.sex in (None, sex) and self.ages[0] <= age <= self.ages[1]


@cache
def _read(name: str) -> dict[str, Any]:
    with (Path(__file__).parent / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


@cache
def _treatments(section: str) -> tuple[Treatment, ...]:
    return tuple(Treatment(**_tuples(entry)) for entry in _read("clinical")[section])


def _tuples(entry: dict[str, Any]) -> dict[str, Any]:
    """The same entry with tuples for lists, so that what holds it can be frozen."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


@cache
def states() -> tuple[State, ...]:
    """Every state as often as its weight says, so that a plain pick is a weighted one."""
    return tuple(
        state
        for code, entry in _read("places").items()
        for state in (_state(code, entry),) * entry["weight"]
    )


def _state(code: str, entry: dict[str, Any]) -> State:
    places = (
        Place(city, code, zip_code, county)
        for city, (county, *zip_codes) in entry["cities"].items()
        for zip_code in zip_codes
    )
    return State(code, entry["medicaid_id"], tuple(entry["area_codes"]), tuple(places))


@cache
def names() -> tuple[Names, ...]:
    """Every group of names as often as its weight says."""
    return tuple(
        group
        for entry in _read("names").values()
        for group in (Names(**_tuples(entry)),) * entry["weight"]
    )


@cache
def diagnoses(kind: str, sex: str, age: int) -> tuple[Treatment, ...]:
    """What may lead a claim of this kind for such a person, as often as its weight says."""
    return tuple(
        entry
        for diagnosis in _treatments("diagnosis")
        if kind in diagnosis.kinds and diagnosis.fits(sex, age)
        for entry in (diagnosis,) * diagnosis.weight
    )


@cache
def procedures(care: str) -> tuple[Treatment, ...]:
    """The procedures of one kind of care; the general ones where it has none."""
    everything = _treatments("procedure")
    return tuple(p for p in everything if p.care == care) or procedures("general")


@cache
def surgery(care: str) -> Treatment | None:
    """The inpatient procedure of one kind of care, if it has one."""
    return next((s for s in _treatments("surgery") if s.care == care), None)


@cache
def drugs(sex: str, age: int) -> tuple[Treatment, ...]:
    """The drugs that such a person may be given."""
    return tuple(drug for drug in _treatments("drug") if drug.fits(sex, age))
