"""Eligibility, enrollment and plans of one person over time.

Follows their status, so that T-MSIS rules 2157, ELG097-3, -4, -6 and -G and measures EL-6-037-37
and EL-6-033-33 hold. Knows nothing of names, places or care.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from db.ingest.chance import REFERENCE, day, day_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from db.ingest.chance import Chance
    from db.ingest.directory import Network
    from db.ingest.load import Row
    from db.ingest.status import StatusSpan


class Benefits(NamedTuple):
    """Codes of ELG084, ELG085, ELG087 and ELG097 that may stand together."""

    basis: str
    dual: str
    group: str
    restricted: str


class Member(NamedTuple):
    """What coverage depends on: age in years, and from which day until which they are enrolled."""

    enrollee: str
    sex: str
    age: int
    since: int
    until: int | None


class Determinant(NamedTuple):
    """What someone is eligible for from a day to a day; None for open."""

    start: int
    end: int | None
    primary: bool
    benefits: Benefits


class PlanStay(NamedTuple):
    """A plan, its type, and the days in it; None for open."""

    plan: str
    plan_type: str
    start: int
    end: int | None


# dual-eligible code of someone who has Medicare → eligibility group, restricted benefits
_DUALS = (
    ("01", "23", "3"),
    ("01", "23", "G"),
    ("02", "23", "1"),
    ("02", "11", "1"),
    ("03", "25", "3"),
    ("03", "25", "G"),
    ("04", "25", "1"),
    ("05", "24", "3"),
    ("06", "26", "3"),
    ("06", "26", "G"),
    ("08", "37", "1"),
    ("08", "42", "1"),
    ("08", "51", "1"),
    ("09", "46", "1"),
)
_CHIP_GROUPS = frozenset({"31", "61", "62", "63", "65", "66", "67", "68"})


def benefits(chance: Chance, span: StatusSpan, member: Member) -> Benefits:
    """What a person is eligible for while that status holds."""
    sex, age = member.sex, member.age
    if span.status == "3":
        return _emergency(chance, sex, age)
    if span.status == "1" and span.bar_end is not None and chance.happens(0.4):
        return Benefits(_basis(age), "00", _plain_group(chance, age), "2")
    if age >= 65:
        return _aged(chance)
    if age >= 19:
        return _adult(chance, sex, age)
    if age < 1:
        return Benefits("04", "00", chance.pick(("06", "06", "62")), "1")
    return Benefits("04", "00", chance.pick(("07", "07", "07", "08", "28", "31", "61")), "1")


def _basis(age: int) -> str:
    return "01" if age >= 65 else "05" if age >= 19 else "04"


def _plain_group(chance: Chance, age: int) -> str:
    if age >= 65:
        return chance.pick(("37", "46"))
    return chance.pick(("01", "27", "72", "73")) if age >= 19 else "07"


def _emergency(chance: Chance, sex: str, age: int) -> Benefits:
    if sex == "F" and 16 <= age <= 45 and chance.happens(0.25):
        return Benefits("05", "00", "05", "4")
    return Benefits(_basis(age), "00", _plain_group(chance, age), "2")


def _aged(chance: Chance) -> Benefits:
    if chance.happens(0.3):
        return Benefits("01", "00", chance.pick(("12", "37", "42", "46", "59")), "1")
    return Benefits("01", *chance.pick(_DUALS))


def _adult(chance: Chance, sex: str, age: int) -> Benefits:
    draw = chance.random()
    if draw < 0.10:
        return Benefits("02", "00", chance.pick(("11", "47", "51")), "1")
    if draw < 0.14:
        return Benefits("02", *chance.pick(_DUALS))
    if draw < 0.22 and sex == "F" and age <= 45:
        return Benefits("05", "00", chance.pick(("05", "53", "67")), chance.pick(("1", "4")))
    if draw < 0.26:
        return Benefits("05", "00", chance.pick(("35", "70")), "6")
    if draw < 0.30:
        return Benefits("05", "00", "56", "5")
    if draw < 0.32:
        return Benefits("05", "00", "27", "0")
    group = chance.pick(("01", "27", "33", "72", "72", "73", "74", "75"))
    return Benefits("05", "00", group, "7" if group > "71" and chance.happens(0.2) else "1")


def determinants(chance: Chance, member: Member, spans: Sequence[StatusSpan]) -> list[Determinant]:
    """Eligibility determinants: one or two for each span of status, and now and then a second
    group beside the primary one. At least one."""
    found: list[Determinant] = []
    for span in spans:
        if member.until is not None and member.until < span.start:
            continue
        end = span.end
        if member.until is not None and (end is None or member.until < end):
            end = member.until
        primary = Determinant(span.start, end, True, benefits(chance, span, member))
        draw = chance.random()
        if draw < 0.15 and span.start < REFERENCE - 400 and (end is None or end > REFERENCE):
            cut = chance.between(span.start + 60, REFERENCE - 180)
            start = cut + 1 + chance.pick((0, 0, 31, 62))
            again = Determinant(start, end, True, benefits(chance, span, member))
            found += [primary._replace(end=cut), again]
        elif draw < 0.19:
            beside = primary._replace(primary=False, benefits=benefits(chance, span, member))
            found += [primary, beside]
        else:
            found.append(primary)
    return found


def determinant_rows(enrollee: str, case: str, found: Sequence[Determinant]) -> Iterator[Row]:
    """Eligibility determinants as rows. `case` is the case number of the household."""
    for number, (start, end, primary, what) in enumerate(found, 1):
        codes = (what.basis, what.dual, primary, what.group, what.restricted)
        yield (enrollee, number, day(start), day_or_none(end), case, *codes, ())


def enrollment(chance: Chance, member: Member, group: str) -> Iterator[Row]:
    """Enrollment spans: mostly one, sometimes with a gap or an overlap. `group` is ELG087."""
    kind = "2" if group in _CHIP_GROUPS else "9" if chance.happens(0.01) else "1"
    last = REFERENCE if member.until is None else member.until
    middle = chance.between(member.since, last)
    draw = chance.random()
    spans: tuple[tuple[int, int | None], ...] = ((member.since, member.until),)
    if draw < 0.15 and middle + 91 < last:
        spans = ((member.since, middle), (middle + chance.between(2, 90), member.until))
    elif draw < 0.18:
        spans = ((member.since, member.until), (middle, member.until))
    for number, (start, end) in enumerate(spans, 1):
        yield (member.enrollee, number, day(start), day_or_none(end), kind, ())


def plan_stays(
    chance: Chance, member: Member, network: Network, restricted: str
) -> tuple[PlanStay, ...]:
    """The plans a person was in: none, one, one after the other, a dental plan beside."""
    if not chance.happens(0.08 if restricted == "2" else 0.72):
        return ()
    (first, first_type), (second, second_type), (dental, dental_type) = network.plans
    if chance.happens(0.4):
        first, first_type, second, second_type = second, second_type, first, first_type
    last = REFERENCE if member.until is None else member.until
    start = min(member.since + chance.below(60), last)
    stays: tuple[PlanStay, ...] = (PlanStay(first, first_type, start, member.until),)
    if chance.happens(0.2):
        change = chance.between(start, last)
        # Some plans report the person for a month longer than they were there.
        late = chance.pick((0, 0, 0, 30))
        end = change + late if member.until is None else min(change + late, member.until)
        stays = (
            PlanStay(first, first_type, start, end),
            PlanStay(second, second_type, min(change + 1, last), member.until),
        )
    if chance.happens(0.25):
        stays += (PlanStay(dental, dental_type, start, member.until),)
    return stays


def participation(enrollee: str, stays: Sequence[PlanStay]) -> Iterator[Row]:
    """Managed care participation."""
    for number, stay in enumerate(stays, 1):
        days = (day(stay.start), day_or_none(stay.end))
        yield (enrollee, number, *days, stay.plan, stay.plan_type, ())
