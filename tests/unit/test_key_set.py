"""Keys as documents: what is read from PEM, JWK and JWKS, and what is left out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm

from api.errors import TokenSettingsInvalid
from api.key_set import KeySet, read_keys, secret_key
from tests.signing import SIGNERS, Jwk, ec_key, jwk, jwks, pem, public, three_keys


@pytest.mark.parametrize("alg", SIGNERS)
def test_pem_jwk_and_jwks_of_a_key_say_the_same(alg: str) -> None:
    from_pem = read_keys(pem(public(alg))).keys[0]
    assert from_pem.algorithm == alg
    for document in (json.dumps(jwk(alg)).encode(), jwks(jwk(alg, use="sig", alg=alg))):
        assert read_keys(document).keys == (replace(from_pem, kid=alg),)


WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose: it has to be refused
PRIVATE = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (pem(WEAK.public_key()), "fewer than 2048 bits"),
        (pem(ec.generate_private_key(ec.SECP384R1()).public_key()), "not RSA, P-256 or Ed25519"),
        (pem(ec.generate_private_key(ec.SECP256K1()).public_key()), "not RSA, P-256 or Ed25519"),
        (ec_key().private_bytes(*PRIVATE, serialization.NoEncryption()), "give the public half"),
        (pem(public("ES256")) * 2, "use a JWKS"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "not a PEM public key"),
        (b"", "neither"),
        (b"secret", "neither"),
        (b"[]", "neither"),
        (b'{"keys":{}}', "neither"),
        (b'{"keys":[],"keys":[]}', "neither"),
        (jwks(), "no usable key"),
        (jwks("RS256"), "no object"),
        (jwks({"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}), "not RSA, EC or OKP"),
        (jwks({"kty": "oct", "k": "AAAA", "alg": "HS256"}), "not RSA, EC or OKP"),
        (jwks(jwk("RS256", kty=["RSA"])), "malformed"),
        (jwks(jwk("RS256", n=5)), "malformed"),
        (jwks(jwk("RS256", e="AQ")), "malformed"),  # exponent 1: every message signs itself
        (jwks(jwk("RS256", e=...)), "malformed"),
        (jwks(jwk("ES256", y=jwk("ES256")["x"])), "malformed"),  # a point off the curve
        (jwks(jwk("ES256", crv="P-257")), "malformed"),
        (jwks(jwk("EdDSA", x="AAAA")), "malformed"),
        (jwks(jwk("RS256", use="enc")), "not for signatures"),
        (jwks(jwk("RS256", key_ops=["encrypt"])), "not for verifying"),
        (jwks(jwk("RS256", key_ops="verify")), "not for signatures"),
        (jwks(jwk("RS256", alg="RS512")), "algorithm other than"),
        (jwks(jwk("RS256", alg="HS256")), "algorithm other than"),
        (jwks(jwk("ES256", alg=["ES256"])), "algorithm other than"),
        (jwks(jwk("RS256", d="AAAA")), "is private"),
        (jwks(jwk("RS256", kid=7)), "kid that is no text"),
        (jwks(jwk("RS256", kid="")), "kid that is no text"),
        (jwks(jwk("RS256"), jwk("RS256")), "two keys share a kid"),
        (jwks(RSAAlgorithm.to_jwk(WEAK.public_key(), as_dict=True)), "fewer than 2048 bits"),
        (
            jwks(OKPAlgorithm.to_jwk(Ed448PrivateKey.generate().public_key(), as_dict=True)),
            "not RSA, P-256 or Ed25519",
        ),
    ],
)
def test_a_document_without_a_sound_key_is_refused(document: bytes, reason: str) -> None:
    with pytest.raises(TokenSettingsInvalid, match=reason):
        read_keys(document)


def test_unusable_keys_of_a_set_are_left_out() -> None:
    document = jwks(jwk("RS256", use="enc"), {"kty": "oct", "k": "AAAA"}, jwk("EdDSA"), None)
    assert [key.kid for key in read_keys(document).keys] == ["EdDSA"]


MEMBERS = st.sampled_from(["kty", "kid", "use", "alg", "key_ops", "n", "e", "crv", "x", "y", "d"])
VALUES = st.none() | st.integers() | st.text(max_size=6) | st.lists(st.text(max_size=3), max_size=2)


@examples(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(SIGNERS)), st.dictionaries(MEMBERS, VALUES, max_size=3))
def test_any_members_of_a_jwk_give_a_bound_key_or_a_refusal(alg: str, members: Jwk) -> None:
    try:
        (key,) = read_keys(jwks(jwk(alg, **members))).keys
    except TokenSettingsInvalid:
        return
    assert key.algorithm == alg


def test_keys_show_nothing_of_themselves() -> None:
    key = secret_key(b"s3cret-s3cret", "demo")
    assert "s3cret" not in repr(key)
    assert "thumbprint" not in repr(KeySet((key,)))


def test_a_shared_secret_is_refused_beside_other_keys() -> None:
    with pytest.raises(TokenSettingsInvalid, match="combined"):
        KeySet((*three_keys().keys, secret_key(b"s" * 32, "demo")))


def test_a_key_is_bound_to_one_algorithm_under_one_kid() -> None:
    (key,) = three_keys().candidates("ES256")
    assert (key.kid, key.algorithm) == ("ES256", "ES256")
    assert three_keys().candidates(None) == ()
    assert three_keys().candidates("other") == ()
    alone = KeySet((key,))
    assert alone.candidates(None) == alone.candidates("ES256") == (key,)
    assert alone.candidates("other") == ()
    nameless = KeySet((key, replace(key, kid=None)))
    assert nameless.candidates(None) == ()


def test_a_key_set_is_never_empty() -> None:
    with pytest.raises(TokenSettingsInvalid):
        KeySet(())
