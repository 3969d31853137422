"""Where a household lives, gets its mail and answers the phone, over time.

City, ZIP code, county and state of an address are those of one place. Knows places; knows nothing
of status or care.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from db.ingest.chance import REFERENCE, day, day_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from db.ingest.chance import Chance
    from db.ingest.facts import Place, State
    from db.ingest.load import Row

_STREETS: Final = (
    "Main St",
    "Oak Ave",
    "Cedar Ln",
    "Maple Dr",
    "2nd St",
    "14th Ave NE",
    "Martin Luther King Jr Blvd",
    "Cesar Chavez Ave",
    "County Road 12",
    "Sunset Blvd",
    "Lincoln Way",
    "Mission St",
    "Riverside Dr",
    "Washington St",
    "E Broadway",
    "Park Pl",
)


class Stay(NamedTuple):
    """An address or a number from a day to a day; None for open. `what` is its own columns."""

    start: int
    end: int | None
    what: tuple[str | None, ...]


class Contact(NamedTuple):
    """All that the members of a household share."""

    homes: tuple[Stay, ...]
    mail: tuple[Stay, ...]
    phones: tuple[Stay, ...]


def contact(chance: Chance, state: State, since: int) -> Contact:
    """Addresses and numbers of a household that was first known on that day."""
    current = _address(chance, chance.pick(state.places))
    draw = chance.random()
    moved = chance.between(since, REFERENCE - 60)
    homes: tuple[Stay, ...] = (Stay(since, None, current),)
    if draw < 0.20:
        earlier = _address(chance, chance.pick(state.places))
        homes = (Stay(since, moved, earlier), Stay(moved + 1, None, current))
    elif draw < 0.23:  # both open: which is current, is for the reader's rule to say
        other = _address(chance, chance.pick(state.places))
        homes = (Stay(since, None, other), Stay(moved + 1, None, current))
    elif draw < 0.25:  # known in advance
        next_home = _address(chance, chance.pick(state.places))
        to_come = REFERENCE + chance.between(90, 400)
        homes = (Stay(since, to_come - 1, current), Stay(to_come, None, next_home))
    elif draw < 0.26:  # nothing known since they left
        homes = (Stay(since, moved, current),)
    elif draw < 0.27:  # never had one
        homes = ()
    return Contact(homes, _mail(chance, state, since, current), phones(chance, state, since))


def _mail(
    chance: Chance, state: State, since: int, home: tuple[str | None, ...]
) -> tuple[Stay, ...]:
    draw = chance.random()
    if draw < 0.55:
        return ()
    if draw < 0.85:
        return (Stay(since, None, home),)
    place = chance.pick(state.places)
    box = (f"PO Box {chance.between(10, 9999)}", None, None)
    return (Stay(since, None, (*box, place.city, place.state, place.zip, place.county)),)


def phones(chance: Chance, state: State, since: int) -> tuple[Stay, ...]:
    """A number, none, or an old one and a new one."""
    draw = chance.random()
    if draw < 0.12:
        return ()
    number = (_number(chance, state),)
    if draw < 0.90:
        return (Stay(since, None, number),)
    changed = chance.between(since, REFERENCE - 60)
    earlier = Stay(since, changed, (_number(chance, state),))
    return (earlier,) if draw < 0.92 else (earlier, Stay(changed + 1, None, number))


def _number(chance: Chance, state: State) -> str:
    # 555-0100 to 555-0199 are reserved for fiction (ATIS-0300115).
    return f"{chance.pick(state.area_codes)}55501{chance.below(100):02d}"


def _address(chance: Chance, place: Place) -> tuple[str | None, ...]:
    second = f"Apt {chance.between(1, 40)}" if chance.happens(0.35) else None
    third = "c/o Family Services" if chance.happens(0.02) else None
    zip_code = place.zip
    if chance.happens(0.2):
        zip_code += f"{chance.between(1001, 9899)}"
    street = f"{chance.between(1, 9899)} {chance.pick(_STREETS)}"
    return (street, second, third, place.city, place.state, zip_code, place.county)


def stays(enrollee: str, since: int, places: tuple[Stay, ...]) -> Iterator[Row]:
    """The rows of one person who came into the household on that day."""
    number = 0
    for start, end, what in places:
        if end is None or end >= since:
            number += 1
            first = start if start > since else since
            yield (enrollee, number, day(first), day_or_none(end), *what, ())
