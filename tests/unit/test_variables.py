"""Variables → shape and leaves: taken apart and put together again, they are what graphql-core has.

The coercion of graphql-core is the oracle; the types are those of the gateway's own schema.
"""

from __future__ import annotations

from typing import Any

import pytest
from graphql import OperationDefinitionNode, get_variable_values, parse
from hypothesis import given
from hypothesis import strategies as st

from api.errors import VariableInvalid
from api.given import Given
from api.variables import Variables, size_of
from tests.roles import SEALER, whole

TEXT = st.text(st.characters(codec=None), max_size=5) | st.sampled_from(["", "1", "true", "FEMALE"])
INTEGER = st.sampled_from([0, 1, -1, 2**31 - 1, -(2**31), 2**31, 10**30])
DAY = st.sampled_from(["2001-02-03", "1980-12-31", "2001-02-30", "today"])
SEX = st.sampled_from(["FEMALE", "MALE", "X"])
NUMBER = st.sampled_from(["1", "1.0", "1.00", "x", 1, 1.5])
ODD = st.sampled_from([None, True, 1, 1.0, 1.5, "1", [], {}, [None], ["a"], [[]], {"eq": "a"}])


def operators(single: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            "eq": single | st.none(),
            "in": st.lists(single, max_size=3) | single | st.none(),
            "isNull": st.booleans() | st.none(),
        },
    )


WHERE: st.SearchStrategy[Any] = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "lastName": operators(TEXT),
            "sex": operators(SEX),
            "dateOfBirth": operators(DAY),
            "homeAddress": st.fixed_dictionaries({}, optional={"city": operators(TEXT)}),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {}, optional={"and": st.lists(inner, max_size=2), "or": inner, "not": inner | st.none()}
    ),
    max_leaves=4,
)
ORDER = st.lists(
    st.sampled_from(
        [{"lastName": "ASC"}, {"dateOfBirth": "DESC"}, {"homeAddress": {"city": "ASC"}}]
    ),
    max_size=2,
)
TYPES: dict[str, st.SearchStrategy[Any]] = {
    "String": TEXT,
    "String!": TEXT,
    'String="a"': TEXT,
    "ID": TEXT | INTEGER,
    "Int": INTEGER,
    "Int=3": INTEGER,
    "Boolean!": st.booleans(),
    "Boolean=true": st.booleans(),
    "Date": DAY,
    "Decimal": NUMBER,
    "Sex": SEX,
    "[String!]": st.lists(TEXT, max_size=3) | TEXT,
    "[Sex]": st.lists(SEX | st.none(), max_size=3) | SEX,
    "[Date!]=[]": st.lists(DAY, max_size=3),
    "EnrolleeWhere": WHERE,
    'EnrolleeWhere={lastName:{eq:"a"},and:[]}': WHERE,
    "[EnrolleeWhere!]": st.lists(WHERE, max_size=2),
    "[EnrolleeOrderBy!]": ORDER,
}


def declared(*types: str) -> tuple[OperationDefinitionNode, Variables]:
    """An operation that declares variables v0, v1, … of these types, and what reads them."""
    written = " ".join(f"$v{index}:{type_}" for index, type_ in enumerate(types))
    (operation,) = parse(f"query({written}){{__typename}}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation, Variables(whole(), operation.variable_definitions or ())


@st.composite
def asked(draw: st.DrawFn) -> tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]:
    """Types of up to three variables, and two requests for them."""
    types = tuple(draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=3)))
    one: dict[str, Any] = {}
    other: dict[str, Any] = {}
    for index, type_ in enumerate(types):
        value = st.one_of(TYPES[type_], TYPES[type_], TYPES[type_], ODD)
        for request in (one, other):
            if draw(st.integers(0, 7)):
                request[f"v{index}"] = draw(value)
        if draw(st.booleans()) and f"v{index}" in one:
            other[f"v{index}"] = one[f"v{index}"]
    one["undeclared"] = draw(ODD)
    return types, one, other


