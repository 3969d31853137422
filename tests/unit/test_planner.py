"""Operation and decisions → plan: what is permitted enters it, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
)
from hypothesis import given
from hypothesis import strategies as st

from api.arguments import Fixed
from api.cursor import Binding
from api.errors import (
    ArgumentInvalid,
    OperationDenied,
    OperationTooComplex,
    PageTooLarge,
    PositionDenied,
)
from api.planner import Planned, plan_operation
from authz.decision import Allow, AllowWhere, DecisionSet, DenialMode, Deny, Reason
from db.catalog import Kind
from db.catalog_records import CATALOG
from db.plan import Connection, Nodes, Nothing, Order, Value
from db.predicate import Always, Attribute, Compare, Literal, Operator, Ref
from db.sql.render import render
from tests.roles import (
    AROUND,
    ONE_ROW_AWAY,
    SEALER,
    asked,
    decisions,
    denied,
    operators_of,
    plan,
    roles,
    view,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authz.decision import Decision
    from db.predicate import Predicate

STATE = Compare(
    Ref(CATALOG.fields["Enrollee.submittingState"].column), Operator.IN, Attribute("state")
)
ADULT = Compare(Ref(CATALOG.fields["Enrollee.birthYear"].column), Operator.LT, Literal(2008))


def planned(
    table: Mapping[tuple[str, str], Decision],
    document: str,
    variables: Mapping[str, object] | None = None,
    scope: Predicate = STATE,
    mode: DenialMode = DenialMode.NULL,
    subject: str = "alice",
) -> Planned:
    """The plan under decisions that a test grants itself."""
    decided = DecisionSet("tester", "v1", table, 50, mode, {"Enrollee": scope})
    operation, given = asked(document, variables, subject, view("beneficiary"))
    return plan_operation(operation, decided, given)


def body(found: Planned) -> tuple[object, ...]:
    """What a row of the first list has."""
    root = found.plan.roots[0]
    assert isinstance(root, Connection)
    (nodes,) = root.members
    assert isinstance(nodes, Nodes)
    return nodes.body


SEX = "{enrollees{nodes{sex}}}"
READ = ("Enrollee.sex", "read")


# ── decisions ─────────────────────────────────────────────────────────────────────────────────


def test_absence_denies() -> None:
    found = planned({}, SEX)
    (nothing,) = body(found)
    assert isinstance(nothing, Nothing)
    assert [denial.coordinate for denial in found.denials] == ["Enrollee.sex"]
    assert found.conditional == ()


@pytest.mark.parametrize(
    ("decision", "permit", "conditional"),
    [
        (Allow(), Always(), ()),
        (AllowWhere(STATE), Always(), ()),  # the row scope: every row there is
        (AllowWhere(ADULT), ADULT, ("Enrollee.sex",)),
        (AllowWhere(replace(STATE, operator=Operator.NOT_IN)), ..., ("Enrollee.sex",)),
    ],
)
def test_a_condition_narrower_than_the_row_scope_stands_on_the_value(
    decision: Decision, permit: object, conditional: tuple[str, ...]
) -> None:
    found = planned({READ: decision}, SEX)
    (value,) = body(found)
    assert isinstance(value, Value)
    assert permit in (..., value.permit)
    assert found.conditional == conditional
    assert found.denials == ()


@pytest.mark.parametrize(
    ("sort", "read", "ordered"),
    [
        (Allow(), Allow(), True),
        (AllowWhere(STATE), AllowWhere(STATE), True),
        (Allow(), AllowWhere(STATE), True),
        (Allow(), None, False),
        (None, Allow(), False),
        (Allow(), AllowWhere(ADULT), False),
        (AllowWhere(ADULT), Allow(), False),
        (AllowWhere(ADULT), AllowWhere(ADULT), False),
        (Allow(), Deny(Reason.RULE), False),
    ],
)
def test_an_order_needs_sort_and_read_on_every_row(
    sort: Decision | None, read: Decision | None, ordered: bool
) -> None:
    """The place of a row among others tells its value, so what is hidden orders nothing."""
    table = {
        ("Enrollee.sex", action): decision
        for action, decision in (("sort", sort), ("read", read))
        if decision is not None
    }
    document = "{enrollees(orderBy:[{sex:ASC}]){nodes{__typename}}}"
    if ordered:
        assert planned(table, document).denials == ()
    else:
        with pytest.raises(PositionDenied):
            planned(table, document)


def test_a_denial_is_one_per_selection_and_says_where() -> None:
    document = "{a:enrollees{nodes{x:sex y:sex}} b:enrollees{edges{node{sex}} n:totalCount}}"
    found = planned({}, document)
    assert [(each.coordinate, each.path, each.below_list) for each in found.denials] == [
        ("Enrollee.sex", ("a", "nodes", "x"), True),
        ("Enrollee.sex", ("a", "nodes", "y"), True),
        ("Enrollee.sex", ("b", "edges", "node", "sex"), True),
        ("EnrolleeConnection.totalCount", ("b", "n"), False),
    ]


def test_a_role_can_be_set_to_refuse_instead_of_nulling() -> None:
    document = "{enrollees{totalCount nodes{sex ssn sex2:sex}}}"
    with pytest.raises(OperationDenied) as refused:
        planned({READ: Allow()}, document, mode=DenialMode.REFUSE)
    assert refused.value.facts == {"coordinates": ["Enrollee.ssn", "EnrolleeConnection.totalCount"]}
    assert planned({READ: Allow()}, SEX, mode=DenialMode.REFUSE).denials == ()


def test_what_is_below_a_denied_link_is_not_looked_at() -> None:
    document = '{enrollees{nodes{claims(where:{icn:{eq:"x"}},first:9999){nodes{icn}}}}}'
    found = planned({READ: Allow()}, document)
    assert [denial.coordinate for denial in found.denials] == ["Enrollee.claims"]
    assert found.sources[1:] == (Fixed("claims"),)


def test_a_rule_about_a_count_is_asked_of_aggregate_alone() -> None:
    document = "{enrollees{totalCount}}"
    count = "EnrolleeConnection.totalCount"
    assert planned({(count, "aggregate"): Allow()}, document).denials == ()
    for action in ("read", "filter:eq", "sort"):
        assert len(planned({(count, action): Allow()}, document).denials) == 1


def test_a_deny_with_a_reason_is_as_closed_as_absence() -> None:
    for reason in Reason:
        assert planned({READ: Deny(reason)}, SEX).plan == planned({}, SEX).plan


# ── one shape, one plan ───────────────────────────────────────────────────────────────────────

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
SHAPE = """query($a:String,$b:[String!],$n:Int){
  k:enrollees(first:$n,where:{or:[{caseNumber:{eq:$a}},{not:{primaryLanguage:{in:$b}}}]}){
    nodes{sex}}}"""
SHAPED: dict[tuple[str, str], Decision] = {
    READ: Allow(),
    ("Enrollee.caseNumber", "filter:eq"): Allow(),
    ("Enrollee.primaryLanguage", "filter:notIn"): Allow(),
}


@given(texts, st.lists(texts, min_size=1, max_size=3), st.integers(0, 50))
def test_operations_of_one_shape_are_one_plan_whatever_their_values(
    a: str, b: list[str], n: int
) -> None:
    """So no value is in the text of a statement, and each request has its own values."""
    one = planned(SHAPED, SHAPE, {"a": a, "b": b, "n": n})
    other = planned(SHAPED, SHAPE, {"a": "x", "b": ["y"], "n": n}, subject="bob")
    assert one.plan == other.plan
    assert hash(one.plan) == hash(other.plan)
    assert render(one.plan) == render(other.plan)
    assert one.sources == other.sources
    for asks in ({"a": a, "b": b, "n": n}, {"a": "x", "b": ["y"], "n": n}):
        _, given = asked(SHAPE, asks)
        assert [source.of(given) for source in one.sources] == [*asks.values(), "k"]


def test_what_differs_in_shape_differs_in_plan() -> None:
    """Names, operators, directions and permits are in the plan; so is which end a page is from."""
    documents = [
        "{enrollees{nodes{sex}}}",
        "{enrollees{nodes{a:sex}}}",
        "{enrollees{nodes{veteran}}}",
        "{enrollees{edges{node{sex}}}}",
        "{enrollees(last:1){nodes{sex}}}",
        "{enrollees(where:{sex:{eq:MALE}}){nodes{sex}}}",
        "{enrollees(where:{sex:{ne:MALE}}){nodes{sex}}}",
        "{enrollees(where:{not:{sex:{in:[MALE]}}}){nodes{sex}}}",
        "{enrollees(where:{sex:{isNull:true}}){nodes{sex}}}",
        "{enrollees(where:{sex:{isNull:false}}){nodes{sex}}}",
        "{enrollees(orderBy:[{sex:ASC}]){nodes{sex}}}",
        "{enrollees(orderBy:[{sex:DESC}]){nodes{sex}}}",
    ]
    actions = (
        "read",
        "sort",
        *(f"filter:{each}" for each in ("eq", "ne", "in", "notIn", "isNull")),
    )
    table = {("Enrollee.sex", action): Allow() for action in actions}
    hidden = {("Enrollee.sex", action): AllowWhere(ADULT) for action in actions}
    plans = [planned(table, document).plan for document in documents]
    plans += [planned(hidden, document).plan for document in documents[:1] + documents[5:10]]
    plans.append(planned(table, SEX, scope=ADULT).plan)
    assert len({render(each).text for each in plans}) == len(set(plans)) == len(plans)


def test_the_same_term_twice_counts_once() -> None:
    table = {
        (f"Enrollee.{name}", act): Allow()
        for name in ("sex", "veteran")
        for act in ("read", "sort")
    }
    twice = planned(table, "{enrollees(orderBy:[{sex:ASC},{veteran:ASC},{sex:DESC}]){nodes{sex}}}")
    once = planned(table, "{enrollees(orderBy:[{sex:ASC},{veteran:ASC}]){nodes{sex}}}")
    assert twice.plan == once.plan


# ── pages ─────────────────────────────────────────────────────────────────────────────────────

PAGES: list[tuple[str, int | type[Exception]]] = [
    # Arguments, and the rows asked for.
    ("", 50),
    ("(first:null)", 50),
    ("(first:0)", 0),
    ("(first:50)", 50),
    ("(last:7)", 7),
    ("(first:3,last:null)", 3),
    ("(first:51)", PageTooLarge),
    ("(last:2147483647)", PageTooLarge),
    ("(first:-1)", ArgumentInvalid),
    ("(last:-2147483648)", ArgumentInvalid),
    ("(first:1,last:1)", ArgumentInvalid),
    ("(first:0,last:0)", ArgumentInvalid),
]


@pytest.mark.parametrize(("arguments", "rows"), PAGES)
def test_a_page_has_a_size(arguments: str, rows: int | type[Exception]) -> None:
    document = f"{{enrollees{arguments}{{nodes{{sex}}}}}}"
    if isinstance(rows, int):
        assert planned({READ: Allow()}, document).sources == (Fixed(rows),)
    else:
        with pytest.raises(rows):
            planned({READ: Allow()}, document)


def test_rows_of_pages_within_pages_are_counted_together() -> None:
    table: dict[tuple[str, str], Decision] = {
        ("Enrollee.races", "read"): Allow(),
        ("RaceDeclaration.race", "read"): Allow(),
        ("Enrollee.claims", "read"): Allow(),
        ("Claim.lines", "read"): Allow(),
    }

    def lists(count: int, fields: str) -> str:
        below = (f"r{number}:races(first:50){{nodes{{{fields}}}}}" for number in range(count))
        return f"{{enrollees(first:50){{nodes{{{' '.join(below)}}}}}}}"

    assert planned(table, lists(300, "race")).plan.roots
    with pytest.raises(OperationTooComplex):
        planned(table, lists(190, "a:race b:race c:race"))
    deep = "{enrollees(first:50){nodes{claims(first:50){nodes{lines(first:50){nodes{number}}}}}}}"
    with pytest.raises(OperationTooComplex):
        planned(table | {("Claim.icn", "read"): Allow()}, deep)


WIDE = [
    # Response keys (#) that stand in the answer once for each row of a page, or of pages in it.
    "{enrollees(first:50){nodes{races(first:50){nodes{#:race}}}}}",
    "{enrollees(first:50){nodes{races(first:50){edges{#:cursor}}}}}",
    "{enrollees(first:50){nodes{races(first:50){edges{#:node{race}}}}}}",
    "{enrollees(first:50){nodes{races(first:50){nodes{race} #:pageInfo{hasNextPage}}}}}",
    "{enrollees(first:50){nodes{races(first:50){nodes{race} pageInfo{#:endCursor}}}}}",
    "{enrollees(first:50){nodes{races(first:50){nodes{race} #:totalCount}}}}",
    "{enrollees(first:50){nodes{races(first:50){#:nodes{race}}}}}",
]


@pytest.mark.parametrize("document", WIDE)
def test_a_long_response_key_counts_as_often_as_it_stands_in_the_answer(document: str) -> None:
    table: dict[tuple[str, str], Decision] = {
        ("Enrollee.races", "read"): Allow(),
        ("RaceDeclaration.race", "read"): Allow(),
    }
    assert planned(table, document.replace("#", "k" * 2_000)).plan.roots
    with pytest.raises(OperationTooComplex):
        planned(table, document.replace("#", "k" * 700_000))


@pytest.mark.parametrize("entity", sorted(AROUND))
def test_the_widest_order_makes_a_cursor_that_opens(entity: str) -> None:
    columns = [
        field.column
        for field in CATALOG.fields_of(entity)
        if field.column.kind not in (Kind.TEXTS, Kind.DAYS)
    ]
    widest = sorted(columns, key=lambda column: -column.width)[:5]
    key = [CATALOG.entities[entity].table.columns[n] for n in CATALOG.entities[entity].table.key]
    order = tuple(Order(Ref(column), False) for column in (*widest, *key))
    binding = Binding(b"x" * 32, order)
    keyset = ("[" + ", ".join(["null"] * len(order)) + "]").encode()
    cursor = SEALER.seal(keyset, binding).decode()
    assert SEALER.open(cursor, binding) == (None,) * len(order)


# ── roles ─────────────────────────────────────────────────────────────────────────────────────


def selection(type_: GraphQLNamedType, depth: int) -> Iterator[str]:
    """Every field of a type of a view, and of the types below, so deep."""
    assert isinstance(type_, GraphQLObjectType)
    for name, field in type_.fields.items():
        below = get_named_type(field.type)
        if not isinstance(below, GraphQLObjectType):
            yield name
        elif depth and not any(str(each.type).endswith("!") for each in field.args.values()):
            inside = " ".join(selection(below, depth - 1))
            page = "(first:1)" if "first" in field.args else ""
            yield f"{name}{page}{{__typename {inside}}}"


@pytest.mark.parametrize("role", roles())
def test_what_a_view_shows_can_be_selected(role: str) -> None:
    """The whole view in one document: no denial. A part that is too wide is asked for alone."""
    query = view(role).query_type
    assert query is not None
    asked = 0
    for root in query.fields:
        if root not in ("enrollees", "claims", "providers", "plans"):
            continue
        for part in selection(get_named_type(query.fields[root].type), 3):
            found = plan(role, f"{{{root}(first:1){{{part}}}}}")
            assert [denial.coordinate for denial in found.denials] == []
            asked += 1
    assert asked > 2 or not any(each in query.fields for each in ("enrollees", "plans"))


def terms(order: GraphQLNamedType | None) -> Iterator[str]:
    """Every term of an order input, those along links included."""
    if not isinstance(order, GraphQLInputObjectType):
        return
    for name, field in order.fields.items():
        below = get_named_type(field.type)
        if isinstance(below, GraphQLInputObjectType):
            yield from (f"{{{name}:{inner}}}" for inner in terms(below))
        else:
            yield f"{{{name}:DESC}}"


@pytest.mark.parametrize("role", roles())
def test_what_a_view_shows_can_be_filtered_and_ordered_by(role: str) -> None:
    types = view(role).type_map
    for entity, around in AROUND.items():
        where, order = types.get(f"{entity}Where"), types.get(f"{entity}OrderBy")
        for name in where.fields if isinstance(where, GraphQLInputObjectType) else ():
            field = CATALOG.fields.get(f"{entity}.{name}")
            if field is not None:
                assert any(
                    not denied(role, field.coordinate, f"filter:{operator}")
                    for operator in operators_of(field)
                )
        for term in () if entity in ONE_ROW_AWAY else terms(order):
            plan(role, around % (f"(orderBy:[{term}])", "__typename"))


def test_two_roles_with_other_decisions_have_other_plans() -> None:
    """The plan itself holds what the decisions permit, so no key needs to name the role."""
    document = "{enrollees{nodes{dateOfBirth sex citizenship}}}"
    texts_of = {role: render(plan(role, document).plan).text for role in roles() if readable(role)}
    assert len(texts_of) > 5
    for one, other in combinations(texts_of, 2):
        if texts_of[one] == texts_of[other]:
            same = decisions(one).row_scope("Enrollee") == decisions(other).row_scope("Enrollee")
            assert same, (one, other)


def readable(role: str) -> bool:
    return bool(plan(role, "{enrollees{__typename}}").plan.roots)
