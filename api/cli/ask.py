"""fieldward token, fieldward query: a question from the command line, through the same gateway."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from api.cli.gateway import (
    Gateway,
    demo_token,
    refuse_beside_an_issuer,
    state_dir_of,
    with_gateway,
)
from api.demo_key import claims_from_arguments
from api.settings import Settings

if TYPE_CHECKING:
    from db.embedded import Urls

_CLAIM = click.option(
    "--claim", "claims", multiple=True, metavar="NAME=VALUE",
    help="An attribute, sub, roles, purpose or request; lists part at commas.",
)  # fmt: skip


@click.command()
@click.argument("role")
@_CLAIM
@click.option("--hours", type=click.IntRange(1, 24 * 30), default=12, show_default=True)
@click.pass_obj
def token(options: dict[str, object], role: str, claims: tuple[str, ...], hours: int) -> None:
    """Print a token of the demo for ROLE. A gateway with an issuer of its own does not take it."""
    state_dir = state_dir_of(options)
    with Settings.from_environment(os.environ, state_dir).database() as urls:
        print(demo_token(state_dir, role, claims_from_arguments(claims), hours, urls))


@click.command()
@click.option("--role", help="Act in this role, with a token of the demo.")
@click.option("--token", "bearer", help="Act with this token instead.")
@_CLAIM
@click.option("--variables", default="{}", metavar="JSON", help="Variables of the operation.")
@click.option("--operation", default=None, help="Name of the operation, where there are several.")
@click.argument("document")
@click.pass_obj
def query(
    options: dict[str, object],
    role: str | None,
    bearer: str | None,
    claims: tuple[str, ...],
    variables: str,
    operation: str | None,
    document: str,
) -> None:
    """Answer DOCUMENT ('-' reads it from standard input) and print the JSON."""
    if (role is None) == (bearer is None):
        raise click.UsageError("give one of --role and --token")
    try:
        values = json.loads(variables)
    except ValueError:
        raise click.BadParameter("not JSON", param_hint="--variables") from None
    state_dir = state_dir_of(options)
    if role is not None:
        refuse_beside_an_issuer()
    text = sys.stdin.read() if document == "-" else document
    body = {"query": text, "variables": values, "operationName": operation}

    def token_for(urls: Urls) -> str:
        if role is None:
            return str(bearer)
        return demo_token(state_dir, role, claims_from_arguments(claims), 1, urls)

    async def ask(gateway: Gateway, presented: str) -> dict[str, Any]:
        return await gateway.ask(presented, body)

    answer = with_gateway(state_dir, token_for, ask)
    print(json.dumps(answer, ensure_ascii=False, indent=None if options["json"] else 2))
    if "data" not in answer:
        sys.exit(1)
