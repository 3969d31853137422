"""`python -m bench.micro`: what each step of a request takes, in this process, without a database.

Cases run in turns: in each round each of them for some hundredths of a second. Shown are medians
over the rounds, with quartiles; `first` is a step whose outcome is not remembered yet.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import platform
import statistics
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.authenticate import Authenticator
from api.compiler import Compiled, Compiler
from api.cursor import Sealer
from api.demo_key import DemoKey, mint
from api.given import Given
from api.operation import find_operation, read_operation
from api.planner import plan_operation
from api.request import GraphQLRequest
from api.schema.build import core, full_schema
from authz.packaged import load_seed
from authz.snapshot import take
from db.catalog_records import CATALOG
from db.execute import Inputs, bind
from db.sql.render import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from api.planner import Planned
    from authz.decision import DecisionSet

RESULTS = Path(__file__).with_name("results")
ROLE = "eligibility_supervisor"
CLAIMS_ROLE = "program_integrity"

_SIX = (
    "citizenship immigrationStatus homeAddress { line1 line2 line3 city state zip } "
    "phoneNumber dateOfBirth medicaidId"
)
DOCUMENTS = {
    "one": (
        ROLE,
        f"query One($id: String!) {{ enrollee(medicaidId: $id) {{ {_SIX} }} }}",
        {"id": "A1"},
    ),
    "fifty": (ROLE, f"{{ enrollees(first: 50) {{ nodes {{ {_SIX} }} }} }}", {}),
    "fifty_claims": (
        CLAIMS_ROLE,
        "{ enrollees(first: 50) { nodes { medicaidId claims(first: 10) { nodes "
        "{ icn kind serviceBeginDate providerNpi paidAmount } } } } }",
        {},
    ),
}
_KEY = DemoKey(b"0" * 64)
_SEALER = Sealer((bytes(range(64)),))
_ROUND = 0.02
"""Seconds of a case in a round."""


@dataclass(frozen=True, slots=True)
class Case:
    """A step; `once` does it one time."""

    name: str
    once: Callable[[], object]


def cases() -> Iterator[Case]:
    """All steps, in the order in which a request takes them."""
    snapshot = take(*load_seed(CATALOG), datetime.now(UTC))
    sets = {role: snapshot.decisions(role) for role in (ROLE, CLAIMS_ROLE)}
    yield from token_cases()
    yield from decision_cases(sets[ROLE])
    for name, (role, document, variables) in DOCUMENTS.items():
        yield from operation_cases(name, document, variables, sets[role])


def token_cases() -> Iterator[Case]:
    """A token whose signature is computed, and one that is remembered."""
    claims: dict[str, object] = {"state": ["CA"]}
    token = mint(ROLE, claims, _KEY, datetime.now(UTC), timedelta(hours=1))
    forgets = Authenticator(_KEY.settings(), remembered=0)
    remembers = Authenticator(_KEY.settings())
    for name, authenticator in (("first", forgets), ("remembered", remembers)):
        yield Case(f"token, {name}", lambda a=authenticator: run(a.authenticate(f"Bearer {token}")))


def decision_cases(decisions: DecisionSet) -> Iterator[Case]:
    """A coordinate that has a decision, and one that has none and so is denied."""
    decide = decisions.decide
    yield Case("decide, allowed", lambda: decide("Enrollee.dateOfBirth", "read"))
    yield Case("decide, unknown", lambda: decide("Enrollee.shoeSize", "read"))


def operation_cases(
    name: str, document: str, variables: dict[str, Any], decisions: DecisionSet
) -> Iterator[Case]:
    """Text → operation → plan → statement → parameters; and the cursor of a row."""
    schema = core(full_schema())
    fresh = (f"#{number}\n{document}" for number in itertools.count())
    compiler, remembers = Compiler(_SEALER), Compiler(_SEALER)

    def compiled(by: Compiler, text: str) -> tuple[Compiled, Given]:
        asked = GraphQLRequest(text, None, variables)
        return by.compile(asked, decisions, "bench", lambda: schema)

    named = find_operation(document, None, lambda: schema)
    declared = named.variables()
    operation = read_operation(named, declared.open(variables))
    found, given = compiled(remembers, document)
    planned = plan_operation(operation, decisions, given)
    statement = render(planned.plan)
    inputs = Inputs(found.values(given), {"state": ("CA",)}, datetime.now(UTC).date(), "", 1)
    yield Case(f"{name}, compiled first: all below", lambda: compiled(compiler, next(fresh)))
    yield Case(
        f"{name}, text parsed and validated",
        lambda: find_operation(next(fresh), None, lambda: schema),
    )
    yield Case(f"{name}, operation read", lambda: read_operation(named, declared.open(variables)))
    yield Case(f"{name}, planned", lambda: plan_operation(operation, decisions, given))
    yield Case(f"{name}, rendered", lambda: render(planned.plan))
    yield Case(f"{name}, compiled: remembered", lambda: compiled(remembers, document))
    yield Case(f"{name}, values bound", lambda: bind(statement, inputs) and found.values(given))
    if name == "fifty":
        yield from cursor_cases(planned_with_cursors(decisions))


def planned_with_cursors(decisions: DecisionSet) -> Planned:
    """A page that shows where it ends."""
    document = "{ enrollees(first: 50) { nodes { medicaidId } pageInfo { endCursor } } }"
    named = find_operation(document, None, lambda: core(full_schema()))
    operation = read_operation(named, named.variables().open({}))
    return plan_operation(operation, decisions, Given((), "bench", _SEALER))


def cursor_cases(planned: Planned) -> Iterator[Case]:
    """One cursor, sealed and opened."""
    binding = Given((), "bench", _SEALER).binding(planned.listings[0])
    keyset = json.dumps(["0" * 8 + "-0000-4000-8000-" + "0" * 12] * len(binding.order)).encode()
    cursor = _SEALER.seal(keyset, binding).decode()
    yield Case("cursor, seal", lambda: _SEALER.seal(keyset, binding))
    yield Case("cursor, open", lambda: _SEALER.open(cursor, binding))


def run(coroutine: Any) -> object:
    """The outcome of a coroutine that waits for nothing, without a loop."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("it waits for something")


