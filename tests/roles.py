"""The seed policy as tests see it: its roles, their decisions, and how a document asks for things.

Knows no database. What a role may do is taken from decisions here, so it says nothing about whether
these are right; tests/properties holds them against the access matrix.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from graphql import GraphQLSchema

from api.cursor import Sealer
from api.given import Given
from api.operation import Operation, find_operation, read_operation
from api.planner import Planned, plan_operation
from api.schema.build import core, full_schema
from api.view import view_of
from authz.decision import Deny
from authz.packaged import load_seed
from authz.snapshot import Snapshot, take
from db.catalog_records import CATALOG
from db.predicate import Never, operators

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz.decision import DecisionSet
    from db.catalog import Field

SEALER = Sealer((bytes(range(64)),))

# A document around the fields of each entity, %s being its arguments and then its selection.
AROUND = {
    "Enrollee": "{enrollees%s{nodes{%s}}}",
    "HomeAddress": "{enrollees%s{nodes{homeAddress{%s}}}}",
    "MailingAddress": "{enrollees%s{nodes{mailingAddress{%s}}}}",
    "EligibilitySpan": "{enrollees{nodes{eligibilitySpans%s{nodes{%s}}}}}",
    "EnrollmentSpan": "{enrollees{nodes{enrollments%s{nodes{%s}}}}}",
    "ManagedCareSpan": "{enrollees{nodes{managedCare%s{nodes{%s}}}}}",
    "RaceDeclaration": "{enrollees{nodes{races%s{nodes{%s}}}}}",
    "EthnicityDeclaration": "{enrollees{nodes{ethnicities%s{nodes{%s}}}}}",
    "Disability": "{enrollees{nodes{disabilities%s{nodes{%s}}}}}",
    "ImmigrationDetermination": "{enrollees{nodes{determinations%s{nodes{%s}}}}}",
    "Claim": "{claims%s{nodes{%s}}}",
    "ClaimDiagnosis": "{claims{nodes{diagnoses%s{nodes{%s}}}}}",
    "ClaimLine": "{claims{nodes{lines%s{nodes{%s}}}}}",
    "Provider": "{providers%s{nodes{%s}}}",
    "Plan": "{plans%s{nodes{%s}}}",
}

ONE_ROW_AWAY = {"HomeAddress": "homeAddress", "MailingAddress": "mailingAddress"}
"""Entities that stand in a person's filter, and under which name."""


@cache
def snapshot() -> Snapshot:
    """The seed policy with the orders on file, now."""
    return take(*load_seed(CATALOG), datetime.now(UTC))


def roles() -> list[str]:
    """All roles of the seed policy."""
    return sorted(snapshot().roles)


def decisions(role: str) -> DecisionSet:
    """Every decision of a role."""
    return snapshot().decisions(role)


def readers() -> list[str]:
    """The roles that read records of people."""
    return [
        role for role in roles() if not isinstance(decisions(role).row_scope("Enrollee"), Never)
    ]


def denied(role: str, coordinate: str, action: str) -> bool:
    """Whether a role may never do this with a coordinate."""
    return isinstance(decisions(role).decide(coordinate, action), Deny)


def operators_of(field: Field) -> tuple[str, ...]:
    """The operators that a filter offers on a field."""
    column = field.column
    return tuple(each.value for each in operators(column.kind, coded=column.codes is not None))


@cache
def view(role: str) -> GraphQLSchema:
    """The schema that a role sees."""
    return view_of(decisions(role))


def plan(
    role: str, document: str, variables: Mapping[str, object] | None = None, subject: str = "alice"
) -> Planned:
    """The plan of a document for a role. Raises what the gateway would refuse it with."""
    operation, given = asked(document, variables, subject, view(role))
    return plan_operation(operation, decisions(role), given)


def asked(
    document: str,
    variables: Mapping[str, object] | None = None,
    subject: str = "alice",
    schema: GraphQLSchema | None = None,
    name: str | None = None,
) -> tuple[Operation, Given]:
    """The operation of a document, and what a request gives to it. Raises as the gateway does."""
    named = find_operation(document, name, lambda: schema or whole())
    declared = named.variables()
    read = declared.read(variables or {})
    operation = read_operation(named, declared.open(variables or {}))
    return operation, Given(read.leaves, subject, SEALER)


def values_of(planned: Planned, given: Given) -> tuple[object, ...]:
    """The values of a plan's slots in one request."""
    return tuple(source.of(given) for source in planned.sources)


def whole() -> GraphQLSchema:
    """The schema of all that there is."""
    return core(full_schema())
