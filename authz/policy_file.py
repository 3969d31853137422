"""A policy as TOML → PolicySet. Knows the form of the file; what it may say, `policy_check` knows.

rules = [
  { role = "front_desk", on = ["name", "phone"], actions = ["read"], where = "own_county" },
]
[roles.front_desk]      description, page_limit; denial, inherits, requires, smallest_cell
[classes]               name = ["Enrollee.firstName", "another_class"]
[scopes.own_county]     Enrollee = "home_address.county in principal.county"
[invariants.NAME]       as invariant_file has it; they may be left out
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from authz.decision import DenialMode
from authz.errors import PolicyInvalid
from authz.invariant_file import invariants_of
from authz.near import unknown
from authz.policy import ALWAYS, Effect, Role, Rule, join
from authz.policy_check import policy_set
from authz.strict_table import document

if TYPE_CHECKING:
    from authz.invariant import Invariant
    from authz.policy import PolicySet
    from authz.strict_table import StrictTable
    from db.catalog import Catalog

_EFFECTS: Final = {effect.value: effect for effect in Effect}


def parse_policy(catalog: Catalog, text: str) -> PolicySet:
    """The policy that a file says, without its invariants. Raises what `parse_policy_file` does."""
    return parse_policy_file(catalog, text)[0]


def parse_policy_file(catalog: Catalog, text: str) -> tuple[PolicySet, tuple[Invariant, ...]]:
    """The policy and the invariants that a file says. Raises PolicyInvalid for anything that it
    does not know."""
    file = document(text, PolicyInvalid)
    policy = _policy(catalog, file)
    invariants = invariants_of(policy, file.table("invariants")) if file.has("invariants") else ()
    file.done()
    return policy, invariants


def policy_of(catalog: Catalog, file: StrictTable) -> PolicySet:
    """The policy that a table says. Raises PolicyInvalid, or the error of the table."""
    policy = _policy(catalog, file)
    file.done()
    return policy


def _policy(catalog: Catalog, file: StrictTable) -> PolicySet:
    roles = file.table("roles")
    classes = file.table("classes")
    scopes = file.table("scopes")
    rules = [rule for line in file.tables("rules") for rule in rules_of(line)]
    return policy_set(
        catalog,
        [role_of(name, roles.table(name)) for name in roles.names()],
        {name: frozenset(classes.texts(name)) for name in classes.names()},
        {name: _meanings(scopes.table(name)) for name in scopes.names()},
        rules,
    )


def role_of(name: str, table: StrictTable) -> Role:
    """The role that a table says. Raises the error of the table."""
    role = Role(
        name,
        table.text("description"),
        table.whole("page_limit"),
        denial_of(table) if table.has("denial") else DenialMode.NULL,
        frozenset(table.texts("inherits") if table.has("inherits") else ()),
        frozenset(table.texts("requires") if table.has("requires") else ()),
        table.whole("smallest_cell") if table.has("smallest_cell") else 0,
    )
    table.done()
    return role


def denial_of(table: StrictTable) -> DenialMode:
    """The denial mode that the key `denial` names. Raises the error of the table."""
    denial = table.text("denial")
    modes = {mode.value: mode for mode in DenialMode}
    if denial not in modes:
        raise table.wrong(unknown("denial", denial, modes))
    return modes[denial]


def _meanings(table: StrictTable) -> dict[str, str]:
    return {anchor: table.text(anchor) for anchor in table.names()}


def rules_of(table: StrictTable) -> list[Rule]:
    """The rules for which a line stands: one for each target and action. Raises the error of the
    table."""
    role = table.text("role")
    targets = table.texts("on")
    actions = table.texts("actions")
    condition = _condition(table)
    effect = table.text("effect") if table.has("effect") else Effect.ALLOW.value
    if effect not in _EFFECTS:
        raise table.wrong(unknown("effect", effect, _EFFECTS))
    table.done()
    if not targets or not actions:
        raise table.wrong("on nothing, or no action: this rule would say nothing")
    return [
        Rule(role, target, action, condition, _EFFECTS[effect])
        for target in targets
        for action in actions
    ]


def _condition(table: StrictTable) -> str:
    names = [name.strip() for name in table.text("where").split("&")]
    if names == [ALWAYS]:
        return ALWAYS
    if "" in names or ALWAYS in names or len(set(names)) != len(names):
        raise table.wrong(f"'where' is '{ALWAYS}', or different scopes joined by &")
    return join(names)
