"""What a change of the policy is made of, as options: edits, a whole policy, an old version."""

from __future__ import annotations

import re
from functools import update_wrapper
from typing import TYPE_CHECKING, Final, TextIO

import click

from api.cli.edits_input import as_input
from authz.edits.edited import read_edits_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api.cli.acting import Acting

_RULE: Final = re.compile(
    r"\s*(?P<role>\w+):\s+(?P<on>\S+)\s+(?P<actions>\S+)\s+where\s+(?P<where>.+)"
)
_OPTIONS: Final = (
    click.option(
        "--rollback", type=click.IntRange(min=1), metavar="VERSION",
        help="What an old version said; orders stay.",
    ),
    click.option(
        "--file", "whole", type=click.File(encoding="utf-8"),
        help="A whole policy in TOML; orders, assignments and cases stay.",
    ),
    click.option(
        "--deny", "denied", multiple=True, metavar="RULE",
        help="An edit that denies, after --edits, written as for --grant.",
    ),
    click.option(
        "--grant", "granted", multiple=True, metavar="RULE",
        help="An edit that grants, after --edits: 'ROLE: WHAT,… ACTION,… where SCOPE & …'.",
    ),
    click.option("--edits", type=click.File(encoding="utf-8"), help="TOML with [[edits]]."),
)  # fmt: skip


def sourced(command: Callable[..., None]) -> Callable[..., None]:
    """A command that is given one source, as the variables that GraphQL takes."""

    def reading(
        who: Acting,
        edits: TextIO | None,
        granted: tuple[str, ...],
        denied: tuple[str, ...],
        whole: TextIO | None,
        rollback: int | None,
        **rest: object,
    ) -> None:
        one_by_one = bool(edits or granted or denied)
        if one_by_one + (whole is not None) + (rollback is not None) != 1:
            raise click.UsageError("give edits, --file or --rollback, and one of these only")
        listed = read_edits_file(edits.read()) if edits else []
        listed += [{"grant": _rule(text)} for text in granted]
        listed += [{"deny": _rule(text)} for text in denied]
        source: Mapping[str, object] = {
            "edits": as_input(listed) if one_by_one else None,
            "text": whole.read() if whole else None,
            "rollbackTo": rollback,
        }
        command(who, source=source, **rest)

    update_wrapper(reading, command)
    wrapped: Callable[..., None] = reading
    for option in _OPTIONS:
        wrapped = option(wrapped)
    return wrapped


def _rule(text: str) -> dict[str, object]:
    found = _RULE.fullmatch(text)
    if found is None:
        raise click.UsageError(f"'{text}' is not ROLE: WHAT,… ACTION,… where SCOPE & …")
    lists = {name: found[name].split(",") for name in ("on", "actions")}
    return {"role": found["role"], **lists, "where": found["where"].strip()}
