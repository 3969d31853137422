"""A role's view: nothing in it that decisions deny, and nothing missing that they open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    print_schema,
    validate_schema,
)

from api.guard import Guard, Opens, guard_of
from api.local import opens_local
from api.schema.build import core, full_schema
from api.view import view_of
from authz.decision import Deny
from authz.packaged import load_seed
from authz.policy import ALWAYS, Effect, Rule, sorted_rules
from authz.snapshot import take
from db.catalog_records import CATALOG

AS_OF = datetime(2026, 11, 23, tzinfo=UTC)
SNAPSHOT = take(*load_seed(CATALOG), AS_OF)
ROLES = sorted(SNAPSHOT.roles)


@cache
def view(role: str) -> GraphQLSchema:
    return view_of(SNAPSHOT.decisions(role))


def shown(schema: GraphQLSchema) -> set[tuple[str, str]]:
    """Every field and input field of a schema."""
    return {
        (name, field)
        for name, type_ in schema.type_map.items()
        if isinstance(type_, GraphQLObjectType | GraphQLInputObjectType) and name[:2] != "__"
        for field in type_.fields
    }


def guard(type_: str, field: str) -> Guard:
    definition = core(full_schema()).type_map[type_]
    assert isinstance(definition, GraphQLObjectType | GraphQLInputObjectType)
    return guard_of(definition.fields[field])


@pytest.mark.parametrize("role", ROLES)
def test_a_view_is_a_valid_schema(role: str) -> None:
    assert validate_schema(view(role)) == []


@pytest.mark.parametrize("role", ROLES)
def test_a_view_shows_nothing_that_is_denied(role: str) -> None:
    decisions = SNAPSHOT.decisions(role)
    for type_, field in shown(view(role)):
        found = guard(type_, field)
        match found.opens:
            case Opens.READ | Opens.AGGREGATE | Opens.SORT | Opens.CREATE | Opens.UPDATE:
                decision = decisions.decide(found.coordinate, found.opens.value)
                assert not isinstance(decision, Deny), f"{type_}.{field}"
            case Opens.FILTER if found.coordinate in CATALOG.fields:
                assert any(
                    not isinstance(decision, Deny)
                    for (coordinate, action), decision in decisions.table.items()
                    if coordinate == found.coordinate and action.startswith("filter:")
                ), f"{type_}.{field}"
            case Opens.LOCAL:
                assert opens_local(found, decisions), f"{type_}.{field}"
            case _:
                pass


@pytest.mark.parametrize("role", ROLES)
def test_a_view_shows_all_that_can_be_reached_and_read(role: str) -> None:
    """Walked from Query over the whole schema: what is open and reachable is in the view."""
    decisions, visible = SNAPSHOT.decisions(role), shown(view(role))
    waiting, seen = ["Query"], {"Query"}
    whole = core(full_schema()).type_map
    while waiting:
        name = waiting.pop()
        type_ = whole[name]
        assert isinstance(type_, GraphQLObjectType)
        for field, definition in type_.fields.items():
            found = guard(name, field)
            if found.opens not in (Opens.READ, Opens.SHAPE) or (name, field) not in visible:
                if found.opens is Opens.READ and get_named_type(definition.type).name in (
                    "String", "Date", "Int", "ID", "Boolean", "Decimal"
                ):  # fmt: skip
                    assert isinstance(decisions.decide(found.coordinate, "read"), Deny)
                if (name, field) not in visible:
                    continue
            below = get_named_type(definition.type)
            if isinstance(below, GraphQLObjectType) and below.name not in seen:
                seen.add(below.name)
                waiting.append(below.name)


@pytest.mark.parametrize("role", ROLES)
def test_a_view_holds_no_type_that_nothing_leads_to(role: str) -> None:
    schema = view(role)
    assert schema.query_type is not None
    reached: set[str] = set()
    waiting = [type_ for type_ in (schema.query_type, schema.mutation_type) if type_]
    while waiting:
        type_ = waiting.pop()
        if type_.name in reached:
            continue
        reached.add(type_.name)
        for field in getattr(type_, "fields", {}).values():
            waiting.append(get_named_type(field.type))
            waiting += [
                get_named_type(argument.type) for argument in getattr(field, "args", {}).values()
            ]
    built_in = {"String", "Int", "Float", "Boolean", "ID"}
    assert {n for n in schema.type_map if n[:2] != "__"} - built_in == reached - built_in


def test_the_capped_role_sees_the_six_and_how_to_page_them() -> None:
    schema = view("immigration_enforcement")
    enrollee = schema.type_map["Enrollee"]
    assert isinstance(enrollee, GraphQLObjectType)
    assert set(enrollee.fields) == {
        "citizenship", "immigrationStatus", "homeAddress", "phoneNumber", "dateOfBirth",
        "medicaidId",
    }  # fmt: skip
    address = schema.type_map["HomeAddress"]
    assert isinstance(address, GraphQLObjectType)
    assert set(address.fields) == {"line1", "line2", "line3", "city", "state", "zip"}
    text = print_schema(schema)
    for hidden in (
        "ssn",
        "county",
        "lastName",
        "Claim",
        "orderBy",
        "totalCount",
        "race",
        "policy:",
    ):
        assert hidden not in text


@pytest.mark.parametrize("role", ROLES)
def test_only_who_may_change_something_sees_that_anything_can_be_changed(role: str) -> None:
    kinds = {name for name in view(role).type_map if name == "Mutation" or name == "PolicyChange"}
    expected = {"policy_administrator": {"Mutation", "PolicyChange"}, "auditor": {"PolicyChange"}}
    assert kinds == expected.get(role, set())


def test_a_view_shows_the_mutations_that_are_open_and_no_other() -> None:
    """A policy of its own: one may move changes on, another may do so without reading of them."""
    policy, orders = load_seed(CATALOG)
    rules = [rule for rule in policy.rules if rule.role not in ("auditor", "actuary")]
    for role in ("auditor", "actuary"):
        rules.append(Rule(role, "PolicyChange.state", "update", ALWAYS, Effect.ALLOW))
    rules.append(Rule("auditor", "PolicyChange.state", "read", ALWAYS, Effect.ALLOW))
    snapshot = take(replace(policy, rules=sorted_rules(rules)), orders, AS_OF)
    mutation = view_of(snapshot.decisions("auditor")).mutation_type
    assert mutation is not None
    assert set(mutation.fields) == {
        "policyApprove", "policyReject", "policyWithdraw", "policyCommit"
    }  # fmt: skip
    # Nothing of what it would answer with can be read.
    assert view_of(snapshot.decisions("actuary")).mutation_type is None


@pytest.mark.parametrize("role", ["actuary", "auditor", "policy_administrator"])
def test_a_role_without_records_sees_no_record_type(role: str) -> None:
    assert not {"Enrollee", "Claim", "Provider", "Plan"} & set(view(role).type_map)
