"""What is written as TOML is read back as it was, whatever the policy."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authz.decision import DenialMode
from authz.invariant import Invariant
from authz.order import Change, Order, Status
from authz.order_file import parse_order
from authz.packaged import load_orders, load_seed_document
from authz.policy import ALWAYS, Effect, PolicySet, Role, Rule, join
from authz.policy_check import policy_set
from authz.policy_file import parse_policy, parse_policy_file
from authz.policy_text import order_text, policy_text
from db.catalog_records import CATALOG
from tests.properties.policies import FLAGS, SMALL

SEED = Path(__file__).parents[2] / "authz" / "seed" / "policy.toml"
NAMES = ("a", "one", "two_2")

words = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from('\\"\n\r\t\x7f\x00#]é😀'), min_size=1
).filter(lambda text: bool(text.strip()))
objects = st.sampled_from(
    ["Enrollee.a", "Enrollee.b", "Enrollee.c", "inner", "outer", "Enrollee.*"]
)
rules = st.builds(
    Rule,
    st.sampled_from(NAMES),
    objects,
    st.sampled_from(["read", "filter", "filter:eq", "sort", "aggregate", "create", "update"]),
    st.sets(st.sampled_from(FLAGS), max_size=3).map(join),
    st.sampled_from(Effect),
)


promises = st.builds(
    Invariant,
    st.sampled_from(["no_one", "never", "not_2"]),
    words,
    st.frozensets(st.sampled_from(NAMES[:2])),
    st.frozensets(st.sampled_from(NAMES[2:])),
    st.frozensets(objects, min_size=1),
    st.frozensets(st.sampled_from(["read", "filter", "filter:eq", "sort"]), min_size=1),
    st.sets(st.sampled_from(FLAGS), max_size=3).map(lambda names: "&".join(sorted(names))),
)


@st.composite
def roles(draw: st.DrawFn, name: str) -> Role:
    """One of three roles, which inherits only from those before it."""
    before = NAMES[: NAMES.index(name)]
    return Role(
        name,
        draw(words),
        draw(st.integers(1, 10_000)),
        draw(st.sampled_from(DenialMode)),
        frozenset(draw(st.sets(st.sampled_from(before))) if before else ()),
        frozenset(draw(st.sets(st.sampled_from(["reason", "county", "agreement"])))),
        draw(st.sampled_from([0, 2, 11])),
    )


@st.composite
def policies(draw: st.DrawFn) -> PolicySet:
    """A policy over the small catalog that uses every form that a file has."""
    return policy_set(
        SMALL,
        [draw(roles(name)) for name in NAMES],
        {"inner": draw(st.sets(st.sampled_from(["Enrollee.a", "Enrollee.b"]), min_size=1)),
         "outer": {"inner", "Enrollee.d", "Enrollee.*"}},
        {name: {"Enrollee": f"{name} = true"} for name in FLAGS},
        draw(st.sets(rules, max_size=40)) | {Rule("a", "*", "read", ALWAYS, Effect.DENY)},
    )  # fmt: skip


@settings(max_examples=30)
@given(policies())
def test_a_policy_that_is_written_is_read_as_it_was(policy: PolicySet) -> None:
    text = policy_text(policy)
    assert parse_policy(SMALL, text) == policy
    assert policy_text(parse_policy(SMALL, text)) == text


def test_a_policy_of_nothing_is_read_as_it_was() -> None:
    policy = policy_set(SMALL, [], {}, {}, [])
    assert parse_policy(SMALL, policy_text(policy)) == policy


@settings(max_examples=10)
@given(policies(), st.lists(promises, max_size=3, unique_by=lambda each: each.name))
def test_invariants_are_read_as_they_were(policy: PolicySet, found: list[Invariant]) -> None:
    text = policy_text(policy, reversed(found))
    assert parse_policy_file(SMALL, text) == (policy, tuple(sorted(found, key=lambda i: i.name)))


def test_the_seed_policy_is_read_as_it_was_from_no_more_lines_of_rules_than_people_wrote() -> None:
    seed = load_seed_document(CATALOG)
    text = policy_text(seed.policy, seed.invariants)
    assert parse_policy_file(CATALOG, text) == (seed.policy, seed.invariants)
    assert seed.invariants
    written = tomllib.loads(SEED.read_text(encoding="utf-8"))["rules"]
    made = tomllib.loads(text)["rules"]
    assert len(made) <= len(written)
    keys = [(r["role"], r["where"], r.get("effect"), tuple(r["actions"])) for r in made]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("order", load_orders(CATALOG), ids=lambda order: str(order.name))
def test_an_order_that_is_written_is_read_as_it_was(order: Order) -> None:
    begin = order.history[-1].at
    later = tuple(
        Change(begin + timedelta(days=day, microseconds=7), status)
        for day, status in enumerate(Status, 1)
    )
    changed = replace(order, caption='A "v."\t\x7f\x00B\\', history=(*order.history, *later))
    for each in (order, changed):
        assert parse_order(CATALOG, each.name, order_text(each)) == each
