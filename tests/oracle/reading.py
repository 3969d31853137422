"""What an operation gets: graphql-core's execution over rows in memory, Casbin asked at each field.

Runs after the survey, so arguments are in order, and what is denied everywhere is null here without
further words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import GraphQLEnumType, get_named_type

from db.catalog import Cardinality, Kind
from db.catalog_records import CATALOG
from tests.oracle.filters import meets
from tests.oracle.pages import binding, page_of, terms_of
from tests.oracle.seen import Row, Seen
from tests.oracle.survey import LOCAL, ROOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from graphql import GraphQLResolveInfo

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


@dataclass
class Reading:
    """The middleware of the run over records."""

    seen: Seen
    cursors: Cursors
    shared: list[tuple[str, ...]] = field(default_factory=list)
    """Paths of `enrollee` fields whose Medicaid ID several people hold."""

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
        terms = terms_of(entity, arguments.get("orderBy") or [])
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

    def _field(self, row: Row, info: GraphQLResolveInfo[Any], arguments: dict[str, Any]) -> Value:
        coordinate = f"{row.entity}.{info.field_name}"
        if not self.seen.may(coordinate, "read", row):
            return None
        if coordinate in CATALOG.fields:
            return self._shown(coordinate, row, info)
        link = CATALOG.links[coordinate]
        found = self.seen.linked(link, row)
        if link.relation.cardinality is Cardinality.MANY:
            return self._listing(link.target, coordinate, found, arguments)
        return next(found, None)

    def _shown(self, coordinate: str, row: Row, info: GraphQLResolveInfo[Any]) -> Value:
        value = self.seen.value(coordinate, row)
        column = CATALOG.fields[coordinate].column
        type_ = get_named_type(info.return_type)
        if value is None:
            return None
        if isinstance(type_, GraphQLEnumType) and column.codes is not None:
            names = {code.code: code.name for code in column.codes.codes}
            if column.kind is Kind.TEXTS:
                return [type_.values[names[code]].value for code in value]
            return type_.values[names[value]].value
        return str(value) if column.kind is Kind.UUID else value
