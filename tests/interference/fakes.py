"""Values by chance, such as the tables take. Knows the tables' checks and nothing of who asks."""

from __future__ import annotations

import string
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from db.catalog import Kind
from tests.interference.draft import TABLES

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    import asyncpg

    from tests.interference.draft import Draft
    from tests.oracle.records import Value

GENERATED = {
    "birth_year": "date_of_birth",
    "ssn_last4": "ssn",
    "zip3": "zip",
    "service_year": "beginning_date_of_service",
}
"""Columns that the database derives, and from what."""

_DIGITS = {
    "ssn": 9, "county": 5, "phone_number": 10, "marital_status": 2, "npi": 10, "revenue_code": 4,
    "medicaid_basis_of_eligibility": 2, "place_of_service": 2,
}  # fmt: skip
_NPIS = ("billing_prov_npi_num", "servicing_prov_npi_num")
_PLANS = (("claim", "plan_id_number"), ("managed_care_participation", "managed_care_plan_id"))
_LETTERS = "abz ÄÖé'\"\\%_0😀"


async def nullable_columns(owner: asyncpg.Connection) -> dict[str, dict[str, bool]]:
    """Of each table its columns that can be written, and whether each may be null."""
    rows = await owner.fetch(
        """
        select table_name, column_name, is_nullable = 'YES' as nullable
          from information_schema.columns
         where table_schema = 'medicaid' and is_generated = 'NEVER'
           and udt_name <> 'datemultirange'
        """
    )
    found: dict[str, dict[str, bool]] = {name: {} for name in TABLES}
    for row in rows:
        if row["table_name"] in found:
            found[row["table_name"]][row["column_name"]] = row["nullable"]
    return found


class Fakes:
    """Draws values; keys of other rows are those of a draft, at the moment of drawing."""

    def __init__(
        self, chance: random.Random, shape: Mapping[str, Mapping[str, bool]], draft: Draft
    ) -> None:
        self.chance = chance
        self.shape = shape
        self._draft = draft

    def columns(self, table: str) -> list[str]:
        """What can be written besides the key."""
        return [name for name in self.shape[table] if name not in TABLES[table].key]

    def uuid(self) -> UUID:
        """A random key."""
        return UUID(int=self.chance.getrandbits(128))

    def row(self, table: str, key: tuple[Value, ...], **fixed: Value) -> dict[str, Any]:
        """A whole row that the tables take."""
        found: dict[str, Any] = dict(zip(TABLES[table].key, key, strict=True))
        found |= {name: None for name in GENERATED if name in TABLES[table].columns}
        return found | self.values(table, self.columns(table), found, fixed)

    def values(
        self,
        table: str,
        names: list[str],
        known: Mapping[str, Any],
        fixed: Mapping[str, Any] | None = None,
        near: frozenset[str] = frozenset(),
    ) -> dict[str, Any]:
        """New values for some columns of a row; what does not fit the others stays as it was.

        The columns in `near` keep what is derived from them.
        """
        fixed = fixed or {}
        free = [name for name in names if name not in fixed]
        row = {**known, **fixed}
        row |= {n: self._near(n, known[n]) if n in near else self.value(table, n) for n in free}
        for columns, holds in _checks(table):
            again = [name for name in columns if name in free and name not in near]
            for _ in range(30):
                if holds(*(row[name] for name in columns)):
                    break
                row |= {name: self.value(table, name) for name in again}
            else:
                row |= {name: known[name] for name in columns if name in known}
        return {name: row[name] for name in names}

    def value(self, table: str, name: str) -> Value:
        """A value of a column by itself."""
        if self.shape[table][name] and self.chance.random() < 0.2:
            return None
        if name == "derived":
            return self.chance.choice([[], ["x"]])
        if name in _NPIS:
            return self.chance.choice(self._draft.by_table["provider"])["npi"]
        if (table, name) in _PLANS:
            return self.chance.choice(self._draft.by_table["managed_care_plan"])[
                "state_plan_id_num"
            ]
        column = TABLES[table].columns.get(name)
        if column is None:
            assert name == "msis_id_ssn_based", name
            return self.chance.random() < 0.3
        codes = column.codes
        if column.kind is Kind.TEXTS:
            assert codes is not None
            size = self.chance.choice([0, 0, 1, 2])
            return self.chance.sample([code.code for code in codes.codes], size)
        if codes is not None:
            return self.chance.choice(codes.codes).code
        match column.kind:
            case Kind.TEXT:
                return self._text(name, column.width)
            case Kind.DATE:
                return self._day(name)
            case Kind.INTEGER:
                return self.chance.randint(1, 99)
            case Kind.DECIMAL:
                return Decimal(self.chance.randint(0, 999_999)) / 100
            case Kind.BOOLEAN:
                return self.chance.random() < 0.5
            case Kind.UUID:
                return self.uuid()
            case _:
                raise TypeError(name)

    def _text(self, name: str, width: int) -> str:
        if name in _DIGITS:
            return self._of(string.digits, _DIGITS[name])
        match name:
            case "zip":
                return self._of(string.digits, self.chance.choice([5, 9]))
            case "income_code":
                return f"0{self.chance.randint(1, 8)}"
            case "primary_language_code":
                return self._of(string.ascii_uppercase, 3)
            case "taxonomy":
                return self._of(string.ascii_uppercase, 10)
            case _:
                letters = string.ascii_letters + string.digits + _LETTERS
                return self._of(letters, min(width, self.chance.choice([4, 12, 18])))

    def _of(self, letters: str, count: int) -> str:
        return "".join(self.chance.choices(letters, k=count))

    def _day(self, name: str) -> date:
        if name == "date_of_birth":
            return date(1920, 1, 1) + timedelta(days=self.chance.randint(0, 38_000))
        return date(2019, 1, 1) + timedelta(days=self.chance.randint(0, 4_000))

    def _near(self, name: str, value: Value) -> Value:
        match value:
            case date():
                return value.replace(month=self.chance.randint(1, 12), day=1)
            case str() if name == "ssn":
                return self._of(string.digits, 5) + value[-4:]
            case str():
                return value[:3] + self._of(string.digits, len(value) - 3)
            case _:
                return value


