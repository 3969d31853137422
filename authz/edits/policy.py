"""Edits of rules, roles, data classes and row scopes. Knows tables and drafts; decides nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from authz.edits.draft import Draft, absent, listed, present
from authz.edits.forms import meanings
from authz.near import unknown
from authz.policy import ALWAYS, Effect, Role, Rule
from authz.policy_file import denial_of, role_of, rules_of
from authz.wildcards import is_wildcard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from authz.strict_table import StrictTable


def _grant(draft: Draft, table: StrictTable) -> None:
    _add(draft, table, Effect.ALLOW)


def _deny(draft: Draft, table: StrictTable) -> None:
    _add(draft, table, Effect.DENY)


def _add(draft: Draft, table: StrictTable, effect: Effect) -> None:
    for rule in rules_of(table):
        wanted = replace(rule, effect=effect)
        if wanted in draft.rules:
            raise table.wrong(f"the rule '{_spoken(wanted)}' is there already")
        draft.rules[wanted] = None


def _remove_rule(draft: Draft, table: StrictTable) -> None:
    for rule in rules_of(table):
        if rule not in draft.rules:
            of_role = [each for each in draft.rules if each.role == rule.role]
            known = [_spoken(each) for each in of_role or draft.rules]
            raise table.wrong(unknown("rule", _spoken(rule), known))
        del draft.rules[rule]


def _add_role(draft: Draft, table: StrictTable) -> None:
    name = table.text("name")
    absent("role", name, draft.roles)
    draft.roles[name] = role_of(name, table)


def _set_role(draft: Draft, table: StrictTable) -> None:
    name = table.text("name")
    present("role", name, draft.roles)
    before = draft.roles[name]
    after = Role(
        name,
        table.text("description") if table.has("description") else before.description,
        table.whole("page_limit") if table.has("page_limit") else before.page_limit,
        denial_of(table) if table.has("denial") else before.denial_mode,
        frozenset(table.texts("inherits")) if table.has("inherits") else before.inherits,
        frozenset(table.texts("requires")) if table.has("requires") else before.requires,
        table.whole("smallest_cell") if table.has("smallest_cell") else before.smallest_cell,
    )
    table.done()
    if after == before:
        raise table.wrong(f"role '{name}' is so already")
    draft.roles[name] = after


def _remove_role(draft: Draft, table: StrictTable) -> None:
    """The rules of the role go with it, because they speak of nobody else."""
    name = table.text("name")
    table.done()
    present("role", name, draft.roles)
    heirs = {role.name for role in draft.roles.values() if name in role.inherits}
    if heirs:
        raise table.wrong(f"role '{name}' is inherited by {listed(heirs)}")
    if orders := {order.name for order in draft.orders.values() if order.role == name}:
        raise table.wrong(f"role '{name}' is capped by the order {listed(orders)}")
    if holders := {subject for subject, roles in draft.assignments.items() if name in roles}:
        raise table.wrong(f"role '{name}' is assigned to {listed(holders)}")
    del draft.roles[name]
    for rule in [rule for rule in draft.rules if rule.role == name]:
        del draft.rules[rule]


def _set_class(draft: Draft, table: StrictTable) -> None:
    name, members = table.text("name"), frozenset(table.texts("members"))
    table.done()
    if is_wildcard(name):
        raise table.wrong(f"'{name}' follows from the catalog: it is no class that can be set")
    if draft.classes.get(name) == members:
        raise table.wrong(f"class '{name}' is so already")
    draft.classes[name] = members


def _remove_class(draft: Draft, table: StrictTable) -> None:
    name = table.text("name")
    table.done()
    present("class", name, draft.classes)
    del draft.classes[name]


def _set_scope(draft: Draft, table: StrictTable) -> None:
    name, given = table.text("name"), meanings(table, "meanings")
    table.done()
    if draft.scopes.get(name) == given:
        raise table.wrong(f"scope '{name}' is so already")
    draft.scopes[name] = given


def _remove_scope(draft: Draft, table: StrictTable) -> None:
    name = table.text("name")
    table.done()
    present("scope", name, draft.scopes)
    del draft.scopes[name]


def _spoken(rule: Rule) -> str:
    where = "" if rule.condition == ALWAYS else f" where {rule.condition}"
    return f"{rule.effect.value} {rule.role} {rule.action} {rule.object}{where}"


KINDS: Final[Mapping[str, Callable[[Draft, StrictTable], None]]] = {
    "grant": _grant,
    "deny": _deny,
    "remove_rule": _remove_rule,
    "add_role": _add_role,
    "set_role": _set_role,
    "remove_role": _remove_role,
    "set_class": _set_class,
    "remove_class": _remove_class,
    "set_scope": _set_scope,
    "remove_scope": _remove_scope,
}
