"""fieldward policy versions | version | compare | status: what was in force, and what is where."""

from __future__ import annotations

import click

from api.cli.acting import Acting, acts
from api.cli.output import cell, show, table, to_minute
from api.cli.report import DIFF, show_diff

_LINE = "number digest author approver reason change committedAt approvalDue"
_VERSIONS = f"""query ($last: Int!, $before: Int) {{
  policyVersions(last: $last, before: $before) {{ {_LINE} }}
}}"""
_VERSION = f"""query ($number: Int!) {{
  policyVersion(number: $number) {{ {_LINE} text document }}
}}"""
_COMPARE = f"""query ($before: Int!, $after: Int!) {{
  policyCompare(before: $before, after: $after) {{ {DIFF} }}
}}"""
_STATUS = f"""{{ policyStatus {{
  number approvals workers {{ name number current startedAt seenAt }} overdue {{ {_LINE} }}
}} }}"""
_ONE = click.IntRange(min=1)


@click.command()
@click.option("--last", type=click.IntRange(1, 100), default=20, show_default=True)
@click.option("--before", type=_ONE, default=None, help="Only lower numbers.")
@acts
def versions(who: Acting, last: int, before: int | None) -> None:
    """Print the versions of the policy, the latest first."""
    found = who.ask(_VERSIONS, last=last, before=before)
    names = ("number", "committedAt", "author", "approver", "change", "reason")
    rows = found if who.as_json else [{n: cell(n, row[n]) for n in names} for row in found]
    table(rows, as_json=who.as_json)


@click.command()
@click.argument("number", type=_ONE)
@click.option("--toml", is_flag=True, help="The policy of the version as a file, nothing else.")
@acts
def version(who: Acting, number: int, toml: bool) -> None:
    """Print one version: who made it, when and why."""
    found = who.ask(_VERSION, number=number)
    if toml:
        print(found["text"], end="")
    elif who.as_json:
        show(found, as_json=True)
    else:
        shown = (name for name in found if name not in ("text", "document"))
        show({n: cell(n, found[n]) for n in shown if found[n] is not None}, as_json=False)


@click.command()
@click.argument("before", type=_ONE)
@click.argument("after", type=_ONE)
@acts
def compare(who: Acting, before: int, after: int) -> None:
    """Print which decisions and settings differ from version BEFORE to version AFTER."""
    found = who.ask(_COMPARE, before=before, after=after)
    if who.as_json:
        show(found, as_json=True)
    else:
        show_diff(found)


@click.command()
@acts
def status(who: Acting) -> None:
    """Print which version is in force, which one each worker holds, and what is overdue."""
    found = who.ask(_STATUS)
    if who.as_json:
        show(found, as_json=True)
        return
    print(f"version {found['number']} is in force; a change needs {found['approvals']} people")
    names = ("name", "number", "current", "startedAt", "seenAt")
    workers = [{n: cell(n, row[n]) for n in names} for row in found["workers"]]
    if workers:
        print()
        table(workers, as_json=False)
    for late in found["overdue"]:
        print(f"\nversion {late['number']} waits for its second approval since "
              f"{to_minute(late['approvalDue'])}: {late['reason']}")  # fmt: skip


COMMANDS = (versions, version, compare, status)
