"""Edits of court orders: one more, or another status of one. An order is never taken away."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from authz.edits.draft import Draft, absent, present
from authz.edits.forms import instant
from authz.errors import OrderInvalid
from authz.near import unknown
from authz.order import Change, Status
from authz.order_file import order_of
from authz.strict_table import document as table_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from authz.strict_table import StrictTable


def _add_order(draft: Draft, table: StrictTable) -> None:
    text = table.text("toml")
    table.done()
    file = table_of(text, OrderInvalid)
    name = file.text("name")
    absent("order", name, draft.orders)
    order = order_of(draft.catalog, name, file)
    # One that names nobody would cap nobody, and nobody would notice.
    present("role", order.role, draft.roles)
    draft.orders[name] = order


def _set_order_status(draft: Draft, table: StrictTable) -> None:
    """What was planned from that instant on is replaced: a court that stays an order before it is
    in force also means the days after. What is past stays as it is."""
    name = table.text("name")
    present("order", name, draft.orders)
    known = {status.value: status for status in Status}
    given = table.text("status")
    if given not in known:
        raise table.wrong(unknown("status", given, known))
    change = Change(instant(table, "at") if table.has("at") else draft.as_of, known[given])
    table.done()
    order = draft.orders[name]
    past = [each for each in order.history if each.at <= draft.as_of]
    if past and change.at <= past[-1].at:
        since = f"{past[-1].status.value} since {past[-1].at.isoformat()}"
        raise table.wrong(f"'at' is not later than what became of it last: {since}")
    if change.status is Status.IN_FORCE and change.at.date() < order.effective:
        raise table.wrong(f"'at' is before the order is effective: {order.effective.isoformat()}")
    history = (*(each for each in order.history if each.at < change.at), change)
    if history[:-1] == order.history and history[-2].status is change.status:
        raise table.wrong(f"order '{name}' is {given} already")
    draft.orders[name] = replace(order, history=history)


KINDS: Final[Mapping[str, Callable[[Draft, StrictTable], None]]] = {
    "add_order": _add_order,
    "set_order_status": _set_order_status,
}
