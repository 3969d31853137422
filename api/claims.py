"""Claims of a verified token → Principal and times. Knows no key, no signature and no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.errors import Flaw, TokenExpired, TokenInvalid, TokenNotYetValid
from authz.principal import Principal, is_line, is_purpose, is_request, read_attributes

_LAST_SECOND: Final = 253_402_300_799
"""9999-12-31T23:59:59Z: times beyond are a mistake of unit (milliseconds) or an attack."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says: who, and between which seconds since 1970 it may be used.

    `begins` is the later of `nbf` and `iat`, 0 without either.
    """

    principal: Principal
    begins: float
    ends: float

    def check(self, now: float, leeway: float) -> None:
        """Raises TokenExpired or TokenNotYetValid; clocks may differ by `leeway` seconds."""
        if now < self.begins - leeway:
            raise TokenNotYetValid
        if now >= self.ends + leeway:
            raise TokenExpired


def read_claims(payload: Mapping[str, object], issuer: str, audience: str) -> Claims:
    """The claims of RFC 7519 that count here, each checked; times are only read.

    `iss`, `aud`, `exp` and `sub` are required. A token without `roles` holds none.
    Raises TokenInvalid, or AttributeInvalid for an attribute.
    """
    if payload.get("iss") != issuer:
        raise TokenInvalid(Flaw.ISSUER)
    if audience not in _audiences(payload.get("aud")):
        raise TokenInvalid(Flaw.AUDIENCE)
    ends = _second(payload, "exp")
    begins = max(_second(payload, "nbf", 0), _second(payload, "iat", 0))
    if begins >= ends:
        raise TokenInvalid(Flaw.TIMES)
    principal = Principal(
        subject=_subject(payload.get("sub")),
        roles=_roles(payload.get("roles", [])),
        attributes=read_attributes(payload),
        purpose=_purpose(payload),
        request=_request(payload),
    )
    return Claims(principal, begins, ends)


def _audiences(claim: object) -> list[object]:
    match claim:
        case str():
            return [claim]
        case list() if all(isinstance(item, str) for item in claim):
            return claim
        case _:
            return []


def _second(payload: Mapping[str, object], name: str, absent: float | None = None) -> float:
    second = payload.get(name, absent)
    # bool is an int to Python; a comparison with NaN or a huge number fails closed.
    if isinstance(second, bool) or not isinstance(second, int | float):
        raise TokenInvalid(Flaw.TIMES)
    if not 0 <= second <= _LAST_SECOND:
        raise TokenInvalid(Flaw.TIMES)
    return second


def _subject(claim: object) -> str:
    # OpenID Connect Core 1.0, section 2: a subject has at most 255 characters.
    if isinstance(claim, str) and is_line(claim, 255):
        return claim
    raise TokenInvalid(Flaw.SUBJECT)


def _roles(claim: object) -> frozenset[str]:
    if not isinstance(claim, list):
        raise TokenInvalid(Flaw.ROLES)
    roles = frozenset(role for role in claim if isinstance(role, str) and is_line(role, 64))
    if len(roles) != len(claim):
        raise TokenInvalid(Flaw.ROLES)
    return roles


def _purpose(payload: Mapping[str, object]) -> str | None:
    if "purpose" not in payload:
        return None
    purpose = payload["purpose"]
    if isinstance(purpose, str) and is_purpose(purpose):
        return purpose
    raise TokenInvalid(Flaw.PURPOSE)


def _request(payload: Mapping[str, object]) -> str | None:
    if "request" not in payload:
        return None
    request = payload["request"]
    if isinstance(request, str) and is_request(request):
        return request
    raise TokenInvalid(Flaw.REQUEST)
