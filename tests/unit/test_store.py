"""Policy and orders as one text: nothing that a decision rests on is lost on the way."""

from __future__ import annotations

from dataclasses import fields, replace

from authz.decision import DenialMode
from authz.packaged import load_seed
from authz.policy import Role
from authz.store import document_of, read_document
from db.catalog_records import CATALOG


def test_what_is_stored_is_read_as_it_was_written() -> None:
    """A setting of a role that the text left out would be off for every gateway."""
    policy, orders = load_seed(CATALOG)
    stored, listed = read_document(document_of(policy, orders), CATALOG)
    assert stored.roles == policy.roles
    assert stored == policy
    assert stored.digest == policy.digest
    assert sorted(listed, key=lambda order: order.name) == sorted(
        orders, key=lambda order: order.name
    )


def test_every_setting_of_a_role_is_stored() -> None:
    policy, orders = load_seed(CATALOG)
    plain = policy.roles["front_desk"]
    other = {
        "description": "Another.",
        "page_limit": plain.page_limit + 1,
        "denial_mode": DenialMode.REFUSE,
        "inherits": frozenset({"auditor"}),
        "requires": frozenset({"county"}),
        "smallest_cell": 5,
    }
    assert other.keys() == {field.name for field in fields(Role)} - {"name"}
    for name, value in other.items():
        role = replace(plain, **{name: value})
        changed = replace(policy, roles={**policy.roles, "front_desk": role})
        stored, _ = read_document(document_of(changed, orders), CATALOG)
        assert stored.roles["front_desk"] == role, name
