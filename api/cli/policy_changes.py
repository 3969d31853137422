"""fieldward policy propose | try | changes | change | approve | reject | withdraw | commit."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from api.cli.acting import Acting, acts
from api.cli.output import cell, show, table, to_minute
from api.cli.policy_source import sourced
from api.cli.report import REPORT, errors_of, show_report
from db.changes import STATES

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINE = "id state base version author approver reason emergency proposedAt expiresAt approvalDue"
CHANGE = f"{_LINE} events {{ at actor event note }} report {{ {REPORT} }}"
_SOURCE_ARGUMENTS = "edits: $edits, text: $text, rollbackTo: $rollbackTo"
_SOURCE_VARIABLES = "$edits: [PolicyEdit!], $text: String, $rollbackTo: Int"
PROPOSE = f"""
mutation ($reason: String!, {_SOURCE_VARIABLES}, $base: Int, $emergency: Boolean!) {{
  policyPropose(reason: $reason, {_SOURCE_ARGUMENTS}, base: $base, emergency: $emergency)
  {{ {CHANGE} }}
}}"""
_TRY = f"query ({_SOURCE_VARIABLES}) {{ policyTry({_SOURCE_ARGUMENTS}) {{ {REPORT} }} }}"
_CHANGES = f"""query ($state: String, $last: Int!, $before: Int) {{
  policyChanges(state: $state, last: $last, before: $before) {{ {_LINE} }}
}}"""
_CHANGE = f"query ($id: Int!) {{ policyChange(id: $id) {{ {CHANGE} }} }}"
_NUMBER = click.argument("number", metavar="ID", type=click.IntRange(min=1))


def show_change(who: Acting, change: Mapping[str, Any]) -> None:
    """A change with all that is known about it."""
    show_state(who, change)
    if who.as_json or change["report"] is None:
        return
    if change["report"]["findings"]:
        print()
    show_report(change["report"])
    if change["state"] in ("proposed", "approved") and errors_of(change["report"]):
        print("\nIt cannot be committed as it is: errors speak against it.")


def show_state(who: Acting, change: Mapping[str, Any]) -> None:
    """Where a change stands, and who brought it there; whole as JSON."""
    if who.as_json:
        show(change, as_json=True)
        return
    emergency = ", in an emergency" if change["emergency"] else ""
    print(f"change {change['id']}: {change['state']}{emergency}")
    facts = {
        "reason": change["reason"],
        "author": change["author"],
        "approver": change["approver"],
        "base": f"version {change['base']}",
        "became": f"version {change['version']}" if change["version"] else None,
        "until": to_minute(change["expiresAt"])
        if change["state"] in ("proposed", "approved")
        else None,
        "approval due": to_minute(change["approvalDue"]),
    }
    show({name: value for name, value in facts.items() if value}, as_json=False)
    for event in change["events"] or ():
        note = f": {event['note']}" if event["note"] else ""
        print(f"{to_minute(event['at'])}  {event['event']} by {event['actor']}{note}")


@click.command()
@click.option("--reason", required=True, help="Why. It is kept for ever.")
@click.option(
    "--base",
    type=click.IntRange(min=1),
    default=None,
    help="Refuse unless this version is still the head.",
)
@click.option("--emergency", is_flag=True, help="One person commits it: only what narrows.")
@acts
@sourced
def propose(
    who: Acting,
    source: Mapping[str, object],
    reason: str,
    base: int | None,
    emergency: bool,
) -> None:
    """Propose a change of the policy, and print what it would do."""
    show_change(who, who.ask(PROPOSE, **source, reason=reason, base=base, emergency=emergency))


@click.command("try")
@acts
@sourced
def try_change(who: Acting, source: Mapping[str, object]) -> None:
    """Print what a change would do, and save nothing. Exit 1 when it could not be committed."""
    report = who.ask(_TRY, **source)
    if who.as_json:
        show(report, as_json=True)
    else:
        show_report(report)
    if errors_of(report):
        sys.exit(1)


@click.command()
@click.option("--state", type=click.Choice(STATES), default=None, help="Only those.")
@click.option("--last", type=click.IntRange(1, 100), default=20, show_default=True)
@click.option("--before", type=click.IntRange(min=1), default=None, help="Only lower IDs.")
@acts
def changes(who: Acting, state: str | None, last: int, before: int | None) -> None:
    """Print the changes that were proposed, the latest first."""
    found = who.ask(_CHANGES, state=state, last=last, before=before)
    names = (
        "id",
        "state",
        "base",
        "version",
        "author",
        "approver",
        "proposedAt",
        "approvalDue",
        "reason",
    )
    rows = found if who.as_json else [{n: cell(n, row[n]) for n in names} for row in found]
    table(rows, as_json=who.as_json)


@click.command("change")
@_NUMBER
@acts
def show_one(who: Acting, number: int) -> None:
    """Print one change: what it does, what speaks against it, what became of it."""
    show_change(who, who.ask(_CHANGE, id=number))


@click.command()
@_NUMBER
@click.option("--note", default="", help="What to say with it.")
@acts
def approve(who: Acting, number: int, note: str) -> None:
    """Approve somebody else's change, one that was committed in an emergency included."""
    _move(who, "policyApprove", number, note)


@click.command()
@_NUMBER
@click.option("--note", required=True, help="Why.")
@acts
def reject(who: Acting, number: int, note: str) -> None:
    """Reject a change."""
    _move(who, "policyReject", number, note)


@click.command()
@_NUMBER
@click.option("--note", default="", help="What to say with it.")
@acts
def withdraw(who: Acting, number: int, note: str) -> None:
    """Withdraw a change of one's own."""
    _move(who, "policyWithdraw", number, note)


@click.command()
@_NUMBER
@acts
def commit(who: Acting, number: int) -> None:
    """Check a change once more and make it the policy. It is in force when this answers."""
    document = f"mutation ($id: Int!) {{ policyCommit(id: $id) {{ {CHANGE} }} }}"
    show_state(who, who.ask(document, id=number))


def _move(who: Acting, field: str, number: int, note: str) -> None:
    document = (
        f"mutation ($id: Int!, $note: String!) {{ {field}(id: $id, note: $note) {{ {CHANGE} }} }}"
    )
    show_state(who, who.ask(document, id=number, note=note))


COMMANDS = (propose, try_change, changes, show_one, approve, reject, withdraw, commit)
