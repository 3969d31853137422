"""fieldward policy export | import: the policy in the files of Casbin, out and in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from api.cli.acting import Acting, acts
from api.cli.output import show
from api.cli.policy_changes import PROPOSE, show_change
from api.cli.whole import document_of, head_number
from authz.casbin_import import imported
from authz.casbin_lines import policy_csv
from authz.ceiling import effective
from authz.enforcer import MODEL
from authz.policy_text import policy_text

_NOW = "{ policy { model csv } }"
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("export")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where the two files go.  [default: here]",
)
@click.option("--written", is_flag=True, help="Without the court orders: the form that comes back.")
@click.option(
    "--version", "number", type=click.IntRange(min=1), default=None,
    help="A version, and not the head; its court orders as they stand now.",
)  # fmt: skip
@acts
def export_policy(who: Acting, folder: Path, written: bool, number: int | None) -> None:
    """Write model.conf and policy.csv, as any Casbin reads them: what decides now, court orders
    included."""
    if number is None and not written:
        found = who.ask(_NOW)
        model, csv = found["model"], found["csv"]
    else:
        document = document_of(who, number or head_number(who))
        policy = document.policy
        if not written:
            policy = effective(policy, document.orders, datetime.now(UTC))
        model, csv = MODEL, policy_csv(policy)
    folder.mkdir(parents=True, exist_ok=True)
    paths = {"model": folder / "model.conf", "policy": folder / "policy.csv"}
    paths["model"].write_text(model, encoding="utf-8")
    paths["policy"].write_text(csv, encoding="utf-8")
    show(paths, as_json=who.as_json)


@click.command("import")
@click.option("--model", type=_FILE, required=True, help="A model.conf.")
@click.option("--csv", type=_FILE, required=True, help="A written policy.")
@click.option("--reason", required=True, help="Why. It is kept for ever.")
@click.option("--emergency", is_flag=True, help="One person commits it: only what narrows.")
@acts
def import_policy(who: Acting, model: Path, csv: Path, reason: str, emergency: bool) -> None:
    """Propose the rules, inheritance and classes of Casbin's files, and print what they would do.

    What no CSV says stays as the head has it.
    """
    head = head_number(who)
    found = imported(document_of(who, head), _text(model), _text(csv))
    text = policy_text(found.policy, found.invariants)
    asked = {"edits": None, "text": text, "rollbackTo": None}
    # Over the head that was read, or not at all.
    change = who.ask(PROPOSE, **asked, reason=reason, base=head, emergency=emergency)
    show_change(who, change)


def _text(path: Path) -> str:
    """A file as it is: ends of lines are for the reader to judge."""
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        raise click.UsageError(f"{path} is no text in UTF-8") from None


COMMANDS = (export_policy, import_policy)
