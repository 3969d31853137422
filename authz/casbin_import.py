"""The model and the CSV of a Casbin policy → a written policy. Asks no engine, and none's reader.

Casbin's readers skip what they do not know, and each reads a quote in its own way. Here every line
is one that `casbin_lines` writes, or the whole file is refused. The CSV says rules, inheritance and
classes; what it cannot say stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from authz.casbin_lines import TOKEN, lines
from authz.enforcer import MODEL
from authz.errors import CasbinInvalid, CasbinModelOther, PolicyInvalid
from authz.near import unknown
from authz.policy import Effect, Rule
from authz.policy_check import policy_set
from authz.wildcards import is_wildcard

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Set

    from authz.casbin_lines import Line
    from authz.document import Document
    from authz.policy import PolicySet, Role

_LENGTHS: Final = {"p": 6, "g": 3, "g2": 3, "g3": 3, "g4": 3}
"""Kinds of lines, and of how many tokens each is, its kind included."""
_CAPPED: Final = "order:"
"""How the classes begin that the effective policy has for court orders."""
_WORDS: Final = re.compile(r"&&|\|\||==|\w+|\S")

_Model: TypeAlias = "dict[tuple[str, str], tuple[str, ...]]"
_Numbered: TypeAlias = "dict[Line, int]"
"""Lines, each with its number in the file, from 1."""


def imported(document: Document, model: str, csv: str) -> Document:
    """A version with the rules, inheritance and classes of a Casbin policy, and all else as it was.

    Raises CasbinModelOther for another model than ours, CasbinInvalid for lines that we would not
    have written, PolicyInvalid for what they say of unknown things.
    """
    _same_model(model)
    found = _read(csv)
    _written(found)
    before = document.policy
    policy = policy_set(
        before.catalog,
        _roles(before, found),
        _classes(found),
        {
            name: {anchor: scope.text for anchor, scope in meanings.items()}
            for name, meanings in before.scopes.items()
        },
        _rules(before, found),
    )
    _same_lines(policy, found)
    return replace(document, policy=policy)


def _same_model(given: str) -> None:
    """Raises CasbinModelOther for a model that differs in more than blanks, comments and order."""
    found, wanted = _model(given), _model(MODEL)
    for key in sorted(found.keys() | wanted.keys()):
        if found.get(key) != wanted.get(key):
            section, name = key
            raise CasbinModelOther(f"[{section}] {name} differs from the model that decides here")


def _model(text: str) -> _Model:
    found: _Model = {}
    section = ""
    for number, line in _meaningful(text, CasbinModelOther):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
            continue
        name, equals, value = line.partition("=")
        key = (section, name.strip())
        if not equals or key in found:
            raise CasbinModelOther(f"line {number} is no definition, or one given twice")
        found[key] = tuple(_WORDS.findall(value))
    return found


def _meaningful(
    text: str, error: type[CasbinInvalid | CasbinModelOther]
) -> Iterator[tuple[int, str]]:
    """Lines without blanks around them, empty ones and comments left out, each with its number."""
    for number, line in enumerate(text.split("\n"), 1):
        shown = line.removesuffix("\r")
        # Some readers end a line where others do not: at a single return, or a separator.
        if not shown.replace("\t", " ").isprintable():
            raise error(f"line {number} has a character that is not shown")
        if (stripped := shown.strip(" \t")) and not stripped.startswith("#"):
            yield number, stripped


def _read(csv: str) -> _Numbered:
    found: _Numbered = {}
    for number, text in _meaningful(csv, CasbinInvalid):
        kind, *rest = line = tuple(token.strip(" \t") for token in text.split(","))
        if kind not in _LENGTHS:
            raise CasbinInvalid(f"line {number}: {unknown('kind of line', kind, _LENGTHS)}")
        if len(line) != _LENGTHS[kind]:
            raise CasbinInvalid(
                f"line {number}: {len(rest)} values; a '{kind}' line has {_LENGTHS[kind] - 1}"
            )
        for token in rest:
            if not TOKEN.fullmatch(token):
                raise CasbinInvalid(f"line {number}: '{token}' cannot stand in a CSV")
        if line in found:
            raise CasbinInvalid(f"line {number} is line {found[line]} again")
        found[line] = number
    return found


def _of(kind: str, given: _Numbered) -> Iterator[tuple[int, tuple[str, ...]]]:
    return ((number, line[1:]) for line, number in given.items() if line[0] == kind)


def _written(given: _Numbered) -> None:
    """Raises CasbinInvalid for an export of the effective policy.

    Orders are in it as rules. As rules of the policy they would stay when the order is no more.
    """
    for line, number in given.items():
        if any(token.startswith(_CAPPED) for token in line):
            raise CasbinInvalid(
                f"line {number} is about a court order: this is the effective policy, with orders "
                "in it; export the written one"
            )


def _known(policy: PolicySet, number: int, role: str) -> str:
    if role not in policy.roles:
        raise PolicyInvalid(
            f"line {number}: {unknown('role', role, policy.roles)}; a new one has to be added "
            "first, with its description and page limit, which no CSV says"
        )
    return role


def _roles(policy: PolicySet, given: _Numbered) -> list[Role]:
    above: dict[str, set[str]] = {name: set() for name in policy.roles}
    for number, (role, inherited) in _of("g", given):
        above[_known(policy, number, role)].add(_known(policy, number, inherited))
    return [replace(role, inherits=frozenset(above[name])) for name, role in policy.roles.items()]


def _classes(given: _Numbered) -> Mapping[str, Set[str]]:
    found: dict[str, set[str]] = {}
    for _, (member, name) in _of("g2", given):
        if not is_wildcard(name):
            found.setdefault(name, set()).add(member)
    return found


def _rules(policy: PolicySet, given: _Numbered) -> list[Rule]:
    effects = {effect.value: effect for effect in Effect}
    rules = []
    for number, (role, target, action, where, effect) in _of("p", given):
        if effect not in effects:
            raise PolicyInvalid(f"line {number}: {unknown('effect', effect, effects)}")
        rules.append(Rule(_known(policy, number, role), target, action, where, effects[effect]))
    return rules


def _same_lines(policy: PolicySet, found: _Numbered) -> None:
    """Raises CasbinInvalid unless the policy has just these lines: what a condition, an action or a
    wildcard implies is not for a file to say."""
    wanted = set(lines(policy))
    for line in sorted(found.keys() - wanted):
        raise CasbinInvalid(
            f"line {found[line]}: '{','.join(line)}' does not follow from the rules"
        )
    for line in sorted(wanted - found.keys()):
        raise CasbinInvalid(f"'{','.join(line)}' follows from the rules, and is not in the file")
