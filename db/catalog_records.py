"""The entries of the catalog: what the API names of the tables of migration 0001.

Source of element numbers: the T-MSIS data dictionary (DE numbers in each entry; an entry without
one is not a T-MSIS element, or its number was not confirmed).
"""

from __future__ import annotations

from db.catalog import Cardinality, Column, Entity, Field, Kind, Link, Relation, Table, build
from db.codes import code_list
from db.tables import (
    CLAIM,
    CLAIM_DIAGNOSIS,
    CLAIM_LINE,
    DISABILITY,
    ELIGIBILITY_DETERMINANT,
    ENROLLEE,
    ENROLLMENT_TIME_SPAN,
    ETHNICITY,
    HOME_ADDRESS,
    IMMIGRATION_DETERMINATION,
    MAILING_ADDRESS,
    MANAGED_CARE_PARTICIPATION,
    PHONE,
    PLAN,
    PROVIDER,
    RACE,
    VARIABLE_DEMOGRAPHICS,
)

_PERSON = (("enrollee_id", "enrollee_id"),)
_CLAIM = (("enrollee_id", "enrollee_id"), ("claim_id", "claim_id"))


_ENTITIES = (
    Entity("Enrollee", ENROLLEE, "Enrollee", "A person enrolled in Medicaid or CHIP.", True),
    Entity("HomeAddress", HOME_ADDRESS, "Enrollee", "Where a person lives (ADDR-TYPE 01)."),
    Entity("MailingAddress", MAILING_ADDRESS, "Enrollee", "Where mail is sent (ADDR-TYPE 06)."),
    Entity(
        "EligibilitySpan",
        ELIGIBILITY_DETERMINANT,
        "Enrollee",
        "What a person was eligible for, from a day to a day (ELG00005).",
    ),
    Entity(
        "EnrollmentSpan",
        ENROLLMENT_TIME_SPAN,
        "Enrollee",
        "In which programme a person was enrolled, from a day to a day (ELG00021).",
    ),
    Entity(
        "ManagedCareSpan",
        MANAGED_CARE_PARTICIPATION,
        "Enrollee",
        "In which managed care plan a person took part, from a day to a day (ELG00014).",
    ),
    Entity("RaceDeclaration", RACE, "Enrollee", "A race that a person declared (ELG00016)."),
    Entity(
        "EthnicityDeclaration",
        ETHNICITY,
        "Enrollee",
        "An ethnicity that a person declared (ELG00015).",
    ),
    Entity("Disability", DISABILITY, "Enrollee", "A disability on record (ELG00017)."),
    Entity(
        "ImmigrationDetermination",
        IMMIGRATION_DETERMINATION,
        "Enrollee",
        "What was determined about a person's presence: by whom, when, on what evidence, until "
        "when. Not a T-MSIS segment.",
    ),
    Entity("Claim", CLAIM, "Claim", "A claim for a service: header of CIP, CLT, COT or CRX.", True),
    Entity("ClaimDiagnosis", CLAIM_DIAGNOSIS, "Claim", "A diagnosis on a claim."),
    Entity("ClaimLine", CLAIM_LINE, "Claim", "A line of a claim."),
    Entity("Provider", PROVIDER, "Provider", "A provider of services (PRV)."),
    Entity("Plan", PLAN, "Plan", "A managed care plan (MCR)."),
)


def _current(name: str, target: Table) -> Relation:
    return Relation(name, "enrollee", target, _PERSON, Cardinality.CURRENT)


def _many(name: str, target: Table) -> Relation:
    return Relation(name, "enrollee", target, _PERSON, Cardinality.MANY)


_DEMOGRAPHICS = _current("variable_demographics", VARIABLE_DEMOGRAPHICS)
_HOME = _current("home_address", HOME_ADDRESS)
_MAILING = _current("mailing_address", MAILING_ADDRESS)
_PHONE = _current("phone", PHONE)
_ELIGIBILITY = _current("eligibility", ELIGIBILITY_DETERMINANT)
_RACE = _current("race", RACE)
_ETHNICITY = _current("ethnicity", ETHNICITY)


def _own(
    entity: str,
    table: Table,
    name: str,
    column: str,
    element: str,
    about: str,
    function: str | None = None,
    codes: str | None = None,
) -> Field:
    stored = table.columns[column]
    if function is not None:
        kind = Kind.TEXT if codes else stored.kind
        stored = Column(
            column, kind, code_list(codes) if codes else None, function, stored.width,
            bucketed=stored.bucketed,
        )  # fmt: skip
    return Field(entity, name, stored, None, element, about)


