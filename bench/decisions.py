"""`python -m bench.decisions`: what a policy costs to read, to check and to decide, by its size.

Synthetic policies over the real catalog, in shapes that have names. Each is deterministic, so that
two versions of this program can be compared. Cold is the first role of a policy, with all that is
found once for every role; role is the median of several roles afterwards. Times are those of the
processor, because they hold on a machine that does other work besides.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import tracemalloc
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import combinations
from random import Random
from typing import TYPE_CHECKING

from authz import ceiling, questions
from authz.casbin_lines import lines
from authz.decision import DenialMode
from authz.enforcer import decision_set
from authz.floor import floor_of
from authz.packaged import load_orders, load_seed
from authz.policy import ALWAYS, Effect, PolicySet, Role, Rule, join
from authz.policy_check import policy_set
from authz.snapshot import take
from authz.store import document_of, read_document
from db.catalog_records import CATALOG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SIZES = (300, 1_000, 10_000, 100_000)
_COLUMN = {
    "Enrollee": "home_address.county",
    "Claim": "diagnosis_code",
    "Provider": "taxonomy",
    "Plan": "state_plan_id_num",
}
_ROLES = 5
"""Roles that are timed, of those that there are."""
_LOOKUPS = 200_000


@dataclass(frozen=True)
class Shape:
    """How the rules of a policy are spread."""

    about: str
    roles: int = 13
    conditions: int = 66
    """Different ones in the whole policy, besides `always`; one in three joins two scopes."""
    denies: float = 0.05
    chained: bool = False
    """Each role inherits the one before, eight deep."""
    classes: int = 40
    members: int = 8
    nested: bool = False
    """Each class holds the one before, eight deep."""
    on_classes: float = 0.3
    per_role: int | None = None
    """One role for so many rules, in place of `roles`."""


SHAPES = {
    "conditions": Shape("13 roles, 66 conditions, one rule in twenty denies"),
    "office": Shape("13 roles, 2 conditions, no denies", conditions=2, denies=0),
    "many roles": Shape("one role for each 100 rules, 12 conditions", conditions=12, per_role=100),
    "one role": Shape("every rule names the one role, 66 conditions", roles=1),
    "deep": Shape(
        "9 roles, each inheriting the one before; classes in classes, 8 deep",
        roles=9,
        chained=True,
        nested=True,
        on_classes=0.6,
    ),
    "classes": Shape(
        "300 classes of 50 that overlap, rules about classes alone",
        classes=300,
        members=50,
        on_classes=1,
    ),
    "denies": Shape("two roles, half of the rules deny", roles=2, denies=0.5),
    "scattered": Shape("13 roles, 2,000 conditions: hardly two rules alike", conditions=2_000),
    "product": Shape(
        "4 roles, 40 conditions, half of the rules deny, classes of 90 coordinates: on each "
        "coordinate, allows by denies",
        roles=4,
        conditions=40,
        denies=0.5,
        classes=4,
        members=90,
        on_classes=0.5,
    ),
}


def _conditions(count: int) -> tuple[list[str], list[str]]:
    """The names of scopes, and the conditions made of them."""
    scopes = [f"s{n:04}" for n in range(max(1, count * 2 // 3))]
    joined = [join(pair) for pair in combinations(scopes[:80], 2)]
    return scopes, [*scopes, *Random(count).sample(joined, min(len(joined), count - len(scopes)))]


def _scopes(names: list[str]) -> dict[str, dict[str, str]]:
    return {
        name: {
            anchor: f"{column} = 'n{n}'" + (f" or {column} = 'm{n}'" if n % 3 == 0 else "")
            for anchor, column in _COLUMN.items()
        }
        for n, name in enumerate(names)
    }


def _classes(shape: Shape, coordinates: list[str], dice: Random) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for n in range(shape.classes):
        members = frozenset(dice.sample(coordinates, shape.members))
        inner = {f"c{n - 1:03}"} if shape.nested and n % 8 else set()
        found[f"c{n:03}"] = members | inner
    return found


def _rules(
    shape: Shape, roles: list[str], coordinates: list[str], classes: list[str], dice: Random
) -> Iterator[Rule]:
    _, conditions = _conditions(shape.conditions)
    offered = {name: questions.actions(CATALOG, name) for name in coordinates}
    while True:
        role = dice.choice(roles)
        deny = dice.random() < shape.denies
        always = not deny and dice.random() < 0.02
        condition = ALWAYS if always else dice.choice(conditions)
        effect = Effect.DENY if deny else Effect.ALLOW
        if dice.random() < shape.on_classes:
            action = dice.choice(("read", "filter", "sort", "aggregate", "create", "update"))
            yield Rule(role, dice.choice(classes), action, condition, effect)
        else:
            target = dice.choice(coordinates)
            yield Rule(role, target, dice.choice(offered[target]), condition, effect)


Parts = tuple[list[Role], dict[str, frozenset[str]], dict[str, dict[str, str]], list[Rule]]


def parts_of(shape: Shape, size: int) -> Parts:
    """A policy of so many rules, before it is checked; fewer where the shape has not so many."""
    dice = Random(f"{shape.about}{size}")
    count = shape.roles if shape.per_role is None else max(1, size // shape.per_role)
    names = [f"r{n:04}" for n in range(count)]
    roles = [
        Role(
            name,
            "A role.",
            50,
            DenialMode.NULL,
            frozenset({names[n - 1]} if shape.chained and n else ()),
        )
        for n, name in enumerate(names)
    ]
    # What has no row takes no condition.
    coordinates = sorted(CATALOG.coordinates)
    classes = _classes(shape, coordinates, dice)
    found: dict[Rule, None] = {}
    source = _rules(shape, names, coordinates, sorted(classes), dice)
    for _ in range(size * 20):
        found[next(source)] = None
        if len(found) == size:
            break
    return roles, classes, _scopes(_conditions(shape.conditions)[0]), list(found)


def _timed(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return (time.process_time() - begin) * 1000


def _lookup(policy: PolicySet, role: str) -> float:
    """Nanoseconds of one `decide`, loop included."""
    decided = decision_set(policy, role)
    asked = [
        (coordinate, action)
        for coordinate in questions.coordinates(CATALOG)
        for action in questions.actions(CATALOG, coordinate)
    ]
    Random(1).shuffle(asked)
    rounds = max(1, _LOOKUPS // len(asked))
    begin = time.process_time()
    for _ in range(rounds):
        for question in asked:
            decided.decide(*question)
    return (time.process_time() - begin) / (rounds * len(asked)) * 1e9


def _memory(policy: PolicySet, role: str) -> int:
    """Bytes that a DecisionSet keeps, beside the policy."""
    decision_set(policy, role)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = decision_set(policy, role)
    found = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    del kept
    return found


@dataclass(frozen=True)
class Cost:
    """Milliseconds, but for what says otherwise."""

    shape: str
    rules: int
    roles: int
    entries: int
    cold_ms: float
    role_ms: float
    slowest_role_ms: float
    decide_ns: float
    memory_kb: int
    check_ms: float | None = None
    digest_ms: float | None = None
    write_ms: float | None = None
    read_ms: float | None = None
    lines_ms: float | None = None
    violations_ms: float | None = None
    effective_ms: float | None = None


def measure(name: str, shape: Shape, size: int, *, whole: bool) -> Cost:
    """The costs of one shape at one size; `whole` with reading, writing and orders."""
    roles, classes, scopes, rules = parts_of(shape, size)

    def made() -> PolicySet:
        return policy_set(CATALOG, roles, classes, scopes, rules)

    more: dict[str, float] = {}
    policy = made()
    if whole:
        more["check_ms"] = _timed(made)
        more["digest_ms"] = _timed(lambda: policy.digest)
        more["write_ms"] = _timed(lambda: document_of(policy, ()))
        text = document_of(policy, ())
        more["read_ms"] = _timed(lambda: read_document(text, CATALOG))
        more["lines_ms"] = _timed(lambda: lines(policy))
        more |= _orders(roles, classes, scopes, rules)
    names = sorted(policy.roles)
    # The last of a chain of roles has the rules of all.
    chosen = [names[-1], *Random(2).sample(names, min(len(names), _ROLES))]
    fresh = made()
    cold = _timed(lambda: decision_set(fresh, chosen[0]))
    each = [_timed(partial(decision_set, policy, role)) for role in chosen]
    return Cost(
        name,
        len(policy.rules),
        len(policy.roles),
        len(decision_set(policy, chosen[0]).table),
        round(cold, 2),
        round(statistics.median(each), 2),
        round(max(each), 2),
        round(_lookup(policy, chosen[0])),
        _memory(policy, chosen[0]) // 1024,
        **{key: round(value, 1) for key, value in more.items()},
    )


def _orders(
    roles: list[Role],
    classes: dict[str, frozenset[str]],
    scopes: dict[str, dict[str, str]],
    rules: list[Rule],
) -> dict[str, float]:
    """What a commit under the seed's order asks of the first role, as if the order named it."""
    order = load_orders(CATALOG)[0]
    own = [Role(order.role, "Capped.", 50, DenialMode.NULL, frozenset({roles[0].name})), *roles]
    policy = policy_set(CATALOG, own, classes, scopes, rules)
    return {
        "violations_ms": _timed(lambda: ceiling.violations(policy, order)),
        "effective_ms": _timed(lambda: ceiling.effective(policy, [order], NOW)),
    }


