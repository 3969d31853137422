"""Conditions that hold on no row are found, and none that holds on some row is."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authz import impossible as module
from authz.impossible import impossible
from authz.scope import parse_scope
from db.predicate import Predicate, both, either, negate
from tests.properties.policies import FLAGS, SMALL, holds

LEAVES = [parse_scope(SMALL, "Enrollee", text) for name in FLAGS
          for text in (f"{name} = true", f"{name} != true")]  # fmt: skip
conditions = st.recursive(
    st.sampled_from([*LEAVES, parse_scope(SMALL, "Enrollee", "never")]),
    lambda inner: st.lists(inner, min_size=1, max_size=4).flatmap(
        lambda parts: st.sampled_from([both(*parts), either(*parts), negate(parts[0])])
    ),
    max_leaves=12,
)
ROWS = [dict(zip(FLAGS, row, strict=True)) for row in product([True, False, None], repeat=4)]


@settings(max_examples=200)
@given(conditions)
def test_impossible_is_what_no_row_meets(condition: Predicate) -> None:
    assert impossible(condition) == (not any(holds(condition, row) for row in ROWS))


@pytest.mark.parametrize("text", ["always", "a = true", "a = true or a != true"])
def test_what_may_hold_is_not_impossible(text: str) -> None:
    assert not impossible(parse_scope(SMALL, "Enrollee", text))


def test_a_search_that_is_given_up_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "(a = true or b = true) and a != true and b != true"
    assert impossible(parse_scope(SMALL, "Enrollee", text))
    monkeypatch.setattr(module, "_MOST", 2)
    assert not impossible(parse_scope(SMALL, "Enrollee", text))
