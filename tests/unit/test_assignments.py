"""Roles that policy gives to subjects, besides those of their tokens."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from authz.document import Document
from authz.errors import ActingRoleNeeded, CapEvaded, DocumentInvalid, NoRole, PolicyInvalid
from authz.packaged import load_seed
from authz.principal import Principal, acting_role
from authz.snapshot import Holder, take
from authz.store import read_document, text_of
from db.catalog_records import CATALOG
from db.errors import FieldwardError

POLICY, ORDERS = load_seed(CATALOG)
NOW = datetime(2026, 2, 1, tzinfo=UTC)
CAPPED = "immigration_enforcement"
ASSIGNMENTS = MappingProxyType(
    {
        "ana": frozenset({"front_desk"}),
        "agent": frozenset({CAPPED}),
        "both": frozenset({"front_desk", "auditor"}),
    }
)
SNAPSHOT = take(POLICY, ORDERS, NOW, 1, ASSIGNMENTS)


def acting(subject: str, *roles: str, named: str | None = None) -> str:
    principal = SNAPSHOT.principal(Principal(subject, frozenset(roles)))
    return acting_role(principal, named, SNAPSHOT.capped, SNAPSHOT.roles)


CASES: dict[str, tuple[tuple[str, tuple[str, ...], str | None], str | type[FieldwardError]]] = {
    "a token without a role acts in the assigned one": (("ana", (), None), "front_desk"),
    "nobody else gets it": (("anna", (), None), NoRole),
    "names are compared exactly": (("Ana", (), None), NoRole),
    "an assigned role beside one of the token has to be named": (
        ("ana", ("auditor",), None),
        ActingRoleNeeded,
    ),
    "and is named like any other": (("ana", ("auditor",), "front_desk"), "front_desk"),
    "several assigned roles are not merged": (("both", (), None), ActingRoleNeeded),
    "an assigned role that the token has, too, is one role": (
        ("ana", ("front_desk",), None),
        "front_desk",
    ),
    "a capped role that is assigned acts whatever the token holds": (
        ("agent", ("eligibility_supervisor",), None),
        CAPPED,
    ),
    "and cannot be set aside": (
        ("agent", ("eligibility_supervisor",), "eligibility_supervisor"),
        CapEvaded,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_assigned_roles_are_held_like_those_of_the_token(case: str) -> None:
    (subject, roles, named), wanted = CASES[case]
    if isinstance(wanted, str):
        assert acting(subject, *roles, named=named) == wanted
        return
    with pytest.raises(wanted):
        acting(subject, *roles, named=named)


def test_assignments_are_stored_with_the_version_and_stay_when_an_order_changes_the_day() -> None:
    written = Document(POLICY, ORDERS, assignments=ASSIGNMENTS)
    assert read_document(text_of(written), CATALOG).assignments == ASSIGNMENTS
    assert "assignments" not in json.loads(text_of(Document(POLICY, ORDERS)))
    holder = Holder(POLICY, ORDERS, datetime(2026, 1, 1, tzinfo=UTC), 1, ASSIGNMENTS)
    assert holder.current(NOW).assignments == ASSIGNMENTS


@pytest.mark.parametrize(
    ("assignments", "error"),
    [({"ana": ["front_desc"]}, PolicyInvalid), ({"ana": "front_desk"}, DocumentInvalid)],
)
def test_an_assignment_that_means_nothing_is_refused(
    assignments: object, error: type[FieldwardError]
) -> None:
    document = json.loads(text_of(Document(POLICY, ORDERS)))
    with pytest.raises(error):
        read_document(json.dumps(document | {"assignments": assignments}), CATALOG)
