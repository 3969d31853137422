"""Refusals of the authz room: FW21x who acts, FW3xx decisions, FW4xx policy and orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from authz.checks.finding import Severity
from db.errors import FieldwardError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authz.checks.finding import Finding

_SHOWN: Final = 20
"""Counterexamples in the text of an error; the count says how many there are."""


class UnknownRole(FieldwardError):
    """A role of the token that the policy does not have: an error, never ignored."""

    code = "FW211"
    public = "a role of the token is unknown"
    status = 403


class ActingRoleNeeded(FieldwardError):
    """The token holds several roles and the request names none of them."""

    code = "FW212"
    public = "the token holds several roles: name one in Acting-Role"
    status = 403


class RoleNotHeld(FieldwardError):
    """The request names a role that the token does not hold, known to the policy or not."""

    code = "FW213"
    public = "the acting role is not one of the token's roles"
    status = 403


class NoRole(FieldwardError):
    """The token holds no role at all."""

    code = "FW214"
    public = "the token holds no role"
    status = 403


class ConflictingCaps(FieldwardError):
    """The token holds two capped roles: whichever acted would evade the other's cap."""

    code = "FW215"
    public = "the token holds more than one capped role"
    status = 403


class AttributeInvalid(FieldwardError):
    """A known attribute has the wrong type or form; `detail` names it, without its value."""

    code = "FW216"
    public = "an attribute of the token is not valid"
    status = 403


class CapEvaded(FieldwardError):
    """The request names another role although the token holds a capped one."""

    code = "FW217"
    public = "a capped role of the token cannot be set aside"
    status = 403


class EngineUntrusted(FieldwardError):
    """Casbin answered a question that has one right answer wrongly: nothing it says counts."""

    code = "FW301"
    public = "the authorization engine cannot be trusted"


class PolicyInvalid(FieldwardError):
    """The policy says something that it cannot mean; `detail` says where, and what was meant."""

    code = "FW401"
    public = "the policy is not valid"
    status = 400


class ScopeInvalid(FieldwardError):
    """The text of a row scope has no meaning; `position` is the character, from 1."""

    code = "FW402"
    public = "a row scope is not valid"
    status = 400

    def __init__(self, problem: str, position: int) -> None:
        super().__init__(f"character {position}: {problem}")
        self.problem = problem
        self.position = position


class OrderInvalid(FieldwardError):
    """The file of a court order says something that it cannot mean; `detail` says where."""

    code = "FW403"
    public = "a court order is not valid"
    status = 400


class FloorImpossible(FieldwardError):
    """PostgreSQL could not hold a role to an order; `detail` names the order or the role."""

    code = "FW405"
    public = "the floor cannot hold a court order"
    status = 400


class DocumentInvalid(FieldwardError):
    """What is stored as a policy version is none; `detail` says where."""

    code = "FW406"
    public = "the stored policy is not valid"


class CommitRefused(FieldwardError):
    """The checks of a version found what speaks against it; `findings` are all, `detail` lists the
    errors among them."""

    code = "FW411"
    public = "the checks of the policy refuse this version"
    status = 409

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        told = [each.text for each in self.findings if each.severity is Severity.ERROR]
        super().__init__(f"{len(told)} in all: " + "; ".join(told[:_SHOWN]))


class RowInvalid(FieldwardError):
    """A row that was made up is none that could be; `detail` says what of it."""

    code = "FW414"
    public = "the described row is not valid"
    status = 400


class CaseInvalid(FieldwardError):
    """A test of a policy says something that it cannot mean; `detail` says where."""

    code = "FW415"
    public = "a test of the policy is not valid"
    status = 400


class QuestionInvalid(FieldwardError):
    """A question about the policy names what there is not; `detail` says what, and the nearest."""

    code = "FW422"
    public = "the question names what there is not"
    status = 400


class EditInvalid(FieldwardError):
    """An edit has no meaning, or does not fit the version; `detail` says which and why."""

    code = "FW417"
    public = "an edit of the policy is not valid"
    status = 400


class CasbinModelOther(FieldwardError):
    """A Casbin model that is not the one that decides here: its rules would mean something else."""

    code = "FW420"
    public = "the Casbin model is not the one of this server"
    status = 400


class CasbinInvalid(FieldwardError):
    """A Casbin CSV that is not one that we would write; `detail` says where."""

    code = "FW421"
    public = "the Casbin policy cannot be imported"
    status = 400
