"""Times of a token, and how long a verified one is remembered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from api import authenticate
from api.authenticate import Authenticator
from api.errors import Flaw, TokenExpired, TokenInvalid, TokenNotYetValid
from api.key_set import KeySet, VerifyingKey, read_keys
from api.token_settings import TokenSettings
from db.errors import FieldwardError
from tests.signing import (
    AUDIENCE,
    CLAIMS,
    ISSUER,
    NOW,
    Clock,
    FixedKeys,
    authenticator,
    by_ec,
    flaw,
    pem,
    refusal,
    settings,
    signed,
    token,
)


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"exp": NOW - 30}, TokenExpired),
        ({"exp": NOW - 29}, None),
        ({"nbf": NOW + 31}, TokenNotYetValid),
        ({"nbf": NOW + 30}, None),
        ({"iat": NOW + 31}, TokenNotYetValid),
        ({"iat": NOW + 30}, None),
        ({"iat": NOW - 9, "nbf": NOW + 31}, TokenNotYetValid),
    ],
)
async def test_times_are_checked_to_the_second_of_the_leeway(
    claims: dict[str, Any], error: type[FieldwardError] | None
) -> None:
    if error is None:
        principal = await authenticator().authenticate(f"Bearer {signed(**claims)}")
        assert principal.subject == "alice"
        return
    assert type(await refusal(signed(**claims))) is error


async def test_a_stranger_learns_nothing_of_times() -> None:
    assert await flaw(signed(exp=NOW - 900)[:-4] + "AAAA") == Flaw.SIGNATURE
    assert await flaw(signed(exp=NOW - 900, iss="other")) == Flaw.ISSUER


async def test_a_remembered_token_ends_with_its_expiry_and_waits_for_its_begin() -> None:
    clock = Clock()
    gate = Authenticator(settings(), clock=clock)
    header = f"Bearer {signed(nbf=NOW)}"
    await gate.authenticate(header)
    clock.now = NOW + 629
    await gate.authenticate(header)
    clock.now = NOW + 630
    with pytest.raises(TokenExpired):
        await gate.authenticate(header)
    clock.now = NOW - 31
    with pytest.raises(TokenNotYetValid):
        await gate.authenticate(header)


async def test_a_remembered_token_ends_with_its_key() -> None:
    source = FixedKeys()
    gate = Authenticator(TokenSettings(ISSUER, AUDIENCE, source), clock=Clock())
    header = f"Bearer {signed('ES256')}"
    await gate.authenticate(header)
    source.keys = KeySet(tuple(key for key in source.keys.keys if key.kid != "ES256"))
    with pytest.raises(TokenInvalid):
        await gate.authenticate(header)


async def test_a_remembered_token_ends_when_its_kid_passes_to_another_key() -> None:
    source = FixedKeys()
    gate = Authenticator(TokenSettings(ISSUER, AUDIENCE, source), clock=Clock())
    header = f"Bearer {signed('ES256')}"
    await gate.authenticate(header)
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    source.keys = KeySet((replace(read_keys(pem(other)).keys[0], kid="ES256"),))
    with pytest.raises(TokenInvalid):
        await gate.authenticate(header)


async def test_remembering_saves_the_signature_and_forgets_the_oldest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked: list[str] = []
    genuine = authenticate._payload

    def watched(made: str, key: VerifyingKey) -> dict[str, object]:
        checked.append(made)
        return genuine(made, key)

    monkeypatch.setattr(authenticate, "_payload", watched)
    gate = Authenticator(settings(), clock=Clock(), remembered=2)
    one, two, three = (signed(sub=f"person-{n}") for n in range(3))
    for made in (one, one, two, one, three, one):
        await gate.authenticate(f"Bearer {made}")
    assert checked == [one, two, three]
    await gate.authenticate(f"Bearer {two}")
    assert checked == [one, two, three, two]


async def test_remembered_principals_are_not_mixed_up() -> None:
    gate = authenticator()
    made = {f"person-{n}": signed(sub=f"person-{n}") for n in range(5)}
    for _ in range(2):
        for subject, each in made.items():
            assert (await gate.authenticate(f"Bearer {each}")).subject == subject


async def test_only_an_unknown_kid_of_a_sound_header_has_keys_searched() -> None:
    source = FixedKeys()
    gate = Authenticator(TokenSettings(ISSUER, AUDIENCE, source), clock=Clock())
    for header, searches in (
        ({"alg": "none", "kid": "new"}, 0),
        ({"alg": "ES256"}, 0),
        ({"alg": "RS256", "kid": "ES256"}, 0),
        ({"alg": "ES256", "kid": "new", "crit": ["x"]}, 0),
        ({"alg": "ES256", "kid": "new"}, 1),
    ):
        with pytest.raises(TokenInvalid):
            await gate.authenticate(f"Bearer {token(header, CLAIMS, by_ec)}")
        assert source.searches == searches
