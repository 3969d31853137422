"""What is written of a policy is what is read of it, whatever a role or an order may say."""

from __future__ import annotations

from dataclasses import fields, replace

from authz.decision import DenialMode
from authz.packaged import load_seed
from authz.policy import PolicySet, Role
from authz.store import document_of, read_document
from db.catalog_records import CATALOG
from tests.oracle.corners import corner_policy

EVERYTHING = Role(
    "odd", "Odd.", 7, DenialMode.REFUSE, frozenset({"wide"}), frozenset({"reason"}), 5
)
"""A role of which nothing is as it is when nobody says."""


def test_a_policy_is_read_as_it_was_written() -> None:
    seed, orders = load_seed(CATALOG)
    document = read_document(document_of(seed, orders), CATALOG)
    read, read_orders = document.policy, document.orders
    assert read == seed
    assert read_orders == tuple(sorted(orders, key=lambda each: each.name))


def test_everything_that_a_role_can_say_is_written() -> None:
    plain = Role("odd", "Odd.", 10, DenialMode.NULL)
    for said in fields(Role)[1:]:
        if said.name != "description":
            assert getattr(plain, said.name) != getattr(EVERYTHING, said.name), said.name
    policy: PolicySet = corner_policy()
    odd = replace(policy, roles={**policy.roles, "odd": EVERYTHING})
    read = read_document(document_of(odd, ()), CATALOG).policy
    assert read.roles["odd"] == EVERYTHING
