"""fieldward order list | show | add | set-status: court orders as dated data."""

from __future__ import annotations

from typing import Any, TextIO

import click

from api.cli.acting import Acting, acts
from api.cli.output import cell, show, table, to_minute
from api.cli.policy_changes import CHANGE, show_change

_ORDERS = """{ orders {
  name caption court docket issued effective status inForce history { at status }
  role states population grants { coordinate actions }
} }"""
_ADD = f"""mutation ($text: String!, $reason: String!, $emergency: Boolean!) {{
  orderAdd(text: $text, reason: $reason, emergency: $emergency) {{ {CHANGE} }}
}}"""
_SET = f"""
mutation ($name: String!, $status: String!, $at: String, $reason: String!, $emergency: Boolean!) {{
  orderSetStatus(name: $name, status: $status, at: $at, reason: $reason, emergency: $emergency)
  {{ {CHANGE} }}
}}"""
_REASON = click.option("--reason", required=True, help="Why. It is kept for ever.")
_EMERGENCY = click.option(
    "--emergency", is_flag=True, help="One person commits it: only what narrows."
)


@click.group()
def order() -> None:
    """Court orders on file. Nothing here is legal advice."""


@order.command("list")
@acts
def list_orders(who: Acting) -> None:
    """Print name, docket, dates and status of each order."""
    names = ("name", "docket", "issued", "effective", "status", "role")
    found = who.ask(_ORDERS)
    rows = found if who.as_json else [{n: cell(n, row[n]) for n in names} for row in found]
    table(rows, as_json=who.as_json)


@order.command("show")
@click.argument("name")
@acts
def show_order(who: Acting, name: str) -> None:
    """Print one order whole."""
    for found in who.ask(_ORDERS):
        if found["name"] == name:
            show(found if who.as_json else _in_words(found), as_json=who.as_json)
            return
    raise click.BadParameter("no such order", param_hint="NAME")


def _in_words(order: dict[str, Any]) -> dict[str, object]:
    return {
        **{name: cell(name, value) for name, value in order.items()},
        "states": ", ".join(order["states"]),
        "history": "; ".join(
            f"{each['status']} from {to_minute(each['at'])}" for each in order["history"]
        ),
        "grants": "; ".join(
            f"{each['coordinate']}: {', '.join(each['actions'])}" for each in order["grants"]
        ),
    }


@order.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@_REASON
@_EMERGENCY
@acts
def add(who: Acting, file: TextIO, reason: str, emergency: bool) -> None:
    """Propose to put the order of FILE, in TOML, on file."""
    show_change(who, who.ask(_ADD, text=file.read(), reason=reason, emergency=emergency))


@order.command("set-status")
@click.argument("name")
@click.argument("status")
@click.option("--at", default=None, metavar="T",
              help="Instant since which, with its offset, or a day; now unless given.")  # fmt: skip
@_REASON
@_EMERGENCY
@acts
def set_status(
    who: Acting, name: str, status: str, at: str | None, reason: str, emergency: bool
) -> None:
    """Propose that NAME is in_force, stayed, paused, superseded or vacated."""
    show_change(
        who,
        who.ask(_SET, name=name, status=status, at=at, reason=reason, emergency=emergency),
    )
