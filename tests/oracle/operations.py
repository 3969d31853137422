"""Operations, generated: a walk through the whole schema, for any asker of a world."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from graphql import GraphQLNonNull, GraphQLString
from hypothesis import strategies as st

from api.schema.build import core, full_schema
from db.catalog import Cardinality
from db.catalog_records import CATALOG
from tests.oracle.aggregating import Aggregating
from tests.oracle.evaluator import Question
from tests.oracle.inputs import Inputs
from tests.oracle.pool import Pool
from tests.oracle.sketch import Node, Sketch
from tests.oracle.survey import AGGREGATES, ROOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.oracle.asker import Asker
    from tests.oracle.authority import Authority

_ROOTS = (
    ["enrollees"] * 5 + ["claims"] * 4 + ["providers", "plans", "enrollee", "enrollee", "viewer"]
)
_ODD_NAMES = ["a", "ssn", "nodes", "id", "lastName", "b", "totalCount", "c"]
_DEEPEST = 4


@dataclass(frozen=True)
class Case:
    """A question, and which of its variables take a cursor of which list."""

    question: Question
    cursors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Source:
    """What operations are made of. No dataclass, as World is none."""

    def __init__(self, authority: Authority, pool: Pool, askers: Sequence[Asker]) -> None:
        self.authority = authority
        self.pool = pool
        self.askers = askers


@st.composite
def cases(draw: Callable[[Any], Any], source: Source) -> Case:
    """Operations, for Hypothesis to choose and to make smaller."""
    return make_case(lambda low, high: int(draw(st.integers(low, high))), source)


def make_case(choose: Callable[[int, int], int], source: Source) -> Case:
    """An operation of one or two roots, with all that may stand in a document."""
    sketch = Sketch(choose)
    asker = sketch.one(source.askers)
    inputs = Inputs(sketch, source.pool, source.authority, asker.role, 2)
    body = _Walk(sketch, inputs, source.authority, asker.role).document()
    named, operation_name = "", None
    others: list[str] = []
    if sketch.chance(15):
        named = " Asked"
        operation_name = sketch.one([None, "Asked"])
    if sketch.chance(5):
        named, operation_name = " Asked", sketch.one(["Asked", "Asked", None, "Nobody"])
        others = ["query Other { __typename }"]
    declared = f"({', '.join(sketch.definitions)})" if sketch.definitions else ""
    # The shorthand has neither a name nor variables.
    head = f"query{named}{declared} " if named or declared or sketch.chance(50) else ""
    text = "\n".join([*others, f"{head}{body}", *sketch.fragments])
    return Case(Question(asker, text, sketch.variables, operation_name), sketch.cursors)


@dataclass
class _Walk:
    sketch: Sketch
    inputs: Inputs
    authority: Authority
    role: str

    def document(self) -> str:
        items: list[str] = []
        taken: set[str] = set()
        for _ in range(2 if self.sketch.chance(25) else 1):
            items += self._root(taken)
        if self.sketch.chance(5):
            items.append("__typename")
        return self.sketch.grouped("Query", items)

    def _root(self, taken: set[str]) -> list[str]:
        name = self.sketch.one(self._roots())
        key, alias = self._key(name, taken)
        if name == "viewer":
            return [f"{alias}viewer {{ subject actingRole roles purpose request policyVersion }}"]
        if name in AGGREGATES:
            return [self._aggregate(name, alias)]
        entity = ROOTS[name]
        if name != "enrollee":
            return self._list(f"{alias}{name}", entity, (key,))
        ids = self.inputs.pool.values("Enrollee.medicaidId")
        value = self.sketch.one(ids) if not self.sketch.chance(5) else "\u0000 nobody's"
        wanted = self.sketch.value(Node(GraphQLNonNull(GraphQLString), value), 30)
        body = self._body(entity, (key,))
        return [f"{alias}enrollee(medicaidId: {wanted}){self.sketch.directive(5)} {body}"]

    def _roots(self) -> list[str]:
        """What to ask for; of those who mostly count, mostly counts."""
        often = 4 if self.authority.smallest_cell(self.role) else 1
        offered = core(full_schema()).query_type
        assert offered is not None
        return _ROOTS + [name for name in AGGREGATES if name in offered.fields] * 2 * often

    def _aggregate(self, name: str, alias: str) -> str:
        smallest = self.authority.smallest_cell(self.role)
        inputs = replace(self.inputs, coarse=smallest > 0)
        making = Aggregating(self.sketch, inputs, self.authority, self.role)
        return making.root(name, alias, AGGREGATES[name])

    def _key(self, name: str, taken: set[str]) -> tuple[str, str]:
        """A response key that nothing beside it has, and the alias that makes it."""
        key = self.sketch.one(_ODD_NAMES) if self.sketch.chance(12) else name
        if key in taken:
            key = self.sketch.name("x")
        taken.add(key)
        return key, "" if key == name else f"{key}: "

    def _body(self, entity: str, path: tuple[str, ...]) -> str:
        """Selections on a row."""
        return self.sketch.grouped(entity, self._items(entity, path))

    def _items(self, entity: str, path: tuple[str, ...]) -> list[str]:
        sketch = self.sketch
        fields = [entry.name for entry in CATALOG.fields_of(entity)]
        links = [entry.name for entry in CATALOG.links_of(entity)]
        taken: set[str] = set()
        items: list[str] = []
        for _ in range(sketch.choose(1, 5)):
            if links and len(path) < 3 * _DEEPEST and sketch.chance(28):
                items += self._link(entity, self._open(entity, links), path, taken)
            else:
                name = self._open(entity, fields)
                _, alias = self._key(name, taken)
                items.append(f"{alias}{name}{sketch.directive(4)}")
        if sketch.chance(6):
            _, alias = self._key("__typename", taken)
            items.append(f"{alias}__typename")
        return items

    def _open(self, entity: str, names: list[str]) -> str:
        """A field, most often one that the role may read."""
        name = self.sketch.one(names)
        if not self.sketch.chance(25):
            for _ in range(3):
                if self.authority.sometimes(self.role, f"{entity}.{name}", "read"):
                    break
                name = self.sketch.one(names)
        return str(name)

    def _link(self, entity: str, name: str, path: tuple[str, ...], taken: set[str]) -> list[str]:
        link = CATALOG.links[f"{entity}.{name}"]
        key, alias = self._key(name, taken)
        if link.relation.cardinality is Cardinality.MANY:
            return self._list(f"{alias}{name}", link.target, (*path, key))
        return self._split(f"{alias}{name}", link.target, self._items(link.target, (*path, key)))

    def _split(self, head: str, type_: str, items: list[str]) -> list[str]:
        """A field with its selections; now and then in two pieces that have to be merged."""
        directive = self.sketch.directive(4)
        if len(items) > 1 and self.sketch.chance(8):
            cut = self.sketch.choose(1, len(items) - 1)
            return [
                f"{head}{directive} {{ {' '.join(part)} }}" for part in (items[:cut], items[cut:])
            ]
        return [f"{head}{directive} {self.sketch.grouped(type_, items)}"]

    def _list(self, head: str, entity: str, path: tuple[str, ...]) -> list[str]:
        sketch = self.sketch
        arguments = self.inputs.arguments(entity, path)
        taken: set[str] = set()
        items: list[str] = []
        parts = {sketch.one(["nodes", "nodes", "edges", "edges", "pageInfo", "totalCount"])}
        parts |= {name for name in ("edges", "pageInfo", "totalCount") if sketch.chance(25)}
        if sketch.chance(4):
            parts.add("__typename")
        for part in sorted(parts):
            key, alias = self._key(part, taken)
            match part:
                case "nodes":
                    body = self._items(entity, (*path, key))
                    items += self._split(f"{alias}nodes", entity, body)
                case "edges":
                    items += self._edges(f"{alias}edges", entity, (*path, key))
                case "pageInfo":
                    items.append(f"{alias}pageInfo {self._page_info()}")
                case _:
                    items.append(f"{alias}{part}{sketch.directive(4)}")
        return self._split(f"{head}{arguments}", f"{entity}Connection", items)

    def _edges(self, head: str, entity: str, path: tuple[str, ...]) -> list[str]:
        sketch = self.sketch
        taken: set[str] = set()
        items: list[str] = []
        for _ in range(sketch.choose(1, 2)):
            _, alias = self._key("cursor", taken)
            items.append(f"{alias}cursor")
        if sketch.chance(75):
            key, alias = self._key("node", taken)
            items += self._split(f"{alias}node", entity, self._items(entity, (*path, key)))
        return self._split(head, f"{entity}Edge", items)

    def _page_info(self) -> str:
        taken: set[str] = set()
        items = []
        for name in ("endCursor", "startCursor", "hasNextPage", "hasPreviousPage"):
            if self.sketch.chance(70):
                _, alias = self._key(name, taken)
                items.append(f"{alias}{name}")
        return self.sketch.grouped("PageInfo", items or ["endCursor"])