def sound(table: str, row: Mapping[str, Any]) -> bool:
    """Whether a row meets the checks of its table that are about several columns."""
    return all(holds(*(row[name] for name in columns)) for columns, holds in _checks(table))


def _ordered(one: date | None, other: date | None) -> bool:
    return one is None or other is None or one <= other


def _together(one: Value, other: Value) -> bool:
    return (one is None) == (other is None)


def _status(citizenship: str | None, status: str | None) -> bool:
    """T-MSIS rules 2048, 2051 and 7528; a missing value breaks none."""
    return None in (citizenship, status) or (citizenship == "0") == (status != "8")


def _benefits(benefits: str | None, dual: str | None, group: str | None) -> bool:
    """T-MSIS rules ELG097-3, ELG097-6 and ELG097-G; a missing value breaks none."""
    match benefits:
        case "3":
            return dual != "00"
        case "6":
            return group is None or group in ("35", "70")
        case "G":
            return dual is None or dual in ("01", "03", "06")
        case _:
            return True


_Check: TypeAlias = "tuple[tuple[str, ...], Callable[..., bool]]"

_CHECKS: dict[str, list[_Check]] = {
    "enrollee": [(("date_of_birth", "date_of_death"), _ordered)],
    "variable_demographics": [(("citizenship_ind", "immigration_status"), _status)],
    "eligibility_determinant": [
        (("restricted_benefits_code", "dual_eligible_code", "eligibility_group"), _benefits)
    ],
    "immigration_determination": [
        (("determined_on", "effective_date", "end_date"), lambda *days: sorted(days) == [*days])
    ],
    "claim": [
        (("beginning_date_of_service", "ending_date_of_service"), _ordered),
        (("admission_date", "discharge_date"), _ordered),
        (("diagnosis_code", "diagnosis_code_system"), _together),
    ],
    "claim_line": [
        (("procedure_code", "procedure_code_system"), _together),
        (("drug_code", "drug_code_system"), _together),
    ],
}


def _checks(table: str) -> list[_Check]:
    own = _CHECKS.get(table, [])
    if TABLES[table].dated and table != "immigration_determination":
        return [*own, (("effective_date", "end_date"), _ordered)]
    return own
