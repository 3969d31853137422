"""The record tables of migration 0001, with every column that a statement may name.

Knows names and types; a column that the API never shows (a key, the population) is here too.
"""

from __future__ import annotations

from types import MappingProxyType

from db.catalog import Column, Kind, Table
from db.codes import code_list


def _text(
    name: str,
    width: int = 60,
    *,
    required: bool = False,
    bucketed: bool = False,
    scopable: bool = False,
) -> Column:
    # Text without a value list may say who somebody is; one value of many tells nobody.
    return Column(
        name,
        Kind.TEXT,
        width=width,
        required=required,
        bucketed=bucketed,
        scopable=bucketed or scopable,
    )


def _npi(name: str, *, required: bool = False) -> Column:
    # Of a provider, from a public registry: what a principal holds, and no patient's.
    return _text(name, 10, required=required, scopable=True)


def _code(name: str, codes: str, *, required: bool = False) -> Column:
    return Column(name, Kind.TEXT, code_list(codes), width=20, required=required, scopable=True)


def _date(name: str, *, required: bool = False, personal: bool = False) -> Column:
    return Column(name, Kind.DATE, required=required, personal=personal, scopable=True)


def _whole(name: str, *, required: bool = False, bucketed: bool = False) -> Column:
    return Column(name, Kind.INTEGER, required=required, bucketed=bucketed, scopable=True)


def _money(name: str) -> Column:
    return Column(name, Kind.DECIMAL, scopable=True)


def _flag(name: str) -> Column:
    return Column(name, Kind.BOOLEAN, scopable=True)


def _uuid(name: str, *, scopable: bool = True) -> Column:
    # A key is compared with what the principal holds, and with nothing that a policy could name.
    return Column(name, Kind.UUID, required=True, scopable=scopable)


def _table(
    name: str,
    key: tuple[str, ...],
    *columns: Column,
    dated: bool = False,
    veil: tuple[str, ...] = (),
) -> Table:
    named = MappingProxyType({column.name: column for column in columns})
    return Table(name, key, named, dated, veil)


def _spans(name: str, *columns: Column) -> Table:
    return _table(
        name,
        ("enrollee_id", "span_num"),
        _uuid("enrollee_id"),
        _whole("span_num", required=True),
        _date("effective_date", required=True),
        _date("end_date"),
        *columns,
        dated=True,
    )


_ADDRESS = (
    _text("addr_ln1"),
    _text("addr_ln2"),
    _text("addr_ln3"),
    _text("city", 28),
    _code("state", "state"),
    _text("zip", 9),
    _text("county", 5, bucketed=True),
    _text("zip3", 3, bucketed=True),
)

