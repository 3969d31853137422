"""Immigration enforcement: six fields of one population, by whatever way it asks. No exceptions.

Every coordinate is asked for in every position, and every person of the records by name. Response
keys say which coordinate they hold, so that one walk over an answer sees whatever leaked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest
from graphql import GraphQLInputObjectType, get_nullable_type

from api.schema.build import core, full_schema
from db.budget import Budget
from db.catalog import Cardinality
from db.catalog_records import CATALOG
from tests.database import connected
from tests.oracle.asker import Asker
from tests.oracle.evaluator import Question
from tests.oracle.operations import Source
from tests.oracle.pool import Word
from tests.oracle.records import Value
from tests.oracle.sketch import Node, literal, plain_of
from tests.oracle.values import hopped
from tests.oracle.world import World

ROLE = "immigration_enforcement"
LINES = ("line1", "line2", "line3", "city", "state", "zip")
ADDRESS = frozenset(f"HomeAddress.{part}" for part in LINES)
SIX = ADDRESS | {
    "Enrollee.citizenship", "Enrollee.immigrationStatus", "Enrollee.phoneNumber",
    "Enrollee.dateOfBirth", "Enrollee.medicaidId",
}  # fmt: skip
"""What the order leaves; the home address is one of the six and has six lines."""

LOOKED_UP = frozenset({"Enrollee.medicaidId", "Enrollee.phoneNumber"})
"""Found by the whole value and never searched."""

ROOTS = {"Enrollee": "enrollees", "Claim": "claims", "Provider": "providers", "Plan": "plans"}
SHAPE = frozenset(
    ["__typename", "nodes", "edges", "node", "pageInfo", "hasNextPage", "hasPreviousPage",
     "startCursor", "endCursor", "cursor", "Enrollee__homeAddress", *ROOTS.values()]
)  # fmt: skip
TOGETHER = 25

SIX_FIELDS = (
    "Enrollee__medicaidId: medicaidId Enrollee__dateOfBirth: dateOfBirth "
    "Enrollee__citizenship: citizenship Enrollee__immigrationStatus: immigrationStatus "
    "Enrollee__phoneNumber: phoneNumber Enrollee__homeAddress: homeAddress { "
    + " ".join(f"HomeAddress__{part}: {part}" for part in LINES)
    + " }"
)


Variables: TypeAlias = "Mapping[str, object]"


@dataclass
class Statements:
    """How many connections of roles were taken: without one, nothing reaches a record."""

    taken: int = 0


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Statements:
    """Counts from here on."""
    counted = Statements()
    acquire = Budget.acquire

    def counting(budget: Budget, name: str) -> object:
        # The gateway's own login reads no record: before a refusal goes out it looks at the head.
        counted.taken += name != ""
        return acquire(budget, name)

    monkeypatch.setattr(Budget, "acquire", counting)
    return counted


@pytest.fixture(scope="module")
async def population(seed_world: World) -> dict[str, dict[str, Any]]:
    """Medicaid ID → what the six are, of everybody of whom each clause holds; as the owner says."""
    async with connected(seed_world.gateway.owner_url) as owner:
        ids = await owner.fetch(
            """
            select enrollee_id from medicaid.population_clauses((now() at time zone 'utc')::date)
             where determined and one_span and non_citizen and verified and status_open
               and no_five_year_bar and unshared_id and id_is_no_ssn
            """
        )
        day = await owner.fetchval("select (now() at time zone 'utc')::date")
    records = seed_world.oracle.records
    members = {row["enrollee_id"] for row in ids}
    assert members
    found: dict[str, dict[str, Any]] = {}
    for person in records.by_table["enrollee"]:
        if person["enrollee_id"] not in members:
            continue
        values: dict[str, Any] = {}
        for coordinate in SIX:
            entry = CATALOG.fields[coordinate]
            hop = entry.hop or (
                CATALOG.links["Enrollee.homeAddress"].relation if coordinate in ADDRESS else None
            )
            value = hopped(records, person, entry.column, hop, day)
            if entry.column.codes is not None and value is not None:
                value = {code.code: code.name for code in entry.column.codes.codes}[value]
            values[coordinate] = value if value is None else str(value)
        found[person["msis_identification_num"]] = values
    assert len(found) == len(members), "an ID of the population is nobody else's"
    return found


async def ask(
    world: World, query: str, variables: Variables | None = None, **claims: object
) -> dict[str, Any]:
    """The answer to the capped role, in which nothing is ever shown but the six."""
    answer = await world.gateway.post(ROLE, query, variables, None, **claims)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    leaked = set(_leaves(body.get("data")))
    assert not leaked, (query, leaked)
    for error in body.get("errors", ()):
        assert error["extensions"]["code"].startswith("FW1"), (query, error)
        assert error["extensions"]["code"] != "FW193", (query, error)
    return body


def _leaves(data: object, key: str = "") -> Iterator[str]:
    """The keys of values that are shown and are none of the six."""
    match data:
        case dict():
            for name, part in data.items():
                yield from _leaves(part, name)
        case list():
            for part in data:
                yield from _leaves(part, key)
        case None:
            return
        case _:
            if key.replace("__", ".") not in SIX and key not in SHAPE:
                yield key


def _denials(body: dict[str, Any]) -> list[str]:
    return [error["extensions"].get("coordinate", "") for error in body.get("errors", ())]


def people(body: dict[str, Any], key: str = "enrollees") -> list[dict[str, Any]]:
    """The six of each person of a page, by coordinate."""
    found = []
    for node in body["data"][key]["nodes"]:
        flat = dict(node)
        flat.update(flat.pop("Enrollee__homeAddress") or {})
        found.append({each: flat.get(each.replace(".", "__")) for each in SIX})
    return found


# Who is shown, and what of them


@pytest.mark.parametrize("size", [1, 7, 50])
async def test_all_pages_together_are_the_population_and_the_six(
    size: int, seed_world: World, population: dict[str, dict[str, Any]]
) -> None:
    query = (
        f"query($size: Int, $after: String) {{ enrollees(first: $size, after: $after) "
        f"{{ nodes {{ {SIX_FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )
    shown: list[dict[str, Any]] = []
    after = None
    while True:
        body = await ask(seed_world, query, {"size": size, "after": after})
        assert "errors" not in body
        shown += people(body)
        page = body["data"]["enrollees"]["pageInfo"]
        after = page["endCursor"]
        if not page["hasNextPage"]:
            break
    assert {person["Enrollee.medicaidId"]: person for person in shown} == population
    assert len(shown) == len(population)


async def test_everybody_else_is_as_absent_as_nobody(
    seed_world: World, population: dict[str, dict[str, Any]], statements: Statements
) -> None:
    everybody = sorted(seed_world.oracle.records.holders)
    found: dict[str, Any] = {}
    for start in range(0, len(everybody), TOGETHER):
        ids = everybody[start : start + TOGETHER]
        roots = " ".join(
            f"p{n}: enrollee(medicaidId: $m{n}) {{ {SIX_FIELDS} }}" for n in range(len(ids))
        )
        declared = ", ".join(f"$m{n}: String!" for n in range(len(ids)))
        before = statements.taken
        body = await ask(
            seed_world, f"query({declared}) {{ {roots} }}",
            {f"m{n}": each for n, each in enumerate(ids)},
        )  # fmt: skip
        assert statements.taken == before + 1
        # A shared ID is no exception: nobody who shares one is in the population.
        assert "errors" not in body
        found |= {each: body["data"][f"p{n}"] for n, each in enumerate(ids)}
    assert {each for each, person in found.items() if person is not None} == set(population)


async def test_the_answer_about_an_outsider_is_the_answer_about_nobody_to_the_byte(
    seed_world: World, population: dict[str, dict[str, Any]]
) -> None:
    query = f"query($m: String!) {{ enrollee(medicaidId: $m) {{ {SIX_FIELDS} }} }}"
    outsiders = sorted(set(seed_world.oracle.records.holders) - set(population))
    nobody = await seed_world.gateway.post(ROLE, query, {"m": "nobody"})
    assert nobody.status_code == 200
    for outsider in outsiders[:: max(len(outsiders) // 40, 1)]:
        answer = await seed_world.gateway.post(ROLE, query, {"m": outsider})
        assert (answer.status_code, answer.content) == (nobody.status_code, nobody.content)
        assert dict(answer.headers) == dict(nobody.headers)


async def test_nobody_else_is_found_by_phone(
    seed_world: World, population: dict[str, dict[str, Any]]
) -> None:
    numbers = sorted({row["phone_number"] for row in seed_world.oracle.records.by_table["phone"]})
    for start in range(0, len(numbers), TOGETHER):
        some = numbers[start : start + TOGETHER]
        roots = " ".join(
            f'p{n}: enrollees(where: {{phoneNumber: {{eq: "{number}"}}}}) '
            f"{{ nodes {{ {SIX_FIELDS} }} }}"
            for n, number in enumerate(some)
        )
        body = await ask(seed_world, f"{{ {roots} }}")
        for n, number in enumerate(some):
            expected = [who for who in population.values() if who["Enrollee.phoneNumber"] == number]
            assert sorted(people(body, f"p{n}"), key=str) == sorted(expected, key=str)


@pytest.mark.parametrize(
    "claims",
    [
        {"state": ["CA", "NY"], "county": ["06037"]},
        {"enrollee_id": "00000000-0000-0000-0000-000000000001", "npi": ["2000000002"]},
        {"roles": ["immigration_enforcement", "eligibility_supervisor"], "state": ["CA"]},
        {"roles": ["eligibility_supervisor", "auditor", "immigration_enforcement"]},
        {"purpose": "TREAT"},
        {"sub": "another"},
    ],
)
async def test_nothing_in_a_token_widens_it(
    claims: dict[str, Any], seed_world: World, population: dict[str, dict[str, Any]]
) -> None:
    query = f"{{ enrollees {{ nodes {{ {SIX_FIELDS} Enrollee__ssn: ssn }} }} }}"
    body = await ask(seed_world, query, **claims)
    assert _denials(body) == ["Enrollee.ssn"]
    assert {each["Enrollee.medicaidId"] for each in people(body)} == set(population)


# Every coordinate in every position


def _selections() -> Iterator[tuple[str, str, str]]:
    """Root, coordinate, and the selection that leads to it, by the shortest way from each root."""
    for entity, root in ROOTS.items():
        waiting = [(entity, HERE)]
        seen = {entity}
        while waiting:
            here, way = waiting.pop(0)
            for entry in CATALOG.fields_of(here):
                key = f"{here}__{entry.name}: {entry.name}"
                yield root, entry.coordinate, way.replace(HERE, key)
            for link in CATALOG.links_of(here):
                key = f"{here}__{link.name}: {link.name}"
                yield root, link.coordinate, way.replace(HERE, f"{key} {{ __typename }}")
                below = f"{{ {HERE} }}"
                if link.relation.cardinality is Cardinality.MANY:
                    counted = CATALOG.entities[link.target].counted
                    count = f"{{ {counted.replace('.', '__')}: totalCount }}"
                    yield root, counted, way.replace(HERE, f"{key} {count}")
                    below = f"{{ nodes {{ {HERE} }} }}"
                if link.target not in seen:
                    seen.add(link.target)
                    waiting.append((link.target, way.replace(HERE, f"{key} {below}")))


HERE = "HERE"
SELECTIONS = tuple(_selections())


@pytest.mark.parametrize("shape", ["plain", "edges", "fragment", "inline", "variable", "beside"])
async def test_every_selection_but_the_six_is_null_with_one_error(
    shape: str, seed_world: World
) -> None:
    for root, coordinate, selection in SELECTIONS:
        beside = f" {SIX_FIELDS}" if shape == "beside" and root == "enrollees" else ""
        inner = {
            "plain": f"nodes {{ {selection} }}",
            "beside": f"nodes {{ {selection}{beside} }}",
            "edges": f"edges {{ cursor node {{ {selection} }} }}",
            "fragment": "nodes { ...F }",
            "inline": f"nodes {{ ... @include(if: true) {{ ... {{ {selection} }} }} }}",
            "variable": f"nodes {{ ... @skip(if: $no) {{ {selection} }} }}",
        }[shape]
        declared = "query($no: Boolean = false) " if shape == "variable" else ""
        type_ = next(entity for entity, list_ in ROOTS.items() if list_ == root)
        fragment = f" fragment F on {type_} {{ {selection} }}" if shape == "fragment" else ""
        body = await ask(seed_world, f"{declared}{{ {root}(first: 3) {{ {inner} }} }}{fragment}")
        opened = root == "enrollees" and (coordinate in SIX or coordinate == "Enrollee.homeAddress")
        assert len(_denials(body)) == (0 if opened else 1), (root, coordinate, body)
        if opened:
            assert body["data"][root][inner.split()[0]]


def _operators() -> Iterator[tuple[str, str, str, Any, str]]:
    """Every operator of every filter that can be written from people on: coordinate, operator, way
    to it, its operand, and the coordinate that closes it: of the first link, or its own."""

    def below(
        entity: str, way: str, closed: str, seen: frozenset[str]
    ) -> Iterator[tuple[str, str, str, Any, str]]:
        type_ = core(full_schema()).type_map[f"{entity}Where"]
        assert isinstance(type_, GraphQLInputObjectType)
        for name, field in type_.fields.items():
            named = get_nullable_type(field.type)
            coordinate = f"{entity}.{name}"
            if coordinate in CATALOG.links:
                link = CATALOG.links[coordinate]
                if link.target in seen:
                    continue
                many = link.relation.cardinality is Cardinality.MANY
                inner = f"{{{name}: {{none: %s}}}}" if many else f"{{{name}: %s}}"
                first = closed or ("" if coordinate == "Enrollee.homeAddress" else coordinate)
                yield from below(link.target, way % inner, first, seen | {link.target})
            elif coordinate in CATALOG.fields:
                assert isinstance(named, GraphQLInputObjectType)
                # One is enough where the way is closed, whatever is asked at its end.
                for operator, operand in list(named.fields.items())[: 1 if closed else None]:
                    condition = way % f"{{{name}: {{{operator}: %s}}}}"
                    yield coordinate, operator, condition, operand, closed or coordinate

    yield from below("Enrollee", "%s", "", frozenset({"Enrollee"}))


WRAPPED = (
    "%s",
    "{not: {not: %s}}",
    "{and: [{}, %s]}",
    "{or: [%s, {dateOfBirth: {isNull: false}}]}",
)


@pytest.mark.parametrize("wrapped", WRAPPED)
async def test_every_filter_but_by_the_six_is_refused_before_any_statement(
    wrapped: str, seed_world: World, seed_source: Source, statements: Statements,
    population: dict[str, dict[str, Any]],
) -> None:  # fmt: skip
    asker = Asker(ROLE, "usual", seed_world.gateway.claims(ROLE))
    asked = 0
    for coordinate, operator, way, operand, closed in _operators():
        value = Node(operand.type, _value(coordinate, operator, seed_source))
        where = wrapped % (way % literal(value))
        query = f"{{ enrollees(where: {where}) {{ nodes {{ {SIX_FIELDS} }} }} }}"
        before = statements.taken
        body = await ask(seed_world, query)
        if coordinate in SIX and (operator == "eq" or coordinate not in LOOKED_UP):
            assert "errors" not in body, (query, body)
            assert {each["Enrollee.medicaidId"] for each in people(body)} <= set(population)
            if wrapped in WRAPPED[:2]:
                exchange = await seed_world.exchange(Question(asker, query))
                assert not exchange.differences, exchange.report()
            asked += 1
        else:
            assert "data" not in body
            (error,) = body["errors"]
            assert error["extensions"]["code"] == "FW121"
            assert error["extensions"]["coordinate"] == closed
            assert statements.taken == before, query
    assert asked > 50


def _value(coordinate: str, operator: str, source: Source) -> Value:
    known = source.pool.values(coordinate) or source.pool.edges(coordinate) or [Word("true")]
    match operator:
        case "isNull":
            return True
        case "in" | "notIn":
            return [Node(None, known[0])]  # type: ignore[arg-type]  # a literal needs no type
        case _:
            return known[len(known) // 2]


async def test_a_filter_in_a_variable_is_refused_as_one_in_the_document(
    seed_world: World, statements: Statements
) -> None:
    for given in (
        {"ssn": {"eq": "000000000"}},
        {"or": [{"not": {"lastName": {"ne": "x"}}}]},
        {"homeAddress": {"county": {"eq": "06037"}}},
        {"phoneNumber": {"startsWith": "5"}},
        {"medicaidId": {"in": ["x"]}},
        {"not": {"medicaidId": {"eq": "x"}}},
        {"not": {"phoneNumber": {"eq": "5"}}},
    ):
        for declared, where, value in (
            ("$w: EnrolleeWhere!", "$w", given),
            ("$w: [EnrolleeWhere!]", "{and: $w}", [given]),
        ):
            query = (
                f"query({declared}) {{ enrollees(where: {where}) {{ nodes {{ __typename }} }} }}"
            )
            before = statements.taken
            body = await ask(seed_world, query, {"w": value})
            assert [error["extensions"]["code"] for error in body["errors"]] == ["FW121"]
            assert statements.taken == before


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_no_order_is_open_to_it(
    direction: str, seed_world: World, statements: Statements
) -> None:
    for coordinate, term in _terms("Enrollee", direction):
        for order in (f"[{literal(term)}]", "$o"):
            declared = "query($o: [EnrolleeOrderBy!]) " if order == "$o" else ""
            before = statements.taken
            body = await ask(
                seed_world,
                f"{declared}{{ enrollees(orderBy: {order}) {{ nodes {{ {SIX_FIELDS} }} }} }}",
                {"o": [plain_of(term)]} if declared else None,
            )
            assert _denials(body) == [coordinate]
            assert "data" not in body
            assert statements.taken == before


def _terms(entity: str, direction: str) -> Iterator[tuple[str, Node]]:
    """Every term of an order, and the coordinate by which it is closed."""
    type_ = core(full_schema()).type_map[f"{entity}OrderBy"]
    assert isinstance(type_, GraphQLInputObjectType)
    for name in type_.fields:
        coordinate = f"{entity}.{name}"
        if coordinate in CATALOG.links:
            for _, inner in _terms(CATALOG.links[coordinate].target, direction):
                yield coordinate, Node(type_, {name: inner})
        else:
            yield coordinate, Node(type_, {name: Node(type_, Word(direction))})


async def test_no_count_is_open_to_it(seed_world: World) -> None:
    body = await ask(
        seed_world,
        "{ a: enrollees { totalCount } "
        "b: enrollees(first: 0) { n: totalCount pageInfo { hasNextPage } } "
        'c: enrollees(where: {dateOfBirth: {gt: "1980-01-01"}}) { totalCount edges { cursor } } }',
    )
    assert _denials(body) == ["EnrolleeConnection.totalCount"] * 3
    assert body["data"]["a"] == {"totalCount": None}


@pytest.mark.parametrize("root", ["claims", "providers", "plans", "policy", "orders"])
async def test_no_other_root_is_open_to_it(
    root: str, seed_world: World, statements: Statements
) -> None:
    selection = {"policy": "{ version }", "orders": "{ name }"}.get(
        root, "{ totalCount nodes { id } }"
    )
    before = statements.taken
    body = await ask(seed_world, f"{{ {root} {selection} }}")
    assert body["data"] == {root: None}
    assert _denials(body) == [f"Query.{root}"]
    assert statements.taken == before


async def test_a_cursor_of_another_role_opens_nothing(
    seed_world: World, statements: Statements
) -> None:
    query = "query($c: String) { enrollees(first: 2, after: $c) { edges { cursor } } }"
    others = await seed_world.gateway.ask("eligibility_supervisor", query)
    cursor = others["data"]["enrollees"]["edges"][0]["cursor"]
    before = statements.taken
    body = await ask(seed_world, query, {"c": cursor})
    assert [error["extensions"]["code"] for error in body["errors"]] == ["FW116"]
    assert statements.taken == before


async def test_a_page_is_no_larger_than_fifty(seed_world: World, statements: Statements) -> None:
    before = statements.taken
    for size in ("first: 51", "last: 51", "first: 1000"):
        body = await ask(seed_world, f"{{ enrollees({size}) {{ nodes {{ {SIX_FIELDS} }} }} }}")
        assert [error["extensions"]["code"] for error in body["errors"]] == ["FW115"]
    assert statements.taken == before
