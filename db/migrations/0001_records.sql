-- Records in T-MSIS shape. A table is a T-MSIS segment, a column a T-MSIS element.
--
-- Every table about a person carries enrollee_id and its key begins with it, so that all of a
-- person's rows can live on one node of a cluster. Providers and plans are small and stand alone.
-- A dated row holds from effective_date to end_date, both included; no end_date means open.
-- derived names the columns of a row that an importer made by a rule because its source had none.
-- Text is collated by code point, so that order is the same on every server and every version.

create schema medicaid;

-- 45 CFR 164.514(b)(2)(i)(B): the first three digits, and 000 where all ZIP codes that begin with
-- them hold 20,000 people or fewer (HHS names these seventeen from the census of 2000).
create function medicaid.zip3(zip text) returns text
  language sql immutable strict parallel safe
  return case
    when left(zip, 3) in ('036', '059', '063', '102', '203', '556', '692', '790', '821', '823',
                          '830', '831', '878', '879', '884', '890', '893') then '000'
    else left(zip, 3)
  end;

-- 45 CFR 164.514(b)(2)(i)(C): ages over 89, and every year that tells of one, become one class.
-- Age is counted in calendar years, so that it needs the year of birth alone.
create function medicaid.age_group(birth_year smallint, as_of date) returns text
  language sql immutable strict parallel safe
  return case
    when extract(year from as_of) - birth_year >= 90 then '90+'
    when extract(year from as_of) < birth_year then null
    else (floor((extract(year from as_of) - birth_year) / 10) * 10)::integer::text || '-'
      || (floor((extract(year from as_of) - birth_year) / 10) * 10 + 9)::integer::text
  end;

create function medicaid.birth_year(birth_year smallint, as_of date) returns integer
  language sql immutable strict parallel safe
  return case when extract(year from as_of) - birth_year >= 90 then null else birth_year::integer end;

-- MCR00002: managed care plans
create table medicaid.managed_care_plan (
  managed_care_plan_id uuid primary key,
  state_plan_id_num text collate "C" not null unique check (length(state_plan_id_num) between 1 and 12),
  plan_name text collate "C" not null check (length(plan_name) <= 50),
  plan_type text collate "C" not null check (plan_type in (
    '01', '02', '03', '04', '05', '06', '07', '08', '09', '10', '11', '12', '13', '14',
    '15', '16', '17', '18', '60', '70', '80', '99')),
  submitting_state text collate "C" not null check (submitting_state in (
    'AL', 'AK', 'AZ', 'AR', 'AS', 'CA', 'CO', 'CT', 'DE', 'DC', 'FL', 'GA', 'GU', 'HI',
    'ID', 'IL', 'IN', 'IA', 'KS', 'KY', 'LA', 'ME', 'MD', 'MA', 'MI', 'MN', 'MS', 'MO',
    'MP', 'MT', 'NE', 'NV', 'NH', 'NJ', 'NM', 'NY', 'NC', 'ND', 'OH', 'OK', 'OR', 'PA',
    'PR', 'RI', 'SC', 'SD', 'TN', 'TX', 'UT', 'VT', 'VA', 'VI', 'WA', 'WV', 'WI', 'WY'))
);

-- PRV00002, PRV00005, PRV00006: providers
create table medicaid.provider (
  provider_id uuid primary key,
  npi text collate "C" not null unique check (npi ~ '^[0-9]{10}$'),
  provider_name text collate "C" not null check (length(provider_name) <= 100),
  taxonomy text collate "C" check (taxonomy ~ '^[0-9A-Z]{10}$'),
  city text collate "C" check (length(city) <= 28),
  submitting_state text collate "C" not null check (submitting_state in (
    'AL', 'AK', 'AZ', 'AR', 'AS', 'CA', 'CO', 'CT', 'DE', 'DC', 'FL', 'GA', 'GU', 'HI',
    'ID', 'IL', 'IN', 'IA', 'KS', 'KY', 'LA', 'ME', 'MD', 'MA', 'MI', 'MN', 'MS', 'MO',
    'MP', 'MT', 'NE', 'NV', 'NH', 'NJ', 'NM', 'NY', 'NC', 'ND', 'OH', 'OK', 'OR', 'PA',
    'PR', 'RI', 'SC', 'SD', 'TN', 'TX', 'UT', 'VT', 'VA', 'VI', 'WA', 'WV', 'WI', 'WY'))
);

