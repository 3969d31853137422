"""Policy and orders → floor: what statements name, what conditions read, and nothing besides."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from types import MappingProxyType

import pytest

from api.planner import plan_operation
from authz import hierarchy
from authz.decision import DenialMode
from authz.errors import FloorImpossible
from authz.floor import floor_of
from authz.order import Change, Order, Status, standing
from authz.packaged import load_seed
from authz.policy import ALWAYS, Effect, PolicySet, Role, Rule, Scope
from authz.policy_check import policy_set
from authz.scope import parse_scope
from db.catalog_records import CATALOG
from db.errors import FieldwardError
from db.floor import Floor, RoleFloor
from db.floor_login import floor_role
from db.guard import HEAD, STALE_POLICY, VERSION
from db.predicate import Compare, Literal, Operator, Ref, Through
from db.sql.pieces import Statement
from db.sql.render import render
from tests.oracle.documents import DOCUMENTS
from tests.roles import asked, decisions

POLICY, ORDERS = load_seed(CATALOG)
GUARD = {(HEAD, VERSION)}


@cache
def seed_floor() -> Floor:
    """The floor of the seed policy and the packaged orders."""
    return floor_of(POLICY, ORDERS)


def statements(role: str) -> dict[str, Statement]:
    """The statement of every document that is not refused to a role."""
    found: dict[str, Statement] = {}
    for name, (query, variables) in DOCUMENTS.items():
        try:
            operation, given = asked(query, variables)
            planned = plan_operation(operation, decisions(role), given)
        except FieldwardError:
            continue
        if planned.plan.roots:
            found[name] = render(planned.plan)
    return found


@pytest.mark.parametrize("role", sorted(POLICY.roles))
def test_a_floor_has_every_column_and_function_that_a_statement_names(role: str) -> None:
    granted = seed_floor().roles[role]
    columns = {f"{table}.{column}" for table, column in granted.columns}
    known = {field.column.function for field in CATALOG.fields.values()}
    known |= {field.column.lookup for field in CATALOG.fields.values()}
    for name, statement in statements(role).items():
        assert statement.columns <= columns, (name, statement.columns - columns)
        called = {each for each in known if each and f'"{each}"(' in statement.text}
        assert called <= granted.functions, name
        assert granted.columns >= GUARD, name
        assert STALE_POLICY in granted.functions, name


def test_most_documents_are_statements_of_some_role() -> None:
    made = set().union(*(statements(role) for role in ("program_integrity", "front_desk")))
    assert len(made) > len(DOCUMENTS) / 3


def test_who_looks_an_ssn_up_and_does_not_read_it_has_the_function_and_not_the_column() -> None:
    role = seed_floor().roles["front_desk"]
    assert role.functions == {"variable_demographics_by_ssn", STALE_POLICY}
    assert ("variable_demographics", "ssn_known") in role.columns
    assert ("variable_demographics", "ssn") not in role.columns


def test_a_role_without_records_has_no_column() -> None:
    for role in ("auditor", "policy_administrator"):
        assert seed_floor().roles[role] == RoleFloor(frozenset(), frozenset(), False)


def test_researchers_have_no_label_and_no_date_of_birth() -> None:
    columns = seed_floor().roles["researcher"].columns
    assert ("claim", "sensitive") in columns
    for denied in (("claim", "sensitivity_labels"), ("enrollee", "date_of_birth")):
        assert denied not in columns


def test_the_capped_role_has_the_columns_of_the_six() -> None:
    role = seed_floor().roles["immigration_enforcement"]
    assert role.capped
    keys = {"enrollee_id", "span_num", "effective_date", "end_date"}
    assert {column for column in role.columns - GUARD if column[1] not in keys} == {
        ("enrollee", "population"),
        ("enrollee", "msis_identification_num"),
        ("enrollee", "date_of_birth"),
        ("variable_demographics", "citizenship_ind"),
        ("variable_demographics", "immigration_status"),
        ("phone", "phone_number"),
        *(("home_address", name) for name in ("addr_ln1", "addr_ln2", "addr_ln3", "city", "state",
                                              "zip")),
    }  # fmt: skip


def test_a_floor_is_its_json() -> None:
    floor = seed_floor()
    assert Floor.from_json(floor.as_json()) == floor
    assert Floor.from_json(floor.as_json()).as_json() == floor.as_json()


# Orders


def order(name: str, *history: tuple[int, Status], role: str = "capped", text: str = "") -> Order:
    """An order that leaves a role the date of birth; each change of status is a day of May 2026."""
    population = text or "population covers as_of"
    scope = Scope("people", "Enrollee", population, parse_scope(CATALOG, "Enrollee", population))
    return Order(
        name, "A v. B", "A court", "1", date(2026, 1, 1), date(2026, 1, 1), role, (),
        tuple(Change(datetime(2026, 5, day, tzinfo=UTC), status) for day, status in history),
        MappingProxyType({"Enrollee": scope}),
        MappingProxyType({"Enrollee.dateOfBirth": frozenset({"read"}),
                          "Enrollee.ssn": frozenset({"filter:eq"})}),
    )  # fmt: skip


def policy(*rules: Rule) -> PolicySet:
    """A policy of one role, with one scope."""
    return policy_set(
        CATALOG,
        [Role("capped", "A role.", 10, DenialMode.NULL)],
        {},
        {"people": {"Enrollee": "population covers as_of"}},
        rules,
    )


def allow(coordinate: str, action: str, condition: str = ALWAYS) -> Rule:
    """A rule for the one role."""
    return Rule("capped", coordinate, action, condition, Effect.ALLOW)


READS = allow("Enrollee.dateOfBirth", "read", "people")
IN, OUT = Status.IN_FORCE, Status.PAUSED


def day(number: int) -> datetime:
    """A day of May 2026."""
    return datetime(2026, 5, number, tzinfo=UTC)


@pytest.mark.parametrize(
    ("orders", "spans"),
    [
        ([order("a", (3, IN))], ((day(3), None),)),
        ([order("a", (3, IN), (5, OUT), (9, IN))], ((day(3), day(5)), (day(9), None))),
        ([order("a", (3, IN), (5, OUT)), order("b", (4, IN), (7, OUT))], ((day(3), day(7)),)),
        ([order("a", (3, IN), (5, OUT)), order("b", (5, IN))], ((day(3), None),)),
        ([order("a", (3, IN)), order("b", (4, IN), (7, OUT))], ((day(3), None),)),
        ([order("a", (3, OUT))], ()),
    ],
)
def test_an_order_stands_from_the_instant_it_is_in_force_until_it_is_not(
    orders: list[Order], spans: tuple[object, ...]
) -> None:
    assert floor_of(policy(READS), orders).standing == {"capped": spans}


FAMILY = {"parent": (), "aunt": (), "child": ("parent",), "grandchild": ("child", "aunt")}


@pytest.mark.parametrize(
    ("orders", "spans"),
    [
        ([], {}),
        # An order about another role opens nothing.
        ([order("a", (3, OUT), role="parent"), order("b", (4, IN), role="aunt")],
         {"parent": [], "aunt": [(4, None)], "child": [], "grandchild": []}),
        ([order("a", (3, IN), (6, OUT), role="parent"),
          order("b", (4, IN), (9, OUT), role="child")],
         {"parent": [(3, 6)], "child": [(4, 6)], "grandchild": [(4, 6)]}),
        ([order("a", (1, IN), (3, OUT), (5, IN), role="parent"),
          order("b", (2, IN), (3, OUT), (4, IN), (7, OUT), role="aunt"),
          order("c", (6, IN), (8, OUT), role="aunt")],
         {"parent": [(1, 3), (5, None)], "aunt": [(2, 3), (4, 8)], "child": [(1, 3), (5, None)],
          "grandchild": [(2, 3), (5, 8)]}),
        # What ends as the other begins is never both.
        ([order("a", (1, IN), (3, OUT), role="parent"), order("b", (3, IN), role="child")],
         {"parent": [(1, 3)], "child": [], "grandchild": []}),
    ],
)  # fmt: skip
def test_a_capped_role_reads_while_each_ordered_role_of_its_own_has_an_order_in_force(
    orders: list[Order], spans: dict[str, list[tuple[int, int | None]]]
) -> None:
    made = policy_set(
        CATALOG,
        [Role(name, "A role.", 10, DenialMode.NULL, inherits=frozenset(above))
         for name, above in FAMILY.items()],
        {},
        {"people": {"Enrollee": "population covers as_of"}},
        [],
    )  # fmt: skip
    assert floor_of(made, orders).standing == {
        role: tuple((day(begin), end and day(end)) for begin, end in each)
        for role, each in spans.items()
    }
    # The rules that hold at an instant say the same.
    for role, each in spans.items():
        about = [one for one in orders if one.role in hierarchy.reachable(made.parents, role)]
        for number in range(1, 10):
            spanned = any(begin <= number < (end or 10) for begin, end in each)
            assert bool(standing(about, day(number))) is spanned, (role, number)


def test_spans_from_before_there_were_roles_are_those_of_every_capped_role() -> None:
    old = json.loads(seed_floor().as_json())
    (spans,) = old["standing"].values()
    old["standing"] = spans
    assert Floor.from_json(json.dumps(old)) == seed_floor()
    old["roles"]["provider"]["capped"] = True
    found = Floor.from_json(json.dumps(old)).standing
    assert set(found) == {"immigration_enforcement", "provider"}
    assert found["provider"] == found["immigration_enforcement"] != ()


def test_a_capped_role_has_what_it_has_at_any_instant() -> None:
    """A floor follows from policy and orders alone: an order to come is in it already."""
    for history in ([(3, IN)], [(3, OUT), (4, IN), (5, OUT)]):
        columns = floor_of(policy(READS), [order("a", *history)]).roles["capped"].columns
        assert ("enrollee", "date_of_birth") in columns
    columns = floor_of(policy(READS), [order("a", (3, OUT))]).roles["capped"].columns
    assert columns == frozenset()


@pytest.mark.parametrize("text", ["always", "sex = 'F' and population covers as_of"])
def test_an_order_about_other_people_than_the_stored_population_is_refused(text: str) -> None:
    with pytest.raises(FloorImpossible, match="population covers as_of"):
        floor_of(policy(READS), [order("a", (3, IN), text=text)])


def test_a_capped_role_gets_no_lookup_that_its_row_policy_does_not_reach() -> None:
    looks = allow("Enrollee.ssn", "filter:eq", "people")
    with pytest.raises(FloorImpossible, match="lookup"):
        floor_of(policy(READS, looks), [order("a", (3, IN))])


# Actions and conditions


@pytest.mark.parametrize("action", ["read", "sort", "aggregate", "filter", "filter:startsWith"])
def test_every_way_to_look_at_a_column_needs_it(action: str) -> None:
    floor = floor_of(policy(allow("Enrollee.ssn", action)), ())
    assert ("variable_demographics", "ssn") in floor.roles["capped"].columns


@pytest.mark.parametrize("action", ["create", "update"])
def test_nobody_is_granted_a_column_to_write(action: str) -> None:
    floor = floor_of(policy(allow("Enrollee.ssn", action)), ())
    assert floor.roles["capped"].columns == frozenset()


@pytest.mark.parametrize("number", ["ClaimConnection.totalCount", "ClaimAggregate.count"])
def test_a_number_of_rows_needs_a_key_and_no_value(number: str) -> None:
    floor = floor_of(policy(allow(number, "aggregate")), ())
    columns = floor.roles["capped"].columns - GUARD
    assert columns == {("claim", "enrollee_id"), ("claim", "claim_id")}


SCOPES = {
    "sex = 'F'": {("enrollee", "sex")},
    "variable_demographics.household_size > 4": {("variable_demographics", "household_size")},
    "not (any races (current and race = '001'))": {
        ("race", "race"), ("race", "effective_date"), ("race", "end_date"),
    },
    "any claims (any diagnoses (diagnosis_code = 'F10'))": {
        ("claim", "claim_id"), ("claim_diagnosis", "claim_id"),
        ("claim_diagnosis", "diagnosis_code"),
    },
    "sex = 'F' or (population covers as_of and date_of_birth < as_of)": {
        ("enrollee", "sex"), ("enrollee", "population"), ("enrollee", "date_of_birth"),
    },
}  # fmt: skip


@pytest.mark.parametrize("text", SCOPES)
def test_what_a_row_scope_reads_is_granted_with_what_it_is_about(text: str) -> None:
    made = policy_set(
        CATALOG,
        [Role("capped", "A role.", 10, DenialMode.NULL)],
        {},
        {"here": {"Enrollee": text}},
        [allow("Enrollee.firstName", "read", "here")],
    )
    columns = floor_of(made, ()).roles["capped"].columns
    assert SCOPES[text] <= columns
    plain = floor_of(policy(allow("Enrollee.firstName", "read")), ()).roles["capped"]
    hop = {("variable_demographics", name)
           for name in ("enrollee_id", "span_num", "effective_date", "end_date")}  # fmt: skip
    keys = {(table, "enrollee_id") for table in ("claim", "claim_diagnosis", "race")}
    assert columns - plain.columns - SCOPES[text] <= hop | keys


def test_a_condition_on_one_value_is_by_lookup() -> None:
    """No text of a row scope says it, because a policy names nobody; a filter's condition does."""
    hop = CATALOG.relations["enrollee"]["variable_demographics"]
    one = Compare(Ref(hop.target.columns["ssn"], hop), Operator.EQ, Literal("1"))
    made = policy_set(
        CATALOG,
        [Role("capped", "A role.", 10, DenialMode.NULL)],
        {},
        {"here": {"Enrollee": "always"}},
        [allow("Enrollee.firstName", "read", "here")],
    )
    scopes = {"here": {"Enrollee": Scope("here", "Enrollee", "one", one)}}
    columns = floor_of(replace(made, scopes=scopes), ()).roles["capped"].columns
    assert ("variable_demographics", "ssn_known") in columns
    assert ("variable_demographics", "ssn") not in columns


