"""Who asks, as the gateway understood it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.guard import record, shape

if TYPE_CHECKING:
    from authz.principal import Principal


@record("Viewer", "The caller, as the gateway understood the token and the headers.")
class Viewer:
    """What the caller knows already: nothing here is about anybody else."""

    subject: Any = shape(str, "Name that the token's issuer gave the caller.")
    acting_role: Any = shape(str, "The one role in which this request acts.", "actingRole")
    roles: Any = shape(list[str], "All roles of the caller, those that policy assigns included.")
    purpose: Any = shape(str | None, "Purpose of use, HL7 code.")
    request: Any = shape(str | None, "Reference of the request on record.")
    policy_version: Any = shape(str, "Policy version that decides this request.", "policyVersion")


def viewer(principal: Principal, role: str, version: str) -> Viewer:
    """The viewer of a request."""
    facts: dict[str, object] = {
        "subject": principal.subject,
        "acting_role": role,
        "roles": sorted(principal.roles),
        "purpose": principal.purpose,
        "request": principal.request,
        "policy_version": version,
    }
    return Viewer(**facts)