-- ELG00002: primary demographics
create table medicaid.enrollee (
  enrollee_id uuid primary key,
  submitting_state text collate "C" not null check (submitting_state in (
    'AL', 'AK', 'AZ', 'AR', 'AS', 'CA', 'CO', 'CT', 'DE', 'DC', 'FL', 'GA', 'GU', 'HI',
    'ID', 'IL', 'IN', 'IA', 'KS', 'KY', 'LA', 'ME', 'MD', 'MA', 'MI', 'MN', 'MS', 'MO',
    'MP', 'MT', 'NE', 'NV', 'NH', 'NJ', 'NM', 'NY', 'NC', 'ND', 'OH', 'OK', 'OR', 'PA',
    'PR', 'RI', 'SC', 'SD', 'TN', 'TX', 'UT', 'VT', 'VA', 'VI', 'WA', 'WV', 'WI', 'WY')),
  -- People may share one (mother, unborn child and newborn), and some states use the SSN.
  msis_identification_num text collate "C" not null
    check (length(msis_identification_num) between 1 and 20),
  msis_id_ssn_based boolean not null default false,
  eligible_first_name text collate "C" not null check (length(eligible_first_name) between 1 and 30),
  eligible_middle_init text collate "C" check (length(eligible_middle_init) = 1),
  eligible_last_name text collate "C" not null check (length(eligible_last_name) between 1 and 30),
  date_of_birth date not null,
  date_of_death date check (date_of_death >= date_of_birth),
  sex text collate "C" check (sex in ('F', 'M', 'U')),
  birth_year smallint generated always as (extract(year from date_of_birth)::smallint) stored,
  -- Random, so that it can be derived from nothing.
  pseudonym uuid not null default gen_random_uuid(),
  -- The days on which this person is in the population of the court order: 0002_population.sql.
  population datemultirange not null default '{}',
  derived text[] not null default '{}'
);

-- ELG00003: variable demographics
create table medicaid.variable_demographics (
  enrollee_id uuid not null references medicaid.enrollee,
  span_num integer not null check (span_num > 0),
  effective_date date not null,
  end_date date check (end_date >= effective_date),
  ssn text collate "C" check (ssn ~ '^[0-9]{9}$'),
  ssn_last4 text collate "C" generated always as (right(ssn, 4)) stored,
  marital_status text collate "C" check (marital_status ~ '^[0-9]{2}$'),
  income_code text collate "C" check (income_code ~ '^0[1-8]$'),
  veteran_ind boolean,
  citizenship_ind text collate "C" check (citizenship_ind in ('0', '1', '2')),
  citizenship_verification_flag boolean,
  immigration_status text collate "C" check (immigration_status in ('1', '2', '3', '8')),
  immigration_verification_flag boolean,
  immigration_status_five_year_bar_end_date date,
  primary_language_code text collate "C" check (primary_language_code ~ '^[A-Z]{3}$'),
  household_size integer check (household_size between 1 and 99),
  -- T-MSIS rules 2048, 2051 and 7528
  check ((immigration_status in ('1', '2', '3')) = (citizenship_ind = '0')),
  check ((immigration_status = '8') = (citizenship_ind in ('1', '2'))),
  derived text[] not null default '{}',
  primary key (enrollee_id, span_num)
);

