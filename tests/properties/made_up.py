"""Small worlds at random: a few records, rows that say the same, and scopes about them as text."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

from authz.principal import ATTRIBUTES, Attributes, Format
from authz.scope_types import SIGNS, misfit, untaken
from authz.synthetic import Row, read_row
from db.catalog import Cardinality, Kind
from db.catalog_records import CATALOG
from db.predicate import AsOf, Attribute, Literal
from tests.oracle.records import Record, Records, tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from db.catalog import Column, Relation, Table
    from db.predicate import Operand

DAY = date(2026, 3, 31)
DAYS = [DAY + timedelta(days=days) for days in (-800, -365, -31, -1, 0, 1, 40)]
ANCHORS = ("Enrollee", "Claim", "Provider", "Plan")
DEPTH = 3
"""Relations that a scope walks one after the other."""
IDS = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(3)]
_TEXTS = {
    "county": ["06001", "06003"],
    "npi": ["1000000001", "1000000002"],
    "billing_prov_npi_num": ["1000000001", "1000000002"],
    "zip": ["94110", "03601"],
}
_DERIVED = {
    "zip3": lambda row: {"94110": "941", "03601": "000", None: None}[row["zip"]],
    "birth_year": lambda row: row["date_of_birth"].year,
    "ssn_last4": lambda row: row["ssn"] and row["ssn"][-4:],
    "ssn_known": lambda row: row["ssn"] is not None,
    "service_year": lambda row: row["beginning_date_of_service"].year,
    "substance_use": lambda row: not {"ETH", "ETHUD"}.isdisjoint(row["sensitivity_labels"]),
    "sensitive": lambda row: bool(row["sensitivity_labels"]),
}
"""What the database finds out of the other columns of a row."""
_NEVER_NULL = ("sensitivity_labels",)


def attributes(random: Random) -> Attributes:
    """Of a principal who has some attributes and not others."""
    pool: dict[Format, list[str]] = {
        Format.USPS: ["AK", "AL"],
        Format.COUNTY: _TEXTS["county"],
        Format.PLAN: ["a1", "b2"],
        Format.NPI: _TEXTS["npi"],
        Format.UUID: IDS,
        Format.TEXT: ["a1"],
        Format.INSTANT: ["2030-01-01T00:00:00Z"],
    }
    found: dict[str, Any] = {}
    for name, kind in ATTRIBUTES.items():
        if random.random() < 0.7:
            values = random.sample(pool[kind.format], random.choice((1, 1, len(pool[kind.format]))))
            found[name] = tuple(sorted(values)) if kind.many else values[0]
    return Attributes(found)


def _choices(column: Column) -> list[Any]:
    match column.kind:
        case Kind.TEXT:
            if column.codes is not None:
                return [code.code for code in islice(column.codes.codes, 2)]
            return _TEXTS.get(column.name, ["a1", "b2"])
        case Kind.UUID:
            return IDS
        case Kind.BOOLEAN:
            return [True, False]
        case Kind.INTEGER:
            return [0, 1, 2]
        case Kind.DECIMAL:
            return [Decimal(0), Decimal(1), Decimal("1.50")]
        case Kind.DATE:
            return DAYS
        case Kind.TEXTS:
            return [(), ("ETH",), ("HIV", "PSY")]
        case Kind.DAYS:
            return [None]


def _record(random: Random, table: Table, given: Mapping[str, Any]) -> Record:
    row = {
        name: random.choice(_choices(column))
        if column.required or name in _NEVER_NULL or random.random() < 0.8
        else None
        for name, column in table.columns.items()
    } | dict(given)
    return Record(table, row | {name: _DERIVED[name](row) for name in row if name in _DERIVED})


def records(random: Random) -> Records:
    """Two people with what belongs to them, two providers, two plans."""
    found: dict[str, list[Record]] = {table.name: [] for table in tables()}
    by_name = {table.name: table for table in tables()}
    for number, npi in enumerate(_TEXTS["npi"]):
        key = {"provider_id": IDS[number], "npi": npi}
        found["provider"].append(_record(random, by_name["provider"], key))
    for number, plan in enumerate(("a1", "b2")):
        key = {"managed_care_plan_id": IDS[number], "state_plan_id_num": plan}
        found["managed_care_plan"].append(_record(random, by_name["managed_care_plan"], key))
    for person in IDS[:2]:
        key = {"enrollee_id": person}
        found["enrollee"].append(_record(random, by_name["enrollee"], key))
        for name, table in by_name.items():
            if table.dated:
                for number in range(random.randrange(3)):
                    found[name].append(_record(random, table, key | {"span_num": number}))
        for claim in IDS[: random.randrange(3)]:
            own = key | {"claim_id": claim}
            found["claim"].append(_record(random, by_name["claim"], own))
            for name, position in (
                ("claim_line", "line_num"),
                ("claim_diagnosis", "diagnosis_num"),
            ):
                if random.random() < 0.7:
                    found[name].append(_record(random, by_name[name], own | {position: 1}))
    return Records(found)


def described(known: Records, entity: str, record: Record) -> Row:
    """A record, with all that a scope could reach from it, as somebody would describe it."""
    return read_row(CATALOG, {"entity": entity, **_given(known, record, DEPTH)})


def _given(known: Records, record: Record, depth: int) -> dict[str, Any]:
    values = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in record.columns.items()
    }
    relations = CATALOG.relations.get(record.table.name, {}) if depth else {}
    related = {
        name: [_given(known, each, depth - 1) for each in known.related(relation, record)]
        for name, relation in relations.items()
    }
    return values | {name: rows for name, rows in related.items() if rows}


def scope(random: Random, entity: str) -> str:
    """The text of a scope."""
    return _scope(random, CATALOG.entities[entity].table, 3, DEPTH, inside=False)


def _scope(random: Random, table: Table, size: int, depth: int, *, inside: bool) -> str:
    below = CATALOG.relations.get(table.name, {})
    turn = random.random()
    if size and turn < 0.3:
        word = random.choice((" and ", " or "))
        parts = [
            _scope(random, table, size - 1, depth, inside=inside)
            for _ in range(random.choice((2, 2, 3)))
        ]
        return f"({word.join(parts)})"
    if size and turn < 0.4:
        return f"not ({_scope(random, table, size - 1, depth, inside=inside)})"
    if turn < 0.43:
        return random.choice(("always", "never"))
    if inside and table.dated and turn < 0.55:
        return "current"
    if depth and below and turn < 0.7:
        relation = random.choice(list(below.values()))
        inner = _scope(random, relation.target, max(size - 1, 0), depth - 1, inside=True)
        return f"any {relation.name} ({inner})"
    to_one = [each for each in below.values() if each.cardinality is not Cardinality.MANY]
    if depth and to_one and turn < 0.85:
        hop = random.choice(to_one)
        return _comparison(random, hop.target, hop)
    return _comparison(random, table, None)


def _comparison(random: Random, table: Table, hop: Relation | None) -> str:
    fitting = [
        column
        for column in table.columns.values()
        if column.scopable and column.kind is not Kind.DAYS
    ]
    while True:
        column = random.choice(fitting)
        sign = random.choice([sign for sign in SIGNS if not untaken(column, sign)])
        operand, text = _operand(random, column, sign)
        if misfit(column, sign, operand) is None:
            break
    return f"{hop.name + '.' if hop else ''}{column.name} {sign} {text}"


def _operand(random: Random, column: Column, sign: str) -> tuple[Operand, str]:
    if column.kind is Kind.UUID or (sign == "in" and random.random() < 0.4):
        name = random.choice(list(ATTRIBUTES))
        return Attribute(name), f"principal.{name}"
    value = random.choice(_choices(column))
    match column.kind, value:
        case Kind.DATE, _:
            if random.random() < 0.6:
                months = random.choice((0, 1, 12, 24))
                return AsOf(months), f"as_of - {months} months" if months else "as_of"
            return Literal(value.isoformat()), f"'{value.isoformat()}'"
        case Kind.BOOLEAN, _:
            return Literal(value), str(value).lower()
        case ((Kind.INTEGER | Kind.DECIMAL), _):
            return Literal(int(value)), str(int(value))
        case Kind.TEXTS, _:
            return Literal("ETH"), "'ETH'"
        case _ if sign == "in":
            several = tuple(random.sample(_choices(column), random.choice((1, 2))))
            return Literal(several), "(" + ", ".join(f"'{each}'" for each in several) + ")"
        case _:
            return Literal(value), f"'{value}'"
