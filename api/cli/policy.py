"""fieldward policy show | describe | check: what decides, in words."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.cli.acting import Acting, acts
from api.cli.output import show, table
from api.cli.report import show_findings
from authz.checks.check import check as checked
from authz.checks.finding import Severity
from authz.packaged import load_seed_document
from authz.policy_file import parse_policy_file
from db.catalog_records import CATALOG

if TYPE_CHECKING:
    from authz.checks.finding import Finding
    from authz.document import Document

_POLICY = """{ policy {
  number version digest since until
  roles { name description pageLimit denialMode inherits requires smallestCell capped }
  classes { name members }
  scopes { name anchor text }
  rules { role object action condition effect }
  invariants { name why roles but on actions onlyWhere }
  cases { name role about allow }
  assignments { subject roles }
} }"""
_RULES = "{ policy { rules { role object action condition effect } } }"
_WRITTEN = "query ($number: Int!) { policyVersion(number: $number) { document } }"


@click.group()
def policy() -> None:
    """The policy that decides: what it is, how it came to be, and changes of it."""


@policy.command("show")
@click.option("--role", default=None, help="Only the rules of this role.")
@click.option(
    "--version", "number", type=click.IntRange(min=1), default=None,
    help="The rules of a version as they are written, without the court orders.",
)  # fmt: skip
@acts
def show_policy(who: Acting, role: str | None, number: int | None) -> None:
    """Print every rule of the policy in force, court orders included."""
    if number is None:
        rules = who.ask(_RULES)["rules"]
    else:
        rules = _written(who.ask(_WRITTEN, number=number)["document"])
    found = [rule for rule in rules if role in (None, rule["role"])]
    if not found:
        raise click.BadParameter("no rule is about such a role", param_hint="--role")
    table(found, as_json=who.as_json)


def _written(document: str) -> list[dict[str, object]]:
    return [
        {"role": line["role"], "object": target, "action": action, "condition": line["where"],
         "effect": line["effect"]}
        for line in json.loads(document)["policy"]["rules"]
        for target in line["on"]
        for action in line["actions"]
    ]  # fmt: skip


@policy.command()
@acts
def describe(who: Acting) -> None:
    """Print roles, row scopes and all else of the policy in force but its rules."""
    facts: dict[str, Any] = who.ask(_POLICY)
    if who.as_json:
        show(facts, as_json=True)
        return
    print(f"version {facts['number']}, since {facts['since']}")
    for name in ("roles", "classes", "scopes", "invariants", "cases", "assignments"):
        if facts[name]:
            print(f"\n{name}")
            table([_in_words(row) for row in facts[name]], as_json=False)


def _in_words(row: dict[str, object]) -> dict[str, object]:
    return {n: ", ".join(v) or "-" if isinstance(v, list) else v for n, v in row.items()}


@policy.command()
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None,
    required=False,
)  # fmt: skip
@click.pass_obj
def check(options: dict[str, object], file: Path | None) -> None:
    """Read the policy of FILE strictly and hold it against its invariants and the court orders of
    this package.

    Asks no database; without FILE, the packaged policy is read. Exit 1 when it fails.
    """
    document = packaged(file)
    found = checked(None, document, datetime.now(UTC))
    findings = [finding_facts(each) for each in found]
    facts: dict[str, object] = {
        "digest": document.policy.digest,
        "roles": len(document.policy.roles),
        "rules": len(document.policy.rules),
        "orders": len(document.orders),
        "invariants": len(document.invariants),
        "errors": sum(each.severity is Severity.ERROR for each in found),
    }
    if options["json"]:
        show({**facts, "findings": findings}, as_json=True)
    else:
        show_findings(findings)
        show(facts, as_json=False)
    if facts["errors"]:
        sys.exit(1)


def finding_facts(finding: Finding) -> dict[str, object]:
    """A finding as GraphQL shows it."""
    return {
        "severity": finding.severity.value,
        "check": finding.check.value,
        "text": finding.text,
        "role": finding.role,
        "coordinate": finding.coordinate,
        "action": finding.action,
        "row": finding.row,
    }


def packaged(file: Path | None) -> Document:
    """The policy of a file, or of the package, under the court orders of the package."""
    seed = load_seed_document(CATALOG)
    if file is None:
        return seed
    read, invariants = parse_policy_file(CATALOG, file.read_text("utf-8"))
    return replace(seed, policy=read, invariants=invariants, cases=())
