"""Casbin for Node reads our export and decides as pycasbin and the tables of decisions do.

`FIELDWARD_CASES` says how much of it is asked, `FIELDWARD_SEED` which; from 7,000 on all: every
role, coordinate and action of the seed policy with its orders, and of 200 random policies.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from itertools import product
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING

from authz import hierarchy
from authz.casbin_lines import conjunction, pairs, policy_csv
from authz.ceiling import effective
from authz.decision import Decision, condition
from authz.enforcer import MODEL, decision_set, enforcer_for
from authz.packaged import load_seed
from authz.policy import ALWAYS, Effect, PolicySet, parts
from authz.snapshot import take
from db.catalog_records import CATALOG
from db.predicate import And, both, either, negate
from tests.node.asked import HERE, Question, answers, most_processes, node
from tests.properties.policies import DAY, FLAGS, holds, random_order, random_policy
from tests.report import report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from db.predicate import Predicate

CASES = int(os.environ.get("FIELDWARD_CASES", "300"))
SEED = int(os.environ.get("FIELDWARD_SEED", "20260106"))
ALL = CASES >= 7_000
TRIPLES = CASES * 5
POLICIES = 200 if ALL else min(200, max(4, CASES // 50))
PROCESSES = most_processes() if ALL else 1
ROWS = [dict(zip(FLAGS, row, strict=True)) for row in product([True, False, None], repeat=4)]


@dataclass(frozen=True)
class Exam:
    """What is asked about one policy: of each role, the conditions of its allows and its denies."""

    policy: PolicySet
    allows: Mapping[str, frozenset[str]]
    denies: Mapping[str, frozenset[str]]
    triples: Sequence[tuple[str, str, str]]

    def conditions(self, role: str, coordinate: str) -> frozenset[str]:
        """What has to be asked with; where there is no row there is nothing to meet."""
        if self.policy.anchors[coordinate] is None:
            return frozenset({ALWAYS})
        allows, denies = self.allows[role], self.denies[role]
        return allows | pairs(allows, denies) or frozenset({ALWAYS})

    def questions(self) -> list[Question]:
        """Every triple with each condition."""
        return [
            (role, coordinate, action, where)
            for role, coordinate, action in self.triples
            for where in sorted(self.conditions(role, coordinate))
        ]


def exam(policy: PolicySet, most: int, dice: Random) -> Exam:
    """All triples of a policy, or some of them."""
    above = {role: hierarchy.reachable(policy.parents, role) for role in policy.roles}

    def said(role: str, effect: Effect) -> frozenset[str]:
        rules = (rule for rule in policy.rules if rule.role in above[role])
        return frozenset(rule.condition for rule in rules if rule.effect is effect)

    every = [(role, *question) for role in sorted(policy.roles) for question in policy.questions]
    return Exam(
        policy,
        {role: said(role, Effect.ALLOW) for role in policy.roles},
        {role: said(role, Effect.DENY) for role in policy.roles},
        every if len(every) <= most else dice.sample(every, most),
    )


def agree_with_pycasbin(
    given: Exam, asked: Sequence[Question], answered: Sequence[bool], most: int, dice: Random
) -> int:
    """Puts questions to pycasbin over all lines; how many."""
    full = enforcer_for(given.policy)
    places = range(len(asked)) if len(asked) <= most else dice.sample(range(len(asked)), most)
    for place in places:
        assert full.enforce(*asked[place]) is answered[place], asked[place]
    return len(places)


Opened = dict[str, frozenset[str]]
"""The conditions that are allowed, each with the denies that then take rows away."""


def opened(given: Exam, yes: Mapping[Question, bool], triple: tuple[str, str, str]) -> Opened:
    """What another Casbin's answers come to about one triple."""
    role, coordinate, _ = triple
    if given.policy.anchors[coordinate] is None:
        return {ALWAYS: frozenset()} if yes[*triple, ALWAYS] else {}
    return {
        allow: frozenset(
            deny for deny in given.denies[role] if not yes[*triple, conjunction(allow, deny)]
        )
        for allow in given.allows[role]
        if yes[*triple, allow]
    }


def conjuncts(rows: Predicate) -> frozenset[Predicate]:
    """The conditions that a condition joins, in no order."""
    return frozenset(rows.parts) if isinstance(rows, And) else frozenset({rows})


def means(policy: PolicySet, coordinate: str, found: Opened) -> Predicate:
    """The rows of an answer. What also holds where more is asked says nothing new, and may have no
    meaning on these rows: only the least that is allowed, and the least that is denied, counts."""
    anchor = policy.anchors[coordinate]
    least = [c for c in found if not any(parts(other) < parts(c) for other in found)]
    return either(
        *(
            both(
                policy.meaning(allow, anchor),
                *(
                    negate(policy.meaning(deny, anchor))
                    for deny in found[allow]
                    if not any(parts(other) < parts(deny) for other in found[allow])
                ),
            )
            for allow in sorted(least)
        )
    )


