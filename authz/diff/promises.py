"""What becomes of assignments, invariants and tests of a policy. Decides nothing.

A promise that is dropped or weakened gives nobody anything, and it is no narrowing: it was there to
be broken by a later edit only before everybody's eyes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz.ceiling import capped
from authz.diff.difference import Direction, SettingChange
from authz.policy import parts
from authz.wildcards import within

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authz.case import Case
    from authz.document import Document
    from authz.invariant import Invariant
    from authz.policy import PolicySet


def assignment_changes(before: Document, after: Document) -> tuple[SettingChange, ...]:
    """Subjects that get roles or lose some."""
    caps = capped(before.policy, before.orders)
    found = []
    nobody: frozenset[str] = frozenset()
    for subject in sorted(before.assignments.keys() | after.assignments.keys()):
        old, new = (each.assignments.get(subject, nobody) for each in (before, after))
        if old != new:
            # Whoever loses a capped role may act in the others that it holds.
            wider = new - old or (old - new) & caps
            found.append(
                SettingChange(
                    f"assignment of {subject}",
                    ", ".join(sorted(old)),
                    ", ".join(sorted(new)),
                    Direction.WIDER if wider else Direction.NARROWER,
                )
            )
    return tuple(found)


def invariant_changes(before: Document, after: Document) -> tuple[SettingChange, ...]:
    """Invariants added, removed and changed, by a class or a scope that they name as well."""
    old, new = ({each.name: each for each in side.invariants} for side in (before, after))
    found = []
    for name in sorted(old.keys() | new.keys()):
        what = f"invariant {name}"
        if name not in old:
            found.append(SettingChange(what, "", _promise(new[name]), Direction.NARROWER))
        elif name not in new:
            found.append(SettingChange(what, _promise(old[name]), "", Direction.OTHER))
        else:
            one, other = old[name], new[name]
            kept = _binds(before.policy, one, after.policy, other)
            if one != other or not kept:
                way = Direction.NARROWER if kept else Direction.OTHER
                was, now = _promise(one), _promise(other)
                if was == now:
                    # What it names means something else.
                    was, now = (
                        ", ".join(sorted(_meant(each.policy, one.on))) for each in (before, after)
                    )
                found.append(SettingChange(what, was, now, way))
    return tuple(found)


def _promise(invariant: Invariant) -> str:
    who = ", ".join(sorted(invariant.roles)) or "every role"
    but = f" but {', '.join(sorted(invariant.but))}" if invariant.but else ""
    where = f"only where {invariant.only_where}" if invariant.only_where else "never"
    return (
        f"{who}{but}: {where} {', '.join(sorted(invariant.actions))} "
        f"{', '.join(sorted(invariant.on))} ({invariant.why})"
    )


def _binds(was: PolicySet, old: Invariant, now: PolicySet, new: Invariant) -> bool:
    """Whether the second forbids all that the first does."""
    roles = not new.roles or (bool(old.roles) and old.roles <= new.roles)
    # Of those that it leaves out, none that was bound.
    out = (new.but & old.roles if old.roles else new.but) <= old.but
    rows = not new.only_where or (
        old.only_where == new.only_where
        and all(was.scopes.get(name) == now.scopes.get(name) for name in parts(old.only_where))
    )
    return (
        roles
        and out
        and rows
        and old.actions <= new.actions
        and _meant(was, old.on) <= _meant(now, new.on)
    )


def _meant(policy: PolicySet, names: Iterable[str]) -> frozenset[str]:
    """The coordinates that these are, or that are in these classes and wildcards."""
    return frozenset[str]().union(*(within(policy.catalog, policy.classes, name) for name in names))


def case_changes(before: Document, after: Document) -> tuple[SettingChange, ...]:
    """Tests added, removed and changed, by a class that they name as well."""
    old, new = ({each.name: each for each in side.cases} for side in (before, after))
    found = []
    for name in sorted(old.keys() | new.keys()):
        what = f"case {name}"
        if name not in old:
            found.append(SettingChange(what, "", _test(new[name]), Direction.NARROWER))
        elif name not in new:
            found.append(SettingChange(what, _test(old[name]), "", Direction.OTHER))
        elif old[name] != new[name] or not _asks(before.policy, after.policy, new[name]):
            told = _test(old[name]), _test(new[name])
            found.append(SettingChange(what, *told, Direction.OTHER))
    return tuple(found)


def _asks(was: PolicySet, now: PolicySet, case: Case) -> bool:
    """Whether a test denies in one policy all that it denies in the other."""
    allow = {name for name, _ in case.allow}
    return _meant(was, case.about) <= _meant(now, case.about) and all(
        _meant(now, [name]) <= _meant(was, [name]) for name in allow
    )


def _test(case: Case) -> str:
    allowed = ", ".join(f"{action} {name}" for name, action in sorted(case.allow))
    return f"{case.role}: {allowed or 'nothing'}"