-- ELG00004: contact information, ADDR-TYPE 01
create table medicaid.home_address (
  enrollee_id uuid not null references medicaid.enrollee,
  span_num integer not null check (span_num > 0),
  effective_date date not null,
  end_date date check (end_date >= effective_date),
  addr_ln1 text collate "C" not null check (length(addr_ln1) between 1 and 60),
  addr_ln2 text collate "C" check (length(addr_ln2) <= 60),
  addr_ln3 text collate "C" check (length(addr_ln3) <= 60),
  city text collate "C" not null check (length(city) between 1 and 28),
  state text collate "C" not null check (state in (
    'AL', 'AK', 'AZ', 'AR', 'AS', 'CA', 'CO', 'CT', 'DE', 'DC', 'FL', 'GA', 'GU', 'HI',
    'ID', 'IL', 'IN', 'IA', 'KS', 'KY', 'LA', 'ME', 'MD', 'MA', 'MI', 'MN', 'MS', 'MO',
    'MP', 'MT', 'NE', 'NV', 'NH', 'NJ', 'NM', 'NY', 'NC', 'ND', 'OH', 'OK', 'OR', 'PA',
    'PR', 'RI', 'SC', 'SD', 'TN', 'TX', 'UT', 'VT', 'VA', 'VI', 'WA', 'WV', 'WI', 'WY')),
  zip text collate "C" check (zip ~ '^[0-9]{5}([0-9]{4})?$'),
  county text collate "C" check (county ~ '^[0-9]{5}$'),
  zip3 text collate "C" generated always as (medicaid.zip3(zip)) stored,
  derived text[] not null default '{}',
  primary key (enrollee_id, span_num)
);

-- ELG00004: contact information, ADDR-TYPE 06
create table medicaid.mailing_address (
  enrollee_id uuid not null references medicaid.enrollee,
  span_num integer not null check (span_num > 0),
  effective_date date not null,
  end_date date check (end_date >= effective_date),
  addr_ln1 text collate "C" not null check (length(addr_ln1) between 1 and 60),
  addr_ln2 text collate "C" check (length(addr_ln2) <= 60),
  addr_ln3 text collate "C" check (length(addr_ln3) <= 60),
  city text collate "C" not null check (length(city) between 1 and 28),
  state text collate "C" not null check (state in (
    'AL', 'AK', 'AZ', 'AR', 'AS', 'CA', 'CO', 'CT', 'DE', 'DC', 'FL', 'GA', 'GU', 'HI',
    'ID', 'IL', 'IN', 'IA', 'KS', 'KY', 'LA', 'ME', 'MD', 'MA', 'MI', 'MN', 'MS', 'MO',
    'MP', 'MT', 'NE', 'NV', 'NH', 'NJ', 'NM', 'NY', 'NC', 'ND', 'OH', 'OK', 'OR', 'PA',
    'PR', 'RI', 'SC', 'SD', 'TN', 'TX', 'UT', 'VT', 'VA', 'VI', 'WA', 'WV', 'WI', 'WY')),
  zip text collate "C" check (zip ~ '^[0-9]{5}([0-9]{4})?$'),
  county text collate "C" check (county ~ '^[0-9]{5}$'),
  zip3 text collate "C" generated always as (medicaid.zip3(zip)) stored,
  derived text[] not null default '{}',
  primary key (enrollee_id, span_num)
);

-- ELG00004: contact information, the telephone number
create table medicaid.phone (
  enrollee_id uuid not null references medicaid.enrollee,
  span_num integer not null check (span_num > 0),
  effective_date date not null,
  end_date date check (end_date >= effective_date),
  phone_number text collate "C" not null check (phone_number ~ '^[0-9]{10}$'),
  derived text[] not null default '{}',
  primary key (enrollee_id, span_num)
);

