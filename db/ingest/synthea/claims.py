"""Visits with what was found, done and prescribed → claims. Knows T-MSIS claims; reads no file.

One claim per visit and one per drug order, which is what claims.csv holds where it is there; its
rows then only add the claim's number, diagnoses and date, and never a second claim.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from db.ingest.synthea.labels import NONE, LabelBook, Labels
from db.ingest.synthea.people import NAMESPACE, Patient, age, plan_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.ingest.synthea.coverage import Program
    from db.ingest.synthea.rows import Rows


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A row of claims.csv: its Id, the SNOMED CT diagnoses, the day it was closed."""

    source_id: str
    diagnoses: tuple[str, ...]
    closed: date | None


@dataclass(frozen=True, slots=True)
class Procedure:
    """What was done, on a day, for how much."""

    day: date
    code: str
    system: str
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Drug:
    """A drug order: RxNorm code, days, fills, cost, what the payer covers, why (SNOMED CT)."""

    key: str
    day: date
    stop: date | None
    program: Program | None
    code: str
    fills: int | None
    cost: Decimal | None
    paid: Decimal | None
    reason: str
    labels: Labels


@dataclass(slots=True)
class Encounter:
    """A visit and all that refers to it. `conditions` are codes with their systems, in order."""

    source_id: str
    day: date
    stop: date | None
    kind: str
    program: Program | None
    organization: str
    provider: str
    code: str
    reason: str
    base_cost: Decimal | None
    cost: Decimal | None
    paid: Decimal | None
    labels: Labels = NONE
    conditions: dict[str, str] = field(default_factory=dict)
    procedures: list[Procedure] = field(default_factory=list)
    drugs: list[Drug] = field(default_factory=list)
    claims: list[ClaimRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Directory:
    """NPIs by key of provider, and the labels of codes: what claims need beside the visit."""

    numbers: Mapping[str, str]
    book: LabelBook


# ENCOUNTERCLASS → the T-MSIS file, PLACE-OF-SERVICE (on COT alone), TYPE-OF-SERVICE.
_CLASSES: dict[str, tuple[str, str | None, str]] = {
    "inpatient": ("IP", None, "001"),
    "snf": ("LT", None, "009"),
    "ambulatory": ("OT", "11", "012"),
    "wellness": ("OT", "11", "041"),
    "outpatient": ("OT", "22", "002"),
    "emergency": ("OT", "23", "060"),
    "urgentcare": ("OT", "20", "028"),
    "virtual": ("OT", "02", "012"),
    "hospice": ("OT", "34", "087"),
    "home": ("OT", "12", "016"),
}
_OTHER_CLASS = ("OT", None, "012")
# Under 21 these services are classes of their own (42 CFR 440.40, 441.50).
_UNDER_21 = {"009": "059", "041": "010"}


def add_claims(
    rows: Rows, person: Patient, visit: Encounter, known: Directory, *, everyone: bool
) -> None:
    """The claims that Medicaid paid for, or all: the visit's own, then one for each drug order."""
    if everyone or visit.program is not None:
        _add_visit_claim(rows, person, visit, known)
    for place, drug in enumerate(visit.drugs, start=1):
        if everyone or drug.program is not None:
            stated = visit.claims[place] if place < len(visit.claims) else None
            _add_drug_claim(rows, person, drug, stated, known)


def _add_visit_claim(rows: Rows, person: Patient, visit: Encounter, known: Directory) -> None:
    """The claim of a visit: header, diagnoses, one line for the visit, one for each procedure."""
    kind, place, service = _CLASSES.get(visit.kind, _OTHER_CLASS)
    if age(person.born, visit.day) < 21:
        service = _UNDER_21.get(service, service)
    stay = kind in {"IP", "LT"}
    claim_id = uuid5(NAMESPACE, f"visit {visit.source_id}")
    stated = visit.claims[0] if visit.claims else None
    diagnoses = _diagnoses(stated, visit.reason, visit.conditions)
    _add_header(
        rows,
        person,
        claim_id,
        stated,
        diagnoses,
        labels=_with_codes(visit.labels, diagnoses, known.book),
        program=visit.program,
        claim_kind=kind,
        beginning_date_of_service=visit.day,
        ending_date_of_service=visit.stop,
        admission_date=visit.day if stay else None,
        discharge_date=visit.stop if stay else None,
        covered_days=(visit.stop - visit.day).days if stay and visit.stop else None,
        place_of_service=place,
        billing_prov_npi_num=known.numbers.get(visit.organization),
        tot_billed_amt=visit.cost,
        tot_medicaid_paid_amt=visit.paid if visit.program else Decimal(0),
    )
    servicing = known.numbers.get(visit.provider)
    first = Procedure(visit.day, visit.code, "SNOMED", visit.base_cost)
    for number, done in enumerate((first, *visit.procedures), start=1):
        rows.add(
            "claim_line",
            ("type_of_service", "servicing_prov_npi_num"),
            enrollee_id=person.enrollee_id,
            claim_id=claim_id,
            line_num=number,
            beginning_date_of_service=done.day,
            procedure_code=done.code or None,
            procedure_code_system=done.system if done.code else None,
            type_of_service=service,
            servicing_prov_npi_num=servicing,
            billed_amt=done.cost,
        )


def _add_drug_claim(
    rows: Rows, person: Patient, drug: Drug, stated: ClaimRow | None, known: Directory
) -> None:
    """The pharmacy claim of a drug order. Synthea knows no pharmacy, so no provider bills it."""
    claim_id = uuid5(NAMESPACE, f"drug {drug.key}")
    diagnoses = _diagnoses(stated, drug.reason, {})
    paid = drug.paid if drug.program else Decimal(0)
    _add_header(
        rows,
        person,
        claim_id,
        stated,
        diagnoses,
        labels=_with_codes(drug.labels, diagnoses, known.book),
        program=drug.program,
        claim_kind="RX",
        beginning_date_of_service=drug.day,
        tot_billed_amt=drug.cost,
        tot_medicaid_paid_amt=paid,
    )
    supply = None
    if drug.stop is not None and drug.fills:
        supply = round((drug.stop - drug.day).days / drug.fills)
    rows.add(
        "claim_line",
        ("days_supply", "type_of_service"),
        enrollee_id=person.enrollee_id,
        claim_id=claim_id,
        line_num=1,
        beginning_date_of_service=drug.day,
        drug_code=drug.code,
        drug_code_system="RXNORM",
        days_supply=supply,
        type_of_service="033",
        billed_amt=drug.cost,
        medicaid_paid_amt=paid,
    )


def _diagnoses(
    stated: ClaimRow | None, reason: str, conditions: dict[str, str]
) -> list[tuple[str, str]]:
    """Code and system, each code once: those of claims.csv, the reason, the conditions found."""
    found: dict[str, str] = dict.fromkeys(stated.diagnoses, "SNOMED") if stated else {}
    if reason:
        found.setdefault(reason, "SNOMED")
    for code, system in conditions.items():
        found.setdefault(code, system)
    return list(found.items())


def _with_codes(labels: Labels, diagnoses: list[tuple[str, str]], book: LabelBook) -> list[str]:
    return sorted(labels.union(*(book.of(code) for code, _ in diagnoses)))


def _add_header(
    rows: Rows,
    person: Patient,
    claim_id: UUID,
    stated: ClaimRow | None,
    diagnoses: list[tuple[str, str]],
    *,
    labels: list[str],
    program: Program | None,
    **values: object,
) -> None:
    first = diagnoses[0] if diagnoses else (None, None)
    rows.add(
        "claim",
        (
            *(() if stated else ("icn_orig",)),
            *("adjudication_date", "place_of_service", "covered_days", "billing_prov_npi_num"),
            *("plan_id_number", "sensitivity_labels"),
        ),
        enrollee_id=person.enrollee_id,
        claim_id=claim_id,
        submitting_state=person.state,
        icn_orig=stated.source_id if stated else str(claim_id),
        adjudication_date=stated.closed if stated else None,
        diagnosis_code=first[0],
        diagnosis_code_system=first[1],
        plan_id_number=plan_number(person.state, program) if program else None,
        sensitivity_labels=labels,
        **values,
    )
    for number, (code, system) in enumerate(diagnoses, start=1):
        rows.add(
            "claim_diagnosis",
            enrollee_id=person.enrollee_id,
            claim_id=claim_id,
            diagnosis_num=number,
            diagnosis_code=code,
            diagnosis_code_system=system,
        )
