"""Filters, orders and pages in the making, along the schema's own input types.

Mostly such as the role may use, because an operation that is refused shows nothing further.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import (
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLString,
    get_named_type,
    get_nullable_type,
)

from api.schema.build import core, full_schema
from db.catalog import Cardinality
from db.catalog_records import CATALOG
from tests.oracle.authority import Verdict
from tests.oracle.pool import Word
from tests.oracle.sketch import Node

if TYPE_CHECKING:
    from graphql import GraphQLInputType

    from db.catalog import Link
    from tests.oracle.authority import Authority
    from tests.oracle.pool import Pool
    from tests.oracle.records import Value
    from tests.oracle.sketch import Sketch

_TRIES = 4
_DEEPEST = 3
"""How deep filters are nested, in filters and along links."""


@dataclass
class Inputs:
    """Makes input values for one role."""

    sketch: Sketch
    pool: Pool
    authority: Authority
    role: str
    strangeness: int
    """How often, in percent, something that the role may not use."""
    coarse: bool = False
    """Whether only coded and bucketed values are open to filters, as in some aggregates."""

    def where(self, entity: str, depth: int = 0) -> dict[str, Node]:
        """The fields of a filter on an entity."""
        type_ = _input(f"{entity}Where")
        found: dict[str, Node] = {}
        for _ in range(self.sketch.choose(0 if self.sketch.chance(5) else 1, 2)):
            if depth < _DEEPEST and self.sketch.chance(30):
                word = self.sketch.one(["not", "or", "and"])
                found[word] = Node(type_.fields[word].type, self._joined(entity, word, depth))
            else:
                name, node = self._about(entity, depth)
                found[name] = node
        return found

    def _joined(self, entity: str, word: str, depth: int) -> Value:
        if word == "not":
            return self.where(entity, depth + 1)
        item = GraphQLNonNull(_input(f"{entity}Where"))
        size = self.sketch.choose(0 if self.sketch.chance(8) else 1, 3)
        return [Node(item, self.where(entity, depth + 1)) for _ in range(size)]

    def _about(self, entity: str, depth: int) -> tuple[str, Node]:
        type_ = _input(f"{entity}Where")
        names = [entry.name for entry in CATALOG.fields_of(entity) if entry.name in type_.fields]
        strange = self.sketch.chance(self.strangeness)
        if depth < _DEEPEST and self.sketch.chance(30):
            link = self._link(entity, type_, strange=strange)
            if link is not None:
                return link.name, self._linked(link, type_.fields[link.name].type, depth)
        name = names[0]
        for _ in range(_TRIES):
            name = self.sketch.one(names)
            coordinate = f"{entity}.{name}"
            operators = self._operators(coordinate, type_.fields[name].type, strange=strange)
            if operators:
                return name, self._comparison(coordinate, type_.fields[name].type, operators)
        operators = self._operators(f"{entity}.{name}", type_.fields[name].type, strange=True)
        return name, self._comparison(f"{entity}.{name}", type_.fields[name].type, operators)

    def _link(self, entity: str, type_: GraphQLInputObjectType, *, strange: bool) -> Link | None:
        """A link that a filter can go along, if there is one."""
        links = [
            link
            for link in CATALOG.links_of(entity)
            if link.name in type_.fields and (strange or self._open(link.coordinate, "filter"))
        ]
        return self.sketch.one(links) if links else None

    def _linked(self, link: Link, type_: GraphQLInputType, depth: int) -> Node:
        if link.relation.cardinality is not Cardinality.MANY:
            return Node(type_, self.where(link.target, depth + 1))
        inner = _object(type_).fields
        words = self.sketch.one([["some"]] * 4 + [["none"]] * 3 + [["some", "none"], []])
        return Node(
            type_,
            {word: Node(inner[word].type, self.where(link.target, depth + 1)) for word in words},
        )

    def _operators(self, coordinate: str, type_: GraphQLInputType, *, strange: bool) -> list[str]:
        offered = list(_object(type_).fields)
        # What is closed to most operators is open to the first, which is equality.
        chosen = list({self.sketch.one(offered): None, offered[0]: None})
        if strange:
            return chosen
        return [name for name in chosen if self._open(coordinate, f"filter:{name}")]

    def _open(self, coordinate: str, action: str) -> bool:
        if self.coarse and coordinate in CATALOG.fields:
            column = CATALOG.fields[coordinate].column
            return column.coarse and self.authority.sometimes(self.role, coordinate, action)
        return self.authority.sometimes(self.role, coordinate, action)

    def _comparison(self, coordinate: str, type_: GraphQLInputType, operators: list[str]) -> Node:
        named = _object(type_)
        chosen = operators if self.sketch.chance(20) else operators[:1]
        return Node(
            type_,
            {
                name: Node(named.fields[name].type, self._operand(coordinate, name, named))
                for name in sorted(chosen)
            },
        )

    def _operand(self, coordinate: str, operator: str, type_: GraphQLInputObjectType) -> Value:
        if self.sketch.chance(1):
            return None
        match operator:
            case "isNull":
                return self.sketch.one([True, False])
            case "in" | "notIn":
                item = get_nullable_type(type_.fields[operator].type).of_type
                size = self.sketch.choose(0 if self.sketch.chance(15) else 1, 3)
                return [Node(item, self._single(coordinate)) for _ in range(size)]
            case "startsWith":
                return str(self._single(coordinate))[: self.sketch.choose(0, 3)]
            case _:
                return self._single(coordinate)

    def _single(self, coordinate: str) -> Value:
        known, edges = self.pool.values(coordinate), self.pool.edges(coordinate)
        if edges and (not known or self.sketch.chance(8)):
            return self.sketch.one(edges)
        return self.sketch.one(known or [True, False])

    def order_by(self, entity: str) -> list[Node]:
        """The terms of an order of an entity."""
        terms: list[Node] = []
        for _ in range(self.sketch.choose(1, 3)):
            term = self._term(entity, strange=self.sketch.chance(self.strangeness))
            if term is None:
                return []
            terms.append(Node(GraphQLNonNull(_input(f"{entity}OrderBy")), term))
        return terms

    def _term(self, entity: str, *, strange: bool) -> dict[str, Node] | None:
        """A term of an order, along links now and then; None where the role can sort by nothing."""
        type_ = _input(f"{entity}OrderBy")
        fields, links = (
            [
                entry.name
                for entry in entries
                if entry.name in type_.fields and (strange or self._sorts(entry.coordinate))
            ]
            for entries in (CATALOG.fields_of(entity), CATALOG.links_of(entity))
        )
        if links and (not fields or self.sketch.chance(35)):
            name = self.sketch.one(links)
            target = CATALOG.links[f"{entity}.{name}"].target
            inner = self._term(target, strange=strange)
            if inner is not None:
                return {name: Node(type_.fields[name].type, inner)}
        if not fields:
            return None
        name = self.sketch.one(fields)
        direction = Word(self.sketch.one(["ASC", "DESC"]))
        return {name: Node(type_.fields[name].type, direction)}

    def _sorts(self, coordinate: str) -> bool:
        verdict = self.authority.verdict
        return all(
            verdict(self.role, coordinate, action) is Verdict.ALL for action in ("sort", "read")
        )

    def page(self, *, nested: bool) -> dict[str, Node]:
        """first, last, both or neither."""
        sketch = self.sketch
        limit = self.authority.policy.roles[self.role].page_limit
        size = sketch.choose(0 if sketch.chance(10) else 1, min(limit, 4 if nested else 12))
        if sketch.chance(2):
            size = sketch.one([limit, limit + 1, -1])
        match sketch.one(["first"] * 6 + ["last"] * 4 + (["neither", "both", "null"])):
            case "first" | "last" as name:
                return {name: Node(GraphQLInt, size)}
            case "both" if sketch.chance(15):
                return {"first": Node(GraphQLInt, 1), "last": Node(GraphQLInt, 1)}
            case "null":
                return {"first": Node(GraphQLInt, size), "last": Node(GraphQLInt, None)}
            case _:
                return {} if not nested else {"first": Node(GraphQLInt, size)}

    def arguments(self, entity: str, path: tuple[str, ...]) -> str:
        """The arguments of a list, in parentheses, or nothing."""
        sketch = self.sketch
        given = self.page(nested=len(path) > 1)
        if sketch.chance(45):
            given["where"] = Node(_input(f"{entity}Where"), self.where(entity))
        if sketch.chance(50):
            item = GraphQLNonNull(_input(f"{entity}OrderBy"))
            given["orderBy"] = Node(GraphQLList(item), self.order_by(entity))
        texts = [f"{name}: {sketch.value(node)}" for name, node in given.items()]
        for name in ("after", "before"):
            if sketch.chance(35):
                texts.append(f"{name}: {sketch.cursor(path)}")
            elif sketch.chance(1):
                texts.append(f"{name}: {sketch.value(Node(GraphQLString, 'no cursor'))}")
        return f"({', '.join(texts)})" if texts else ""


def _object(type_: GraphQLInputType) -> GraphQLInputObjectType:
    found = get_nullable_type(type_)
    assert isinstance(found, GraphQLInputObjectType)
    return found


def _input(name: str) -> GraphQLInputObjectType:
    type_ = get_named_type(core(full_schema()).type_map[name])
    assert isinstance(type_, GraphQLInputObjectType)
    return type_
