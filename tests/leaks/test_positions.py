"""Reference positions: a denied column is as closed in each of them as in the selection."""

from __future__ import annotations

import json
from functools import cache
from itertools import cycle
from typing import TYPE_CHECKING, Any

import pytest
from graphql import get_named_type

from api.errors import PositionDenied
from authz.decision import Allow, AllowWhere
from db.catalog import Kind
from db.catalog_records import CATALOG
from db.predicate import Never
from db.sql.render import render
from tests.roles import (
    AROUND,
    ONE_ROW_AWAY,
    decisions,
    denied,
    operators_of,
    plan,
    readers,
    roles,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from db.catalog import Field
    from db.sql.pieces import Statement
    from tests.gateway import Gateway

CAPPED = "immigration_enforcement"
SIX = {
    "Enrollee.citizenship",
    "Enrollee.immigrationStatus",
    "Enrollee.phoneNumber",
    "Enrollee.dateOfBirth",
    "Enrollee.medicaidId",
    "HomeAddress.line1",
    "HomeAddress.line2",
    "HomeAddress.line3",
    "HomeAddress.city",
    "HomeAddress.state",
    "HomeAddress.zip",
}

Where = dict[str, Any]
NEGATED = {"eq": "ne", "lt": "gte", "lte": "gt", "in": "notIn"}
NEGATED |= {other: one for one, other in NEGATED.items()}
# Every place of a filter in which a leaf can hide.
PLACES: dict[str, Callable[[Where, Where], Where]] = {
    "alone": lambda leaf, _: leaf,
    "beside another": lambda leaf, other: other | leaf,
    "and": lambda leaf, other: {"and": [other, leaf]},
    "or": lambda leaf, other: {"or": [other, leaf]},
    "not": lambda leaf, _: {"not": leaf},
    "or below not": lambda leaf, other: {"not": {"or": [other, {"and": [leaf, other]}]}},
    "or with what is always true": lambda leaf, _: {"or": [{"and": []}, leaf]},
    "and with what is never true": lambda leaf, _: {"and": [{"or": []}, leaf]},
}
OPERANDS: dict[Kind, object] = {
    Kind.TEXT: "x",
    Kind.TEXTS: "HIV",
    Kind.DATE: "2000-01-01",
    Kind.INTEGER: 1,
    Kind.DECIMAL: "1.00",
    Kind.BOOLEAN: True,
    Kind.UUID: "00000000-0000-0000-0000-000000000000",
}


def operand(field: Field, operator: str) -> object:
    """A value that the operator takes on this field."""
    if operator == "isNull":
        return True
    column = field.column
    value = column.codes.codes[0].name if column.codes else OPERANDS[column.kind]
    return [value] if operator in ("in", "notIn") else value


def closed_in(role: str, field: Field, operator: str, place: str) -> bool:
    """Whether a leaf is refused in a place: under `not`, the opposite operator is what runs."""
    runs = NEGATED.get(operator, operator) if place in ("not", "or below not") else operator
    asked = runs if runs in operators_of(field) else operator
    return denied(role, field.coordinate, f"filter:{asked}")


def leaf(field: Field, operator: str) -> tuple[str, Where]:
    """The list that is filtered, and the filter: an address is filtered from the person."""
    condition = {field.name: {operator: operand(field, operator)}}
    link = ONE_ROW_AWAY.get(field.entity)
    return ("Enrollee", {link: condition}) if link else (field.entity, condition)


def filtered(entity: str, where: Where) -> tuple[str, dict[str, object]]:
    """A document whose filter is one variable, and the variables."""
    around = AROUND[entity] % ("(where:$w)", "__typename")
    return f"query($w:{entity}Where){around}", {"w": where}


HARMLESS: Where = {"and": [{}]}


def fields() -> list[Field]:
    return [field for field in CATALOG.fields.values() if field.column.kind is not Kind.DAYS]


@cache
def reached(role: str, entity: str) -> bool:
    """Whether a role gets as far as the list of an entity."""
    document = AROUND[entity] % ("", "__typename")
    return not plan(role, document).denials


def test_a_filter_by_what_is_denied_is_refused_in_every_place_for_the_capped_role() -> None:
    """Over all coordinates, operators and places; where no list is reached, nothing is filtered."""
    refused = 0
    for field in fields():
        for operator in operators_of(field):
            entity, condition = leaf(field, operator)
            for name, place in PLACES.items():
                if not closed_in(CAPPED, field, operator, name):
                    assert field.coordinate in SIX
                    continue
                document, variables = filtered(entity, place(condition, HARMLESS))
                if not reached(CAPPED, entity):
                    planned = plan(CAPPED, document, variables)
                    assert column(field) not in render(planned.plan).columns
                    continue
                with pytest.raises(PositionDenied) as error:
                    plan(CAPPED, document, variables)
                link = f"Enrollee.{ONE_ROW_AWAY.get(field.entity)}"
                closed = link in CATALOG.links and denied(CAPPED, link, "filter")
                assert error.value.facts["coordinate"] == (link if closed else field.coordinate)
                refused += 1
    assert refused > 1_000


@pytest.mark.parametrize("role", readers())
def test_a_filter_by_what_is_denied_is_refused_for_every_role(role: str) -> None:
    places = cycle(PLACES.items())
    seen = {True: 0, False: 0}
    for field in fields():
        for operator in operators_of(field):
            entity, condition = leaf(field, operator)
            if not reached(role, entity):
                continue
            name, place = next(places)
            document, variables = filtered(entity, place(condition, HARMLESS))
            closed = closed_in(role, field, operator, name)
            seen[closed] += 1
            if closed:
                with pytest.raises(PositionDenied):
                    plan(role, document, variables)
            else:
                plan(role, document, variables)
    assert seen[True] > 20


@pytest.mark.parametrize("role", readers())
def test_ordering_reveals_no_denied_value(role: str) -> None:
    """Neither by what is denied nor by what is hidden on some rows; behind a good term either."""
    sorted_by, refused = 0, 0
    for field in fields():
        entity = field.entity
        if field.column.kind is Kind.TEXTS or entity in ONE_ROW_AWAY or not reached(role, entity):
            continue
        document = f"query($o:[{entity}OrderBy!]){AROUND[entity] % ('(orderBy:$o)', '__typename')}"
        for terms in ([{field.name: "ASC"}], [{field.name: "DESC"}, {field.name: "ASC"}]):
            if all(always(role, field.coordinate, each) for each in ("sort", "read")):
                plan(role, document, {"o": terms})
                sorted_by += 1
                continue
            with pytest.raises(PositionDenied) as error:
                plan(role, document, {"o": terms})
            assert error.value.facts["position"] == "orderBy"
            refused += 1
    assert refused > 10
    assert sorted_by > 0 or role in (CAPPED, "beneficiary", "researcher", "break_glass")


def always(role: str, coordinate: str, action: str) -> bool:
    """Whether a role may do this on every row that exists for it."""
    match decisions(role).decide(coordinate, action):
        case Allow():
            return True
        case AllowWhere(row_filter):
            return row_filter == decisions(role).row_scope(CATALOG.entity_of(coordinate).anchor)
        case _:
            return False


def column(field: Field) -> str:
    """The stored column of a field, as statements list it."""
    table = field.hop.target if field.hop else CATALOG.entities[field.entity].table
    return f"{table.name}.{field.column.name}"


def test_the_capped_role_orders_by_nothing_and_counts_nothing() -> None:
    for coordinate in CATALOG.coordinates:
        assert denied(CAPPED, coordinate, "sort")
        assert denied(CAPPED, coordinate, "aggregate")


@pytest.mark.parametrize("role", roles())
def test_a_denied_selection_names_no_column(role: str) -> None:
    """Each entity whole in one document: the statement has the columns that are readable, keys,
    and what row scopes read; a denied one only if a row scope needs it."""
    for entity, around in AROUND.items():
        names = [field.name for field in CATALOG.fields_of(entity)]
        planned = plan(role, around % ("", " ".join(names)))
        columns = render(planned.plan).columns if planned.plan.roots else frozenset()
        bare = plan(role, around % ("", "__typename"))
        needed = render(bare.plan).columns if bare.plan.roots else frozenset()
        for field in CATALOG.fields_of(entity):
            if denied(role, field.coordinate, "read") and column(field) not in needed:
                shared = [
                    other
                    for other in CATALOG.fields_of(entity)
                    if column(other) == column(field) and not denied(role, other.coordinate, "read")
                ]
                assert shared or column(field) not in columns, (role, field.coordinate)


# Documents that hide a denied field of a person behind something; SSN is denied to most.
DISGUISES = {
    "alias": "{enrollees(first:3){nodes{birthYear:ssn dateOfBirth:ssn}}}",
    "fragment": "{enrollees(first:3){nodes{...F}}} fragment F on Enrollee{ssn}",
    "fragment in fragment": "{enrollees(first:3){...A}} fragment C on Enrollee{ssn}"
    " fragment A on EnrolleeConnection{nodes{...B}} fragment B on Enrollee{...C}",
    "inline fragment": "{...on Query{enrollees(first:3){nodes{...{...on Enrollee{ssn}}}}}}",
    "include true": "query($t:Boolean=true){enrollees(first:3){nodes{ssn @include(if:$t)}}}",
    "skip false": "query($f:Boolean=false){enrollees(first:3){nodes{ssn @skip(if:$f)}}}",
    "skip and include": "{enrollees(first:3){nodes{ssn @skip(if:false) @include(if:true)}}}",
    "merged": "{enrollees(first:3){nodes{ssn}} enrollees(first:3){nodes{ssn ssn}}}",
    "edges": "{enrollees(first:3){edges{node{ssn}}}}",
    "typenames around": "{__typename enrollees(first:3){__typename nodes{__typename ssn}}}",
    "two roots": "{a:enrollees(first:3){nodes{ssn}} b:enrollees(last:3){nodes{ssn}}}",
}


@pytest.mark.parametrize("disguise", DISGUISES)
async def test_a_disguise_opens_nothing(
    disguise: str, gateway: Gateway, sent: list[Statement]
) -> None:
    for role in (CAPPED, "front_desk", "managed_care_plan", "provider", "researcher"):
        answer = await gateway.ask(role, DISGUISES[disguise])
        assert {e["extensions"]["coordinate"] for e in answer["errors"]} == {"Enrollee.ssn"}
        assert leaves(answer["data"]) <= {None, "Query", "EnrolleeConnection", "Enrollee"}
    assert len(sent) == 5
    for statement in sent:
        assert "variable_demographics.ssn" not in statement.columns
        assert "ssn" not in statement.text


def leaves(value: object) -> set[object]:
    """The scalars of a JSON value."""
    match value:
        case dict():
            return set().union(*(leaves(each) for each in value.values()))
        case list():
            return set().union(*(leaves(each) for each in value))
        case _:
            return {value}


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("query($w:EnrolleeWhere){enrollees(where:$w){nodes{id}}}", {"w": {"ssn": {"eq": "1"}}}),
        ('query($w:EnrolleeWhere={ssn:{eq:"1"}}){enrollees(where:$w){nodes{id}}}', {}),
        ("query($s:String){enrollees(where:{ssn:{eq:$s}}){nodes{id}}}", {"s": "1"}),
        ('query($s:String="1"){enrollees(where:{not:{ssn:{eq:$s}}}){nodes{id}}}', {}),
        ("query($f:StringFilter){enrollees(where:{ssn:$f}){nodes{id}}}", {"f": {"eq": "1"}}),
        (
            "query($l:[EnrolleeWhere!]){enrollees(where:{or:$l}){nodes{id}}}",
            {"l": [{}, {"not": {"ssn": {"isNull": True}}}]},
        ),
        ("query($o:[EnrolleeOrderBy!]){enrollees(orderBy:$o){nodes{id}}}", {"o": [{"ssn": "ASC"}]}),
        ("query($o:EnrolleeOrderBy!){enrollees(orderBy:[$o]){nodes{id}}}", {"o": {"ssn": "DESC"}}),
        ("query($d:Direction=DESC){enrollees(orderBy:[{ssn:$d}]){nodes{id}}}", {}),
        ('{...F} fragment F on Query{enrollees(where:{ssn:{eq:"1"}}){nodes{id}}}', {}),
        ('{a:enrollees{nodes{id}} b:enrollees(where:{ssn:{eq:"1"}}){nodes{id}}}', {}),
        (
            '{enrollees(where:{ssn:{eq:"1"}}) @include(if:true){nodes @skip(if:true){id}}}',
            {},
        ),
    ],
)
async def test_a_denied_argument_is_refused_before_any_record_is_asked_for(
    document: str, variables: dict[str, object], gateway: Gateway, sent: list[Statement]
) -> None:
    for role in (CAPPED, "managed_care_plan", "provider", "program_integrity", "researcher"):
        answer = await gateway.post(role, document, variables)
        (error,) = answer.json()["errors"]
        assert error["extensions"]["code"] == "FW121"
        assert error["extensions"]["coordinate"] == "Enrollee.ssn"
        assert "data" not in answer.json()
    assert sent == []


