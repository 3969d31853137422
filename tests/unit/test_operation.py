"""Document → operation: what is selected, in which order, with which arguments; what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import document as document_module
from api.document import Document, DocumentInvalid, Shelf
from api.errors import OperationTooComplex, OperationUnknown, VariableInvalid
from api.operation import MOST_DEPTH, Operation, Selected
from db.errors import FieldwardError
from tests.roles import asked, view, whole

ROLE = "eligibility_supervisor"


def read(text: str, variables: dict[str, Any] | None = None, name: str | None = None) -> Operation:
    return asked(text, variables, schema=view(ROLE), name=name)[0]


def refusal(text: str, variables: dict[str, Any] | None = None) -> FieldwardError:
    with pytest.raises(FieldwardError) as refused:
        read(text, variables)
    return refused.value


def outline(selected: tuple[Selected, ...]) -> list[Any]:
    """Response keys, each with what is below it."""
    return [{each.key: outline(each.children)} if each.children else each.key for each in selected]


OUTLINES: list[tuple[str, list[Any]]] = [
    # A document, and what is left of it when fragments, directives and repeats are gone.
    ("{enrollees{nodes{id sex}}}", [{"enrollees": [{"nodes": ["id", "sex"]}]}]),
    ("{a:enrollees{b:nodes{c:id id}}}", [{"a": [{"b": ["c", "id"]}]}]),
    ("{enrollees{nodes{id} nodes{sex id}}}", [{"enrollees": [{"nodes": ["id", "sex"]}]}]),
    ("{enrollees{nodes{id}} enrollees{nodes{sex}}}", [{"enrollees": [{"nodes": ["id", "sex"]}]}]),
    (
        "{...F enrollees{nodes{sex}}} fragment F on Query{enrollees{nodes{id}}}",
        [{"enrollees": [{"nodes": ["id", "sex"]}]}],
    ),
    (
        "{enrollees{nodes{...F ...F id ...{ssn ...F}}}} fragment F on Enrollee{sex}",
        [{"enrollees": [{"nodes": ["sex", "id", "ssn"]}]}],
    ),
    (
        "{enrollees{nodes{homeAddress{city} ...on Enrollee{homeAddress{zip city}}}}}",
        [{"enrollees": [{"nodes": [{"homeAddress": ["city", "zip"]}]}]}],
    ),
    (
        "{enrollees{nodes{id @skip(if:true) sex @include(if:false) ssn @skip(if:false)}}}",
        [{"enrollees": [{"nodes": ["ssn"]}]}],
    ),
    (
        "{enrollees{nodes{...F @skip(if:true) ...@include(if:false){sex} id}}}"
        " fragment F on Enrollee{ssn}",
        [{"enrollees": [{"nodes": ["id"]}]}],
    ),
    (
        "{enrollees{nodes{id @skip(if:true) id @include(if:true)}}}",
        [{"enrollees": [{"nodes": ["id"]}]}],
    ),
    ("{enrollees @skip(if:true){nodes{id}}}", []),
    ("{viewer{subject} plans{nodes{id}} __typename}", [{"plans": [{"nodes": ["id"]}]}]),
]


@pytest.mark.parametrize(("text", "expected"), OUTLINES)
def test_fragments_directives_and_repeats_are_gone(text: str, expected: list[Any]) -> None:
    assert outline(read(text).records) == expected


@pytest.mark.parametrize(
    ("variables", "keys"),
    [({}, ["a"]), ({"x": False}, ["a"]), ({"x": True}, ["a", "b"])],
)
def test_directives_take_variables_and_their_defaults(
    variables: dict[str, Any], keys: list[str]
) -> None:
    text = "query($x:Boolean=false){a:plans{totalCount} b:plans @include(if:$x){totalCount}}"
    assert [selected.key for selected in read(text, variables).records] == keys


ARGUMENTS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("{enrollees{totalCount}}", {}, {}),
    ("{enrollees(first:3,after:null){totalCount}}", {}, {"first": 3, "after": None}),
    ("query($n:Int){enrollees(first:$n){totalCount}}", {}, {}),
    ("query($n:Int){enrollees(first:$n){totalCount}}", {"n": None}, {"first": None}),
    ("query($n:Int=4){enrollees(first:$n){totalCount}}", {}, {"first": 4}),
    ("query($n:Int=4){enrollees(first:$n){totalCount}}", {"n": None}, {"first": None}),
    ("query($n:Int=4){enrollees(first:$n){totalCount}}", {"n": 5, "m": 6}, {"first": 5}),
    (
        'query($c:String="x"){enrollees(where:{caseNumber:{eq:$c}}){totalCount}}',
        {},
        {"where": {"caseNumber": {"eq": "x"}}},
    ),
    (
        "query($c:String){enrollees(where:{caseNumber:{eq:$c}}){totalCount}}",
        {},
        {"where": {"caseNumber": {}}},
    ),
    (
        "query($w:EnrolleeWhere){enrollees(where:$w){totalCount}}",
        {"w": {"or": {"veteran": {"eq": True}}}},
        {"where": {"or": [{"veteran": {"eq": True}}]}},
    ),
]


@pytest.mark.parametrize(("text", "variables", "expected"), ARGUMENTS)
def test_arguments_are_coerced_and_absent_ones_are_absent(
    text: str, variables: dict[str, Any], expected: dict[str, Any]
) -> None:
    operation, given = asked(text, variables, schema=view(ROLE))
    (selected,) = operation.records
    assert given.value(selected.arguments) == expected


def test_a_field_knows_where_the_document_has_it() -> None:
    (root,) = read("# one\n\n  {enrollees\n{nodes{id,\tsex\r\nssn}}}").records
    (nodes,) = root.children
    assert root.location == (3, 4)
    assert [child.location for child in nodes.children] == [(4, 8), (4, 12), (5, 1)]


def test_what_is_no_record_is_a_document_of_its_own() -> None:
    operation = read("{a:viewer{subject} plans{totalCount} ...F} fragment F on Query{policy{csv}}")
    assert operation.keys == ("a", "plans", "policy")
    assert operation.local is not None
    assert read("{plans{totalCount}}").local is None


REFUSED: list[tuple[str, dict[str, Any], type[FieldwardError]]] = [
    ("", {}, DocumentInvalid),
    ("{", {}, DocumentInvalid),
    ("{enrollees}", {}, DocumentInvalid),
    ("{a:enrollees(first:1){totalCount} a:enrollees(first:2){totalCount}}", {}, DocumentInvalid),
    ("{a:viewer{subject} a:plans{totalCount}}", {}, DocumentInvalid),
    ("{enrollees{nodes{a:id a:sex}}}", {}, DocumentInvalid),
    ("{enrollees(first:1,first:2){totalCount}}", {}, DocumentInvalid),
    ("query($a:Int){enrollees{totalCount}}", {}, DocumentInvalid),
    ("query($a:Claim){claims(where:$a){totalCount}}", {}, DocumentInvalid),
    ("{enrollees(first:$a){totalCount}}", {}, DocumentInvalid),
    ("query($a:String){enrollees(first:$a){totalCount}}", {}, DocumentInvalid),
    ("query($a:Boolean){enrollees @skip(if:$a){totalCount}}", {}, DocumentInvalid),
    ("query @skip(if:true){enrollees{totalCount}}", {}, DocumentInvalid),
    ("{enrollees @defer{totalCount}}", {}, DocumentInvalid),
    ("{enrollees @skip(if:true) @skip(if:false){totalCount}}", {}, DocumentInvalid),
    ("mutation{enrollees{totalCount}}", {}, DocumentInvalid),
    ("type A{b:Int}", {}, DocumentInvalid),
    ("{viewer{subject}} extend type Query{a:Int}", {}, DocumentInvalid),
    ("query A{viewer{subject}} query B{viewer{subject}}", {}, OperationUnknown),
    ("query($n:Int!){enrollees(first:$n){totalCount}}", {}, VariableInvalid),
    ("query($n:Int!){enrollees(first:$n){totalCount}}", {"n": None}, VariableInvalid),
    ("query($n:Int){enrollees(first:$n){totalCount}}", {"n": "1"}, VariableInvalid),
    ("query($n:Int){enrollees(first:$n){totalCount}}", {"n": [1]}, VariableInvalid),
    ("query($n:Int=1){enrollee(medicaidId:$n){id}}", {}, DocumentInvalid),
    ('query($i:String="1"){enrollee(medicaidId:$i){id}}', {"i": None}, VariableInvalid),
    # One term is one coordinate.
    ("{enrollees(orderBy:[{sex:ASC,id:ASC}]){totalCount}}", {}, FieldwardError),
    ("{enrollees(orderBy:[{}]){totalCount}}", {}, FieldwardError),
    ("{enrollees(orderBy:[{sex:null}]){totalCount}}", {}, FieldwardError),
    ("query($o:[EnrolleeOrderBy!]){enrollees(orderBy:$o){totalCount}}",
     {"o": [{"sex": "ASC", "id": "ASC"}]}, VariableInvalid),
    ("query($o:[EnrolleeOrderBy!]){enrollees(orderBy:$o){totalCount}}",
     {"o": [{}]}, VariableInvalid),
    ("query($o:[EnrolleeOrderBy!]){enrollees(orderBy:$o){totalCount}}",
     {"o": [{"sex": None}]}, VariableInvalid),
    ("query($d:Direction){enrollees(orderBy:[{sex:$d}]){totalCount}}", {"d": None}, FieldwardError),
    ("query($d:Direction){enrollees(orderBy:[{sex:$d}]){totalCount}}", {}, FieldwardError),
]  # fmt: skip


@pytest.mark.parametrize(("text", "variables", "error"), REFUSED)
def test_what_is_no_operation_is_refused(
    text: str, variables: dict[str, Any], error: type[FieldwardError]
) -> None:
    assert isinstance(refusal(text, variables), error)


def test_depth_is_counted_in_fields() -> None:
    def deep(depth: int) -> str:
        levels = ["enrollees", "nodes", *["claims", "nodes", "enrollee"] * 6][: depth - 1]
        return "{" + "".join(f"{level}{{" for level in levels) + "__typename" + "}" * depth

    assert read(deep(MOST_DEPTH)).records
    assert isinstance(refusal(deep(MOST_DEPTH + 1)), OperationTooComplex)


# ── documents ─────────────────────────────────────────────────────────────────────────────────


def test_a_document_is_read_once() -> None:
    shelf = Shelf()
    document = shelf.read("{viewer{subject}}")
    assert shelf.read("{viewer{subject}}") is document
    assert shelf.read("{viewer{ subject}}") is not document
    assert document.valid
    assert not shelf.read("{viewer}").valid


def test_the_shelf_holds_so_many_characters_and_drops_what_was_used_longest_ago(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [f"{{viewer{{subject}}}} # {number}" for number in range(10)]
    shelf = Shelf(most=len(texts[0]) * 3)
    kept = [shelf.read(text) for text in texts[:3]]
    assert shelf.read(texts[0]) is kept[0]
    shelf.read(texts[3])
    assert shelf.size == len(texts[0]) * 3
    assert shelf.read(texts[0]) is kept[0]
    assert shelf.read(texts[1]) is not kept[1]
    # What is larger than the shelf is read and not kept; what is refused is not kept either.
    before = shelf.size
    monkeypatch.setattr(document_module, "_read", lambda text: Document(kept[0].tree, True))
    shelf.read("x" * 1_000)
    assert shelf.size == 0 < before


def test_what_does_not_parse_is_not_kept() -> None:
    shelf = Shelf()
    for _ in range(3):
        with pytest.raises(DocumentInvalid):
            shelf.read("{")
    assert shelf.size == 0


SECRETS = [
    '{enrollees(where:{ssn:{eq:4711}}){totalCount}}',
    '{enrollees(where:{ssn:"s4711"}){totalCount}}',
    '{enrollees(where:{nothing:{eq:"s4711"}}){totalCount}}',
    '{enrollees(where:{ssn:{nothing:"s4711"}}){totalCount}}',
    '{enrollees(where:{sex:{eq:"s4711"}}){totalCount}}',
    '{enrollees(where:{sex:{in:[MALE,"s4711"]}}){totalCount}}',
    '{enrollees(orderBy:"s4711"){totalCount}}',
    '{enrollees(first:"s4711"){totalCount}}',
    '{enrollees @skip(if:"s4711"){totalCount}}',
    'query($a:Int="s4711"){enrollees(first:$a){totalCount}}',
    'query($a:EnrolleeWhere={ssn:"s4711"}){enrollees(where:$a){totalCount}}',
    '{enrollees(where:{ssn:{eq:"s4711"}}){nodes{ssn(a:"s4711")}}}',
    '{enrollees(where:{ssn:{eq:"s4711',
    '{enrollees(where:{and:[{ssn:{eq:"s4711"}},{or:"s4711"}]}){totalCount}}',
    '{a:enrollees(after:"s4711"){totalCount} a:enrollees(after:"s4712"){totalCount}}',
]  # fmt: skip


@pytest.mark.parametrize("text", SECRETS)
def test_a_message_quotes_no_value(text: str) -> None:
    error = refusal(text)
    assert isinstance(error, DocumentInvalid)
    assert error.problems
    for problem in error.problems:
        assert "471" not in problem.message
        assert problem.message
    assert "471" not in str(error)


@given(st.text(max_size=60))
def test_no_text_is_too_odd_to_read(text: str) -> None:
    try:
        read(text)
    except FieldwardError as error:
        json.dumps(error.facts)


NAMES = sorted(
    {"a", "F", "id", "first", "where", "eq", "and", "nodes", "if", "null", "true", "Query"}
    | {name for name in whole().type_map if name[0] == "E"}
)
WORDS = [*NAMES, "fragment", "on", "query", "viewer", "enrollees", "@skip"]
SIGNS = ["{", "}", "(", ")", "[", "]", ":", "!", "$", "...", '"x"', "1", "="]
TOKENS = st.sampled_from(WORDS + SIGNS)


@given(st.lists(TOKENS, max_size=40))
def test_no_arrangement_of_tokens_is_too_odd_to_read(tokens: list[str]) -> None:
    try:
        read("{" + " ".join(tokens))
    except FieldwardError as error:
        json.dumps(error.facts)
