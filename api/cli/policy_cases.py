"""fieldward policy cases: tests of a policy, run against the one in force or against a file."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import click

from api.cli.acting import Acting, acts
from api.cli.output import show
from api.cli.policy import finding_facts, packaged
from api.cli.report import show_findings
from api.cli.whole import document_of, head_number
from authz.case_file import read_cases
from authz.checks.cases import failures
from db.catalog_records import CATALOG


@click.command()
@click.argument("tests", metavar="FILE", type=click.File(encoding="utf-8"))
@click.option(
    "--policy", "whole", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None,
    help="Run them against this policy in TOML, under the orders of the package; asks no database.",
)  # fmt: skip
@acts
def cases(who: Acting, tests: TextIO, whole: Path | None) -> None:
    """Run the tests of FILE, in YAML, against the policy in force. Exit 1 when one fails.

    What a test does not allow is expected to be denied. Nothing is saved: a change with the edit
    set_case keeps a test with the policy.
    """
    document = packaged(whole) if whole else document_of(who, head_number(who))
    found = read_cases(CATALOG, document.policy, tests.read())
    findings = [finding_facts(each) for each in failures(replace(document, cases=found))]
    failed = {finding["row"] for finding in findings}
    facts: dict[str, object] = {"cases": len(found), "failed": len(failed)}
    if who.as_json:
        show({**facts, "findings": findings}, as_json=True)
    else:
        show_findings(findings)
        show(facts, as_json=False)
    if failed:
        sys.exit(1)


COMMANDS = (cases,)
