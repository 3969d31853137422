"""Who asks in the commands of `policy` and `order`, and what becomes of a refusal."""

from __future__ import annotations

import functools
import getpass
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from api.cli.gateway import (
    Gateway,
    minted,
    refuse_beside_an_issuer,
    state_dir_of,
    with_gateway,
)
from api.cli.report import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from db.embedded import Urls

ADMINISTRATOR: Final = "policy_administrator"


@dataclass(frozen=True, slots=True)
class Acting:
    """Somebody at a command line. `bearer` is a token; without one, `subject` gets one of the demo.

    `role` is the acting role; None where the token says it.
    """

    state_dir: Path
    as_json: bool
    bearer: str | None
    subject: str | None
    role: str | None

    def ask(self, document: str, **variables: object) -> Any:  # noqa: ANN401 - decoded JSON
        """The value of the one root field of a document.

        Whatever the gateway refuses is printed, with code and text, and ends the command with 1.
        """
        if self.bearer is None:
            refuse_beside_an_issuer()
        body = {"query": document, "variables": variables}

        async def work(gateway: Gateway, token: str) -> dict[str, Any]:
            return await gateway.ask(token, body, self.role)

        answer = with_gateway(self.state_dir, self._token, work)
        if answer.get("errors"):
            self._refuse(answer)
        (value,) = answer["data"].values()
        return value

    def _token(self, _: Urls) -> str:
        if self.bearer is not None:
            return self.bearer
        return minted(self.state_dir, self.role or ADMINISTRATOR, {"sub": self.subject or _login()})

    def _refuse(self, answer: Mapping[str, Any]) -> None:
        if self.as_json:
            print(json.dumps(answer, ensure_ascii=False))
        for error in answer["errors"]:
            print("\n".join(_said(error)), file=sys.stderr)
        sys.exit(1)


def acts(command: Callable[..., None]) -> Callable[..., None]:
    """A command that asks the gateway: it is given an Acting, made of the options for it."""

    def asking(
        options: dict[str, object],
        bearer: str | None,
        subject: str | None,
        acting_role: str | None,
        **rest: object,
    ) -> None:
        if bearer is not None and subject is not None:
            raise click.UsageError("give one of --token and --as")
        who = Acting(state_dir_of(options), bool(options["json"]), bearer, subject, acting_role)
        command(who, **rest)

    functools.update_wrapper(asking, command)
    wrapped: Callable[..., None] = click.pass_obj(asking)
    for option in _OPTIONS:
        wrapped = option(wrapped)
    return wrapped


_OPTIONS: Final = (
    click.option(
        "--acting-role", default=None, metavar="ROLE",
        help=f"Act in this role.  [default for a token of the demo: {ADMINISTRATOR}]",
    ),
    click.option(
        "--as", "subject", default=None, metavar="NAME",
        help="Act with a token of the demo that has this subject.  [default: who is logged in]",
    ),
    click.option(
        "--token", "bearer", default=None, envvar="FIELDWARD_TOKEN", show_envvar=True,
        help="Act with this token.",
    ),
)  # fmt: skip


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise click.UsageError("nobody is logged in: say --as NAME") from None


def _said(error: Mapping[str, Any]) -> Iterator[str]:
    """An error: a line with code, text and what it is about, and a line for each finding."""
    facts = dict(error.get("extensions") or {})
    code, detail = facts.pop("code", ""), facts.pop("detail", "")
    findings = facts.pop("findings", ())
    about = ", ".join(f"{name} {value}" for name, value in facts.items())
    # The detail of a refusal with findings lists them, too.
    parts = [f"{code} {error['message']}".strip(), "" if findings else str(detail), about]
    yield ": ".join(part for part in parts if part)
    yield from lines_of(findings)
