"""Who asks, and the one role in which a request acts. Knows nothing of tokens, HTTP or SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType
from typing import Final, assert_never

from authz.errors import (
    ActingRoleNeeded,
    AttributeInvalid,
    CapEvaded,
    ConflictingCaps,
    NoRole,
    RoleNotHeld,
    UnknownRole,
)

AttributeValue = str | tuple[str, ...]

_USPS: Final = (
    "AK AL AR AS AZ CA CO CT DC DE FL GA GU HI IA ID IL IN KS KY LA MA MD ME MI MN MO MP MS MT NC "
    "ND NE NH NJ NM NV NY OH OK OR PA PR RI SC SD TN TX UT VA VI VT WA WI WV WY"
)
USPS: Final = frozenset(_USPS.split())
"""The states, the District of Columbia and the five territories that run a Medicaid programme."""


class Format(Enum):
    """What one attribute value is written as; see `canonical`."""

    USPS = "two-letter state code, upper case"
    COUNTY = "five-digit county code (FIPS: state and county)"
    PLAN = "managed care plan ID, at most 12 characters (T-MSIS ELG192)"
    NPI = "ten-digit National Provider Identifier"
    UUID = "UUID in lower case with hyphens"
    TEXT = "one line of at most 200 characters"
    INSTANT = "RFC 3339 instant"


@dataclass(frozen=True, slots=True)
class AttributeType:
    """A known attribute: the form of a value, and whether there may be several."""

    format: Format
    many: bool = False


ATTRIBUTES: Final[Mapping[str, AttributeType]] = MappingProxyType(
    {
        "state": AttributeType(Format.USPS, many=True),
        "county": AttributeType(Format.COUNTY, many=True),
        "plan_id": AttributeType(Format.PLAN, many=True),
        "npi": AttributeType(Format.NPI, many=True),
        "enrollee_id": AttributeType(Format.UUID),
        "agreement": AttributeType(Format.TEXT),
        "agreement_states": AttributeType(Format.USPS, many=True),
        "person": AttributeType(Format.UUID),
        "until": AttributeType(Format.INSTANT),
        "reason": AttributeType(Format.TEXT),
    }
)
"""All attributes that a row scope may speak of. Claims by other names are not attributes."""

_PATTERNS: Final = {
    # [0-9], not \d: the latter takes the digits of every script.
    Format.COUNTY: re.compile(r"[0-9]{5}"),
    # Printable ASCII but space and comma: the comma parts the values of a list on a command line.
    Format.PLAN: re.compile(r"[!-+\--~]{1,12}"),
    Format.NPI: re.compile(r"[0-9]{10}"),
    Format.UUID: re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    Format.INSTANT: re.compile(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
        r"(?:Z|[+-][0-9]{2}:[0-9]{2})"
    ),
}
_PURPOSE: Final = re.compile(r"[A-Z][A-Z0-9]{1,15}")
_REQUEST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#-]{0,127}")


class Attributes(Mapping[str, AttributeValue]):
    """Attribute values by name: immutable, hashable, and without values in its repr."""

    __slots__ = ("_pairs", "lists")

    lists: Mapping[str, tuple[str, ...]]
    """The same, each as a list."""

    def __init__(self, values: Mapping[str, AttributeValue] | None = None) -> None:
        self._pairs = tuple(sorted((values or {}).items()))
        lists = {name: each if isinstance(each, tuple) else (each,) for name, each in self._pairs}
        self.lists = MappingProxyType(lists)

    def __getitem__(self, name: str) -> AttributeValue:
        for key, value in self._pairs:
            if key == name:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __hash__(self) -> int:
        return hash(self._pairs)

    def __repr__(self) -> str:
        return f"Attributes({', '.join(self)})"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: hashable, so that it can stand in a cache key.

    `subject` is the issuer's name for the caller (RFC 7519 `sub`). `roles` are all that the token
    holds; `acting_role` picks the one that acts. `purpose` is an HL7 PurposeOfUse code and
    `request` a reference to the request on record; either may be open.
    """

    subject: str
    roles: frozenset[str]
    attributes: Attributes = field(default_factory=Attributes, repr=False)
    purpose: str | None = None
    request: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.attributes, Attributes):
            object.__setattr__(self, "attributes", Attributes(self.attributes))


