"""The statements of bare SQL, by hand: a page is limited first, then looked up from; JSON comes out
in the form in which Fieldward answers.

Current among dated rows is what db/sql/rows.py says it is: the row covers the day, began last, and
of two has the higher number. The server's time zone is UTC, as the day of a request is. A page's
subquery is in order and nothing but nested loops stand over it, so `json_agg` needs no sort.
"""

from __future__ import annotations

from typing import Final

from bench.operations import DENIED

_CURRENT: Final = (
    "{0}.enrollee_id = e.enrollee_id and {0}.effective_date <= current_date "
    "and ({0}.end_date is null or {0}.end_date >= current_date) "
    "order by {0}.effective_date desc, {0}.span_num desc limit 1"
)

_SIX: Final = """
    'citizenship', case d.citizenship_ind
      when '0' then 'NON_CITIZEN' when '1' then 'CITIZEN' when '2' then 'NATIONAL' end,
    'immigrationStatus', case d.immigration_status
      when '1' then 'QUALIFIED_NON_CITIZEN' when '2' then 'LAWFULLY_PRESENT'
      when '3' then 'EMERGENCY_SERVICES_ONLY' when '8' then 'NOT_APPLICABLE' end,
    'homeAddress', h.home,
    'phoneNumber', p.phone_number,
    'dateOfBirth', e.date_of_birth,
    'medicaidId', e.msis_identification_num"""

_OF_SIX: Final = f"""
    left join lateral (
      select v.citizenship_ind, v.immigration_status from medicaid.variable_demographics v
       where {_CURRENT.format("v")}) d on true
    left join lateral (
      select json_build_object('line1', a.addr_ln1, 'line2', a.addr_ln2, 'line3', a.addr_ln3,
                               'city', a.city, 'state', a.state, 'zip', a.zip) as home
        from medicaid.home_address a
       where {_CURRENT.format("a")}) h on true
    left join lateral (
      select f.phone_number from medicaid.phone f
       where {_CURRENT.format("f")}) p on true"""

_KIND: Final = (
    "case {}.claim_kind when 'IP' then 'INPATIENT' when 'LT' then 'LONG_TERM_CARE' "
    "when 'OT' then 'OTHER' when 'RX' then 'PHARMACY' end"
)

_ONE: Final = f"""
select json_build_object('data', json_build_object('enrollee', (
  select json_build_object({_SIX})
    from medicaid.enrollee e {_OF_SIX}
   where e.msis_identification_num = $1)))"""

_FIFTY: Final = f"""
select json_build_object('data', json_build_object('enrollees', json_build_object('nodes',
  coalesce(json_agg(json_build_object({_SIX})), '[]'::json))))
  from (select enrollee_id, date_of_birth, msis_identification_num from medicaid.enrollee
         where submitting_state = $1 order by enrollee_id limit 50) e {_OF_SIX}"""

_FIFTY_CLAIMS: Final = f"""
select json_build_object('data', json_build_object('enrollees', json_build_object('nodes',
  coalesce(json_agg(json_build_object(
    'medicaidId', e.msis_identification_num,
    'claims', json_build_object('nodes', c.claims))), '[]'::json))))
  from (select enrollee_id, msis_identification_num from medicaid.enrollee
         where submitting_state = $1 order by enrollee_id limit 50) e
  cross join lateral (
    select coalesce(json_agg(json_build_object(
             'icn', k.icn_orig,
             'kind', {_KIND.format("k")},
             'serviceBeginDate', k.beginning_date_of_service,
             'providerNpi', k.billing_prov_npi_num,
             'paidAmount', k.tot_medicaid_paid_amt::text)), '[]'::json) as claims
      from (select icn_orig, claim_kind, beginning_date_of_service, billing_prov_npi_num,
                   tot_medicaid_paid_amt
              from medicaid.claim where enrollee_id = e.enrollee_id
             order by claim_id limit 10) k) c"""

