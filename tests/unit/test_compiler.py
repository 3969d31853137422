"""Operations that are kept: what is remembered answers every request as what is made afresh."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from api import compiler as compiler_module
from api.compiler import Compiled, Compiler
from api.cursor import Sealer
from api.errors import ArgumentInvalid, CursorInvalid, PageTooLarge, VariableInvalid
from api.given import Looked
from api.request import GraphQLRequest
from api.variables import Leaf
from authz.decision import Deny, Reason
from db.errors import FieldwardError
from tests.roles import SEALER, decisions, view

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.given import Given
    from authz.decision import DecisionSet

SUPERVISOR, WORKER = "eligibility_supervisor", "eligibility_worker"
ID = '"00000000-0000-4000-8000-00000000000%d"'

PAGE = """query($n:Int,$l:Int,$c:String,$b:String,$w:EnrolleeWhere){
  enrollees(first:$n,last:$l,after:$c,before:$b,where:$w,orderBy:[{dateOfBirth:ASC}]){
    edges{cursor} nodes{id lastName ssn pseudonym} totalCount}}"""
ORDERED = "query($o:[EnrolleeOrderBy!]){enrollees(orderBy:$o){edges{cursor} nodes{id}}}"
LITERAL = 'query($a:String!){enrollees(where:{lastName:{in:[$a,"b",$a]}}){edges{cursor}}}'
TWICE = "query($n:Int!){enrollees(first:$n,where:{birthYear:{in:[$n,1]}}){nodes{id}}}"
SHOWN = "query($s:Boolean=false){enrollees{nodes{id ssn @include(if:$s)}} viewer{subject}}"
TWO = """query A($a:String){enrollees(where:{firstName:{eq:$a}}){...F}}
query B($a:ID,$b:Int=4){plans(first:$b){nodes{id}} enrollees(where:{id:{ne:$a}}){...F}}
fragment F on EnrolleeConnection{nodes{id}}"""
NESTED = """query($n:Int,$m:Int=2){enrollees(first:$n){
  nodes{spans:eligibilitySpans(first:$m){edges{cursor} nodes{id}}}}}"""
COARSE = """query($z:[Int!]!,$g:[EnrolleeGroupBy!]){
  enrolleesAggregate(where:{birthYear:{in:$z}},groupBy:$g){count}}"""

Request = tuple[str, str | None, dict[str, Any]]

REQUESTS: list[Request] = [
    *((PAGE, None, given) for given in (
        {}, {"n": 2}, {"n": 3}, {"l": 3}, {"n": 200}, {"n": 201}, {"n": 0}, {"n": -1},
        {"n": None}, {"n": 2, "l": 2}, {"n": True}, {"n": 2.0}, {"n": 1}, {"x": 1},
        {"w": {}}, {"w": None}, {"w": {"lastName": {"eq": "a"}}}, {"w": {"lastName": {"eq": "b"}}},
        {"w": {"lastName": {"eq": "\x00"}}}, {"w": {"lastName": {"eq": "\ud800"}}},
        {"w": {"lastName": {"eq": None}}}, {"w": {"lastName": {"isNull": True}}},
        {"w": {"lastName": {"isNull": False}}}, {"w": {"sex": {"eq": "MALE"}}},
        {"w": {"sex": {"eq": "FEMALE"}}}, {"w": {"lastName": {"in": ["a"] * 1_000}}},
        {"w": {"lastName": {"in": ["a"] * 1_001}}}, {"w": {"lastName": {"in": []}}},
        {"w": {"and": []}}, {"w": {"or": []}}, {"w": {"or": [{"lastName": {"eq": "a"}}]}},
        {"w": {"not": {"lastName": {"eq": "a"}}}}, {"w": {"ssn": {"eq": "1"}}},
    )),
    *((ORDERED, None, {"o": order}) for order in (
        None, [], [{"lastName": "ASC"}], [{"lastName": "DESC"}], [{"dateOfBirth": "ASC"}],
        [{"homeAddress": {"city": "ASC"}}], [{"ssn": "ASC"}], [{}],
    )),
    *((LITERAL, None, {"a": each}) for each in ("a", "b", "", "\x00", None, 1)),
    *((TWICE, None, {"n": each}) for each in (1, 2, 50, 100, 150, 201, True, "1")),
    *((SHOWN, None, each) for each in ({}, {"s": True}, {"s": False}, {"s": None}, {"s": 1})),
    *((TWO, name, {"a": each}) for name in ("A", "B", "C", None) for each in ("x", 5, None)),
    *((NESTED, None, each) for each in (
        {}, {"n": 2}, {"m": 3}, {"n": 3, "m": 2}, {"n": 2, "m": 3}, {"n": 100, "m": 100},
        {"n": 200, "m": 200}, {"n": 200, "m": 301},
    )),
    *((COARSE, None, {"z": years, "g": by}) for years in ([], [1990], [1991], [1990, 1991], [True])
      for by in ([], [{"sex": "value"}], None)),
]  # fmt: skip
WHO = [
    (role, subject)
    for role in (SUPERVISOR, WORKER, "researcher", "immigration_enforcement", "provider")
    for subject in ("alice", "bob")
]


def ask(
    compiler: Compiler,
    request: Request,
    who: tuple[str, str] = (SUPERVISOR, "alice"),
    decided: DecisionSet | None = None,
) -> tuple[Compiled, Given]:
    """What a compiler makes of a request."""
    (text, name, variables), (role, subject) = request, who
    asked = GraphQLRequest(text, name, variables)
    return compiler.compile(asked, decided or decisions(role), subject, lambda: view(role))


def outcome(
    compiler: Compiler,
    request: Request,
    who: tuple[str, str] = (SUPERVISOR, "alice"),
    decided: DecisionSet | None = None,
) -> tuple[Any, ...]:
    """All that an answer depends on, or what it is refused with."""
    try:
        compiled, given = ask(compiler, request, who, decided)
        values = compiled.values(given)
    except FieldwardError as error:
        return type(error), error.facts
    # A value by what it is: 1 is not true. A binding says whose cursors come out.
    bound = [given.binding(listing) for listing in compiled.listings]
    rest = (compiled.shown, compiled.keys, compiled.errors, compiled.extensions, compiled.local)
    return compiled.statement, repr(values), bound, rest


def with_cursors(sealer: Sealer) -> list[tuple[Request, tuple[str, str]]]:
    """Every request of everybody, and what pages with cursors of somebody."""
    found = [(request, who) for request in REQUESTS for who in WHO]
    cursors: list[str] = []
    for who in ((SUPERVISOR, "alice"), (SUPERVISOR, "bob"), (WORKER, "alice")):
        for where in ({}, {"lastName": {"eq": "a"}}, {"lastName": {"eq": "b"}}):
            compiled, given = ask(Compiler(sealer), (PAGE, None, {"w": where}), who)
            binding = given.binding(compiled.listings[0])
            for born in ('"1980-01-01"', '"1990-01-01"', "null"):
                keyset = f"[{born}, {ID % 1}]".encode()
                cursors.append(sealer.seal(keyset, binding).decode())
    for cursor in cursors:
        literal = PAGE.replace("after:$c", f'after:"{cursor}"').replace("$c:String,", "")
        for who in ((SUPERVISOR, "alice"), (SUPERVISOR, "bob"), (WORKER, "alice")):
            for where in ({}, {"lastName": {"eq": "a"}}, {"lastName": {"eq": "b"}}):
                found.append(((PAGE, None, {"c": cursor, "w": where}), who))
                found.append(((PAGE, None, {"b": cursor, "w": where}), who))
                found.append(((literal, None, {"w": where}), who))
    return found


def test_what_is_remembered_is_what_is_made_afresh() -> None:
    """Requests of many callers in any order, each compared with a compiler of its own."""
    asked = with_cursors(SEALER)
    afresh = [outcome(Compiler(SEALER), request, who) for request, who in asked]
    refused = [each for each in afresh if isinstance(each[0], type)]
    assert 50 < len(refused) < len(asked) - 300
    shared = Compiler(SEALER)
    order = random.Random(11).choices(range(len(asked)), k=3 * len(asked))
    differing = [
        (asked[number], got)
        for number in order
        if (got := outcome(shared, *asked[number])) != afresh[number]
    ]
    assert differing == []
    assert shared.compiled.hits > len(asked) / 2


def test_nothing_of_who_asked_first_is_in_what_is_kept() -> None:
    """Neither subject nor value, wherever one looks."""
    compiler = Compiler(SEALER)
    request = {
        "n": 2,
        "w": {"lastName": {"eq": "Shakespeare"}, "dateOfBirth": {"lt": "1616-04-23"}},
    }
    compiled, _ = ask(compiler, (PAGE, None, request), (SUPERVISOR, "subject-of-the-first"))
    again, given = ask(compiler, (PAGE, None, request), (SUPERVISOR, "another"))
    assert again is compiled
    assert given.subject == "another"
    everything = repr(
        [cache._kept for cache in (compiler.variables, compiler.facts, compiler.compiled)]
    )
    for told in ("subject-of-the-first", "Shakespeare", "1616", "another"):
        assert told not in everything


def test_another_version_or_role_is_another_plan() -> None:
    compiler = Compiler(SEALER)
    request: Request = ("{enrollees{nodes{lastName}}}", None, {})
    held = decisions(SUPERVISOR)
    table: Mapping[tuple[str, str], Any] = {
        **held.table, ("Enrollee.lastName", "read"): Deny(Reason.NO_RULE),
    }  # fmt: skip
    closed = replace(held, version="another", table=table)
    capped = replace(held, version="a third", page_limit=7)
    roles = [held, closed, replace(held, role="x"), replace(closed, role="y"), capped]
    fresh = [outcome(Compiler(SEALER), request, decided=each) for each in roles]
    assert len({repr(each) for each in fresh}) == len(roles)
    for _ in range(2):
        assert [outcome(compiler, request, decided=each) for each in roles] == fresh
    assert compiler.compiled.hits == len(roles)
    # Of the same version, another role has other decisions.
    renamed = replace(closed, version=held.version, role="narrow")
    assert ask(compiler, request, decided=renamed)[0].errors != ()
    assert ask(compiler, request, decided=held)[0].errors == ()


@pytest.mark.parametrize(
    ("text", "one", "other", "kept"),
    [
        (PAGE, {"w": {"lastName": {"eq": "a"}}}, {"w": {"lastName": {"eq": "b"}}}, 1),
        (PAGE, {"w": {"lastName": {"eq": "a"}}}, {"w": {"firstName": {"eq": "a"}}}, 2),
        (PAGE, {"w": {"lastName": {"in": ["a"]}}}, {"w": {"lastName": {"in": ["a", "b"]}}}, 1),
        (PAGE, {"n": 2}, {"n": 3}, 2),
        (PAGE, {"n": 2}, {"l": 2}, 2),
        (PAGE, {"n": 2}, {"n": 2, "undeclared": 1}, 1),
        (SHOWN, {"s": True}, {"s": False}, 2),
        (SHOWN, {}, {"s": False}, 1),
    ],
)
def test_requests_share_a_plan_where_their_shapes_and_facts_agree(
    text: str, one: dict[str, Any], other: dict[str, Any], kept: int
) -> None:
    compiler = Compiler(SEALER)
    for variables in (one, other, one):
        ask(compiler, (text, None, variables))
    assert len(compiler.compiled) == kept
    assert compiler.compiled.hits == 3 - kept


def test_a_remembered_plan_refuses_what_a_fresh_one_refuses() -> None:
    """With a plan at hand that fits in all but what is refused."""
    compiler, alice = Compiler(SEALER), (SUPERVISOR, "alice")
    where = {"lastName": {"eq": "a"}}
    compiled, given = ask(compiler, (PAGE, None, {"w": where}), alice)
    keyset = f'["1980-01-01", {ID % 1}]'.encode()
    cursor = SEALER.seal(keyset, given.binding(compiled.listings[0])).decode()
    literal = PAGE.replace("after:$c", f'after:"{cursor}"').replace("$c:String,", "")
    good: Request = (PAGE, None, {"c": cursor, "w": where, "n": 200})
    written: Request = (literal, None, {"w": where})
    other = {"lastName": {"eq": "b"}}
    for role in (SUPERVISOR, WORKER):
        ask(compiler, (PAGE, None, {"w": where, "n": 2}), (role, "alice"))
    for request in (good, written):
        assert not isinstance(outcome(compiler, request)[0], type)
    kept = len(compiler.compiled)
    refusals: list[tuple[Request, tuple[str, str], type[FieldwardError]]] = [
        (good, (SUPERVISOR, "bob"), CursorInvalid),
        (written, (SUPERVISOR, "bob"), CursorInvalid),
        (written, (WORKER, "alice"), CursorInvalid),
        ((PAGE, None, {"c": cursor, "w": where, "n": 2}), (WORKER, "alice"), CursorInvalid),
        ((PAGE, None, {**good[2], "w": other}), alice, CursorInvalid),
        ((literal, None, {"w": other}), alice, CursorInvalid),
        ((PAGE, None, {**good[2], "c": cursor[:-1]}), alice, CursorInvalid),
        ((PAGE, None, {**good[2], "n": 201}), alice, PageTooLarge),
        ((PAGE, None, {**good[2], "n": -1}), alice, ArgumentInvalid),
        ((PAGE, None, {"w": {"lastName": {"eq": "\x00"}}}), alice, ArgumentInvalid),
        ((PAGE, None, {"w": {"lastName": {"eq": 1}}}), alice, VariableInvalid),
    ]
    for request, who, expected in refusals:
        for _ in range(2):
            assert outcome(compiler, request, who)[0] is expected
    assert len(compiler.compiled) == kept


def test_missing_values_of_a_cursor_are_a_fact_and_present_ones_are_not() -> None:
    compiler = Compiler(SEALER)
    compiled, given = ask(compiler, (PAGE, None, {}))
    binding = given.binding(compiled.listings[0])
    found = [
        ask(compiler, (PAGE, None, {"c": SEALER.seal(keyset.encode(), binding).decode()}))[0]
        for keyset in (
            f'["1980-01-01", {ID % 1}]',
            f'["1990-01-01", {ID % 2}]',
            f"[null, {ID % 1}]",
        )
    ]
    assert found[0] is found[1]
    assert found[0].statement != found[2].statement


def test_the_years_of_a_list_that_is_asked_one_by_one_are_a_fact() -> None:
    compiler = Compiler(SEALER)
    who = ("researcher", "alice")
    values = []
    for years in ([1990, 1991], [1991, 1992], [1990], [1990, 1991]):
        compiled, given = ask(compiler, (COARSE, None, {"z": years}), who)
        values.append(compiled.values(given))
    assert values == [(1990, 1991), (1991, 1992), (1990,), (1990, 1991)]


def test_what_is_refused_is_not_kept() -> None:
    compiler = Compiler(SEALER)
    for variables in ({"n": 201}, {"c": "x"}, {"w": {"ssn": {"eq": None}}}, {"n": -1}):
        with pytest.raises(FieldwardError):
            ask(compiler, (PAGE, None, variables))
    for text in (
        "{enrollees{nodes{nothing}}}",
        "{",
        "query A{plans{nodes{id}}} query B{__typename}",
    ):
        with pytest.raises(FieldwardError):
            ask(compiler, (text, None, {}))
    assert (len(compiler.compiled), len(compiler.facts)) == (0, 0)


def test_what_is_kept_is_bounded_whatever_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many documents, shapes, pages; and few that are large, whose shape is all that is large."""
    monkeypatch.setattr(compiler_module, "_MOST_COMPILED", 60_000)
    monkeypatch.setattr(compiler_module, "_MOST_READ", 30_000)
    compiler = Compiler(SEALER)
    sexes = ["MALE", "FEMALE"]
    large = [{"sex": {"in": [sexes[(n >> bit) % 2] for bit in range(1_000)]}} for n in range(40)]
    requests: list[Request] = [
        *((PAGE, None, {"n": n}) for n in range(60)),
        *((f"{{enrollees{{nodes{{a{n}:id}}}}}}", None, {}) for n in range(60)),
        *((PAGE, None, {"w": where}) for where in large),
    ]
    for request in requests:
        ask(compiler, request)
        assert compiler.compiled.weight <= 60_000
        assert compiler.facts.weight <= 30_000
        assert compiler.variables.weight <= 30_000
    # A thousand values weigh more than a thousand characters do.
    assert 0 < len(compiler.compiled) < 20
    assert 0 < len(compiler.facts) < 10
    assert len(compiler.variables) > 0


def test_what_was_let_go_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler_module, "_MOST_READ", 3_000)
    compiler = Compiler(SEALER)
    for request, who in ((request, who) for request in REQUESTS for who in WHO[:3]):
        assert outcome(compiler, request, who) == outcome(Compiler(SEALER), request, who)
    assert len(compiler.facts) < 3


def test_a_plan_is_found_by_the_very_facts_that_it_was_made_with() -> None:
    """What was looked at is forgotten, and something else of the same value is looked at next."""
    compiler = Compiler(SEALER)
    made, _ = ask(compiler, (PAGE, None, {"n": 7, "w": {"lastName": {"eq": "a"}}}))
    (key, (facts, _)), *_ = compiler.facts._kept.items()
    assert facts == (Looked(Leaf(0)),)
    compiler.facts.put(key, (Looked(Leaf(1)),), 0)
    compiler.compiled.put((key, ("a",)), made, 0)
    asked, given = ask(compiler, (PAGE, None, {"n": 8, "w": {"lastName": {"eq": "a"}}}))
    assert asked is not made
    assert asked.values(given)[:2] == ("a", 8)
