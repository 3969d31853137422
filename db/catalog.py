"""What can be asked for: coordinates, each bound to one column or one relation of a table.

Knows tables, T-MSIS elements and the names that the API gives them; knows nothing of roles, rules
or GraphQL. A coordinate that is not here does not exist; a column that is not here cannot enter a
statement. `catalog_records` holds the entries themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from db.codes import CodeList


class Kind(Enum):
    """The type of a column: its PostgreSQL type is the value."""

    TEXT = "text"
    DATE = "date"
    INTEGER = "integer"
    DECIMAL = "numeric"
    BOOLEAN = "boolean"
    UUID = "uuid"
    TEXTS = "text[]"
    DAYS = "datemultirange"


@dataclass(frozen=True, slots=True)
class Column:
    """A stored column. `function` names the owner's function over it and the day of the request.

    `codes` is the value list of a coded element. `width` is the most characters that a value has.
    `required` means NOT NULL, so that a keyset can use an index. `bucketed` marks a code without
    its value list here, or a value that stands for many (a year, three digits of a ZIP code).
    `personal` marks a day by which somebody may be known (45 CFR 164.514(b)(2)(i)(C)).

    `lookup` names the owner's function that answers a value with the keys of the rows that hold it,
    and `known` the column that says whether there is a value: a filter by `eq` is made of these
    two, so that whoever may look a value up and not read it needs no privilege on the column.

    `scopable`: a row scope may ask about it. Names, numbers and places that tell who somebody is
    are not, so that a policy says what kind of people it is about and never which.
    """

    name: str
    kind: Kind
    codes: CodeList | None = field(default=None, compare=False, repr=False)
    function: str | None = None
    width: int = 60
    required: bool = False
    lookup: str | None = None
    known: str | None = None
    bucketed: bool = False
    personal: bool = False
    scopable: bool = False

    @property
    def coarse(self) -> bool:
        """Whether many people share each value: coded, true or false, or bucketed."""
        return self.codes is not None or self.kind is Kind.BOOLEAN or self.bucketed


@dataclass(frozen=True, slots=True)
class Table:
    """A table of schema `medicaid`: its key, whole; whether its rows hold from a day to a day.

    `columns` are all that a statement may name, those that nobody selects (keys) included. `veil`
    are random columns that stand before the key in the order of lists for those who know people
    by pseudonym: in one common order, the same place would be the same person.
    """

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, Column] = field(compare=False, repr=False)
    dated: bool = False
    veil: tuple[str, ...] = ()


class Cardinality(Enum):
    """How many rows of the target belong to one row of the source."""

    ONE = "the one row that the key names, or none"
    CURRENT = "of the rows that cover the day, the one that began last; or none"
    MANY = "any number"


@dataclass(frozen=True, slots=True)
class Relation:
    """From a row of one table to rows of another. `on` pairs source column and target column."""

    name: str
    source: str
    target: Table
    on: tuple[tuple[str, str], ...]
    cardinality: Cardinality


@dataclass(frozen=True, slots=True)
class Field:
    """A coordinate that is a value: a column of the entity's own table, or one to-one hop away."""

    entity: str
    name: str
    column: Column
    hop: Relation | None
    element: str
    about: str

    @property
    def coordinate(self) -> str:
        """The GraphQL schema coordinate, which rules speak about."""
        return f"{self.entity}.{self.name}"