def _hop(hop: Relation, name: str, column: str, element: str, about: str) -> Field:
    return Field("Enrollee", name, hop.target.columns[column], hop, element, about)


def _address(entity: str, table: Table) -> tuple[Field, ...]:
    return (
        _own(entity, table, "line1", "addr_ln1", "", "Street address."),
        _own(entity, table, "line2", "addr_ln2", "", "Second line of the street address."),
        _own(entity, table, "line3", "addr_ln3", "", "Third line of the street address."),
        _own(entity, table, "city", "city", "", "City."),
        _own(entity, table, "state", "state", "", "State or territory."),
        _own(entity, table, "zip", "zip", "ELG071", "ZIP code, five or nine digits."),
        _own(
            entity,
            table,
            "county",
            "county",
            "ELG072",
            "County: two digits of the state's FIPS code and three of the county's.",
        ),
    )


def _from_to(entity: str, table: Table, begin: str = "", end: str = "") -> tuple[Field, ...]:
    return (
        _own(entity, table, "effectiveDate", "effective_date", begin, "First day, included."),
        _own(entity, table, "endDate", "end_date", end, "Last day, included; none when open."),
    )


def _e(name: str, column: str, element: str, about: str, **kwargs: str) -> Field:
    return _own("Enrollee", ENROLLEE, name, column, element, about, **kwargs)


def _c(name: str, column: str, element: str, about: str) -> Field:
    return _own("Claim", CLAIM, name, column, element, about)


def _l(name: str, column: str, element: str, about: str) -> Field:
    return _own("ClaimLine", CLAIM_LINE, name, column, element, about)