ENROLLEE = _table(
    "enrollee",
    ("enrollee_id",),
    _uuid("enrollee_id"),
    _code("submitting_state", "state", required=True),
    _text("msis_identification_num", 20, required=True),
    _text("eligible_first_name", 30, required=True),
    _text("eligible_middle_init", 1),
    _text("eligible_last_name", 30, required=True),
    _date("date_of_birth", required=True, personal=True),
    _date("date_of_death", personal=True),
    _code("sex", "sex"),
    _whole("birth_year", required=True, bucketed=True),
    _uuid("pseudonym", scopable=False),
    Column("population", Kind.DAYS, scopable=True),
    veil=("pseudonym",),
)
VARIABLE_DEMOGRAPHICS = _spans(
    "variable_demographics",
    Column("ssn", Kind.TEXT, width=9, lookup="variable_demographics_by_ssn", known="ssn_known"),
    _flag("ssn_known"),
    _text("ssn_last4", 4),
    _text("marital_status", 2, bucketed=True),
    _text("income_code", 2, bucketed=True),
    _flag("veteran_ind"),
    _code("citizenship_ind", "citizenship"),
    _flag("citizenship_verification_flag"),
    _code("immigration_status", "immigration_status"),
    _flag("immigration_verification_flag"),
    _date("immigration_status_five_year_bar_end_date", personal=True),
    _text("primary_language_code", 3, bucketed=True),
    _whole("household_size"),
)
HOME_ADDRESS = _spans("home_address", *_ADDRESS)
MAILING_ADDRESS = _spans("mailing_address", *_ADDRESS)
PHONE = _spans("phone", _text("phone_number", 10, required=True))
ELIGIBILITY_DETERMINANT = _spans(
    "eligibility_determinant",
    _text("msis_case_num", 12),
    _text("medicaid_basis_of_eligibility", 2, bucketed=True),
    _code("dual_eligible_code", "dual_eligible"),
    _flag("primary_eligibility_group_ind"),
    _code("eligibility_group", "eligibility_group"),
    _code("restricted_benefits_code", "restricted_benefits"),
)
MANAGED_CARE_PARTICIPATION = _spans(
    "managed_care_participation",
    _text("managed_care_plan_id", 12, bucketed=True),
    _code("enrolled_managed_care_plan_type", "plan_type"),
)
ETHNICITY = _spans("ethnicity", _code("ethnicity_code", "ethnicity"))
RACE = _spans("race", _code("race", "race"))
DISABILITY = _spans("disability", _code("disability_type_code", "disability"))
ENROLLMENT_TIME_SPAN = _spans("enrollment_time_span", _code("enrollment_type", "enrollment_type"))
IMMIGRATION_DETERMINATION = _spans(
    "immigration_determination",
    _code("outcome", "determination_outcome"),
    _text("determined_by"),
    _date("determined_on"),
    _text("evidence", 200),
)
CLAIM = _table(
    "claim",
    ("enrollee_id", "claim_id"),
    _uuid("enrollee_id"),
    _uuid("claim_id"),
    _code("submitting_state", "state", required=True),
    _code("claim_kind", "claim_kind", required=True),
    _text("icn_orig", 50, required=True),
    _date("beginning_date_of_service", required=True),
    _date("ending_date_of_service"),
    _whole("service_year", required=True, bucketed=True),
    _date("admission_date", personal=True),
    _date("discharge_date", personal=True),
    _date("adjudication_date"),
    _date("medicaid_paid_date"),
    _text("diagnosis_code", 18, bucketed=True),
    _code("diagnosis_code_system", "code_system"),
    _text("type_of_bill", 4, bucketed=True),
    _text("place_of_service", 2, bucketed=True),
    _whole("covered_days"),
    _npi("billing_prov_npi_num"),
    _text("plan_id_number", 12, bucketed=True),
    _money("tot_billed_amt"),
    _money("tot_allowed_amt"),
    _money("tot_medicaid_paid_amt"),
    Column("sensitivity_labels", Kind.TEXTS, code_list("sensitivity"), scopable=True),
    _flag("substance_use"),
    _flag("sensitive"),
    _uuid("place", scopable=False),
    veil=("place",),
)
CLAIM_DIAGNOSIS = _table(
    "claim_diagnosis",
    ("enrollee_id", "claim_id", "diagnosis_num"),
    _uuid("enrollee_id"),
    _uuid("claim_id"),
    _whole("diagnosis_num", required=True),
    _text("diagnosis_code", 18, bucketed=True),
    _code("diagnosis_code_system", "code_system"),
)
CLAIM_LINE = _table(
    "claim_line",
    ("enrollee_id", "claim_id", "line_num"),
    _uuid("enrollee_id"),
    _uuid("claim_id"),
    _whole("line_num", required=True),
    _date("beginning_date_of_service"),
    _text("procedure_code", 18, bucketed=True),
    _code("procedure_code_system", "code_system"),
    _text("drug_code", 18, bucketed=True),
    _code("drug_code_system", "code_system"),
    _money("quantity_actual"),
    _whole("days_supply"),
    _text("revenue_code", 4, bucketed=True),
    _code("type_of_service", "type_of_service"),
    _npi("servicing_prov_npi_num"),
    _money("billed_amt"),
    _money("medicaid_paid_amt"),
)
PROVIDER = _table(
    "provider",
    ("provider_id",),
    _uuid("provider_id"),
    _npi("npi", required=True),
    _text("provider_name", 100, required=True),
    _text("taxonomy", 10, bucketed=True),
    _text("city", 28),
    _code("submitting_state", "state", required=True),
)
PLAN = _table(
    "managed_care_plan",
    ("managed_care_plan_id",),
    _uuid("managed_care_plan_id"),
    _text("state_plan_id_num", 12, required=True, bucketed=True),
    _text("plan_name", 50, required=True),
    _code("plan_type", "plan_type"),
    _code("submitting_state", "state", required=True),
)