@given(asked())
def test_what_is_taken_apart_is_together_what_graphql_core_makes_of_it(
    drawn: tuple[tuple[str, ...], dict[str, Any], dict[str, Any]],
) -> None:
    types, request, _ = drawn
    operation, variables = declared(*types)
    expected = get_variable_values(whole(), operation.variable_definitions or (), request)
    if isinstance(expected, list):
        for take in (variables.read, variables.open):
            with pytest.raises(VariableInvalid):
                take(request)
        return
    read, opened = variables.read(request), variables.open(request)
    together = Given(read.leaves, "alice", SEALER)
    found = {name: together.value(value) for name, value in opened.coerced.items()}
    assert repr(found) == repr(expected.coerced)  # 1 is not 1.0, nor true
    assert size_of(read.shape) > len(types)


@given(asked())
def test_requests_have_one_shape_exactly_when_one_plan_can_be_made_of_both(
    drawn: tuple[tuple[str, ...], dict[str, Any], dict[str, Any]],
) -> None:
    types, one, other = drawn
    _, variables = declared(*types)
    try:
        shapes = [variables.read(each).shape for each in (one, other)]
    except VariableInvalid:
        return
    structures = [repr(variables.open(each).coerced) for each in (one, other)]
    assert (shapes[0] == shapes[1]) == (structures[0] == structures[1])


PLAIN = ["String", "String!", "ID", "Int", "Int=3", "Boolean!", "Boolean=true"]


@given(st.data())
def test_the_short_way_reads_as_the_long_one(data: st.DataObject) -> None:
    types = data.draw(st.lists(st.sampled_from(PLAIN), min_size=1, max_size=3))
    request = {f"v{index}": data.draw(TYPES[type_] | ODD) for index, type_ in enumerate(types)}
    _, short = declared(*types)
    # Nobody knows a day without coercing it, so one more variable makes all go the long way.
    _, long = declared(*types, "Date")
    try:
        expected = long.read(request)
    except VariableInvalid:
        with pytest.raises(VariableInvalid):
            short.read(request)
        return
    found = short.read(request)
    assert isinstance(expected.shape, tuple)
    assert repr(found.shape) == repr(expected.shape[:-1])
    assert repr(found.leaves) == repr(expected.leaves)


@pytest.mark.parametrize(
    ("type_", "one", "other", "same"),
    [
        ("String", {"v0": "a"}, {"v0": ""}, True),
        ("String", {"v0": None}, {}, False),
        ("Boolean", {"v0": True}, {"v0": False}, False),
        ("Sex", {"v0": "MALE"}, {"v0": "FEMALE"}, False),
        ("[String!]", {"v0": ["a"]}, {"v0": ["a", "b"]}, True),
        ("[String!]", {"v0": "a"}, {"v0": ["b"]}, True),
        ("[String!]", {"v0": []}, {"v0": ["a"]}, False),
        ("[EnrolleeOrderBy!]", {"v0": []}, {"v0": [{"lastName": "ASC"}]}, False),
        ("EnrolleeWhere", {"v0": {}}, {"v0": {"and": []}}, False),
        ("EnrolleeWhere", {"v0": {"and": [{}]}}, {"v0": {"and": [{}, {}]}}, False),
        ("EnrolleeWhere", {"v0": {"and": {}}}, {"v0": {"and": [{}]}}, True),
        ("EnrolleeWhere", {"v0": {"not": {}}}, {"v0": {"or": [{}]}}, False),
        ("Int=3", {}, {"v0": 5}, True),
    ],
)
def test_a_shape_says_what_is_there_and_not_what_it_is(
    type_: str, one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    _, variables = declared(type_)
    assert (variables.read(one).shape == variables.read(other).shape) is same


def test_a_shape_weighs_all_that_is_in_it() -> None:
    _, variables = declared("[Sex!]")
    few, many = (variables.read({"v0": ["MALE"] * count}).shape for count in (10, 1_000))
    assert size_of(many) - size_of(few) == 990