_FIELDS = (
    _e("id", "enrollee_id", "", "Random identifier of the record, for client caches."),
    _e(
        "medicaidId",
        "msis_identification_num",
        "",
        "MSIS identification number. Several people may share one.",
    ),
    _e("submittingState", "submitting_state", "", "State that submitted the record."),
    _e("firstName", "eligible_first_name", "", "First name."),
    _e("middleInitial", "eligible_middle_init", "", "Middle initial."),
    _e("lastName", "eligible_last_name", "", "Last name."),
    _e("dateOfBirth", "date_of_birth", "ELG024", "Date of birth."),
    _e("dateOfDeath", "date_of_death", "ELG025", "Date of death."),
    _e("sex", "sex", "ELG023", "Sex."),
    _e(
        "birthYear",
        "birth_year",
        "",
        "Year of birth; none where it tells of an age of 90 or more (45 CFR 164.514(b)(2)(i)(C)).",
        function="birth_year",
    ),
    _e(
        "ageGroup",
        "birth_year",
        "",
        "Ten-year age band on the day of the request; 90 and older is one band.",
        function="age_group",
        codes="age_group",
    ),
    _e("pseudonym", "pseudonym", "", "Random identifier that stands for a person in research."),
    _hop(_DEMOGRAPHICS, "citizenship", "citizenship_ind", "ELG040", "Citizenship."),
    _hop(
        _DEMOGRAPHICS,
        "citizenshipVerified",
        "citizenship_verification_flag",
        "",
        "Whether citizenship was verified.",
    ),
    _hop(
        _DEMOGRAPHICS,
        "immigrationStatus",
        "immigration_status",
        "ELG042",
        "Immigration status. No value of it means unlawfully present.",
    ),
    _hop(
        _DEMOGRAPHICS,
        "immigrationVerified",
        "immigration_verification_flag",
        "",
        "Whether immigration status was verified.",
    ),
    _hop(
        _DEMOGRAPHICS,
        "fiveYearBarEndDate",
        "immigration_status_five_year_bar_end_date",
        "",
        "Last day of the five-year bar of a qualified non-citizen.",
    ),
    _hop(_DEMOGRAPHICS, "ssn", "ssn", "ELG036", "Social Security number, nine digits."),
    _hop(
        _DEMOGRAPHICS,
        "ssnLast4",
        "ssn_last4",
        "",
        "Last four digits of the Social Security number.",
    ),
    _hop(
        _DEMOGRAPHICS,
        "maritalStatus",
        "marital_status",
        "ELG034",
        "Marital status, two-digit T-MSIS code.",
    ),
    _hop(
        _DEMOGRAPHICS,
        "incomeCode",
        "income_code",
        "ELG038",
        "Family income relative to the poverty level, T-MSIS code 01 (lowest) to 08.",
    ),
    _hop(_DEMOGRAPHICS, "veteran", "veteran_ind", "ELG039", "Whether the person is a veteran."),
    _hop(
        _DEMOGRAPHICS,
        "primaryLanguage",
        "primary_language_code",
        "",
        "Primary language, three letters.",
    ),
    _hop(_DEMOGRAPHICS, "householdSize", "household_size", "ELG047", "People in the household."),
    _hop(_PHONE, "phoneNumber", "phone_number", "", "Current telephone number, ten digits."),
    _hop(
        _HOME,
        "zip3",
        "zip3",
        "",
        "First three digits of the current home ZIP code; 000 where "
        "they hold 20,000 people or fewer (45 CFR 164.514(b)(2)(i)(B)).",
    ),
    _hop(
        _ELIGIBILITY,
        "caseNumber",
        "msis_case_num",
        "ELG083",
        "Case that joins a household, of mixed status at times.",
    ),
    _hop(
        _ELIGIBILITY,
        "eligibilityGroup",
        "eligibility_group",
        "ELG087",
        "Current eligibility group.",
    ),
    _hop(
        _ELIGIBILITY,
        "eligibilityBasis",
        "medicaid_basis_of_eligibility",
        "ELG084",
        "Current basis of eligibility, two-digit T-MSIS code.",
    ),
    _hop(
        _ELIGIBILITY,
        "dualEligibleCode",
        "dual_eligible_code",
        "ELG085",
        "Current dual eligibility with Medicare.",
    ),
    _hop(
        _ELIGIBILITY,
        "restrictedBenefitsCode",
        "restricted_benefits_code",
        "ELG097",
        "Current scope of benefits.",
    ),
    _hop(_RACE, "race", "race", "ELG213", "Race declared last."),
    _hop(_ETHNICITY, "ethnicity", "ethnicity_code", "ELG204", "Ethnicity declared last."),
    *_address("HomeAddress", HOME_ADDRESS),
    *_address("MailingAddress", MAILING_ADDRESS),
    *_from_to("EligibilitySpan", ELIGIBILITY_DETERMINANT, "ELG099", "ELG100"),
    _own(
        "EligibilitySpan",
        ELIGIBILITY_DETERMINANT,
        "caseNumber",
        "msis_case_num",
        "ELG083",
        "Case that joins a household.",
    ),
    _own(
        "EligibilitySpan",
        ELIGIBILITY_DETERMINANT,
        "eligibilityGroup",
        "eligibility_group",
        "ELG087",
        "Eligibility group.",
    ),
    _own(
        "EligibilitySpan",
        ELIGIBILITY_DETERMINANT,
        "eligibilityBasis",
        "medicaid_basis_of_eligibility",
        "ELG084",
        "Basis of eligibility, two-digit T-MSIS code.",
    ),
    _own(
        "EligibilitySpan",
        ELIGIBILITY_DETERMINANT,
        "dualEligibleCode",
        "dual_eligible_code",
        "ELG085",
        "Dual eligibility with Medicare.",
    ),
    _own(
        "EligibilitySpan",
        ELIGIBILITY_DETERMINANT,
        "restrictedBenefitsCode",
        "restricted_benefits_code",
        "ELG097",
        "Scope of benefits.",
    ),
    _own(
        "EligibilitySpan",
        ELIGIBILITY_DETERMINANT,
        "primary",
        "primary_eligibility_group_ind",
        "ELG086",
        "Whether this is the primary eligibility group.",
    ),
    *_from_to("EnrollmentSpan", ENROLLMENT_TIME_SPAN, "ELG253", "ELG254"),
    _own(
        "EnrollmentSpan",
        ENROLLMENT_TIME_SPAN,
        "enrollmentType",
        "enrollment_type",
        "ELG252",
        "Programme.",
    ),
    *_from_to("ManagedCareSpan", MANAGED_CARE_PARTICIPATION, "ELG196"),
    _own(
        "ManagedCareSpan",
        MANAGED_CARE_PARTICIPATION,
        "planId",
        "managed_care_plan_id",
        "ELG192",
        "Plan that the person took part in.",
    ),
    _own(
        "ManagedCareSpan",
        MANAGED_CARE_PARTICIPATION,
        "planType",
        "enrolled_managed_care_plan_type",
        "ELG193",
        "Type of plan.",
    ),
    *_from_to("RaceDeclaration", RACE, "ELG216"),
    _own("RaceDeclaration", RACE, "race", "race", "ELG213", "Race."),
    *_from_to("EthnicityDeclaration", ETHNICITY, "ELG205"),
    _own("EthnicityDeclaration", ETHNICITY, "ethnicity", "ethnicity_code", "ELG204", "Ethnicity."),
    *_from_to("Disability", DISABILITY, "ELG225"),
    _own(
        "Disability",
        DISABILITY,
        "disabilityType",
        "disability_type_code",
        "ELG224",
        "Type of disability.",
    ),
    *_from_to("ImmigrationDetermination", IMMIGRATION_DETERMINATION),
    _own(
        "ImmigrationDetermination",
        IMMIGRATION_DETERMINATION,
        "outcome",
        "outcome",
        "",
        "What was determined.",
    ),
    _own(
        "ImmigrationDetermination",
        IMMIGRATION_DETERMINATION,
        "determinedBy",
        "determined_by",
        "",
        "Who determined it.",
    ),
    _own(
        "ImmigrationDetermination",
        IMMIGRATION_DETERMINATION,
        "determinedOn",
        "determined_on",
        "",
        "Day on which it was determined.",
    ),
    _own(
        "ImmigrationDetermination",
        IMMIGRATION_DETERMINATION,
        "evidence",
        "evidence",
        "",
        "Evidence that it rests on.",
    ),
    _c("id", "claim_id", "", "Random identifier of the claim, for client caches."),
    _c("icn", "icn_orig", "COT019", "Claim number that the state gave (ICN-ORIG)."),
    _c("kind", "claim_kind", "", "T-MSIS claim file."),
    _c("submittingState", "submitting_state", "", "State that submitted the claim."),
    _c("serviceBeginDate", "beginning_date_of_service", "COT033", "First day of service."),
    _c("serviceEndDate", "ending_date_of_service", "COT034", "Last day of service."),
    _c("serviceYear", "service_year", "", "Year in which the service began."),
    _c("admissionDate", "admission_date", "CIP094", "Day of admission."),
    _c("dischargeDate", "discharge_date", "CIP096", "Day of discharge."),
    _c("adjudicationDate", "adjudication_date", "COT035", "Day on which the claim was decided."),
    _c("paidDate", "medicaid_paid_date", "COT036", "Day on which Medicaid paid."),
    _c("diagnosisCode", "diagnosis_code", "COT027", "Principal diagnosis."),
    _c("diagnosisCodeSystem", "diagnosis_code_system", "", "Code system of the diagnosis."),
    _c("typeOfBill", "type_of_bill", "COT038", "Type of bill."),
    _c("placeOfService", "place_of_service", "COT123", "Place of service, two digits."),
    _c("coveredDays", "covered_days", "CIP136", "Days that Medicaid covers."),
    _c("providerNpi", "billing_prov_npi_num", "COT113", "NPI of the billing provider."),
    _c("planId", "plan_id_number", "COT066", "Managed care plan; none when paid fee for service."),
    _c("billedAmount", "tot_billed_amt", "COT048", "Amount billed, US dollars."),
    _c("allowedAmount", "tot_allowed_amt", "COT049", "Amount allowed, US dollars."),
    _c("paidAmount", "tot_medicaid_paid_amt", "COT050", "Amount that Medicaid paid, US dollars."),
    _c("sensitivityLabels", "sensitivity_labels", "", "HL7 sensitivity labels of the claim."),
    _own("ClaimDiagnosis", CLAIM_DIAGNOSIS, "number", "diagnosis_num", "", "Position, from 1."),
    _own("ClaimDiagnosis", CLAIM_DIAGNOSIS, "code", "diagnosis_code", "COT027", "Diagnosis."),
    _own(
        "ClaimDiagnosis",
        CLAIM_DIAGNOSIS,
        "codeSystem",
        "diagnosis_code_system",
        "",
        "Code system of the diagnosis.",
    ),
    _l("number", "line_num", "COT160", "Position, from 1."),
    _l("serviceDate", "beginning_date_of_service", "COT166", "First day of service."),
    _l("procedureCode", "procedure_code", "COT169", "Procedure."),
    _l("procedureCodeSystem", "procedure_code_system", "COT171", "Code system of the procedure."),
    _l("drugCode", "drug_code", "CRX120", "Drug dispensed."),
    _l("drugCodeSystem", "drug_code_system", "", "Code system of the drug."),
    _l("quantity", "quantity_actual", "COT183", "Quantity of the service or drug."),
    _l("daysSupply", "days_supply", "CRX138", "Days that the drug lasts."),
    _l("revenueCode", "revenue_code", "COT168", "Revenue code, four digits."),
    _l("typeOfService", "type_of_service", "COT186", "Type of service."),
    _l("servicingProviderNpi", "servicing_prov_npi_num", "COT190", "NPI of who served."),
    _l("billedAmount", "billed_amt", "COT174", "Amount billed, US dollars."),
    _l("paidAmount", "medicaid_paid_amt", "COT178", "Amount that Medicaid paid, US dollars."),
    _own("Provider", PROVIDER, "id", "provider_id", "", "Random identifier, for client caches."),
    _own("Provider", PROVIDER, "npi", "npi", "", "National Provider Identifier, ten digits."),
    _own("Provider", PROVIDER, "name", "provider_name", "", "Name."),
    _own("Provider", PROVIDER, "taxonomy", "taxonomy", "", "Provider taxonomy code."),
    _own("Provider", PROVIDER, "city", "city", "", "City."),
    _own("Provider", PROVIDER, "state", "submitting_state", "", "State of enrollment."),
    _own("Plan", PLAN, "id", "managed_care_plan_id", "", "Random identifier, for client caches."),
    _own("Plan", PLAN, "planId", "state_plan_id_num", "", "Number that the state gave."),
    _own("Plan", PLAN, "name", "plan_name", "", "Name."),
    _own("Plan", PLAN, "planType", "plan_type", "", "Type of plan."),
    _own("Plan", PLAN, "state", "submitting_state", "", "State of the plan."),
)

