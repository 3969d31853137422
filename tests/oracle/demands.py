"""What arguments ask for, judged without a record: may the role, and can it be at all.

Raises Refused for the first thing that is wrong, in the order in which a planner would read.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from api import errors
from db.catalog import Cardinality, Kind
from db.catalog_records import CATALOG
from tests.oracle.authority import Verdict
from tests.oracle.clauses import clause_of, clauses, columns
from tests.oracle.filters import action_of
from tests.oracle.grouping import dimensions
from tests.oracle.pages import asked_size, binding, named_terms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.catalog import Column
    from tests.oracle.asker import Asker
    from tests.oracle.authority import Authority
    from tests.oracle.grouping import Dimension
    from tests.oracle.pages import Cursors
    from tests.oracle.records import Value

MOST_TERMS = 5
MOST_CONDITIONS = 500
MOST_IN_LIST = 1_000
MOST_STEPS = 5
MOST_DIMENSIONS = 4
MOST_CLAUSES = 20
MOST_COLUMNS = 6


class Refused(Exception):
    """The whole operation is refused: a code and what the client learns besides."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


@dataclass
class Demands:
    """The arguments of one operation. `conditional` grows by what filters read on some rows."""

    authority: Authority
    asker: Asker
    cursors: Cursors
    conditional: set[str] = field(default_factory=set)
    _conditions: int = 0
    _steps: int = 0
    _lookups: int = 0
    _aggregates: int = 0
    _by: str = "read"
    """The action that makes a row exist: in an aggregate, another than in a list."""

    @property
    def smallest(self) -> int:
        """The fewest people that a number in an aggregate may be about."""
        return self.authority.smallest_cell(self.asker.role)

    def of_aggregate(self, entity: str, arguments: Mapping[str, Any]) -> tuple[Dimension, ...]:
        """The dimensions, when all is in order: filter and groups, as read."""
        where = arguments.get("where") or {}
        self._by = "aggregate"
        self._aggregates += 1
        if self.smallest and self._aggregates > 1:
            raise Refused(errors.OperationTooComplex.code)
        self._where(entity, where)
        clause = clause_of(entity, where)
        if self.smallest and (
            len(list(clauses(clause))) > MOST_CLAUSES or len(set(columns(clause))) > MOST_COLUMNS
        ):
            raise Refused(errors.OperationTooComplex.code)
        group_by = arguments.get("groupBy") or []
        for asked in group_by:
            self._dimension(entity, asked)
        self._by = "read"
        found = dimensions(entity, group_by)
        if len(found) > MOST_DIMENSIONS:
            raise Refused(errors.OperationTooComplex.code)
        if len({each.path for each in found}) < len(found):
            raise Refused(errors.ArgumentInvalid.code)
        return found

    def _dimension(self, entity: str, asked: Value) -> None:
        if asked is None:
            raise Refused(errors.ArgumentInvalid.code)
        ((name, inner),) = asked.items()
        coordinate = f"{entity}.{name}"
        verdict = self.verdict(coordinate, "aggregate")
        if verdict is Verdict.NONE:
            raise _not_grouped(coordinate)
        if verdict is Verdict.SOME:
            self.conditional.add(coordinate)
        if coordinate in CATALOG.links:
            self._dimension(CATALOG.links[coordinate].target, inner)
            return
        if inner is None:
            raise Refused(errors.ArgumentInvalid.code)
        column = CATALOG.fields[coordinate].column
        coarse = inner.name != "DAY" if column.kind is Kind.DATE else column.coarse
        if self.smallest and not coarse:
            raise _not_grouped(coordinate)

    def verdict(self, coordinate: str, action: str) -> Verdict:
        """How an action on a coordinate stands, on the rows that exist here."""
        return self.authority.verdict(self.asker.role, coordinate, action, self._by)

    def of_list(self, entity: str, coordinate: str, arguments: Mapping[str, Any]) -> int:
        """The size of the page, when all is in order: filter, order, page and cursors, as read."""
        self._where(entity, arguments.get("where") or {})
        order_by = arguments.get("orderBy") or []
        for term in order_by:
            self._term(entity, term)
        if len(named_terms(entity, order_by)) > MOST_TERMS:
            raise Refused(errors.OperationTooComplex.code)
        limit = self.authority.policy.roles[self.asker.role].page_limit
        self._size(arguments, limit)
        bound = binding(self.asker.subject, self.asker.role, coordinate, arguments)
        for argument in ("after", "before"):
            token = arguments.get(argument)
            if isinstance(token, str) and self.cursors.place(token, bound) is None:
                raise Refused(errors.CursorInvalid.code)
        return asked_size(arguments, limit)

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

    def _condition(self) -> None:
        self._conditions += 1
        if self._conditions > MOST_CONDITIONS:
            raise Refused(errors.OperationTooComplex.code)

    def _where(self, entity: str, where: Value, denied: bool = False) -> None:
        if where is None:
            raise Refused(errors.ArgumentInvalid.code)
        self._condition()
        for name, asked in where.items():
            coordinate = f"{entity}.{name}"
            if asked is None:
                raise Refused(errors.ArgumentInvalid.code)
            if name == "not":
                self._where(entity, asked, not denied)
            elif name in ("and", "or"):
                for part in asked:
                    self._where(entity, part, denied)
            elif coordinate in CATALOG.links:
                self._link(coordinate, asked, denied)
            else:
                for operator, operand in asked.items():
                    self._condition()
                    self.of_filter(coordinate, operator, operand, denied)

    def _link(self, coordinate: str, asked: Mapping[str, Any], denied: bool) -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise Refused(errors.OperationTooComplex.code)
        self._permitted(coordinate, "filter", {})
        link = CATALOG.links[coordinate]
        many = link.relation.cardinality is Cardinality.MANY
        for inner in asked.values() if many else (asked,):
            self._where(link.target, inner, denied and not many)
        self._steps -= 1

    def _permitted(self, coordinate: str, action: str, facts: Mapping[str, object]) -> None:
        verdict = self.verdict(coordinate, action)
        fine = self._by == "aggregate" and self.smallest and coordinate in CATALOG.fields
        if verdict is Verdict.NONE or (fine and not CATALOG.fields[coordinate].column.coarse):
            raise Refused(
                errors.PositionDenied.code, coordinate=coordinate, position="filter", **facts
            )
        if verdict is Verdict.SOME:
            self.conditional.add(coordinate)

    def of_filter(
        self, coordinate: str, operator: str, operand: Value, denied: bool = False
    ) -> None:
        """One operator on one coordinate."""
        action = action_of(coordinate, operator, denied=denied)
        self._permitted(coordinate, action, {"operator": operator})
        column = CATALOG.fields[coordinate].column
        if column.lookup and self.verdict(coordinate, "read") is Verdict.NONE:
            self._lookups += 1
            if self._lookups > 1:
                raise Refused(errors.OperationTooComplex.code)
        several = operator in ("in", "notIn")
        items = operand if several and operand is not None else [operand]
        if (several and len(items) > MOST_IN_LIST) or not all(
            _fits(each, column) for each in items
        ):
            raise Refused(errors.ArgumentInvalid.code)

    def _term(self, entity: str, term: Value) -> None:
        """A term of an order: each link and the field, from the row at hand on."""
        if term is None:
            raise Refused(errors.ArgumentInvalid.code)
        ((name, inner),) = term.items()
        coordinate = f"{entity}.{name}"
        for action in ("sort", "read"):
            if self.authority.verdict(self.asker.role, coordinate, action) is not Verdict.ALL:
                raise Refused(errors.PositionDenied.code, coordinate=coordinate, position="orderBy")
        if coordinate in CATALOG.links:
            self._term(CATALOG.links[coordinate].target, inner)
        elif inner is None:
            raise Refused(errors.ArgumentInvalid.code)


def _not_grouped(coordinate: str) -> Refused:
    return Refused(errors.PositionDenied.code, coordinate=coordinate, position="groupBy")


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
