"""Policy → decisions, by Casbin: the only import of it. Knows nothing of orders, tokens or rows.

Casbin answers yes or no for a role, a coordinate, an action and a condition that the row meets.
Asking about the condition of each allow, and about each of these joined with that of each deny,
gives back the rows that are open: some allow holds and no deny does. Nothing here weighs an allow
against a deny; that is Casbin's answer alone.
"""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

import casbin

from authz.casbin_lines import (
    action_lines,
    conjunction,
    holding,
    lines,
    membership_lines,
    rule_lines,
)
from authz.decision import (
    Allow,
    AllowWhere,
    Decision,
    DecisionSet,
    Deny,
    Reason,
    aggregate_scopes,
    row_scopes,
)
from authz.errors import EngineUntrusted, UnknownRole
from authz.index import Index
from authz.policy import Effect
from db.predicate import Always, Never, both, either, negate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authz.casbin_lines import Line
    from authz.index import Speakers
    from authz.policy import PolicySet, Rule
    from db.predicate import Predicate

MODEL: Final = (Path(__file__).parent / "model.conf").read_text(encoding="utf-8")
_NOTHING: Final = "-"
"""A name that no policy has: whoever or whatever it is, the answer is no."""

_ONE_AT_A_TIME: Final = threading.Lock()
"""Casbin parses its matcher for each question, and in CPython 3.11 `ast.parse` fails with a
SystemError where two threads are in it. Held for one question at a time, so that the event loop
does not wait for all of a role."""

_Opened: TypeAlias = "tuple[tuple[str, tuple[str, ...]], ...]"
"""The conditions that allow, each with those that then deny."""
_Kinds: TypeAlias = "tuple[frozenset[str], frozenset[str]]"
"""The conditions of rules that allow, and of those that deny."""


def enforcer_for(policy: PolicySet) -> casbin.Enforcer:
    """Casbin over all rules of a policy: what `model.conf` and the exported CSV say together.

    Raises EngineUntrusted when Casbin allows what nobody granted.
    """
    return _enforcer(lines(policy))


def decision_set(policy: PolicySet, role: str) -> DecisionSet:
    """Every decision of one role. Raises UnknownRole, or EngineUntrusted."""
    verdicts = _Verdicts(policy, role)
    table = {
        question: decision
        for question in policy.questions
        if (decision := verdicts.of(question)) is not None
    }
    return DecisionSet(
        role,
        policy.digest,
        MappingProxyType(table),
        policy.roles[role].page_limit,
        policy.roles[role].denial_mode,
        MappingProxyType(row_scopes(policy.catalog, table)),
        MappingProxyType(aggregate_scopes(policy.catalog, table)),
        policy.smallest_cell(role),
    )


def decide(policy: PolicySet, role: str, coordinate: str, action: str) -> Decision:
    """One decision, as `decision_set` has it. Raises UnknownRole, or EngineUntrusted."""
    return _Verdicts(policy, role).of((coordinate, action)) or Deny(Reason.NO_RULE)


class _Verdicts:
    """What Casbin's answers about one role come to; it is asked nothing twice."""

    def __init__(self, policy: PolicySet, role: str) -> None:
        if role not in policy.roles:
            raise UnknownRole
        self._policy = policy
        self._index = Index(policy, role)
        self._casbin = _Casbin(policy, role, self._index)
        self._found: dict[tuple[Speakers, str | None], Decision | None] = {}
        self._open: dict[tuple[_Kinds, str | None], Decision | None] = {}
        self._inside: dict[tuple[str, str | None], Predicate] = {}
        self._outside: dict[tuple[str, str | None], Predicate] = {}

    def of(self, question: tuple[str, str]) -> Decision | None:
        """The decision about a coordinate and an action; None where no rule speaks of it."""
        speakers = self._index.matching(*question)
        if not speakers.rules:
            return None
        key = (speakers, self._policy.anchors[question[0]])
        if key not in self._found:
            self._found[key] = self._decide(question, *key)
        return self._found[key]

    def _decide(
        self, question: tuple[str, str], speakers: Speakers, anchor: str | None
    ) -> Decision | None:
        # Rules that differ in their roles, objects and actions, and in no more, open the same rows.
        key = (speakers.kinds, anchor)
        if key not in self._open:
            self._open[key] = self._decision(self._opened(question, speakers), anchor)
        found = self._open[key]
        return Deny(_reason(speakers.rules)) if found is None and speakers.denies else found

    def _opened(self, question: tuple[str, str], speakers: Speakers) -> _Opened:
        """What Casbin answers, and nothing else."""
        allows, denies = sorted(speakers.allows), sorted(speakers.denies)
        asked = partial(self._casbin.allows, question, speakers)
        return tuple(
            (allow, tuple(deny for deny in denies if not asked(conjunction(allow, deny))))
            for allow in allows
            if asked(allow)
        )

    def _decision(self, opened: _Opened, anchor: str | None) -> Decision | None:
        """The decision about what is open; None for no row."""
        rows = either(
            *(
                both(self._meaning(allow, anchor), *(self._without(deny, anchor) for deny in held))
                for allow, held in opened
            )
        )
        match rows:
            case Always():
                return Allow()
            case Never():
                return None
            case _:
                label = "|".join("!".join((allow, *held)) for allow, held in opened)
                return AllowWhere(rows, label)

    def _meaning(self, condition: str, anchor: str | None) -> Predicate:
        key = (condition, anchor)
        if key not in self._inside:
            self._inside[key] = self._policy.meaning(*key)
        return self._inside[key]

    def _without(self, condition: str, anchor: str | None) -> Predicate:
        key = (condition, anchor)
        if key not in self._outside:
            self._outside[key] = negate(self._meaning(*key))
        return self._outside[key]