_FILTERED: Final = """
select json_build_object('data', json_build_object('enrollees', json_build_object('nodes',
  coalesce(json_agg(json_build_object(
    'medicaidId', e.msis_identification_num,
    'firstName', e.eligible_first_name,
    'middleInitial', e.eligible_middle_init,
    'lastName', e.eligible_last_name,
    'dateOfBirth', e.date_of_birth,
    'sex', case e.sex when 'F' then 'FEMALE' when 'M' then 'MALE' when 'U' then 'UNKNOWN' end
  )), '[]'::json))))
  from (select msis_identification_num, eligible_first_name, eligible_middle_init,
               eligible_last_name, date_of_birth, sex
          from medicaid.enrollee
         where submitting_state = $1 and date_of_birth >= $2 and date_of_birth < $3
         order by eligible_last_name, msis_identification_num, enrollee_id limit 50) e"""

_AGGREGATE: Final = f"""
select json_build_object('data', json_build_object('claimsAggregate', json_build_object('groups',
  coalesce(json_agg(json_build_object(
    'key', json_build_object('serviceYear', g.service_year, 'kind', {_KIND.format("g")}),
    'count', g.count, 'sum', json_build_object('paidAmount', g.paid::text))), '[]'::json))))
  from (select service_year, claim_kind, count(*), sum(tot_medicaid_paid_amt) as paid
          from medicaid.claim
         where submitting_state = $1 and billing_prov_npi_num = $2
           and beginning_date_of_service >= $3
         group by service_year, claim_kind) g"""

_DENIED: Final = f"""
select json_build_object('data', json_build_object('enrollees', json_build_object('nodes',
  coalesce(json_agg(json_build_object({_SIX},
    {", ".join(f"'{name}', null" for name in DENIED)})), '[]'::json))))
  from (select enrollee_id, date_of_birth, msis_identification_num from medicaid.enrollee
         where population <> '{{}}' and population @> current_date
         order by enrollee_id limit 50) e {_OF_SIX}"""

_LARGE: Final = f"""
select json_build_object('data', json_build_object('claims', json_build_object('nodes',
  coalesce(json_agg(json_build_object(
    'id', k.claim_id,
    'icn', k.icn_orig,
    'kind', {_KIND.format("k")},
    'submittingState', k.submitting_state,
    'serviceBeginDate', k.beginning_date_of_service,
    'serviceEndDate', k.ending_date_of_service,
    'serviceYear', k.service_year,
    'admissionDate', k.admission_date,
    'dischargeDate', k.discharge_date,
    'adjudicationDate', k.adjudication_date,
    'paidDate', k.medicaid_paid_date,
    'typeOfBill', k.type_of_bill,
    'placeOfService', k.place_of_service,
    'coveredDays', k.covered_days,
    'providerNpi', k.billing_prov_npi_num,
    'planId', k.plan_id_number,
    'billedAmount', k.tot_billed_amt::text,
    'allowedAmount', k.tot_allowed_amt::text,
    'paidAmount', k.tot_medicaid_paid_amt::text,
    'enrollee', json_build_object('medicaidId', (
      select e.msis_identification_num from medicaid.enrollee e
       where e.enrollee_id = k.enrollee_id)))), '[]'::json))))
  from (select * from medicaid.claim
         where submitting_state = $1 and beginning_date_of_service >= $2
         order by enrollee_id, claim_id limit 1000) k"""

STATEMENTS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "one": (_ONE, ("medicaidId",)),
    "fifty": (_FIFTY, ("state",)),
    "fifty_claims": (_FIFTY_CLAIMS, ("state",)),
    "filtered": (_FILTERED, ("state", "from", "to")),
    "aggregate": (_AGGREGATE, ("state", "npi", "from")),
    "denied": (_DENIED, ()),
    "large": (_LARGE, ("state", "from")),
}
"""Operation → statement and, in the order of $1, $2, …, the values of the body that it takes."""