_LINKS = (
    Link("Enrollee", "homeAddress", _HOME, "HomeAddress", "Current home address."),
    Link("Enrollee", "mailingAddress", _MAILING, "MailingAddress", "Current mailing address."),
    Link(
        "Enrollee",
        "eligibilitySpans",
        _many("eligibility_spans", ELIGIBILITY_DETERMINANT),
        "EligibilitySpan",
        "All eligibility, current and past.",
    ),
    Link(
        "Enrollee",
        "enrollments",
        _many("enrollments", ENROLLMENT_TIME_SPAN),
        "EnrollmentSpan",
        "All enrollment, current and past.",
    ),
    Link(
        "Enrollee",
        "managedCare",
        _many("managed_care", MANAGED_CARE_PARTICIPATION),
        "ManagedCareSpan",
        "All managed care, current and past.",
    ),
    Link("Enrollee", "races", _many("races", RACE), "RaceDeclaration", "All races declared."),
    Link(
        "Enrollee",
        "ethnicities",
        _many("ethnicities", ETHNICITY),
        "EthnicityDeclaration",
        "All ethnicities declared.",
    ),
    Link(
        "Enrollee",
        "disabilities",
        _many("disabilities", DISABILITY),
        "Disability",
        "All disabilities on record.",
    ),
    Link(
        "Enrollee",
        "determinations",
        _many("determinations", IMMIGRATION_DETERMINATION),
        "ImmigrationDetermination",
        "All immigration determinations, current and past.",
    ),
    Link("Enrollee", "claims", _many("claims", CLAIM), "Claim", "Claims."),
    Link(
        "ManagedCareSpan",
        "plan",
        Relation(
            "plan",
            "managed_care_participation",
            PLAN,
            (("managed_care_plan_id", "state_plan_id_num"),),
            Cardinality.ONE,
        ),
        "Plan",
        "The plan.",
    ),
    Link(
        "Claim",
        "enrollee",
        Relation("enrollee", "claim", ENROLLEE, _PERSON, Cardinality.ONE),
        "Enrollee",
        "The person whom the claim is about.",
    ),
    Link(
        "Claim",
        "provider",
        Relation(
            "provider", "claim", PROVIDER, (("billing_prov_npi_num", "npi"),), Cardinality.ONE
        ),
        "Provider",
        "The billing provider.",
    ),
    Link(
        "Claim",
        "plan",
        Relation(
            "plan", "claim", PLAN, (("plan_id_number", "state_plan_id_num"),), Cardinality.ONE
        ),
        "Plan",
        "The managed care plan, where one paid.",
    ),
    Link(
        "Claim",
        "diagnoses",
        Relation("diagnoses", "claim", CLAIM_DIAGNOSIS, _CLAIM, Cardinality.MANY),
        "ClaimDiagnosis",
        "Diagnoses.",
    ),
    Link(
        "Claim",
        "lines",
        Relation("lines", "claim", CLAIM_LINE, _CLAIM, Cardinality.MANY),
        "ClaimLine",
        "Lines.",
    ),
)

# From the small tables down to the records of people: a row scope says by them which providers and
# plans belong to somebody's records. They are no coordinates: nobody walks a directory to people.
_FOR_SCOPES = (
    Relation("claims", "provider", CLAIM, (("npi", "billing_prov_npi_num"),), Cardinality.MANY),
    Relation("participation", "managed_care_plan", MANAGED_CARE_PARTICIPATION,
             (("state_plan_id_num", "managed_care_plan_id"),), Cardinality.MANY),
)  # fmt: skip

CATALOG = build(_ENTITIES, _FIELDS, _LINKS, _FOR_SCOPES)
