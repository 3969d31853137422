"""A claim, its diagnoses and its lines."""

from __future__ import annotations

from api.guard import Guarded, guarded, record
from api.schema.connection import connection, linked
from db.catalog_records import CATALOG


@record("ClaimDiagnosis", CATALOG.entities["ClaimDiagnosis"].about)
class ClaimDiagnosis:
    """Coordinates of a diagnosis."""

    number: Guarded = guarded("ClaimDiagnosis.number")
    code: Guarded = guarded("ClaimDiagnosis.code")
    code_system: Guarded = guarded("ClaimDiagnosis.codeSystem")


@record("ClaimLine", CATALOG.entities["ClaimLine"].about)
class ClaimLine:
    """Coordinates of a line."""

    number: Guarded = guarded("ClaimLine.number")
    service_date: Guarded = guarded("ClaimLine.serviceDate")
    procedure_code: Guarded = guarded("ClaimLine.procedureCode")
    procedure_code_system: Guarded = guarded("ClaimLine.procedureCodeSystem")
    drug_code: Guarded = guarded("ClaimLine.drugCode")
    drug_code_system: Guarded = guarded("ClaimLine.drugCodeSystem")
    quantity: Guarded = guarded("ClaimLine.quantity")
    days_supply: Guarded = guarded("ClaimLine.daysSupply")
    revenue_code: Guarded = guarded("ClaimLine.revenueCode")
    type_of_service: Guarded = guarded("ClaimLine.typeOfService")
    servicing_provider_npi: Guarded = guarded("ClaimLine.servicingProviderNpi")
    billed_amount: Guarded = guarded("ClaimLine.billedAmount")
    paid_amount: Guarded = guarded("ClaimLine.paidAmount")


@record("Claim", CATALOG.entities["Claim"].about)
class Claim:
    """Coordinates of a claim's header."""

    id: Guarded = guarded("Claim.id")
    icn: Guarded = guarded("Claim.icn")
    kind: Guarded = guarded("Claim.kind")
    submitting_state: Guarded = guarded("Claim.submittingState")
    service_begin_date: Guarded = guarded("Claim.serviceBeginDate")
    service_end_date: Guarded = guarded("Claim.serviceEndDate")
    service_year: Guarded = guarded("Claim.serviceYear")
    admission_date: Guarded = guarded("Claim.admissionDate")
    discharge_date: Guarded = guarded("Claim.dischargeDate")
    adjudication_date: Guarded = guarded("Claim.adjudicationDate")
    paid_date: Guarded = guarded("Claim.paidDate")
    diagnosis_code: Guarded = guarded("Claim.diagnosisCode")
    diagnosis_code_system: Guarded = guarded("Claim.diagnosisCodeSystem")
    type_of_bill: Guarded = guarded("Claim.typeOfBill")
    place_of_service: Guarded = guarded("Claim.placeOfService")
    covered_days: Guarded = guarded("Claim.coveredDays")
    provider_npi: Guarded = guarded("Claim.providerNpi")
    plan_id: Guarded = guarded("Claim.planId")
    billed_amount: Guarded = guarded("Claim.billedAmount")
    allowed_amount: Guarded = guarded("Claim.allowedAmount")
    paid_amount: Guarded = guarded("Claim.paidAmount")
    sensitivity_labels: Guarded = guarded("Claim.sensitivityLabels")
    enrollee: Guarded = linked("Claim.enrollee")
    provider: Guarded = linked("Claim.provider")
    plan: Guarded = linked("Claim.plan")
    diagnoses: Guarded = linked("Claim.diagnoses")
    lines: Guarded = linked("Claim.lines")


ClaimDiagnosisEdge, ClaimDiagnosisConnection = connection("ClaimDiagnosis")
ClaimLineEdge, ClaimLineConnection = connection("ClaimLine")
ClaimEdge, ClaimConnection = connection("Claim")
