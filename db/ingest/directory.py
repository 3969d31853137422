"""Providers and plans of every state. Knows places; knows nothing of people."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from db.ingest.chance import Chance
from db.ingest.facts import states

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.ingest.load import Row

# name, NUCC taxonomy, what it does: each state has one of every line
_PROVIDERS = (
    ("{city} General Hospital", "282N00000X", "hospital"),
    ("Saint Clare Medical Center of {city}", "282N00000X", "hospital"),
    ("{city} Skilled Nursing Center", "314000000X", "nursing"),
    ("{city} Community Health Center", "261QF0400X", "clinic"),
    ("{city} Family Medicine Group", "207Q00000X", "clinic"),
    ("{city} Pediatrics", "208000000X", "clinic"),
    ("{city} Nurse Practitioners", "363LF0000X", "clinic"),
    ("{city} Mental Health Center", "261QM0801X", "behavioral"),
    ("{city} Recovery Center", "261QR0405X", "behavioral"),
    ("{city} Pharmacy", "3336C0003X", "pharmacy"),
    ("Main Street Pharmacy of {city}", "3336C0003X", "pharmacy"),
)
_PLANS = (
    ("{state} Community Health Plan", "01"),
    ("{state} First Care", "01"),
    ("{state} Dental Partners", "14"),
)


@dataclass(frozen=True, slots=True)
class Network:
    """Whom a claim of one state may name: NPIs by what they do, plans as (number, type)."""

    providers: Mapping[str, tuple[str, ...]]
    plans: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Directory:
    """The rows of both tables, and the network of each state by its code."""

    plans: tuple[Row, ...]
    providers: tuple[Row, ...]
    networks: Mapping[str, Network]


def npi(nine_digits: int) -> str:
    """A National Provider Identifier: nine digits and the Luhn check digit over 80840 and them.

    Source: 45 CFR 162.406 and the CMS check digit specification.
    """
    digits = [int(digit) for digit in f"80840{nine_digits:09d}"]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[-1::-2])
    return f"{nine_digits:09d}{-(doubled + sum(digits[-2::-2])) % 10}"


@cache
def directory(seed: int) -> Directory:
    """The same providers and plans for every seed, under UUIDs of this one."""
    chance = Chance(seed, "directory")
    plans: list[Row] = []
    providers: list[Row] = []
    networks: dict[str, Network] = {}
    for number, state in enumerate(dict.fromkeys(states())):
        numbers = []
        for place, (name, plan_type) in enumerate(_PLANS):
            plan = f"{state.code}MC{place + 1:04d}"
            plans.append(
                (chance.uuid(), plan, name.format(state=state.code), plan_type, state.code)
            )
            numbers.append((plan, plan_type))
        by_work: dict[str, tuple[str, ...]] = {}
        cities = list(dict.fromkeys(place.city for place in state.places))
        for place, (name, taxonomy, work) in enumerate(_PROVIDERS):
            city = cities[place % len(cities)]
            # An NPI may begin with 2, and none that has been issued does.
            own = npi(200_000_000 + number * 1_000 + place * 7)
            called = name.format(city=city)
            providers.append((chance.uuid(), own, called, taxonomy, city, state.code))
            by_work[work] = (*by_work.get(work, ()), own)
        networks[state.code] = Network(by_work, tuple(numbers))
    return Directory(tuple(plans), tuple(providers), networks)