def test_casbin_for_node_decides_about_the_seed_policy_and_its_order_as_we_do(
    tmp_path: Path,
) -> None:
    dice, begun = Random(SEED), perf_counter()
    given = exam(take(*load_seed(CATALOG), DAY).policy, TRIPLES if not ALL else 10**9, dice)
    asked = given.questions()
    (answered,) = answers([(given.policy, asked)], tmp_path, PROCESSES)
    yes = dict(zip(asked, answered, strict=True))
    # Both answers are given, or agreeing would be easy.
    assert 0.05 < sum(answered) / len(answered) < 0.5
    sets = {role: decision_set(given.policy, role) for role in given.policy.roles}
    for role, coordinate, action in given.triples:
        rows = means(given.policy, coordinate, opened(given, yes, (role, coordinate, action)))
        decision = sets[role].decide(coordinate, action)
        assert conjuncts(condition(decision)) == conjuncts(rows), (role, coordinate, action)
    both_asked = agree_with_pycasbin(given, asked, answered, 10**9 if ALL else CASES, dice)
    report(
        test="casbin for Node, seed", triples=len(given.triples), questions=len(asked),
        yes=sum(answered), pycasbin=both_asked, seconds=round(perf_counter() - begun, 1),
    )  # fmt: skip


def test_casbin_for_node_decides_about_random_policies_as_we_do(tmp_path: Path) -> None:
    dice, begun = Random(SEED), perf_counter()
    given = []
    orders = 0
    for _ in range(POLICIES):
        policy = random_policy(dice)
        if dice.random() < 0.4:
            policy = effective(policy, [random_order(dice, policy)], DAY)
            orders += 1
        given.append(exam(policy, 10**9, dice))
    asked = [each.questions() for each in given]
    both_given = [(each.policy, one) for each, one in zip(given, asked, strict=True)]
    answered = answers(both_given, tmp_path, PROCESSES)
    both_asked = 0
    for each, questions, found in zip(given, asked, answered, strict=True):
        agree_with_decisions(each, dict(zip(questions, found, strict=True)))
        both_asked += agree_with_pycasbin(each, questions, found, CASES, dice)
    report(
        test="casbin for Node, random policies", policies=len(given), orders=orders,
        triples=sum(len(each.triples) for each in given), questions=sum(map(len, asked)),
        yes=sum(map(sum, answered)), pycasbin=both_asked,
        seconds=round(perf_counter() - begun, 1),
    )  # fmt: skip


def agree_with_decisions(given: Exam, yes: Mapping[Question, bool]) -> None:
    """On every row of the small catalog, what is unknown included, the same is open."""
    sets = {role: decision_set(given.policy, role) for role in given.policy.roles}
    seen: set[tuple[frozenset[tuple[str, frozenset[str]]], Decision]] = set()
    for triple in given.triples:
        found = opened(given, yes, triple)
        decision = sets[triple[0]].decide(*triple[1:])
        key = (frozenset(found.items()), decision)
        if key not in seen:
            seen.add(key)
            for row in ROWS:
                assert any(
                    all(row[flag(name)] is True for name in parts(allow))
                    # A deny of which it is unknown whether it holds, holds.
                    and all(any(row[flag(n)] is False for n in parts(deny)) for deny in denies)
                    for allow, denies in found.items()
                ) is holds(condition(decision), row), (triple, row)


def flag(scope: str) -> str:
    """The flag that a scope is about: an order's people are those of flag d."""
    return "d" if scope == "people" else scope


def test_the_program_of_the_docs_prints_what_they_say(tmp_path: Path) -> None:
    text = (HERE.parents[1] / "docs" / "casbin.md").read_text(encoding="utf-8")
    program, printed = (
        text.split(f"```{kind}\n", 1)[1].split("```", 1)[0] for kind in ("js", "text")
    )
    (tmp_path / "casbin").mkdir()
    (tmp_path / "casbin" / "model.conf").write_text(MODEL, encoding="utf-8")
    csv = policy_csv(take(*load_seed(CATALOG), DAY).policy)
    (tmp_path / "casbin" / "policy.csv").write_text(csv, encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules", target_is_directory=True)
    (tmp_path / "ask.mjs").write_text(program, encoding="utf-8")
    done = subprocess.run(
        [node(), "ask.mjs"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == (printed, "")
