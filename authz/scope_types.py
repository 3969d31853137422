"""Which comparisons of a row scope have a meaning. Knows columns and attributes, not their text.

Policy names no person: what may tell who somebody is is compared with the principal's attributes,
or with the day of the request, and with nothing that is written down.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final

from authz.near import unknown
from authz.principal import ATTRIBUTES, Format
from db.catalog import Kind
from db.predicate import AsOf, Attribute, Literal, Operator

if TYPE_CHECKING:
    from db.catalog import Column
    from db.predicate import Operand

SIGNS: Final = {
    "=": Operator.EQ,
    "!=": Operator.NE,
    "<": Operator.LT,
    "<=": Operator.LTE,
    ">": Operator.GT,
    ">=": Operator.GTE,
    "in": Operator.IN,
    "has": Operator.HAS,
    "covers": Operator.COVERS,
}
"""How the operators are written. The others are what `not` makes of these."""

_EQUAL: Final = ("=", "!=")
_ORDERED: Final = (*_EQUAL, "<", "<=", ">", ">=")
_TAKES: Final[dict[Kind, tuple[str, ...]]] = {
    # Of codes. Text has no order here: what comes "before" a name is no reason to show a row.
    Kind.TEXT: (*_EQUAL, "in"),
    Kind.DATE: _ORDERED,
    Kind.INTEGER: _ORDERED,
    Kind.DECIMAL: _ORDERED,
    Kind.BOOLEAN: _EQUAL,
    # A policy names no record; only the principal does.
    Kind.UUID: ("in",),
    Kind.TEXTS: ("has",),
    Kind.DAYS: ("covers",),
}
_WANTS: Final[dict[Kind, str]] = {
    Kind.TEXT: "'text', or after 'in' a list of it or principal.attribute",
    Kind.DATE: "as_of, as_of - N months or 'YYYY-MM-DD'",
    Kind.INTEGER: "a whole number",
    Kind.DECIMAL: "a whole number",
    Kind.BOOLEAN: "true or false",
    Kind.UUID: "principal.attribute",
    Kind.TEXTS: "'text'",
    Kind.DAYS: "as_of",
}
_LARGEST: Final = 2**31 - 1
"""The largest PostgreSQL integer: a larger one would fail in every statement."""
_MONTHS: Final = 1200
"""The oldest record is not older than a person."""
_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def untaken(column: Column, sign: str) -> str | None:
    """Why a column takes no such operator, as the text of an error; None when it takes it."""
    if not column.scopable:
        return f"'{column.name}' may tell who somebody is: no row scope asks about it"
    if sign in _TAKES[column.kind]:
        return None
    taken = " ".join(_TAKES[column.kind])
    return f"'{column.name}' is {column.kind.value} and takes {taken}, not {sign}"


def misfit(column: Column, sign: str, operand: Operand) -> str | None:
    """Why an operand does not fit an operator that the column takes; None when it fits."""
    match column.kind, operand:
        case _, Literal() if _names(column):
            return (
                f"'{column.name}' may tell who somebody is, so a policy names none of its values: "
                f"{sign} wants {'as_of' if column.kind is Kind.DATE else 'principal.attribute'}"
            )
        case Kind.TEXT, Attribute(name) if sign == "in":
            return _attribute(column, name)
        case Kind.UUID, Attribute(name):
            return _attribute(column, name)
        case Kind.TEXT, Literal(tuple() as texts) if sign == "in":
            return next(filter(None, (_code(column, text) for text in texts)), None)
        case ((Kind.TEXT | Kind.TEXTS), Literal(str() as text)) if sign != "in":
            return _code(column, text)
        case Kind.DATE, AsOf(months):
            return None if months <= _MONTHS else f"more than {_MONTHS} months"
        case Kind.DATE, Literal(str() as text):
            return None if _is_day(text) else f"{text!r} is no day"
        case Kind.BOOLEAN, Literal(bool()):
            return None
        # bool is an int to Python, so it is asked first.
        case ((Kind.INTEGER | Kind.DECIMAL), Literal(int() as number)) if number is not True:
            return None if number <= _LARGEST else "too large a number"
        case Kind.DAYS, AsOf(0):
            return None
        case _:
            return f"'{column.name}' is {column.kind.value}: {sign} wants {_WANTS[column.kind]}"


def _names(column: Column) -> bool:
    """Whether a value of a column may tell who somebody is: text that is no code, a day of a life.

    Numbers do not: they are amounts, counts, years and places in a list.
    """
    return column.personal or (column.kind is Kind.TEXT and not column.coarse)


def _attribute(column: Column, name: str) -> str | None:
    if name not in ATTRIBUTES:
        return unknown("attribute", name, ATTRIBUTES)
    match ATTRIBUTES[name].format:
        case Format.UUID:
            fits = column.kind is Kind.UUID
        case Format.USPS:
            fits = column.codes is not None and column.codes.name == "state"
        case Format.INSTANT:
            fits = False
        case _:
            fits = column.kind is Kind.TEXT and column.codes is None
    return None if fits else f"'{column.name}' never holds what principal.{name} holds"


def _code(column: Column, text: str) -> str | None:
    if column.codes is None:
        return None
    codes = {code.code for code in column.codes.codes}
    return None if text in codes else unknown(f"code of {column.name}", text, codes)


def _is_day(text: str) -> bool:
    try:
        return _ISO.fullmatch(text) is not None and date.fromisoformat(text) is not None
    except ValueError:
        return False
