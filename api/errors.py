"""Refusals of the api room: FW1xx HTTP and GraphQL, FW2xx tokens and principals."""

from __future__ import annotations

from enum import StrEnum

from db.errors import FieldwardError


class Flaw(StrEnum):
    """Why a token is not valid: a label for metrics and logs, never for the client."""

    SIZE = "size"
    SHAPE = "shape"
    HEADER = "header"
    KEY = "key"
    ALGORITHM = "algorithm"
    SIGNATURE = "signature"
    PAYLOAD = "payload"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    TIMES = "times"
    SUBJECT = "subject"
    ROLES = "roles"
    PURPOSE = "purpose"
    REQUEST = "request"


class TokenMissing(FieldwardError):
    """No bearer token in the Authorization header."""

    code = "FW201"
    public = "a bearer token is required"
    status = 401


class TokenInvalid(FieldwardError):
    """A token that nobody vouches for or that is misshapen: one text for every cause."""

    code = "FW202"
    public = "the token is not valid"
    status = 401

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.value)
        self.flaw = flaw


class TokenExpired(FieldwardError):
    """A genuine token past its `exp`."""

    code = "FW203"
    public = "the token has expired"
    status = 401


class TokenNotYetValid(FieldwardError):
    """A genuine token before its `nbf`, or issued in the future."""

    code = "FW204"
    public = "the token is not valid yet"
    status = 401


class KeysUnavailable(FieldwardError):
    """The issuer's keys could not be read, and none that were read before are young enough."""

    code = "FW205"
    public = "the keys that verify tokens are not available"
    status = 503


class ClaimContradicted(FieldwardError):
    """Purpose-Of-Use or Request-Reference says other than the token."""

    code = "FW206"
    public = "a header contradicts the token"
    status = 403


class TokenSettingsInvalid(FieldwardError):
    """Tokens cannot be verified as configured; `detail` names the setting and what is wrong."""

    code = "FW207"
    public = "the token settings are not valid"


class ContextHeaderInvalid(FieldwardError):
    """Purpose-Of-Use or Request-Reference is not written as it has to be."""

    code = "FW208"
    public = "a header has a value of the wrong form"
    status = 400


class ClaimRefused(FieldwardError):
    """A token of the demo cannot be made with this claim; `detail` names the claim."""

    code = "FW209"
    public = "the token cannot be made with this claim"
    status = 400


class OnePath(FieldwardError):
    """A record field was resolved by Strawberry. Records come out of one compiled statement."""

    code = "FW100"
    public = "records have one data path"


class RequestMalformed(FieldwardError):
    """The HTTP request is not a GraphQL request: no JSON object, or parameters of a wrong type."""

    code = "FW101"
    public = "the request is not a GraphQL request"
    status = 400


class MediaTypeUnsupported(FieldwardError):
    """The body is not application/json in UTF-8."""

    code = "FW102"
    public = "the body must be application/json"
    status = 415


class NotAcceptable(FieldwardError):
    """The client accepts neither of the two media types of GraphQL over HTTP."""

    code = "FW103"
    public = "only application/graphql-response+json and application/json are spoken"
    status = 406


class MethodNotAllowed(FieldwardError):
    """Neither GET nor POST, or an operation by GET that is no query."""

    code = "FW104"
    public = "use POST, or GET for a query"
    status = 405


class RequestTooLarge(FieldwardError):
    """The body or the document is larger than a gateway reads."""

    code = "FW105"
    public = "the request is too large"
    status = 413


class OperationUnknown(FieldwardError):
    """The document has no operation of that name, or several and none was named."""

    code = "FW111"
    public = "name one operation of the document"
    status = 400


class VariableInvalid(FieldwardError):
    """A variable is missing or not of its type; `extensions.variables` names those of them."""

    code = "FW112"
    public = "a variable is missing or not of its type"
    status = 400


class OperationTooComplex(FieldwardError):
    """Deeper or wider than one statement may be."""

    code = "FW113"
    public = "the operation selects too much at once"
    status = 400


class ArgumentInvalid(FieldwardError):
    """An argument does not make sense; `extensions.argument` names it."""

    code = "FW114"
    public = "an argument is not valid"
    status = 400


class PageTooLarge(FieldwardError):
    """More rows than the role may have on a page; `extensions.limit` says how many it may."""

    code = "FW115"
    public = "the page is larger than the role may ask for"
    status = 400


class CursorInvalid(FieldwardError):
    """A cursor that was altered, or was made for another caller, role, order or filter."""

    code = "FW116"
    public = "the cursor does not belong to this list"
    status = 400


class SharedMedicaidId(FieldwardError):
    """Several people of the row scope hold the ID; the client has to choose among them."""

    code = "FW117"
    public = "several people share this Medicaid ID: use enrollees(where: {medicaidId: {eq: …}})"
    status = 400


class SelectionDenied(FieldwardError):
    """A selected coordinate that the role may not read: null, with this error."""

    code = "FW120"
    public = "not permitted"
    status = 403


class PositionDenied(FieldwardError):
    """A filter, order or argument that the role may not use: the operation is refused."""

    code = "FW121"
    public = "the operation uses a coordinate in a way that is not permitted"
    status = 403


class OperationDenied(FieldwardError):
    """The role is set to refuse operations that select a denied coordinate."""

    code = "FW122"
    public = "the operation selects a coordinate that is not permitted"
    status = 403


class AttributeMissing(FieldwardError):
    """The role's row scope reads an attribute that the token does not carry."""

    code = "FW123"
    public = "the token lacks an attribute that the role needs"
    status = 403


class AccessEnded(FieldwardError):
    """The hour until which emergency access was given has passed, or was never named."""

    code = "FW124"
    public = "the time of this access has ended"
    status = 403


class FilterTooNarrow(FieldwardError):
    """A clause of a filter sets too few people apart; an aggregate would tell of them."""

    code = "FW125"
    public = "a part of the filter sets too few people apart"
    status = 403


class NotNarrowing(FieldwardError):
    """What is called an emergency would give somebody something that he did not have."""

    code = "FW126"
    public = "an emergency may only narrow what is reached"
    status = 409


class PolicyUnchanged(FieldwardError):
    """What is proposed is what there is."""

    code = "FW127"
    public = "this would change nothing"
    status = 400


class SettingsInvalid(FieldwardError):
    """An environment variable or a file of the state directory is not as it has to be."""

    code = "FW191"
    public = "the settings are not valid"


class Defect(FieldwardError):
    """A mistake of the gateway's own; its log says where."""

    code = "FW193"
    public = "internal error"
    status = 500


class NotReady(FieldwardError):
    """The gateway cannot answer yet, or no longer: its database or its keys are missing."""

    code = "FW192"
    public = "not ready"
    status = 503
