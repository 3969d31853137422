"""The statements of bare SQL, by hand: a page is limited first, then looked up from; JSON comes out
in the form in which Fieldward answers.

Current among dated rows is what db/sql/rows.py says it is: the row covers the day, began last, and
of two has the higher number. The server's time zone is UTC, as the day of a request is. A page's
subquery is in order and nothing but nested loops stand over it, so `json_agg` needs no sort. Rows
are turned into JSON whole: on the large page that took 0.86 of the time of objects made field by
field, on the others the same or a little less.
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
         case d.citizenship_ind
           when '0' then 'NON_CITIZEN' when '1' then 'CITIZEN' when '2' then 'NATIONAL'
         end as citizenship,
         case d.immigration_status
           when '1' then 'QUALIFIED_NON_CITIZEN' when '2' then 'LAWFULLY_PRESENT'
           when '3' then 'EMERGENCY_SERVICES_ONLY' when '8' then 'NOT_APPLICABLE'
         end as "immigrationStatus",
         h.home as "homeAddress",
         p.phone_number as "phoneNumber",
         e.date_of_birth as "dateOfBirth",
         e.msis_identification_num as "medicaidId"
"""

_OF_SIX: Final = f"""
    left join lateral (
      select v.citizenship_ind, v.immigration_status from medicaid.variable_demographics v
       where {_CURRENT.format("v")}) d on true
    left join lateral (
      select JSON_OBJECT('line1' : a.addr_ln1, 'line2' : a.addr_ln2, 'line3' : a.addr_ln3,
                         'city' : a.city, 'state' : a.state, 'zip' : a.zip) as home
        from medicaid.home_address a
       where {_CURRENT.format("a")}) h on true
    left join lateral (
      select f.phone_number from medicaid.phone f
       where {_CURRENT.format("f")}) p on true"""

_KIND: Final = (
    "case claim_kind when 'IP' then 'INPATIENT' when 'LT' then 'LONG_TERM_CARE' "
    "when 'OT' then 'OTHER' when 'RX' then 'PHARMACY' end"
)


def _page(root: str, rows: str) -> str:
    return (
        f"select JSON_OBJECT('data' : JSON_OBJECT('{root}' : JSON_OBJECT('nodes' : "
        f"coalesce(json_agg(t), '[]'::json)))) from ({rows}) t"
    )


_ONE: Final = f"""
select JSON_OBJECT('data' : JSON_OBJECT('enrollee' : (
  select row_to_json(t) from (
    select {_SIX}
      from medicaid.enrollee e {_OF_SIX}
     where e.msis_identification_num = $1) t)))"""

_FIFTY: Final = _page(
    "enrollees",
    f"""
  select {_SIX}
    from (select enrollee_id, date_of_birth, msis_identification_num from medicaid.enrollee
           where submitting_state = $1 order by enrollee_id limit 50) e {_OF_SIX}""",
)

_FIFTY_CLAIMS: Final = _page(
    "enrollees",
    f"""
  select e.msis_identification_num as "medicaidId", JSON_OBJECT('nodes' : c.claims) as claims
    from (select enrollee_id, msis_identification_num from medicaid.enrollee
           where submitting_state = $1 order by enrollee_id limit 50) e
   cross join lateral (
     select coalesce(json_agg(k), '[]'::json) as claims
       from (select icn_orig as icn, {_KIND} as kind,
                    beginning_date_of_service as "serviceBeginDate",
                    billing_prov_npi_num as "providerNpi",
                    tot_medicaid_paid_amt::text as "paidAmount"
               from medicaid.claim where enrollee_id = e.enrollee_id
              order by claim_id limit 10) k) c""",
)

_FILTERED: Final = _page(
    "enrollees",
    """
  select msis_identification_num as "medicaidId", eligible_first_name as "firstName",
         eligible_middle_init as "middleInitial", eligible_last_name as "lastName",
         date_of_birth as "dateOfBirth",
         case sex when 'F' then 'FEMALE' when 'M' then 'MALE' when 'U' then 'UNKNOWN' end as sex
    from medicaid.enrollee
   where submitting_state = $1 and date_of_birth >= $2 and date_of_birth < $3
   order by eligible_last_name, msis_identification_num, enrollee_id limit 50""",
)

_AGGREGATE: Final = f"""
select JSON_OBJECT('data' : JSON_OBJECT('claimsAggregate' : JSON_OBJECT('groups' :
  coalesce(json_agg(JSON_OBJECT(
    'key' : JSON_OBJECT('serviceYear' : g.service_year, 'kind' : {_KIND}),
    'count' : g.count, 'sum' : JSON_OBJECT('paidAmount' : g.paid::text))), '[]'::json))))
  from (select service_year, claim_kind, count(*), sum(tot_medicaid_paid_amt) as paid
          from medicaid.claim
         where submitting_state = $1 and billing_prov_npi_num = $2
           and beginning_date_of_service >= $3
         group by service_year, claim_kind) g"""

_DENIED: Final = _page(
    "enrollees",
    f"""
  select {_SIX}, {", ".join(f'null as "{name}"' for name in DENIED)}
    from (select enrollee_id, date_of_birth, msis_identification_num from medicaid.enrollee
           where population <> '{{}}' and population @> current_date
           order by enrollee_id limit 50) e {_OF_SIX}""",
)

_LARGE: Final = _page(
    "claims",
    f"""
  select claim_id as id, icn_orig as icn, {_KIND} as kind,
         submitting_state as "submittingState",
         beginning_date_of_service as "serviceBeginDate",
         ending_date_of_service as "serviceEndDate", service_year as "serviceYear",
         admission_date as "admissionDate", discharge_date as "dischargeDate",
         adjudication_date as "adjudicationDate", medicaid_paid_date as "paidDate",
         type_of_bill as "typeOfBill", place_of_service as "placeOfService",
         covered_days as "coveredDays", billing_prov_npi_num as "providerNpi",
         plan_id_number as "planId", tot_billed_amt::text as "billedAmount",
         tot_allowed_amt::text as "allowedAmount", tot_medicaid_paid_amt::text as "paidAmount",
         JSON_OBJECT('medicaidId' : (
           select e.msis_identification_num from medicaid.enrollee e
            where e.enrollee_id = k.enrollee_id)) as enrollee
    from medicaid.claim k
   where submitting_state = $1 and beginning_date_of_service >= $2
   order by enrollee_id, claim_id limit 1000""",
)

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
