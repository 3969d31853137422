"""Attribute values that occur in the records, for the tokens of the demo. Not for requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

_QUERIES = {
    "state": """
        select submitting_state from medicaid.enrollee
         group by 1 order by count(*) desc, 1 limit 1""",
    "county": """
        select h.county from medicaid.home_address h
          join medicaid.enrollee e using (enrollee_id)
         where h.end_date is null and e.submitting_state = $1
         group by 1 order by count(*) desc, 1 limit 1""",
    "plan_id": """
        select m.managed_care_plan_id from medicaid.managed_care_participation m
          join medicaid.enrollee e using (enrollee_id)
         where m.end_date is null and e.submitting_state = $1
         group by 1 order by count(*) desc, 1 limit 1""",
    "npi": """
        select billing_prov_npi_num from medicaid.claim
         where submitting_state = $1 and billing_prov_npi_num is not null
         group by 1 order by count(*) desc, 1 limit 1""",
    "enrollee_id": """
        select e.enrollee_id::text from medicaid.enrollee e
          join medicaid.claim c using (enrollee_id)
         where e.submitting_state = $1
         group by 1 order by count(*) desc, 1 limit 1""",
}


async def attribute_examples(connection: asyncpg.Connection) -> dict[str, str]:
    """One value per attribute, all of the state with most people; empty without records."""
    state = await connection.fetchval(_QUERIES["state"])
    if state is None:
        return {}
    found = {"state": state}
    for name, query in _QUERIES.items():
        if name != "state" and (value := await connection.fetchval(query, state)) is not None:
            found[name] = value
    return found
