"""A policy and records of the awkward kind, for what the seed of either has no use for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from authz.policy_file import parse_policy
from db.catalog_records import CATALOG

if TYPE_CHECKING:
    from collections.abc import Iterator

    import asyncpg

    from authz.policy import PolicySet

NAMES = (
    "O'Brien", 'quo"te', "back\\slash", "{brace}", "$1", "%_", "a\nb\tc", "\x7f", " lead", "Zoë",
    "Émile", "zoe", "Zoe", "ﬀ", "\uff21\uff4e\uff4e\uff41", "\U0001d538nna", "😀", "ÿ", "\ue000",
    "null", "true", "0", "00", "zz" * 15, "Z", "a", "-", "é", "e\u0301", "\u0130",
)  # fmt: skip
"""In an order by code point that no language has, and with what quoting could trip over."""

SHARED_ID = "SHARED-0001"


def corner_policy() -> PolicySet:
    """The policy of corners.toml."""
    text = Path(__file__).with_name("corners.toml").read_text(encoding="utf-8")
    return parse_policy(CATALOG, text)


def today() -> date:
    """The day of the request."""
    return datetime.now(UTC).date()


async def add_corner_records(owner: asyncpg.Connection) -> None:
    """People and claims with values at every edge that a check of the tables lets through."""
    numbers = count(1)
    for table, row in _records(numbers):
        # As text, because the driver takes the first and the last day of the calendar for infinity.
        places = [
            f"${n}::text::date" if isinstance(value, date) else f"${n}"
            for n, value in enumerate(row.values(), 1)
        ]
        values = [v.isoformat() if isinstance(v, date) else v for v in row.values()]
        await owner.execute(
            f"insert into medicaid.{table} ({', '.join(row)}) values ({', '.join(places)})",  # noqa: S608 - names from below
            *values,
        )


def _id(number: int) -> UUID:
    return UUID(int=number)


def _records(numbers: Iterator[int]) -> Iterator[tuple[str, dict[str, Any]]]:
    day = today()
    births = (
        date(1, 1, 1), date(1900, 2, 28), date(day.year - 90, 1, 1), date(day.year - 90, 12, 31),
        date(day.year - 89, 1, 1), date(day.year - 80, 6, 1), date(day.year - 10, 12, 31), day,
        date(day.year + 1, 1, 1), date(9999, 12, 31),
    )  # fmt: skip
    for provider in range(3):
        yield "provider", {
            "provider_id": _id(9000 + provider), "npi": f"999000000{provider}",
            "provider_name": ("", "Ünï \"Q\"", "a\\b")[provider], "taxonomy": None,
            "city": None, "submitting_state": ("GU", "MA", "GU")[provider],
        }  # fmt: skip
    yield "managed_care_plan", {
        "managed_care_plan_id": _id(9100), "state_plan_id_num": "odd plan 'x'",
        "plan_name": "", "plan_type": "99", "submitting_state": "GU",
    }  # fmt: skip
    for index, name in enumerate(NAMES):
        person = _id(next(numbers))
        shared = index % 5 == 0
        yield "enrollee", {
            "enrollee_id": person, "submitting_state": ("GU", "MA", "NY")[index % 3],
            "msis_identification_num": SHARED_ID if shared else f"odd {name}"[:20],
            "msis_id_ssn_based": index % 7 == 0, "eligible_first_name": name,
            "eligible_middle_init": (None, "é", "😀")[index % 3],
            "eligible_last_name": ("Same", name, "same")[index % 3],
            "date_of_birth": births[index % len(births)],
            "date_of_death": (None, date(9999, 12, 31))[index % 2],
            "sex": (None, "F", "M", "U")[index % 4],
        }  # fmt: skip
        yield from _spans(person, index, day)
        yield from _claims(person, index, day)


def _spans(person: UUID, index: int, day: date) -> Iterator[tuple[str, dict[str, Any]]]:
    """Dated rows that begin together, overlap, end today, begin tomorrow, or are all past."""
    yesterday, tomorrow = day - timedelta(days=1), day + timedelta(days=1)
    long_ago = date(1950, 1, 1)
    ways: tuple[tuple[tuple[int, date, date | None], ...], ...] = (
        (),
        ((1, long_ago, None),),
        ((1, long_ago, None), (2, long_ago, None)),
        ((2, long_ago, None), (1, date(2000, 1, 1), day)),
        ((1, long_ago, yesterday), (2, tomorrow, None)),
        ((1, day, day), (2, yesterday, None)),
        ((10, long_ago, day), (9, long_ago, day), (3, tomorrow, None)),
    )
    for number, begin, end in ways[index % len(ways)]:
        span = {
            "enrollee_id": person, "span_num": number, "effective_date": begin, "end_date": end,
        }  # fmt: skip
        odd = (index + number) % 3
        yield "variable_demographics", {
            **span, "ssn": (None, "000000000", f"{index:09d}")[odd],
            "marital_status": (None, "01", "99")[odd], "veteran_ind": (None, True, False)[odd],
            "household_size": (None, 1, 99)[odd], "citizenship_ind": (None, "0", "1")[odd],
            "immigration_status": (None, "3", "8")[odd],
            "immigration_verification_flag": (None, True, False)[odd],
        }  # fmt: skip
        for table in ("home_address", "mailing_address"):
            yield table, {
                **span, "addr_ln1": NAMES[(index + 1) % len(NAMES)],
                "addr_ln2": ("", None, "x")[odd], "addr_ln3": None,
                "city": ("Zürich", "a", "A")[odd],
                "state": ("CA", "GU", "MA")[odd], "zip": ("03601", None, "021390001")[odd],
                "county": (None, "06001", "25017")[odd],
            }  # fmt: skip
        yield "phone", {**span, "phone_number": ("0000000000", "5550000000", "5551234567")[odd]}
        yield "race", {**span, "race": ("001", "017", "018")[odd]}
        yield "disability", {**span, "disability_type_code": ("01", "02", "07")[odd]}
        yield "eligibility_determinant", {
            **span, "msis_case_num": (None, "", "case")[odd] or None,
            "dual_eligible_code": (None, "00", "01")[odd],
            "primary_eligibility_group_ind": odd != 1,
        }  # fmt: skip
        yield "managed_care_participation", {
            **span, "managed_care_plan_id": "odd plan 'x'",
            "enrolled_managed_care_plan_type": (None, "01", "99")[odd],
        }  # fmt: skip
        yield "immigration_determination", {
            **span, "end_date": end or date(9999, 12, 31), "outcome": (
                "unlawfully_present", "unlawfully_present", "undetermined")[odd],
            "determined_by": "\"'\\", "determined_on": begin, "evidence": "é" * 200,
        }  # fmt: skip


def _claims(person: UUID, index: int, day: date) -> Iterator[tuple[str, dict[str, Any]]]:
    amounts = (
        None, Decimal("0.00"), Decimal("-1.00"), Decimal("99999999999.99"), Decimal("0.01"),
        Decimal("120.00"), Decimal("120.01"),
    )  # fmt: skip
    labels: tuple[list[str], ...] = ([], ["ETH"], ["PSY", "HIV"], ["ETHUD", "GDIS", "STD"])
    for number in range(index % 4):
        odd = index + number
        claim = {"enrollee_id": person, "claim_id": _id(5000 + index * 10 + number)}
        yield "claim", {
            **claim, "submitting_state": ("GU", "MA", "NY")[odd % 3],
            "claim_kind": ("IP", "LT", "OT", "RX")[odd % 4], "icn_orig": f"odd {number}",
            "beginning_date_of_service": (day, date(1999, 12, 31), date(day.year - 2, 11, 23),
                                          date(9999, 12, 31))[odd % 4],
            "diagnosis_code": (None, "F10.20", "Z00")[odd % 3],
            "diagnosis_code_system": (None, "ICD10CM", "SNOMED")[odd % 3],
            "covered_days": (None, 0, 2, 2**31 - 1)[odd % 4],
            "billing_prov_npi_num": (None, "9990000000", "9990000001")[odd % 3],
            "plan_id_number": (None, "odd plan 'x'")[odd % 2],
            "tot_billed_amt": amounts[odd % 7], "tot_allowed_amt": amounts[(odd + 1) % 7],
            "tot_medicaid_paid_amt": amounts[(odd + 2) % 7],
            "sensitivity_labels": labels[odd % 4],
        }  # fmt: skip
        for line in range(odd % 3):
            yield "claim_line", {
                **claim, "line_num": line + 1,
                "beginning_date_of_service": (None, day)[line % 2],
                "revenue_code": (None, "0450", "0001")[(odd + line) % 3],
                "quantity_actual": (None, Decimal("0.001"), Decimal("0.000"))[(odd + line) % 3],
                "days_supply": (None, 0, 30)[(odd + line) % 3],
                "billed_amt": amounts[(odd + line) % 7],
                "medicaid_paid_amt": amounts[(odd + line + 3) % 7],
            }  # fmt: skip
        for diagnosis in range(odd % 3):
            yield "claim_diagnosis", {
                **claim, "diagnosis_num": diagnosis + 1, "diagnosis_code": ("F10", "é'")[diagnosis],
                "diagnosis_code_system": "ICD10CM",
            }  # fmt: skip
