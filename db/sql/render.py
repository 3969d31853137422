"""Plan → statement. Knows the catalog; knows nothing of GraphQL, roles or sockets.

Pure and deterministic: equal plans are equal text. One statement answers an operation with one row:
for each root a column of JSON that PostgreSQL built, and for a root that names one row the number
of rows it found. Sizes: a page is limited before anything below it is computed, so that a row that
is not shown costs its key and no more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from db.guard import HEAD, STALE_POLICY, VERSION
from db.plan import (
    Connection,
    Constant,
    Count,
    Cursor,
    Edges,
    Node,
    Nodes,
    Nothing,
    Object,
    PageFact,
    PageInfo,
    Reach,
    Single,
    Summary,
    Value,
)
from db.predicate import Always, Compare, Slot
from db.sql.conditions import condition, operand, output
from db.sql.listing import Listing, filtered
from db.sql.pieces import Statement, Version, identifier, json_object, table, text
from db.sql.reach import people
from db.sql.rows import Level, Names, Row
from db.sql.steady import steady
from db.sql.summary import summary

if TYPE_CHECKING:
    from db.plan import Key, Member, Output, Plan
    from db.predicate import Predicate


def render(plan: Plan) -> Statement:
    """The statement of a plan. Columns are named r0, r1, … and, for single rows, n0, n1, …"""
    names = Names()
    version = names.parameters.place(Version(), "bigint")
    columns: list[str] = []
    singles: list[str] = []
    found: dict[int, str] = {}
    for index, root in enumerate(plan.roots):
        match root:
            case Connection():
                columns.append(_connection(root, names, None))
            case Single():
                singles.append(f"{_single(root, names)} s{index}")
                columns.append(f"s{index}.shown")
                found[index] = f", s{index}.found as n{index}"
            case Summary():
                columns.append(summary(root, names))
            case Reach():
                columns.append(people(root, names))
            case _:
                assert_never(root)
    # INVARIANT: there is exactly one row, since what is selected from are aggregates, and so the
    # guard is asked exactly once. What it raises ends the statement: one column says it for all.
    columns[:1] = [_guarded(column, version) for column in columns[:1]]
    shown = [f"{column} as r{index}{found.get(index, '')}" for index, column in enumerate(columns)]
    source = f" from {', '.join(singles)}" if singles else ""
    return Statement(
        f"select {', '.join(shown)}{source}",
        names.parameters.sources,
        frozenset(names.columns),
        steady(plan),
    )


def _guarded(column: str, version: str) -> str:
    """A column, where the version of the statement is the head. Without a head the comparison is
    null, which is not true either. A statement depends on no search path, so neither does `=`."""
    head = f"(select h.{identifier(VERSION)} from {table(HEAD)} h)"
    fresh = f"{head} operator(pg_catalog.=) {version}"
    return f"case when {fresh} then {column} else {table(STALE_POLICY)}({version}) end"


def _single(single: Single, names: Names) -> str:
    """The row that has a key, found so that a key which no row has takes as long as a hidden row's.

    The page holds the rows of the nearest key that there is, and permits are asked of these; that
    it is the key asked for is asked behind the page's limit, and not below it, where PostgreSQL
    would ask it first and leave out the rest. docs/equal-answers.md has the measurements.
    """
    leaf = single.rows.where
    assert isinstance(leaf, Compare)  # noqa: S101 - a plan names a single row by one key
    # One row more than the page: two people may have the key, and neither is shown.
    page = Listing(replace(single.rows, where=Always()), names, None, spare=1, ordered=False)
    body = _object(single.body, page.row)
    shown = f"case when count(*) = 1 then (array_agg({body}))[1] end"
    key = leaf.ref.column.name
    asked = operand(leaf.operand, leaf.ref.column.kind.value, page.row)

    def nearest(inner: Row) -> list[str]:
        """Of the keys that there are, the first not below the one asked for, or the last."""
        other = Row(names, inner.table, Level(), None)
        rows = f"select {other.column(key)} from {table(inner.table.name)} {other.alias}"
        above = f"{rows} where {other.column(key)} >= {asked} order by 1 limit 1"
        last = f"{rows} order by 1 desc limit 1"
        found = f"(select coalesce(({above}), ({last})))"
        return [f"{inner.column(key)} = {found}", condition(leaf.permit, inner.anchor)]

    page.row.column(key)
    source = page.source(nearest)
    return (
        f"(select count(*) as found, {shown} as shown from {source} "
        f"where {page.row.column(key)} = {asked})"
    )


def _connection(connection: Connection, names: Names, parent: Row | None) -> str:
    page = Listing(connection.rows, names, parent, further=_further(connection))
    pairs = [
        (_key(member.key, names), _member(member, page, parent)) for member in connection.members
    ]
    built = json_object(pairs)
    if not page.aggregated:
        return built
    return f"(select {built} from {page.source()})"


def _further(connection: Connection) -> bool:
    """Whether the answer says that there are rows past the page, in the direction of paging."""
    said = PageFact.HAS_PREVIOUS if connection.rows.page.backwards else PageFact.HAS_NEXT
    return any(
        isinstance(fact, tuple) and fact[1] is said
        for member in connection.members
        if isinstance(member, PageInfo)
        for fact in member.facts
    )


def _member(member: Member, page: Listing, parent: Row | None) -> str:
    names = page.names
    match member:
        case Constant(_, constant):
            return text(constant)
        case Nothing():
            return "null::text"
        case Nodes(_, body):
            return page.collected(_object(body, page.row))
        case Edges(_, parts):
            pairs: list[tuple[str, str]] = []
            for part in parts:
                match part:
                    case Cursor(key, connection):
                        pairs.append((_key(key, names), page.cursor(connection)))
                    case Node(key, body):
                        pairs.append((_key(key, names), _object(body, page.row)))
                    case Constant(key, constant):
                        pairs.append((_key(key, names), text(constant)))
                    case _:
                        assert_never(part)
            return page.collected(json_object(pairs))
        case PageInfo(_, facts):
            return json_object([_fact(fact, page) for fact in facts])
        case Count(_, permit):
            inner, conditions = filtered(page.rows, names, parent)
            if not isinstance(permit, Always):
                conditions.append(condition(permit, inner.anchor))
            return (
                f"(select count(*) from {table(page.rows.table.name)} {inner.alias} "
                f"where {' and '.join(conditions) or 'true'})"
            )
        case _:
            assert_never(member)


def _fact(fact: tuple[Key, PageFact, int] | Constant, page: Listing) -> tuple[str, str]:
    names = page.names
    if isinstance(fact, Constant):
        return _key(fact.key, names), text(fact.text)
    key, asked, connection = fact
    bounds = page.rows.page
    match asked:
        case PageFact.START:
            return _key(key, names), page.edge(connection, last=False)
        case PageFact.END:
            return _key(key, names), page.edge(connection, last=True)
        case PageFact.HAS_NEXT:
            shown = _true(bounds.before is not None) if bounds.backwards else page.beyond()
            return _key(key, names), shown
        case PageFact.HAS_PREVIOUS:
            shown = page.beyond() if bounds.backwards else _true(bounds.after is not None)
            return _key(key, names), shown
        case _:
            assert_never(asked)


def _true(fact: bool) -> str:
    return "true" if fact else "false"


def _object(body: tuple[Output, ...], row: Row) -> str:
    return json_object([(_key(item.key, row.names), _output(item, row)) for item in body])


def _output(item: Output, row: Row) -> str:
    match item:
        case Constant(_, constant):
            return text(constant)
        case Nothing():
            return "null::text"
        case Value(_, ref, permit):
            source = row
            if ref.hop is not None:
                source = row.hop(ref.hop, Always(), anchored=False, where=lambda _: None)
            return _where(permit, row.anchor, output(ref.column, source))
        case Object(_, relation, body, permit, scope, anchored):
            target = row.hop(
                relation, scope, anchored=anchored,
                where=lambda inner: None if isinstance(scope, Always) else condition(scope, inner),
            )  # fmt: skip
            found = f"{target.column(relation.target.key[0])} is not null"
            shown = f"case when {found} then {_object(body, target)} end"
            return _where(permit, row.anchor, shown)
        case Connection():
            return _where(item.permit, row.anchor, _connection(item, row.names, row))
        case _:
            assert_never(item)


def _where(permit: Predicate, anchor: Row, shown: str) -> str:
    if isinstance(permit, Always):
        return shown
    return f"case when {condition(permit, anchor)} then {shown} end"


def _key(key: Key, names: Names) -> str:
    return names.parameters.place(key, "text") if isinstance(key, Slot) else text(key)
