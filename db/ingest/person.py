"""Who a member of a household is, and all of their records as rows.

Calls the modules that decide about status, contact, coverage and care, in that order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from db.ingest.care import Claims, Patient, care
from db.ingest.chance import REFERENCE, day, day_or_none, scattered
from db.ingest.contact import Contact, contact, phones, stays
from db.ingest.coverage import (
    Member,
    determinant_rows,
    determinants,
    enrollment,
    participation,
    plan_stays,
)
from db.ingest.facts import Names, State, names, states
from db.ingest.status import SSN_CARDS, Card, Status, deal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from db.ingest.chance import Chance
    from db.ingest.directory import Network
    from db.ingest.household import Slot
    from db.ingest.load import Row

_OFFICES: Final = ("State verification unit", "County eligibility office", "USCIS SAVE")
_EVIDENCE: Final = (
    "SAVE response, third step",
    "order of removal, final",
    "notice of denial, no appeal",
    "review of documents",
)
_INITIALS: Final = "ABCDEFGHJKLMNPRSTVW"


class Home(NamedTuple):
    """What the members of a household have in common; `since` is a day number."""

    state: State
    names: Names
    family_name: str
    language: str
    case: str
    income: str
    size: int
    since: int
    contact: Contact


class Person(NamedTuple):
    """A member. `until` is the last day of enrollment, None for open; days are numbers."""

    home: Home
    slot: Slot
    number: int
    enrollee: str
    medicaid_id: str
    id_marked: bool
    ssn: str | None
    status: Status
    since: int
    until: int | None
    death: int | None


def draw_home(chance: Chance, number: int, size: int, seed: int) -> Home:
    """The household whose first member has that number."""
    state = chance.pick(states())
    group = chance.pick(names())
    # Far enough behind that every status card has room (status.BEHIND); children are older.
    since = REFERENCE - chance.between(280, 11 * 365)
    return Home(
        state,
        group,
        chance.pick(group.family),
        chance.pick(group.languages),
        f"{state.code}{scattered(number, seed, 'case')}",
        f"0{chance.between(1, 8)}",
        size + chance.pick((0, 0, 0, 1)),
        since,
        contact(chance, state, since),
    )


def draw_person(
    chance: Chance, home: Home, slot: Slot, number: int, seed: int, first: Person | None
) -> Person:
    """One member. `number` counts people over all blocks; `first` is the first of the household."""
    enrollee = chance.uuid()
    since = max(home.since, slot.birth)
    death = until = None
    if slot.age >= 75 and slot.card is Card.CITIZEN and chance.happens(0.04):
        death = until = REFERENCE - chance.between(10, 270)
    elif slot.age > 0 and chance.happens(0.07):
        until = chance.between(since + 90, REFERENCE - 30)
    status = deal(chance, slot.card, since)
    # No SSN that begins with 9 has been issued.
    ssn = f"9{scattered(number, seed, 'ssn')}" if _has_ssn(chance, slot.card, status) else None
    medicaid_id, marked = home.state.medicaid_id.format(scattered(number, seed, "medicaid")), False
    if first is not None and slot.shares_id:
        medicaid_id = first.medicaid_id
    elif ssn and slot.card in SSN_CARDS:
        medicaid_id = medicaid_id if slot.card is Card.ID_MARKED_AS_SSN else ssn
        marked = slot.card is not Card.ID_EQUALS_SSN
    elif ssn and slot.card is Card.CITIZEN and slot.age > 0 and chance.happens(0.015):
        medicaid_id, marked = ssn, True
    return Person(
        home, slot, number, enrollee, medicaid_id, marked, ssn, status, since, until, death
    )


def _has_ssn(chance: Chance, card: Card, status: Status) -> bool:
    if card in SSN_CARDS:
        return True
    last = status.spans[-1]
    if last.citizenship in ("1", "2"):
        return chance.happens(0.97)
    return chance.happens(0.9 if last.status in ("1", "2") else 0.15)


def write(chance: Chance, person: Person, network: Network, rows: dict[str, list[Row]]) -> None:
    """Adds every row of the person to the lists of their tables."""
    home, slot, enrollee, since = person.home, person.slot, person.enrollee, person.since
    rows["enrollee"].append(_primary_demographics(chance, person))
    rows["variable_demographics"] += _variable_demographics(chance, person)
    rows["immigration_determination"] += _determinations(chance, person)
    rows["home_address"] += stays(enrollee, since, home.contact.homes)
    rows["mailing_address"] += stays(enrollee, since, home.contact.mail)
    numbers = home.contact.phones
    if slot.age >= 16 and chance.happens(0.5):
        numbers = phones(chance, home.state, home.since)
    rows["phone"] += stays(enrollee, since, numbers)
    rows["race"] += _races(chance, person)
    rows["ethnicity"] += _ethnicities(chance, person)
    rows["disability"] += _disabilities(chance, person)

    member = Member(enrollee, slot.sex, slot.age, since, person.until)
    found = determinants(chance, member, person.status.spans)
    rows["eligibility_determinant"] += determinant_rows(enrollee, home.case, found)
    rows["enrollment_time_span"] += enrollment(chance, member, found[0].benefits.group)
    plans = plan_stays(chance, member, network, found[0].benefits.restricted)
    rows["managed_care_participation"] += participation(enrollee, plans)

    last = REFERENCE if person.until is None else person.until
    state = home.state.code
    patient = Patient(enrollee, person.number, state, slot.sex, slot.age, since, last)
    claims = Claims(rows["claim"], rows["claim_diagnosis"], rows["claim_line"])
    care(chance, patient, network, plans, claims)


def _primary_demographics(chance: Chance, person: Person) -> Row:
    home, slot = person.home, person.slot
    given = home.names.male if slot.sex == "M" else home.names.female
    return (
        person.enrollee,
        home.state.code,
        person.medicaid_id,
        person.id_marked,
        chance.pick(given),
        chance.pick(_INITIALS) if chance.happens(0.6) else None,
        home.family_name if chance.happens(0.85) else chance.pick(home.names.family),
        day(slot.birth),
        day_or_none(person.death),
        slot.sex,
        chance.uuid(),
        (),
    )


def _variable_demographics(chance: Chance, person: Person) -> Iterator[Row]:
    home, slot = person.home, person.slot
    marital = f"{chance.between(1, 12):02d}" if slot.age >= 19 else "01"
    veteran = slot.age >= 19 and chance.happens(0.04)
    for number, span in enumerate(person.status.spans, 1):
        yield (
            person.enrollee,
            number,
            day(span.start),
            day_or_none(span.end),
            person.ssn,
            marital,
            home.income,
            veteran,
            span.citizenship,
            span.citizenship_verified,
            span.status,
            span.verified,
            day_or_none(span.bar_end),
            home.language,
            home.size,
            (),
        )


def _determinations(chance: Chance, person: Person) -> Iterator[Row]:
    for number, found in enumerate(person.status.determinations, 1):
        yield (
            person.enrollee,
            number,
            day(found.start),
            day(found.end),
            found.outcome,
            chance.pick(_OFFICES),
            day(found.start - chance.below(40)),
            chance.pick(_EVIDENCE),
            (),
        )


def _races(chance: Chance, person: Person) -> Iterator[Row]:
    races = dict.fromkeys((chance.pick(person.home.names.races),))
    if chance.happens(0.06):
        races[chance.pick(("001", "002", "003", "018"))] = None
    for number, race in enumerate(races, 1):
        yield (person.enrollee, number, day(person.since), None, race, ())


def _ethnicities(chance: Chance, person: Person) -> Iterator[Row]:
    code = chance.pick(person.home.names.ethnicities)
    change = chance.between(person.since + 1, REFERENCE)
    if person.since + 1 < change and chance.happens(0.03):
        yield (person.enrollee, 1, day(person.since), day(change - 1), "09", ())
        yield (person.enrollee, 2, day(change), None, code, ())
    else:
        yield (person.enrollee, 1, day(person.since), None, code, ())


def _disabilities(chance: Chance, person: Person) -> Iterator[Row]:
    age = person.slot.age
    if chance.happens(0.35 if age >= 65 else 0.12 if age >= 19 else 0.04):
        codes = dict.fromkeys(f"0{chance.between(1, 7)}" for _ in range(chance.pick((1, 1, 2))))
        for number, code in enumerate(codes, 1):
            yield (person.enrollee, number, day(person.since), None, code, ())
