"""What replay says of an operation that was noted is what becomes of it when it is sent again.

Operations are those of the differential tests; they are noted under one policy, and planned anew
under another that differs in some rules and settings. `FIELDWARD_CASES` says how many there are of
each kind of change, `FIELDWARD_SEED` which.
"""

from __future__ import annotations

import contextlib
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from types import MappingProxyType
from typing import Any

import pytest

from api.administration.replay import Outcome, standing
from api.compiler import Compiler
from api.demand import Asked, read
from api.errors import OperationDenied, OperationTooComplex, PositionDenied
from api.request import GraphQLRequest
from authz import questions
from authz.decision import DecisionSet, DenialMode
from authz.packaged import load_seed
from authz.policy import ALWAYS, Effect, PolicySet, Rule, sorted_rules
from authz.snapshot import take
from db.catalog import Kind
from db.catalog_records import CATALOG
from db.errors import FieldwardError
from tests.oracle.asker import Asker
from tests.oracle.authority import Authority
from tests.oracle.corners import corner_policy
from tests.oracle.operations import Source, make_case
from tests.oracle.people_who_ask import corner_askers
from tests.oracle.pool import EDGES, Pool, Word
from tests.oracle.records import Records
from tests.roles import SEALER, whole

CASES = int(os.environ.get("FIELDWARD_CASES", "60"))
SEED = int(os.environ.get("FIELDWARD_SEED", "20260106"))
NOW = datetime(2026, 6, 1, tzinfo=UTC)
SUBJECT = "alice"

POLICIES: dict[str, Callable[[], PolicySet]] = {
    "seed": lambda: load_seed(CATALOG)[0],
    "corners": corner_policy,
}


class _Made(Pool):
    """Values of every type, of no record."""

    def values(self, coordinate: str) -> list[Any]:
        column = CATALOG.fields[coordinate].column
        if column.codes is not None:
            return [Word(code.name) for code in column.codes.codes[:2]]
        if column.kind is Kind.BOOLEAN:
            return [True, False]
        return list(EDGES[column.kind][:2])


def askers(name: str, policy: PolicySet) -> list[Asker]:
    """Somebody in each role, by a name that no cursor is bound to."""
    if name == "corners":
        return [replace(each, claims={"sub": SUBJECT}) for each in corner_askers()]
    return [Asker(role, "any", {"sub": SUBJECT}) for role in sorted(policy.roles)]


@cache
def source(name: str) -> Source:
    """What operations of a policy are made of."""
    policy = POLICIES[name]()
    pool = _Made(Records({}), date(2026, 6, 1))
    return Source(Authority(policy), pool, askers(name, policy))


def changed(policy: PolicySet, chance: random.Random) -> PolicySet:
    """The policy with rules gone and rules added, and roles that are set otherwise."""
    rules = [rule for rule in policy.rules if chance.random() > 0.15]
    coordinates = sorted(questions.coordinates(policy.catalog))
    for _ in range(150):
        coordinate = chance.choice(coordinates)
        action = chance.choice(questions.actions(policy.catalog, coordinate))
        effect = chance.choice([Effect.ALLOW, Effect.ALLOW, Effect.DENY])
        condition = ALWAYS
        if anchor := questions.anchor(policy.catalog, coordinate):
            fits = [name for name in sorted(policy.scopes) if anchor in policy.scopes[name]]
            condition = chance.choice([ALWAYS, ALWAYS, *fits])
        rules.append(
            Rule(chance.choice(sorted(policy.roles)), coordinate, action, condition, effect)
        )
    roles = dict(policy.roles)
    for name, role in roles.items():
        if chance.random() < 0.3:
            mode = chance.choice(list(DenialMode))
            roles[name] = replace(role, denial_mode=mode, smallest_cell=chance.choice([0, 11]))
    return replace(policy, roles=MappingProxyType(roles), rules=sorted_rules(rules))


def noted(request: GraphQLRequest, decisions: DecisionSet) -> Asked | None:
    """What is noted of a request; None for nothing."""
    compiler = Compiler(SEALER)
    seen: list[Asked] = []
    compiler.recorder.saw = seen.append  # type: ignore[method-assign]  # to see what it sees
    with contextlib.suppress(FieldwardError):
        compiler.compile(request, decisions, SUBJECT, whole)
    assert len(seen) <= 1
    return seen[0] if seen else None


def sent(request: GraphQLRequest, decisions: DecisionSet) -> Outcome | None:
    """What becomes of a request; None where that is a matter of values or of how many there are."""
    try:
        compiled, _ = Compiler(SEALER).compile(request, decisions, SUBJECT, whole)
    except (PositionDenied, OperationDenied):
        return Outcome.REFUSED
    except OperationTooComplex:
        return Outcome.REFUSED if not decisions.smallest_cell else None
    except FieldwardError:
        return None
    return Outcome.NULLS if compiled.errors else Outcome.WHOLE


def requests(name: str, chance: random.Random) -> Iterator[tuple[str, GraphQLRequest]]:
    """Roles and what they send."""
    for _ in range(CASES):
        question = make_case(chance.randint, source(name)).question
        yield (
            question.asker.role,
            GraphQLRequest(question.query, question.operation_name, dict(question.variables)),
        )


@pytest.mark.parametrize("name", POLICIES)
def test_what_replay_says_is_what_becomes_of_the_operation(name: str) -> None:
    chance = random.Random(SEED)
    written = POLICIES[name]()
    before = take(written, (), NOW)
    after = take(changed(written, chance), (), NOW)
    seen: Counter[tuple[Outcome, Outcome]] = Counter()
    for role, request in requests(name, chance):
        asked = noted(request, before.decisions(role))
        if asked is None:
            continue
        demands = read(asked.demands)
        was, becomes = (standing(demands, each.decisions(role)) for each in (before, after))
        for said, policy in ((was, before), (becomes, after)):
            outcome = sent(request, policy.decisions(role))
            assert outcome in (None, said.outcome), (role, request)
        seen[was.outcome, becomes.outcome] += 1
    assert len(seen) >= 5, seen
    assert seen.total() > CASES / 2
