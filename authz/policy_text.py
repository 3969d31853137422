"""A policy or a court order as TOML, as policy_file and order_file read it. Knows no file system.

Equal policies are equal text. What the seed file says in comments is not here: a stored version has
none.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from authz import questions
from authz.decision import Action, DenialMode
from authz.policy import ALWAYS, Effect, parts
from authz.wildcards import is_wildcard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from authz.invariant import Invariant
    from authz.order import Order
    from authz.policy import PolicySet, Role, Scope

_WIDTH: Final = 100


def policy_text(policy: PolicySet, invariants: Iterable[Invariant] = ()) -> str:
    """A whole policy with its invariants. `parse_policy_file` makes equal ones of it."""
    # Wildcards follow from the catalog.
    classes = [
        _list(name, sorted(members))
        for name, members in sorted(policy.classes.items())
        if not is_wildcard(name)
    ]
    scopes = [
        [f"[scopes.{name}]", *_meanings(meanings)]
        for name, meanings in sorted(policy.scopes.items())
    ]
    roles = [[*_role(role)] for _, role in sorted(policy.roles.items())]
    return _text(
        [
            [*_rules(policy)],
            *(roles or [["[roles]"]]),
            ["[classes]", *classes],
            *(scopes or [["[scopes]"]]),
            *([*_invariant(each)] for each in sorted(invariants, key=lambda each: each.name)),
        ]
    )


def order_text(order: Order) -> str:
    """One order. `parse_order` makes an equal one of it."""
    facts = {name: getattr(order, name) for name in ("name", "caption", "court", "docket")}
    history = [
        f"  {{ at = {change.at.isoformat()}, status = {_quoted(change.status.value)} }},"
        for change in order.history
    ]
    actions: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for coordinate in sorted(order.grants):
        actions[_in_order(order.grants[coordinate])].append(coordinate)
    grants = [
        f"  {{ on = {_row(coordinates)}, actions = {_row(group)} }},"
        for group, coordinates in actions.items()
    ]
    return _text(
        [
            [
                *(f"{name} = {_quoted(text)}" for name, text in facts.items()),
                f"issued = {order.issued.isoformat()}",
                f"effective = {order.effective.isoformat()}",
                f"role = {_quoted(order.role)}",
                _list("states", order.states),
            ],
            ["history = [", *history, "]"],
            ["grants = [", *grants, "]"],
            [
                "[population]",
                f"scope = {_quoted(order.scope)}",
                *_meanings(order.population),
            ],
        ]
    )


def _rules(policy: PolicySet) -> Iterator[str]:
    """A line for the rules of a role with the same condition and effect whose objects all have the
    same actions."""
    actions: defaultdict[tuple[str, str, bool, str], set[str]] = defaultdict(set)
    for rule in policy.rules:
        deny = rule.effect is Effect.DENY
        actions[rule.role, rule.condition, deny, rule.object].add(rule.action)
    lines: defaultdict[tuple[str, str, bool, tuple[str, ...]], list[str]] = defaultdict(list)
    for (role, condition, deny, target), of_target in actions.items():
        lines[role, condition, deny, _in_order(of_target)].append(target)
    yield "rules = ["
    for (role, condition, deny, group), targets in sorted(lines.items()):
        effect = f", effect = {_quoted(Effect.DENY.value)}" if deny else ""
        yield (
            f"  {{ role = {_quoted(role)}, on = {_row(sorted(targets))}, actions = {_row(group)}, "
            f"where = {_quoted(_joined(condition))}{effect} }},"
        )
    yield "]"


def _role(role: Role) -> Iterator[str]:
    yield f"[roles.{role.name}]"
    yield f"description = {_quoted(role.description)}"
    yield f"page_limit = {role.page_limit}"
    if role.denial_mode is not DenialMode.NULL:
        yield f"denial = {_quoted(role.denial_mode.value)}"
    if role.inherits:
        yield f"inherits = {_row(sorted(role.inherits))}"
    if role.requires:
        yield f"requires = {_row(sorted(role.requires))}"
    if role.smallest_cell:
        yield f"smallest_cell = {role.smallest_cell}"


def _meanings(meanings: Mapping[str, Scope]) -> list[str]:
    return [f"{anchor} = {_quoted(scope.text)}" for anchor, scope in sorted(meanings.items())]


def _invariant(invariant: Invariant) -> Iterator[str]:
    yield f"[invariants.{invariant.name}]"
    yield f"why = {_quoted(invariant.why)}"
    for name in ("roles", "but"):
        if named := getattr(invariant, name):
            yield _list(name, sorted(named))
    yield _list("on", sorted(invariant.on))
    yield _list("actions", _in_order(invariant.actions))
    if invariant.only_where:
        yield f"only_where = {_quoted(_joined(invariant.only_where))}"


def _joined(condition: str) -> str:
    return " & ".join(sorted(parts(condition))) or ALWAYS


def _in_order(actions: Iterable[str]) -> tuple[str, ...]:
    """Actions as people list them: reading first, a filter before its cases."""
    return tuple(sorted(actions, key=lambda each: (_PLACES[questions.parent(each) or each], each)))


_PLACES: Final = {action.value: place for place, action in enumerate(Action)}


def _list(name: str, items: Iterable[str]) -> str:
    """A key with a list, over several lines where one is too short."""
    items = tuple(items)
    line = f"{name} = {_row(items)}"
    if len(line) <= _WIDTH:
        return line
    lines = [f"{name} = [", " "]
    for item in items:
        word = f" {_quoted(item)},"
        if len(lines[-1]) + len(word) > _WIDTH:
            lines.append(" ")
        lines[-1] += word
    return "\n".join([*lines, "]"])


def _row(items: Iterable[str]) -> str:
    return f"[{', '.join(_quoted(item) for item in items)}]"


def _quoted(text: str) -> str:
    """A basic string. TOML escapes as JSON does, and DEL besides."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _text(blocks: Iterable[Iterable[str]]) -> str:
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"
