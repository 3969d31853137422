"""What else becomes of roles than their decisions. Compares two versions, role by role.

Decisions that only narrow can widen what somebody gets: a request that was refused for want of an
attribute is not any more when no condition reads it; a smaller cell is shown; an aggregate of fewer
rows is a new number; and lists of whoever loses the pseudonym come in the order of everybody's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz.decision import DenialMode, Deny
from authz.diff.difference import Direction, SettingChange
from db.predicate import Never

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authz.decision import DecisionSet
    from authz.diff.access import Access, Moment
    from authz.document import Document
    from authz.policy import Role


def role_changes(before: Document, after: Document, access: Access) -> tuple[SettingChange, ...]:
    """Roles added, removed and changed, each change once."""
    found: dict[SettingChange, None] = {}
    old, new = before.policy.roles, after.policy.roles
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            # Even one that may do nothing: a token that names it was refused until now.
            found[SettingChange(f"role {name}", "", new[name].description, Direction.WIDER)] = None
        elif name not in new:
            gone = SettingChange(f"role {name}", old[name].description, "", Direction.NARROWER)
            found[gone] = None
        else:
            found |= dict.fromkeys(_written(old[name], new[name]))
    for moment in access.moments:
        if moment.before is not None and moment.after is not None:
            found |= dict.fromkeys(_decided(moment, moment.before, moment.after, access))
    return tuple(found)


def _written(old: Role, new: Role) -> Iterator[SettingChange]:
    what = f"role {new.name}"
    if old.description != new.description:
        yield SettingChange(
            f"{what}: description", old.description, new.description, Direction.NARROWER
        )
    if old.page_limit != new.page_limit:
        yield SettingChange(
            f"{what}: page limit",
            str(old.page_limit),
            str(new.page_limit),
            Direction.NARROWER if new.page_limit < old.page_limit else Direction.OTHER,
        )
    if old.denial_mode is not new.denial_mode:
        yield SettingChange(
            f"{what}: denial",
            old.denial_mode.value,
            new.denial_mode.value,
            Direction.NARROWER if new.denial_mode is DenialMode.REFUSE else Direction.OTHER,
        )


def _decided(
    moment: Moment, old: DecisionSet, new: DecisionSet, access: Access
) -> Iterator[SettingChange]:
    what = f"role {moment.role}"
    if old.smallest_cell != new.smallest_cell:
        yield SettingChange(
            f"{what}: smallest cell",
            str(old.smallest_cell),
            str(new.smallest_cell),
            Direction.WIDER if new.smallest_cell < old.smallest_cell else Direction.NARROWER,
        )
    if all(isinstance(decision, Deny) for decision in new.table.values()):
        return
    needed, needs = (
        policy.requires(moment.role) | decided.reads
        for policy, decided in zip(moment.policies, (old, new), strict=True)
    )
    if needed != needs:
        yield SettingChange(
            f"{what}: attributes that it needs",
            ", ".join(sorted(needed)),
            ", ".join(sorted(needs)),
            Direction.NARROWER if needed < needs else Direction.WIDER,
        )
    if old.veiled and not new.veiled:
        yield SettingChange(
            f"{what}: order of lists", "its own", "that of other roles", Direction.OTHER
        )
    for anchor in sorted(old.aggregate_scopes.keys() | new.aggregate_scopes.keys()):
        rows = old.aggregate_scope(anchor), new.aggregate_scope(anchor)
        fewer = access.way(*rows) in (Direction.NARROWER, Direction.OTHER)
        if fewer and not isinstance(rows[1], Never):
            yield SettingChange(
                f"{what}: {anchor} in aggregates", "more rows", "fewer or others", Direction.OTHER
            )
