// Types of the Apollo server: of Fieldward's schema what the operations name.

// Field of a claim → column.
export const CLAIM = {
  id: "claim_id",
  icn: "icn_orig",
  kind: "claim_kind",
  submittingState: "submitting_state",
  serviceBeginDate: "beginning_date_of_service",
  serviceEndDate: "ending_date_of_service",
  serviceYear: "service_year",
  admissionDate: "admission_date",
  dischargeDate: "discharge_date",
  adjudicationDate: "adjudication_date",
  paidDate: "medicaid_paid_date",
  typeOfBill: "type_of_bill",
  placeOfService: "place_of_service",
  coveredDays: "covered_days",
  providerNpi: "billing_prov_npi_num",
  planId: "plan_id_number",
  billedAmount: "tot_billed_amt",
  allowedAmount: "tot_allowed_amt",
  paidAmount: "tot_medicaid_paid_amt",
};

export const typeDefs = `#graphql
  scalar Date
  scalar Decimal
  enum Citizenship { NON_CITIZEN CITIZEN NATIONAL }
  enum ImmigrationStatus {
    QUALIFIED_NON_CITIZEN LAWFULLY_PRESENT EMERGENCY_SERVICES_ONLY NOT_APPLICABLE
  }
  enum Sex { FEMALE MALE UNKNOWN }
  enum ClaimKind { INPATIENT LONG_TERM_CARE OTHER PHARMACY }
  enum Direction { ASC DESC }
  enum Grouping { VALUE }

  type Query {
    enrollee(medicaidId: String!): Enrollee
    enrollees(first: Int, where: EnrolleeWhere, orderBy: [EnrolleeOrderBy!]): EnrolleeConnection
    claims(first: Int, where: ClaimWhere): ClaimConnection
    claimsAggregate(where: ClaimWhere, groupBy: [ClaimGroupBy!]!): ClaimAggregate
  }
  input DateFilter { eq: Date gt: Date gte: Date lt: Date lte: Date }
  input TextFilter { eq: String }
  input EnrolleeWhere { dateOfBirth: DateFilter }
  input EnrolleeOrderBy { lastName: Direction medicaidId: Direction }
  input ClaimWhere { providerNpi: TextFilter serviceBeginDate: DateFilter }
  input ClaimGroupBy { serviceYear: Grouping kind: Grouping }

  type EnrolleeConnection { nodes: [Enrollee!]! }
  type ClaimConnection { nodes: [Claim!]! }
  type Enrollee {
    medicaidId: String
    firstName: String
    middleInitial: String
    lastName: String
    dateOfBirth: Date
    dateOfDeath: Date
    sex: Sex
    citizenship: Citizenship
    immigrationStatus: ImmigrationStatus
    phoneNumber: String
    homeAddress: HomeAddress
    ssn: String
    ssnLast4: String
    maritalStatus: String
    incomeCode: String
    race: String
    caseNumber: String
    eligibilityGroup: String
    claims(first: Int): ClaimConnection
  }
  type HomeAddress {
    line1: String line2: String line3: String city: String state: String zip: String
  }
  type Claim {
    id: ID
    icn: String
    kind: ClaimKind
    submittingState: String
    serviceBeginDate: Date
    serviceEndDate: Date
    serviceYear: Int
    admissionDate: Date
    dischargeDate: Date
    adjudicationDate: Date
    paidDate: Date
    typeOfBill: String
    placeOfService: String
    coveredDays: Int
    providerNpi: String
    planId: String
    billedAmount: Decimal
    allowedAmount: Decimal
    paidAmount: Decimal
    enrollee: Enrollee
  }
  type ClaimAggregate { groups: [ClaimGroup!] }
  type ClaimGroup { key: ClaimKey! count: Int sum: ClaimSum }
  type ClaimKey { serviceYear: Int kind: ClaimKind }
  type ClaimSum { paidAmount: Decimal }
`;
