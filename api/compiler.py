"""Operations of roles, compiled once for all requests that they can serve, and kept.

    document, operation, role, policy version ─ shape of variables ─ facts ─ Compiled

INVARIANT: a key names everything that what is kept under it depends on. What making a plan may look
at of a request is its shape and its facts; who asks, and every other value, is bound to it when it
runs (`api/given.py`), and is in nothing that is kept here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api.cache import Cache
from api.demand import Asked, scrubbed, written
from api.errors import MethodNotAllowed
from api.given import Given
from api.operation import find_operation, read_operation
from api.planner import plan_operation
from api.recorder import Recorder
from api.reply import compact, denial_of
from api.variables import size_of
from api.whole import demands_of
from db.catalog_records import CATALOG
from db.errors import FieldwardError
from db.plan import Single
from db.sql.pieces import Mark
from db.sql.render import render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import DocumentNode, GraphQLSchema

    from api.arguments import Source
    from api.cursor import Sealer
    from api.gate import Denial
    from api.given import Fact, Listing
    from api.operation import Named, Operation
    from api.planner import Planned
    from api.request import GraphQLRequest
    from api.shape import Shape as AnswerShape
    from api.variables import Shape, Variables
    from authz.decision import DecisionSet
    from db.sql.pieces import Statement

_MOST_COMPILED: Final = 2_000_000
"""Characters of statements and documents that are kept; some ten bytes of memory for each."""
_MOST_READ: Final = 500_000
"""Characters of documents of which only variables or facts are kept."""
_PARSED: Final = 30
"""Characters that one of a parsed document counts for."""
_SIGN: Final = 3
"""Characters that a sign of a shape counts for, with what a plan keeps of it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A root whose answer is a column of the statement's row.

    `key` is the index of its response key; `single` whether a count of rows stands behind it;
    `aggregate` the form of an aggregate's answer.
    """

    key: int
    single: bool
    aggregate: AnswerShape | None


@dataclass(frozen=True, slots=True)
class Compiled:
    """An operation of a role, ready to run for every request of its shape and facts.

    `statement` is None where no record is asked for. `keys` are the response keys in document
    order, `labels` the same as they stand in an answer. `marked` says whether there are keysets in
    what PostgreSQL answers, which become cursors of the `listings`. `errors` and `extensions` are
    what every answer says, as JSON. `facts` is what its making looked at, or may have. `asked` is
    what is noted of it, None where it asks for no record.
    """

    statement: Statement | None
    sources: tuple[Source, ...]
    shown: tuple[Shown, ...]
    keys: tuple[str, ...]
    labels: tuple[bytes, ...]
    listings: tuple[Listing, ...]
    marked: bool
    errors: tuple[bytes, ...]
    extensions: bytes
    local: DocumentNode | None
    facts: tuple[Fact, ...]
    asked: Asked | None

    def values(self, given: Given) -> tuple[object, ...]:
        """The values of the statement's slots in one request. ArgumentInvalid."""
        return tuple([source.of(given) for source in self.sources])


@dataclass(frozen=True, slots=True)
class _Key:
    document: str
    operation: str | None
    role: str
    version: str
    shape: Shape


