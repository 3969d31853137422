"""Column → GraphQL type. Knows kinds and value lists; nothing of who may see them."""

from __future__ import annotations

import datetime
import enum
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, assert_never

import strawberry

from db.catalog import Kind

if TYPE_CHECKING:
    from db.catalog import Column
    from db.codes import CodeList

_NAMES = {
    "sex": "Sex",
    "citizenship": "Citizenship",
    "immigration_status": "ImmigrationStatus",
    "determination_outcome": "DeterminationOutcome",
    "race": "Race",
    "ethnicity": "Ethnicity",
    "disability": "DisabilityType",
    "dual_eligible": "DualEligibleCode",
    "restricted_benefits": "RestrictedBenefitsCode",
    "eligibility_group": "EligibilityGroup",
    "type_of_service": "TypeOfService",
    "plan_type": "PlanType",
    "enrollment_type": "EnrollmentType",
    "claim_kind": "ClaimKind",
    "code_system": "CodeSystem",
    "sensitivity": "SensitivityLabel",
    "age_group": "AgeGroup",
    "state": "State",
}
_ABOUT = {
    "sensitivity": "HL7 sensitivity label.",
    "age_group": "Age on the day of the request, in bands of ten years.",
    "state": "State or territory that runs a Medicaid programme.",
    "determination_outcome": "What was determined about a person's presence.",
}


@cache
def coded_enum(codes: CodeList) -> Any:
    """The enum of a value list: names from the list, meanings as descriptions, codes as values."""
    name = _NAMES[codes.name]
    members = {
        code.name: strawberry.enum_value(
            code.code, description=f"{code.meaning}. Code {code.code}."
        )
        for code in codes.codes
    }
    about = _ABOUT.get(codes.name, f"Valid values of {codes.name.replace('_', ' ')} in T-MSIS.")
    make: Any = enum.Enum  # members are known at run time only
    return strawberry.enum(make(name, members), name=name, description=about)


def scalar(column: Column) -> Any:
    """The GraphQL type of one value of a column, without null and without list."""
    return coded_enum(column.codes) if column.codes is not None else _scalar(column.kind)


def scalar_of(kind: Kind) -> Any:
    """The GraphQL type of a kind without a value list; a list for a list."""
    return list[str] if kind is Kind.TEXTS else _scalar(kind)


def _scalar(kind: Kind) -> Any:
    match kind:
        case Kind.TEXT | Kind.TEXTS:
            return str
        case Kind.DATE:
            return datetime.date
        case Kind.INTEGER:
            return int
        case Kind.DECIMAL:
            return Decimal
        case Kind.BOOLEAN:
            return bool
        case Kind.UUID:
            return strawberry.ID
        case Kind.DAYS:
            raise TypeError("a set of days is not shown")
        case _:
            assert_never(kind)


def graphql_type(column: Column) -> Any:
    """The GraphQL type of a column, without null."""
    return list[scalar(column)] if column.kind is Kind.TEXTS else scalar(column)  # type: ignore[misc]  # a type made at run time