async def test_what_is_left_out_by_a_directive_asks_for_nothing(
    gateway: Gateway, sent: list[Statement]
) -> None:
    document = """query($no:Boolean!){enrollees(first:1){nodes{dateOfBirth ssn @include(if:$no)}}
      claims(where:{diagnosisCode:{eq:"x"}}) @include(if:$no){nodes{icn}}}"""
    answer = await gateway.ask(CAPPED, document, {"no": False})
    assert "errors" not in answer
    assert answer["data"].keys() == {"enrollees"}
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("role", "document", "closed"),
    [
        # A role that reads people and no claims.
        (
            "eligibility_worker",
            "{enrollees(first:5){nodes{lastName claims{nodes{icn enrollee{lastName}}}}}}",
            {"Enrollee.claims"},
        ),
        (CAPPED, "{enrollees(first:5){nodes{claims{nodes{enrollee{ssn}}}}}}", {"Enrollee.claims"}),
        # Roles that read claims, and less of the person behind them.
        (
            "provider",
            "{claims(first:5){nodes{icn enrollee{lastName ssn homeAddress{line1}"
            " claims(first:5){nodes{icn enrollee{ssn}}}}}}}",
            {"Enrollee.ssn", "Enrollee.homeAddress"},
        ),
        (
            "researcher",
            "{claims(first:5){nodes{serviceYear icn enrollee{pseudonym lastName id"
            " claims(first:5){nodes{serviceYear enrollee{medicaidId}}}}}}}",
            {"Claim.icn", "Enrollee.lastName", "Enrollee.id", "Enrollee.medicaidId"},
        ),
        (
            "program_integrity",
            "{claims(first:5){nodes{enrollee{lastName dateOfBirth claims(first:2)"
            "{nodes{provider{npi} enrollee{phoneNumber}}}}}}}",
            {"Enrollee.dateOfBirth", "Enrollee.phoneNumber"},
        ),
    ],
)
async def test_a_relation_walked_there_and_back_opens_nothing_more(
    role: str, document: str, closed: set[str], gateway: Gateway, sent: list[Statement]
) -> None:
    answer = await gateway.ask(role, document)
    assert {e["extensions"]["coordinate"] for e in answer["errors"]} == closed
    (statement,) = sent
    for coordinate in closed & CATALOG.fields.keys():
        field = CATALOG.fields[coordinate]
        if f'"{field.column.name}"' in statement.text:
            assert field.column.name == "enrollee_id"  # the key, which statements join by
    if "Enrollee.claims" in closed:
        assert '"claim"' not in statement.text
    assert '"addr_ln1"' not in statement.text


