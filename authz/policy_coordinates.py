"""What a policy, a court order and a disclosure show of themselves. Knows nothing of records.

These coordinates have no table, no row and so no anchor: a rule about one holds always or never.
Everything that they show is about decisions; no value of a record is among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from db.catalog import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Shown:
    """A coordinate: its type (None for a list of other types here), and what it says."""

    kind: Kind | None
    about: str


EXTRA: Final[Mapping[str, Shown]] = MappingProxyType(
    {
        "Policy.version": Shown(
            Kind.TEXT, "Version under which decisions are made: a digest of all that they rest on."
        ),
        "Policy.digest": Shown(
            Kind.TEXT, "SHA-256 of the policy as it is written, before any order, in hexadecimal."
        ),
        "Policy.since": Shown(Kind.TEXT, "Instant since which nothing dated changed; or none."),
        "Policy.until": Shown(Kind.TEXT, "Instant at which something dated changes; or none."),
        "Policy.roles": Shown(None, "All roles."),
        "Policy.classes": Shown(None, "All data classes."),
        "Policy.scopes": Shown(None, "All row scopes, one entry for each kind of record."),
        "Policy.rules": Shown(None, "All rules, orders included."),
        "Policy.model": Shown(Kind.TEXT, "The model, as Casbin reads it."),
        "Policy.csv": Shown(Kind.TEXT, "The rules, orders included, as Casbin reads them."),
        "PolicyRole.name": Shown(Kind.TEXT, "Name, as tokens write it."),
        "PolicyRole.description": Shown(Kind.TEXT, "Who acts in the role, and what for."),
        "PolicyRole.pageLimit": Shown(Kind.INTEGER, "Most rows of one page."),
        "PolicyRole.denialMode": Shown(Kind.TEXT, "What a denied selection does."),
        "PolicyRole.inherits": Shown(Kind.TEXTS, "Roles whose rules are this role's too."),
        "PolicyRole.requires": Shown(Kind.TEXTS, "Attributes that every request must carry."),
        "PolicyRole.capped": Shown(Kind.BOOLEAN, "Whether a court order caps the role."),
        "PolicyClass.name": Shown(Kind.TEXT, "Name, as rules write it."),
        "PolicyClass.members": Shown(Kind.TEXTS, "Coordinates and classes in it."),
        "PolicyScope.name": Shown(Kind.TEXT, "Name, as rules write it."),
        "PolicyScope.anchor": Shown(Kind.TEXT, "Kind of record whose rows it is about."),
        "PolicyScope.text": Shown(Kind.TEXT, "The condition, in the language of row scopes."),
        "PolicyRule.role": Shown(Kind.TEXT, "Role that it is about."),
        "PolicyRule.object": Shown(Kind.TEXT, "Coordinate or data class."),
        "PolicyRule.action": Shown(Kind.TEXT, "Action, with its operator where it names one."),
        "PolicyRule.condition": Shown(Kind.TEXT, "Row scopes that all hold, or 'always'."),
        "PolicyRule.effect": Shown(Kind.TEXT, "allow or deny."),
        "Order.name": Shown(Kind.TEXT, "Name of its file."),
        "Order.caption": Shown(Kind.TEXT, "Parties."),
        "Order.court": Shown(Kind.TEXT, "Court."),
        "Order.docket": Shown(Kind.TEXT, "Docket number."),
        "Order.issued": Shown(Kind.DATE, "Day on which it was issued."),
        "Order.effective": Shown(Kind.DATE, "First day on which it was in force."),
        "Order.status": Shown(Kind.TEXT, "Status at the moment of the request; or none yet."),
        "Order.inForce": Shown(Kind.BOOLEAN, "Whether it is in force at that moment."),
        "Order.history": Shown(None, "Every status that it had, and since when."),
        "Order.role": Shown(Kind.TEXT, "Role that it caps."),
        "Order.states": Shown(Kind.TEXTS, "Plaintiff states."),
        "Order.population": Shown(Kind.TEXT, "Row scope that its people meet."),
        "Order.grants": Shown(None, "All that it leaves the role."),
        "OrderStatus.at": Shown(Kind.TEXT, "Instant since which it holds."),
        "OrderStatus.status": Shown(Kind.TEXT, "Status."),
        "OrderGrant.coordinate": Shown(Kind.TEXT, "Coordinate."),
        "OrderGrant.actions": Shown(Kind.TEXTS, "Actions, with their operators where named."),
        "Disclosure.recordedAt": Shown(Kind.TEXT, "Instant at which it was recorded."),
        "Disclosure.recipient": Shown(Kind.TEXT, "Who received it."),
        "Disclosure.role": Shown(Kind.TEXT, "Role in which the recipient acted."),
        "Disclosure.purpose": Shown(Kind.TEXT, "Purpose of use, HL7 PurposeOfUse."),
        "Disclosure.request": Shown(Kind.TEXT, "Reference of the request on record."),
        "Disclosure.order": Shown(Kind.TEXT, "Court order that it rests on; or none."),
        "Disclosure.policyVersion": Shown(Kind.TEXT, "Policy version that decided."),
        "Disclosure.coordinates": Shown(Kind.TEXTS, "Names of the fields that were answered."),
        "Disclosure.subjects": Shown(Kind.TEXTS, "Pseudonyms of the people in the answer."),
    }
)