@dataclass(frozen=True, slots=True)
class Link:
    """A coordinate that is a relation to another entity."""

    entity: str
    name: str
    relation: Relation
    target: str
    about: str

    @property
    def coordinate(self) -> str:
        """The GraphQL schema coordinate, which rules speak about."""
        return f"{self.entity}.{self.name}"


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of record, as the API names it.

    `anchor` is the entity on whose row a condition of policy is evaluated: an address, a span or a
    diagnosis has no scope of its own, it is as visible as the person or the claim that it belongs
    to. `counted` is the coordinate whose `aggregate` action opens `totalCount`; `tally`, where rows
    can be aggregated, is the one that opens `count`.
    """

    name: str
    table: Table
    anchor: str
    about: str
    aggregated: bool = False

    @property
    def tally(self) -> str:
        """The coordinate of the number of rows of an aggregate of this entity."""
        return f"{self.name}Aggregate.count"

    @property
    def counted(self) -> str:
        """The coordinate of the number of rows of a connection of this entity."""
        return f"{self.name}Connection.totalCount"


@dataclass(frozen=True)
class Catalog:
    """All entities, fields and links. A duplicate or dangling name is refused when it is made."""

    entities: Mapping[str, Entity]
    fields: Mapping[str, Field]
    links: Mapping[str, Link]
    relations: Mapping[str, Mapping[str, Relation]]

    @property
    def coordinates(self) -> frozenset[str]:
        """Everything that a rule can speak about: fields, links and numbers of rows."""
        counts = {self.entities[name].counted for name in self.listed}
        tallies = {entity.tally for entity in self.entities.values() if entity.aggregated}
        return frozenset(self.fields) | frozenset(self.links) | counts | tallies

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every record table, by name."""
        found = [entity.table for entity in self.entities.values()]
        found += [each.target for known in self.relations.values() for each in known.values()]
        return tuple(sorted(dict.fromkeys(found), key=lambda table: table.name))

    @property
    def listed(self) -> frozenset[str]:
        """The entities that are reached through a connection: anchors from the root, and lists."""
        roots = {entity.name for entity in self.entities.values() if entity.anchor == entity.name}
        many = {
            link.target
            for link in self.links.values()
            if link.relation.cardinality is Cardinality.MANY
        }
        return frozenset(roots | many)

    def entity_of(self, coordinate: str) -> Entity:
        """The entity that a coordinate belongs to. KeyError for an unknown coordinate."""
        if coordinate in self.fields:
            return self.entities[self.fields[coordinate].entity]
        if coordinate in self.links:
            return self.entities[self.links[coordinate].entity]
        entities = self.entities.values()
        counts = {entity.counted: entity for entity in entities}
        return (counts | {entity.tally: entity for entity in entities})[coordinate]

    def fields_of(self, entity: str) -> tuple[Field, ...]:
        """The fields of an entity, in the order of the catalog."""
        return tuple(entry for entry in self.fields.values() if entry.entity == entity)

    def links_of(self, entity: str) -> tuple[Link, ...]:
        """The links of an entity, in the order of the catalog."""
        return tuple(entry for entry in self.links.values() if entry.entity == entity)


def build(
    entities: Iterable[Entity],
    fields: Iterable[Field],
    links: Iterable[Link],
    for_scopes: Iterable[Relation] = (),
) -> Catalog:
    """A catalog out of its entries. ValueError names the first that does not fit.

    `for_scopes` are relations that conditions of policy may speak of and no coordinate leads along.
    """
    by_name: dict[str, Entity] = {}
    for entity in entities:
        if entity.name in by_name:
            raise ValueError(f"entity {entity.name} twice")
        by_name[entity.name] = entity
    values: dict[str, Field] = {}
    relations: dict[str, dict[str, Relation]] = {}
    for entry in fields:
        if entry.coordinate in values or entry.entity not in by_name:
            raise ValueError(f"field {entry.coordinate}")
        table = entry.hop.target if entry.hop else by_name[entry.entity].table
        if entry.column.name not in table.columns:
            raise ValueError(f"{entry.coordinate}: no column {entry.column.name}")
        values[entry.coordinate] = entry
        if entry.hop:
            relations.setdefault(entry.hop.source, {})[entry.hop.name] = entry.hop
    joined: dict[str, Link] = {}
    for link in links:
        if link.coordinate in values or link.coordinate in joined or link.target not in by_name:
            raise ValueError(f"link {link.coordinate}")
        if link.relation.target != by_name[link.target].table:
            raise ValueError(f"{link.coordinate}: leads to another table")
        joined[link.coordinate] = link
        relations.setdefault(link.relation.source, {})[link.relation.name] = link.relation
    for relation in for_scopes:
        if relation.name in relations.setdefault(relation.source, {}):
            raise ValueError(f"relation {relation.name} of {relation.source} twice")
        relations[relation.source][relation.name] = relation
    for entity in by_name.values():
        if entity.anchor not in by_name:
            raise ValueError(f"anchor of {entity.name}")
    return Catalog(
        MappingProxyType(by_name),
        MappingProxyType(values),
        MappingProxyType(joined),
        MappingProxyType({key: MappingProxyType(value) for key, value in relations.items()}),
    )