async def test_a_person_who_left_is_not_reached_through_an_old_claim(gateway: Gateway) -> None:
    """A plan keeps its claims; of a person who is no member today it sees no more."""
    document = """{claims(first:200){nodes{icn enrollee{lastName}}}}"""
    claims = (await gateway.ask("managed_care_plan", document))["data"]["claims"]["nodes"]
    members = await gateway.ask("managed_care_plan", "{enrollees(first:200){nodes{lastName}}}")
    names = {node["lastName"] for node in members["data"]["enrollees"]["nodes"]}
    reached_names = {claim["enrollee"]["lastName"] for claim in claims if claim["enrollee"]}
    assert any(claim["enrollee"] is None for claim in claims)
    assert reached_names and reached_names <= names


async def test_there_is_nothing_to_write_records_with(
    gateway: Gateway, sent: list[Statement]
) -> None:
    """No duplicate can be tried and no payload read back; the policy is all that changes."""
    for document in ("mutation{updateEnrollee{id}}", "subscription{enrollees{nodes{id}}}"):
        answer = await gateway.ask("eligibility_supervisor", document)
        assert {e["extensions"]["code"] for e in answer["errors"]} == {"FW110"}
    kinds = "{__schema{mutationType{name} subscriptionType{name}}}"
    for role in roles():
        schema = (await gateway.ask(role, kinds))["data"]["__schema"]
        changes = {"name": "Mutation"} if role == "policy_administrator" else None
        assert schema == {"mutationType": changes, "subscriptionType": None}
    for field in whole().mutation_type.fields.values():
        assert str(field.type) == "PolicyChange"
    assert sent == []


