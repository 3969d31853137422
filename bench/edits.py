"""`python -m bench.edits`: what one edit of the policy costs, from its tables to its commit.

    proposing    edit ─ check ─ compare ─ write ─ propose
    committing   read ─ check ─ compare ─ floor ─ commit ─ read the head, take it up

Policies are those of bench/decisions.py, under the court order that comes with the program, with a
role that it caps. An edit is one of three: a rule is added, a class gets a coordinate, the text of
a scope changes. `cold` is the first edit after a start, with nothing decided before; `warm` another
one after it, as in a gateway that runs. The bar is on seconds by the clock; on a machine that does
other work besides, those of the processor say what is ours (PostgreSQL's are not in them).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from authz.checks.check import check
from authz.checks.finding import Severity
from authz.decision import DenialMode
from authz.diff.diff import diff
from authz.document import Document
from authz.edits.edited import edited
from authz.floor import floor_of
from authz.packaged import load_orders, load_seed
from authz.policy import ALWAYS, Role, parts
from authz.policy_check import policy_set
from authz.snapshot import take
from authz.store import digest_of, read_document, text_of
from bench.decisions import SHAPES, parts_of
from db.catalog_records import CATALOG
from db.changes import approve, commit_change, propose
from db.cluster import GATEWAY
from db.embedded import EmbeddedServer
from db.floor_apply import apply, stored_head
from db.migrate import grant_gateway, migrate
from db.session import open_session

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from db.embedded import Urls

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SEED = "seed"
MAIN = ("conditions", "office", "many roles")
SIZES = (1_000, 10_000)
EDITS = ("grant", "class", "scope")
BAR = 2.0
"""Seconds for check, comparison and commit of one edit at 10,000 rules, in the main shapes."""
RESULTS = Path(__file__).with_name("results") / "edits.json"
_SECRET = b"a secret of the bench, and no other"
_COMMITTING = ("read again", "check again", "compare again", "floor", "commit", "take up")


@dataclass
class Clock:
    """Seconds of each step, in the order in which they came: by the clock, and of this process."""

    steps: dict[str, float] = field(default_factory=dict)
    processor: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times what is done within."""
        begun, used = time.perf_counter(), time.process_time()
        yield
        self.steps[name] = time.perf_counter() - begun
        self.processor[name] = time.process_time() - used


def version(shape: str, size: int) -> Document:
    """A version of a shape; the order caps a role that has the rules of another."""
    orders = load_orders(CATALOG)
    if shape == SEED:
        return Document(*load_seed(CATALOG))
    roles, classes, scopes, rules = parts_of(SHAPES[shape], size)
    own = Role(orders[0].role, "Capped.", 50, DenialMode.NULL, frozenset({roles[0].name}))
    return Document(policy_set(CATALOG, [own, *roles], classes, scopes, rules), orders)


def edit(document: Document, kind: str, number: int) -> dict[str, object]:
    """One edit of a kind, as somebody would write it; another one for another number."""
    policy = document.policy
    spoken = [rule for rule in policy.rules if rule.role not in {o.role for o in document.orders}]
    match kind:
        case "grant":
            # Whatever the role may not do yet.
            role = sorted({rule.role for rule in spoken})[number]
            had = {(r.object, r.action, r.condition) for r in spoken if r.role == role}
            anchored = [n for n, meanings in policy.scopes.items() if "Enrollee" in meanings]
            every = product(sorted(CATALOG.fields), ("read", "sort"), sorted(anchored))
            on, action, where = next(
                each for each in every if each not in had and "Enrollee." in each[0]
            )
            return {"grant": {"role": role, "on": [on], "actions": [action], "where": where}}
        case "class":
            # Of the classes that most rules name: many roles are decided anew.
            name = _most(rule.object for rule in spoken if rule.object in policy.classes)[number]
            held = policy.classes[name]
            fresh = next(n for n in sorted(CATALOG.fields) if n not in held and "Enrollee." in n)
            return {"set_class": {"name": name, "members": [*sorted(held), fresh]}}
        case _:
            own = {order.scope for order in document.orders} | {ALWAYS}
            used = (name for rule in spoken for name in parts(rule.condition) - own)
            name = (names := _most(used))[number % len(names)]
            meanings = [
                {"anchor": anchor, "text": _narrowed(anchor, scope.text)}
                for anchor, scope in policy.scopes[name].items()
            ]
            return {"set_scope": {"name": name, "meanings": meanings}}


def _most(names: Iterable[str]) -> list[str]:
    """Names, those that come most often first."""
    times = Counter(names)
    return sorted(times, key=lambda name: (-times[name], name))


def _narrowed(anchor: str, text: str) -> str:
    return f"({text}) and sex = 'F'" if anchor == "Enrollee" else text


@dataclass(frozen=True)
class Figures:
    """Seconds of each step of one edit, by the clock and of this process, and what was found."""

    steps: Mapping[str, float]
    processor: Mapping[str, float]
    errors: int
    warnings: int
    access: int
    """Lines of the comparison."""


