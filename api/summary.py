"""An aggregate as PostgreSQL counted it → its answer, with what is about too few people withheld.

Pure. Knows the plan and the shape of the answer; knows nothing of SQL, roles or records: this is
the one place where Python holds numbers made of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING, Any, assert_never

from api.cell import Cell
from api.errors import FilterTooNarrow, OperationTooComplex
from api.shape import Count, Flag, Groups, Keys, KeyValue, Null, Number, Numbers, Word
from api.suppression import suppressed
from db.catalog import Kind
from db.plan import Function

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from api.shape import Item, Shape
    from db.plan import Measure

_SIX_PLACES = Decimal("0.000001")
_MOST_DIGITS = 2_000


@dataclass(frozen=True, slots=True)
class _Made:
    """A measure of a cell: what is shown, of how many people, and what an average is made of."""

    value: Any
    people: int | None
    total: Decimal | None = None
    values: int = 0


@dataclass(frozen=True, slots=True)
class _Line:
    """The numbers of a cell, or of all cells. `rows` is None where the count is withheld."""

    key: tuple[Any, ...]
    people: int | None
    few: frozenset[int]
    rows: int | None
    made: tuple[_Made, ...]
    withheld: bool = False


def answer(body: bytes, shape: Shape) -> dict[str, Any]:
    """The answer under the caller's response keys.

    Raises OperationTooComplex for too many groups, FilterTooNarrow where a clause of the filter
    sets few people apart.
    """
    totals, listed, apart = json.loads(body)
    plan = shape.plan
    if len(listed) > plan.most:
        raise OperationTooComplex(limit=plan.most)
    if any(0 < people < plan.smallest for people in apart):
        raise FilterTooNarrow
    whole = _line(totals)
    lines = [_line(each) for each in listed]
    if plan.smallest:
        whole, lines = _withhold(whole, lines, shape)
    return _shown(shape.items, whole, lines)


def _line(cell: Sequence[Any]) -> _Line:
    key, people, few, rows, *measures = cell
    return _Line(tuple(key), people, frozenset(few or ()), rows, tuple(map(_made, measures)))


def _made(measure: Sequence[Any]) -> _Made:
    value, people, *average = measure
    if not average:
        return _Made(value, people)
    total, values = average
    return _Made(value, people, None if total is None else Decimal(total), values)


def _withhold(whole: _Line, lines: list[_Line], shape: Shape) -> tuple[_Line, list[_Line]]:
    plan = shape.plan
    smallest, measures = plan.smallest, tuple(plan.measures)
    cells = [
        Cell(line.key, rank, line.people or 0, line.rows or 0, line.few)
        for rank, line in enumerate(lines)
    ]
    if not plan.dimensions:
        small = 0 < (whole.people or 0) < smallest
        return _closed(whole) if small else _bounded(whole, measures, smallest), []
    hidden = suppressed(cells, smallest)
    found = [
        _closed(line) if line.key in hidden else _bounded(line, measures, smallest)
        for line in lines
    ]
    if hidden:
        return _joined([line for line in found if not line.withheld], measures), found
    return _told(_bounded(whole, measures, smallest), lines, found), found


def _told(whole: _Line, lines: Sequence[_Line], shown: Sequence[_Line]) -> _Line:
    """The totals without those of which a cell's part is withheld: the rest would give it back."""
    made = tuple(
        total
        if all(a.made[index] == b.made[index] for a, b in zip(lines, shown, strict=True))
        else _Made(None, None)
        for index, total in enumerate(whole.made)
    )
    counted = all(b.rows is not None for b in shown)
    return _Line(
        whole.key, whole.people, whole.few, whole.rows if counted else None, made, whole.withheld
    )


def _closed(line: _Line) -> _Line:
    nothing = tuple(_Made(None, None) for _ in line.made)
    return _Line(line.key, None, frozenset(), None, nothing, withheld=True)


def _bounded(line: _Line, measures: Sequence[Measure], smallest: int) -> _Line:
    """The line without measures that few people contribute to, and without counts of few."""
    made = tuple(
        _Made(None, None) if _few(each, measure, smallest) else each
        for each, measure in zip(line.made, measures, strict=True)
    )
    rows = None if line.rows is not None and 0 < line.rows < smallest else line.rows
    return _Line(line.key, line.people, line.few, rows, made, line.withheld)


def _few(made: _Made, measure: Measure, smallest: int) -> bool:
    if made.people is not None and 0 < made.people < smallest:
        return True
    counted = measure.function is Function.COUNT_DISTINCT
    return counted and made.value is not None and 0 < made.value < smallest


def _joined(shown: Sequence[_Line], measures: Sequence[Measure]) -> _Line:
    """The totals of the cells that are shown."""
    counted = [line.rows for line in shown if line.rows is not None]
    rows = sum(counted) if counted else None
    made = tuple(
        _join(measure, [line.made[index] for line in shown])
        for index, measure in enumerate(measures)
    )
    return _Line((), None, frozenset(), rows, made, withheld=True)


def _join(measure: Measure, parts: Sequence[_Made]) -> _Made:
    there = [part for part in parts if part.value is not None]
    if not there:
        return _Made(None, None)
    match measure.function:
        case Function.COUNT_DISTINCT:
            return _Made(None, None)  # a value may be in several cells
        case Function.SUM:
            return _Made(_text(sum((Decimal(p.value) for p in there), Decimal())), None)
        case Function.AVG:
            total = sum((p.total for p in there if p.total is not None), Decimal())
            return _Made(_average(total, sum(p.values for p in there)), None)
        case Function.MIN | Function.MAX:
            choose = min if measure.function is Function.MIN else max
            # Decimals come as text; days too, and are ordered as it is.
            number = Decimal if measure.ref.column.kind is Kind.DECIMAL else None
            return _Made(choose((p.value for p in there), key=number), None)
        case _:
            assert_never(measure.function)


def _text(number: Decimal) -> str:
    return format(number, "f")


def _average(total: Decimal, values: int) -> str:
    with localcontext() as context:
        context.prec = _MOST_DIGITS
        return _text((total / values).quantize(_SIX_PLACES, ROUND_HALF_UP))


def _shown(items: Iterable[Item], line: _Line, groups: Sequence[_Line]) -> dict[str, Any]:
    return {item.key: _item(item, line, groups) for item in items}


def _item(item: Item, line: _Line, groups: Sequence[_Line]) -> Any:  # noqa: ANN401 - JSON
    match item:
        case Word(_, text):
            return text
        case Null():
            return None
        case Flag():
            return line.withheld
        case Count():
            return line.rows
        case Numbers(_, items):
            return {each.key: _number(each, line) for each in items}
        case Keys(_, items):
            return _key(items, line)
        case Groups(_, items):
            return [_shown(items, group, ()) for group in groups]
        case _:
            assert_never(item)


def _number(item: Number | Null | Word, line: _Line) -> Any:  # noqa: ANN401 - JSON
    match item:
        case Number(_, index):
            return line.made[index].value
        case Null():
            return None
        case Word(_, text):
            return text
        case _:
            assert_never(item)


def _key(items: Iterable[Keys | KeyValue | Word], line: _Line) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        match item:
            case Word(key, text):
                found[key] = text
            case KeyValue(key, index):
                found[key] = line.key[index]
            case Keys(key, below):
                found[key] = _key(below, line)
            case _:
                assert_never(item)
    return found