-- ELG00005: eligibility determinants
create table medicaid.eligibility_determinant (
  enrollee_id uuid not null references medicaid.enrollee,
  span_num integer not null check (span_num > 0),
  effective_date date not null,
  end_date date check (end_date >= effective_date),
  msis_case_num text collate "C" check (length(msis_case_num) between 1 and 12),
  medicaid_basis_of_eligibility text collate "C" check (medicaid_basis_of_eligibility ~ '^[0-9]{2}$'),
  dual_eligible_code text collate "C" check (dual_eligible_code in ('00', '01', '02', '03', '04', '05', '06', '08', '09', '10')),
  primary_eligibility_group_ind boolean not null default true,
  eligibility_group text collate "C" check (eligibility_group in (
    '01', '02', '03', '04', '05', '06', '07', '08', '09', '11', '12', '13', '14', '15',
    '16', '17', '18', '19', '20', '21', '22', '23', '24', '25', '26', '27', '28', '29',
    '30', '31', '32', '33', '34', '35', '36', '37', '38', '39', '40', '41', '42', '43',
    '44', '45', '46', '47', '48', '49', '50', '51', '52', '53', '54', '55', '56', '59',
    '60', '61', '62', '63', '64', '65', '66', '67', '68', '69', '70', '71', '72', '73',
    '74', '75', '76')),
  restricted_benefits_code text collate "C" check (restricted_benefits_code in ('0', '1', '2', '3', '4', '5', '6', '7', 'A', 'D', 'G')),
  -- T-MSIS rules ELG097-3, ELG097-6, ELG097-G
  check (restricted_benefits_code <> '3' or dual_eligible_code <> '00'),
  check (restricted_benefits_code <> '6' or eligibility_group in ('35', '70')),
  check (restricted_benefits_code <> 'G' or dual_eligible_code in ('01', '03', '06')),
  derived text[] not null default '{}',
  primary key (enrollee_id, span_num)
);

-- ELG00014: managed care participation
create table medicaid.managed_care_participation (
  enrollee_id uuid not null references medicaid.enrollee,
  span_num integer not null check (span_num > 0),
  effective_date date not null,
  end_date date check (end_date >= effective_date),
  managed_care_plan_id text collate "C" not null
    references medicaid.managed_care_plan (state_plan_id_num),
  enrolled_managed_care_plan_type text collate "C" check (enrolled_managed_care_plan_type in (
    '01', '02', '03', '04', '05', '06', '07', '08', '09', '10', '11', '12', '13', '14',
    '15', '16', '17', '18', '60', '70', '80', '99')),
  derived text[] not null default '{}',
  primary key (enrollee_id, span_num)
);

-- ELG00015: ethnicity
create table medicaid.ethnicity (
  enrollee_id uuid not null references medicaid.enrollee,
  span_num integer not null check (span_num > 0),
  effective_date date not null,
  end_date date check (end_date >= effective_date),
  ethnicity_code text collate "C" not null check (ethnicity_code in ('00', '01', '02', '03', '04', '05', '06', '09')),
  derived text[] not null default '{}',
  primary key (enrollee_id, span_num)
);

-- ELG00016: race
create table medicaid.race (
  enrollee_id uuid not null references medicaid.enrollee,
  span_num integer not null check (span_num > 0),
  effective_date date not null,
  end_date date check (end_date >= effective_date),
  race text collate "C" not null check (race in (
    '001', '002', '003', '004', '005', '006', '007', '008', '009', '010', '011', '012',
    '013', '014', '015', '016', '017', '018')),
  derived text[] not null default '{}',
  primary key (enrollee_id, span_num)
);

-- ELG00017: disability
create table medicaid.disability (
  enrollee_id uuid not null references medicaid.enrollee,
  span_num integer not null check (span_num > 0),
  effective_date date not null,
  end_date date check (end_date >= effective_date),
  disability_type_code text collate "C" not null check (disability_type_code in ('01', '02', '03', '04', '05', '06', '07')),
  derived text[] not null default '{}',
  primary key (enrollee_id, span_num)
);

