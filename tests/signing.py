"""Tokens for tests, signed by `cryptography` itself: signing and verifying share no code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from api.authenticate import Authenticator
from api.errors import Flaw, TokenInvalid
from api.key_set import KeySet, PublicKey, read_keys
from api.token_settings import TokenSettings
from db.errors import FieldwardError

ISSUER, AUDIENCE, NOW = "https://issuer.example", "fieldward", 1_770_000_000
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "alice",
    "exp": NOW + 600,
    "roles": ["auditor"],
}
Sign = Callable[[bytes], bytes]
Jwk = dict[str, Any]


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def ed_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def by_rsa(data: bytes) -> bytes:
    return rsa_key().sign(data, padding.PKCS1v15(), hashes.SHA256())


def by_ec(data: bytes) -> bytes:
    r, s = decode_dss_signature(ec_key().sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def by_ed(data: bytes) -> bytes:
    return ed_key().sign(data)


def by_secret(secret: bytes) -> Sign:
    return lambda data: hmac.digest(secret, data, hashlib.sha256)


SIGNERS: dict[str, Sign] = {"RS256": by_rsa, "ES256": by_ec, "EdDSA": by_ed}


def public(algorithm: str) -> PublicKey:
    match algorithm:
        case "RS256":
            return rsa_key().public_key()
        case "ES256":
            return ec_key().public_key()
        case _:
            return ed_key().public_key()


def pem(key: PublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def text(value: object) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def token(header: object, payload: object, sign: Sign) -> str:
    signed = f"{b64(text(header))}.{b64(text(payload))}"
    return f"{signed}.{b64(sign(signed.encode()))}"


@cache
def three_keys() -> KeySet:
    """RS256, ES256 and EdDSA in one set, each under its algorithm's name as kid."""
    return KeySet(tuple(replace(read_keys(pem(public(alg))).keys[0], kid=alg) for alg in SIGNERS))


@dataclass
class FixedKeys:
    """A source whose set a test exchanges; counts the searches for unknown kids."""

    keys: KeySet = field(default_factory=three_keys)
    searches: int = 0

    async def current(self) -> KeySet:
        return self.keys

    async def beyond(self, seen: KeySet) -> KeySet:
        self.searches += 1
        return self.keys


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


def settings(keys: KeySet | None = None) -> TokenSettings:
    return TokenSettings(ISSUER, AUDIENCE, FixedKeys(keys or three_keys()))


def authenticator(keys: KeySet | None = None) -> Authenticator:
    return Authenticator(settings(keys), clock=Clock())


def signed(alg: str = "ES256", header: dict[str, Any] | None = None, **claims: object) -> str:
    """A good token, but for `header` and `claims`; a claim of `...` is left out."""
    payload = {name: value for name, value in (CLAIMS | claims).items() if value is not ...}
    return token({"alg": alg, "kid": alg, "typ": "JWT", **(header or {})}, payload, SIGNERS[alg])


async def refusal(of: str, keys: KeySet | None = None) -> FieldwardError:
    with pytest.raises(FieldwardError) as refused:
        await authenticator(keys).authenticate(f"Bearer {of}")
    return refused.value


async def flaw(of: str, keys: KeySet | None = None) -> Flaw | str:
    error = await refusal(of, keys)
    return error.flaw if isinstance(error, TokenInvalid) else error.code


def jwk(alg: str, /, **members: object) -> Jwk:
    """The public key of `alg` as a JWK, that being its kid; a member of `...` is left out."""
    made = {
        "RS256": lambda: RSAAlgorithm.to_jwk(rsa_key().public_key(), as_dict=True),
        "ES256": lambda: ECAlgorithm.to_jwk(ec_key().public_key(), as_dict=True),
        "EdDSA": lambda: OKPAlgorithm.to_jwk(ed_key().public_key(), as_dict=True),
    }[alg]()
    return {k: v for k, v in ({**made, "kid": alg} | members).items() if v is not ...}


def jwks(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()