def _median(policy: PolicySet, role: str) -> float:
    return statistics.median(_timed(lambda: decision_set(policy, role)) for _ in range(7))


def seed() -> dict[str, object]:
    """The policy that comes with the program: every role, and what a new version costs."""
    policy, orders = load_seed(CATALOG)
    took = {"load_seed": _timed(lambda: load_seed(CATALOG))}
    took["take"] = _timed(lambda: take(policy, orders, NOW))
    held = take(policy, orders, NOW).policy
    roles = {role: round(_median(held, role), 2) for role in sorted(held.roles)}
    took["floor_of"] = _timed(lambda: floor_of(policy, orders))
    return {
        "rules": len(held.rules),
        "ms": {name: round(value, 2) for name, value in took.items()},
        "role_ms": roles,
        "memory_kb": {role: _memory(held, role) // 1024 for role in roles},
        "decide_ns": round(_lookup(held, "immigration_enforcement")),
    }


def main() -> None:
    """Prints a table, or with --json everything."""
    read = argparse.ArgumentParser(description=__doc__)
    read.add_argument("--json", action="store_true")
    read.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    read.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    given = read.parse_args()
    found = {"seed": seed(), "shapes": {name: asdict(SHAPES[name]) for name in given.shapes}}
    costs = []
    for name in given.shapes:
        for size in given.sizes:
            cost = measure(name, SHAPES[name], size, whole=name in ("conditions", "classes"))
            costs.append(cost)
            if not given.json:
                shown = {key: value for key, value in asdict(cost).items() if value is not None}
                print(" ".join(f"{key}={value}" for key, value in shown.items()), flush=True)
    if given.json:
        print(json.dumps(found | {"costs": [asdict(cost) for cost in costs]}, indent=1))
    else:
        print(json.dumps(found["seed"]))


if __name__ == "__main__":
    main()