class _Casbin:
    """Casbin about one role. Each question goes to it with the rules that can match, no others.

    They are those of the role, about the coordinate and the action, whose condition holds where the
    asked one does. All of them match, so the answer hangs on their conditions and effects alone,
    and questions with the same ones have the same answer: docs/decisions.md has the argument.
    """

    def __init__(self, policy: PolicySet, role: str, index: Index) -> None:
        self._role = role
        self._index = index
        links = membership_lines("g", {name: policy.parents[name] for name in index.roles})
        self._enforcer = _enforcer((*links, *action_lines()))
        self._told: set[str] = set()
        self._answers: dict[_Kinds, bool] = {}

    def allows(self, question: tuple[str, str], speakers: Speakers, condition: str) -> bool:
        """Whether a question is answered yes on rows that meet a condition."""
        holds = holding(condition)
        key = (speakers.allows & holds, speakers.denies & holds)
        if key not in self._answers:
            rules = tuple(rule for rule in speakers.rules if rule.condition in holds)
            self._tell(question[0], condition, holds)
            # In place of the rules of the question before; links only say what is in what.
            self._enforcer.model["p"]["p"].policy = [tokens for _, *tokens in rule_lines(rules)]
            with _ONE_AT_A_TIME:
                self._answers[key] = self._enforcer.enforce(self._role, *question, condition)
        return self._answers[key]

    def _tell(self, coordinate: str, condition: str, holds: frozenset[str]) -> None:
        """Tells Casbin what a coordinate is in and what a condition implies, each once."""
        given: tuple[Line, ...] = ()
        if coordinate not in self._told:
            given += membership_lines("g2", self._index.memberships(coordinate))
        if condition not in self._told:
            held = (holds & self._index.conditions) - {condition}
            given += membership_lines("g3", {condition: held})
        for kind, *link in given:
            self._enforcer.get_named_role_manager(kind).add_link(*link)
        self._told |= {coordinate, condition}


def _reason(rules: Iterable[Rule]) -> Reason:
    """Why these rules deny, where they do: an order before a rule of the policy."""
    given = {rule.reason for rule in rules if rule.effect is Effect.DENY}
    ranked = (Reason.NO_ORDER, Reason.ORDER, Reason.RULE)
    return next((reason for reason in ranked if reason in given), Reason.NO_RULE)


def _enforcer(given: tuple[Line, ...]) -> casbin.Enforcer:
    """A fresh Casbin over these lines alone.

    It has no adapter, so there is nothing that it could reload, whole or filtered.
    """
    model = casbin.Model()
    model.load_model_from_text(MODEL)
    for kind, *tokens in given:
        # KeyError or TypeError for a kind that the model has not; Casbin's reader would skip it.
        model[kind[0]][kind].policy.append(tokens)
    # enable_log off: Casbin would write every question to standard error. It reports nothing by
    # logging that it does not also raise.
    enforcer = casbin.Enforcer(model, enable_log=False)
    enforcer.build_role_links()
    # Casbin answers yes to everything when it is switched off, and so to this.
    with _ONE_AT_A_TIME:
        anything = enforcer.enforce(_NOTHING, _NOTHING, _NOTHING, _NOTHING)
    if anything:
        raise EngineUntrusted("allows what nobody granted")
    return enforcer
