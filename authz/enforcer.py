"""Policy → decisions, by Casbin: the only import of it. Knows nothing of orders, tokens or rows.

Casbin answers yes or no for a role, a coordinate, an action and a condition that the row meets.
Asking about the condition of each allow, and about each of these joined with that of each deny,
gives back the rows that are open: some allow holds and no deny does. Nothing here weighs an allow
against a deny; that is Casbin's answer alone.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

import casbin

from authz import questions
from authz.casbin_lines import (
    action_lines,
    condition_lines,
    conjunction,
    lines,
    membership_lines,
    pairs,
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
    from authz.policy import PolicySet, Rule

MODEL: Final = (Path(__file__).parent / "model.conf").read_text(encoding="utf-8")
_NOTHING: Final = "-"
"""A name that no policy has: whoever or whatever it is, the answer is no."""

_ONE_AT_A_TIME: Final = threading.Lock()
"""Casbin parses its matcher for each question, and in CPython 3.11 `ast.parse` fails with a
SystemError where two threads are in it. Held for one set of rules at a time, so that the event loop
does not wait for all of a role."""

_Opened: TypeAlias = "tuple[tuple[str, tuple[str, ...]], ...]"
"""The conditions that allow, each with those that then deny."""


def enforcer_for(policy: PolicySet) -> casbin.Enforcer:
    """Casbin over all rules of a policy: what `model.conf` and the exported CSV say together.

    Raises EngineUntrusted when Casbin allows what nobody granted.
    """
    with _ONE_AT_A_TIME:
        return _enforcer(lines(policy))


def decision_set(policy: PolicySet, role: str) -> DecisionSet:
    """Every decision of one role. Raises UnknownRole, or EngineUntrusted."""
    index = _index(policy, role)
    asked: dict[tuple[Rule, ...], list[tuple[str, str]]] = {}
    # In one order, so that equal policies make equal statements.
    for coordinate in sorted(questions.coordinates(policy.catalog)):
        for action in questions.actions(policy.catalog, coordinate):
            if rules := index.matching(coordinate, action):
                asked.setdefault(rules, []).append((coordinate, action))
    found: dict[tuple[str, str], Decision] = {}
    for rules_about, about in asked.items():
        with _ONE_AT_A_TIME:
            found |= _decide(policy, index, role, rules_about, about)
    table = {question: found[question] for question in sorted(found)}
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
    index = _index(policy, role)
    question = (coordinate, action)
    with _ONE_AT_A_TIME:
        found = _decide(policy, index, role, index.matching(*question), [question])
    return found.get(question, Deny(Reason.NO_RULE))


def _index(policy: PolicySet, role: str) -> Index:
    if role not in policy.roles:
        raise UnknownRole
    return Index(policy, role)


def _decide(
    policy: PolicySet,
    index: Index,
    role: str,
    rules: tuple[Rule, ...],
    about: list[tuple[str, str]],
) -> dict[tuple[str, str], Decision]:
    """The decisions about questions of which exactly `rules` speak; without those for NO_RULE."""
    allows = sorted({rule.condition for rule in rules if rule.effect is Effect.ALLOW})
    denies = sorted({rule.condition for rule in rules if rule.effect is Effect.DENY})
    denied = Deny(_reason(rules))
    if not allows:
        # Nothing to ask about: Casbin can only say no.
        return dict.fromkeys(about, denied) if denies else {}
    enforcer = _enforcer(
        (
            *rule_lines(rules),
            *membership_lines("g", {name: policy.roles[name].inherits for name in index.roles}),
            *membership_lines("g2", index.memberships(coordinate for coordinate, _ in about)),
            *condition_lines({*allows, *denies, *pairs({*allows}, {*denies})}),
            *action_lines(),
        )
    )
    answers: dict[tuple[str, str], Decision | None] = {}
    meanings: dict[tuple[str | None, _Opened], Decision | None] = {}
    found: dict[tuple[str, str], Decision] = {}
    for coordinate, action in about:
        # All these questions meet the same rules, so filters by different operators are one.
        kind = (coordinate, questions.parent(action) or action)
        if kind not in answers:
            opened = _opened(enforcer, (role, coordinate, action), allows, denies)
            anchor = questions.anchor(policy.catalog, coordinate)
            if (anchor, opened) not in meanings:
                meanings[anchor, opened] = _decision(policy, anchor, opened)
            answers[kind] = meanings[anchor, opened]
        answer = answers[kind]
        if answer is not None or denies:
            found[coordinate, action] = answer or denied
    return found


def _opened(
    enforcer: casbin.Enforcer, question: tuple[str, str, str], allows: list[str], denies: list[str]
) -> _Opened:
    """What Casbin answers, and nothing else."""
    return tuple(
        (
            allow,
            tuple(
                deny for deny in denies if not enforcer.enforce(*question, conjunction(allow, deny))
            ),
        )
        for allow in allows
        if enforcer.enforce(*question, allow)
    )


def _decision(policy: PolicySet, anchor: str | None, opened: _Opened) -> Decision | None:
    """The decision about what is open; None for no row."""
    rows = either(
        *(
            both(
                policy.meaning(allow, anchor),
                *(negate(policy.meaning(deny, anchor)) for deny in held),
            )
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
    if enforcer.enforce(_NOTHING, _NOTHING, _NOTHING, _NOTHING):
        raise EngineUntrusted("allows what nobody granted")
    return enforcer
