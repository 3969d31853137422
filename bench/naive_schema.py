"""The types of the naive server: of Fieldward's schema what the operations name, each field behind
a permission. Part of bench/naive.py.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from strawberry.permission import BasePermission
from strawberry.types import Info

from bench.naive_rows import ORDERS, Loaders, Records, between


class _Enforced(BasePermission):
    """Asks Casbin, for each field of each row, whether the role may do this with it."""

    message = "not permitted"
    action = "read"

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        """Of a coordinate; for the parts of an aggregate, that of what they are about."""
        records: Records = info.context["records"]
        coordinate = _ABOUT.get(info.path.typename or "", "{}").format(info.field_name)
        allowed: bool = info.context["enforcer"].enforce(
            records.role, coordinate, self.action, records.scope
        )
        return allowed


class _Aggregated(_Enforced):
    action = "aggregate"


_ABOUT = {
    "Enrollee": "Enrollee.{}",
    "HomeAddress": "HomeAddress.{}",
    "Claim": "Claim.{}",
    "ClaimGroup": "ClaimAggregate.{}",
    "ClaimKey": "Claim.{}",
    "ClaimSum": "Claim.{}",
}


def _guarded(**options: Any) -> Any:
    return strawberry.field(permission_classes=[_Enforced], **options)


def _tallied() -> Any:
    return strawberry.field(permission_classes=[_Aggregated])


def _loaders(info: Info) -> Loaders:
    loaders: Loaders = info.context["loaders"]
    return loaders


@strawberry.enum
class Citizenship(Enum):
    NON_CITIZEN = "0"
    CITIZEN = "1"
    NATIONAL = "2"


@strawberry.enum
class ImmigrationStatus(Enum):
    QUALIFIED_NON_CITIZEN = "1"
    LAWFULLY_PRESENT = "2"
    EMERGENCY_SERVICES_ONLY = "3"
    NOT_APPLICABLE = "8"


@strawberry.enum
class Sex(Enum):
    FEMALE = "F"
    MALE = "M"
    UNKNOWN = "U"


@strawberry.enum
class ClaimKind(Enum):
    INPATIENT = "IP"
    LONG_TERM_CARE = "LT"
    OTHER = "OT"
    PHARMACY = "RX"


@strawberry.enum
class Direction(Enum):
    ASC = "asc"
    DESC = "desc"


@strawberry.enum
class Grouping(Enum):
    VALUE = "value"


@strawberry.input
class DateFilter:
    gte: date | None = None
    lt: date | None = None


@strawberry.input
class TextFilter:
    eq: str | None = None


@strawberry.input
class EnrolleeWhere:
    date_of_birth: DateFilter | None = None


@strawberry.input
class EnrolleeOrderBy:
    last_name: Direction | None = None
    medicaid_id: Direction | None = None

    def terms(self) -> list[str]:
        """Columns with their direction."""
        return [
            f"{column} {direction.value}"
            for name, column in ORDERS.items()
            if (direction := getattr(self, name)) is not None
        ]


@strawberry.input
class ClaimWhere:
    provider_npi: TextFilter | None = None
    service_begin_date: DateFilter | None = None

    def conditions(self) -> dict[str, object]:
        """As SQL."""
        npi = self.provider_npi.eq if self.provider_npi else None
        return ({} if npi is None else {"billing_prov_npi_num =": npi}) | between(
            "beginning_date_of_service", self.service_begin_date
        )


@strawberry.input
class ClaimGroupBy:
    service_year: Grouping | None = None
    kind: Grouping | None = None


@strawberry.type
class HomeAddress:
    line1: str | None = _guarded()
    line2: str | None = _guarded()
    line3: str | None = _guarded()
    city: str | None = _guarded()
    state: str | None = _guarded()
    zip: str | None = _guarded()


@strawberry.type
class Claim:
    enrollee_id: strawberry.Private[UUID]
    id: strawberry.ID | None = _guarded()
    icn: str | None = _guarded()
    kind: ClaimKind | None = _guarded()
    submitting_state: str | None = _guarded()
    service_begin_date: date | None = _guarded()
    service_end_date: date | None = _guarded()
    service_year: int | None = _guarded()
    admission_date: date | None = _guarded()
    discharge_date: date | None = _guarded()
    adjudication_date: date | None = _guarded()
    paid_date: date | None = _guarded()
    type_of_bill: str | None = _guarded()
    place_of_service: str | None = _guarded()
    covered_days: int | None = _guarded()
    provider_npi: str | None = _guarded()
    plan_id: str | None = _guarded()
    billed_amount: Decimal | None = _guarded()
    allowed_amount: Decimal | None = _guarded()
    paid_amount: Decimal | None = _guarded()

    @strawberry.field(permission_classes=[_Enforced])
    async def enrollee(self, info: Info) -> Enrollee | None:
        """The person."""
        return _enrollee(await _loaders(info).enrollee.load(self.enrollee_id))


@strawberry.type
class ClaimConnection:
    nodes: list[Claim]


@strawberry.type
class Enrollee:
    enrollee_id: strawberry.Private[UUID]
    medicaid_id: str | None = _guarded()
    first_name: str | None = _guarded()
    middle_initial: str | None = _guarded()
    last_name: str | None = _guarded()
    date_of_birth: date | None = _guarded()
    sex: Sex | None = _guarded()
    # Nobody who asks may read these here, so they are not fetched.
    date_of_death: date | None = _guarded(default=None)
    ssn: str | None = _guarded(default=None)
    ssn_last4: str | None = _guarded(default=None)
    marital_status: str | None = _guarded(default=None)
    income_code: str | None = _guarded(default=None)
    race: str | None = _guarded(default=None)
    case_number: str | None = _guarded(default=None)
    eligibility_group: str | None = _guarded(default=None)

    @strawberry.field(permission_classes=[_Enforced])
    async def citizenship(self, info: Info) -> Citizenship | None:
        """Of the current demographics."""
        row = await _loaders(info).demographics.load(self.enrollee_id)
        return _code(Citizenship, row and row["citizenship_ind"])

    @strawberry.field(permission_classes=[_Enforced])
    async def immigration_status(self, info: Info) -> ImmigrationStatus | None:
        """Of the current demographics."""
        row = await _loaders(info).demographics.load(self.enrollee_id)
        return _code(ImmigrationStatus, row and row["immigration_status"])

    @strawberry.field(permission_classes=[_Enforced])
    async def home_address(self, info: Info) -> HomeAddress | None:
        """The current one."""
        row = await _loaders(info).home.load(self.enrollee_id)
        return row and HomeAddress(
            line1=row["addr_ln1"], line2=row["addr_ln2"], line3=row["addr_ln3"],
            city=row["city"], state=row["state"], zip=row["zip"],
        )  # fmt: skip

    @strawberry.field(permission_classes=[_Enforced])
    async def phone_number(self, info: Info) -> str | None:
        """The current one."""
        row = await _loaders(info).phone.load(self.enrollee_id)
        return row and row["phone_number"]

    @strawberry.field(permission_classes=[_Enforced])
    async def claims(self, info: Info, first: int = 50) -> ClaimConnection | None:
        """The first claims."""
        rows = await _loaders(info).claims(first).load(self.enrollee_id)
        return ClaimConnection(nodes=[_claim(row) for row in rows])


@strawberry.type
class EnrolleeConnection:
    nodes: list[Enrollee]


@strawberry.type
class ClaimKey:
    service_year: int | None = _tallied()
    kind: ClaimKind | None = _tallied()


@strawberry.type
class ClaimSum:
    paid_amount: Decimal | None = _tallied()


@strawberry.type
class ClaimGroup:
    key: ClaimKey
    sum: ClaimSum
    count: int | None = _tallied()


@strawberry.type
class ClaimAggregate:
    groups: list[ClaimGroup]


def _code(codes: type[Any], code: str | None) -> Any:
    return None if code is None else codes(code)


def _enrollee(row: Any) -> Enrollee | None:
    return row and Enrollee(
        enrollee_id=row["enrollee_id"],
        medicaid_id=row["msis_identification_num"],
        first_name=row["eligible_first_name"],
        middle_initial=row["eligible_middle_init"],
        last_name=row["eligible_last_name"],
        date_of_birth=row["date_of_birth"],
        sex=_code(Sex, row["sex"]),
    )


def _claim(row: Any) -> Claim:
    return Claim(
        enrollee_id=row["enrollee_id"],
        id=strawberry.ID(str(row["claim_id"])),
        icn=row["icn_orig"],
        kind=_code(ClaimKind, row["claim_kind"]),
        submitting_state=row["submitting_state"],
        service_begin_date=row["beginning_date_of_service"],
        service_end_date=row["ending_date_of_service"],
        service_year=row["service_year"],
        admission_date=row["admission_date"],
        discharge_date=row["discharge_date"],
        adjudication_date=row["adjudication_date"],
        paid_date=row["medicaid_paid_date"],
        type_of_bill=row["type_of_bill"],
        place_of_service=row["place_of_service"],
        covered_days=row["covered_days"],
        provider_npi=row["billing_prov_npi_num"],
        plan_id=row["plan_id_number"],
        billed_amount=row["tot_billed_amt"],
        allowed_amount=row["tot_allowed_amt"],
        paid_amount=row["tot_medicaid_paid_amt"],
    )


@strawberry.type
class Query:
    @strawberry.field
    async def enrollee(self, info: Info, medicaid_id: str) -> Enrollee | None:
        """Who holds a Medicaid ID."""
        records: Records = info.context["records"]
        rows = await records.enrollees({"msis_identification_num =": medicaid_id}, (), 2)
        if len(rows) > 1:
            raise ValueError("several people hold this Medicaid ID")
        return _enrollee(rows[0]) if rows else None

    @strawberry.field
    async def enrollees(
        self,
        info: Info,
        first: int = 50,
        where: EnrolleeWhere | None = None,
        order_by: list[EnrolleeOrderBy] | None = None,
    ) -> EnrolleeConnection | None:
        """People."""
        records: Records = info.context["records"]
        order = [term for each in order_by or () for term in each.terms()]
        conditions = between("date_of_birth", where and where.date_of_birth)
        rows = await records.enrollees(conditions, order, first)
        return EnrolleeConnection(nodes=[person for row in rows if (person := _enrollee(row))])

    @strawberry.field
    async def claims(
        self, info: Info, first: int = 50, where: ClaimWhere | None = None
    ) -> ClaimConnection | None:
        """Claims."""
        records: Records = info.context["records"]
        rows = await records.claims(where.conditions() if where else {}, first)
        return ClaimConnection(nodes=[_claim(row) for row in rows])

    @strawberry.field
    async def claims_aggregate(
        self, info: Info, group_by: list[ClaimGroupBy], where: ClaimWhere | None = None
    ) -> ClaimAggregate | None:
        """Claims by year and kind, the one grouping that is asked for."""
        del group_by
        records: Records = info.context["records"]
        rows = await records.groups(where.conditions() if where else {})
        return ClaimAggregate(
            groups=[
                ClaimGroup(
                    key=ClaimKey(
                        service_year=row["service_year"], kind=_code(ClaimKind, row["claim_kind"])
                    ),
                    count=row["count"],
                    sum=ClaimSum(paid_amount=row["paid"]),
                )
                for row in rows
            ]
        )
