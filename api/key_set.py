"""Keys that verify tokens, each bound to one algorithm. Knows nothing of where they come from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import PyJWTError

from api.errors import TokenSettingsInvalid
from api.strict_json import read_object

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

ALGORITHMS: Final = frozenset({"RS256", "ES256", "EdDSA", "HS256"})
SMALLEST_RSA: Final = 2048
"""Bits; NIST SP 800-131A disallows less for signatures."""


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """One key and the one algorithm it verifies: a token's header never chooses.

    Two are equal when kid, algorithm and the key itself (by SHA-256) are.
    """

    kid: str | None
    algorithm: str
    thumbprint: bytes = field(repr=False)
    material: PublicKey | bytes = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys in force at one moment, at least one."""

    keys: tuple[VerifyingKey, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise TokenSettingsInvalid("no usable key")
        names = [(key.kid, key.algorithm) for key in self.keys if key.kid is not None]
        if len(set(names)) != len(names):
            raise TokenSettingsInvalid("two keys share a kid")
        # INVARIANT: a shared secret (the demo's) never verifies beside an issuer's keys.
        if len(self.keys) > 1 and any(key.algorithm == "HS256" for key in self.keys):
            raise TokenSettingsInvalid("the demo's key cannot be combined with other keys")

    def candidates(self, kid: str | None) -> tuple[VerifyingKey, ...]:
        """The keys that a token with this `kid` may be signed with; several kids need a name.

        A set of one needs no kid, and one key without a kid (a PEM file) answers to any.
        """
        if len(self.keys) == 1:
            (only,) = self.keys
            return self.keys if kid is None or only.kid in (None, kid) else ()
        return tuple(key for key in self.keys if kid is not None and key.kid == kid)


def secret_key(secret: bytes, kid: str) -> VerifyingKey:
    """An HS256 key; only the demo makes one."""
    return VerifyingKey(kid, "HS256", hashlib.sha256(secret).digest(), secret)


def read_keys(document: bytes) -> KeySet:
    """Keys from a PEM public key, a JWK or a JWKS (RFC 7517).

    Keys that cannot verify RS256, ES256 or EdDSA signatures safely are left out: other types and
    curves, encryption keys, shared secrets, private keys, RSA below 2048 bits.

    Raises TokenSettingsInvalid when none is left, its detail saying why for each.
    """
    if document.lstrip().startswith(b"-----BEGIN"):
        found = [_from_pem(document)]
    else:
        found = _from_json(document)
    keys = tuple(key for key in found if isinstance(key, VerifyingKey))
    if not keys:
        reasons = "; ".join(f"key {n}: {why}" for n, why in enumerate(found, 1))
        raise TokenSettingsInvalid(f"no usable key: {reasons}")
    return KeySet(keys)


def _from_pem(document: bytes) -> VerifyingKey | str:
    if b"PRIVATE KEY" in document:
        return "is private: give the public half"
    if document.count(b"-----BEGIN") != 1:
        return "more than one in a PEM file: use a JWKS"
    try:
        key = serialization.load_pem_public_key(document)
    except (ValueError, UnsupportedAlgorithm):
        return "is not a PEM public key"
    return _bound(key, kid=None)


def _from_json(document: bytes) -> list[VerifyingKey | str]:
    value = read_object(document)
    entries = None if value is None else value.get("keys", [value])
    if not isinstance(entries, list):
        raise TokenSettingsInvalid("neither a PEM public key nor a JWK nor a JWKS")
    return [_from_jwk(entry) if isinstance(entry, dict) else "no object" for entry in entries]


def _from_jwk(jwk: dict[str, object]) -> VerifyingKey | str:
    kid, operations = jwk.get("kid"), jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list):
        return "is not for signatures"
    if "verify" not in operations:
        return "is not for verifying"
    if "d" in jwk:
        return "is private: its issuer must withdraw it"
    if not (kid is None or (isinstance(kid, str) and kid)):
        return "has a kid that is no text"
    key = _public_key(jwk)
    if key is None:
        return "is malformed or not RSA, EC or OKP"
    bound = _bound(key, kid)
    if isinstance(bound, VerifyingKey) and jwk.get("alg", bound.algorithm) != bound.algorithm:
        return "is for an algorithm other than RS256, ES256 and EdDSA"
    return bound


def _public_key(jwk: dict[str, object]) -> object | None:
    try:
        match jwk.get("kty"):
            case "RSA":
                return RSAAlgorithm.from_jwk(jwk)
            case "EC":
                return ECAlgorithm.from_jwk(jwk)
            case "OKP":
                return OKPAlgorithm.from_jwk(jwk)
            case _:
                return None
    except (PyJWTError, ValueError, TypeError, AttributeError, UnsupportedAlgorithm):
        # A number where base64 text belongs surfaces as any of the last ones.
        return None


def _bound(key: object, kid: str | None) -> VerifyingKey | str:
    match key:
        case RSAPublicKey() if key.key_size < SMALLEST_RSA:
            return f"is RSA with fewer than {SMALLEST_RSA} bits"
        case RSAPublicKey():
            algorithm = "RS256"
        case EllipticCurvePublicKey() if isinstance(key.curve, SECP256R1):
            algorithm = "ES256"
        case Ed25519PublicKey():
            algorithm = "EdDSA"
        case _:
            return "is not RSA, P-256 or Ed25519"
    encoded = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return VerifyingKey(kid, algorithm, hashlib.sha256(encoded).digest(), key)