@dataclass(frozen=True)
class Edited:
    """One edit of a version of a shape and size."""

    shape: str
    rules: int
    kind: str
    state: str
    figures: Figures

    @property
    def commit(self) -> float:
        """What committing takes: what the bar is about."""
        return sum(self.figures.steps[name] for name in _COMMITTING)

    @property
    def proposing(self) -> float:
        """What proposing takes."""
        return sum(self.figures.steps.values()) - self.commit


async def edited_once(gateway: asyncpg.Connection, kind: str, number: int) -> Figures:
    """Makes one edit of the head the head."""
    clock = Clock()
    stored = await stored_head(gateway)
    assert stored is not None  # noqa: S101 - the caller made one
    before = read_document(stored.document, CATALOG)
    with clock.step("edit"):
        after = edited(before, [edit(before, kind, number)], NOW)
    with clock.step("check"):
        found = check(before, after, NOW)
    with clock.step("compare"):
        differs = diff(before, after, NOW)
    with clock.step("write"):
        document = text_of(after)
        digest = digest_of(document)
    with clock.step("propose"):
        change = await propose(
            gateway, base=stored.number, author="ada", reason="an edit", document=document,
            digest=digest, report="{}", emergency=False,
        )  # fmt: skip
    await approve(gateway, change, "ben", "")
    with clock.step("read again"):
        again = read_document(document, CATALOG)
    with clock.step("check again"):
        check(before, again, NOW)
    with clock.step("compare again"):
        diff(before, again, NOW)
    with clock.step("floor"):
        floor = floor_of(again.policy, again.orders)
    with clock.step("commit"):
        await commit_change(gateway, change, "ada", floor, {})
    with clock.step("take up"):
        head = await stored_head(gateway)
        assert head is not None and head.digest == digest  # noqa: S101 - or nothing was measured
        taken = read_document(head.document, CATALOG)
        take(taken.policy, taken.orders, NOW)
    severities = Counter(each.severity for each in found)
    return Figures(
        clock.steps,
        clock.processor,
        severities[Severity.ERROR],
        severities[Severity.WARNING],
        len(differs.access),
    )


def _edits(gateway_url: str, kind: str) -> list[Figures]:
    """A first edit in this process, and another one."""

    async def both() -> list[Figures]:
        gateway = await open_session(gateway_url)
        try:
            return [await edited_once(gateway, kind, number) for number in range(2)]
        finally:
            await gateway.close()

    return asyncio.run(both())


async def _lay(owner_url: str, document: Document) -> None:
    """Makes a version the head, with its grants."""
    owner = await asyncpg.connect(owner_url)
    try:
        await migrate(owner)
        await grant_gateway(owner, GATEWAY)
        text = text_of(document)
        floor = floor_of(document.policy, document.orders)
        await apply(owner, floor, text, digest_of(text), _SECRET)
    finally:
        await owner.close()


def measured(urls: Urls, shape: str, size: int, kinds: Sequence[str]) -> Iterator[Edited]:
    """Each kind of edit of one version, in a process that has decided nothing before."""
    document = version(shape, size)
    for kind in kinds:
        asyncio.run(_lay(urls.admin, document))
        # A process for each, so that the first edit finds nothing that another one left.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
            cold, warm = fresh.submit(_edits, urls.gateway, kind).result()
        for name, steps in (("cold", cold), ("warm", warm)):
            yield Edited(shape, len(document.policy.rules), kind, name, steps)


def _shown(found: Edited) -> str:
    used = found.figures.processor
    each = found.figures.steps.items()
    steps = "  ".join(f"{name} {s * 1000:.0f}/{used[name] * 1000:.0f}" for name, s in each)
    times = f"commit {found.commit:.2f} s, proposing {found.proposing:.2f} s"
    return (
        f"{found.shape:<12} {found.rules:>6} {found.kind:<6} {found.state:<5} {times}; ms: {steps}"
    )


def main() -> int:
    """Prints each, writes all. Exit status 1 where the bar is missed."""
    read = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    read.add_argument("--shapes", nargs="+", default=[SEED, *MAIN], choices=[SEED, *SHAPES])
    read.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    read.add_argument("--edits", nargs="+", default=EDITS, choices=EDITS)
    read.add_argument("--results", type=Path, default=RESULTS)
    given = read.parse_args()
    found: list[Edited] = []
    with tempfile.TemporaryDirectory() as name:
        # So that the server's account may enter, where root runs this.
        os.chmod(name, 0o755)  # noqa: S103 - the server's own folder below is closed
        server = EmbeddedServer(Path(name, "server"))
        urls = server.start()
        try:
            for shape in given.shapes:
                for size in given.sizes if shape != SEED else [0]:
                    for each in measured(urls, shape, size, given.edits):
                        found.append(each)
                        print(_shown(each), flush=True)
        finally:
            server.discard()
    late = [each for each in found if each.shape in (SEED, *MAIN) and each.commit > BAR]
    facts = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": [round(each, 1) for each in os.getloadavg()],
        "bar_seconds": BAR,
        "missed": len(late),
        "edits": [asdict(each) for each in found],
    }
    given.results.write_text(json.dumps(facts, indent=1) + "\n")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
