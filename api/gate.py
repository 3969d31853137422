"""The gate: the one way for a coordinate into a plan, with the action that it is used for.

Pure. Knows decisions and places of a document; knows nothing of values, plans or SQL.

INVARIANT: no other module of this room makes a `Ref` or takes a relation off a link, so what is
not handed out here is in no plan. `tests/architecture/test_gate.py` holds it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from api.demand import Demand, Use
from api.errors import OperationTooComplex, PositionDenied
from authz.decision import Action, Allow, AllowWhere, Deny
from db.catalog import Kind
from db.catalog_records import CATALOG
from db.predicate import COMPLEMENT, Always, Never, Predicate, Ref, both, either, operators

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.operation import Selected
    from authz.decision import Decision, DecisionSet
    from db.catalog import Entity, Relation
    from db.predicate import Operator

Scopes: TypeAlias = "Callable[[str], Predicate]"
"""Anchor entity → the rows of it that exist."""

Permits: TypeAlias = "dict[tuple[str, str, str], Predicate | None]"
"""For lists or aggregates (`read`, `aggregate`), by coordinate and action: the rows on which it is
open, None for none."""

MOST_ROWS = 60_000
"""Rows that the pages of one operation may hold when all are full."""


@dataclass(frozen=True, slots=True)
class Denial:
    """One selection that is denied: what it is, and where the document asks for it."""

    coordinate: str
    path: tuple[str, ...]
    below_list: bool
    location: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the document: response keys from the root, whether a list lies between."""

    path: tuple[str, ...]
    below_list: bool
    location: tuple[int, int]
    rows: int = 1

    def below(self, selected: Selected, *, listed: bool = False, rows: int = 1) -> Place:
        """The place of a selection below this one, once per row of a list when `listed`."""
        product = at_most(MOST_ROWS, self.rows * max(rows, 1))
        return Place(
            (*self.path, selected.key), self.below_list or listed, selected.location, product
        )


def at_most(most: int, count: int) -> int:
    """The count. OperationTooComplex when it is more than the most."""
    if count > most:
        raise OperationTooComplex(limit=most)
    return count


@dataclass(frozen=True, slots=True)
class Reached:
    """A coordinate that passed and is a column; `permit` says on which rows of its anchor."""

    ref: Ref
    permit: Predicate


@dataclass(frozen=True, slots=True)
class Way:
    """A coordinate that passed and leads to rows of another entity.

    `scope` says which of them exist: Always where they are `anchored` elsewhere, and so exist as
    the row at hand does.
    """

    relation: Relation
    target: Entity
    permit: Predicate
    scope: Predicate

    @property
    def anchored(self) -> bool:
        """Whether conditions on the rows that are reached stand on these rows themselves."""
        return self.target.anchor == self.target.name


@dataclass(frozen=True, slots=True)
class Tally:
    """A coordinate that passed and is a number of rows: of those on which `permit` holds."""

    permit: Predicate


Reference: TypeAlias = Reached | Way | Tally