-- ELG00021: enrollment time spans
create table medicaid.enrollment_time_span (
  enrollee_id uuid not null references medicaid.enrollee,
  span_num integer not null check (span_num > 0),
  effective_date date not null,
  end_date date check (end_date >= effective_date),
  enrollment_type text collate "C" not null check (enrollment_type in ('1', '2', '9')),
  derived text[] not null default '{}',
  primary key (enrollee_id, span_num)
);

-- Not a T-MSIS segment: no T-MSIS code means unlawfully present, so a person determines it, on
-- evidence, until a day.
create table medicaid.immigration_determination (
  enrollee_id uuid not null references medicaid.enrollee,
  span_num integer not null check (span_num > 0),
  effective_date date not null,
  end_date date not null check (end_date >= effective_date),
  outcome text collate "C" not null check (outcome in ('unlawfully_present', 'lawfully_present', 'undetermined')),
  determined_by text collate "C" not null check (length(determined_by) between 1 and 60),
  determined_on date not null check (determined_on <= effective_date),
  evidence text collate "C" not null check (length(evidence) between 1 and 200),
  derived text[] not null default '{}',
  primary key (enrollee_id, span_num)
);

-- CIP, CLT, COT, CRX: claim headers. A header carries every label that one of its rows carries.
create table medicaid.claim (
  enrollee_id uuid not null references medicaid.enrollee,
  claim_id uuid not null,
  submitting_state text collate "C" not null check (submitting_state in (
    'AL', 'AK', 'AZ', 'AR', 'AS', 'CA', 'CO', 'CT', 'DE', 'DC', 'FL', 'GA', 'GU', 'HI',
    'ID', 'IL', 'IN', 'IA', 'KS', 'KY', 'LA', 'ME', 'MD', 'MA', 'MI', 'MN', 'MS', 'MO',
    'MP', 'MT', 'NE', 'NV', 'NH', 'NJ', 'NM', 'NY', 'NC', 'ND', 'OH', 'OK', 'OR', 'PA',
    'PR', 'RI', 'SC', 'SD', 'TN', 'TX', 'UT', 'VT', 'VA', 'VI', 'WA', 'WV', 'WI', 'WY')),
  claim_kind text collate "C" not null check (claim_kind in ('IP', 'LT', 'OT', 'RX')),
  icn_orig text collate "C" not null check (length(icn_orig) between 1 and 50),
  beginning_date_of_service date not null,
  ending_date_of_service date check (ending_date_of_service >= beginning_date_of_service),
  service_year integer
    generated always as (extract(year from beginning_date_of_service)::integer) stored,
  admission_date date,
  discharge_date date check (discharge_date >= admission_date),
  adjudication_date date,
  medicaid_paid_date date,
  diagnosis_code text collate "C" check (length(diagnosis_code) <= 18),
  diagnosis_code_system text collate "C" check (diagnosis_code_system in ('ICD10CM', 'ICD10PCS', 'HCPCS', 'NDC', 'RXNORM', 'SNOMED')),
  type_of_bill text collate "C" check (length(type_of_bill) <= 4),
  place_of_service text collate "C" check (place_of_service ~ '^[0-9]{2}$'),
  covered_days integer check (covered_days >= 0),
  billing_prov_npi_num text collate "C" references medicaid.provider (npi),
  plan_id_number text collate "C" references medicaid.managed_care_plan (state_plan_id_num),
  tot_billed_amt numeric(13, 2),
  tot_allowed_amt numeric(13, 2),
  tot_medicaid_paid_amt numeric(13, 2),
  sensitivity_labels text[] not null default '{}'
    check (sensitivity_labels <@ array['ETH', 'ETHUD', 'HIV', 'PSY', 'SDV', 'SEX', 'STD', 'GDIS']),
  derived text[] not null default '{}',
  primary key (enrollee_id, claim_id),
  unique (enrollee_id, icn_orig),
  check ((diagnosis_code is null) = (diagnosis_code_system is null))
);

