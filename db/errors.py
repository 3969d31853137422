"""The error tree of every room.

    FieldwardError            code, public text, HTTP status
    ├── db.errors             FW5xx  PostgreSQL, migrations, ingest, embedded server
    ├── authz.errors          FW3xx  decisions · FW4xx policy and orders
    └── api.errors            FW1xx  HTTP and GraphQL · FW2xx tokens and principals

A client sees `code` and `public` and nothing else: constant text, no value of a record, no
driver text. `facts` go to the client too: names of the schema, numbers, never a value of a record.
`detail` is for the operator who runs a command on their own files; the HTTP side never sends it.
"""

from __future__ import annotations

from typing import ClassVar


class FieldwardError(Exception):
    """An error with a code of its own.

    A subclass without a code, or with a code that another class has, is refused at import.
    """

    code: ClassVar[str] = "FW000"
    public: ClassVar[str] = "internal error"
    status: ClassVar[int] = 500

    _codes: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        code = cls.__dict__.get("code")
        if code is None or "public" not in cls.__dict__:
            raise TypeError(f"{cls.__qualname__} needs a code and a public text of its own")
        owner = f"{cls.__module__}.{cls.__qualname__}"
        if FieldwardError._codes.setdefault(code, owner) != owner:
            raise TypeError(f"{owner} takes {code}, which {FieldwardError._codes[code]} has")

    def __init__(self, detail: str = "", **facts: object) -> None:
        super().__init__(f"{self.code}: {detail or self.public}")
        self.detail = detail
        self.facts = facts

    @staticmethod
    def codes() -> dict[str, str]:
        """Every code in use → the dotted name of its class."""
        return dict(FieldwardError._codes)


class EmbeddedServerFailed(FieldwardError):
    """The embedded PostgreSQL did not start or stop; `detail` names the step and its log file."""

    code = "FW501"
    public = "the embedded database could not be started"


class DatabaseUnavailable(FieldwardError):
    """No connection within the time allowed."""

    code = "FW502"
    public = "the database is not available"
    status = 503


class StatementFailed(FieldwardError):
    """PostgreSQL refused a compiled statement; its text stays on this side."""

    code = "FW503"
    public = "the statement could not be executed"


class MigrationRefused(FieldwardError):
    """A migration was edited after it ran, is missing, or the database is newer than this code."""

    code = "FW504"
    public = "the database schema does not match this version"


class UnsafeLogin(FieldwardError):
    """The gateway's login is a superuser, bypasses row policies, or owns record tables."""

    code = "FW505"
    public = "the gateway's database login may do more than a gateway may"


class ImportRefused(FieldwardError):
    """The folder to import lacks a required file or column; nothing was written."""

    code = "FW506"
    public = "the records cannot be imported"


class StatementTimeout(FieldwardError):
    """A statement ran past the time that one request may use."""

    code = "FW507"
    public = "the operation took too long"
    status = 503


class PrivilegeMissing(FieldwardError):
    """PostgreSQL refused a statement to the role that it ran as; a client never sees this one.

    The statement was compiled under another policy than the one that grants stand for, or grants
    were changed past it.
    """

    code = "FW508"
    public = "the statement needs a privilege that its role lacks"


class StalePolicy(FieldwardError):
    """Another policy version is the head than the one that something was compiled under.

    It is then compiled again, so a client sees this one only where the policy changed each time.
    """

    code = "FW513"
    public = "the policy keeps changing: ask again"
    status = 503


class FloorDrift(FieldwardError):
    """Grants are not what the policy in force makes them; `detail` names each difference."""

    code = "FW509"
    public = "the database's grants differ from the policy"
    status = 503


class FloorMissing(FieldwardError):
    """The database holds no policy version yet: `fieldward db floor` writes one."""

    code = "FW510"
    public = "the database holds no policy: run `fieldward db floor`"
    status = 503


class FloorRefused(FieldwardError):
    """PostgreSQL did not make or grant what the floor needs; `detail` is for the operator."""

    code = "FW511"
    public = "the floor cannot be made"


class PolicyMoved(FieldwardError):
    """Another policy version was committed since this one was begun."""

    code = "FW512"
    public = "the policy has changed since"
    status = 409


class ChangeUnknown(FieldwardError):
    """No change of the policy has this number."""

    code = "FW514"
    public = "there is no such change"
    status = 404


class ChangeClosed(FieldwardError):
    """What was asked is not possible in the state that a change is in; `facts` name the state."""

    code = "FW515"
    public = "the state of the change forbids it"
    status = 409


class SamePerson(FieldwardError):
    """The author of a change would approve or reject it; an author withdraws."""

    code = "FW516"
    public = "another person than the author has to say it"
    status = 403


class ApprovalMissing(FieldwardError):
    """A change would be committed that nobody but its author has looked at."""

    code = "FW517"
    public = "another person has to approve the change first"
    status = 409


class ChangeExpired(FieldwardError):
    """The time of a change is over: it is proposed again, and checked again."""

    code = "FW518"
    public = "the change has expired: propose it again"
    status = 409


class NotTheAuthor(FieldwardError):
    """Somebody else than its author would withdraw a change; others reject."""

    code = "FW519"
    public = "only its author withdraws a change"
    status = 403


class ChangeInvalid(FieldwardError):
    """A change lacks a reason or an actor, is too long, or its digest is not its document's."""

    code = "FW520"
    public = "a change needs its author, a reason, and a document with its digest"
    status = 400


class VersionUnknown(FieldwardError):
    """No policy version has this number, or none was committed by then."""

    code = "FW521"
    public = "there is no such version of the policy, or none by then"
    status = 404


class OperationsRefused(FieldwardError):
    """PostgreSQL does not note what is no operation; `detail` is its SQLSTATE."""

    code = "FW525"
    public = "the operations cannot be noted"
