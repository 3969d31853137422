"""What becomes of court orders, and of the caps that they put on roles. Decides nothing.

A ceiling that is lifted is no narrowing, though nobody reaches it: decisions are looked at as they
are, and the next edit would be held against the lifted one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz import questions
from authz.ceiling import capped
from authz.diff.difference import Direction, SettingChange
from authz.implies import implies
from authz.matcher import binding
from authz.order import standing
from db.predicate import both

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from authz.document import Document
    from authz.order import Order
    from db.catalog import Catalog
    from db.predicate import Predicate

_RECORD = ("caption", "court", "docket", "issued", "effective", "role", "states")
"""What of an order is a record of what a court said."""


def cap_changes(
    before: Document, after: Document, instants: Sequence[datetime]
) -> tuple[SettingChange, ...]:
    """Roles that orders cap or no longer cap, and capped ones that orders leave more at some
    instant: whatever policy makes of it."""
    found = []
    was, now = (capped(each.policy, each.orders) for each in (before, after))
    for role in sorted(before.policy.roles.keys() & after.policy.roles.keys()):
        what = f"role {role}: capped by an order"
        if role in was - now:
            # Whoever holds it besides another may now set it aside.
            found.append(SettingChange(what, "yes", "no", Direction.WIDER))
        elif role in now - was:
            found.append(SettingChange(what, "no", "yes", Direction.NARROWER))
        elif role in was:
            found += _ceiling(before, after, role, instants)
    return tuple(found)


def _ceiling(
    before: Document, after: Document, role: str, instants: Sequence[datetime]
) -> list[SettingChange]:
    for at in instants:
        old, new = (standing(binding(each, role), at) for each in (before, after))
        if lifted(after.policy.catalog, old, new):
            names = [", ".join(order.name for order in each) for each in (old, new)]
            what = f"role {role}: what orders leave it on {at.isoformat()}"
            return [SettingChange(what, names[0], names[1], Direction.WIDER)]
    return []


def lifted(catalog: Catalog, old: Sequence[Order], new: Sequence[Order]) -> bool:
    """Whether some orders together leave more than others do, or cannot be proven not to."""
    if list(old) == list(new) or not new:
        return False
    coordinates = frozenset[str].intersection(*(frozenset(order.grants) for order in new))
    return any(
        not _leaves(old, coordinate, action)
        or not implies(_people(new, anchor), _people(old, anchor))
        for coordinate in sorted(coordinates)
        for action in questions.actions(catalog, coordinate)
        if _leaves(new, coordinate, action)
        for anchor in (questions.anchor(catalog, coordinate) or "",)
    )


def _leaves(orders: Sequence[Order], coordinate: str, action: str) -> bool:
    return bool(orders) and all(order.covers(coordinate, action) for order in orders)


def _people(orders: Sequence[Order], anchor: str) -> Predicate:
    return both(*(order.population[anchor].predicate for order in orders))


def order_changes(
    before: Document, after: Document, instants: Sequence[datetime]
) -> tuple[SettingChange, ...]:
    """Orders added, removed and changed. What they leave at any instant, `cap_changes` says; a
    record that is rewritten narrows nothing."""
    old, new = ({order.name: order for order in each.orders} for each in (before, after))
    found = []
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            found.append(SettingChange(f"order {name}", "", _told(new[name]), Direction.NARROWER))
        elif name not in new:
            found.append(SettingChange(f"order {name}", _told(old[name]), "", Direction.OTHER))
        else:
            found += _changed(after.policy.catalog, old[name], new[name], instants[0])
    return tuple(found)


def _changed(catalog: Catalog, old: Order, new: Order, as_of: datetime) -> Iterator[SettingChange]:
    what = f"order {new.name}"
    for field in _RECORD:
        one, other = (_text(getattr(order, field)) for order in (old, new))
        if one != other:
            yield SettingChange(f"{what}: {field}", one, other, Direction.OTHER)
    if old.history != new.history:
        past, since = (
            [change for change in order.history if change.at <= as_of] for order in (old, new)
        )
        yield SettingChange(
            f"{what}: status",
            _history(old),
            _history(new),
            Direction.NARROWER if since[: len(past)] == past else Direction.OTHER,
        )
    way = Direction.OTHER if lifted(catalog, [old], [new]) else Direction.NARROWER
    if old.grants != new.grants:
        one, other = (
            "; ".join(
                f"{coordinate} {' '.join(sorted(actions))}"
                for coordinate, actions in sorted(order.grants.items())
            )
            for order in (old, new)
        )
        yield SettingChange(f"{what}: grants", one, other, way)
    if old.population != new.population:
        one, other = (
            "; ".join(
                f"{anchor}: {scope.text}" for anchor, scope in sorted(order.population.items())
            )
            for order in (old, new)
        )
        yield SettingChange(f"{what}: population", one, other, way)


def _told(order: Order) -> str:
    return f"{order.caption}, {order.docket}: caps {order.role}; {_history(order)}"


def _history(order: Order) -> str:
    return ", ".join(f"{each.status.value} {each.at.isoformat()}" for each in order.history)


def _text(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