create table medicaid.claim_diagnosis (
  enrollee_id uuid not null,
  claim_id uuid not null,
  diagnosis_num integer not null check (diagnosis_num > 0),
  diagnosis_code text collate "C" not null check (length(diagnosis_code) between 1 and 18),
  diagnosis_code_system text collate "C" not null check (diagnosis_code_system in ('ICD10CM', 'ICD10PCS', 'HCPCS', 'NDC', 'RXNORM', 'SNOMED')),
  derived text[] not null default '{}',
  primary key (enrollee_id, claim_id, diagnosis_num),
  foreign key (enrollee_id, claim_id) references medicaid.claim
);

create table medicaid.claim_line (
  enrollee_id uuid not null,
  claim_id uuid not null,
  line_num integer not null check (line_num > 0),
  beginning_date_of_service date,
  procedure_code text collate "C" check (length(procedure_code) <= 18),
  procedure_code_system text collate "C" check (procedure_code_system in ('ICD10CM', 'ICD10PCS', 'HCPCS', 'NDC', 'RXNORM', 'SNOMED')),
  drug_code text collate "C" check (length(drug_code) <= 18),
  drug_code_system text collate "C" check (drug_code_system in ('ICD10CM', 'ICD10PCS', 'HCPCS', 'NDC', 'RXNORM', 'SNOMED')),
  quantity_actual numeric(9, 3) check (quantity_actual >= 0),
  days_supply integer check (days_supply >= 0),
  revenue_code text collate "C" check (revenue_code ~ '^[0-9]{4}$'),
  type_of_service text collate "C" check (type_of_service in (
    '001', '002', '003', '004', '005', '006', '007', '008', '009', '010', '011', '012',
    '013', '014', '015', '016', '017', '018', '019', '020', '021', '022', '023', '024',
    '025', '026', '027', '028', '029', '030', '031', '032', '033', '034', '035', '036',
    '037', '038', '039', '040', '041', '042', '043', '044', '045', '046', '047', '048',
    '049', '050', '051', '052', '053', '054', '055', '056', '057', '058', '059', '060',
    '061', '062', '063', '064', '065', '066', '067', '068', '069', '070', '071', '072',
    '073', '074', '075', '076', '077', '078', '079', '080', '081', '082', '083', '084',
    '085', '086', '087', '088', '089', '090', '091', '092', '093', '115', '119', '120',
    '121', '122', '123', '127', '131', '132', '133', '134', '135', '136', '137', '138',
    '139', '140', '141', '142', '143', '144', '145', '146', '147')),
  servicing_prov_npi_num text collate "C" references medicaid.provider (npi),
  billed_amt numeric(13, 2),
  medicaid_paid_amt numeric(13, 2),
  derived text[] not null default '{}',
  primary key (enrollee_id, claim_id, line_num),
  foreign key (enrollee_id, claim_id) references medicaid.claim,
  check ((procedure_code is null) = (procedure_code_system is null)),
  check ((drug_code is null) = (drug_code_system is null))
);

-- Each index serves a root key, a row scope or the default order of a connection.
create index on medicaid.enrollee (msis_identification_num);
create index on medicaid.enrollee (submitting_state, enrollee_id);
create index on medicaid.enrollee (eligible_last_name, enrollee_id);
create index on medicaid.enrollee (date_of_birth, enrollee_id);
create index on medicaid.variable_demographics (ssn);
create index on medicaid.home_address (county, enrollee_id);
create index on medicaid.phone (phone_number);
create index on medicaid.eligibility_determinant (msis_case_num);
create index on medicaid.managed_care_participation (managed_care_plan_id, enrollee_id);
create index on medicaid.claim (submitting_state, enrollee_id, claim_id);
create index on medicaid.claim (plan_id_number, enrollee_id, claim_id);
create index on medicaid.claim (billing_prov_npi_num, enrollee_id, beginning_date_of_service);
create index on medicaid.claim (beginning_date_of_service, enrollee_id, claim_id);
create index on medicaid.claim_diagnosis (diagnosis_code);
