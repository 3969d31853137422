"""The command itself. Exit status: 0 done, 1 refused or failed, 2 usage."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import click

from api.cli import exchange, policy_cases, policy_changes, policy_questions, policy_versions
from api.cli.ask import query, token
from api.cli.database import database
from api.cli.demo import demo, serve
from api.cli.order import order
from api.cli.policy import policy
from api.settings import STATE_DIR
from db.errors import FieldwardError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(os.environ.get("FIELDWARD_STATE_DIR", STATE_DIR)),
    show_default=True,
    help="Where the embedded database, keys and cursors are kept.",
)
@click.option("--json", "as_json", is_flag=True, help="Print machine-readable output.")
@click.pass_context
def cli(context: click.Context, state_dir: Path, as_json: bool) -> None:
    """Fieldward: Medicaid records over GraphQL, with authorization for every field."""
    context.obj = {"state_dir": state_dir, "json": as_json}


for part in (policy_changes, policy_versions, policy_questions, policy_cases, exchange):
    for named in part.COMMANDS:
        policy.add_command(named)
for command in (demo, serve, query, token, database, policy, order):
    cli.add_command(command)


def main() -> None:
    """The entry point of the `fieldward` command."""
    # Libraries speak when something is wrong; what they say at other times can quote a request.
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except FieldwardError as error:
        detail = f": {error.detail}" if error.detail else ""
        print(f"{error.code} {error.public}{detail}", file=sys.stderr)
        sys.exit(1)
