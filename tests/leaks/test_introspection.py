"""Suggestions and introspection: a role hears of its own view of the schema and of nothing else."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_introspection_query,
)

from tests.roles import roles, view, whole

if TYPE_CHECKING:
    from tests.gateway import Gateway

CAPPED = "immigration_enforcement"


def names(role: str) -> set[str]:
    """Every name in a role's view: types, fields, arguments, input fields, enum values."""
    return schema_names(view(role).type_map)


def schema_names(types: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for name, type_ in types.items():
        if name.startswith("__"):
            continue
        found.add(name)
        match type_:
            case GraphQLObjectType():
                found |= set(type_.fields)
                found |= {arg for field in type_.fields.values() for arg in field.args}
            case GraphQLInputObjectType():
                found |= set(type_.fields)
            case GraphQLEnumType():
                found |= set(type_.values)
            case _:
                pass
    return found


def near(name: str) -> tuple[str, ...]:
    """Misspellings for which a suggestion would be at hand."""
    return name[:-1] + "_", name + "x", name[0] + name[2:] if len(name) > 3 else name + "y"


@pytest.mark.parametrize("role", roles())
async def test_no_message_names_what_the_caller_did_not_write_and_may_not_see(
    role: str, gateway: Gateway
) -> None:
    hidden = schema_names(whole().type_map) - names(role)
    assert hidden
    words = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
    checked = 0
    for place, name in enumerate(sorted(hidden)[:: len(hidden) // 15]):
        wrong = near(name)[place % 3]
        if wrong in hidden:
            continue
        document = (
            f"query($v:{wrong}Where){{{wrong} enrollees({wrong}:1,where:{{{wrong}:{{eq:1}}}},"
            f"orderBy:[{{{wrong}:ASC}}]){{nodes{{{wrong} {wrong}{{id}} sex(a:{wrong})}}}}"
            f"...on {wrong}{{id}}}}"
        )
        answer = (await gateway.post(role, document)).json()
        assert "data" not in answer
        for error in answer["errors"]:
            said = set(words.findall(error["message"]))
            assert not said & (hidden - set(words.findall(document))), error["message"]
            assert "Did you mean" not in error["message"]
        checked += 1
    assert checked > 10


@pytest.mark.parametrize("role", [role for role in roles() if role != "policy_administrator"])
async def test_a_wrong_mutation_is_told_nothing_of_what_could_be_changed(
    role: str, gateway: Gateway
) -> None:
    document = "mutation($e:PolicyEdi){policyPropos(reason:1,edit:$e){iid} policyCommit{id}}"
    answer = (await gateway.post(role, document)).json()
    assert "data" not in answer
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"FW110"}
    said = {error["message"] for error in answer["errors"]}
    # Its words are names of arguments, too.
    assert "The mutation operation is not supported by the schema." in said
    words = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
    hidden = schema_names(whole().type_map) - names(role) - set(words.findall(document))
    for message in said - {"The mutation operation is not supported by the schema."}:
        assert not set(words.findall(message)) & hidden, message


INTROSPECTION = get_introspection_query(
    descriptions=True, directive_is_repeatable=True, schema_description=True,
    input_value_deprecation=True,
)  # fmt: skip


def said_of(types: dict[str, Any]) -> dict[str, str]:
    """Descriptions of fields, input fields and enum values, by coordinate."""
    found: dict[str, str] = {}
    for name, type_ in types.items():
        if name.startswith("__"):
            continue
        parts: dict[str, Any] = {}
        if isinstance(type_, GraphQLObjectType | GraphQLInputObjectType):
            parts = type_.fields
        elif isinstance(type_, GraphQLEnumType):
            parts = type_.values
        found[name] = type_.description or ""
        found |= {f"{name}.{part}": entry.description or "" for part, entry in parts.items()}
    return found


def told(value: object, key: str) -> set[str]:
    """Every name, or every description, that an introspection shows."""
    match value:
        case dict():
            own = {value[key]} if isinstance(value.get(key), str) else set()
            return own.union(*(told(each, key) for each in value.values()))
        case list():
            return set().union(*(told(each, key) for each in value))
        case _:
            return set()


@pytest.mark.parametrize("role", roles())
async def test_introspection_shows_a_role_its_own_view_and_nothing_else(
    role: str, gateway: Gateway
) -> None:
    """Types, fields, arguments, input fields, enum values, descriptions."""
    answer = await gateway.ask(role, INTROSPECTION)
    assert "errors" not in answer
    seen = view(role).type_map
    types = [t for t in answer["data"]["__schema"]["types"] if t["name"][:2] != "__"]
    assert {type_["name"] for type_ in types} == {name for name in seen if name[:2] != "__"}
    assert not told(types, "name") & (schema_names(whole().type_map) - names(role))
    descriptions = set(said_of(whole().type_map).values()) - set(said_of(seen).values())
    assert not told(types, "description") & descriptions


@pytest.mark.parametrize("role", roles())
async def test_a_type_asked_for_by_name_is_null_when_hidden(role: str, gateway: Gateway) -> None:
    document = """query($n:String!){__type(name:$n){name kind description
      fields(includeDeprecated:true){name} inputFields(includeDeprecated:true){name}
      enumValues(includeDeprecated:true){name} possibleTypes{name} interfaces{name}}}"""
    hidden = whole().type_map.keys() - view(role).type_map.keys()
    unknown = await gateway.post(role, document, {"n": "NoSuchType"})
    assert unknown.json() == {"data": {"__type": None}}
    for name in hidden:
        answer = await gateway.post(role, document, {"n": name})
        assert answer.content == unknown.content
    for name in view(role).type_map:
        answer = await gateway.post(role, document, {"n": name})
        assert answer.json()["data"]["__type"]["name"] == name


@pytest.mark.parametrize("role", roles())
async def test_policy_and_orders_are_null_to_whom_they_are_denied(
    role: str, gateway: Gateway
) -> None:
    """Fields that are no records stand behind the same decisions: alone, aliased, in fragments."""
    allowed = role in ("auditor", "policy_administrator")
    for document in (
        "{__typename policy{__typename} orders{__typename history{__typename}}}",
        "{policy{csv version roles{name}} orders{docket}}",
        "{a:policy{csv} b:orders{grants{coordinate}} viewer{subject}}",
        "{...F} fragment F on Query{policy{...G} orders{__typename}} fragment G on Policy{model}",
    ):
        answer = await gateway.ask(role, document)
        data = [value for key, value in answer["data"].items() if key[0] not in "_v"]
        assert all((value is not None) == allowed for value in data)
        assert ("errors" in answer) != allowed
        assert ("p,actuary" in json.dumps(answer)) == (allowed and "csv" in document)


async def test_a_shared_document_with_a_variable_of_a_hidden_type_still_runs(
    gateway: Gateway,
) -> None:
    document = """query($w:ClaimWhere,$l:SensitivityLabel=HIV,$n:String="Claim"){
      __typename __type(name:$n){name}
      claims(where:$w){nodes{icn}} b:claims(where:{sensitivityLabels:{has:$l}}){nodes{icn}}}"""
    answer = await gateway.ask(CAPPED, document, {"w": {"diagnosisCode": {"eq": "x"}}})
    assert answer["data"] == {"__typename": "Query", "__type": None, "claims": None, "b": None}
