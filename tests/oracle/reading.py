"""What an operation gets: graphql-core's execution over rows in memory, Casbin asked at each field.

Runs after the survey, so arguments are in order, and what is denied everywhere is null here without
further words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

from graphql import GraphQLEnumType, get_named_type

from api import errors
from db.catalog import Cardinality, Kind
from db.catalog_records import CATALOG
from tests.oracle.clauses import clause_of, clauses, columns, set_apart, silent, told_apart
from tests.oracle.demands import Refused
from tests.oracle.filters import meets
from tests.oracle.grouping import dimensions
from tests.oracle.pages import binding, page_of, terms_of
from tests.oracle.seen import Row, Seen
from tests.oracle.survey import AGGREGATES, LOCAL, ROOTS
from tests.oracle.tables import MOST_GROUPS, WITHHELD, Numbers, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from graphql import GraphQLResolveInfo

    from db.catalog import Column
    from tests.oracle.pages import Cursors, Page
    from tests.oracle.records import Value


@dataclass(frozen=True)
class Listing:
    """A list of rows: all that the filter left, and the page of them."""

    entity: str
    rows: tuple[Row, ...]
    page: Page


@dataclass(frozen=True)
class Edge:
    """A row of a page."""

    row: Row
    cursor: str


@dataclass(frozen=True)
class Group:
    """A cell of a table, by its place."""

    table: Table
    place: int


@dataclass(frozen=True)
class Key:
    """What a cell is about, at the end of links."""

    group: Group
    steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measures:
    """What is measured of some rows, one way; nothing where they are withheld."""

    numbers: Numbers | None
    what: str


@dataclass
class Reading:
    """The middleware of the run over records.

    `aggregated` is the same asker's sight in aggregates. `told` is the other side's data, for the
    cells that it chose to withhold.
    """

    seen: Seen
    aggregated: Seen
    cursors: Cursors
    told: Value
    shared: list[tuple[str, ...]] = field(default_factory=list)
    """Paths of `enrollee` fields whose Medicaid ID several people hold."""
    faults: list[str] = field(default_factory=list)
    """What is wrong with the choice of cells to withhold."""

    def __call__(
        self,
        resolve: Callable[..., Any],
        source: Value,
        info: GraphQLResolveInfo[Any],
        **arguments: Value,
    ) -> Value:
        name = info.field_name
        if name.startswith("__"):
            return resolve(source, info, **arguments)
        match source:
            case None:
                return self._root(info, arguments)
            case Row():
                return self._field(source, info, arguments)
            case Listing():
                return self._of_listing(source, name)
            case Edge():
                return source.cursor if name == "cursor" else source.row
            case Table():
                return self._of_table(source, name)
            case Group():
                return self._of_group(source, name)
            case Measures():
                return self._measured(source, info)
            case Key():
                return self._of_key(source, info)
            case dict():
                return source[name]
            case _:
                raise TypeError(type(source).__name__)

    def _root(self, info: GraphQLResolveInfo[Any], arguments: dict[str, Any]) -> Value:
        name, seen = info.field_name, self.seen
        if name == "viewer":
            return self._viewer()
        if name in LOCAL:
            return None
        if name in AGGREGATES:
            return self._table(info, arguments)
        entity = ROOTS[name]
        if not seen.authority.anybody(seen.role, entity):
            return None
        if name == "enrollee":
            return self._person(info, arguments["medicaidId"])
        return self._listing(entity, f"Query.{name}", seen.all_of(entity), arguments)

    def _viewer(self) -> dict[str, Any]:
        claims = self.seen.asker.claims
        return {
            "subject": self.seen.asker.subject,
            "actingRole": self.seen.role,
            "roles": [self.seen.role],
            "purpose": claims.get("purpose"),
            "request": claims.get("request"),
            "policyVersion": self.seen.authority.policy.digest,
        }

    def _person(self, info: GraphQLResolveInfo[Any], medicaid_id: str) -> Row | None:
        where = {"medicaidId": {"eq": medicaid_id}}
        found = [row for row in self.seen.all_of("Enrollee") if meets(self.seen, row, where)]
        if len(found) > 1:
            self.shared.append(tuple(str(step) for step in info.path.as_list()))
        return found[0] if len(found) == 1 else None

    def _listing(
        self, entity: str, coordinate: str, rows: Iterable[Row], arguments: Mapping[str, Any]
    ) -> Listing:
        seen = self.seen
        asked = arguments.get("where") or {}
        found = tuple(row for row in rows if meets(seen, row, asked))
        terms = terms_of(entity, arguments.get("orderBy") or [], veiled=seen.veiled)
        limit = seen.authority.policy.roles[seen.role].page_limit
        bound = binding(seen.asker.subject, seen.role, coordinate, arguments)
        page = page_of(seen, found, terms, arguments, limit, self.cursors, bound)
        return Listing(entity, found, page)

    def _of_listing(self, listing: Listing, name: str) -> Value:
        page = listing.page
        match name:
            case "nodes":
                return [row for row, _ in page.rows]
            case "edges":
                return [Edge(row, cursor) for row, cursor in page.rows]
            case "totalCount":
                return self._count(listing)
            case _:
                return {
                    "hasNextPage": page.has_next,
                    "hasPreviousPage": page.has_previous,
                    "startCursor": page.rows[0][1] if page.rows else None,
                    "endCursor": page.rows[-1][1] if page.rows else None,
                }

    def _count(self, listing: Listing) -> int | None:
        seen = self.seen
        counted = CATALOG.entities[listing.entity].counted
        if seen.authority.verdict(seen.role, counted, "aggregate").value == "none":
            return None
        # A row counts where counting is open on it, as a row shows where reading is.
        return sum(seen.may(counted, "aggregate", row) for row in listing.rows)

    def _table(self, info: GraphQLResolveInfo[Any], arguments: Mapping[str, Any]) -> Table | None:
        seen, entity = self.aggregated, AGGREGATES[info.field_name]
        if not seen.authority.anybody(seen.role, entity, "aggregate"):
            return None
        where = arguments.get("where") or {}
        smallest = seen.authority.smallest_cell(seen.role)
        if smallest:
            whole = clause_of(entity, where)
            by = dimensions(entity, arguments.get("groupBy") or [])
            cells = Table(seen, entity, by, tuple(seen.all_of(entity)), smallest).cells.values()
            apart = [
                set_apart(seen, cells, whole, clause, instead) for clause, instead in clauses(whole)
            ]
            apart += [
                told_apart(seen, cells, whole, silent(whole, frozenset(pair)))
                for pair in combinations_with_replacement(sorted(set(columns(whole))), 2)
            ]
            if any(0 < people < smallest for found in apart for people in found):
                raise Refused("FW125")
        rows = tuple(row for row in seen.all_of(entity) if meets(seen, row, where))
        named = dimensions(entity, arguments.get("groupBy") or [])
        table = Table(seen, entity, named, rows, smallest)
        if named and len(table.keys) > MOST_GROUPS:
            raise Refused(errors.OperationTooComplex.code)
        if named:
            table.chosen = self._chosen(info.path.as_list())
        if table.chosen is not None:
            self.faults += table.faults(table.chosen)
        return table

    def _chosen(self, path: list[str | int]) -> frozenset[int] | None:
        """The places of the groups that the other side withholds, where it was asked."""
        at = self.told
        for step in path:
            at = at.get(step) if isinstance(at, dict) else None
        for groups in at.values() if isinstance(at, dict) else ():
            if isinstance(groups, list) and all(WITHHELD in group for group in groups):
                return frozenset(n for n, group in enumerate(groups) if group[WITHHELD])
        return None

    def _of_table(self, table: Table, name: str) -> Value:
        match name:
            case "suppressed":
                return bool(table.withheld)
            case "groups":
                places = range(len(table.keys)) if table.dimensions else ()
                return [Group(table, place) for place in places]
            case _:
                return self._number(None if table.all_withheld else table.whole, name)

    def _of_group(self, group: Group, name: str) -> Value:
        withheld = group.place in group.table.withheld
        match name:
            case "suppressed":
                return withheld
            case "key":
                return Key(group)
            case _:
                return self._number(None if withheld else group.table.of(group.place), name)

    def _number(self, numbers: Numbers | None, name: str) -> Value:
        if name != "count":
            return Measures(numbers, name)
        return None if numbers is None else numbers.count

    def _measured(self, measures: Measures, info: GraphQLResolveInfo[Any]) -> Value:
        if measures.numbers is None:
            return None
        return measures.numbers.measure(measures.what, info.field_name)

    def _of_key(self, key: Key, info: GraphQLResolveInfo[Any]) -> Value:
        steps, table = (*key.steps, info.field_name), key.group.table
        for number, dimension in enumerate(table.dimensions):
            if dimension.path == steps:
                value = table.keys[key.group.place][number]
                return _shown(value, dimension.field.column, info)
        return Key(key.group, steps)

    def _field(self, row: Row, info: GraphQLResolveInfo[Any], arguments: dict[str, Any]) -> Value:
        coordinate = f"{row.entity}.{info.field_name}"
        if not self.seen.may(coordinate, "read", row):
            return None
        if coordinate in CATALOG.fields:
            return _shown(self.seen.value(coordinate, row), CATALOG.fields[coordinate].column, info)
        link = CATALOG.links[coordinate]
        found = self.seen.linked(link, row)
        if link.relation.cardinality is Cardinality.MANY:
            return self._listing(link.target, coordinate, found, arguments)
        return next(found, None)


def _shown(value: Value, column: Column, info: GraphQLResolveInfo[Any]) -> Value:
    """A stored value, as the schema's own types take it."""
    type_ = get_named_type(info.return_type)
    if value is None:
        return None
    if isinstance(type_, GraphQLEnumType) and column.codes is not None:
        names = {code.code: code.name for code in column.codes.codes}
        if column.kind is Kind.TEXTS:
            return [type_.values[names[code]].value for code in value]
        return type_.values[names[value]].value
    return str(value) if column.kind is Kind.UUID else value
