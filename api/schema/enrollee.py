"""The person whom records are about."""

from __future__ import annotations

from api.guard import Guarded, guarded, record
from api.schema.connection import connection, linked
from db.catalog_records import CATALOG


@record("Enrollee", CATALOG.entities["Enrollee"].about)
class Enrollee:
    """Coordinates of a person. What is current among dated spans: db.sql.rows.latest."""

    id: Guarded = guarded("Enrollee.id")
    medicaid_id: Guarded = guarded("Enrollee.medicaidId")
    submitting_state: Guarded = guarded("Enrollee.submittingState")
    first_name: Guarded = guarded("Enrollee.firstName")
    middle_initial: Guarded = guarded("Enrollee.middleInitial")
    last_name: Guarded = guarded("Enrollee.lastName")
    date_of_birth: Guarded = guarded("Enrollee.dateOfBirth")
    date_of_death: Guarded = guarded("Enrollee.dateOfDeath")
    sex: Guarded = guarded("Enrollee.sex")
    birth_year: Guarded = guarded("Enrollee.birthYear")
    age_group: Guarded = guarded("Enrollee.ageGroup")
    pseudonym: Guarded = guarded("Enrollee.pseudonym")
    citizenship: Guarded = guarded("Enrollee.citizenship")
    citizenship_verified: Guarded = guarded("Enrollee.citizenshipVerified")
    immigration_status: Guarded = guarded("Enrollee.immigrationStatus")
    immigration_verified: Guarded = guarded("Enrollee.immigrationVerified")
    five_year_bar_end_date: Guarded = guarded("Enrollee.fiveYearBarEndDate")
    ssn: Guarded = guarded("Enrollee.ssn")
    ssn_last4: Guarded = guarded("Enrollee.ssnLast4")
    marital_status: Guarded = guarded("Enrollee.maritalStatus")
    income_code: Guarded = guarded("Enrollee.incomeCode")
    veteran: Guarded = guarded("Enrollee.veteran")
    primary_language: Guarded = guarded("Enrollee.primaryLanguage")
    household_size: Guarded = guarded("Enrollee.householdSize")
    phone_number: Guarded = guarded("Enrollee.phoneNumber")
    zip3: Guarded = guarded("Enrollee.zip3")
    case_number: Guarded = guarded("Enrollee.caseNumber")
    eligibility_group: Guarded = guarded("Enrollee.eligibilityGroup")
    eligibility_basis: Guarded = guarded("Enrollee.eligibilityBasis")
    dual_eligible_code: Guarded = guarded("Enrollee.dualEligibleCode")
    restricted_benefits_code: Guarded = guarded("Enrollee.restrictedBenefitsCode")
    race: Guarded = guarded("Enrollee.race")
    ethnicity: Guarded = guarded("Enrollee.ethnicity")
    home_address: Guarded = linked("Enrollee.homeAddress")
    mailing_address: Guarded = linked("Enrollee.mailingAddress")
    eligibility_spans: Guarded = linked("Enrollee.eligibilitySpans")
    enrollments: Guarded = linked("Enrollee.enrollments")
    managed_care: Guarded = linked("Enrollee.managedCare")
    races: Guarded = linked("Enrollee.races")
    ethnicities: Guarded = linked("Enrollee.ethnicities")
    disabilities: Guarded = linked("Enrollee.disabilities")
    determinations: Guarded = linked("Enrollee.determinations")
    claims: Guarded = linked("Enrollee.claims")


EnrolleeEdge, EnrolleeConnection = connection("Enrollee")