class Compiler:
    """Compiles operations, keeps what it made, and notes what was asked, refused or not. Belongs to
    one event loop."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self.variables: Cache[Variables] = Cache(_MOST_READ)
        self.facts: Cache[tuple[Fact, ...]] = Cache(_MOST_READ)
        self.compiled: Cache[Compiled] = Cache(_MOST_COMPILED)
        self.recorder = Recorder()
        self._refused: Cache[Asked] = Cache(_MOST_READ)

    def compile(
        self,
        asked: GraphQLRequest,
        decisions: DecisionSet,
        subject: str,
        view: Callable[[], GraphQLSchema],
    ) -> tuple[Compiled, Given]:
        """The operation of a request, and what the request gives to it.

        Raises what `find_operation`, `read_operation` and `plan_operation` raise, and
        MethodNotAllowed for a mutation by GET. Of an operation that is refused nothing is kept but
        what it asked for, and nothing of one that mutates.
        """
        text, name = asked.query, asked.operation_name
        named = None
        variables = self.variables.get((text, name))
        if variables is None:
            named = find_operation(text, name, view)
            if named.mutates:
                return self._mutation(named, asked, decisions, subject)
            variables = named.variables()
            self.variables.put((text, name), variables, len(text))
        read = variables.read(asked.variables)
        given = Given(read.leaves, subject, self._sealer)
        key = _Key(text, name, decisions.role, decisions.version, read.shape)
        facts = self.facts.get(key)
        if facts is not None:
            found = self.compiled.get((key, tuple([fact.of(given) for fact in facts])))
            # Facts may have been let go and others be looked at since, of equal values.
            if found is not None and found.facts == facts:
                if found.asked is not None:
                    self.recorder.saw(found.asked)
                return found, given
        if named is None:
            named = find_operation(text, name, view)
        operation = read_operation(named, variables.open(asked.variables))
        try:
            planned = plan_operation(operation, decisions, given)
        except FieldwardError:
            self._note_refused(key, operation, given)
            raise
        # A plan depends on the facts that its own making looked at. To be found by more of them
        # than that is to be found by those.
        facts = tuple(dict.fromkeys((*(facts or ()), *planned.facts)))
        asked_for = _asked(operation, decisions.role, planned, given)
        found = _compiled(operation, planned, facts, asked_for)
        weight = len(text) + _SIGN * size_of(read.shape)
        self.facts.put(key, facts, weight)
        values = tuple([fact.of(given) for fact in facts])
        self.compiled.put((key, values), found, weight + _weight(found, text))
        if asked_for is not None:
            self.recorder.saw(asked_for)
        return found, given

    def _note_refused(self, key: _Key, operation: Operation, given: Given) -> None:
        """Notes an operation that is refused, unless no policy could answer it."""
        asked = self._refused.get(key)
        if asked is None:
            asked = _asked(operation, key.role, None, given)
            if asked is None:
                return
            self._refused.put(key, asked, len(key.document) + len(asked.demands))
        self.recorder.saw(asked)

    def _mutation(
        self, named: Named, asked: GraphQLRequest, decisions: DecisionSet, subject: str
    ) -> tuple[Compiled, Given]:
        if asked.safe:
            raise MethodNotAllowed
        variables = named.variables()
        given = Given(variables.read(asked.variables).leaves, subject, self._sealer)
        operation = read_operation(named, variables.open(asked.variables))
        # It has no record, so its plan is empty and looks at nothing.
        return _compiled(operation, plan_operation(operation, decisions, given), (), None), given


def _asked(operation: Operation, role: str, planned: Planned | None, given: Given) -> Asked | None:
    """What is noted of an operation; None where it asks for no record, or where it would be refused
    whatever the policy is. `planned` is None where it was refused."""
    demands = planned.demands if planned is not None else ()
    if planned is None or any(map(_hides, planned.denials)):
        # What stands below a denied selection was not asked for, and another policy may open it.
        try:
            demands = demands_of(operation, role, given)
        except FieldwardError:
            return None
    return Asked(role, scrubbed(operation.name), written(demands)) if demands else None


def _hides(denial: Denial) -> bool:
    return denial.coordinate in CATALOG.links or denial.coordinate.startswith("Query.")


def _weight(compiled: Compiled, text: str) -> int:
    statement = len(compiled.statement.text) if compiled.statement is not None else 0
    asked = len(compiled.asked.demands) if compiled.asked is not None else 0
    return statement + asked + (len(text) * _PARSED if compiled.local is not None else 0)


def _compiled(
    operation: Operation, planned: Planned, facts: tuple[Fact, ...], asked: Asked | None
) -> Compiled:
    statement = render(planned.plan) if planned.plan.roots else None
    return Compiled(
        statement,
        planned.sources,
        _shown(operation, planned),
        operation.keys,
        tuple(compact(key) + b":" for key in operation.keys),
        planned.listings,
        statement is not None and Mark() in statement.sources,
        tuple(compact(denial_of(denial)) for denial in planned.denials),
        compact({"conditional": list(planned.conditional)}) if planned.conditional else b"",
        operation.local,
        facts,
        asked,
    )


def _shown(operation: Operation, planned: Planned) -> tuple[Shown, ...]:
    shapes: Mapping[str, AnswerShape] = planned.shapes
    places = {key: index for index, key in enumerate(operation.keys)}
    shown = {
        index: Shown(places[key], isinstance(planned.plan.roots[index], Single), shapes.get(key))
        for key, index in planned.roots.items()
        if index is not None
    }
    return tuple(shown[index] for index in sorted(shown))
