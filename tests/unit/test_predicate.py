"""Row conditions: joined, negated, absorbed. Truth is checked by a tiny evaluator of its own."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.catalog import Kind
from db.catalog_records import CATALOG
from db.predicate import (
    COMPLEMENT,
    Always,
    And,
    AsOf,
    Attribute,
    Compare,
    Covers,
    Exists,
    Literal,
    Never,
    Operator,
    Or,
    Predicate,
    Ref,
    Through,
    attributes,
    both,
    either,
    negate,
    operators,
)
from db.tables import CLAIM, ENROLLEE

NAMES = ("a", "b", "c")


def leaf(name: str) -> Compare:
    """A leaf that the evaluator knows by the literal it compares with."""
    return Compare(Ref(ENROLLEE.columns["sex"]), Operator.EQ, Literal(name))


LEAVES = {name: leaf(name) for name in NAMES}
RELATION = CATALOG.relations["enrollee"]["claims"]

trees = st.recursive(
    st.sampled_from([*LEAVES.values(), Always(), Never()]),
    lambda below: st.one_of(
        st.lists(below, max_size=3).map(lambda parts: both(*parts)),
        st.lists(below, max_size=3).map(lambda parts: either(*parts)),
    ),
    max_leaves=8,
)


def holds(predicate: Predicate, world: dict[str, bool]) -> bool:
    """Two-valued truth of a tree of leaves."""
    match predicate:
        case Always():
            return True
        case Never():
            return False
        case And(parts):
            return all(holds(part, world) for part in parts)
        case Or(parts):
            return any(holds(part, world) for part in parts)
        case Compare(_, operator, Literal(str() as name)):
            return world[name] if operator is Operator.EQ else not world[name]
        case _:
            raise AssertionError(predicate)


WORLDS = [
    dict(zip(NAMES, values, strict=True)) for values in product((False, True), repeat=len(NAMES))
]


@given(st.lists(trees, max_size=4))
def test_joining_changes_no_truth(parts: list[Predicate]) -> None:
    for world in WORLDS:
        assert holds(both(*parts), world) == all(holds(part, world) for part in parts)
        assert holds(either(*parts), world) == any(holds(part, world) for part in parts)


@given(trees)
def test_a_negation_holds_where_the_condition_does_not(tree: Predicate) -> None:
    for world in WORLDS:
        assert holds(negate(tree), world) is not holds(tree, world)


@given(trees)
def test_negating_twice_changes_no_truth(tree: Predicate) -> None:
    for world in WORLDS:
        assert holds(negate(negate(tree)), world) == holds(tree, world)


def test_every_operator_has_a_complement_that_leads_back() -> None:
    assert set(COMPLEMENT) == set(Operator)
    for operator in Operator:
        assert COMPLEMENT[COMPLEMENT[operator]] is operator
        assert COMPLEMENT[operator] is not operator


def test_a_negated_leaf_keeps_its_permit() -> None:
    permit = leaf("b")
    asked = Compare(Ref(ENROLLEE.columns["sex"]), Operator.EQ, Literal("a"), permit)
    negated = negate(asked)
    assert isinstance(negated, Compare)
    assert negated.permit == permit
    assert negated.operator is Operator.NE


def test_what_is_asked_of_other_rows_is_negated_as_a_whole() -> None:
    asked = Exists(RELATION, leaf("a"))
    assert negate(asked) == Exists(RELATION, leaf("a"), negated=True)
    assert negate(Covers()) == Covers(negated=True)


def test_what_is_asked_of_the_one_row_that_a_step_leads_to_is_negated_there() -> None:
    asked = Through(RELATION, leaf("c"), leaf("a"), leaf("b"))
    negated = negate(asked)
    assert negated == Through(RELATION, leaf("c"), negate(leaf("a")), leaf("b"))
    assert negate(negated) == asked


def test_a_wide_condition_takes_in_a_narrow_one() -> None:
    a, b = LEAVES["a"], LEAVES["b"]
    assert either(a, both(a, b)) == a
    assert either(both(a, b), a) == a
    assert either(both(a, b), both(a, b)) == both(a, b)
    assert isinstance(either(a, b), Or)


def test_the_attributes_of_a_condition_are_all_of_them() -> None:
    by_state = Compare(Ref(ENROLLEE.columns["submitting_state"]), Operator.IN, Attribute("state"))
    by_npi = Compare(Ref(CLAIM.columns["billing_prov_npi_num"]), Operator.IN, Attribute("npi"))
    permitted = Compare(Ref(ENROLLEE.columns["date_of_birth"]), Operator.LT, AsOf(12), by_state)
    by_plan = Compare(Ref(CLAIM.columns["plan_id_number"]), Operator.IN, Attribute("plan_id"))
    step = Through(RELATION, by_plan, Covers())
    condition = either(both(permitted, Covers()), Exists(RELATION, by_npi), step, Never())
    assert attributes(condition) == {"state", "npi", "plan_id"}
    assert attributes(Always()) == frozenset()


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("coded", [False, True])
def test_a_filter_offers_operators_that_fit_the_kind(kind: Kind, coded: bool) -> None:
    offered = operators(kind, coded=coded)
    assert len(set(offered)) == len(offered)
    if kind is Kind.DAYS:
        assert offered == ()
    else:
        assert Operator.IS_NULL in offered
    if coded:
        assert Operator.STARTS_WITH not in offered