NUMBERS = ("CountDistinct", "Sum", "Avg", "Min", "Max")


@pytest.mark.parametrize("role", roles())
def test_no_aggregate_is_over_a_denied_value(role: str) -> None:
    """Each number is null with its error; each group is refused before any record is asked for."""
    closed = 0
    for entity, root in (("Enrollee", "enrolleesAggregate"), ("Claim", "claimsAggregate")):
        for kind in NUMBERS:
            part = kind[0].lower() + kind[1:]
            for name in whole().type_map[entity + kind].fields:  # type: ignore[attr-defined]  # an object type
                if denied(role, f"{entity}.{name}", "aggregate"):
                    planned = plan(role, f"{{{root}{{{part}{{{name}}}}}}}")
                    assert planned.denials, (entity, kind, name)
                    closed += 1
        for name, field in whole().type_map[f"{entity}GroupBy"].fields.items():  # type: ignore[attr-defined]
            coordinate = f"{entity}.{name}"
            if coordinate not in CATALOG.fields or not denied(role, coordinate, "aggregate"):
                continue
            # A day asks how large its groups are, and one day is the smallest of them.
            grouping = "DAY" if get_named_type(field.type).name == "DateGrouping" else "VALUE"
            try:
                planned = plan(role, f"{{{root}(groupBy:[{{{name}:{grouping}}}]){{count}}}}")
            except PositionDenied as error:
                assert error.facts["coordinate"] == coordinate
            else:
                assert planned.plan.roots == (), coordinate
            closed += 1
    assert closed > 20


async def test_no_search_is_offered_and_no_numbers_to_who_has_none(gateway: Gateway) -> None:
    """What is not there need not be closed."""
    asked = "{__schema{types{name fields{name args{name}}}}}"
    text = json.dumps(await gateway.ask("eligibility_supervisor", asked)).lower()
    for word in ("search", "exists"):
        assert f'"{word}' not in text
    text = json.dumps(await gateway.ask("eligibility_worker", asked)).lower()
    for word in ("groupby", "distinct", "aggregate", "sum", "avg", "groups", "totalcount"):
        assert f'"{word}' not in text


def test_a_role_without_records_plans_no_record() -> None:
    for role in roles():
        if isinstance(decisions(role).row_scope("Enrollee"), Never):
            for around in AROUND.values():
                planned = plan(role, around % ("", "__typename"))
                if around.startswith(("{enrollees", "{claims")):
                    assert planned.plan.roots == ()
                    assert planned.denials
