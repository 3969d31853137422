"""One page of rows as SQL: limited inside, shown outside. Part of the SQL maker.

A page is read in its order and shown in it, so nothing sorts again where an index gives the order.
Rows are numbered only where the answer says whether there are more; only then is one row more read
than is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from db.predicate import Always, And, Attribute, Compare, Operator
from db.sql.conditions import condition, operand
from db.sql.keyset import order_by, past, term
from db.sql.pieces import Mark, identifier, table, text
from db.sql.rows import Level, Row, joined

if TYPE_CHECKING:
    from collections.abc import Callable

    from db.plan import Rows
    from db.predicate import Predicate
    from db.sql.rows import Names


class Listing:
    """A page: first what is asked of it, and then, when that is known, where it comes from.

    `further`: the answer says whether there are rows past the page. `spare` rows are read beyond
    the limit, and shown. `ordered` is false where no order is shown, of a few rows with one key.
    """

    def __init__(
        self, rows: Rows, names: Names, parent: Row | None, *,
        further: bool = False, spare: int = 0, ordered: bool = True,
    ) -> None:  # fmt: skip
        self.rows = rows
        self.names = names
        self.parent = parent
        self.row = Row(names, rows.table, Level(), _anchor(rows, parent))
        self.aggregated = False
        self._further = further
        self._more = spare + further
        self._keyed = False
        self._in_order = ordered

    @property
    def limit(self) -> str:
        # Placed where it is used: a statement has no parameter that its text does not name.
        return self.names.parameters.place(self.rows.page.limit, "integer")

    def cursor(self, connection: int) -> str:
        """The keyset of the row and the number of its connection, between two marks."""
        return self._sealable(connection, self._keys())

    def collected(self, expression: str) -> str:
        """The expression of every shown row, as a JSON list in the order asked for."""
        self.aggregated = True
        ordered = self._order(backwards=False)
        return f"coalesce(json_agg({expression} order by {ordered}){self._shown()}, '[]'::json)"

    def edge(self, connection: int, *, last: bool) -> str:
        """The cursor of the first or last shown row; null on an empty page.

        Keys are collected as they are read, and one cursor is made of those of one row.
        """
        self.aggregated = True
        count = f"count(*){self._shown()}"
        place = count if last != self.rows.page.backwards else "1"
        ordered = self._order(backwards=self.rows.page.backwards)
        keys = [
            f"(array_agg({key} order by {ordered}){self._shown()})[{place}]" for key in self._keys()
        ]
        return f"case when {count} > 0 then {self._sealable(connection, keys)} end"

    def beyond(self) -> str:
        """Whether there is a row past the page, in the direction of paging."""
        self.aggregated = True
        return f"count(*) > {self.limit}"

    def source(self, besides: Callable[[Row], list[str]] | None = None) -> str:
        """The FROM list; written last, when it is known which columns are asked for.

        `besides` are conditions on a row beside those of the plan's rows.
        """
        joins = self.row.level.text()
        listed = _listed(self.rows, self.parent) if besides is None else None
        read = self._read(besides) if listed is None else self._read_each(*listed)
        if self.parent is None and self._in_order:
            read = self._bounded(read, keyed=self._keyed or listed is not None)
        return f"({read}) {self.row.alias}{joins}"

    def _read(self, besides: Callable[[Row], list[str]] | None) -> str:
        """The rows of the page in the order of reading."""
        inner, conditions = filtered(self.rows, self.names, self.parent, self._scope)
        conditions += besides(inner) if besides is not None else []
        terms = [term(entry, inner) for entry in self.rows.order]
        return self._ordered(inner, conditions, terms, keyed=self._keyed, numbered=self._further)

    def _scope(self, permit: Predicate, row: Row) -> str:
        """A permit as SQL. What a caller filters by is planned for its values (db/sql/steady.py):
        among one value, as most principals have, is then equal to it, and an index that begins with
        the column gives the rows of a page in order."""
        parts = permit.parts if isinstance(permit, And) else (permit,)
        if self.parent is not None or isinstance(self.rows.where, Always):
            return condition(permit, row)
        return " and ".join(
            _one_or_more(part, row) if _among(part) else condition(part, row) for part in parts
        )

    def _read_each(self, leaf: Compare, permit: Predicate) -> str:
        """The same, where the rows are those of several values: a page of each, and one of these.

        An index over value and key gives the rows of one value in order, and never those of two.
        """
        inner = Row(self.names, self.rows.table, Level(), None)
        listed, pages = identifier(self.names.alias()), identifier(self.names.alias())
        values = operand(leaf.operand, f"{leaf.ref.column.kind.value}[]", inner)
        conditions = [f"{inner.column(leaf.ref.column.name)} = {listed}.v"]
        if not isinstance(permit, Always):
            conditions.append(condition(permit, inner.anchor))
        terms = [term(entry, inner) for entry in self.rows.order]
        read = self._ordered(inner, conditions, terms, keyed=True, numbered=False)
        each = self._bounded(read, keyed=True)
        keys = [f"{pages}.k{i}" for i in range(len(terms))]
        ordered = order_by(keys, self.rows.order, backwards=self.rows.page.backwards)
        number = f', row_number() over (order by {ordered}) as "n"' if self._further else ""
        return (
            f"select {pages}.*{number} from (select distinct v from unnest({values}) v) {listed} "
            f"cross join lateral ({each}) {pages} order by {ordered} limit {self._last()}"
        )

    def _ordered(
        self, inner: Row, conditions: list[str], terms: list[str], *, keyed: bool, numbered: bool
    ) -> str:
        page, order, parameters = self.rows.page, self.rows.order, self.names.parameters
        if page.after is not None:
            conditions.append(past(terms, order, page.after, parameters, forwards=True))
        if page.before is not None:
            conditions.append(past(terms, order, page.before, parameters, forwards=False))
        ordered = order_by(terms, order, backwards=page.backwards)
        columns = [inner.column(name) for name in self.row.needed]
        if numbered:
            columns.append(f'row_number() over (order by {ordered}) as "n"')
        if keyed:
            columns += [f"{expression} as k{i}" for i, expression in enumerate(terms)]
        return (
            f"select {', '.join(columns)} from {table(self.rows.table.name)} {inner.alias} "
            f"where {' and '.join(conditions) or 'true'}"
            f"{f' order by {ordered}' if self._in_order else ''} limit {self._last()}"
        )

    def _bounded(self, read: str, *, keyed: bool) -> str:
        """No row less; but of a parameter PostgreSQL would guess that a page is a tenth of all.

        The order is said once more: of what is limited twice PostgreSQL forgets it, and sorts.
        """
        bound, alias = self.rows.page.bound + self._more, identifier(self.names.alias())
        keys = [f"{alias}.k{i}" for i in range(len(self.rows.order))]
        ordered = order_by(keys, self.rows.order, backwards=self.rows.page.backwards)
        again = f" order by {ordered}" if keyed else ""
        return f"select * from ({read}) {alias}{again} limit {bound}"

    def _last(self) -> str:
        return f"{self.limit} + {self._more}" if self._more else self.limit

    def _shown(self) -> str:
        return f' filter (where {self.row.alias}."n" <= {self.limit})' if self._further else ""

    def _keys(self) -> list[str]:
        self._keyed = True
        return [f"{self.row.alias}.k{i}" for i in range(len(self.rows.order))]

    def _order(self, *, backwards: bool) -> str:
        """The order of shown rows, without what is the same in all rows of a parent."""
        relation = self.rows.relation if self.parent is not None else None
        same = {target for _, target in relation.on} if relation is not None else set()
        left = [
            (key, entry)
            for key, entry in zip(self._keys(), self.rows.order, strict=True)
            if entry.through or entry.ref.hop or entry.ref.column.name not in same
        ]
        return order_by([key for key, _ in left], tuple(e for _, e in left), backwards=backwards)

    def _sealable(self, connection: int, keys: list[str]) -> str:
        mark = self.names.parameters.place(Mark(), "text")
        packed = f"encode(convert_to(json_build_array({', '.join(keys)})::text, 'UTF8'), 'hex')"
        return f"({mark} || {text(f'{connection}:')} || {packed} || {mark})"


def _anchor(rows: Rows, parent: Row | None) -> Row | None:
    return None if rows.anchored or parent is None else parent.anchor


def filtered(
    rows: Rows,
    names: Names,
    parent: Row | None,
    scoped: Callable[[Predicate, Row], str] = condition,
) -> tuple[Row, list[str]]:
    """A row of the table and its conditions: the relation, what policy permits, what is asked.

    `scoped` writes what policy permits.
    """
    inner = Row(names, rows.table, Level(), _anchor(rows, parent))
    conditions: list[str] = []
    if rows.relation is not None and parent is not None:
        conditions.append(joined(inner, rows.relation, parent))
    if not isinstance(rows.permit, Always):
        conditions.append(scoped(rows.permit, inner.anchor))
    if not isinstance(rows.where, Always):
        conditions.append(condition(rows.where, inner))
    return inner, conditions


def _listed(rows: Rows, parent: Row | None) -> tuple[Compare, Predicate] | None:
    """The part of a permit that has a column among values of the principal, and the rest of it.

    None for a list that is not in the order of its keys, or of which the caller asks more: then
    another index may lead.
    """
    keys = (*rows.table.veil, *rows.table.key)
    by_key = all(
        o.ref.hop is None and not o.through and o.ref.column.name in keys for o in rows.order
    )
    if parent is not None or not by_key or not isinstance(rows.where, Always):
        return None
    parts = rows.permit.parts if isinstance(rows.permit, And) else (rows.permit,)
    for part in parts:
        if _among(part):
            rest = tuple(other for other in parts if other is not part)
            return part, And(rest) if rest else Always()
    return None


def _one_or_more(leaf: Compare, row: Row) -> str:
    column = row.column(leaf.ref.column.name)
    values = operand(leaf.operand, f"{leaf.ref.column.kind.value}[]", row)
    one = f"cardinality({values}) = 1 and {column} = ({values})[1]"
    return f"(({one}) or (cardinality({values}) <> 1 and {column} = any ({values})))"


def _among(part: Predicate) -> TypeGuard[Compare]:
    return (
        isinstance(part, Compare)
        and part.operator is Operator.IN
        and isinstance(part.operand, Attribute)
        and part.ref.hop is None
        and part.ref.column.function is None
        and isinstance(part.permit, Always)
    )
