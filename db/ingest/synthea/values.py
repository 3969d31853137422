"""Text of a field → date, amount, name, code. Knows forms; knows no file and no person.

Every function takes stripped text that is not empty and raises RowRejected with a reason where it
has not the form; the caller adds the column.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache

from db.codes import code_list
from db.ingest.synthea.tally import Reason, RowRejected

_DAY = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_YEAR = re.compile(r"[0-9]{4}")
# Years that a living memory of medical records can hold; a typing error such as 9999 is none.
_YEARS = range(1850, 2201)
_UNIT = re.compile(r"(?P<street>.*\S) (?P<unit>(Apt|Suite|Unit) \S+)")
_CODE_SYSTEMS = {
    "http://snomed.info/sct": "SNOMED",
    "snomed-ct": "SNOMED",
    "snomed": "SNOMED",
    "unknown": "SNOMED",
    "": "SNOMED",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD10CM",
    "icd10-cm": "ICD10CM",
    "icd-10-cm": "ICD10CM",
}


def day(text: str) -> date:
    """A day, or the day of a moment as it is written (Synthea writes UTC)."""
    match = _DAY.fullmatch(text)
    if match is None:
        raise RowRejected(Reason.BAD_DATE)
    try:
        parsed = date.fromisoformat(match[1])
    except ValueError:
        raise RowRejected(Reason.BAD_DATE) from None
    if parsed.year not in _YEARS:
        raise RowRejected(Reason.BAD_DATE)
    return parsed


def is_year(text: str) -> bool:
    """Whether the text is a year alone, as releases before 3.0 write coverage."""
    return _YEAR.fullmatch(text) is not None


def amount(text: str) -> Decimal:
    """US dollars to the cent; below 100 billion, the width of a T-MSIS amount."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise RowRejected(Reason.BAD_AMOUNT) from None
    if not value.is_finite() or abs(value) >= Decimal(10) ** 11:
        raise RowRejected(Reason.BAD_AMOUNT)
    return value.quantize(Decimal("0.01"))


def name(text: str) -> str:
    """One name of a person, cut after 30 letters, the width of a T-MSIS name."""
    return person(text)[:30].strip()


def person(text: str) -> str:
    """A person's name without the digits that Synthea puts behind each word."""
    words = (re.sub(r"[0-9]+$", "", word) for word in line(text, 100).split())
    plain = " ".join(word for word in words if word)
    if not any(letter.isalpha() for letter in plain) or any(each.isdigit() for each in plain):
        raise RowRejected(Reason.BAD_NAME)
    return plain


def line(text: str, most: int) -> str:
    """One line of free text: runs of blanks and line breaks become one blank."""
    plain = " ".join(text.split())
    if len(plain) > most:
        raise RowRejected(Reason.TOO_LONG)
    return plain


def address(text: str) -> tuple[str, str | None]:
    """Street line, and the apartment, suite or unit where the field ends with one."""
    plain = line(text, 60)
    match = _UNIT.fullmatch(plain)
    return (match["street"], match["unit"]) if match else (plain, None)


@cache
def _states() -> dict[str, str]:
    codes = code_list("state").codes
    return {each.meaning.casefold(): each.code for each in codes} | {
        each.code.casefold(): each.code for each in codes
    }


def state(text: str) -> str:
    """The USPS code of a state or territory that is named or coded."""
    code = _states().get(text.casefold())
    if code is None:
        raise RowRejected(Reason.UNKNOWN_STATE)
    return code


def _digits(text: str, pattern: str) -> str:
    if re.fullmatch(pattern, text) is None:
        raise RowRejected(Reason.BAD_FORM)
    return re.sub(r"[^0-9]", "", text)


def ssn(text: str) -> str:
    """Nine digits."""
    return _digits(text, r"[0-9]{3}-?[0-9]{2}-?[0-9]{4}")


def zip_code(text: str) -> str:
    """Five or nine digits."""
    return _digits(text, r"[0-9]{5}(-?[0-9]{4})?")


def county(text: str) -> str:
    """Five digits: state and county FIPS. Four are five that lost their zero to a spreadsheet."""
    return _digits(text, r"[0-9]{4,5}").zfill(5)


def clinical_code(text: str) -> str:
    """A code of at most 18 characters."""
    if len(text) > 18:
        raise RowRejected(Reason.TOO_LONG)
    return text


def code_system(text: str) -> str:
    """The system of a condition or procedure code; SNOMED CT where the file does not say."""
    system = _CODE_SYSTEMS.get(text.casefold())
    if system is None:
        raise RowRejected(Reason.UNKNOWN_CODE_SYSTEM)
    return system
