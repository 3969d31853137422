"""Claims of one person: inpatient, long-term, other and pharmacy, with diagnoses and lines.

A claim carries the sensitivity labels of every code on it. Knows clinical codes and whom a claim
may name; knows nothing of status or places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from db.ingest.chance import REFERENCE, day, dollars
from db.ingest.facts import diagnoses, drugs, procedures, surgery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.ingest.chance import Chance
    from db.ingest.coverage import PlanStay
    from db.ingest.directory import Network
    from db.ingest.facts import Treatment
    from db.ingest.load import Row

MONTHS_36: Final = 1096

# How many claims people have: five on average, a few with many.
_COUNTS: Final = (0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 12, 15)
_KINDS: Final = ("OT",) * 11 + ("RX",) * 7 + ("IP",) * 2
_KINDS_65: Final = ("OT",) * 9 + ("RX",) * 7 + ("IP",) * 2 + ("LT",) * 2
_ROOMS: Final = {"IP": ("0120", "0250", "0300", "0450"), "LT": ("0120", "0420", "0550")}


class Patient(NamedTuple):
    """Who is treated: age in years; first and last day of care; `number` makes ICNs unique."""

    enrollee: str
    number: int
    state: str
    sex: str
    age: int
    first: int
    last: int


class Line(NamedTuple):
    """A claim line: what was done or given (a procedure, a drug, a revenue code), and its price."""

    what: Treatment | None
    system: str | None
    revenue: str | None
    service: str
    price: int


class Claims(NamedTuple):
    """Rows of the three claim tables."""

    headers: list[Row]
    diagnoses: list[Row]
    lines: list[Row]


def care(
    chance: Chance, patient: Patient, network: Network, stays: Sequence[PlanStay], into: Claims
) -> None:
    """Adds the claims of the 36 months before the reference date to `into`."""
    first = max(patient.first, REFERENCE - MONTHS_36)
    if first > patient.last:
        return
    kinds = _KINDS_65 if patient.age >= 65 else _KINDS
    for number in range(chance.pick(_COUNTS)):
        kind = chance.pick(kinds)
        begin = chance.between(first, patient.last)
        _claim(chance, patient, network, stays, into, kind, begin, number)


def _claim(
    chance: Chance,
    patient: Patient,
    network: Network,
    stays: Sequence[PlanStay],
    into: Claims,
    kind: str,
    begin: int,
    number: int,
) -> None:
    claim = chance.uuid()
    found = _findings(chance, patient, kind)
    lines = _lines(chance, patient, kind, found)
    nights = _nights(chance, kind, patient.last - begin)
    end = begin + nights
    billed = allowed = paid = 0
    provider = _provider(chance, network, kind, found)
    denied = chance.happens(0.05)
    for at, line in enumerate(lines, 1):
        charge = line.price * chance.between(80, 140) // 100
        granted = charge * 7 // 10
        paid_here = 0 if denied else granted
        billed, allowed, paid = billed + charge, allowed + granted, paid + paid_here
        row = _line_row(patient.enrollee, claim, at, begin, line, provider, charge, paid_here)
        into.lines.append(row)
    for at, finding in enumerate(found, 1):
        into.diagnoses.append((patient.enrollee, claim, at, finding.code, "ICD10CM", ()))
    labels = {label for finding in found for label in finding.labels}
    labels.update(label for line in lines if line.what for label in line.what.labels)
    adjudicated = end + chance.between(5, 45)
    inpatient = kind == "IP"
    first_day, last_day, decided = day(begin), day(end), day(adjudicated)
    into.headers.append(
        (
            patient.enrollee,
            claim,
            patient.state,
            kind,
            f"{begin}{patient.number:08d}{number:02d}",
            first_day,
            last_day,
            first_day if inpatient else None,
            last_day if inpatient else None,
            decided,
            None if denied else day(adjudicated + 7),
            found[0].code if found else None,
            "ICD10CM" if found else None,
            _BILLS.get(kind),
            chance.pick(("11", "11", "22", "23", "50", "81")) if kind == "OT" else None,
            nights if kind in _BILLS else None,
            provider,
            _plan_on(stays, begin),
            dollars(billed),
            dollars(allowed),
            dollars(paid),
            tuple(sorted(labels)),
            (),
        )
    )


_BILLS: Final = {"IP": "0111", "LT": "0211"}


def _line_row(
    enrollee: str,
    claim: str,
    number: int,
    begin: int,
    line: Line,
    provider: str,
    charge: int,
    paid: int,
) -> Row:
    what, is_drug = line.what, line.system == "NDC"
    code = what.code if what else None
    return (
        enrollee,
        claim,
        number,
        day(begin),
        None if is_drug else code,
        None if is_drug else line.system,
        code if is_drug else None,
        "NDC" if is_drug else None,
        what.quantity if is_drug and what else 1,
        what.days if is_drug and what else None,
        line.revenue,
        line.service,
        provider,
        dollars(charge),
        dollars(paid),
        (),
    )


def _findings(chance: Chance, patient: Patient, kind: str) -> list[Treatment]:
    """One to three diagnoses, none twice. Pharmacy claims have none (CRX has no such element)."""
    if kind == "RX":
        return []
    leading = diagnoses(kind, patient.sex, patient.age)
    found = [chance.pick(leading)]
    more = chance.random()
    if more > 0.5:
        others = diagnoses("OT", patient.sex, patient.age)
        for _ in range(1 if more < 0.85 else 2):
            other = chance.pick(others)
            if other not in found:
                found.append(other)
    return found


def _lines(chance: Chance, patient: Patient, kind: str, found: list[Treatment]) -> list[Line]:
    count = chance.pick((1, 1, 1, 2, 2, 3))
    if kind == "RX":
        options = drugs(patient.sex, patient.age)
        given = [chance.pick(options) for _ in range(min(count, 2))]
        return [Line(drug, "NDC", None, "033", drug.price) for drug in given]
    if kind == "OT":
        done = procedures(found[0].care)
        picks = [chance.pick(done) for _ in range(count)]
        return [Line(p, "HCPCS", None, p.service, p.price) for p in picks]
    service = "001" if kind == "IP" else "009"
    operation = surgery(found[0].care) if kind == "IP" else None
    lines = [
        Line(None, None, chance.pick(_ROOMS[kind]), service, chance.between(40_000, 900_000))
        for _ in range(count)
    ]
    if operation:
        lines[0] = Line(operation, "ICD10PCS", "0360", service, operation.price)
    return lines


def _nights(chance: Chance, kind: str, room: int) -> int:
    """Length of the stay in days, within the days that are left."""
    match kind:
        case "IP":
            return min(chance.between(1, 9), room)
        case "LT":
            return min(chance.pick((14, 28, 30)), room)
        case _:
            return 0


def _provider(chance: Chance, network: Network, kind: str, found: list[Treatment]) -> str:
    work = {"IP": "hospital", "LT": "nursing", "RX": "pharmacy"}.get(kind, "clinic")
    if kind == "OT" and found[0].care in ("behavioral", "substance"):
        work = "behavioral"
    return chance.pick(network.providers[work])


def _plan_on(stays: Sequence[PlanStay], begin: int) -> str | None:
    for stay in stays:
        if stay.start <= begin and (stay.end is None or begin <= stay.end):
            return stay.plan
    return None
