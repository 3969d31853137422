"""The stored form of policy and orders: what is written is read back, strictly."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from random import Random

import pytest

from authz.decision import DenialMode
from authz.errors import DocumentInvalid, PolicyInvalid
from authz.packaged import load_seed
from authz.policy import ALWAYS, Effect, PolicySet, Role, Rule, join
from authz.policy_check import policy_set
from authz.store import digest_of, document_of, read_document
from db.catalog_records import CATALOG
from db.errors import FieldwardError
from tests.properties.policies import FLAGS, SCOPES, SMALL, role

POLICY, ORDERS = load_seed(CATALOG)
DOCUMENT = document_of(POLICY, ORDERS)


def small_policy(number: int) -> PolicySet:
    """A policy over the small catalog, of this number."""
    rng = Random(number)
    rules = {
        Rule(
            rng.choice(["one", "two"]),
            rng.choice([f"Enrollee.{flag}" for flag in FLAGS] + ["at", "issued"]),
            rng.choice(["read", "filter", "filter:eq", "sort", "update"]),
            join(rng.sample(FLAGS, rng.randint(0, 3))) or ALWAYS,
            rng.choice(list(Effect)),
        )
        for _ in range(rng.randint(0, 12))
    }
    # Names that are keys of an order elsewhere in the document.
    classes = {"at": {"Enrollee.a", "issued"}, "issued": {"Enrollee.b"}}
    return policy_set(SMALL, [role("one"), role("two", "one")], classes, SCOPES, rules)


def test_the_seed_policy_and_its_orders_are_read_back_as_they_were() -> None:
    read = read_document(DOCUMENT, CATALOG)
    policy, orders = read.policy, read.orders
    assert policy.digest == POLICY.digest
    assert policy.rules == POLICY.rules
    assert orders == ORDERS
    assert document_of(policy, orders) == DOCUMENT


@pytest.mark.parametrize("number", range(40))
def test_a_policy_is_read_back_as_it_was(number: int) -> None:
    policy = small_policy(number)
    read = read_document(document_of(policy, ()), SMALL)
    again, orders = read.policy, read.orders
    assert (again.digest, again.rules, orders) == (policy.digest, policy.rules, ())


def test_equal_policies_are_equal_documents_and_others_are_not() -> None:
    documents = {document_of(small_policy(number), ()) for number in range(20)}
    assert len(documents) == len({small_policy(number).digest for number in range(20)}) > 10
    assert digest_of(DOCUMENT) != digest_of(document_of(POLICY, ()))


def changed(*path: str | int, to: object) -> str:
    """The seed's document with one value changed."""
    document = json.loads(DOCUMENT)
    at = document
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = to
    return json.dumps(document)


BROKEN: dict[str, tuple[str, type[FieldwardError]]] = {
    "no JSON": ("{", DocumentInvalid),
    "no table": ("[]", DocumentInvalid),
    "nothing": ("{}", DocumentInvalid),
    "nested too deep": ("[" * 100_000, DocumentInvalid),
    "a key too many": (changed("surprise", to=1), DocumentInvalid),
    "an unknown effect": (changed("policy", "rules", 0, "effect", to="Deny"), DocumentInvalid),
    "an unknown role": (changed("policy", "rules", 0, "role", to="nobody"), PolicyInvalid),
    "an unknown coordinate": (changed("policy", "rules", 0, "on", to=["A.b"]), PolicyInvalid),
    "a scope that means nothing": (
        changed("policy", "scopes", "own_state", "Enrollee", to="sex ="),
        PolicyInvalid,
    ),
    "a day that is none": (changed("orders", 0, "issued", to="2026-02-30"), DocumentInvalid),
    "a day that is a number": (changed("orders", 0, "issued", to=20260101), DocumentInvalid),
    "an instant without its offset": (
        changed("orders", 0, "history", 0, "at", to="2026-01-06T00:00:00"),
        DocumentInvalid,
    ),
    "an order in force too early": (
        changed("orders", 0, "effective", to="2027-01-01"),
        DocumentInvalid,
    ),
    "a grant that nobody has": (
        changed("orders", 0, "grants", 0, "on", to=["Enrollee.shoeSize"]),
        DocumentInvalid,
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_cannot_be_meant_is_refused(what: str) -> None:
    text, error = BROKEN[what]
    with pytest.raises(error):
        read_document(text, CATALOG)


def test_every_setting_of_a_role_is_stored() -> None:
    """A setting that the text left out would be off for every gateway."""
    plain = POLICY.roles["front_desk"]
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
        changed_role = replace(plain, **{name: value})
        changed = replace(POLICY, roles={**POLICY.roles, "front_desk": changed_role})
        stored = read_document(document_of(changed, ORDERS), CATALOG).policy
        assert stored.roles["front_desk"] == changed_role, name