def measure(chosen: list[Case], rounds: int) -> dict[str, list[float]]:
    """Nanoseconds for one time, by case, a value a round."""
    counts = {case.name: _calibrated(case) for case in chosen}
    taken: dict[str, list[float]] = {case.name: [] for case in chosen}
    gc.collect()
    for number in range(rounds):
        for case in chosen if number % 2 == 0 else reversed(chosen):
            taken[case.name].append(_nanoseconds(case, counts[case.name]))
    return taken


def _calibrated(case: Case) -> int:
    count = 1
    while (spent := _nanoseconds(case, count) * count) < _ROUND * 5e8:
        count *= 2
    return max(1, int(count * _ROUND * 1e9 / spent))


def _nanoseconds(case: Case, count: int) -> float:
    once = case.once
    began = time.perf_counter_ns()
    for _ in range(count):
        once()
    return (time.perf_counter_ns() - began) / count


def shown(nanoseconds: float) -> str:
    """With a unit, three digits."""
    for unit, size in (("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.3g} ns"


def main() -> int:
    """Exit status 0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--json", action="store_true", help="print the JSON instead of the table")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder for the JSON")
    given = parser.parse_args()
    taken = measure(list(cases()), given.rounds)
    found = {}
    for name, values in taken.items():
        low, middle, high = statistics.quantiles(values, n=4)
        found[name] = {
            key: float(f"{value:.4g}")
            for key, value in (("median", middle), ("lower", low), ("upper", high))
        }
    document = {
        "unit": "nanoseconds",
        "rounds": given.rounds,
        "python": platform.python_version(),
        "cases": found,
    }
    text = json.dumps(document, indent=1) + "\n"
    given.results.mkdir(parents=True, exist_ok=True)
    (given.results / "micro.json").write_text(text)
    if given.json:
        print(text)
        return 0
    print(f"{'step':52}{'median':>10}   quartiles")
    for name, each in found.items():
        spread = f"{shown(each['lower'])} to {shown(each['upper'])}"
        print(f"{name:52}{shown(each['median']):>10}   {spread}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
