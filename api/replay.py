"""Operations that clients sent, held against two policies: which break, which open. Pure.

Each demand passes the same gate that plans pass, so nothing here decides anything by itself. What
is not recorded is not said: sizes of pages and values, and how many rows there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, assert_never

from api.demand import Use, read
from api.errors import OperationTooComplex, PositionDenied
from api.gate import Gate, Place
from api.schema.query import RECORDS
from authz import questions
from authz.decision import Action, DenialMode
from db.catalog_records import CATALOG
from db.predicate import Operator

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from api.demand import Demand
    from authz.decision import DecisionSet
    from authz.snapshot import Snapshot
    from db.operations import Recorded

_NOWHERE: Final = (0, 0)


class Outcome(Enum):
    """What becomes of an operation."""

    WHOLE = "answered"
    NULLS = "answered with nulls"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Standing:
    """An operation under one policy: its outcome, and by place which of its demands are open. A
    demand below a selection that is denied is not."""

    outcome: Outcome
    open: frozenset[int]


@dataclass(frozen=True, slots=True)
class Replayed:
    """An operation of which something changes. `opens` and `breaks` are `coordinate action`, each
    once, in the order in which they are asked; `seen` is how often it was sent."""

    operation: str
    role: str
    before: Outcome
    after: Outcome
    opens: tuple[str, ...]
    breaks: tuple[str, ...]
    seen: int


_GONE: Final = Standing(Outcome.REFUSED, frozenset())
"""Under a policy that does not have the role."""


def replay(
    operations: Iterable[Recorded], before: Snapshot, after: Snapshot
) -> tuple[Replayed, ...]:
    """What changes for which operations, the most used first. An operation that names what the
    schema does not have any more is left out."""
    found: list[Replayed] = []
    for recorded in sorted(operations, key=lambda each: -each.times):
        demands = _known(recorded.demands)
        if not demands:
            continue
        was, becomes = (_under(demands, recorded.role, policy) for policy in (before, after))
        opens = _said(demands, becomes.open - was.open)
        breaks = _said(demands, was.open - becomes.open)
        if opens or breaks or was.outcome is not becomes.outcome:
            found.append(
                Replayed(
                    recorded.name,
                    recorded.role,
                    was.outcome,
                    becomes.outcome,
                    opens,
                    breaks,
                    recorded.times,
                )
            )
    return tuple(found)


def standing(demands: Sequence[Demand], decisions: DecisionSet) -> Standing:
    """How an operation stands under the decisions of its role."""
    lists = Gate(decisions)
    tables = lists.summing()
    gate, refused, closed = lists, False, 0
    passed: set[int] = set()
    for place, demand in enumerate(demands):
        if demand.use is Use.ROWS:
            gate = tables if demand.action == Action.AGGREGATE.value else lists
        if closed:
            if demand.depth == 0 or demand.depth > closed:
                continue
            closed = 0
        try:
            is_open = _passes(gate, demand)
        except (PositionDenied, OperationTooComplex):
            refused = True
            continue
        if is_open:
            passed.add(place)
        else:
            closed = demand.depth
    if refused or (lists.denials and decisions.denial_mode is DenialMode.REFUSE):
        return Standing(Outcome.REFUSED, frozenset(passed))
    return Standing(Outcome.NULLS if lists.denials else Outcome.WHOLE, frozenset(passed))


def _passes(gate: Gate, demand: Demand) -> bool:
    """Whether a selection is open. PositionDenied for what is none and not open."""
    coordinate = demand.coordinate
    at = Place(("",) * demand.depth, False, _NOWHERE)
    match demand.use:
        case Use.ROWS:
            name = coordinate.partition(".")[2]
            return gate.rows(name, CATALOG.entities[RECORDS[name]], at) is not None
        case Use.SELECTION:
            return gate.selection(coordinate, Action(demand.action), at) is not None
        case Use.FILTER if demand.action == Action.FILTER.value:
            gate.filter_way(coordinate)
        case Use.FILTER:
            gate.filter(coordinate, Operator(demand.action.removeprefix(questions.PREFIX)))
        case Use.ORDER:
            gate.sort(coordinate)
        case Use.GROUP:
            gate.group(coordinate)
        case Use.DAY:
            gate.day(coordinate)
        case _:
            assert_never(demand.use)
    return True


def _under(demands: Sequence[Demand], role: str, policy: Snapshot) -> Standing:
    return standing(demands, policy.decisions(role)) if role in policy.roles else _GONE


def _said(demands: Sequence[Demand], places: frozenset[int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(demands[place]) for place in sorted(places)))


def _known(text: str) -> tuple[Demand, ...]:
    """Demands that can be asked; none where one cannot."""
    try:
        demands = read(text)
    except (TypeError, ValueError):
        return ()
    return demands if all(map(_exists, demands)) else ()


def _exists(demand: Demand) -> bool:
    if demand.use is Use.ROWS:
        return demand.coordinate.partition(".")[2] in RECORDS
    known = demand.coordinate in CATALOG.coordinates
    return known and demand.action in questions.actions(CATALOG, demand.coordinate)
