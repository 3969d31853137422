"""Operations that clients sent, held against two policies: which break, which open. Pure.

Each demand passes the same gate that plans pass, so nothing here decides anything by itself. What
is not recorded is not said: sizes of pages and values, and how many rows there are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
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
    from api.gate import Permits
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
    policies = (_Policy(before), _Policy(after))
    noted = sorted(operations, key=lambda each: -each.times)
    alike = {
        role: _alike(*(policy.decisions(role) for policy in policies))
        for role in {each.role for each in noted}
    }
    for recorded in noted:
        if alike[recorded.role]:
            continue
        demands = _known(recorded.demands)
        if not demands:
            continue
        was, becomes = (policy.standing(demands, recorded.role) for policy in policies)
        opens = _said(demands, becomes.open - was.open)
        breaks = _said(demands, was.open - becomes.open)
        if opens or breaks or was.outcome is not becomes.outcome:
            name, role, seen = recorded.name, recorded.role, recorded.times
            found.append(Replayed(name, role, was.outcome, becomes.outcome, opens, breaks, seen))
    return tuple(found)


class _Policy:
    """A policy, with what was found of it so far."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._permits: dict[str, Permits] = {}

    def decisions(self, role: str) -> DecisionSet | None:
        """Those of a role that it has."""
        return self._snapshot.decisions(role) if role in self._snapshot.roles else None

    def standing(self, demands: Sequence[Demand], role: str) -> Standing:
        decisions = self.decisions(role)
        if decisions is None:
            return _GONE
        return standing(demands, decisions, self._permits.setdefault(role, {}))


def _alike(before: DecisionSet | None, after: DecisionSet | None) -> bool:
    """Whether nothing that is asked can be decided otherwise."""
    if before is None or after is None:
        return before is after
    return replace(after, version=before.version, page_limit=before.page_limit) == before


def standing(
    demands: Sequence[Demand], decisions: DecisionSet, permits: Permits | None = None
) -> Standing:
    """How an operation stands under the decisions of its role; `permits` as a gate has them."""
    lists = Gate(decisions, permits)
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
    return (demand.coordinate, demand.action) in _questions()


@cache
def _questions() -> frozenset[tuple[str, str]]:
    return frozenset(
        (coordinate, action)
        for coordinate in CATALOG.coordinates
        for action in questions.actions(CATALOG, coordinate)
    )