def acting_role(
    principal: Principal, named: str | None, capped: frozenset[str], known: frozenset[str]
) -> str:
    """The one role in which a request acts: no union, no merging.

    `named` is the request's Acting-Role, `capped` the roles that a court order caps, `known` all
    roles of the policy. A capped role that the principal holds always acts, because a cap on one
    role caps the whole principal. Names are compared exactly.

    Raises NoRole, UnknownRole, ConflictingCaps, CapEvaded, RoleNotHeld or ActingRoleNeeded.
    """
    if not principal.roles:
        raise NoRole
    if not principal.roles <= known:
        raise UnknownRole
    if named is not None and named not in principal.roles:
        raise RoleNotHeld
    match sorted(principal.roles & capped):
        case [cap]:
            if named not in (None, cap):
                raise CapEvaded
            return cap
        case [_, *_]:
            raise ConflictingCaps
        case _:
            pass
    if named is not None:
        return named
    if len(principal.roles) > 1:
        raise ActingRoleNeeded
    (role,) = principal.roles
    return role


def read_attributes(claims: Mapping[str, object]) -> Attributes:
    """The known attributes among `claims`, in canonical form; other claims are left alone.

    A list attribute takes a JSON array or one bare string; its order and repetitions mean nothing
    and are dropped. An empty array is refused: absence already says that there is none.

    Raises AttributeInvalid for a known name with another type or form.
    """
    return Attributes(
        {
            name: _read(name, kind, claims[name])
            for name, kind in ATTRIBUTES.items()
            if name in claims
        }
    )


def _read(name: str, kind: AttributeType, claim: object) -> AttributeValue:
    items = claim if kind.many and isinstance(claim, list) else [claim]
    values: set[str] = set()
    for item in items:
        value = canonical(kind.format, item) if isinstance(item, str) else None
        if value is None:
            many = "a list of: " if kind.many else ""
            raise AttributeInvalid(f"{name} must be {many}{kind.format.value}")
        values.add(value)
    if not values:
        raise AttributeInvalid(f"{name} must not be empty")
    return tuple(sorted(values)) if kind.many else values.pop()


def canonical(form: Format, text: str) -> str | None:
    """`text` if it is written as `form` wants it, else None: nothing is trimmed or upper-cased.

    Only an instant is rewritten, to UTC with `Z`: offsets are many spellings of one moment.
    """
    match form:
        case Format.USPS:
            return text if text in USPS else None
        case Format.TEXT:
            return text if is_line(text, 200) else None
        case Format.COUNTY | Format.PLAN | Format.NPI | Format.UUID:
            return text if _PATTERNS[form].fullmatch(text) else None
        case Format.INSTANT:
            return _instant(text)
        case _:
            assert_never(form)


def _instant(text: str) -> str | None:
    if not _PATTERNS[Format.INSTANT].fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):  # no such day or hour; before year 1 or after 9999 in UTC
        return None
    return moment.isoformat().removesuffix("+00:00") + "Z"


def is_line(text: str, longest: int) -> bool:
    """One line of 1 to `longest` printable characters, no space at either end."""
    return 0 < len(text) <= longest and text.isprintable() and text == text.strip()


def is_purpose(text: str) -> bool:
    """Written like an HL7 PurposeOfUse code; whether it is one that counts, policy says."""
    return _PURPOSE.fullmatch(text) is not None


def is_request(text: str) -> bool:
    """Written like a request reference: 1 to 128 characters, no space, no comma."""
    return _REQUEST.fullmatch(text) is not None
