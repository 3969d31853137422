"""Tokens: what is accepted, and every way in which one is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from api.authenticate import LARGEST_TOKEN, bearer_token, challenge, complete
from api.errors import (
    ClaimContradicted,
    ContextHeaderInvalid,
    Flaw,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
)
from api.key_set import read_keys
from authz.errors import AttributeInvalid
from authz.principal import Principal
from db.errors import FieldwardError
from tests.signing import (
    AUDIENCE,
    CLAIMS,
    ISSUER,
    NOW,
    SIGNERS,
    Sign,
    authenticator,
    b64,
    by_ec,
    by_ed,
    by_secret,
    flaw,
    pem,
    public,
    refusal,
    signed,
    token,
)

# ── accepted ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("alg", SIGNERS)
async def test_a_genuine_token_becomes_a_principal(alg: str) -> None:
    claims: dict[str, Any] = {
        "purpose": "TREAT",
        "request": "REQ-1",
        "state": ["CA"],
        "email": "a@b.example",
    }
    assert await authenticator().authenticate(f"Bearer {signed(alg, **claims)}") == Principal(
        "alice", frozenset({"auditor"}), {"state": ("CA",)}, "TREAT", "REQ-1"
    )


@pytest.mark.parametrize("alg", SIGNERS)
async def test_a_key_without_a_kid_answers_when_it_is_the_only_one(alg: str) -> None:
    only = read_keys(pem(public(alg)))
    for header in ({"alg": alg}, {"alg": alg, "kid": "any"}):
        principal = await authenticator(only).authenticate(
            f"Bearer {token(header, CLAIMS, SIGNERS[alg])}"
        )
        assert principal.subject == "alice"


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({}, {"aud": ["other", AUDIENCE]}),
        ({}, {"exp": NOW + 600.5}),
        ({}, {"nbf": NOW, "iat": NOW}),
        ({}, {"roles": ...}),
        ({}, {"roles": []}),
        ({"typ": "at+jwt"}, {}),
        ({"typ": "jwt"}, {}),
    ],
)
async def test_what_the_rfc_leaves_open_is_accepted(
    header: dict[str, Any], claims: dict[str, Any]
) -> None:
    principal = await authenticator().authenticate(f"Bearer {signed('ES256', header, **claims)}")
    assert principal.subject == "alice"


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER   "])
def test_the_scheme_is_matched_in_any_case(scheme: str) -> None:
    assert bearer_token(f"{scheme}aa.bb.cc") == "aa.bb.cc"


# ── refused ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Bearer", "BearerX a.b.c", "a.b.c"])
async def test_without_a_bearer_token_one_is_asked_for(header: str | None) -> None:
    if header == "Bearer":
        with pytest.raises(TokenInvalid):
            await authenticator().authenticate(header)
        return
    with pytest.raises(TokenMissing):
        await authenticator().authenticate(header)


@pytest.mark.parametrize(
    "shape",
    [
        "",
        "a",
        "a.b",
        "a.b.",
        "a..c",
        ".b.c",
        "a.b.c.d",
        "a.b.c=",
        "a b.c",
        "a.b.c, d.e.f",
        "a.b.ç",
        "a.b.c\n",
        "a.b.c\x00",
        "a+.b.c",
        "a.b.c Bearer a.b.c",
    ],
)
async def test_what_is_no_token_is_refused(shape: str) -> None:
    assert await flaw(shape) == Flaw.SHAPE


async def test_a_token_over_eight_kibibytes_is_refused_and_one_of_eight_is_read() -> None:
    assert await flaw("a.b." + "c" * (LARGEST_TOKEN - 3)) == Flaw.SIZE
    assert await flaw("a.b." + "c" * (LARGEST_TOKEN - 4)) == Flaw.HEADER


def always(signature: bytes) -> Sign:
    return lambda _: signature


EC_JWK = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}
BAD_HEADERS: list[tuple[object, Flaw]] = [
    ({"alg": "none", "kid": "ES256"}, Flaw.ALGORITHM),
    ({"alg": "None", "kid": "ES256"}, Flaw.ALGORITHM),
    ({"alg": "nOnE", "kid": "ES256"}, Flaw.ALGORITHM),
    ({"alg": "", "kid": "ES256"}, Flaw.ALGORITHM),
    ({"alg": None, "kid": "ES256"}, Flaw.ALGORITHM),
    ({"alg": ["ES256"], "kid": "ES256"}, Flaw.ALGORITHM),
    ({"kid": "ES256"}, Flaw.ALGORITHM),
    ({"alg": "HS256", "kid": "ES256"}, Flaw.ALGORITHM),
    ({"alg": "RS256", "kid": "ES256"}, Flaw.ALGORITHM),
    ({"alg": "EdDSA", "kid": "ES256"}, Flaw.ALGORITHM),
    ({"alg": "ES384", "kid": "ES256"}, Flaw.ALGORITHM),
    ({"alg": "PS256", "kid": "RS256"}, Flaw.ALGORITHM),
    ({"alg": "es256", "kid": "ES256"}, Flaw.ALGORITHM),
    ({"alg": "ES256"}, Flaw.KEY),
    ({"alg": "ES256", "kid": None}, Flaw.KEY),
    ({"alg": "ES256", "kid": "unknown"}, Flaw.KEY),
    ({"alg": "ES256", "kid": ""}, Flaw.KEY),
    ({"alg": "ES256", "jwk": EC_JWK}, Flaw.KEY),
    ({"alg": "ES256", "jku": "https://evil.example/keys"}, Flaw.KEY),
    ({"alg": "ES256", "kid": 1}, Flaw.HEADER),
    ({"alg": "ES256", "kid": ["ES256"]}, Flaw.HEADER),
    ({"alg": "ES256", "kid": "ES256", "crit": ["exp"], "exp": 1}, Flaw.HEADER),
    ({"alg": "ES256", "kid": "ES256", "crit": []}, Flaw.HEADER),
    ({"alg": "ES256", "kid": "ES256", "crit": ["b64"], "b64": False}, Flaw.HEADER),
    ({"alg": "ES256", "kid": "ES256", "b64": True}, Flaw.HEADER),
    ({"alg": "ES256", "kid": "ES256", "typ": "logout+jwt"}, Flaw.HEADER),
    ({"alg": "ES256", "kid": "ES256", "typ": 1}, Flaw.HEADER),
    (b'{"alg":"ES256","alg":"none","kid":"ES256"}', Flaw.HEADER),
    (b'{"alg":"none","alg":"ES256","kid":"ES256"}', Flaw.HEADER),
    (b'["ES256"]', Flaw.HEADER),
    (b"{", Flaw.HEADER),
    (b"\xff\xfe", Flaw.HEADER),
    ('{"alg":"ES256","kid":"ES256"}'.encode("utf-16"), Flaw.HEADER),
    (b"[" * 5000, Flaw.HEADER),
]


@pytest.mark.parametrize(("header", "cause"), BAD_HEADERS)
async def test_a_token_header_never_chooses_how_it_is_verified(header: object, cause: Flaw) -> None:
    assert await flaw(token(header, CLAIMS, by_ec)) == cause
    assert await flaw(token(header, CLAIMS, always(b"\x00"))) == cause


@pytest.mark.parametrize("alg", SIGNERS)
async def test_a_public_key_is_no_shared_secret(alg: str) -> None:
    """Algorithm confusion: HS256 keyed with the text of the public key (CVE-2015-9235)."""
    known = pem(public(alg))
    for secret in (known, known.strip(), known.replace(b"\n", b"\r\n")):
        forged = token({"alg": "HS256", "kid": alg}, CLAIMS, by_secret(secret))
        assert await flaw(forged) == Flaw.ALGORITHM
        assert await flaw(forged, read_keys(known)) == Flaw.ALGORITHM


async def test_a_token_under_a_header_of_another_algorithm_is_refused() -> None:
    for alg in SIGNERS:
        for other, sign in SIGNERS.items():
            if other != alg:
                assert await flaw(token({"alg": alg, "kid": other}, CLAIMS, sign)) == Flaw.ALGORITHM
                assert await flaw(token({"alg": alg, "kid": alg}, CLAIMS, sign)) == Flaw.SIGNATURE


async def test_a_key_embedded_in_the_token_vouches_for_nothing() -> None:
    mine = Ed25519PrivateKey.generate()
    x = mine.public_key().public_bytes_raw()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(x)}
    header = {"alg": "EdDSA", "kid": "EdDSA", "jwk": jwk}
    assert await flaw(token(header, CLAIMS, mine.sign)) == Flaw.SIGNATURE


@pytest.mark.parametrize("alg", SIGNERS)
@pytest.mark.parametrize("part", [0, 1, 2])
async def test_a_token_changed_in_any_part_is_refused(alg: str, part: int) -> None:
    good = signed(alg, {"note": "x"})
    for at in range(0, len(good.split(".")[part]), 7):
        parts = good.split(".")
        letter = parts[part][at]
        parts[part] = f"{parts[part][:at]}{'B' if letter != 'B' else 'C'}{parts[part][at + 1 :]}"
        assert isinstance(await refusal(".".join(parts)), TokenInvalid)


async def test_an_empty_or_zero_signature_is_refused() -> None:
    for signature in (b"\x00", b"\x00" * 64, b"\x00" * 256):
        for alg in SIGNERS:
            made = token({"alg": alg, "kid": alg}, CLAIMS, always(signature))
            assert await flaw(made) == Flaw.SIGNATURE


BAD_CLAIMS: list[tuple[dict[str, Any], Flaw | str]] = [
    ({"iss": ...}, Flaw.ISSUER),
    ({"iss": "https://other.example"}, Flaw.ISSUER),
    ({"iss": ISSUER + "/"}, Flaw.ISSUER),
    ({"iss": [ISSUER]}, Flaw.ISSUER),
    ({"aud": ...}, Flaw.AUDIENCE),
    ({"aud": "other"}, Flaw.AUDIENCE),
    ({"aud": []}, Flaw.AUDIENCE),
    ({"aud": ["other"]}, Flaw.AUDIENCE),
    ({"aud": [AUDIENCE, 1]}, Flaw.AUDIENCE),
    ({"aud": {AUDIENCE: 1}}, Flaw.AUDIENCE),
    ({"aud": "x" + AUDIENCE}, Flaw.AUDIENCE),
    ({"exp": ...}, Flaw.TIMES),
    ({"exp": None}, Flaw.TIMES),
    ({"exp": str(NOW + 600)}, Flaw.TIMES),
    ({"exp": True}, Flaw.TIMES),
    ({"exp": -1}, Flaw.TIMES),
    ({"exp": (NOW + 600) * 1000}, Flaw.TIMES),
    ({"exp": 10**400}, Flaw.TIMES),
    ({"nbf": "now"}, Flaw.TIMES),
    ({"nbf": None}, Flaw.TIMES),
    ({"nbf": False}, Flaw.TIMES),
    ({"iat": "now"}, Flaw.TIMES),
    ({"iat": NOW + 601}, Flaw.TIMES),
    ({"nbf": NOW + 600}, Flaw.TIMES),
    ({"sub": ...}, Flaw.SUBJECT),
    ({"sub": ""}, Flaw.SUBJECT),
    ({"sub": 7}, Flaw.SUBJECT),
    ({"sub": ["alice"]}, Flaw.SUBJECT),
    ({"sub": "a\x00b"}, Flaw.SUBJECT),
    ({"sub": "a\ud800"}, Flaw.SUBJECT),
    ({"sub": "alice\n"}, Flaw.SUBJECT),
    ({"sub": "x" * 256}, Flaw.SUBJECT),
    ({"roles": "auditor"}, Flaw.ROLES),
    ({"roles": None}, Flaw.ROLES),
    ({"roles": {"auditor": True}}, Flaw.ROLES),
    ({"roles": ["auditor", 1]}, Flaw.ROLES),
    ({"roles": ["auditor", ["x"]]}, Flaw.ROLES),
    ({"roles": [""]}, Flaw.ROLES),
    ({"roles": ["auditor", "auditor"]}, Flaw.ROLES),
    ({"purpose": "treat"}, Flaw.PURPOSE),
    ({"purpose": ["TREAT"]}, Flaw.PURPOSE),
    ({"purpose": None}, Flaw.PURPOSE),
    ({"request": "two words"}, Flaw.REQUEST),
    ({"request": 17}, Flaw.REQUEST),
    ({"state": "ca"}, AttributeInvalid.code),
    ({"npi": 1234567893}, AttributeInvalid.code),
]


@pytest.mark.parametrize(("claims", "cause"), BAD_CLAIMS)
async def test_a_claim_that_is_missing_or_wrong_refuses_the_token(
    claims: dict[str, Any], cause: Flaw | str
) -> None:
    assert await flaw(signed(**claims)) == cause


@pytest.mark.parametrize(
    "payload",
    [
        json.dumps(CLAIMS)[:-1].encode() + b',"roles":["break_glass"]}',
        json.dumps(CLAIMS)[:-1].encode() + b',"x":NaN}',
        json.dumps(CLAIMS)[:-1].encode() + b',"x":' + b"[" * 2500 + b"]" * 2500 + b"}",
        json.dumps(CLAIMS).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(CLAIMS).encode(),
        b"[]",
        b'"x"',
        b"7",
        b"\xff",
    ],
)
async def test_a_signed_payload_with_more_than_one_reading_is_refused(payload: bytes) -> None:
    assert await flaw(token({"alg": "ES256", "kid": "ES256"}, payload, by_ec)) == Flaw.PAYLOAD


async def test_an_infinite_expiry_is_refused() -> None:
    payload = json.dumps(CLAIMS | {"exp": 0}).replace('"exp": 0', '"exp": 1e999').encode()
    assert await flaw(token({"alg": "ES256", "kid": "ES256"}, payload, by_ec)) == Flaw.TIMES


async def test_a_refusal_says_nothing_of_the_token() -> None:
    secret = "zq7-subject-zq7"
    for made in (
        signed(sub=secret, iss="x"),
        signed(header={"kid": secret}),
        signed(header={"alg": secret}),
        signed(sub=secret)[:-4] + "AAAA",
        signed(sub=secret, exp=NOW - 900),
    ):
        error = await refusal(made)
        assert error.__context__ is None and error.__cause__ is None
        assert secret not in f"{error} {error.public} {error.detail} {error.args}"


async def test_every_flaw_has_one_public_text() -> None:
    assert {TokenInvalid(cause).public for cause in Flaw} == {"the token is not valid"}
    assert {TokenInvalid(cause).status for cause in Flaw} == {401}


# ── any input ─────────────────────────────────────────────────────────────────────────────────

# A shared machine may be slow; no test measures time.
unhurried = examples(deadline=None, suppress_health_check=[HealthCheck.too_slow])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=4,
)
HEADER_NAMES = st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk"])
CLAIM_NAMES = st.sampled_from([*CLAIMS, "nbf", "iat", "purpose", "request", "state", "until"])


@unhurried
@given(st.text(max_size=60))
@example("Bearer ....")
async def test_any_authorization_header_is_refused_with_a_code(header: str) -> None:
    with pytest.raises((TokenMissing, TokenInvalid)):
        await authenticator().authenticate(header)
    with pytest.raises((TokenMissing, TokenInvalid)):
        await authenticator().authenticate(f"Bearer {header}")


@unhurried
@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(min_size=1, max_size=80))
async def test_any_bytes_in_the_parts_are_refused_with_a_code(
    header: bytes, payload: bytes, signature: bytes
) -> None:
    assert isinstance(await refusal(token(header, payload, always(signature))), TokenInvalid)


@unhurried
@given(
    st.dictionaries(HEADER_NAMES, JSON, max_size=3), st.dictionaries(CLAIM_NAMES, JSON, max_size=4)
)
async def test_any_signed_json_is_a_principal_of_the_audience_or_refused_with_a_code(
    header: dict[str, Any], claims: dict[str, Any]
) -> None:
    made = token({"alg": "EdDSA", "kid": "EdDSA"} | header, CLAIMS | claims, by_ed)
    try:
        principal = await authenticator().authenticate(f"Bearer {made}")
    except FieldwardError as error:
        assert error.status in (401, 403)
        return
    assert principal.subject == (CLAIMS | claims)["sub"]
    assert principal.roles == frozenset((CLAIMS | claims)["roles"])


# ── headers beside the token, and the answer ──────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("claim", "header", "result"),
    [
        (None, None, None),
        (None, "TREAT", "TREAT"),
        ("TREAT", None, "TREAT"),
        ("TREAT", "TREAT", "TREAT"),
        ("TREAT", "HPAYMT", ClaimContradicted),
        ("TREAT", "treat", ContextHeaderInvalid),
        ("TREAT", "", ContextHeaderInvalid),
        (None, "TREAT, HPAYMT", ContextHeaderInvalid),
    ],
)
def test_headers_fill_what_the_token_leaves_open_and_contradict_nothing(
    claim: str | None, header: str | None, result: str | type[FieldwardError] | None
) -> None:
    by_purpose = Principal("a", frozenset(), purpose=claim, request="R-1")
    by_request = Principal("a", frozenset(), purpose="HRESCH", request=claim)
    word = header if header != "treat" else "not one word"
    if isinstance(result, type):
        with pytest.raises(result):
            complete(by_purpose, header, None)
        with pytest.raises(result):
            complete(by_request, None, word)
        return
    assert complete(by_purpose, header, None) == replace(by_purpose, purpose=result)
    assert complete(by_request, None, word) == replace(by_request, request=result)


def test_a_401_says_how_to_ask_and_other_errors_do_not() -> None:
    assert challenge(TokenMissing()) == 'Bearer realm="fieldward"'
    assert challenge(TokenExpired()) == (
        'Bearer realm="fieldward", error="invalid_token", error_description="the token has expired"'
    )
    assert challenge(TokenInvalid(Flaw.KEY)) == challenge(TokenInvalid(Flaw.SIGNATURE))
    assert challenge(ClaimContradicted()) is None
