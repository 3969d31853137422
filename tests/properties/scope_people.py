"""People of whom each lacks one thing that row scopes ask for, and who loses sight of them by it.

`LETTERS` are what a role sees of somebody for whom all holds: E the person, 1 and 2 the claims.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import asyncpg

DAY = date(2026, 3, 15)
"""The day of the requests; all that holds of somebody holds on it."""
BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)
LONG_AGO = date(2020, 1, 1)

LETTERS = {
    "immigration_enforcement": "E",
    "beneficiary": "E12",
    "front_desk": "E",
    "eligibility_worker": "E",
    "eligibility_supervisor": "E",
    "managed_care_plan": "E12",
    "provider": "E12",
    "program_integrity": "E12",
    "researcher": "E12",
    "break_glass": "E12",
    "actuary": "",
    "auditor": "",
    "policy_administrator": "",
}

COUNTY = {"front_desk": "E", "eligibility_worker": "E"}
STATE = dict.fromkeys(
    ("eligibility_worker", "eligibility_supervisor", "program_integrity", "researcher"), "E"
)
POPULATION = {"immigration_enforcement": "E"}
MEMBER = {"managed_care_plan": "E"}
SUBSTANCE_USE = {"managed_care_plan": "1", "provider": "1", "researcher": "1"}
SENSITIVE = {"researcher": "1"}

Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """What is different about somebody: the rows of some tables, each by what it says otherwise;
    and the letters that roles lose."""

    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)


def _homes(*rows: Row) -> dict[str, Sequence[Row]]:
    return {"home_address": rows}


def _spans(*rows: Row) -> dict[str, Sequence[Row]]:
    return {"managed_care_participation": rows}


def _claims(*rows: Row) -> dict[str, Sequence[Row]]:
    return {"claim": rows}


def _status(*rows: Row) -> dict[str, Sequence[Row]]:
    return {"variable_demographics": rows}


def _outcomes(*rows: Row) -> dict[str, Sequence[Row]]:
    return {"immigration_determination": rows}


def _labelled(*labels: str) -> dict[str, Sequence[Row]]:
    return _claims({"sensitivity_labels": list(labels)})


HERE, THERE = "06001", "06003"

CASES: dict[str, Case] = {
    "everything holds": Case(),
    # own_county: the current home address
    "lives in another county": Case(_homes({"county": THERE}), COUNTY),
    "gets mail in the county": Case(
        {**_homes({"county": THERE}), "mailing_address": [{"county": HERE}]}, COUNTY
    ),
    "lives in the county until today": Case(_homes({"end_date": DAY})),
    "lived in the county until yesterday": Case(_homes({"end_date": BEFORE}), COUNTY),
    "moves to the county tomorrow": Case(_homes({"effective_date": AFTER}), COUNTY),
    "moved from the county to another": Case(
        _homes({"end_date": BEFORE}, {"effective_date": DAY, "county": THERE}), COUNTY
    ),
    "moved to the county from another": Case(
        _homes({"end_date": BEFORE, "county": THERE}, {"effective_date": DAY})
    ),
    "has two homes and moved elsewhere last": Case(
        _homes({}, {"effective_date": BEFORE, "county": THERE}), COUNTY
    ),
    "has two homes and moved here last": Case(
        _homes({"county": THERE}, {"effective_date": BEFORE})
    ),
    "has two homes since one day, the later number elsewhere": Case(
        _homes({}, {"county": THERE}), COUNTY
    ),
    "has no home on record": Case(_homes(), COUNTY),
    "has a home in no county": Case(_homes({"county": None}), COUNTY),
    "has a home in another state with this county's number": Case(_homes({"state": "NV"})),
    # own_state, agreement_states: the state that submitted the record, of person and claim apart
    "is on record in another state": Case({"enrollee": [{"submitting_state": "NV"}]}, STATE),
    "has a claim of another state": Case(
        _claims({"submitting_state": "NV"}), {"program_integrity": "1", "researcher": "1"}
    ),
    "is on record in another state and county": Case(
        {"enrollee": [{"submitting_state": "NV"}], **_homes({"county": THERE})},
        {**STATE, **COUNTY},
    ),
    # own_plan: members on the day; claims of the plan
    "is a member until today": Case(_spans({"end_date": DAY})),
    "was a member until yesterday": Case(_spans({"end_date": BEFORE}), MEMBER),
    "is a member from today": Case(_spans({"effective_date": DAY})),
    "is a member from tomorrow": Case(_spans({"effective_date": AFTER}), MEMBER),
    "is a member of another plan": Case(_spans({"managed_care_plan_id": "CAP2"}), MEMBER),
    "is a member of this plan and another": Case(
        _spans({}, {"managed_care_plan_id": "CAP2", "effective_date": BEFORE})
    ),
    "is no member": Case(_spans(), MEMBER),
    "has a claim of another plan": Case(
        _claims({"plan_id_number": "CAP2"}), {"managed_care_plan": "1"}
    ),
    "has a claim of no plan": Case(_claims({"plan_id_number": None}), {"managed_care_plan": "1"}),
    # own_patients: a claim of one's own in 24 months opens the person and all claims
    "came 24 months ago to the day": Case(
        _claims({"beginning_date_of_service": date(2024, 3, 15)})
    ),
    "came 24 months and a day ago": Case(
        _claims({"beginning_date_of_service": date(2024, 3, 14)}), {"provider": "E1"}
    ),
    "came to somebody else who billed": Case(
        _claims({"billing_prov_npi_num": "1000000002"}), {"provider": "E1"}
    ),
    "came to nobody who billed": Case(_claims({"billing_prov_npi_num": None}), {"provider": "E1"}),
    "came again after long, and to somebody else": Case(
        _claims({}, {"beginning_date_of_service": LONG_AGO, "billing_prov_npi_num": "1000000002"})
    ),
    "never came": Case(_claims(), {"provider": "E"}),
    # no_substance_use, no_sensitive_label
    **{
        f"has a claim with {label}": Case(
            _labelled(label), SUBSTANCE_USE if label.startswith("ETH") else SENSITIVE
        )
        for label in ("ETH", "ETHUD", "HIV", "PSY", "SDV", "SEX", "STD", "GDIS")
    },
    "has a claim with ETH and ETHUD": Case(_labelled("ETH", "ETHUD"), SUBSTANCE_USE),
    "has a claim with PSY and ETH": Case(_labelled("PSY", "ETH"), SUBSTANCE_USE),
    "has one claim with ETH and one without": Case(
        _claims({"sensitivity_labels": ["ETH"]}, {}), SUBSTANCE_USE
    ),
    # in_population, clause by clause
    "was determined until today": Case(_outcomes({"end_date": DAY})),
    "was determined until yesterday": Case(_outcomes({"end_date": BEFORE}), POPULATION),
    "is determined from tomorrow": Case(_outcomes({"effective_date": AFTER}), POPULATION),
    "was never determined": Case(_outcomes(), POPULATION),
    "was determined otherwise": Case(_outcomes({"outcome": "lawfully_present"}), POPULATION),
    "was determined both ways": Case(_outcomes({}, {"outcome": "undetermined"}), POPULATION),
    "has two statuses": Case(_status({}, {}), POPULATION),
    "has no status": Case(_status(), POPULATION),
    "is a citizen": Case(_status({"citizenship_ind": "1", "immigration_status": "8"}), POPULATION),
    "is of unknown citizenship": Case(_status({"citizenship_ind": None}), POPULATION),
    "is of unverified status": Case(_status({"immigration_verification_flag": False}), POPULATION),
    "is of a status that nobody looked at": Case(
        _status({"immigration_verification_flag": None}), POPULATION
    ),
    "is a qualified non-citizen": Case(_status({"immigration_status": "1"}), POPULATION),
    "is lawfully present": Case(_status({"immigration_status": "2"}), POPULATION),
    "is of unknown status": Case(_status({"immigration_status": None}), POPULATION),
    "is under a five-year bar": Case(
        _status({"immigration_status_five_year_bar_end_date": date(2021, 1, 1)}), POPULATION
    ),
    "has an SSN for an ID, by its mark": Case(
        {"enrollee": [{"msis_id_ssn_based": True}]}, POPULATION
    ),
    "has an SSN for an ID, by its digits": Case(
        {
            "enrollee": [{"msis_identification_num": "912345678"}],
            **_status({"ssn": "912345678"}),
        },
        POPULATION,
    ),
    "had an SSN for an ID": Case(
        {
            "enrollee": [{"msis_identification_num": "912345679"}],
            **_status(
                {"ssn": "912345679", "end_date": BEFORE},
                {"effective_date": DAY},
            ),
        },
        POPULATION,
    ),
}  # fmt: skip
NUMBERS = {name: number for number, name in enumerate(CASES, 1)}


def seen(role: str, name: str) -> str:
    """The letters that a role sees of somebody."""
    claims = "12"[: len(CASES[name].rows.get("claim", [{}]))]
    lost = CASES[name].lost.get(role, "")
    return "".join(
        letter for letter in LETTERS[role] if letter not in lost and letter in f"E{claims}"
    )


def person_id(number: int) -> UUID:
    """The key of somebody, and the pseudonym."""
    return UUID(int=number)


def _base(table: str, number: int, position: int) -> Row:
    """A row about somebody for whom everything holds."""
    dated = {"span_num": position, "effective_date": LONG_AGO, "end_date": None}
    address = {"addr_ln1": "1 Main St", "city": "Here", "state": "CA", "zip": "90001"}
    found: dict[str, Row] = {
        "enrollee": {
            "submitting_state": "CA", "msis_identification_num": f"M{number}",
            "eligible_first_name": "Ana", "eligible_last_name": "Doe",
            "date_of_birth": date(1990, 1, 1), "pseudonym": person_id(number),
        },
        "variable_demographics": {
            **dated, "citizenship_ind": "0", "immigration_status": "3",
            "immigration_verification_flag": True,
        },
        "home_address": {**dated, **address, "county": HERE, "end_date": date(2026, 6, 30)},
        "mailing_address": {**dated, **address, "county": THERE},
        "managed_care_participation": {
            **dated, "managed_care_plan_id": "CAP1", "end_date": date(2026, 12, 31),
        },
        "immigration_determination": {
            **dated, "end_date": date(2027, 12, 31), "outcome": "unlawfully_present",
            "determined_by": "test", "determined_on": LONG_AGO, "evidence": "test",
        },
        "claim": {
            "claim_id": UUID(int=number * 10 + position), "submitting_state": "CA",
            "claim_kind": "OT", "icn_orig": f"{number}-{position}",
            "beginning_date_of_service": date(2026, 2, 1), "diagnosis_code": "Z00",
            "diagnosis_code_system": "ICD10CM", "billing_prov_npi_num": "1000000001",
            "plan_id_number": "CAP1", "sensitivity_labels": [],
            # Tells which claim it is to whoever does not read its number.
            "tot_medicaid_paid_amt": Decimal(number * 100 + position) / 100,
        },
    }  # fmt: skip
    return {"enrollee_id": person_id(number), **found[table]}


TABLES = ("enrollee", "variable_demographics", "home_address", "mailing_address",
          "managed_care_participation", "immigration_determination", "claim")  # fmt: skip


def rows_of(case: Case, number: int) -> Iterator[tuple[str, Row]]:
    """All that is on record about somebody."""
    for table in TABLES:
        for position, other in enumerate(case.rows.get(table, [{}]), 1):
            yield table, {**_base(table, number, position), **other}
    for position in range(1, len(case.rows.get("claim", [{}])) + 1):
        # Who served on a line is not who billed.
        yield "claim_line", {
            "enrollee_id": person_id(number), "claim_id": UUID(int=number * 10 + position),
            "line_num": 1, "servicing_prov_npi_num": "1000000001",
        }  # fmt: skip


def directory() -> Iterator[tuple[str, Row]]:
    """Providers and plans."""
    for number in range(1, 9):
        yield "provider", {
            "provider_id": UUID(int=number), "npi": f"100000000{number}", "provider_name": "Dr",
            "submitting_state": "NV" if number == 7 else "CA",
        }  # fmt: skip
    for number, name in enumerate(("CAP1", "CAP2", "CAP3", "NVP1"), 1):
        yield "managed_care_plan", {
            "managed_care_plan_id": UUID(int=number), "state_plan_id_num": name,
            "plan_name": name, "plan_type": "01", "submitting_state": name[:2],
        }  # fmt: skip


async def insert(owner: asyncpg.Connection, rows: Iterator[tuple[str, Row]]) -> None:
    """Writes rows into their tables."""
    for table, row in rows:
        places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
        await owner.execute(
            f"insert into medicaid.{table} ({', '.join(row)}) values ({places})",  # noqa: S608 - names from above
            *row.values(),
        )
