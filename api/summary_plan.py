"""Aggregates of an operation → plan, and the shape of their answer. Pure; knows no SQL, no value.

A denied number becomes null; a denied dimension or filter refuses the operation. Where the role has
a smallest cell, filters and dimensions speak of coded and bucketed values alone.
"""

from __future__ import annotations

import enum
from dataclasses import replace
from typing import TYPE_CHECKING

from api.clauses import columns_of, without_each, without_together
from api.errors import ArgumentInvalid
from api.gate import Reached, Tally, at_most
from api.narrowing import Narrowing
from api.shape import Count, Flag, Groups, Keys, KeyValue, Null, Number, Numbers, Shape, Word
from authz.decision import Action
from db.plan import Bucket, Dimension, Function, Leg, Measure, Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from api.arguments import Values
    from api.gate import Gate, Place
    from api.operation import Selected
    from api.shape import Item
    from db.catalog import Entity
    from db.predicate import Predicate

MOST_DIMENSIONS = 4
MOST_CLAUSES = 20
"""Clauses of one filter of a role with a smallest cell: each is counted by itself."""
MOST_COLUMNS = 6
"""Columns that such a filter is about: each two of them are counted together."""
MOST_GROUPS = 5_000

Path = tuple[str, ...]
_FUNCTIONS = {function.value: function for function in Function}


class Summaries:
    """The aggregates of one operation. `spend` counts the values that an answer may hold."""

    def __init__(self, gate: Gate, values: Values, spend: Callable[[Selected, int], None]) -> None:
        self._smallest = gate.decisions.smallest_cell
        self._gate = gate.summing()
        self._narrowing = Narrowing(self._gate, values)
        self._values = values
        self._spend = spend

    def root(
        self, selected: Selected, entity: Entity, place: Place
    ) -> tuple[Summary, Shape] | None:
        """The plan and the shape of one aggregate; None, and a denial, where there are no rows.

        Raises PositionDenied, ArgumentInvalid or OperationTooComplex.
        """
        scope = self._gate.rows(selected.name, entity, place)
        if scope is None:
            return None
        where = self._narrowing.where(selected.arguments.get("where") or {}, entity)
        dimensions: dict[Path, Dimension] = {}
        targets: dict[Path, str] = {}
        for asked in selected.arguments.get("groupBy") or ():
            path, dimension = self._dimension(asked, entity, (), (), targets)
            if path in dimensions:
                raise ArgumentInvalid(argument="groupBy")
            dimensions[path] = dimension
        at_most(MOST_DIMENSIONS, len(dimensions))
        without: tuple[Predicate, ...] = ()
        if self._smallest:
            each = without_each(where)
            at_most(MOST_CLAUSES, len(each))
            at_most(MOST_COLUMNS, len(columns_of(where)))
            without = tuple(dict.fromkeys((*each, *without_together(where))))
        body = _Body(self._gate, entity, list(dimensions), targets, self._spend)
        items = body.items(selected.children, place, f"{entity.name}Aggregate", 1)
        plan = Summary(
            entity.table, where, scope, tuple(dimensions.values()), body.count,
            tuple(body.measures), self._smallest, without, MOST_GROUPS,
        )  # fmt: skip
        return plan, Shape(items, plan)

    def _dimension(
        self,
        asked: Mapping[str, object],
        entity: Entity,
        path: Path,
        legs: tuple[Leg, ...],
        targets: dict[Path, str],
    ) -> tuple[Path, Dimension]:
        ((name, value),) = asked.items()
        coordinate = f"{entity.name}.{name}"
        found = self._gate.group(coordinate)
        path = (*path, name)
        if not isinstance(found, Reached):
            if not isinstance(value, dict):
                raise ArgumentInvalid(argument="groupBy")
            leg = Leg(found.relation, found.scope, found.permit, found.anchored)
            targets[path] = found.target.name
            return self._dimension(value, found.target, path, (*legs, leg), targets)
        if not isinstance(value, enum.Enum):
            raise ArgumentInvalid(argument="groupBy")
        bucket = None if value.value == "value" else Bucket(value.value)
        if bucket is Bucket.DAY:
            self._gate.day(coordinate)
        return path, Dimension(found.ref, found.permit, legs, bucket)


class _Body:
    """What one aggregate shows, and the measures that it takes."""

    def __init__(
        self,
        gate: Gate,
        entity: Entity,
        dimensions: Sequence[Path],
        targets: Mapping[Path, str],
        spend: Callable[[Selected, int], None],
    ) -> None:
        self._gate = gate
        self._entity = entity
        self._dimensions = dimensions
        self._targets = targets
        self._spend = spend
        self.count: Predicate | None = None
        self.measures: dict[Measure, int] = {}

    def items(
        self, children: Sequence[Selected], place: Place, type_: str, rows: int
    ) -> tuple[Item, ...]:
        return tuple(self._item(child, place.below(child), type_, rows) for child in children)

    def _item(self, selected: Selected, place: Place, type_: str, rows: int) -> Item:
        self._spend(selected, rows)
        key, name, children = selected.key, selected.name, selected.children
        match name:
            case "__typename":
                return Word(key, type_)
            case "suppressed":
                return Flag(key)
            case "count":
                found = self._gate.selection(self._entity.tally, Action.AGGREGATE, place)
                if not isinstance(found, Tally):
                    return Null(key)
                self.count = found.permit
                return Count(key)
            case "groups":
                below = replace(place, below_list=True)
                most = MOST_GROUPS if self._dimensions else 0
                return Groups(key, self.items(children, below, f"{self._entity.name}Group", most))
            case "key":
                return Keys(key, self._keys(children, self._entity.name, (), rows))
            case _:
                title = name[0].upper() + name[1:]
                function = _FUNCTIONS[name]
                return Numbers(
                    key,
                    tuple(
                        self._number(child, place.below(child), function, title, rows)
                        for child in children
                    ),
                )

    def _number(
        self, selected: Selected, place: Place, function: Function, title: str, rows: int
    ) -> Number | Null | Word:
        self._spend(selected, rows)
        if selected.name == "__typename":
            return Word(selected.key, f"{self._entity.name}{title}")
        coordinate = f"{self._entity.name}.{selected.name}"
        found = self._gate.selection(coordinate, Action.AGGREGATE, place)
        if not isinstance(found, Reached):
            return Null(selected.key)
        measure = Measure(function, found.ref, found.permit)
        return Number(selected.key, self.measures.setdefault(measure, len(self.measures)))

    def _keys(
        self, children: Sequence[Selected], entity: str, path: Path, rows: int
    ) -> tuple[Keys | KeyValue | Word, ...]:
        found: list[Keys | KeyValue | Word] = []
        for child in children:
            self._spend(child, rows)
            here = (*path, child.name)
            if child.name == "__typename":
                found.append(Word(child.key, f"{entity}Key"))
            elif here in self._dimensions:
                found.append(KeyValue(child.key, self._dimensions.index(here)))
            elif here in self._targets:
                below = self._keys(child.children, self._targets[here], here, rows)
                found.append(Keys(child.key, below))
            else:
                raise ArgumentInvalid(argument="groupBy")
        return tuple(found)
