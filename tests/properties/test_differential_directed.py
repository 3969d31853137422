"""Compiled = oracle for every feature at least once, and for each operator, order and field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, get_nullable_type

from api.schema.build import core, full_schema
from db.catalog import Cardinality
from db.catalog_records import CATALOG
from tests.oracle.asker import Asker
from tests.oracle.documents import DOCUMENTS
from tests.oracle.evaluator import Question
from tests.oracle.operations import Source
from tests.oracle.pool import Pool
from tests.oracle.records import Value
from tests.oracle.scope import months_before
from tests.oracle.sketch import Node, literal
from tests.oracle.world import Exchange, World

ROOTS = {"Enrollee": "enrollees", "Claim": "claims", "Provider": "providers", "Plan": "plans"}
TOGETHER = 12
"""How many lists stand in one document of a sweep."""

REFUSED = frozenset(["FW110", "FW111", "FW112", "FW113", "FW114", "FW115", "FW116"])
"""What a document can be refused for whoever asks."""


ALIKE = frozenset(
    ["front_desk", "eligibility_worker", "provider", "actuary", "auditor", "break_glass"]
)
"""Roles to which a document shows nothing that it does not show to another."""


def each_role(source: Source, without: frozenset[str] = frozenset()) -> list[Asker]:
    """One asker in each role."""
    askers = {asker.role: asker for asker in reversed(source.askers) if asker.role not in without}
    return list(askers.values())


async def agree(
    world: World, question: Question, cursors: Mapping[str, tuple[str, str]] | None = None
) -> Exchange:
    exchange = await world.exchange(question, cursors)
    assert not exchange.differences, exchange.report()
    return exchange


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_every_feature_agrees(
    name: str,
    seed_world: World,
    seed_source: Source,
    corner_world: World,
    corner_source: Source,
) -> None:
    query, variables = DOCUMENTS[name]
    exchanges = [
        await agree(world, Question(asker, query, variables))
        for world, source in ((seed_world, seed_source), (corner_world, corner_source))
        for asker in each_role(source, ALIKE)
        # What an auditor reads of the policy is no record, and not the oracle's to know.
        if "policy" not in query or not world.oracle.authority.shows(asker.role, "Policy.version")
    ]
    # A document that nobody may ask shows nothing, unless it is wrong for everybody.
    answered = [each for each in exchanges if each.got.data is not ...]
    codes = {code for each in exchanges for code in REFUSED if f'"{code}"' in str(each.got.errors)}
    assert answered or codes, name


# Sweeps: by a role that may do anything, each of something.


def _batches(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _way(entity: str) -> tuple[str, str]:
    """How to reach lists of an entity: what stands before and behind them."""
    if entity in ROOTS:
        return "{", "}"
    for link in CATALOG.links.values():
        if link.target == entity and link.relation.cardinality is Cardinality.MANY:
            root = ROOTS[link.entity]
            # From the end, where the awkward records are not, and from the beginning.
            return f"{{ {root}(first: 25) {{ nodes {{ id", "} } }"
    raise AssertionError(entity)


def _name(entity: str) -> str:
    if entity in ROOTS:
        return ROOTS[entity]
    return next(
        link.name
        for link in CATALOG.links.values()
        if link.target == entity and link.relation.cardinality is Cardinality.MANY
    )


def _selection(entity: str) -> str:
    return " ".join(entry.name for entry in CATALOG.fields_of(entity)[:4])


def _conditions(entity: str, pool: Pool) -> Iterator[str]:
    """A filter for each operator of each field of an entity, straight and under `not`, and for each
    field of each entity that a link leads to."""
    for said in _comparisons(entity, pool):
        yield said
        yield f"{{not: {said}}}"
    type_ = core(full_schema()).type_map[f"{entity}Where"]
    assert isinstance(type_, GraphQLInputObjectType)
    for link in CATALOG.links_of(entity):
        if link.name not in type_.fields:
            continue
        many = link.relation.cardinality is Cardinality.MANY
        # Not each operator again, but each field, and one operator after the other.
        for number, inner in enumerate(list(_comparisons(link.target, pool))[::5]):
            asked = f"{{{('some', 'none')[number % 2]}: {inner}}}" if many else inner
            said = f"{{{link.name}: {asked}}}"
            yield said if number % 3 else f"{{not: {said}}}"


def _comparisons(entity: str, pool: Pool) -> Iterator[str]:
    """A filter for each operator of each field of an entity."""
    type_ = core(full_schema()).type_map[f"{entity}Where"]
    assert isinstance(type_, GraphQLInputObjectType)
    for entry in CATALOG.fields_of(entity):
        if entry.name not in type_.fields:
            continue
        named = get_nullable_type(type_.fields[entry.name].type)
        assert isinstance(named, GraphQLInputObjectType)
        for operator, operand in named.fields.items():
            value = _operand(entry.coordinate, operator, pool)
            yield f"{{{entry.name}: {{{operator}: {literal(Node(operand.type, value))}}}}}"


def _operand(coordinate: str, operator: str, pool: Pool) -> Value:
    known = pool.values(coordinate) or pool.edges(coordinate) or [True]
    middle = known[len(known) // 2]
    match operator:
        case "isNull":
            return True
        case "in" | "notIn":
            return [Node(None, value) for value in (known[0], middle)]  # type: ignore[arg-type]  # a literal needs no type
        case "startsWith":
            return str(middle)[:2]
        case _:
            return middle


@pytest.mark.parametrize("entity", sorted(CATALOG.listed))
@pytest.mark.parametrize("role", ["wide", "patchy"])
async def test_every_operator_of_every_filter_agrees(
    entity: str, role: str, corner_world: World, corner_source: Source
) -> None:
    asker = next(each for each in corner_source.askers if each.role == role)
    before, behind = _way(entity)
    body = f"{{ nodes {{ {_selection(entity)} }} }}"
    lists = [
        f"f{number}: {_name(entity)}(last: 4, where: {where}) {body}"
        for number, where in enumerate(_conditions(entity, corner_source.pool))
    ]
    for batch in _batches(lists, TOGETHER):
        await agree(corner_world, Question(asker, f"{before} {' '.join(batch)} {behind}"))


@pytest.mark.parametrize("entity", sorted(CATALOG.listed))
async def test_every_order_agrees_from_both_ends(
    entity: str, corner_world: World, corner_source: Source
) -> None:
    asker = corner_source.askers[0]
    before, behind = _way(entity)
    lists = [
        f"f{number}{end}: {_name(entity)}({end}: 5, orderBy: [{term}]) "
        f"{{ nodes {{ {_selection(entity)} }} pageInfo {{ startCursor endCursor }} }}"
        for number, term in enumerate(_terms(entity))
        for end in ("first", "last")
    ]
    for batch in _batches(lists, TOGETHER):
        await agree(corner_world, Question(asker, f"{before} {' '.join(batch)} {behind}"))


def _terms(entity: str) -> Iterator[str]:
    """Each term of an order of an entity, along links too, upward and downward."""
    type_ = core(full_schema()).type_map[f"{entity}OrderBy"]
    assert isinstance(type_, GraphQLInputObjectType)
    for name in type_.fields:
        link = CATALOG.links.get(f"{entity}.{name}")
        inner = ("ASC", "DESC") if link is None else _terms(link.target)
        yield from (f"{{{name}: {term}}}" for term in inner)


def _everything(entity: str, depth: int) -> str:
    fields = [entry.name for entry in CATALOG.fields_of(entity)]
    for link in CATALOG.links_of(entity) if depth else ():
        below = _everything(link.target, depth - 1)
        if link.relation.cardinality is Cardinality.MANY:
            fields.append(f"{link.name}(first: 2) {{ totalCount nodes {{ {below} }} }}")
        else:
            fields.append(f"{link.name} {{ {below} }}")
    return " ".join(fields)


@pytest.mark.parametrize("root", ROOTS)
async def test_every_role_gets_every_field_as_the_oracle_does(
    root: str,
    seed_world: World,
    seed_source: Source,
    corner_world: World,
    corner_source: Source,
) -> None:
    query = (
        f"{{ {ROOTS[root]}(first: 7) {{ totalCount "
        f"edges {{ cursor node {{ {_everything(root, 1)} }} }} "
        "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"
    )
    for world, source in ((seed_world, seed_source), (corner_world, corner_source)):
        for asker in each_role(source):
            await agree(world, Question(asker, query))


LAWS = {
    "not some is none": (
        "{{not: {{{link}: {{some: {inner}}}}}}}",
        "{{{link}: {{none: {inner}}}}}",
    ),
    "not none is some": (
        "{{not: {{{link}: {{none: {inner}}}}}}}",
        "{{{link}: {{some: {inner}}}}}",
    ),
    "both words are two filters": (
        "{{{link}: {{some: {inner}, none: {{{other}}}}}}}",
        "{{and: [{{{link}: {{some: {inner}}}}}, {{{link}: {{none: {{{other}}}}}}}]}}",
    ),
    "some either is some of one or some of the other": (
        "{{{link}: {{some: {{or: [{inner}, {{{other}}}]}}}}}}",
        "{{or: [{{{link}: {{some: {inner}}}}}, {{{link}: {{some: {{{other}}}}}}}]}}",
    ),
}
"""Filters along a link that say the same."""

ALONG = {
    "claims of people": (
        "enrollees", "claims", "{kind: {in: [PHARMACY, OTHER]}}", "coveredDays: {gte: 1}"),
    "races of people": ("enrollees", "races", "{race: {isNull: false}}", "endDate: {isNull: true}"),
    "lines of claims": ("claims", "lines", "{daysSupply: {gt: 0}}", "paidAmount: {lt: \"1\"}"),
    "plans of people": (
        "enrollees", "managedCare", "{plan: {name: {ne: \"x\"}}}", "planType: {isNull: true}"),
}  # fmt: skip


@pytest.mark.parametrize("role", ["wide", "patchy", "walker", "stray"])
@pytest.mark.parametrize("law", LAWS)
async def test_filters_along_links_keep_the_laws_of_logic(
    law: str, role: str, corner_world: World, corner_source: Source
) -> None:
    asker = next(each for each in corner_source.askers if each.role == role)
    found = 0
    for root, link, inner, other in ALONG.values():
        one, two = (each.format(link=link, inner=inner, other=other) for each in LAWS[law])
        page = "nodes { id } pageInfo { hasNextPage }"
        query = f"{{ a: {root}(where: {one}) {{ {page} }} b: {root}(where: {two}) {{ {page} }} }}"
        exchange = await agree(corner_world, Question(asker, query))
        if exchange.got.data is not ...:
            assert exchange.got.data["a"] == exchange.got.data["b"]
            found += len(exchange.got.data["a"]["nodes"])
    assert found


async def test_a_filter_along_a_link_asks_only_where_the_link_is_open(
    corner_world: World, corner_source: Source
) -> None:
    """To `stray`, the claims of minors are closed to filters, whatever is asked of them."""
    asker = next(each for each in corner_source.askers if each.role == "stray")
    ways = ("some: {}", "none: {}", "some: {kind: {eq: PHARMACY}}", "none: {kind: {isNull: true}}")
    said = [f"{{claims: {{{way}}}}}" for way in ways]
    lists = [
        f"f{number}: enrollees(where: {where}) {{ nodes {{ dateOfBirth }} }}"
        for number, where in enumerate([*said, *(f"{{not: {each}}}" for each in said)])
    ]
    exchange = await agree(corner_world, Question(asker, f"{{ {' '.join(lists)} }}"))
    born = [node["dateOfBirth"] for rows in exchange.got.data.values() for node in rows["nodes"]]
    grown = months_before(datetime.now(UTC).date(), 216).isoformat()
    assert born and max(born) <= grown
    assert exchange.got.conditional == ["Enrollee.claims"]


async def test_every_code_has_its_name(corner_world: World, corner_source: Source) -> None:
    enums = {
        name: set(type_.values)
        for name, type_ in core(full_schema()).type_map.items()
        if isinstance(type_, GraphQLEnumType) and name.endswith(("Status", "Group", "Code", "Type"))
    }
    assert enums
    query = (
        "{ claims(first: 60) { nodes { lines(first: 5) { nodes { typeOfService } } kind } } "
        "plans(first: 60) { nodes { planType state } } }"
    )
    await agree(corner_world, Question(corner_source.askers[0], query))


# Walks through pages.

ODD = 'where: {medicaidId: {startsWith: "odd"}}'
WALKS = {
    "by key": ("enrollees", ODD, ""),
    "by names that repeat": ("enrollees", ODD, "{lastName: ASC}"),
    "down names, then up dates": ("enrollees", ODD, "{lastName: DESC}, {dateOfBirth: ASC}"),
    "by values that are missing": ("enrollees", ODD, "{dateOfDeath: DESC}, {middleInitial: ASC}"),
    "down values that are missing": ("enrollees", ODD, "{sex: DESC}, {dateOfDeath: DESC}"),
    "behind hops": ("enrollees", ODD, "{veteran: DESC}, {zip3: ASC}, {phoneNumber: DESC}"),
    "by derived values": ("enrollees", ODD, "{birthYear: DESC}, {ageGroup: ASC}"),
    "by days at the edge": ("enrollees", ODD, "{dateOfBirth: DESC}"),
    "by amounts": (
        "claims",
        "where: {submittingState: {eq: GU}}",
        "{paidAmount: DESC}, {kind: ASC}",
    ),
    "by amounts and days": (
        "claims",
        "where: {submittingState: {eq: GU}}",
        "{billedAmount: ASC}, {serviceBeginDate: DESC}, {coveredDays: ASC}",
    ),
    "along a link": (
        "claims",
        "where: {submittingState: {eq: GU}}",
        "{enrollee: {lastName: DESC}}, {enrollee: {dateOfDeath: ASC}}",
    ),
    "along links to rows that are missing": (
        "claims",
        'where: {submittingState: {in: [GU, MA]}, enrollee: {medicaidId: {startsWith: "odd"}}}',
        "{provider: {city: ASC}}, {plan: {name: DESC}}, {provider: {name: DESC}}",
    ),
    "along several links": (
        "claims",
        "where: {submittingState: {eq: GU}}",
        "{enrollee: {homeAddress: {city: DESC}}}, {enrollee: {veteran: ASC}}",
    ),
    "by where people live": (
        "enrollees",
        ODD,
        "{homeAddress: {city: ASC}}, {mailingAddress: {zip: DESC}}",
    ),
    "providers": ("providers", "where: {state: {in: [GU, MA]}}", "{city: DESC}, {taxonomy: ASC}"),
}


@pytest.mark.parametrize("size", [1, 3, 8])
@pytest.mark.parametrize(
    ("walk", "role"),
    # To `walker`, rows at the end of links are missing that exist for `wide`.
    [*((walk, "wide") for walk in WALKS), *((walk, "walker") for walk in WALKS if "link" in walk)],
)
async def test_pages_join_into_the_whole_list(
    walk: str, role: str, size: int, corner_world: World, corner_source: Source
) -> None:
    root, where, order = WALKS[walk]
    asker = next(each for each in corner_source.askers if each.role == role)
    query = (
        f"query($first: Int, $last: Int, $after: String, $before: String) {{ {root}({where}, "
        f"orderBy: [{order}], first: $first, last: $last, after: $after, before: $before) "
        "{ edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor "
        "endCursor } } }"
    )
    found: dict[str, list[str]] = {}
    for name, begin, fact, go_on in (
        ("first", "after", "hasNextPage", "endCursor"),
        ("last", "before", "hasPreviousPage", "startCursor"),
    ):
        ids: list[str] = []
        cursors: dict[str, tuple[str, str]] = {}
        while True:
            exchange = await agree(
                corner_world, Question(asker, query, {name: size}), cursors=cursors
            )
            page = exchange.got.data[root]
            these = [edge["node"]["id"] for edge in page["edges"]]
            ids = ids + these if name == "first" else these + ids
            if not page["pageInfo"][fact] or len(ids) > 60:
                break
            pair = next(p for p in exchange.cursors if p[0][-1] == go_on)
            cursors = {begin: (pair[1], pair[2])}
        found[name] = ids
    assert found["first"] == found["last"]
    assert len(found["first"]) == len(set(found["first"])) > 3


PLACES = (
    "{{ enrollees({}) {{ edges {{ cursor }} }} }}",
    "{{ enrollees(orderBy: [{{lastName: ASC}}], {}) {{ edges {{ cursor }} }} }}",
    "{{ enrollees(where: {{sex: {{eq: FEMALE}}}}, {}) {{ edges {{ cursor }} }} }}",
    "{{ enrollees(where: {{}}, {}) {{ edges {{ cursor }} }} }}",
    "{{ claims({}) {{ edges {{ cursor }} }} }}",
    "{{ enrollees(first: 20) {{ nodes {{ claims({}) {{ edges {{ cursor }} }} }} }} }}",
    "{{ enrollees(first: 20) {{ nodes {{ races({}) {{ edges {{ cursor }} }} }} }} }}",
)
"""Lists whose cursors are nobody else's."""


