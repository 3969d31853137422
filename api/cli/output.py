"""What a command prints: lines for a person, JSON for a program, a bar for what takes long."""

from __future__ import annotations

import contextlib
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


def show(facts: Mapping[str, object], *, as_json: bool) -> None:
    """Facts as one JSON object, or a line each."""
    if as_json:
        print(json.dumps(facts, ensure_ascii=False, default=str))
        return
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):{width}}  {value}")


def table(rows: list[dict[str, object]], *, as_json: bool) -> None:
    """Rows as JSON, or as columns under their names."""
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, default=str))
        return
    if not rows:
        return
    names = list(rows[0])
    widths = {n: max(len(n), *(len(str(row[n])) for row in rows)) for n in names}
    print("  ".join(f"{name:{widths[name]}}" for name in names).rstrip())
    for row in rows:
        print("  ".join(f"{row[name]!s:{widths[name]}}" for name in names).rstrip())


def to_minute(instant: str | None) -> str | None:
    """An instant as a person reads it, to the minute in UTC. `instant` is ISO 8601 with an offset;
    None stays None."""
    if instant is None:
        return None
    return f"{datetime.fromisoformat(instant).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def cell(name: str, value: object) -> object:
    """A value of GraphQL as a person reads it; fields that are instants are named …At or …Due."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case str() if name.endswith(("At", "Due")):
            return to_minute(value)
        case _:
            return value


@contextlib.contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on a terminal, fed with (done, of all); None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what)

        def advance(done: int, of_all: int) -> None:
            bar.update(task, completed=done, total=of_all)

        yield advance
