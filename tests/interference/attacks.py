"""Operations that ask for what is hidden: by filters, orders, counts, IDs, cursors and mistakes.

Whatever comes back, a refusal too, must not depend on what is hidden.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import GraphQLInputObjectType, get_nullable_type

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


class Attacks:
    """Draws attacks by one asker; operands are values of either side of the comparison."""

    def __init__(self, source: Source, other: Source, chance: random.Random) -> None:
        self.source = source
        self._pools = (source.pool, other.pool)
        self.chance = chance

    def draw(self) -> Case:
        """One attack."""
        makers = (self._filter, self._filter, self._filter, self._order, self._id, self._id,
                  self._count, self._broken, self._shape, self._selection)  # fmt: skip
        text = self.chance.choice(makers)()
        return Case(Question(self.chance.choice(self.source.askers), text))

    def _field(self, entity: str) -> str:
        return self.chance.choice(CATALOG.fields_of(entity)).name

    def _list(self, entity: str, arguments: str, body: str) -> str:
        """A list of an entity from the root, or below one."""
        if entity in ROOTS:
            return f"{{ {ROOTS[entity]}({arguments}) {{ {body} }} }}"
        links = [
            link
            for link in CATALOG.links.values()
            if link.target == entity
            and link.entity in ROOTS
            and link.relation.cardinality is Cardinality.MANY
        ]
        link = self.chance.choice(links)
        return f"{{ {ROOTS[link.entity]} {{ nodes {{ {link.name}({arguments}) {{ {body} }} }} }} }}"

    def _body(self, entity: str) -> str:
        return self.chance.choice(
            (
                "nodes { __typename }",
                "totalCount",
                f"totalCount nodes {{ {self._field(entity)} {self._field(entity)} }}",
                "edges { cursor } pageInfo { hasNextPage startCursor endCursor }",
            )
        )

    def _condition(self, entity: str) -> str:
        type_ = core(full_schema()).type_map[f"{entity}Where"]
        assert isinstance(type_, GraphQLInputObjectType)
        names = [name for name in type_.fields if f"{entity}.{name}" in CATALOG.fields]
        name = self.chance.choice(names)
        compared = get_nullable_type(type_.fields[name].type)
        assert isinstance(compared, GraphQLInputObjectType)
        operator = self.chance.choice(list(compared.fields))
        said = literal(Node(compared, {operator: self._node(f"{entity}.{name}", operator)}))
        found = f"{{{name}: {said}}}"
        link = next(
            (link.name for link in CATALOG.links.values()
             if link.target == entity and link.relation.cardinality is Cardinality.CURRENT), None,
        )  # fmt: skip
        if link is not None:
            found = f"{{{link}: {found}}}"
        wrap = ("{}", "{}", "{{not: {}}}", "{{or: [{}]}}", "{{and: [{}, {{}}]}}")
        return self.chance.choice(wrap).format(found)

    def _node(self, coordinate: str, operator: str) -> Node:
        value: Value = self._operand(coordinate)
        if operator == "isNull":
            value = self.chance.choice([True, False])
        if operator in ("in", "notIn"):
            value = [Node(_ANY, self._operand(coordinate)) for _ in range(2)]
        if operator == "startsWith":
            value = str(value)[:3]
        return Node(_ANY, value)

    def _operand(self, coordinate: str) -> Value:
        pool = self.chance.choice(self._pools)
        return self.chance.choice(pool.values(coordinate) or pool.edges(coordinate) or [True])

    def _filtered(self) -> str:
        return self.chance.choice(
            [name for name, each in CATALOG.entities.items()
             if name in CATALOG.listed or each.anchor == "Enrollee"]
        )  # fmt: skip

    def _filter(self) -> str:
        entity = self._filtered()
        listed = entity if entity in CATALOG.listed else CATALOG.entities[entity].anchor
        return self._list(listed, f"where: {self._condition(entity)}", self._body(listed))

    def _count(self) -> str:
        listed = self.chance.choice(sorted(CATALOG.listed))
        return self._list(listed, f"first: {self.chance.randint(0, 3)}", "totalCount")

    def _order(self) -> str:
        listed = self.chance.choice(sorted(CATALOG.listed))
        terms = ", ".join(
            f"{{{self._field(listed)}: {self.chance.choice(('ASC', 'DESC'))}}}"
            for _ in range(self.chance.choice((1, 1, 2)))
        )
        return self._list(listed, f"first: 5, orderBy: [{terms}]", self._body(listed))

    def _id(self) -> str:
        value = literal(Node(_ANY, self._operand("Enrollee.medicaidId")))
        body = " ".join(self.chance.sample(_DEEP, 2))
        return f"{{ enrollee(medicaidId: {value}) {{ medicaidId dateOfBirth {body} }} }}"

    def _broken(self) -> str:
        coordinate = self.chance.choice(sorted(CATALOG.fields))
        value = literal(Node(_ANY, self._operand(coordinate)))
        return self.chance.choice(_BROKEN).format(value)

    def _shape(self) -> str:
        shape = self.chance.choice(_SHAPES)
        names = sorted(CATALOG.entities) + [f"{name}Where" for name in CATALOG.entities]
        return shape % self.chance.choice(names) if "%" in shape else shape

    def _selection(self) -> str:
        entity = self.chance.choice(sorted(ROOTS))
        fields = " ".join({self._field(entity) for _ in range(8)})
        links = " ".join(
            f"{link.name} {{ {_inside(link.target, link.relation.cardinality)} }}"
            for link in CATALOG.links_of(entity)
        )
        return f"{{ {ROOTS[entity]}(first: 9) {{ nodes {{ {fields} {links} }} }} }}"


def _inside(entity: str, cardinality: Cardinality) -> str:
    fields = " ".join(entry.name for entry in CATALOG.fields_of(entity))
    return f"nodes {{ {fields} }}" if cardinality is Cardinality.MANY else fields


_ANY = core(full_schema()).type_map["String"]
"""A type for nodes that are written as they are."""