def test_a_condition_on_the_one_row_of_a_relation_is_walked_as_well() -> None:
    """No text of a row scope says it yet; a filter's condition does."""
    claims = CATALOG.relations["claim"]
    column = claims["provider"].target.columns["city"]
    inner = Compare(Ref(column), Operator.EQ, Literal("A"))
    scope = Compare(Ref(CATALOG.entities["Provider"].table.columns["taxonomy"]), Operator.EQ, None)
    through = Through(claims["provider"], scope, inner)
    made = policy_set(
        CATALOG,
        [Role("capped", "A role.", 10, DenialMode.NULL)],
        {},
        {"here": {"Claim": "always"}},
        [allow("Claim.icn", "read", "here")],
    )
    scopes = {"here": {"Claim": Scope("here", "Claim", "-", through)}}
    columns = floor_of(replace(made, scopes=scopes), ()).roles["capped"].columns
    assert {("claim", "billing_prov_npi_num"), ("provider", "npi")} <= columns
    assert {("provider", "city"), ("provider", "taxonomy")} <= columns


def test_a_name_that_is_cut_is_no_other_databases() -> None:
    """`db floor` takes whatever begins with its database's name and a colon for its own."""
    cut = floor_role("fieldward_production_of_the_northern_district", "r" * 40)
    assert len(cut.encode()) <= 63
    assert not cut.startswith("fieldward_production:")
    assert cut == floor_role("fieldward_production_of_the_northern_district", "r" * 40)
    assert cut != floor_role("fieldward_production_of_the_southern_district", "r" * 40)
