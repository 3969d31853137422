"""Edits of the policy as input: one key says what is done, its fields with what.

The names are those of the tables of `authz.edits.edited`, as GraphQL writes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import strawberry
from strawberry.types.base import get_object_definition

from api.guard import shape

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME: Final = (str, "Name.")
_ROLE: Final = (str, "Role.")
_ON: Final = (list[str], "Coordinates and classes.")
_ACTIONS: Final = (list[str], "Actions, with an operator where one is meant.")
_WHERE: Final = (str, "Row scopes that all hold, joined by &, or 'always'.")
_RULE: Final = {"role": _ROLE, "on": _ON, "actions": _ACTIONS, "where": _WHERE}


def _input(name: str, about: str, fields: Mapping[str, tuple[Any, str]], *, one: bool) -> Any:
    made = {key: shape(type_, said, _camel(key)) for key, (type_, said) in fields.items()}
    # A name with an underscore behind it: `but` and `on` are words, `in` would be a keyword.
    body: dict[str, Any] = {f"{key}_": field for key, field in made.items()}
    types = {f"{key}_": type_ for key, (type_, _) in fields.items()}
    body |= {"__annotations__": types, "__module__": __name__}
    return strawberry.input(type(name, (), body), name=name, description=about, one_of=one)


def _camel(key: str) -> str:
    head, *tail = key.split("_")
    return head + "".join(part.title() for part in tail)


def _part(made: str, about: str, /, **fields: tuple[Any, str]) -> tuple[Any, str]:
    return (_input(f"Policy{made}", about, fields, one=False) | None, about)


def _role(name: str, about: str) -> tuple[Any, str]:
    return _part(
        name,
        about,
        name=(str, "Name, as tokens write it."),
        description=(str | None, "Who acts in the role, and what for."),
        page_limit=(int | None, "Most rows of one page."),
        denial=(str | None, "What a denied selection does: null or refuse."),
        inherits=(list[str] | None, "Roles whose rules are this role's too."),
        requires=(list[str] | None, "Attributes that every request must carry."),
        smallest_cell=(int | None, "Fewest people that a number may be about."),
    )


_Meaning = _input(
    "PolicyMeaningInput",
    "What a row scope means on the rows of one kind of record.",
    {"anchor": (str, "Kind of record."), "text": (str, "The condition.")},
    one=False,
)

_OF_RULES = {
    "grant": _part("Grant", "Allows something.", **_RULE),
    "deny": _part("Deny", "Denies something, whatever else allows it.", **_RULE),
    "remove_rule": _part(
        "RemoveRule", "Takes rules away.", **_RULE, effect=(str | None, "allow or deny.")
    ),
}  # fmt: skip
_OF_NAMES = {
    "add_role": _role("AddRole", "Makes a role."),
    "set_role": _role("SetRole", "Changes what is given of a role."),
    "remove_role": _part("RemoveRole", "Takes a role away.", name=_NAME),
    "set_class": _part(
        "SetClass", "Makes or replaces a data class.", name=_NAME,
        members=(list[str], "Coordinates and classes in it."),
    ),
    "remove_class": _part("RemoveClass", "Takes a data class away.", name=_NAME),
    "set_scope": _part(
        "SetScope", "Makes or replaces a row scope.", name=_NAME,
        meanings=(list[_Meaning], "One for each kind of record."),  # type: ignore[valid-type]  # made at run time
    ),
    "remove_scope": _part("RemoveScope", "Takes a row scope away.", name=_NAME),
}  # fmt: skip
_OF_PROMISES = {
    "set_invariant": _part(
        "SetInvariant", "Makes or replaces a promise that no version may break.", name=_NAME,
        why=(str, "Reason for it."),
        roles=(list[str] | None, "Roles that it binds; all of them where none is named."),
        but=(list[str] | None, "Roles that it does not bind."),
        on=_ON,
        actions=_ACTIONS,
        only_where=(str | None, "Row scopes on whose rows it may be done all the same."),
    ),
    "remove_invariant": _part("RemoveInvariant", "Takes a promise back.", name=_NAME),
    "set_case": _part(
        "SetCase", "Makes or replaces a test of the policy.", yaml=(str, "The test, in YAML."),
    ),
    "remove_case": _part("RemoveCase", "Takes a test away.", name=_NAME),
}  # fmt: skip
_OF_SUBJECTS = {
    "assign": _part(
        "Assign", "Gives roles to a subject.", subject=(str, "Subject of tokens."),
        roles=(list[str], "Roles."),
    ),
    "unassign": _part(
        "Unassign", "Takes roles from a subject.", subject=(str, "Subject of tokens."),
        roles=(list[str], "Roles."),
    ),
}  # fmt: skip
_OF_ORDERS = {
    "add_order": _part("AddOrder", "Puts a court order on file.", toml=(str, "It, in TOML.")),
    "set_order_status": _part(
        "SetOrderStatus", "Says what becomes of a court order.", name=_NAME,
        status=(str, "in_force, stayed, paused, superseded or vacated."),
        at=(str | None, "Instant since which, with its offset from UTC; now unless given."),
    ),
}  # fmt: skip

PolicyEdit = _input(
    "PolicyEdit",
    "One edit of the policy or of an order: exactly one of these.",
    _OF_RULES | _OF_NAMES | _OF_PROMISES | _OF_SUBJECTS | _OF_ORDERS,
    one=True,
)


def table_of(edit: object) -> dict[str, object]:
    """An edit as the table that `authz.edits.edited` takes. What is null or absent is not in it."""
    found: dict[str, object] = {}
    for field in get_object_definition(type(edit), strict=True).fields:
        value = getattr(edit, field.python_name)
        if value is not None and value is not strawberry.UNSET:
            found[field.python_name.removesuffix("_")] = _plain(value)
    return found


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return table_of(value) if get_object_definition(type(value)) is not None else value
