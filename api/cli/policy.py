"""fieldward policy …, fieldward order …: what decides, in words, in Casbin's form, as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from api.cli.output import show, table
from api.shown import order_facts, policy_facts, rule_facts
from authz.casbin_lines import policy_csv
from authz.decision import Allow, AllowWhere, Deny
from authz.enforcer import MODEL
from authz.packaged import load_seed
from authz.snapshot import Snapshot, take
from db.catalog_records import CATALOG


def _now() -> tuple[Snapshot, datetime]:
    as_of = datetime.now(UTC)
    return take(*load_seed(CATALOG), as_of), as_of


@click.group()
def policy() -> None:
    """The policy that decides, court orders included."""


@policy.command("show")
@click.option("--role", default=None, help="Only the rules of this role.")
@click.pass_obj
def show_policy(options: dict[str, object], role: str | None) -> None:
    """Print every rule."""
    snapshot, _ = _now()
    if role is not None and role not in snapshot.roles:
        raise click.BadParameter("no such role", param_hint="--role")
    rules = [r for r in rule_facts(snapshot.policy) if role in (None, r["role"])]
    table(rules, as_json=bool(options["json"]))


@policy.command()
@click.argument("role")
@click.argument("coordinate")
@click.argument("action", default="read")
@click.pass_obj
def decide(options: dict[str, object], role: str, coordinate: str, action: str) -> None:
    """Print what is decided about ROLE, COORDINATE and ACTION (read, filter:eq, sort, …)."""
    snapshot, _ = _now()
    if role not in snapshot.roles:
        raise click.BadParameter("no such role", param_hint="ROLE")
    match snapshot.decisions(role).decide(coordinate, action):
        case Allow():
            facts: dict[str, object] = {"decision": "allow"}
        case AllowWhere(_, label):
            facts = {"decision": "allow where", "condition": label}
        case Deny(reason):
            facts = {"decision": "deny", "reason": reason.value}
    show(facts, as_json=bool(options["json"]))


@policy.command()
@click.pass_obj
def check(options: dict[str, object]) -> None:
    """Parse the policy strictly and hold it against every court order; exit 1 when it fails."""
    snapshot, _ = _now()
    facts: dict[str, object] = {
        "version": snapshot.version,
        "roles": len(snapshot.roles),
        "rules": len(snapshot.policy.rules),
        "violations": 0,
    }
    show(facts, as_json=bool(options["json"]))


@policy.command()
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.pass_obj
def export(options: dict[str, object], folder: Path) -> None:
    """Write model.conf and policy.csv: the effective policy, as any Casbin reads it."""
    snapshot, _ = _now()
    folder.mkdir(parents=True, exist_ok=True)
    model, rules = folder / "model.conf", folder / "policy.csv"
    model.write_text(MODEL, encoding="utf-8")
    rules.write_text(policy_csv(snapshot.policy), encoding="utf-8")
    show({"model": model, "policy": rules}, as_json=bool(options["json"]))


@policy.command()
@click.pass_obj
def describe(options: dict[str, object]) -> None:
    """Print the whole effective policy: roles, classes, row scopes, rules (as JSON with --json)."""
    snapshot, _ = _now()
    facts = policy_facts(snapshot)
    if options["json"]:
        show(facts, as_json=True)
        return
    for name in ("roles", "scopes"):
        listed = facts[name]
        assert isinstance(listed, list)  # noqa: S101 - policy_facts made it one
        table(listed, as_json=False)
        print()


@click.group()
def order() -> None:
    """Court orders on file. Nothing here is legal advice."""


@order.command("list")
@click.pass_obj
def list_orders(options: dict[str, object]) -> None:
    """Print name, docket, dates and status of each order."""
    snapshot, as_of = _now()
    names = ("name", "docket", "issued", "effective", "status", "role")
    facts = [order_facts(each, as_of) for each in snapshot.orders]
    table([{n: f[n] for n in names} for f in facts], as_json=bool(options["json"]))


@order.command("show")
@click.argument("name")
@click.pass_obj
def show_order(options: dict[str, object], name: str) -> None:
    """Print one order whole."""
    snapshot, as_of = _now()
    for each in snapshot.orders:
        if each.name == name:
            show(order_facts(each, as_of), as_json=bool(options["json"]))
            return
    raise click.BadParameter("no such order", param_hint="NAME")
