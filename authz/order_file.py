"""A court order as TOML → Order. Knows the form of the file; knows no policy."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from authz import questions
from authz.errors import OrderInvalid, ScopeInvalid
from authz.near import unknown
from authz.order import Change, Order, Status
from authz.policy import Scope, is_name
from authz.principal import USPS
from authz.scope import parse_scope
from authz.strict_table import document

if TYPE_CHECKING:
    from datetime import date

    from authz.strict_table import StrictTable
    from db.catalog import Catalog


def parse_order(catalog: Catalog, name: str, text: str) -> Order:
    """The order that a file says; `name` is the file's, without its ending. Raises OrderInvalid."""
    return order_of(catalog, name, document(text, OrderInvalid))


def order_of(catalog: Catalog, name: str, file: StrictTable) -> Order:
    """The order that a table says. Raises OrderInvalid, or the error of the table."""
    if file.text("name") != name:
        raise file.wrong(f"'name' is not '{name}', as the file is called")
    effective = file.day("effective")
    issued = file.day("issued")
    if issued > effective:
        raise file.wrong("in force before it was issued")
    order = Order(
        name,
        file.text("caption"),
        file.text("court"),
        file.text("docket"),
        issued,
        effective,
        file.text("role"),
        _states(file),
        _history(file, effective),
        MappingProxyType(_population(catalog, file.table("population"))),
        MappingProxyType(_grants(catalog, file)),
    )
    file.done()
    for coordinate in sorted(order.grants):
        anchor = questions.anchor(catalog, coordinate)
        if anchor not in order.population:
            raise file.wrong(f"the population has no meaning on {anchor}, as {coordinate} needs")
    return order


def _states(file: StrictTable) -> tuple[str, ...]:
    states = file.texts("states")
    for state in states:
        if state not in USPS:
            raise file.wrong(unknown("state", state, USPS))
    return tuple(sorted(states))


def _history(file: StrictTable, effective: date) -> tuple[Change, ...]:
    found: list[Change] = []
    known = {status.value: status for status in Status}
    for entry in file.tables("history"):
        status = entry.text("status")
        if status not in known:
            raise entry.wrong(unknown("status", status, known))
        change = Change(entry.instant("at"), known[status])
        entry.done()
        if found and change.at <= found[-1].at:
            raise entry.wrong("not later than the one before")
        if change.status is Status.IN_FORCE and change.at.date() < effective:
            raise entry.wrong("in force before 'effective'")
        found.append(change)
    if not found:
        raise file.wrong("'history' is empty")
    return tuple(found)


def _population(catalog: Catalog, table: StrictTable) -> dict[str, Scope]:
    name = table.text("scope")
    # 'always', or two names with &, would be another condition than the order's.
    if not is_name(name):
        raise table.wrong(f"'{name}' is no name of a row scope: a-z, 0-9 and _")
    anchors = {entity.anchor for entity in catalog.entities.values()}
    found: dict[str, Scope] = {}
    for anchor in (key for key in table.names() if key != "scope"):
        if anchor not in anchors:
            raise table.wrong(unknown("anchor", anchor, anchors))
        text = table.text(anchor)
        try:
            found[anchor] = Scope(name, anchor, text, parse_scope(catalog, anchor, text))
        except ScopeInvalid as error:
            raise table.wrong(f"{anchor}: {error.detail}") from error
    if not found:
        raise table.wrong("no meaning on any anchor")
    return found


def _grants(catalog: Catalog, file: StrictTable) -> dict[str, frozenset[str]]:
    known = questions.coordinates(catalog)
    found: dict[str, frozenset[str]] = {}
    for table in file.tables("grants"):
        actions = table.texts("actions")
        for coordinate in table.texts("on"):
            if coordinate not in known:
                raise table.wrong(unknown("coordinate", coordinate, known))
            if coordinate in found:
                raise table.wrong(f"{coordinate} twice")
            offered = questions.actions(catalog, coordinate)
            for action in actions:
                if action not in offered:
                    raise table.wrong(unknown(f"action of {coordinate}", action, offered))
            found[coordinate] = frozenset(actions)
        table.done()
    if not found:
        raise file.wrong("'grants' is empty")
    return found
