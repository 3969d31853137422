"""fieldward policy explain | decide | who-can | matrix: questions about the policy in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.cli.acting import Acting, acts
from api.cli.output import show, table
from api.demo_key import claims_from_arguments

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXPLAIN = """
query ($role: String!, $coordinate: String!, $action: String!, $attributes: String, $row: String,
       $asOf: String) {
  policyExplain(role: $role, coordinate: $coordinate, action: $action, attributes: $attributes,
                row: $row, asOf: $asOf) {
    decision allowed condition reason orders
    rules { role object action condition effect holds }
  }
}"""
_WHO_CAN = """
query ($coordinate: String!, $action: String!, $asOf: String) {
  policyWhoCan(coordinate: $coordinate, action: $action, asOf: $asOf) {
    role condition meaning subjects
  }
}"""
_MATRIX = """
query ($action: String!, $roles: [String!], $coordinates: [String!], $asOf: String) {
  policyMatrix(action: $action, roles: $roles, coordinates: $coordinates, asOf: $asOf) {
    coordinate cells { role condition }
  }
}"""
_AS_OF = click.option(
    "--as-of", default=None, metavar="T", help="At a past instant, with its offset, or a day."
)
_ACTION = click.argument("action", default="read")


@click.command()
@click.argument("role")
@click.argument("coordinate")
@_ACTION
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="NAME=VALUE",
    help="An attribute of who asks; lists part at commas.",
)
@click.option(
    "--row",
    default=None,
    metavar="JSON|@FILE",
    help='A row that is made up: {"entity": "Enrollee", …}.',
)
@_AS_OF
@acts
def explain(
    who: Acting,
    role: str,
    coordinate: str,
    action: str,
    claims: tuple[str, ...],
    row: str | None,
    as_of: str | None,
) -> None:
    """Print what is decided about ROLE, COORDINATE and ACTION, and every rule that took part."""
    given = claims_from_arguments(claims)
    found = who.ask(
        _EXPLAIN,
        role=role,
        coordinate=coordinate,
        action=action,
        asOf=as_of,
        attributes=json.dumps(given) if given else None,
        row=_text(row),
    )
    if who.as_json:
        show(found, as_json=True)
        return
    on_row = {} if found["allowed"] is None else {"on the row": _ALLOWED[found["allowed"]]}
    show(_decided(found) | on_row, as_json=False)
    if found["rules"]:
        print("\nrules that took part")
        table([{**rule, "holds": _WORDS[rule["holds"]]} for rule in found["rules"]], as_json=False)
    if found["orders"]:
        print(f"\ncourt orders that bind the role: {', '.join(found['orders'])}")  # fmt: skip


@click.command()
@click.argument("role")
@click.argument("coordinate")
@_ACTION
@acts
def decide(who: Acting, role: str, coordinate: str, action: str) -> None:
    """Print what is decided about ROLE, COORDINATE and ACTION (read, filter:eq, sort, …)."""
    found = who.ask(_EXPLAIN, role=role, coordinate=coordinate, action=action)
    show(_decided(found), as_json=who.as_json)


@click.command("who-can")
@click.argument("coordinate")
@_ACTION
@_AS_OF
@acts
def who_can(who: Acting, coordinate: str, action: str, as_of: str | None) -> None:
    """Print the roles that may do ACTION with COORDINATE, and on which rows."""
    found = who.ask(_WHO_CAN, coordinate=coordinate, action=action, asOf=as_of)
    rows = [{**row, "subjects": ", ".join(row["subjects"]) or "-"} for row in found]
    table(found if who.as_json else rows, as_json=who.as_json)


@click.command()
@click.option("--action", default="read", show_default=True)
@click.option("--role", "roles", multiple=True, help="Only this role; may be given again.")
@click.option(
    "--coordinate", "coordinates", multiple=True, help="Only this coordinate; may be given again."
)
@_AS_OF
@acts
def matrix(
    who: Acting,
    action: str,
    roles: tuple[str, ...],
    coordinates: tuple[str, ...],
    as_of: str | None,
) -> None:
    """Print roles by coordinates: on which rows the role may do ACTION, - for never."""
    found = who.ask(
        _MATRIX,
        action=action,
        roles=list(roles) or None,
        coordinates=list(coordinates) or None,
        asOf=as_of,
    )
    if who.as_json:
        table(found, as_json=True)
        return
    table(
        [
            {"coordinate": row["coordinate"]}
            | {cell["role"]: cell["condition"] or "-" for cell in row["cells"]}
            for row in found
        ],
        as_json=False,
    )  # fmt: skip


_ALLOWED = {True: "allowed", False: "denied"}
_WORDS = {True: "yes", False: "no", None: "depends on the row"}


def _decided(found: Mapping[str, Any]) -> dict[str, object]:
    """The decision, and why not or on which rows."""
    about = "reason" if found["reason"] else "condition"
    shown = {"decision": found["decision"], about: found[about]}
    return {name: value for name, value in shown.items() if value}


def _text(given: str | None) -> str | None:
    """What an argument says, or the file that it names after an @."""
    if given is None or not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text("utf-8")
    except OSError as error:
        raise click.BadParameter(f"{given[1:]}: {error.strerror}", param_hint="--row") from None


COMMANDS = (explain, decide, who_can, matrix)
