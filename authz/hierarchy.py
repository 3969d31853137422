"""What is in what: names and the names that they lead to, several steps away. Knows only names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

DEEPEST: Final = 8
"""Steps from a name to the farthest. Casbin looks nine steps far and then says no: a deny rule that
lies farther would be skipped without a word."""


def reachable(links: Mapping[str, Set[str]], name: str) -> frozenset[str]:
    """A name and all that it leads to, at any distance."""
    found = {name}
    edge = [name]
    while edge:
        new = links.get(edge.pop(), frozenset()) - found
        found |= new
        edge += new
    return frozenset(found)


def inverse(links: Mapping[str, Set[str]]) -> dict[str, frozenset[str]]:
    """The same links walked the other way: member → what it is in."""
    found: dict[str, set[str]] = {}
    for name, targets in links.items():
        for target in targets:
            found.setdefault(target, set()).add(name)
    return {name: frozenset(groups) for name, groups in found.items()}


def fault(links: Mapping[str, Set[str]]) -> str | None:
    """A way that comes back to where it began, or that is too long; None when there is neither."""
    done: dict[str, int] = {}
    for name in sorted(links):
        if problem := _walk(links, name, (), done):
            return problem
    return None


def _walk(
    links: Mapping[str, Set[str]], name: str, way: tuple[str, ...], done: dict[str, int]
) -> str | None:
    if name in way:
        return f"a cycle: {' → '.join((*way[way.index(name) :], name))}"
    if name in done:
        return None
    targets = sorted(links.get(name, frozenset()))
    # Looked at before going on, so that a long chain ends here and not in Python's stack.
    if len(way) + bool(targets) > DEEPEST:
        return f"more than {DEEPEST} steps deep at {name}"
    for target in targets:
        if problem := _walk(links, target, (*way, name), done):
            return problem
    done[name] = 1 + max((done[target] for target in targets), default=-1)
    return f"more than {DEEPEST} steps deep at {name}" if done[name] > DEEPEST else None
