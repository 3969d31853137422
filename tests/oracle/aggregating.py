"""Aggregates in the making: filters and groups, and numbers of them, along the schema's own types.

Of a role with a smallest cell, every operation asks which cells are withheld, because the oracle
judges that choice and does not make it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
)

from api.schema.build import core, full_schema
from db.catalog import Kind
from db.catalog_records import CATALOG
from tests.oracle.pool import Word
from tests.oracle.sketch import Node
from tests.oracle.tables import WITHHELD

if TYPE_CHECKING:
    from tests.oracle.authority import Authority
    from tests.oracle.inputs import Inputs
    from tests.oracle.sketch import Sketch

_MEASURES = ("countDistinct", "sum", "avg", "min", "max")


@dataclass
class Aggregating:
    """Makes aggregates for one role. `strangeness` as of inputs."""

    sketch: Sketch
    inputs: Inputs
    authority: Authority
    role: str

    def root(self, name: str, alias: str, entity: str) -> str:
        """An aggregate with its arguments and selections."""
        sketch = self.sketch
        given: dict[str, Node] = {}
        if sketch.chance(45):
            type_ = core(full_schema()).type_map[f"{entity}Where"]
            assert isinstance(type_, GraphQLInputObjectType)
            given["where"] = Node(type_, self.inputs.where(entity, 1))
        paths: list[tuple[str, ...]] = []
        if sketch.chance(75):
            groups = self._group_by(entity, paths)
            item = GraphQLNonNull(_input(f"{entity}GroupBy"))
            given["groupBy"] = Node(GraphQLList(item), [Node(item, each) for each in groups])
        texts = [f"{argument}: {sketch.value(node)}" for argument, node in given.items()]
        arguments = f"({', '.join(texts)})" if texts else ""
        body = sketch.grouped(f"{entity}Aggregate", self._numbers(entity))
        return f"{alias}{name}{arguments} {_with(self._groups(entity, paths), body)}"

    def _group_by(self, entity: str, paths: list[tuple[str, ...]]) -> list[dict[str, Node]]:
        """Up to three dimensions; now and then one too many, or one twice."""
        size = self.sketch.choose(4, 5) if self.sketch.chance(3) else self.sketch.choose(1, 3)
        terms: list[dict[str, Node]] = []
        for _ in range(size):
            strange = self.sketch.chance(self.inputs.strangeness)
            path, term = self._dimension(entity, strange)
            if path and (path not in paths or self.sketch.chance(5)):
                paths.append(path)
                terms.append(term)
        return terms

    def _dimension(self, entity: str, strange: bool) -> tuple[tuple[str, ...], dict[str, Node]]:
        """The path of a dimension and the term that names it; nothing where the role has none."""
        type_ = _input(f"{entity}GroupBy")
        fields = [
            entry
            for entry in CATALOG.fields_of(entity)
            if entry.name in type_.fields and (strange or self._opens(entry.coordinate))
        ]
        links = [
            link
            for link in CATALOG.links_of(entity)
            if link.name in type_.fields and (strange or self._opens(link.coordinate))
        ]
        if links and (not fields or self.sketch.chance(25)):
            link = self.sketch.one(links)
            path, inner = self._dimension(link.target, strange)
            node = Node(type_.fields[link.name].type, inner)
            return ((link.name, *path), {link.name: node}) if path else ((), {})
        if not fields:
            return (), {}
        # Few values make cells of many people.
        few = [entry for entry in fields if entry.column.codes or entry.column.kind is Kind.BOOLEAN]
        entry = self.sketch.one(few if few and self.sketch.chance(65) else fields)
        words = get_named_type(type_.fields[entry.name].type)
        assert isinstance(words, GraphQLEnumType)
        node = Node(type_.fields[entry.name].type, Word(self._word(list(words.values), strange)))
        return (entry.name,), {entry.name: node}

    def _word(self, words: list[str], strange: bool) -> str:
        coarse = [word for word in words if word != "DAY"]
        closed = self.inputs.coarse and not strange
        return str(self.sketch.one(coarse if closed else words))

    def _opens(self, coordinate: str) -> bool:
        if coordinate in CATALOG.fields and self.inputs.coarse:
            column = CATALOG.fields[coordinate].column
            if not (column.coarse or column.kind is Kind.DATE):
                return False
        return self.authority.sometimes(self.role, coordinate, "aggregate")

    def _numbers(self, entity: str) -> list[str]:
        """Some of count, the measures and `suppressed`; never nothing."""
        sketch = self.sketch
        items = ["count"] if sketch.chance(70) else []
        for what in _MEASURES:
            type_ = core(full_schema()).type_map.get(f"{entity}{what[0].upper()}{what[1:]}")
            if isinstance(type_, GraphQLObjectType) and sketch.chance(28):
                names = [name for name in type_.fields if self._shows(f"{entity}.{name}")]
                picked = [
                    sketch.one(names or list(type_.fields)) for _ in range(sketch.choose(1, 3))
                ]
                aliased = (
                    f"{sketch.name('x')}: {name}" if sketch.chance(10) else name for name in picked
                )
                items.append(f"{what} {{ {' '.join(aliased)} }}")
        if sketch.chance(20) or not items:
            items.append("suppressed")
        return items

    def _shows(self, coordinate: str) -> bool:
        return self.sketch.chance(10) or self.authority.sometimes(
            self.role, coordinate, "aggregate"
        )

    def _groups(self, entity: str, paths: list[tuple[str, ...]]) -> str:
        sketch = self.sketch
        if not self.inputs.coarse and not sketch.chance(85):
            return ""
        items = self._numbers(entity)
        if paths and sketch.chance(90):
            chosen = [path for path in paths if not sketch.chance(15)] or paths
            items.append(f"key {{ {' '.join(map(_selected, dict.fromkeys(chosen)))} }}")
        if sketch.chance(3):
            name = sketch.one(list(_object(f"{entity}Key").fields))
            if f"{entity}.{name}" in CATALOG.fields:
                items.append(f"other: key {{ {name} }}")
        key = f"{sketch.name('g')}: " if sketch.chance(10) else ""
        body = sketch.grouped(f"{entity}Group", items)
        return f"{key}groups {_with(f'{WITHHELD}: suppressed', body)}"


def _with(selected: str, body: str) -> str:
    """A selection set with one more in front: in no fragment and never left out."""
    return f"{{ {selected} {body.removeprefix('{ ')}"


def _selected(path: tuple[str, ...]) -> str:
    """`homeAddress { city }`."""
    return path[0] if len(path) == 1 else f"{path[0]} {{ {_selected(path[1:])} }}"


def _input(name: str) -> GraphQLInputObjectType:
    type_ = core(full_schema()).type_map[name]
    assert isinstance(type_, GraphQLInputObjectType)
    return type_


def _object(name: str) -> GraphQLObjectType:
    type_ = core(full_schema()).type_map[name]
    assert isinstance(type_, GraphQLObjectType)
    return type_
