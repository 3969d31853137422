"""Operation → answer, by the naive way. One Oracle stands over one set of records and policies."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLError,
    MiddlewareManager,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
    get_variable_values,
    parse,
    validate,
)

from api import errors
from api.schema.build import core, full_schema
from authz.decision import DenialMode
from tests.oracle.answer import NOT_VALID, Answer, error
from tests.oracle.demands import Demands, Refused
from tests.oracle.pages import Cursors
from tests.oracle.reading import Reading
from tests.oracle.seen import Seen
from tests.oracle.survey import Survey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DocumentNode, GraphQLResolveInfo

    from tests.oracle.asker import Asker
    from tests.oracle.authority import Authority
    from tests.oracle.records import Records, Value


@dataclass(frozen=True)
class Question:
    """What somebody sends. Cursors among the variables are those of the side that is asked."""

    asker: Asker
    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None


@dataclass
class Oracle:
    """Answers questions about records under an authority, at an instant."""

    records: Records
    authority: Authority
    cursors: Cursors = field(default_factory=Cursors)
    _seen: dict[tuple[Asker, date, str], Seen] = field(default_factory=dict)

    def seen(self, asker: Asker, day: date, by: str) -> Seen:
        """The records as one asker sees them; kept, because nothing changes them."""
        if (asker, day, by) not in self._seen:
            self._seen[asker, day, by] = Seen(self.records, self.authority, asker, day, by)
        return self._seen[asker, day, by]

    def answer(self, question: Question, as_of: datetime, told: Value = None) -> Answer:
        """The answer to a question at an instant in UTC.

        `told` is the data of the other side's answer. Nothing of it is believed; it says which
        cells of a table it chose to withhold, and that choice is judged.
        """
        try:
            document = self._document(question)
            survey = self._survey(question, document, as_of)
            return self._read(question, document, survey, as_of, told)
        except Refused as refused:
            return Answer(..., [error(refused.code, facts=refused.facts)])

    def _document(self, question: Question) -> DocumentNode:
        schema = core(full_schema())
        document = _valid(question.query)
        if document is None:
            raise Refused(NOT_VALID)
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        if question.operation_name is not None:
            operations = [
                o for o in operations if o.name and o.name.value == question.operation_name
            ]
        if len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
            raise Refused(errors.OperationUnknown.code)
        definitions = operations[0].variable_definitions or ()
        if isinstance(get_variable_values(schema, definitions, dict(question.variables)), list):
            raise Refused(errors.VariableInvalid.code)
        return document

    def _survey(self, question: Question, document: DocumentNode, as_of: datetime) -> Survey:
        demands = Demands(self.authority, question.asker, self.cursors)
        survey = Survey(self.authority, question.asker, demands)
        _, failed = _run(question, document, survey)
        # What is left to fail is a null in an argument or a directive that takes none.
        if failed:
            raise Refused(errors.VariableInvalid.code)
        if survey.too_complex:
            raise Refused(errors.OperationTooComplex.code)
        if survey.refusal is not None:
            raise survey.refusal
        role = self.authority.policy.roles[question.asker.role]
        if survey.denials and role.denial_mode is DenialMode.REFUSE:
            named = sorted({denial.coordinate for denial in survey.denials})
            raise Refused(errors.OperationDenied.code, coordinates=named)
        if survey.records:
            self._admit(question.asker, as_of)
        return survey

    def _admit(self, asker: Asker, as_of: datetime) -> None:
        required = self.authority.attributes(asker.role)
        if missing := sorted(required - asker.attributes.keys()):
            raise Refused(errors.AttributeMissing.code, attributes=missing)
        if "until" in required:
            (until,) = asker.attributes["until"]
            if datetime.fromisoformat(until) <= as_of:
                raise Refused(errors.AccessEnded.code)

    def _read(
        self,
        question: Question,
        document: DocumentNode,
        survey: Survey,
        as_of: datetime,
        told: Value,
    ) -> Answer:
        day = as_of.date()
        seen, aggregated = (self.seen(question.asker, day, by) for by in ("read", "aggregate"))
        reading = Reading(seen, aggregated, self.cursors, told)
        data, failed = _run(question, document, reading)
        if failed:
            raise failed[0].original_error or failed[0]
        said = [
            error(
                errors.SelectionDenied.code,
                facts={"coordinate": denial.coordinate}
                | ({"selection": ".".join(denial.path)} if denial.below_list else {}),
                locations=[denial.location],
                path=() if denial.below_list else denial.path,
            )
            for denial in (*survey.denials, *survey.local_denials)
        ]
        said += [error(errors.SharedMedicaidId.code, path=path) for path in reading.shared]
        return Answer(data, sorted(said), sorted(survey.demands.conditional), reading.faults)


@lru_cache(maxsize=64)
def _valid(text: str) -> DocumentNode | None:
    """The document of a text; None where it does not parse or validate."""
    try:
        document = parse(text)
    except GraphQLError:
        return None
    return None if validate(core(full_schema()), document) else document


def _run(
    question: Question, document: DocumentNode, visitor: Survey | Reading
) -> tuple[Any, list[GraphQLError]]:
    def visit(
        resolve: Value, source: Value, info: GraphQLResolveInfo[Any], **arguments: Value
    ) -> Value:
        return visitor(resolve, source, info, **arguments)

    result = execute_sync(
        core(full_schema()),
        document,
        variable_values=dict(question.variables),
        operation_name=question.operation_name,
        # graphql-core passes over a middleware that is neither a function nor has `resolve`.
        middleware=MiddlewareManager(visit),
    )
    return result.data, result.errors or []
