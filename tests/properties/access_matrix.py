"""Who may do what with what, written by hand from the access matrix, to compare the policy with.

In the matrix's own words, and spelled out here anew, so that a mistake in the seed policy shows as
a difference. Imports nothing of the authz room.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def _of(entity: str, names: str) -> frozenset[str]:
    return frozenset(f"{entity}.{name}" for name in names.split())


_ADDRESS = "line1 line2 line3 city state zip county"
_POLICY = {
    "Policy": "version digest since until roles classes scopes rules model csv number invariants "
    "cases assignments",
    "PolicyRole": "name description pageLimit denialMode inherits requires capped smallestCell",
    "PolicyClass": "name members",
    "PolicyScope": "name anchor text",
    "PolicyRule": "role object action condition effect",
    "PolicyInvariant": "name why roles but on actions onlyWhere",
    "PolicyCase": "name role attributes asOf row about allow",
    "PolicyAssignment": "subject roles",
    "PolicyVersion": "number digest text document author approver reason change "
    "committedAt approvalDue",
    "PolicyChange": "id state base version author approver reason emergency proposedAt expiresAt "
    "approvalDue digest document events report",
    "PolicyEvent": "at actor event note",
    "PolicyReport": "findings access settings onlyNarrows replay",
    "PolicyDiff": "access settings onlyNarrows",
    "PolicyFinding": "severity check text role coordinate action row",
    "PolicyAccessChange": "role action coordinates before after direction people "
    "peopleGained peopleLost",
    "PolicySettingChange": "what before after direction",
    "PolicyReplay": "operation role before after opens breaks seen",
    "PolicyExplanation": "decision allowed condition reason rules orders",
    "PolicyExplanationRule": "role object action condition effect holds",
    "PolicyAccess": "role condition meaning subjects",
    "PolicyMatrixRow": "coordinate cells",
    "PolicyMatrixCell": "role condition",
    "PolicyStatus": "number approvals workers overdue",
    "PolicyWorker": "name number current startedAt seenAt",
}
_ORDER = {
    "Order": "name caption court docket issued effective status inForce history role states "
    "population grants",
    "OrderStatus": "at status",
    "OrderGrant": "coordinate actions",
}

WORDS: dict[str, frozenset[str]] = {
    "name": _of("Enrollee", "firstName middleInitial lastName"),
    "date_of_birth": _of("Enrollee", "dateOfBirth"),
    "ssn": _of("Enrollee", "ssn"),
    "ssnLast4": _of("Enrollee", "ssnLast4"),
    "case_number": frozenset({"Enrollee.caseNumber", "EligibilitySpan.caseNumber"}),
    "medicaid_id": _of("Enrollee", "medicaidId"),
    "citizenship": _of("Enrollee", "citizenship citizenshipVerified"),
    "immigration_status": _of(
        "Enrollee", "immigrationStatus immigrationVerified fiveYearBarEndDate"
    ),
    "determination": _of("Enrollee", "determinations")
    | _of(
        "ImmigrationDetermination",
        "effectiveDate endDate outcome determinedBy determinedOn evidence",
    ),
    "home_address": _of("Enrollee", "homeAddress") | _of("HomeAddress", _ADDRESS),
    "mailing_address": _of("Enrollee", "mailingAddress") | _of("MailingAddress", _ADDRESS),
    "phone": _of("Enrollee", "phoneNumber"),
    "income": _of("Enrollee", "incomeCode"),
    "sex": _of("Enrollee", "sex"),
    "race": _of("Enrollee", "race races") | _of("RaceDeclaration", "effectiveDate endDate race"),
    "ethnicity": _of("Enrollee", "ethnicity ethnicities")
    | _of("EthnicityDeclaration", "effectiveDate endDate ethnicity"),
    "eligibility": _of(
        "Enrollee",
        "eligibilityGroup eligibilityBasis dualEligibleCode restrictedBenefitsCode "
        "eligibilitySpans",
    )
    | _of(
        "EligibilitySpan",
        "effectiveDate endDate eligibilityGroup eligibilityBasis dualEligibleCode "
        "restrictedBenefitsCode primary",
    ),
    "enrollment": _of("Enrollee", "submittingState enrollments managedCare")
    | _of("EnrollmentSpan", "effectiveDate endDate enrollmentType")
    | _of("ManagedCareSpan", "effectiveDate endDate planId planType plan")
    | _of("Plan", "planId name planType state"),
    "birthYear": _of("Enrollee", "birthYear"),
    "ageGroup": _of("Enrollee", "ageGroup"),
    "zip3": _of("Enrollee", "zip3"),
    "pseudonym": _of("Enrollee", "pseudonym"),
    "claim": _of("Enrollee", "claims")
    | _of(
        "Claim",
        "icn kind submittingState serviceBeginDate serviceEndDate serviceYear admissionDate "
        "dischargeDate adjudicationDate paidDate typeOfBill placeOfService coveredDays planId "
        "plan enrollee lines",
    )
    | _of("ClaimLine", "number serviceDate quantity revenueCode typeOfService"),
    "serviceYear": _of("Claim", "serviceYear"),
    "type_of_service": _of("ClaimLine", "typeOfService"),
    "diagnosis": _of("Claim", "diagnosisCode diagnosisCodeSystem diagnoses")
    | _of("ClaimDiagnosis", "number code codeSystem"),
    "procedure": _of("ClaimLine", "procedureCode procedureCodeSystem"),
    "drug": _of("ClaimLine", "drugCode drugCodeSystem daysSupply"),
    "paid_amount": frozenset({"Claim.paidAmount", "ClaimLine.paidAmount"}),
    "financial": _of("Claim", "billedAmount allowedAmount paidAmount")
    | _of("ClaimLine", "billedAmount paidAmount"),
    "provider": _of("Claim", "provider providerNpi")
    | _of("ClaimLine", "servicingProviderNpi")
    | _of("Provider", "npi name taxonomy city state"),
    "policy": frozenset().union(*(_of(*entry) for entry in _POLICY.items())),
    "order": frozenset().union(*(_of(*entry) for entry in _ORDER.items())),
    "ledger": _of(
        "Disclosure",
        "recordedAt recipient role purpose request order policyVersion coordinates subjects",
    ),
}
WORDS["demographics"] = (
    WORDS["sex"]
    | WORDS["race"]
    | WORDS["ethnicity"]
    | _of(
        "Enrollee",
        "dateOfDeath maritalStatus veteran primaryLanguage householdSize disabilities",
    )
    | _of("Disability", "effectiveDate endDate disabilityType")
)
WORDS["clinical"] = (
    WORDS["diagnosis"]
    | WORDS["procedure"]
    | WORDS["drug"]
    | _of("Claim", "sensitivityLabels")
)  # fmt: skip
# 45 CFR 164.514(c): the code that stands for a person in research is not shown beside the person.
WORDS["all own records"] = frozenset().union(
    *(WORDS[word] for word in set(WORDS) - {"policy", "order", "ledger", "pseudonym"})
)

COUNTS = {
    "Enrollee": "Enrollee",
    "EligibilitySpan": "Enrollee",
    "EnrollmentSpan": "Enrollee",
    "ManagedCareSpan": "Enrollee",
    "RaceDeclaration": "Enrollee",
    "EthnicityDeclaration": "Enrollee",
    "Disability": "Enrollee",
    "ImmigrationDetermination": "Enrollee",
    "Claim": "Claim",
    "ClaimLine": "Claim",
    "ClaimDiagnosis": "Claim",
    "Provider": "Provider",
    "Plan": "Plan",
}
"""Connections, and the entity on whose rows a condition about their count is evaluated."""

_NO_SUBSTANCE_USE = ("substance_use = false",)
_NO_LABEL = ("sensitive = false",)
_OWN_CLAIM = (
    "any claims (billing_prov_npi_num in principal.npi and "
    "beginning_date_of_service >= as_of - 24 months)"
)
_OWN_STATE = ("submitting_state in principal.state",)
_AGREEMENT = ("submitting_state in principal.agreement_states",)
_OWN_RECORD = ("enrollee_id in principal.enrollee_id",)
_NAMED = ("enrollee_id in principal.person",)

SCOPES: dict[str, dict[str, tuple[str, ...]]] = {
    # Entity → conditions that all hold; none at all means every row.
    "population": {"Enrollee": ("population covers as_of",)},
    "own record": {
        "Enrollee": _OWN_RECORD,
        "Claim": _OWN_RECORD,
        "Provider": ("any claims (enrollee_id in principal.enrollee_id)",),
        "Plan": ("any participation (enrollee_id in principal.enrollee_id)",),
    },
    "own county": {"Enrollee": ("home_address.county in principal.county",)},
    "own state and counties": {
        "Enrollee": ("home_address.county in principal.county", *_OWN_STATE),
        "Plan": _OWN_STATE,
    },
    "own state": dict.fromkeys(("Enrollee", "Claim", "Provider", "Plan"), _OWN_STATE),
    "own state without ETH": {"Claim": (*_OWN_STATE, *_NO_SUBSTANCE_USE)},
    "own members": {
        "Enrollee": ("any managed_care (current and managed_care_plan_id in principal.plan_id)",),
        "Plan": ("state_plan_id_num in principal.plan_id",),
    },
    "own plan's claims without ETH": {
        "Enrollee": ("any managed_care (current and managed_care_plan_id in principal.plan_id)",),
        "Claim": ("plan_id_number in principal.plan_id", *_NO_SUBSTANCE_USE),
        "Provider": (
            "any claims (plan_id_number in principal.plan_id and "
            + " and ".join(_NO_SUBSTANCE_USE)
            + ")",
        ),
    },
    "own patients": {"Enrollee": (_OWN_CLAIM,), "Plan": ()},
    "own patients without ETH": {
        "Enrollee": (_OWN_CLAIM,),
        "Claim": (f"any enrollee ({_OWN_CLAIM})", *_NO_SUBSTANCE_USE),
        "Provider": (),
    },
    "agreement": dict.fromkeys(("Enrollee", "Plan"), _AGREEMENT),
    "agreement without labels": {"Enrollee": _AGREEMENT, "Claim": (*_AGREEMENT, *_NO_LABEL)},
    "all": {"Enrollee": (), "Claim": (), "Plan": (), "": ()},
    "one person": {
        "Enrollee": _NAMED,
        "Claim": _NAMED,
        "Plan": ("any participation (enrollee_id in principal.person)",),
    },
}


@dataclass(frozen=True)
class Row:
    """A row of the matrix: role, data, actions, rows; and what its notes take away again.

    `only` is what is left of the actions for some words, `without` what the words do not mean here.
    """

    role: str
    words: str
    actions: str
    scope: str
    only: Mapping[str, str] = field(default_factory=dict)
    without: frozenset[str] = frozenset()


_SSN_BY_EQ = {"ssn": "read filter"}
# 45 CFR 164.514(b)(2)(i)(C): no element of a date but its year.
_DAYS = frozenset(
    f"{entity}.{day}"
    for entity in ("EligibilitySpan", "EnrollmentSpan", "ManagedCareSpan", "RaceDeclaration",
                   "EthnicityDeclaration")
    for day in ("effectiveDate", "endDate")
)  # fmt: skip
_CASE = (
    "name date_of_birth ssn case_number medicaid_id citizenship immigration_status determination "
    "home_address mailing_address phone demographics income eligibility enrollment"
)

MATRIX = (
    Row("immigration_enforcement",
        "medicaid_id citizenship immigration_status home_address phone date_of_birth",
        "read filter", "population", {"phone": "read filter:eq"},
        without=_of("Enrollee", "citizenshipVerified immigrationVerified fiveYearBarEndDate")
        | {"HomeAddress.county"}),
    Row("beneficiary", "all own records", "read", "own record"),
    Row("beneficiary", "phone home_address mailing_address", "update", "own record"),
    Row("front_desk",
        "name date_of_birth home_address mailing_address phone case_number medicaid_id ssnLast4",
        "read filter sort", "own county",
        dict.fromkeys(["home_address", "mailing_address", "phone", "case_number", "medicaid_id",
                       "ssnLast4"], "read filter")),
    Row("front_desk", "ssn", "filter", "own county"),
    Row("eligibility_worker", _CASE, "read filter sort", "own state and counties", _SSN_BY_EQ),
    Row("eligibility_worker",
        "home_address mailing_address phone income eligibility determination", "create update",
        "own state and counties"),
    Row("eligibility_supervisor", _CASE, "read filter sort aggregate", "own state", _SSN_BY_EQ),
    # A plan is nobody's enrollment, and the state decides whose record it is.
    Row("eligibility_supervisor",
        "home_address mailing_address phone income eligibility enrollment determination name "
        "date_of_birth", "create update", "own state",
        without=_of("Plan", "planId name planType state") | {"Enrollee.submittingState"}),
    Row("managed_care_plan",
        "medicaid_id name date_of_birth home_address mailing_address phone eligibility enrollment",
        "read filter sort", "own members"),
    Row("managed_care_plan", "claim financial clinical provider", "read filter sort",
        "own plan's claims without ETH"),
    Row("provider", "medicaid_id name date_of_birth enrollment", "read filter", "own patients"),
    Row("provider", "claim clinical provider", "read filter sort", "own patients without ETH"),
    Row("program_integrity", "medicaid_id name claim financial provider enrollment eligibility",
        "read filter sort aggregate", "own state"),
    Row("program_integrity", "clinical", "read filter", "own state without ETH"),
    Row("researcher",
        "birthYear ageGroup zip3 sex race ethnicity pseudonym eligibility enrollment",
        "read filter aggregate", "agreement", {"pseudonym": "read aggregate"}, without=_DAYS),
    Row("researcher", "serviceYear diagnosis procedure drug type_of_service paid_amount",
        "read filter aggregate", "agreement without labels", {"paid_amount": "read aggregate"}),
    Row("actuary",
        "eligibility enrollment financial ageGroup sex zip3 type_of_service", "aggregate filter",
        "all"),
    Row("auditor", "ledger policy order", "read filter sort", "all"),
    Row("policy_administrator", "policy order", "read filter sort create update", "all"),
    Row("break_glass", "name date_of_birth medicaid_id clinical claim enrollment", "read filter",
        "one person"),
)  # fmt: skip

NOT_CODED = frozenset(
    {"ManagedCareSpan.planId", "Plan.planId", "Plan.name", "ClaimLine.daysSupply",
     "ClaimDiagnosis.number"}
)  # fmt: skip
"""What researchers read and, being neither coded nor bucketed, do not filter by."""

BY_EQ = WORDS["ssn"] | WORDS["medicaid_id"]
"""The contract: SSN and IDs are filtered by `eq` only, whatever else a rule says."""


LINKS = (
    Row("researcher", "Enrollee.claims Claim.enrollee Claim.lines", "read filter aggregate",
        "agreement without labels"),
    Row("actuary", "Claim.enrollee", "filter aggregate", "all"),
    Row("actuary", "Claim.lines", "filter", "all"),
)  # fmt: skip
"""What leads from the records that the matrix lists to one another."""

IDS = (
    ("beneficiary", "Enrollee Claim Provider Plan", "own record"),
    ("front_desk", "Enrollee", "own county"),
    ("eligibility_worker", "Enrollee Plan", "own state and counties"),
    ("eligibility_supervisor", "Enrollee Plan", "own state"),
    ("managed_care_plan", "Enrollee Plan", "own members"),
    ("managed_care_plan", "Claim Provider", "own plan's claims without ETH"),
    ("provider", "Enrollee Plan", "own patients"),
    ("provider", "Claim Provider", "own patients without ETH"),
    ("program_integrity", "Enrollee Claim Provider Plan", "own state"),
    ("break_glass", "Enrollee Claim Plan", "one person"),
)
"""Whoever reads records of a kind reads their random ID, and looks it up; but who must not tell
people apart (researcher), who has an order (immigration_enforcement) and who sees no row."""

TOTALS = (
    ("eligibility_supervisor",
     "Enrollee EligibilitySpan EnrollmentSpan ManagedCareSpan RaceDeclaration EthnicityDeclaration "
     "Disability ImmigrationDetermination Plan"),
    ("program_integrity",
     "Enrollee EligibilitySpan EnrollmentSpan ManagedCareSpan Claim ClaimLine Provider Plan"),
)  # fmt: skip
"""Who counts rows of what, in the own state: who aggregates all that the rows hold, and is not
bound to cells of 11 or more."""

TALLIES = (
    ("eligibility_supervisor", "Enrollee", "own state"),
    ("program_integrity", "Enrollee Claim", "own state"),
    ("researcher", "Enrollee", "agreement"),
    ("researcher", "Claim", "agreement without labels"),
    ("actuary", "Enrollee Claim", "all"),
)
"""Who aggregates values of people or claims counts these too."""

SMALLEST_CELLS = {"researcher": 11, "actuary": 11}
"""Roles of which the matrix says: cells of 11 or more."""


@dataclass(frozen=True)
class Cell:
    """What a role may do with a coordinate on which rows: conditions that all hold."""

    actions: frozenset[str]
    anchor: str
    conditions: tuple[str, ...]

    def allows(self, action: str) -> bool:
        """Whether an action is among them; one of `filter` covers every operator."""
        return action in self.actions or (action.startswith("filter:") and "filter" in self.actions)


def cells() -> dict[tuple[str, str], list[Cell]]:
    """(role, coordinate) → all that is allowed, and nothing else."""
    found: dict[tuple[str, str], list[Cell]] = {}
    for row in (*MATRIX, *LINKS):
        for word in [row.words] if row.words in WORDS else row.words.split():
            for coordinate in WORDS.get(word, frozenset({word})) - row.without:
                actions = _actions(row, word, coordinate)
                found.setdefault((row.role, coordinate), []).append(
                    _cell(coordinate, actions, row.scope)
                )
    for role, entities, scope in IDS:
        for entity in entities.split():
            cell = _cell(f"{entity}.id", frozenset({"read", "filter:eq"}), scope)
            found.setdefault((role, f"{entity}.id"), []).append(cell)
    for role, entities in TOTALS:
        for entity in entities.split():
            coordinate = f"{entity}Connection.totalCount"
            cell = _cell(coordinate, frozenset({"aggregate"}), "own state")
            found.setdefault((role, coordinate), []).append(cell)
    for role, entities, scope in TALLIES:
        for entity in entities.split():
            coordinate = f"{entity}Aggregate.count"
            cell = _cell(coordinate, frozenset({"aggregate"}), scope)
            found.setdefault((role, coordinate), []).append(cell)
    return found


def _actions(row: Row, word: str, coordinate: str) -> frozenset[str]:
    actions = set(row.only.get(word, row.actions).split())
    if coordinate in BY_EQ and "filter" in actions:
        actions = actions - {"filter"} | {"filter:eq"}
    if row.role == "researcher" and coordinate in NOT_CODED:
        actions -= {"filter"}
    return frozenset(actions)


def _cell(coordinate: str, actions: frozenset[str], scope: str) -> Cell:
    anchor = anchor_of(coordinate)
    return Cell(actions, anchor, SCOPES[scope][anchor])


def anchor_of(coordinate: str) -> str:
    """The entity on whose row a condition about a coordinate is evaluated; "" where none is."""
    entity = coordinate.partition(".")[0]
    if entity.startswith(("Policy", "Order", "Disclosure")):
        return ""
    if entity.endswith("Aggregate"):
        return entity.removesuffix("Aggregate")
    if entity.endswith("Connection"):
        return COUNTS[entity.removesuffix("Connection")]
    if entity in ("Claim", "ClaimLine", "ClaimDiagnosis"):
        return "Claim"
    return entity if entity in ("Provider", "Plan") else "Enrollee"