class Gate:
    """The one way for a coordinate into a plan: an action is decided, and a reference comes out.

    A condition that holds on every row that exists is Always. Which rows exist is the role's row
    scope, and for what counts and sums the scope of that (`summing`). `coarse`: only values that
    many people share are filtered or grouped by. `demands` is all that was asked, denied or not.
    """

    def __init__(self, decisions: DecisionSet, permits: Permits | None = None) -> None:
        """`permits` is what another gate of the same decisions has found already."""
        self.decisions = decisions
        self.scopes: Scopes = decisions.row_scope
        self.coarse = False
        self.denials: list[Denial] = []
        self.conditional: set[str] = set()
        self.lookups: Counter[str] = Counter()
        self.demands: list[Demand] = []
        self._lists = Action.READ.value
        self._tables = 0
        self._permits: Permits = {} if permits is None else permits

    def summing(self) -> Gate:
        """The same gate for aggregates, where other rows exist; what it finds is noted here."""
        other = Gate(self.decisions, self._permits)
        other.scopes = self.decisions.aggregate_scope
        other.coarse = self.decisions.smallest_cell > 0
        other.denials, other.conditional = self.denials, self.conditional
        other.lookups, other.demands = self.lookups, self.demands
        other._lists = Action.AGGREGATE.value
        return other

    def scope(self, entity: Entity) -> Predicate:
        """The rows of an anchor that exist."""
        return self.scopes(entity.name)

    def rows(self, name: str, entity: Entity, place: Place) -> Predicate | None:
        """The rows that a root field is about; None, and a denial, where there are none.

        Of a role with a smallest cell one aggregate is answered: what one table withholds could be
        had from another beside it. OperationTooComplex for a second.
        """
        coordinate = f"Query.{name}"
        self._note(Use.ROWS, coordinate, self._lists, place)
        scope = self.scope(entity)
        if isinstance(scope, Never):
            self.denials.append(Denial(coordinate, place.path, False, place.location))
            return None
        self._tables += 1
        if self.coarse:
            at_most(1, self._tables)
        return scope

    def _note(self, use: Use, coordinate: str, action: str, place: Place | None = None) -> None:
        depth = len(place.path) if place is not None else 0
        self.demands.append(Demand(use, coordinate, action, depth))

    def reference(self, coordinate: str, action: str, by: Way | None = None) -> Reference | None:
        """What stands behind a coordinate, where the action is open on some row; else None.

        `by` is the step to a current row whose values are asked about as the row's at hand.
        """
        key = (self._lists, coordinate, action)
        if key in self._permits:
            permit = self._permits[key]
        else:
            permit = self._permit(coordinate, self.decisions.decide(coordinate, action))
            self._permits[key] = permit
        if permit is None:
            return None
        if not isinstance(permit, Always):
            self.conditional.add(coordinate)
        if coordinate in CATALOG.fields:
            field = CATALOG.fields[coordinate]
            if by is None:
                return Reached(Ref(field.column, field.hop), permit)
            return Reached(Ref(field.column, by.relation), both(by.permit, permit))
        if coordinate in CATALOG.links:
            link = CATALOG.links[coordinate]
            target = CATALOG.entities[link.target]
            scope = self.scope(target) if target.anchor == target.name else Always()
            return Way(link.relation, target, permit, scope)
        return Tally(permit)

    def _permit(self, coordinate: str, decision: Decision) -> Predicate | None:
        match decision:
            case Allow():
                return Always()
            case AllowWhere(row_filter):
                scope = self.scopes(CATALOG.entity_of(coordinate).anchor)
                # The scope adds no row to the filter, in whatever order either says its parts.
                return Always() if either(row_filter, scope) == row_filter else row_filter
            case Deny():
                return None

    def selection(self, coordinate: str, action: Action, place: Place) -> Reference | None:
        """What a selection shows; None, and a denial, when it never does."""
        self._note(Use.SELECTION, coordinate, action.value, place)
        found = self.reference(coordinate, action.value)
        if found is None:
            self.denials.append(Denial(coordinate, place.path, place.below_list, place.location))
        return found

    def filter(
        self,
        coordinate: str,
        operator: Operator,
        by: Way | None = None,
        *,
        negated: bool = False,
    ) -> Reached:
        """What a filter may look at. PositionDenied if it never may, with this operator.

        Under `not` the operator that runs is asked, where filters offer it: `not eq` is `ne`. A
        value that may be looked up and not read is looked up once in an operation, since many
        guesses in one would find it.
        """
        column = CATALOG.fields[coordinate].column
        runs = COMPLEMENT[operator] if negated else operator
        asked = runs if runs in operators(column.kind, coded=column.codes is not None) else operator
        action = f"{Action.FILTER.value}:{asked.value}"
        self._note(Use.FILTER, coordinate, action)
        found = self.reference(coordinate, action, by)
        if not isinstance(found, Reached) or (self.coarse and not found.ref.column.coarse):
            raise PositionDenied(coordinate=coordinate, position="filter", operator=operator.value)
        if column.lookup and isinstance(self.decisions.decide(coordinate, "read"), Deny):
            at_most(1, self.lookups[coordinate] + 1)
            self.lookups[coordinate] += 1
        return found

    def filter_way(self, coordinate: str) -> Way:
        """Where a filter may go on. PositionDenied if it never may."""
        self._note(Use.FILTER, coordinate, Action.FILTER.value)
        found = self.reference(coordinate, Action.FILTER.value)
        if not isinstance(found, Way):
            raise PositionDenied(coordinate=coordinate, position="filter")
        return found

    def group(self, coordinate: str) -> Reached | Way:
        """What rows may be grouped by or along. PositionDenied if they never may."""
        self._note(Use.GROUP, coordinate, Action.AGGREGATE.value)
        found = self.reference(coordinate, Action.AGGREGATE.value)
        if isinstance(found, Way):
            return found
        if not isinstance(found, Reached) or (self.coarse and not _groups(found.ref)):
            raise PositionDenied(coordinate=coordinate, position="groupBy")
        return found

    def day(self, coordinate: str) -> None:
        """Refuses to group by days where only values that many people share are grouped by."""
        self._note(Use.DAY, coordinate, Action.AGGREGATE.value)
        if self.coarse:
            raise PositionDenied(coordinate=coordinate, position="groupBy")

    def sort(self, coordinate: str) -> Reached | Way:
        """What an order may go by or along. PositionDenied for what is not to be sorted, not to be
        read, or hidden on some rows: the place of a row among others tells its value."""
        self._note(Use.ORDER, coordinate, Action.SORT.value)
        found = self.reference(coordinate, Action.SORT.value)
        readable = self.reference(coordinate, Action.READ.value)
        for each in (found, readable):
            if not isinstance(each, Reached | Way) or not isinstance(each.permit, Always):
                raise PositionDenied(coordinate=coordinate, position="orderBy")
        assert isinstance(found, Reached | Way)  # noqa: S101 - it was looked at above
        return found

    def keys(self, entity: Entity) -> tuple[Ref, ...]:
        """The table's key, by which lists are ordered in the end: structural columns, random, which
        nobody selects and no rule names. The veil stands before it for whom it is made."""
        veil = entity.table.veil if self.decisions.veiled else ()
        return tuple(Ref(entity.table.columns[name]) for name in (*veil, *entity.table.key))


def _groups(ref: Ref) -> bool:
    """Whether many people share each key: of days, their months are asked for, or more."""
    return ref.column.coarse or ref.column.kind is Kind.DATE
