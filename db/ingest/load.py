"""The one way in for many records at once. Knows tables and columns; knows no source of records.

A batch holds whole people, so that a failure leaves nobody half loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg

_SPAN = ("enrollee_id", "span_num", "effective_date", "end_date")
_ADDRESS = ("addr_ln1", "addr_ln2", "addr_ln3", "city", "state", "zip", "county")

# Columns that a batch fills, by table, in an order that foreign keys allow. Determinations come
# after the spans that the population rule reads beside them: each later table of that rule makes
# the database work out the same people again. `population` is the database's own.
COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "managed_care_plan": (
            "managed_care_plan_id",
            "state_plan_id_num",
            "plan_name",
            "plan_type",
            "submitting_state",
        ),
        "provider": (
            "provider_id",
            "npi",
            "provider_name",
            "taxonomy",
            "city",
            "submitting_state",
        ),
        "enrollee": (
            "enrollee_id",
            "submitting_state",
            "msis_identification_num",
            "msis_id_ssn_based",
            "eligible_first_name",
            "eligible_middle_init",
            "eligible_last_name",
            "date_of_birth",
            "date_of_death",
            "sex",
            "pseudonym",
            "derived",
        ),
        "variable_demographics": (
            *_SPAN,
            "ssn",
            "marital_status",
            "income_code",
            "veteran_ind",
            "citizenship_ind",
            "citizenship_verification_flag",
            "immigration_status",
            "immigration_verification_flag",
            "immigration_status_five_year_bar_end_date",
            "primary_language_code",
            "household_size",
            "derived",
        ),
        "home_address": (*_SPAN, *_ADDRESS, "derived"),
        "mailing_address": (*_SPAN, *_ADDRESS, "derived"),
        "phone": (*_SPAN, "phone_number", "derived"),
        "eligibility_determinant": (
            *_SPAN,
            "msis_case_num",
            "medicaid_basis_of_eligibility",
            "dual_eligible_code",
            "primary_eligibility_group_ind",
            "eligibility_group",
            "restricted_benefits_code",
            "derived",
        ),
        "managed_care_participation": (
            *_SPAN,
            "managed_care_plan_id",
            "enrolled_managed_care_plan_type",
            "derived",
        ),
        "ethnicity": (*_SPAN, "ethnicity_code", "derived"),
        "race": (*_SPAN, "race", "derived"),
        "disability": (*_SPAN, "disability_type_code", "derived"),
        "enrollment_time_span": (*_SPAN, "enrollment_type", "derived"),
        "immigration_determination": (
            *_SPAN,
            "outcome",
            "determined_by",
            "determined_on",
            "evidence",
            "derived",
        ),
        "claim": (
            "enrollee_id",
            "claim_id",
            "submitting_state",
            "claim_kind",
            "icn_orig",
            "beginning_date_of_service",
            "ending_date_of_service",
            "admission_date",
            "discharge_date",
            "adjudication_date",
            "medicaid_paid_date",
            "diagnosis_code",
            "diagnosis_code_system",
            "type_of_bill",
            "place_of_service",
            "covered_days",
            "billing_prov_npi_num",
            "plan_id_number",
            "tot_billed_amt",
            "tot_allowed_amt",
            "tot_medicaid_paid_amt",
            "sensitivity_labels",
            "derived",
        ),
        "claim_diagnosis": (
            "enrollee_id",
            "claim_id",
            "diagnosis_num",
            "diagnosis_code",
            "diagnosis_code_system",
            "derived",
        ),
        "claim_line": (
            "enrollee_id",
            "claim_id",
            "line_num",
            "beginning_date_of_service",
            "procedure_code",
            "procedure_code_system",
            "drug_code",
            "drug_code_system",
            "quantity_actual",
            "days_supply",
            "revenue_code",
            "type_of_service",
            "servicing_prov_npi_num",
            "billed_amt",
            "medicaid_paid_amt",
            "derived",
        ),
    }
)

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows by table, each row in the order of COLUMNS; all rows of its people, or none."""

    rows: Mapping[str, Sequence[Row]]

    @property
    def people(self) -> int:
        """How many people the batch brings."""
        return len(self.rows.get("enrollee", ()))

    @property
    def size(self) -> int:
        """How many rows the batch has, over all tables."""
        return sum(len(rows) for rows in self.rows.values())


async def copy_batch(connection: asyncpg.Connection, batch: Batch) -> int:
    """All rows of the batch or none of them; returns how many. Triggers and checks stay on.

    Providers and plans that its claims name must be there already, or be in the same batch.
    KeyError for a table that COLUMNS does not have; what PostgreSQL refuses comes as asyncpg's
    error, whose text may quote a record: it is for the caller to keep.
    """
    unknown = batch.rows.keys() - COLUMNS.keys()
    if unknown:
        raise KeyError(sorted(unknown)[0])
    async with connection.transaction():
        for table, columns in COLUMNS.items():
            if rows := batch.rows.get(table):
                await connection.copy_records_to_table(
                    table, schema_name="medicaid", columns=columns, records=rows
                )
    return batch.size
