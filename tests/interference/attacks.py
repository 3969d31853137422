"""Operations that ask for what is hidden: by filters, orders, counts, IDs, cursors and mistakes.

Whatever comes back, a refusal too, must not depend on what is hidden. Every filter and every order
that no rule of the role allows is probed once, among what chance brings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
)

from api.schema.build import core, full_schema
from db.catalog import Cardinality
from db.catalog_records import CATALOG
from tests.oracle.evaluator import Question
from tests.oracle.operations import Case
from tests.oracle.sketch import Node, literal

if TYPE_CHECKING:
    import random

    from tests.oracle.operations import Source
    from tests.oracle.records import Value

ROOTS = {"Enrollee": "enrollees", "Claim": "claims", "Provider": "providers", "Plan": "plans"}

_BROKEN = (
    "{{ enrollees(first: 2) {{ nodes {{ frstName }} }} }}",
    "{{ enrollees(where: {{lastNam: {{eq: {0}}}}}) {{ totalCount }} }}",
    "{{ enrollees(first: {0}) {{ totalCount }} }}",
    "{{ enrollees(where: {{dateOfBirth: {{eq: {0}}}}}) {{ nodes {{ __typename }} }} }}",
    "{{ enrollees(orderBy: [{{ssn: {0}}}]) {{ nodes {{ __typename }} }} }}",
    "{{ enrollee(medicaidId: {0}, medicaidId: {0}) {{ __typename }} }}",
    "{{ enrollee(medicaidId: {0} {{ __typename }} }}",
    "{{ enrollees(first: 2, after: {0}) {{ edges {{ cursor }} }} }}",
    "query($v: ImmigrationStatus = {0}) {{ __typename }}",
)
_SHAPES = (
    "{ __schema { queryType { fields { name args { name } } } types { name } } }",
    '{ __type(name: "%s") { name description fields { name description type { name } } '
    "inputFields { name } enumValues { name } } }",
)
_DEEP = ("claims { nodes { icn enrollee { lastName } provider { name } } }", "ssn", "id",
         "homeAddress { line1 county }", "determinations { nodes { outcome evidence } }",
         "eligibilitySpans { totalCount }", "races { nodes { race } }")  # fmt: skip
_WRAPPED = ("{}", "{}", "{{not: {}}}", "{{or: [{}]}}", "{{and: [{}, {{}}]}}")
_PROBES = 0.6
_STRONG = ("gte", "lt", "has", "eq")
"""Operators of which one parts rows in two for nearly any operand, the best first."""


class Attacks:
    """Draws attacks by one asker; operands are values of either side of the comparison."""

    def __init__(self, source: Source, other: Source, chance: random.Random) -> None:
        self._asker = source.askers[0]
        self._authority = source.authority
        self._pools = (source.pool, other.pool)
        self._chance = chance
        self._probes = [*self._closed_filters(), *self._closed_orders()]
        chance.shuffle(self._probes)

    def draw(self) -> Case:
        """One attack."""
        if self._probes and self._chance.random() < _PROBES:
            kind, coordinate, operator = self._probes.pop()
            probe = self._probe_filter if kind == "filter" else self._probe_order
            text = probe(coordinate, operator)
        else:
            makers = (self._filter, self._filter, self._order, self._id, self._id, self._count,
                      self._broken, self._shape, self._selection, *[self._summary] * 4)  # fmt: skip
            text = self._chance.choice(makers)()
        return Case(Question(self._asker, text))

    # What no rule allows

    def _closed(self, coordinate: str, action: str) -> bool:
        role = self._asker.role
        anchor = CATALOG.entity_of(coordinate).anchor
        everything = frozenset(self._authority.scopes(role, anchor))
        granted = self._authority.granted(role, coordinate, everything)
        return not {action, action.partition(":")[0]} & granted

    def _closed_filters(self) -> list[tuple[str, str, str]]:
        found = []
        for coordinate in CATALOG.fields:
            closed = [o for o in _operators(coordinate) if self._closed(coordinate, f"filter:{o}")]
            best = [o for o in _STRONG if o in closed] or closed
            found += [("filter", coordinate, best[0])] if best else []
        return found

    def _closed_orders(self) -> list[tuple[str, str, str]]:
        directions = ("ASC", "DESC")
        return [
            ("orderBy", coordinate, self._chance.choice(directions))
            for coordinate, entry in CATALOG.fields.items()
            if entry.entity in CATALOG.listed and self._closed(coordinate, "sort")
        ]

    def _probe_filter(self, coordinate: str, operator: str) -> str:
        entity = CATALOG.fields[coordinate].entity
        where = self._around(entity, self._comparison(coordinate, operator))
        return self._list(_listed(entity), f"where: {where}", "edges { cursor }")

    def _probe_order(self, coordinate: str, direction: str) -> str:
        field = CATALOG.fields[coordinate]
        order = f"orderBy: [{{{field.name}: {direction}}}]"
        return self._list(field.entity, order, "edges { cursor }")

    # Anything

    def _filter(self) -> str:
        coordinate = self._chance.choice(sorted(CATALOG.fields))
        entity = CATALOG.fields[coordinate].entity
        operator = self._chance.choice(_operators(coordinate))
        where = self._around(entity, self._comparison(coordinate, operator))
        listed = _listed(entity)
        return self._list(listed, f"where: {where}", self._body(listed))

    def _order(self) -> str:
        listed = self._chance.choice(sorted(CATALOG.listed))
        terms = ", ".join(
            f"{{{self._field(listed)}: {self._chance.choice(('ASC', 'DESC'))}}}"
            for _ in range(self._chance.choice((1, 1, 2)))
        )
        return self._list(listed, f"first: 5, orderBy: [{terms}]", self._body(listed))

    def _id(self) -> str:
        value = literal(Node(_ANY, self._operand("Enrollee.medicaidId")))
        body = " ".join(self._chance.sample(_DEEP, 2))
        return f"{{ enrollee(medicaidId: {value}) {{ medicaidId dateOfBirth {body} }} }}"

    def _count(self) -> str:
        listed = self._chance.choice(sorted(CATALOG.listed))
        return self._list(listed, f"first: {self._chance.randint(0, 3)}", "totalCount")

    def _summary(self) -> str:
        """Numbers of people or claims: whole, in groups, of those that meet a condition."""
        entity = self._chance.choice(("Enrollee", "Claim"))
        arguments, key = [], ""
        if self._chance.random() < 0.6:
            coordinate = self._counted(entity)
            type_ = _input(f"{entity}GroupBy").fields[coordinate.partition(".")[2]].type
            ways = get_named_type(type_)
            assert isinstance(ways, GraphQLEnumType)
            name = coordinate.partition(".")[2]
            arguments.append(f"groupBy: [{{{name}: {self._chance.choice(list(ways.values))}}}]")
            key = f"groups {{ key {{ {name} }} suppressed count }}"
        if self._chance.random() < 0.5:
            coordinate = self._counted(entity)
            where = self._comparison(coordinate, self._chance.choice(_operators(coordinate)))
            arguments.append(f"where: {self._around(entity, where)}")
        whole = core(full_schema()).type_map[f"{entity}Aggregate"]
        assert isinstance(whole, GraphQLObjectType)
        measure = self._chance.choice(("countDistinct", "sum", "avg", "min", "max"))
        of = get_named_type(whole.fields[measure].type)
        assert isinstance(of, GraphQLObjectType)
        measured = f"{measure} {{ {self._chance.choice(list(of.fields))} }}"
        given = f"({', '.join(arguments)})" if arguments else ""
        return f"{{ {ROOTS[entity]}Aggregate{given} {{ suppressed count {measured} {key} }} }}"

    def _counted(self, entity: str) -> str:
        """A value to make groups by: most often one that the role may."""
        names = list(_input(f"{entity}GroupBy").fields)
        fields = [f"{entity}.{name}" for name in names if f"{entity}.{name}" in CATALOG.fields]
        open_ = [each for each in fields if not self._closed(each, "aggregate")]
        return self._chance.choice(open_ if open_ and self._chance.random() < 0.8 else fields)

    def _broken(self) -> str:
        value = literal(Node(_ANY, self._operand(self._chance.choice(sorted(CATALOG.fields)))))
        return self._chance.choice(_BROKEN).format(value)

    def _shape(self) -> str:
        shape = self._chance.choice(_SHAPES)
        names = sorted(CATALOG.entities) + [f"{name}Where" for name in sorted(CATALOG.entities)]
        return shape % self._chance.choice(names) if "%" in shape else shape

    def _selection(self) -> str:
        entity = self._chance.choice(sorted(ROOTS))
        fields = " ".join(self._field(entity) for _ in range(8))
        links = " ".join(
            f"{link.name} {{ {_inside(link.target, link.relation.cardinality)} }}"
            for link in CATALOG.links_of(entity)
        )
        return f"{{ {ROOTS[entity]}(first: 9) {{ nodes {{ {fields} {links} }} }} }}"

    # Parts of documents

    def _field(self, entity: str) -> str:
        return self._chance.choice(CATALOG.fields_of(entity)).name

    def _list(self, entity: str, arguments: str, body: str) -> str:
        """A list of an entity from the root, or below one."""
        if entity in ROOTS:
            return f"{{ {ROOTS[entity]}({arguments}) {{ {body} }} }}"
        links = [
            link
            for link in CATALOG.links.values()
            if link.target == entity and link.relation.cardinality is Cardinality.MANY
        ]
        link = self._chance.choice(links)
        return f"{{ {ROOTS[link.entity]} {{ nodes {{ {link.name}({arguments}) {{ {body} }} }} }} }}"

    def _body(self, entity: str) -> str:
        return self._chance.choice(
            (
                "nodes { __typename }",
                "totalCount",
                f"totalCount nodes {{ {self._field(entity)} {self._field(entity)} }}",
                "edges { cursor } pageInfo { hasNextPage startCursor endCursor }",
            )
        )

    def _around(self, entity: str, condition: str) -> str:
        """A condition on an entity as one on what is listed, in some disguise."""
        if entity not in CATALOG.listed:
            link = next(each for each in CATALOG.links.values() if each.target == entity)
            condition = f"{{{link.name}: {condition}}}"
        return self._chance.choice(_WRAPPED).format(condition)

    def _comparison(self, coordinate: str, operator: str) -> str:
        value: Value = self._operand(coordinate)
        match operator:
            case "isNull":
                value = self._chance.choice([True, False])
            case "in" | "notIn":
                value = [Node(_ANY, self._operand(coordinate)) for _ in range(2)]
            case "startsWith":
                value = str(value)[:3]
        name = coordinate.partition(".")[2]
        return f"{{{name}: {{{operator}: {literal(Node(_ANY, value))}}}}}"

    def _operand(self, coordinate: str) -> Value:
        pool = self._chance.choice(self._pools)
        return self._chance.choice(pool.values(coordinate) or pool.edges(coordinate) or [True])


_ANY = core(full_schema()).type_map["String"]
"""A type for nodes that are written as they are."""


def _input(name: str) -> GraphQLInputObjectType:
    type_ = core(full_schema()).type_map[name]
    assert isinstance(type_, GraphQLInputObjectType)
    return type_


def _operators(coordinate: str) -> list[str]:
    entity, _, name = coordinate.partition(".")
    compared = get_nullable_type(_input(f"{entity}Where").fields[name].type)
    assert isinstance(compared, GraphQLInputObjectType)
    return list(compared.fields)


def _listed(entity: str) -> str:
    """The entity on whose list a filter on an entity stands."""
    return entity if entity in CATALOG.listed else CATALOG.entities[entity].anchor


def _inside(entity: str, cardinality: Cardinality) -> str:
    fields = " ".join(entry.name for entry in CATALOG.fields_of(entity))
    return f"nodes {{ {fields} }}" if cardinality is Cardinality.MANY else fields
