"""What an operation asks for, found out without a record: denials, refusals, conditions.

The operation is executed once by graphql-core over phantoms: every list has one row, every link
leads somewhere, no field has a value. So each selection is visited exactly once, in the order of
the document, whatever the records are.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

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
from db.catalog import Cardinality, Kind
from db.catalog_records import CATALOG
from tests.oracle.authority import Verdict
from tests.oracle.pages import asked_size, binding, named_terms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from db.catalog import Column
    from tests.oracle.asker import Asker
    from tests.oracle.authority import Authority
    from tests.oracle.pages import Cursors
    from tests.oracle.records import Value

ROOTS = {"enrollee": "Enrollee", "enrollees": "Enrollee", "claims": "Claim",
         "providers": "Provider", "plans": "Plan"}  # fmt: skip
LOCAL = {"policy": "Policy", "orders": "Order"}

MOST_ROWS = 60_000
MOST_VALUES = 1_000_000
MOST_TERMS = 5
MOST_CONDITIONS = 500
MOST_ROOTS = 50
MOST_SELECTIONS = 1_000
MOST_DEPTH = 14
MOST_IN_LIST = 1_000


class Refused(Exception):
    """The whole operation is refused: a code and what the client learns besides."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


@dataclass(frozen=True)
class Denial:
    """A selection that is null for the role, on every row."""

    coordinate: str
    path: tuple[str, ...]
    below_list: bool
    location: tuple[int, int]


@dataclass(frozen=True)
class Phantom:
    """Stands for a row, a list or an edge. What is `muted` lies below something denied."""

    entity: str = ""
    rows: int = 1
    limit: int = 1
    muted: bool = False


