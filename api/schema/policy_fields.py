"""Root fields about the policy that take arguments. Each is guarded by what it answers with.

A resolver hands on; what an answer is, `changes` and `inquiry` of `api.administration` know.
"""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from api.guard import Guard, Opens, guarded_by
from api.schema.policy_change import PolicyChange
from api.schema.policy_edit import PolicyEdit
from api.schema.policy_question import PolicyAccess, PolicyExplanation, PolicyMatrixRow
from api.schema.policy_report import PolicyDiff, PolicyReport
from api.schema.policy_version import PolicyStatus, PolicyVersion

MOST = 20
"""Entries of a list of versions or changes, unless asked for more or fewer."""


def about(text: str, name: str | None = None) -> Any:
    """What an argument means, and its name where Python has another one."""
    return strawberry.argument(description=text, name=name)


_Last = Annotated[int | None, about("Most of them, 100 at most; the latest come first.")]
_Before = Annotated[int | None, about("Only what has a lower number.")]
_AsOf = Annotated[
    str | None, about("Instant with its offset from UTC, or a day; now unless given.", "asOf")
]
_Coordinate = Annotated[str, about("Coordinate, such as Enrollee.ssn.")]
_Action = Annotated[str, about("Action, with an operator where one is meant: filter:eq.")]
Edits = Annotated[list[PolicyEdit] | None, about("Edits, one after the other.")]
Text = Annotated[
    str | None,
    about("A whole policy in TOML; orders, tests and assignments stay, and promises without any."),
]
RollbackTo = Annotated[
    int | None,
    about("Number of the version to go back to, orders left as they are.", "rollbackTo"),
]


def _most(last: int | None) -> int:
    return MOST if last is None else last


async def _versions(root: Any, last: _Last = MOST, before: _Before = None) -> Any:
    return await root.administration.versions(_most(last), before)


async def _version(root: Any, number: Annotated[int, about("Number, from 1 on.")]) -> Any:
    return await root.administration.version(number)


async def _changes(
    root: Any,
    state: Annotated[str | None, about("Only those in this state.")] = None,
    last: _Last = MOST,
    before: _Before = None,
) -> Any:
    return await root.administration.changes(state, _most(last), before)


async def _change(root: Any, id_: Annotated[int, about("Number of the change.", "id")]) -> Any:
    return await root.administration.change(id_)


async def _compare(
    root: Any,
    before: Annotated[int, about("Number of one version.")],
    after: Annotated[int, about("Number of the other.")],
) -> Any:
    return await root.inquiry.compare(root.caller, before, after)


async def _try(
    root: Any, edits: Edits = None, text: Text = None, rollback_to: RollbackTo = None
) -> Any:
    return await root.administration.tried(root.caller, edits, text, rollback_to)


async def _explain(
    root: Any,
    role: Annotated[str, about("Role.")],
    coordinate: _Coordinate,
    action: _Action = "read",
    attributes: Annotated[str | None, about("Attributes of who asks, as a JSON object.")] = None,
    row: Annotated[str | None, about("A row that is made up, as a JSON object.")] = None,
    as_of: _AsOf = None,
) -> Any:
    return await root.inquiry.explain(root.caller, role, coordinate, action, attributes, row, as_of)


async def _who_can(
    root: Any, coordinate: _Coordinate, action: _Action = "read", as_of: _AsOf = None
) -> Any:
    return await root.inquiry.who_can(root.caller, coordinate, action, as_of)


async def _matrix(
    root: Any,
    action: _Action = "read",
    roles: Annotated[list[str] | None, about("Roles; all of them unless given.")] = None,
    coordinates: Annotated[
        list[str] | None, about("Coordinates; all of them unless given.")
    ] = None,
    as_of: _AsOf = None,
) -> Any:
    return await root.inquiry.matrix(root.caller, action, roles, coordinates, as_of)


async def _status(root: Any) -> Any:
    return await root.administration.status(root.caller)


def _field(name: str, resolver: Any, answers: Any, type_: Any, text: str) -> Any:
    of = Guard(Opens.LOCAL, answers.__name__)
    return guarded_by(of, name=name, resolver=resolver, graphql_type=type_ | None, description=text)


VERSIONS = _field(
    "policyVersions",
    _versions,
    PolicyVersion,
    list[PolicyVersion],
    "Versions of the policy, the latest first. Text and document come with a single one.",
)
VERSION = _field(
    "policyVersion", _version, PolicyVersion, PolicyVersion, "A version of the policy, whole."
)
CHANGES = _field(
    "policyChanges",
    _changes,
    PolicyChange,
    list[PolicyChange],
    "Changes of the policy, the latest first. The document comes with a single one.",
)
CHANGE = _field("policyChange", _change, PolicyChange, PolicyChange, "A change of the policy.")
COMPARE = _field(
    "policyCompare", _compare, PolicyDiff, PolicyDiff, "What differs between two versions."
)
TRY = _field(
    "policyTry",
    _try,
    PolicyReport,
    PolicyReport,
    "What proposing a change would say; saves nothing, and counts no people.",
)
EXPLAIN = _field(
    "policyExplain",
    _explain,
    PolicyExplanation,
    PolicyExplanation,
    "Why a role may do something, or may not. Rows are made up, never records.",
)
WHO_CAN = _field(
    "policyWhoCan",
    _who_can,
    PolicyAccess,
    list[PolicyAccess],
    "The roles that may do something on some row.",
)
MATRIX = _field(
    "policyMatrix",
    _matrix,
    PolicyMatrixRow,
    list[PolicyMatrixRow],
    "What each role may do with each coordinate.",
)
STATUS = _field(
    "policyStatus", _status, PolicyStatus, PolicyStatus,
    "Which version is in force where, and what is overdue.",
)  # fmt: skip
