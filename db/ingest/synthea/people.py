"""A person's source row and days of coverage → demographic, contact and enrollment rows.

Knows patients.csv and T-MSIS segments ELG00002 to ELG00021; knows no claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID, uuid4, uuid5

from db.ingest.synthea import deriving, values
from db.ingest.synthea.coverage import Program, Span, merged
from db.ingest.synthea.deriving import Draw
from db.ingest.synthea.rows import Rows
from db.ingest.synthea.tally import Reason, RowRejected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from db.ingest.synthea.reading import Record

# Fixed for good: the key of a person or claim is its source Id within this namespace.
NAMESPACE = UUID("6f1f5b0e-4a52-5d43-9d0a-7c1f3a0c9b11")

_SEX = {"m": "M", "f": "F"}
_RACE = {
    "white": "001",
    "black": "002",
    "native": "003",
    "asian": "011",
    "hawaiian": "016",
    "other": "018",
}
_ETHNICITY = {"nonhispanic": "00", "hispanic": "05"}


@dataclass(frozen=True, slots=True)
class Patient:
    """A row of patients.csv whose required fields are good; what it lacks is None."""

    line: int
    source_id: str
    enrollee_id: UUID
    first_name: str
    middle_initial: str | None
    last_name: str
    born: date
    died: date | None
    sex: str | None
    race: str | None
    ethnicity: str | None
    ssn: str | None
    birth_country: str
    street: str | None
    unit: str | None
    city: str | None
    state: str
    zip_code: str | None
    county: str | None


def patient(record: Record, drop: Callable[[Reason, str], None]) -> Patient:
    """The patient of a row. RowRejected where the person would be incomplete without a field:
    Id, birth date, names, state, and a date of death that cannot be read. Every other field that
    cannot be read is dropped by `drop` (reason, column) and left out."""

    source_id = record.text("ID")
    born = record.required("BIRTHDATE", values.day)
    died = record.optional("DEATHDATE", values.day)
    if died is not None and died < born:
        raise RowRejected(Reason.ENDS_BEFORE_START, "DEATHDATE")
    middle = record.lenient("MIDDLE", values.name, drop)
    street = record.lenient("ADDRESS", values.address, drop)
    birthplace = record.get("BIRTHPLACE").split()
    return Patient(
        line=record.line,
        source_id=source_id,
        enrollee_id=uuid5(NAMESPACE, f"patient {source_id}"),
        first_name=record.required("FIRST", values.name),
        middle_initial=middle[0] if middle else None,
        last_name=record.required("LAST", values.name),
        born=born,
        died=died,
        sex=record.lenient("GENDER", lambda text: _coded(text, _SEX), drop),
        race=record.lenient("RACE", lambda text: _coded(text, _RACE), drop),
        ethnicity=record.lenient("ETHNICITY", lambda text: _coded(text, _ETHNICITY), drop),
        ssn=record.lenient("SSN", values.ssn, drop),
        # The last word, where it is a country code: `Hanoi    VN`.
        birth_country=birthplace[-1] if birthplace and len(birthplace[-1]) == 2 else "",
        street=street[0] if street else None,
        unit=street[1] if street else None,
        city=record.lenient("CITY", lambda text: values.line(text, 28), drop),
        state=record.required("STATE", values.state),
        zip_code=record.lenient("ZIP", values.zip_code, drop),
        county=record.lenient("FIPS", values.county, drop),
    )


def _coded(text: str, codes: dict[str, str]) -> str:
    code = codes.get(text.casefold())
    if code is None:
        raise RowRejected(Reason.UNKNOWN_CODE)
    return code


def plan_number(state: str, program: Program) -> str:
    """STATE-PLAN-ID-NUM of the plan that stands for a Synthea payer in a state."""
    return f"SYN-{state}-{'DUAL' if program is Program.DUAL else 'MCD'}"


def add_person(
    rows: Rows, person: Patient, spans: Sequence[Span], last_day: date, seed: int
) -> None:
    """All rows of a person but claims. `spans` are days of coverage by program, in order;
    `last_day` is the last day that the source knows."""
    draw = Draw(seed, person.source_id)
    rows.add(
        "enrollee",
        ("msis_identification_num", "msis_id_ssn_based"),
        enrollee_id=person.enrollee_id,
        submitting_state=person.state,
        msis_identification_num=deriving.medicaid_id(draw, person.state),
        msis_id_ssn_based=False,
        eligible_first_name=person.first_name,
        eligible_middle_init=person.middle_initial,
        eligible_last_name=person.last_name,
        date_of_birth=person.born,
        date_of_death=person.died,
        sex=person.sex,
        # Random, so that nothing of the source leads to it; it is written once and then kept.
        pseudonym=uuid4(),
    )
    status = deriving.status(
        draw,
        person.birth_country,
        medicare=any(span.program is Program.DUAL for span in spans),
    )
    _add_standing(rows, person, draw, status, spans[0].start if spans else person.born)
    _add_coverage(rows, person, spans)
    stages = [stage for span in spans for stage in by_age(span, person.born, last_day)]
    _add_eligibility(rows, person, draw, status, stages)


def _add_standing(
    rows: Rows, person: Patient, draw: Draw, status: deriving.Status, since: date
) -> None:
    """What Synthea knows as of the end alone, as one span from the first day of coverage."""
    span = {
        "enrollee_id": person.enrollee_id,
        "span_num": 1,
        "effective_date": since,
        "end_date": person.died,
    }
    rows.add(
        "variable_demographics",
        (
            *("effective_date", "citizenship_ind", "citizenship_verification_flag"),
            *("immigration_status", "immigration_verification_flag"),
        ),
        **span,
        ssn=person.ssn,
        citizenship_ind=status.citizenship,
        citizenship_verification_flag=status.citizenship_verified,
        immigration_status=status.immigration,
        immigration_verification_flag=status.immigration_verified,
    )
    if person.street is not None and person.city is not None:
        rows.add(
            "home_address",
            ("effective_date",),
            **span,
            addr_ln1=person.street,
            addr_ln2=person.unit,
            city=person.city,
            state=person.state,
            zip=person.zip_code,
            county=person.county,
        )
    number = deriving.phone(draw, person.state)
    rows.add("phone", ("effective_date", "phone_number"), **span, phone_number=number)
    if person.ethnicity is not None:
        rows.add("ethnicity", ("effective_date",), **span, ethnicity_code=person.ethnicity)
    if person.race is not None:
        rows.add("race", ("effective_date",), **span, race=person.race)


def _add_coverage(rows: Rows, person: Patient, spans: Sequence[Span]) -> None:
    for number, span in enumerate(merged(spans), start=1):
        rows.add(
            "enrollment_time_span",
            _derived_ends(span),
            **_span(person, number, span),
            enrollment_type="1",
        )
    for number, span in enumerate(spans, start=1):
        rows.add(
            "managed_care_participation",
            (*_derived_ends(span), "managed_care_plan_id", "enrolled_managed_care_plan_type"),
            **_span(person, number, span),
            managed_care_plan_id=plan_number(person.state, span.program or Program.MEDICAID),
            enrolled_managed_care_plan_type="99",
        )


def _add_eligibility(
    rows: Rows, person: Patient, draw: Draw, status: deriving.Status, stages: Sequence[Span]
) -> None:
    case = deriving.case_number(draw)
    for number, stage in enumerate(stages, start=1):
        determinant = deriving.determinant(
            draw,
            age(person.born, stage.start),
            dual=stage.program is Program.DUAL,
            immigration=status.immigration,
        )
        rows.add(
            "eligibility_determinant",
            (
                *(*_derived_ends(stage), "msis_case_num", "dual_eligible_code"),
                *("primary_eligibility_group_ind", "eligibility_group"),
                "restricted_benefits_code",
            ),
            **_span(person, number, stage),
            msis_case_num=case,
            dual_eligible_code=determinant.dual,
            primary_eligibility_group_ind=True,
            eligibility_group=determinant.group,
            restricted_benefits_code=determinant.restricted,
        )


def _span(person: Patient, number: int, span: Span) -> dict[str, object]:
    return {
        "enrollee_id": person.enrollee_id,
        "span_num": number,
        "effective_date": span.start,
        "end_date": span.end,
    }


def _derived_ends(span: Span) -> tuple[str, ...]:
    return ("effective_date",) * span.start_derived + ("end_date",) * span.end_derived


def age(born: date, on: date) -> int:
    """Whole years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def by_age(span: Span, born: date, last_day: date) -> list[Span]:
    """The span, cut where the person turned 19 and 65: eligibility groups end there."""
    stages = [span]
    for years in (19, 65):
        last = stages[-1]
        # Born on 29 February: the birthday of a common year is 1 March (most states' rule).
        try:
            birthday = born.replace(year=born.year + years)
        except ValueError:
            birthday = date(born.year + years, 3, 1)
        if last.start < birthday and birthday <= (last.end or last_day):
            stages[-1:] = [
                Span(
                    last.start,
                    date.fromordinal(birthday.toordinal() - 1),
                    last.program,
                    last.start_derived,
                    end_derived=True,
                ),
                Span(
                    birthday,
                    last.end,
                    last.program,
                    start_derived=True,
                    end_derived=last.end_derived,
                ),
            ]
    return stages
