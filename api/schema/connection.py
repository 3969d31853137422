"""Relay connections: types, arguments, and the fields that lead to them.

https://relay.dev/graphql/connections.htm. `nodes` is added beside `edges` for clients that page
without cursors of single rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from api.errors import OnePath
from api.guard import Guard, Opens, guarded_by, record, shape
from api.schema.filters import order, where
from db.catalog import Cardinality
from db.catalog_records import CATALOG

if TYPE_CHECKING:
    from collections.abc import Callable

MODULES = {
    "Enrollee": "enrollee",
    "HomeAddress": "address",
    "MailingAddress": "address",
    "EligibilitySpan": "span",
    "EnrollmentSpan": "span",
    "ManagedCareSpan": "span",
    "RaceDeclaration": "span",
    "EthnicityDeclaration": "span",
    "Disability": "span",
    "ImmigrationDetermination": "span",
    "Claim": "claim",
    "ClaimDiagnosis": "claim",
    "ClaimLine": "claim",
    "Provider": "provider",
    "Plan": "plan",
}
"""Entity → the module that declares its types, for references that go round in a circle."""


def reference(entity: str, suffix: str = "") -> Any:
    """The type of an entity (or its connection), looked up when the schema is built."""
    return Annotated[entity + suffix, strawberry.lazy(f"api.schema.{MODULES[entity]}")]


@record("PageInfo", "Where a page stands among all rows.")
class PageInfo:
    """Facts about a page."""

    has_next_page: Any = shape(bool, "Whether rows follow this page.", "hasNextPage")
    has_previous_page: Any = shape(bool, "Whether rows precede this page.", "hasPreviousPage")
    start_cursor: Any = shape(str | None, "Cursor of the first row of the page.", "startCursor")
    end_cursor: Any = shape(str | None, "Cursor of the last row of the page.", "endCursor")


def connection(entity: str) -> tuple[Any, Any]:
    """The edge type and the connection type of an entity."""
    node = reference(entity)
    edge: Any = record(f"{entity}Edge", f"One row of a page of {entity}.")(
        _class(
            f"{entity}Edge",
            cursor=shape(str, "Place of this row in this order, for `after` and `before`."),
            node=shape(node, "The row."),
        )
    )
    counted = guarded_by(
        Guard(Opens.AGGREGATE, CATALOG.entities[entity].counted), name="totalCount",
        graphql_type=int | None, description="Rows on all pages together.", default=None,
    )  # fmt: skip
    whole: Any = record(f"{entity}Connection", f"A page of {entity}.")(
        _class(
            f"{entity}Connection",
            nodes=shape(list[node], "The rows of the page."),  # type: ignore[valid-type]
            edges=shape(list[edge], "The rows of the page, each with its cursor."),
            page_info=shape(PageInfo, "Where the page stands.", "pageInfo"),
            total_count=counted,
        )
    )
    return edge, whole


def _class(name: str, **fields: Any) -> type:
    return type(name, (), {"__annotations__": dict.fromkeys(fields, Any), **fields})


def linked(coordinate: str) -> Any:
    """A field that leads to another entity: to one row, or to a connection with arguments."""
    link = CATALOG.links[coordinate]
    guard = Guard(Opens.READ, coordinate)
    if link.relation.cardinality is Cardinality.MANY:
        return guarded_by(
            guard, name=link.name, description=link.about,
            resolver=listing(link.target), graphql_type=reference(link.target, "Connection") | None,
        )  # fmt: skip
    return guarded_by(
        guard, name=link.name, description=link.about, default=None,
        graphql_type=reference(link.target) | None,
    )  # fmt: skip


def _argument(about: str, name: str | None = None) -> Any:
    return strawberry.argument(description=about, name=name)


def listing(entity: str) -> Callable[..., Any]:
    """A resolver that declares the arguments of a list and is never run: records have one path."""
    filters: Any = where(entity)
    terms: Any = order(entity)

    def rows(
        first: Annotated[
            int | None, _argument("At most so many rows from the beginning.")
        ] = strawberry.UNSET,
        after: Annotated[str | None, _argument("Only rows after this cursor.")] = strawberry.UNSET,
        last: Annotated[
            int | None, _argument("At most so many rows from the end.")
        ] = strawberry.UNSET,
        before: Annotated[
            str | None, _argument("Only rows before this cursor.")
        ] = strawberry.UNSET,
        where: Any = strawberry.UNSET,
        order_by: Any = strawberry.UNSET,
    ) -> Any:
        raise OnePath

    rows.__annotations__ |= {
        "where": Annotated[filters | None, _argument("Only rows that meet this.")],
        "order_by": Annotated[
            list[terms] | None, _argument("Terms of the order, first term first.", "orderBy")
        ],
    }
    return rows