async def test_a_cursor_opens_in_its_own_list_alone(
    corner_world: World, corner_source: Source
) -> None:
    wide, other = corner_source.askers[0], Asker("wide", "another subject", {"sub": "another"})
    heir = next(each for each in corner_source.askers if each.role == "heir")
    opened = []
    for made, where_made in enumerate(PLACES):
        first = await agree(corner_world, Question(wide, where_made.format("first: 2")))
        cursor = first.cursors[0]
        for used, where_used in enumerate(PLACES):
            query = f"query($c: String) {where_used.format('first: 2, after: $c')}"
            for asker in (wide, other, heir):
                exchange = await agree(
                    corner_world, Question(asker, query), cursors={"c": (cursor[1], cursor[2])}
                )
                if exchange.got.data is not ...:
                    opened.append((made, used, asker))
    assert opened == [(place, place, wide) for place in range(len(PLACES))]


@pytest.mark.parametrize("change", ["cut", "longer", "one letter", "empty"])
async def test_a_cursor_that_was_touched_opens_nothing(
    change: str, corner_world: World, corner_source: Source
) -> None:
    asker = corner_source.askers[0]
    query = "query($c: String) { enrollees(first: 1, after: $c) { edges { cursor } } }"
    _, _, cursor = (await agree(corner_world, Question(asker, query))).cursors[0]
    touched = {
        "cut": cursor[:-1],
        "longer": cursor + "A",
        "one letter": ("B" if cursor[0] == "A" else "A") + cursor[1:],
        "empty": "",
    }[change]
    exchange = await agree(corner_world, Question(asker, query, {"c": touched}))
    assert "FW116" in str(exchange.got.errors)
