"""Askers for a world: each role with claims that fit the records, and with claims that do not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from authz.principal import Format, canonical
from tests.oracle.asker import Asker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.gateway import Gateway
    from tests.oracle.records import Records


def seed_askers(gateway: Gateway, records: Records) -> list[Asker]:
    """Askers in the roles of the seed policy."""
    people = sorted(records.by_table["enrollee"], key=lambda row: str(row["enrollee_id"]))
    states = sorted({row["submitting_state"] for row in people})
    counties = sorted({row["county"] for row in records.by_table["home_address"]} - {None})
    npis = sorted({row["billing_prov_npi_num"] for row in records.by_table["claim"]} - {None})
    plans = sorted(
        {row["managed_care_plan_id"] for row in records.by_table["managed_care_participation"]}
    )
    # Such as a token can name.
    plans = [plan for plan in plans if canonical(Format.PLAN, plan)]
    shared = [str(row["enrollee_id"]) for row in people
              if records.holders[row["msis_identification_num"]] > 1]  # fmt: skip
    some = [str(row["enrollee_id"]) for row in people[:: len(people) // 3]]
    other_state = next(state for state in states if state != gateway.examples["state"])
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    later = (datetime.now(UTC) + timedelta(hours=6)).isoformat()
    glass = {"until": later, "reason": "test"}
    claims: dict[str, dict[str, Mapping[str, object]]] = {
        "front_desk": {
            "many counties": {"county": counties[::4]},
            "no county": {"county": ["99999"]},
        },
        "eligibility_worker": {
            "all counties": {"state": [gateway.examples["state"]], "county": counties},
            "county of another state": {
                "state": [other_state],
                "county": [gateway.examples["county"]],
            },
            "no county at all": {"state": [other_state]},
        },
        "eligibility_supervisor": {
            "all states": {"state": states},
            "another state": {"state": [other_state]},
            "no such state": {"state": ["GU"]},
            "no state at all": {},
        },
        "managed_care_plan": {
            "many plans": {"plan_id": plans[::2]},
            "no plan": {"plan_id": ["none"]},
        },
        "provider": {"many": {"npi": npis[::7]}, "nobody": {"npi": ["0000000000"]}},
        "program_integrity": {
            "all states": {"state": states},
            "another state": {"state": [other_state]},
        },
        "researcher": {
            "all states": {"agreement": "A", "agreement_states": states},
            "no agreement": {"agreement_states": states},
        },
        "beneficiary": {
            "a person": {"enrollee_id": some[1]},
            "nobody": {"enrollee_id": "00000000-0000-0000-0000-0000000000ff"},
            **({"one of several": {"enrollee_id": shared[0]}} if shared else {}),
        },
        "break_glass": {
            "another": {"person": some[2], **glass},
            "too late": {"person": some[2], **glass, "until": past},
            "no reason": {"person": some[0], "until": later},
        },
        "immigration_enforcement": {
            "bare": {},
            "somebody else": {"sub": "another", "state": states},
        },
    }
    roles = (
        "immigration_enforcement", "beneficiary", "front_desk", "eligibility_worker",
        "eligibility_supervisor", "managed_care_plan", "provider", "program_integrity",
        "researcher", "actuary", "auditor", "policy_administrator", "break_glass",
    )  # fmt: skip
    usual = [Asker(role, "usual", gateway.claims(role)) for role in roles]
    # Twice, because claims that fit the records show more.
    return [*usual, *usual] + [
        Asker(role, about, given) for role, ways in claims.items() for about, given in ways.items()
    ]


def corner_askers() -> list[Asker]:
    """Askers in the roles of the corner policy."""
    home = {"state": ["GU", "NY"], "plan_id": ["odd-plan"], "county": ["06001", "25017"]}
    roles = ("wide", "patchy", "heir", "narrow", "contrary", "strict", "one_end", "blind",
             "walker", "stray", "teller", "sparse")  # fmt: skip
    return [
        *(Asker(role, "usual", {**home, "reason": "test"}) for role in roles),
        Asker("wide", "usual, again", {}),
        Asker("patchy", "one state", {**home, "state": ["MA"]}),
        Asker("heir", "one state", {**home, "state": ["MA"]}),
        Asker("heir", "no state", {"reason": "test"}),
        Asker("one_end", "no reason", home),
        Asker("walker", "one state", {**home, "state": ["GU"]}),
        Asker("stray", "one state", {**home, "state": ["NY"]}),
    ]
