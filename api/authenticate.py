"""Token → Principal. Knows keys and claims; knows nothing of GraphQL, policy or records.

    authorization header ─ one bearer token ─ its key ─ its signature ─ its claims ─ Principal

A header of the token names a key and says which algorithm the signer used; it never chooses what
verifies it, because each key is bound to one algorithm.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from jwt import PyJWS
from jwt.exceptions import PyJWTError

from api.cache import ENTRY, Cache
from api.claims import Claims, read_claims
from api.errors import (
    ClaimContradicted,
    ContextHeaderInvalid,
    Flaw,
    TokenInvalid,
    TokenMissing,
)
from api.key_set import ALGORITHMS, KeySet, VerifyingKey
from api.strict_json import read_object
from api.token_settings import TokenSettings
from authz.principal import Principal, is_purpose, is_request
from db.errors import FieldwardError

LARGEST_TOKEN: Final = 8 * 1024
"""Bytes; header lines beyond are refused by most servers anyway."""

_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
# RFC 8725 section 3.11: a token made for another use (logout, DPoP, …) says so in `typ`.
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_JWS: Final = PyJWS(algorithms=sorted(ALGORITHMS))


@dataclass(frozen=True, slots=True)
class Verified:
    """A token whose signature was right under a key: what it says."""

    claims: Claims
    key: VerifyingKey


class Authenticator:
    """Verifies bearer tokens under one `TokenSettings`. One event loop only.

    Verified tokens are remembered, least recently used first out, so that the signature is
    computed once; times and keys are looked at for every request.
    """

    def __init__(
        self,
        settings: TokenSettings,
        clock: Callable[[], float] = time.time,
        remembered: int = 4096,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self.verified: Cache[Verified] = Cache(remembered * ENTRY)

    async def authenticate(self, authorization: str | None) -> Principal:
        """The principal of an Authorization header.

        Raises TokenMissing, TokenInvalid, TokenExpired, TokenNotYetValid, KeysUnavailable, or
        AttributeInvalid.
        """
        token = bearer_token(authorization)
        digest = hashlib.sha256(token.encode("ascii")).digest()
        keys = await self._settings.keys.current()
        verified = self.verified.get(digest)
        known = verified is not None and verified.key in keys.keys
        if verified is None or not known:
            self.verified.drop(digest)
            verified = await self._verify(token, keys)
        # INVARIANT: whether remembered or new, a token passes here at every use.
        try:
            verified.claims.check(self._clock(), self._settings.leeway_seconds)
        except FieldwardError:
            self.verified.drop(digest)
            raise
        if not known:
            self.verified.put(digest, verified, 0)
        return verified.claims.principal

    async def _verify(self, token: str, keys: KeySet) -> Verified:
        kid, algorithm = _read_header(token)
        candidates = keys.candidates(kid)
        if not candidates and kid is not None:
            candidates = (await self._settings.keys.beyond(keys)).candidates(kid)
        if not candidates:
            raise TokenInvalid(Flaw.KEY)
        for key in candidates:
            if key.algorithm == algorithm:
                payload = _payload(token, key)
                settings = self._settings
                return Verified(read_claims(payload, settings.issuer, settings.audience), key)
        raise TokenInvalid(Flaw.ALGORITHM)


def bearer_token(authorization: str | None) -> str:
    """The token of an Authorization header (RFC 6750 section 2.1), in JWS compact form.

    Raises TokenMissing for no header or another scheme, TokenInvalid for a token that cannot be.
    """
    scheme, _, rest = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        raise TokenMissing
    token = rest.strip(" ")
    if len(token) > LARGEST_TOKEN:
        raise TokenInvalid(Flaw.SIZE)
    if not _COMPACT.fullmatch(token):
        raise TokenInvalid(Flaw.SHAPE)
    return token


def complete(principal: Principal, purpose: str | None, request: str | None) -> Principal:
    """`principal` with what its token left open, from Purpose-Of-Use and Request-Reference.

    Raises ContextHeaderInvalid for a misshapen header, ClaimContradicted for one that differs
    from the token.
    """
    if purpose is None and request is None:
        return principal
    if purpose is not None and not is_purpose(purpose):
        raise ContextHeaderInvalid
    if request is not None and not is_request(request):
        raise ContextHeaderInvalid
    return replace(
        principal,
        purpose=_filled(principal.purpose, purpose),
        request=_filled(principal.request, request),
    )


def challenge(error: FieldwardError) -> str | None:
    """The WWW-Authenticate value (RFC 6750 section 3) for an error with status 401, else None."""
    if error.status != 401:
        return None
    if isinstance(error, TokenMissing):
        return 'Bearer realm="fieldward"'
    return f'Bearer realm="fieldward", error="invalid_token", error_description="{error.public}"'


def _filled(claim: str | None, header: str | None) -> str | None:
    if claim is not None and header not in (None, claim):
        raise ClaimContradicted
    return claim if header is None else header


def _read_header(token: str) -> tuple[str | None, str]:
    """`kid` and `alg`; whatever else the header offers (jwk, jku, x5c, …) is never looked at."""
    segment = token.partition(".")[0]
    header = None
    if len(segment) % 4 != 1:
        header = read_object(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    if header is None or "crit" in header or "b64" in header:
        raise TokenInvalid(Flaw.HEADER)
    kid, kind, algorithm = header.get("kid"), header.get("typ", "JWT"), header.get("alg")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise TokenInvalid(Flaw.HEADER)
    if not (kid is None or isinstance(kid, str)):
        raise TokenInvalid(Flaw.HEADER)
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenInvalid(Flaw.ALGORITHM)
    return kid, algorithm


def _payload(token: str, key: VerifyingKey) -> dict[str, object]:
    try:
        signed = _JWS.decode_complete(token, key.material, algorithms=[key.algorithm])["payload"]
    except PyJWTError:
        signed = None
    # Raised outside of the except block: PyJWT's messages quote the token.
    if signed is None:
        raise TokenInvalid(Flaw.SIGNATURE)
    payload = read_object(signed)
    if payload is None:
        raise TokenInvalid(Flaw.PAYLOAD)
    return payload
