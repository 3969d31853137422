"""What a policy, a change of it, a court order and a disclosure show of themselves. Knows nothing
of records.

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
        "Policy.number": Shown(Kind.INTEGER, "Number of the version that is in force, from 1 on."),
        "Policy.invariants": Shown(None, "What administrators promised never to allow."),
        "Policy.cases": Shown(None, "Tests of the policy, which run whenever it is changed."),
        "Policy.assignments": Shown(None, "Roles that subjects hold besides those of their token."),
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
        "PolicyRole.smallestCell": Shown(
            Kind.INTEGER, "Fewest people that a number may be about; 0 where there is no least."
        ),
        "PolicyInvariant.name": Shown(Kind.TEXT, "Name."),
        "PolicyInvariant.why": Shown(Kind.TEXT, "Reason for it."),
        "PolicyInvariant.roles": Shown(Kind.TEXTS, "Roles that it binds; none stands for all."),
        "PolicyInvariant.but": Shown(Kind.TEXTS, "Roles that it does not bind."),
        "PolicyInvariant.on": Shown(Kind.TEXTS, "Coordinates and classes that it is about."),
        "PolicyInvariant.actions": Shown(Kind.TEXTS, "Actions that are not done with them."),
        "PolicyInvariant.onlyWhere": Shown(
            Kind.TEXT, "Row scopes on whose rows they may be done; empty for none."
        ),
        "PolicyCase.name": Shown(Kind.TEXT, "Name."),
        "PolicyCase.role": Shown(Kind.TEXT, "Role in which the question is asked."),
        "PolicyCase.attributes": Shown(Kind.TEXT, "Attributes of who asks, as JSON."),
        "PolicyCase.asOf": Shown(Kind.TEXT, "Instant of the question."),
        "PolicyCase.row": Shown(Kind.TEXT, "Row that is asked about, made up, as JSON; or none."),
        "PolicyCase.about": Shown(
            Kind.TEXTS, "Coordinates and classes that are asked about; none stands for all."
        ),
        "PolicyCase.allow": Shown(
            Kind.TEXTS,
            "What has to be allowed, as coordinate or class and action; all else is denied.",
        ),
        "PolicyAssignment.subject": Shown(Kind.TEXT, "Subject of tokens."),
        "PolicyAssignment.roles": Shown(
            Kind.TEXTS, "Roles that it holds besides those of its token."
        ),
        "PolicyVersion.number": Shown(Kind.INTEGER, "Number, from 1 on."),
        "PolicyVersion.digest": Shown(Kind.TEXT, "SHA-256 of the document, in hexadecimal."),
        "PolicyVersion.text": Shown(Kind.TEXT, "The policy as it is written, in TOML."),
        "PolicyVersion.document": Shown(
            Kind.TEXT, "The whole version, orders included, as canonical JSON."
        ),
        "PolicyVersion.author": Shown(Kind.TEXT, "Subject that proposed it."),
        "PolicyVersion.approver": Shown(Kind.TEXT, "Subject that approved it; or none yet."),
        "PolicyVersion.reason": Shown(Kind.TEXT, "Reason that its author gave."),
        "PolicyVersion.change": Shown(Kind.INTEGER, "Change that it came from; or none."),
        "PolicyVersion.committedAt": Shown(Kind.TEXT, "Instant at which it was committed."),
        "PolicyVersion.approvalDue": Shown(
            Kind.TEXT, "Instant until which a second approval is due; or none."
        ),
        "PolicyChange.id": Shown(Kind.INTEGER, "Number of the change."),
        "PolicyChange.state": Shown(
            Kind.TEXT, "proposed, approved, committed, rejected, withdrawn, expired or superseded."
        ),
        "PolicyChange.base": Shown(Kind.INTEGER, "Number of the version that it changes."),
        "PolicyChange.version": Shown(
            Kind.INTEGER, "Number of the version that it became; or none."
        ),
        "PolicyChange.author": Shown(Kind.TEXT, "Subject that proposed it."),
        "PolicyChange.approver": Shown(Kind.TEXT, "Subject that approved it; or none yet."),
        "PolicyChange.reason": Shown(Kind.TEXT, "Reason that its author gave."),
        "PolicyChange.emergency": Shown(
            Kind.BOOLEAN, "Whether one person may commit it, because it only narrows."
        ),
        "PolicyChange.proposedAt": Shown(Kind.TEXT, "Instant at which it was proposed."),
        "PolicyChange.expiresAt": Shown(
            Kind.TEXT, "Instant from which on it cannot be committed any more."
        ),
        "PolicyChange.approvalDue": Shown(
            Kind.TEXT, "Instant until which a second approval is due; or none."
        ),
        "PolicyChange.digest": Shown(
            Kind.TEXT, "SHA-256 of the proposed document, in hexadecimal."
        ),
        "PolicyChange.document": Shown(
            Kind.TEXT, "The proposed version, as canonical JSON; none in a list."
        ),
        "PolicyChange.events": Shown(None, "What happened to it."),
        "PolicyChange.report": Shown(
            None, "What checks, comparison and replay said when it was proposed."
        ),
        "PolicyEvent.at": Shown(Kind.TEXT, "Instant."),
        "PolicyEvent.actor": Shown(Kind.TEXT, "Subject that did it."),
        "PolicyEvent.event": Shown(Kind.TEXT, "What was done."),
        "PolicyEvent.note": Shown(Kind.TEXT, "What was said with it."),
        "PolicyReport.findings": Shown(None, "What speaks against the version, errors first."),
        "PolicyReport.access": Shown(None, "Decisions that differ."),
        "PolicyReport.settings": Shown(None, "All else that differs."),
        "PolicyReport.onlyNarrows": Shown(
            Kind.BOOLEAN, "Whether it is proven that nobody gets anything that he did not have."
        ),
        "PolicyReport.replay": Shown(
            None, "Operations that clients sent and that would be answered otherwise."
        ),
        "PolicyDiff.access": Shown(None, "Decisions that differ."),
        "PolicyDiff.settings": Shown(None, "All else that differs."),
        "PolicyDiff.onlyNarrows": Shown(
            Kind.BOOLEAN, "Whether it is proven that nobody gets anything that he did not have."
        ),
        "PolicyFinding.severity": Shown(Kind.TEXT, "error, which refuses the commit, or warning."),
        "PolicyFinding.check": Shown(Kind.TEXT, "order, invariant, case, rule, scope or floor."),
        "PolicyFinding.text": Shown(Kind.TEXT, "What is wrong, in a sentence."),
        "PolicyFinding.role": Shown(Kind.TEXT, "Role of the counterexample; or none."),
        "PolicyFinding.coordinate": Shown(Kind.TEXT, "Coordinate of the counterexample; or none."),
        "PolicyFinding.action": Shown(Kind.TEXT, "Action of the counterexample; or none."),
        "PolicyFinding.row": Shown(Kind.TEXT, "Row of the counterexample, in words; or none."),
        "PolicyAccessChange.role": Shown(Kind.TEXT, "Role."),
        "PolicyAccessChange.action": Shown(Kind.TEXT, "Action."),
        "PolicyAccessChange.coordinates": Shown(Kind.TEXTS, "Coordinates that change alike."),
        "PolicyAccessChange.before": Shown(Kind.TEXT, "Decision before, in words."),
        "PolicyAccessChange.after": Shown(Kind.TEXT, "Decision after, in words."),
        "PolicyAccessChange.direction": Shown(Kind.TEXT, "wider, narrower or other."),
        "PolicyAccessChange.people": Shown(
            Kind.INTEGER, "People who come into reach or leave it: 0, or 11 and more, rounded."
        ),
        "PolicyAccessChange.peopleGained": Shown(
            Kind.INTEGER, "People who come into reach: 0, or 11 and more, rounded."
        ),
        "PolicyAccessChange.peopleLost": Shown(
            Kind.INTEGER, "People who leave reach: 0, or 11 and more, rounded."
        ),
        "PolicySettingChange.what": Shown(Kind.TEXT, "What it is."),
        "PolicySettingChange.before": Shown(
            Kind.TEXT, "What it was; empty where it was not there."
        ),
        "PolicySettingChange.after": Shown(Kind.TEXT, "What it becomes; empty where it goes."),
        "PolicySettingChange.direction": Shown(Kind.TEXT, "wider, narrower or other."),
        "PolicyReplay.operation": Shown(Kind.TEXT, "Operation, without any value."),
        "PolicyReplay.role": Shown(Kind.TEXT, "Role in which it was sent."),
        "PolicyReplay.before": Shown(Kind.TEXT, "How it is answered before."),
        "PolicyReplay.after": Shown(Kind.TEXT, "How it is answered after."),
        "PolicyReplay.opens": Shown(Kind.TEXTS, "What it then shows besides."),
        "PolicyReplay.breaks": Shown(
            Kind.TEXTS, "What it then no longer shows, or why it is refused."
        ),
        "PolicyReplay.seen": Shown(Kind.INTEGER, "How often it was sent."),
        "PolicyExplanation.decision": Shown(Kind.TEXT, "allow, allow where or deny."),
        "PolicyExplanation.allowed": Shown(
            Kind.BOOLEAN,
            "What that comes to on the row; none where one is needed and none was given.",
        ),
        "PolicyExplanation.condition": Shown(
            Kind.TEXT, "Condition on rows, in words of policy; or none."
        ),
        "PolicyExplanation.reason": Shown(Kind.TEXT, "Why it is denied; or none."),
        "PolicyExplanation.rules": Shown(None, "Every rule that took part."),
        "PolicyExplanation.orders": Shown(
            Kind.TEXTS, "Court orders that bind the role, in force or not."
        ),
        "PolicyExplanationRule.role": Shown(Kind.TEXT, "Role that it is about."),
        "PolicyExplanationRule.object": Shown(Kind.TEXT, "Coordinate or data class."),
        "PolicyExplanationRule.action": Shown(
            Kind.TEXT, "Action, with its operator where it names one."
        ),
        "PolicyExplanationRule.condition": Shown(
            Kind.TEXT, "Row scopes that all hold, or 'always'."
        ),
        "PolicyExplanationRule.effect": Shown(Kind.TEXT, "allow or deny."),
        "PolicyExplanationRule.holds": Shown(
            Kind.BOOLEAN,
            "Whether its condition holds on the row; none where one is needed and none was given.",
        ),
        "PolicyAccess.role": Shown(Kind.TEXT, "Role."),
        "PolicyAccess.condition": Shown(Kind.TEXT, "Row scopes that all hold, or 'always'."),
        "PolicyAccess.meaning": Shown(
            Kind.TEXT, "What the condition means, in the language of row scopes."
        ),
        "PolicyAccess.subjects": Shown(Kind.TEXTS, "Subjects to which policy assigns the role."),
        "PolicyMatrixRow.coordinate": Shown(Kind.TEXT, "Coordinate."),
        "PolicyMatrixRow.cells": Shown(None, "What each role may do with it."),
        "PolicyMatrixCell.role": Shown(Kind.TEXT, "Role."),
        "PolicyMatrixCell.condition": Shown(
            Kind.TEXT, "Row scopes that all hold, 'always', or empty for never."
        ),
        "PolicyStatus.number": Shown(Kind.INTEGER, "Number of the version that is the head."),
        "PolicyStatus.approvals": Shown(Kind.INTEGER, "People that a change needs."),
        "PolicyStatus.workers": Shown(
            None, "Processes that answer, and the version that each holds."
        ),
        "PolicyStatus.overdue": Shown(None, "Versions whose second approval is overdue."),
        "PolicyWorker.name": Shown(Kind.TEXT, "Name of the process."),
        "PolicyWorker.number": Shown(Kind.INTEGER, "Number of the version that it holds."),
        "PolicyWorker.current": Shown(Kind.BOOLEAN, "Whether that is the head."),
        "PolicyWorker.startedAt": Shown(Kind.TEXT, "Instant at which it started."),
        "PolicyWorker.seenAt": Shown(Kind.TEXT, "Instant at which it was last heard of."),
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
