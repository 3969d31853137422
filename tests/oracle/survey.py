"""What an operation asks for, found out without a record: denials, refusals, conditions.

The operation is executed once by graphql-core over phantoms: every list has one row, every link
leads somewhere, no field has a value. So each selection is visited exactly once, in the order of
the document, whatever the records are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLBoolean,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    get_location,
    get_nullable_type,
)

from api import errors
from authz.policy_coordinates import EXTRA
from db.catalog import Cardinality
from db.catalog_records import CATALOG
from tests.oracle.authority import Verdict
from tests.oracle.demands import Demands, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.oracle.asker import Asker
    from tests.oracle.authority import Authority
    from tests.oracle.grouping import Dimension
    from tests.oracle.records import Value

ROOTS = {"enrollee": "Enrollee", "enrollees": "Enrollee", "claims": "Claim",
         "providers": "Provider", "plans": "Plan"}  # fmt: skip
AGGREGATES = {"enrolleesAggregate": "Enrollee", "claimsAggregate": "Claim"}
LOCAL = {"policy": "Policy", "orders": "Order"}

MOST_ROWS = 60_000
MOST_VALUES = 1_000_000
MOST_ROOTS = 50
MOST_SELECTIONS = 1_000
MOST_DEPTH = 14


@dataclass(frozen=True)
class Denial:
    """A selection that is null for the role, on every row."""

    coordinate: str
    path: tuple[str, ...]
    below_list: bool
    location: tuple[int, int]


@dataclass(frozen=True)
class Phantom:
    """Stands for a row, a list or an edge. What is `muted` lies below something denied.

    In an aggregate there are `dimensions`, and it stands for the whole, a group, a `part` of these,
    or, in a key, for what lies at the end of `steps`.
    """

    entity: str = ""
    rows: int = 1
    limit: int = 1
    muted: bool = False
    dimensions: tuple[Dimension, ...] | None = None
    part: str = ""
    steps: tuple[str, ...] = ()


@dataclass
class Survey:
    """The middleware of the phantom run, and what it found."""

    authority: Authority
    asker: Asker
    demands: Demands
    denials: list[Denial] = field(default_factory=list)
    local_denials: list[Denial] = field(default_factory=list)
    refusal: Refused | None = None
    records: bool = False
    too_complex: bool = False
    _fields: int = 0
    _roots: int = 0
    _values: int = 0

    def __call__(
        self,
        resolve: Callable[..., Any],
        source: Value,
        info: GraphQLResolveInfo[Any],
        **arguments: Value,
    ) -> Value:
        self._fields += 1
        path = tuple(step for step in info.path.as_list() if isinstance(step, str))
        self._roots += len(path) == 1
        if self._fields > MOST_SELECTIONS or self._roots > MOST_ROOTS or len(path) > MOST_DEPTH:
            self.too_complex = True
        try:
            if info.field_name.startswith("__"):
                if isinstance(source, Phantom) and info.parent_type.name in CATALOG.entities:
                    self._weigh(source)
                return resolve(source, info, **arguments)
            return self._visit(source or Phantom(), info, arguments)
        except Refused as refused:
            self.refusal = self.refusal or refused
            return self._phantom(info, Phantom(muted=True))

    def _visit(
        self, at: Phantom, info: GraphQLResolveInfo[Any], arguments: dict[str, Any]
    ) -> Value:
        type_, name = info.parent_type.name, info.field_name
        coordinate = f"{type_}.{name}"
        if at.muted:
            return self._phantom(info, at)
        if type_ == "Query":
            return self._root(info, arguments)
        if at.dimensions is not None:
            return self._of_aggregate(at, info)
        if coordinate in CATALOG.fields or coordinate in CATALOG.links:
            self._weigh(at)
            if not self._selected(coordinate, "read", info):
                return self._phantom(info, Phantom(muted=True))
            if coordinate not in CATALOG.links:
                return None
            link = CATALOG.links[coordinate]
            if link.relation.cardinality is not Cardinality.MANY:
                return Phantom(link.target, at.rows)
            size = self.demands.of_list(link.target, coordinate, arguments)
            return Phantom(link.target, at.rows, size)
        if coordinate in EXTRA:
            if not self.authority.shows(self.asker.role, coordinate):
                self._deny(self.local_denials, coordinate, info)
                return None
            return self._phantom(info, at)
        match name:
            case "nodes" | "edges":
                if at.rows * max(at.limit, 1) > MOST_ROWS:
                    raise Refused(errors.OperationTooComplex.code)
                return [Phantom(at.entity, at.rows * max(at.limit, 1))]
            case "totalCount":
                self._selected(CATALOG.entities[at.entity].counted, "aggregate", info)
                return None
            case _:
                return self._phantom(info, at)

    def _of_aggregate(self, at: Phantom, info: GraphQLResolveInfo[Any]) -> Value:
        name = info.field_name
        if at.part == "key":
            steps = (*at.steps, name)
            assert at.dimensions is not None
            if not any(each.path[: len(steps)] == steps for each in at.dimensions):
                raise Refused(errors.ArgumentInvalid.code)
            return self._phantom(info, replace(at, steps=steps))
        if at.part or name == "count":
            entity = CATALOG.entities[at.entity]
            coordinate = f"{at.entity}.{name}" if at.part else entity.tally
            self._selected(coordinate, "aggregate", info, by="aggregate")
            return None
        return self._phantom(info, at if name == "groups" else replace(at, part=name))

    def _phantom(self, info: GraphQLResolveInfo[Any], at: Phantom) -> Value:
        """Something of the type of a field that says nothing."""
        type_ = get_nullable_type(info.return_type)
        if isinstance(type_, GraphQLObjectType):
            return at
        if isinstance(type_, GraphQLList):
            inner = get_nullable_type(type_.of_type)
            return [at] if isinstance(inner, GraphQLObjectType) else []
        if not isinstance(info.return_type, GraphQLNonNull):
            return None
        return False if type_ is GraphQLBoolean else ""

    def _deny(self, into: list[Denial], coordinate: str, info: GraphQLResolveInfo[Any]) -> None:
        steps = info.path.as_list()
        path = tuple(step for step in steps if isinstance(step, str))
        node = info.field_nodes[0]
        assert node.loc is not None
        place = get_location(node.loc.source, node.loc.start)
        into.append(Denial(coordinate, path, len(path) < len(steps), (place.line, place.column)))

    def _selected(
        self, coordinate: str, action: str, info: GraphQLResolveInfo[Any], by: str = "read"
    ) -> bool:
        verdict = self.authority.verdict(self.asker.role, coordinate, action, by)
        if verdict is Verdict.NONE:
            self._deny(self.denials, coordinate, info)
        elif verdict is Verdict.SOME:
            self.demands.conditional.add(coordinate)
        return verdict is not Verdict.NONE

    def _root(self, info: GraphQLResolveInfo[Any], arguments: dict[str, Any]) -> Value:
        name = info.field_name
        if name in LOCAL:
            shown = (each for each in EXTRA if each.startswith(f"{LOCAL[name]}."))
            if not any(self.authority.shows(self.asker.role, each) for each in shown):
                self._deny(self.local_denials, f"Query.{name}", info)
                return None
        if name not in ROOTS and name not in AGGREGATES:
            return self._phantom(info, Phantom())
        by = "aggregate" if name in AGGREGATES else "read"
        entity = (AGGREGATES | ROOTS)[name]
        if not self.authority.anybody(self.asker.role, entity, by):
            self._deny(self.denials, f"Query.{name}", info)
            return self._phantom(info, Phantom(muted=True))
        self.records = True
        if name in AGGREGATES:
            return Phantom(entity, dimensions=self.demands.of_aggregate(entity, arguments))
        if name != "enrollee":
            size = self.demands.of_list(entity, f"Query.{name}", arguments)
            return Phantom(entity, 1, size)
        self.demands.of_filter("Enrollee.medicaidId", "eq", arguments["medicaidId"])
        return Phantom(entity)

    def _weigh(self, at: Phantom) -> None:
        """Counts the values that a selection can have when all pages are full."""
        if not at.muted:
            self._values += at.rows
        if self._values > MOST_VALUES:
            raise Refused(errors.OperationTooComplex.code)