@dataclass
class Survey:
    """The middleware of the phantom run, and what it found."""

    authority: Authority
    asker: Asker
    cursors: Cursors
    denials: list[Denial] = field(default_factory=list)
    local_denials: list[Denial] = field(default_factory=list)
    conditional: set[str] = field(default_factory=set)
    refusal: Refused | None = None
    records: bool = False
    too_complex: bool = False
    _fields: int = 0
    _roots: int = 0
    _values: int = 0
    _conditions: int = 0

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
        if coordinate in CATALOG.fields or coordinate in CATALOG.links:
            self._weigh(at)
            if not self._selected(coordinate, "read", info):
                return self._phantom(info, Phantom(muted=True))
            if coordinate not in CATALOG.links:
                return None
            link = CATALOG.links[coordinate]
            if link.relation.cardinality is not Cardinality.MANY:
                return Phantom(link.target, at.rows)
            return self._list(link.target, coordinate, at.rows, arguments)
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

    def _selected(self, coordinate: str, action: str, info: GraphQLResolveInfo[Any]) -> bool:
        verdict = self.authority.verdict(self.asker.role, coordinate, action)
        if verdict is Verdict.NONE:
            self._deny(self.denials, coordinate, info)
        elif verdict is Verdict.SOME:
            self.conditional.add(coordinate)
        return verdict is not Verdict.NONE

    def _root(self, info: GraphQLResolveInfo[Any], arguments: dict[str, Any]) -> Value:
        name = info.field_name
        if name in LOCAL:
            shown = (each for each in EXTRA if each.startswith(f"{LOCAL[name]}."))
            if not any(self.authority.shows(self.asker.role, each) for each in shown):
                self._deny(self.local_denials, f"Query.{name}", info)
                return None
        if name not in ROOTS:
            return self._phantom(info, Phantom())
        entity = ROOTS[name]
        if not self.authority.anybody(self.asker.role, entity):
            self._deny(self.denials, f"Query.{name}", info)
            return self._phantom(info, Phantom(muted=True))
        self.records = True
        if name != "enrollee":
            return self._list(entity, f"Query.{name}", 1, arguments)
        self._filter("Enrollee.medicaidId", "eq", arguments["medicaidId"])
        return Phantom(entity)

    # Arguments, in the order in which somebody reads them: filter, order, page, cursors.

    def _list(
        self, entity: str, coordinate: str, rows: int, arguments: Mapping[str, Any]
    ) -> Phantom:
        self._where(entity, arguments.get("where") or {})
        order_by = arguments.get("orderBy") or []
        for term in order_by:
            for field_name, direction in term.items():
                self._sort(f"{entity}.{field_name}", direction)
        if len(named_terms(entity, order_by)) > MOST_TERMS:
            raise Refused(errors.OperationTooComplex.code)
        limit = self.authority.policy.roles[self.asker.role].page_limit
        self._size(arguments, limit)
        bound = binding(self.asker.subject, self.asker.role, coordinate, arguments)
        for argument in ("after", "before"):
            token = arguments.get(argument)
            if isinstance(token, str) and self.cursors.place(token, bound) is None:
                raise Refused(errors.CursorInvalid.code)
        return Phantom(entity, rows, asked_size(arguments, limit))

    def _size(self, arguments: Mapping[str, Any], limit: int) -> None:
        for name in ("first", "last"):
            size = arguments.get(name)
            if size is None:
                continue
            if size < 0:
                raise Refused(errors.ArgumentInvalid.code)
            if size > limit:
                raise Refused(errors.PageTooLarge.code)
        if arguments.get("first") is not None and arguments.get("last") is not None:
            raise Refused(errors.ArgumentInvalid.code)

    def _weigh(self, at: Phantom) -> None:
        """Counts the values that a selection can have when all pages are full."""
        if not at.muted:
            self._values += at.rows
        if self._values > MOST_VALUES:
            raise Refused(errors.OperationTooComplex.code)

    def _condition(self) -> None:
        self._conditions += 1
        if self._conditions > MOST_CONDITIONS:
            raise Refused(errors.OperationTooComplex.code)

    def _where(self, entity: str, where: Value) -> None:
        if where is None:
            raise Refused(errors.ArgumentInvalid.code)
        self._condition()
        for name, asked in where.items():
            coordinate = f"{entity}.{name}"
            if asked is None:
                raise Refused(errors.ArgumentInvalid.code)
            if name == "not":
                self._where(entity, asked)
            elif name in ("and", "or"):
                for part in asked:
                    self._where(entity, part)
            elif coordinate in CATALOG.links:
                self._where(CATALOG.links[coordinate].target, asked)
            else:
                for operator, operand in asked.items():
                    self._condition()
                    self._filter(coordinate, operator, operand)

    def _filter(self, coordinate: str, operator: str, operand: Value) -> None:
        verdict = self.authority.verdict(self.asker.role, coordinate, f"filter:{operator}")
        if verdict is Verdict.NONE:
            raise Refused(
                errors.PositionDenied.code,
                coordinate=coordinate,
                position="filter",
                operator=operator,
            )
        if verdict is Verdict.SOME:
            self.conditional.add(coordinate)
        column = CATALOG.fields[coordinate].column
        several = operator in ("in", "notIn")
        items = operand if several and operand is not None else [operand]
        if (several and len(items) > MOST_IN_LIST) or not all(
            _fits(each, column) for each in items
        ):
            raise Refused(errors.ArgumentInvalid.code)

    def _sort(self, coordinate: str, direction: Value) -> None:
        for action in ("sort", "read"):
            if self.authority.verdict(self.asker.role, coordinate, action) is not Verdict.ALL:
                raise Refused(errors.PositionDenied.code, coordinate=coordinate, position="orderBy")
        if direction is None:
            raise Refused(errors.ArgumentInvalid.code)


def _fits(value: Value, column: Column) -> bool:
    """Whether PostgreSQL has such a value at all."""
    match value:
        case None:
            return False
        case enum.Enum():
            return True
        case Decimal():
            return value.is_finite() and _sized(value)
        case str() if column.kind is Kind.UUID:
            try:
                UUID(value)
            except ValueError:
                return False
            return True
        case str():
            return "\x00" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
        case _:
            return True


def _sized(number: Decimal) -> bool:
    """At most a thousand digits, and none of them further from the point than that."""
    _, digits, exponent = number.as_tuple()
    return len(digits) <= 1_000 and -1_000 <= int(exponent) <= 1_000
