"""What held about a person from a day to a day."""

from __future__ import annotations

from api.guard import Guarded, guarded, record
from api.schema.connection import connection, linked
from db.catalog_records import CATALOG


@record("EligibilitySpan", CATALOG.entities["EligibilitySpan"].about)
class EligibilitySpan:
    """Coordinates of an eligibility span."""

    effective_date: Guarded = guarded("EligibilitySpan.effectiveDate")
    end_date: Guarded = guarded("EligibilitySpan.endDate")
    case_number: Guarded = guarded("EligibilitySpan.caseNumber")
    eligibility_group: Guarded = guarded("EligibilitySpan.eligibilityGroup")
    eligibility_basis: Guarded = guarded("EligibilitySpan.eligibilityBasis")
    dual_eligible_code: Guarded = guarded("EligibilitySpan.dualEligibleCode")
    restricted_benefits_code: Guarded = guarded("EligibilitySpan.restrictedBenefitsCode")
    primary: Guarded = guarded("EligibilitySpan.primary")


@record("EnrollmentSpan", CATALOG.entities["EnrollmentSpan"].about)
class EnrollmentSpan:
    """Coordinates of an enrollment span."""

    effective_date: Guarded = guarded("EnrollmentSpan.effectiveDate")
    end_date: Guarded = guarded("EnrollmentSpan.endDate")
    enrollment_type: Guarded = guarded("EnrollmentSpan.enrollmentType")


@record("ManagedCareSpan", CATALOG.entities["ManagedCareSpan"].about)
class ManagedCareSpan:
    """Coordinates of a managed care span."""

    effective_date: Guarded = guarded("ManagedCareSpan.effectiveDate")
    end_date: Guarded = guarded("ManagedCareSpan.endDate")
    plan_id: Guarded = guarded("ManagedCareSpan.planId")
    plan_type: Guarded = guarded("ManagedCareSpan.planType")
    plan: Guarded = linked("ManagedCareSpan.plan")


@record("RaceDeclaration", CATALOG.entities["RaceDeclaration"].about)
class RaceDeclaration:
    """Coordinates of a declared race."""

    effective_date: Guarded = guarded("RaceDeclaration.effectiveDate")
    end_date: Guarded = guarded("RaceDeclaration.endDate")
    race: Guarded = guarded("RaceDeclaration.race")


@record("EthnicityDeclaration", CATALOG.entities["EthnicityDeclaration"].about)
class EthnicityDeclaration:
    """Coordinates of a declared ethnicity."""

    effective_date: Guarded = guarded("EthnicityDeclaration.effectiveDate")
    end_date: Guarded = guarded("EthnicityDeclaration.endDate")
    ethnicity: Guarded = guarded("EthnicityDeclaration.ethnicity")


@record("Disability", CATALOG.entities["Disability"].about)
class Disability:
    """Coordinates of a disability."""

    effective_date: Guarded = guarded("Disability.effectiveDate")
    end_date: Guarded = guarded("Disability.endDate")
    disability_type: Guarded = guarded("Disability.disabilityType")


@record("ImmigrationDetermination", CATALOG.entities["ImmigrationDetermination"].about)
class ImmigrationDetermination:
    """Coordinates of a determination."""

    effective_date: Guarded = guarded("ImmigrationDetermination.effectiveDate")
    end_date: Guarded = guarded("ImmigrationDetermination.endDate")
    outcome: Guarded = guarded("ImmigrationDetermination.outcome")
    determined_by: Guarded = guarded("ImmigrationDetermination.determinedBy")
    determined_on: Guarded = guarded("ImmigrationDetermination.determinedOn")
    evidence: Guarded = guarded("ImmigrationDetermination.evidence")


EligibilitySpanEdge, EligibilitySpanConnection = connection("EligibilitySpan")
EnrollmentSpanEdge, EnrollmentSpanConnection = connection("EnrollmentSpan")
ManagedCareSpanEdge, ManagedCareSpanConnection = connection("ManagedCareSpan")
RaceDeclarationEdge, RaceDeclarationConnection = connection("RaceDeclaration")
EthnicityDeclarationEdge, EthnicityDeclarationConnection = connection("EthnicityDeclaration")
DisabilityEdge, DisabilityConnection = connection("Disability")
ImmigrationDeterminationEdge, ImmigrationDeterminationConnection = connection(
    "ImmigrationDetermination"
)
