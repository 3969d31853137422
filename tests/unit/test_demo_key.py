"""The demo's own key: made once, kept private, never beside an issuer's keys."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from api.authenticate import Authenticator
from api.demo_key import KEY_FILE, DemoKey, claims_from_arguments, mint
from api.errors import ClaimRefused, Flaw, TokenExpired, TokenInvalid, TokenSettingsInvalid
from api.key_set import KeySet, secret_key
from authz.errors import AttributeInvalid
from authz.principal import Principal
from tests.signing import CLAIMS, NOW, Clock, authenticator, by_secret, flaw, signed, token

AT = datetime.fromtimestamp(NOW, UTC)
HOUR = timedelta(hours=1)
KEY = DemoKey(b"0123456789abcdef" * 4)


async def test_a_minted_token_becomes_its_principal() -> None:
    claims = {"state": ["CA"], "purpose": "HOPERAT", "request": "R-1"}
    made = mint("front_desk", claims, KEY, AT, HOUR)
    principal = await Authenticator(KEY.settings(), Clock()).authenticate(f"Bearer {made}")
    assert principal == Principal(
        "demo-front_desk", frozenset({"front_desk"}), {"state": ("CA",)}, "HOPERAT", "R-1"
    )


async def test_a_minted_token_ends_after_its_lifetime() -> None:
    clock = Clock(NOW + 3629)
    door = Authenticator(KEY.settings(), clock)
    header = f"Bearer {mint('auditor', {}, KEY, AT, HOUR)}"
    await door.authenticate(header)
    clock.now += 1
    with pytest.raises(TokenExpired):
        await door.authenticate(header)


async def test_subject_and_roles_of_a_minted_token_can_be_chosen() -> None:
    made = mint("a", {"sub": "alice", "roles": ["a", "b"]}, KEY, AT, HOUR)
    principal = await Authenticator(KEY.settings(), Clock()).authenticate(f"Bearer {made}")
    assert principal == Principal("alice", frozenset({"a", "b"}))


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"sate": ["CA"]}, ClaimRefused),
        ({"iss": "other"}, ClaimRefused),
        ({"exp": NOW * 2}, ClaimRefused),
        ({"aud": "other"}, ClaimRefused),
        ({"state": ["ca"]}, AttributeInvalid),
        ({"sub": ""}, TokenInvalid),
        ({"roles": "auditor"}, TokenInvalid),
        ({"purpose": "treat"}, TokenInvalid),
    ],
)
def test_no_token_is_minted_that_the_gateway_would_refuse(
    claims: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        mint("auditor", claims, KEY, AT, HOUR)


def test_no_token_is_minted_without_a_lifetime() -> None:
    with pytest.raises(TokenInvalid):
        mint("auditor", {}, KEY, AT, timedelta(0))


async def test_the_demo_key_and_an_issuers_key_do_not_stand_in_for_each_other() -> None:
    made = mint("auditor", {}, KEY, AT, HOUR)
    assert await flaw(made) == Flaw.KEY
    door = Authenticator(KEY.settings(), Clock())
    for stranger in (signed("RS256"), mint("auditor", {}, DemoKey(b"0" * 64), AT, HOUR)):
        with pytest.raises(TokenInvalid):
            await door.authenticate(f"Bearer {stranger}")


async def test_another_issuers_claims_are_refused_even_under_the_demo_key() -> None:
    made = jwt.encode(CLAIMS, KEY.secret, algorithm="HS256", headers={"kid": "demo"})
    with pytest.raises(TokenInvalid):
        await Authenticator(KEY.settings(), Clock()).authenticate(f"Bearer {made}")


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    state = tmp_path / "new" / "state"
    made = DemoKey.in_state_dir(state)
    assert DemoKey.in_state_dir(state) == made
    assert stat.S_IMODE((state / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in state.iterdir()] == [KEY_FILE]
    assert DemoKey.in_state_dir(tmp_path / "other") != made
    assert len(made.secret) == 64


def test_of_many_that_make_the_key_at_once_one_wins(tmp_path: Path) -> None:
    for attempt in range(10):
        state = tmp_path / str(attempt)
        with ThreadPoolExecutor(8) as pool:
            keys = list(pool.map(DemoKey.in_state_dir, [state] * 8))
        assert len(set(keys)) == 1
        assert [path.name for path in state.iterdir()] == [KEY_FILE]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622, 0o777])
def test_a_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    DemoKey.in_state_dir(tmp_path)
    os.chmod(tmp_path / KEY_FILE, mode)
    with pytest.raises(TokenSettingsInvalid, match="0600"):
        DemoKey.in_state_dir(tmp_path)


@pytest.mark.parametrize("text", [b"", b"0" * 63, b"0" * 65, b"Z" * 64, b"0" * 63 + b"\n"])
def test_a_damaged_key_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / KEY_FILE).write_bytes(text)
    (tmp_path / KEY_FILE).chmod(0o600)
    with pytest.raises(TokenSettingsInvalid, match="damaged"):
        DemoKey.in_state_dir(tmp_path)


@pytest.mark.parametrize("dangling", [True, False])
def test_a_link_in_the_keys_place_is_refused(tmp_path: Path, dangling: bool) -> None:
    target = tmp_path / "elsewhere"
    if not dangling:
        target.write_bytes(b"0" * 64)
        target.chmod(0o600)
    (tmp_path / KEY_FILE).symlink_to(target)
    with pytest.raises(TokenSettingsInvalid, match="cannot be read"):
        DemoKey.in_state_dir(tmp_path)


def test_a_demo_key_shows_nothing_of_itself() -> None:
    assert "0123456789abcdef" not in f"{KEY!r} {KEY.settings()!r}"


@pytest.mark.parametrize(
    ("arguments", "claims"),
    [
        ([], {}),
        (["state=CA"], {"state": ["CA"]}),
        (["state=CA,OR", "state=WA"], {"state": ["CA", "OR", "WA"]}),
        (["roles=a,b"], {"roles": ["a", "b"]}),
        (["reason=a, b=c"], {"reason": "a, b=c"}),
        (["sub="], {"sub": ""}),
    ],
)
def test_arguments_become_claims(arguments: list[str], claims: dict[str, object]) -> None:
    assert claims_from_arguments(arguments) == claims


@pytest.mark.parametrize("arguments", [["state"], ["=CA"], [""], ["sub=a", "sub=b"]])
def test_arguments_that_are_no_claim_are_refused(arguments: list[str]) -> None:
    with pytest.raises(ClaimRefused):
        claims_from_arguments(arguments)


async def test_an_hs256_key_verifies_hs256_and_nothing_else() -> None:
    secret = b"s" * 32
    keys = KeySet((secret_key(secret, "demo"),))
    good = token({"alg": "HS256", "kid": "demo"}, CLAIMS, by_secret(secret))
    assert (await authenticator(keys).authenticate(f"Bearer {good}")).subject == "alice"
    for alg in ("none", "HS384", "RS256", "ES256"):
        forged = token({"alg": alg, "kid": "demo"}, CLAIMS, by_secret(secret))
        assert await flaw(forged, keys) == Flaw.ALGORITHM
    for empty in (b"", b"\x00" * 32, b"demo"):
        forged = token({"alg": "HS256", "kid": "demo"}, CLAIMS, by_secret(empty))
        assert await flaw(forged, keys) == Flaw.SIGNATURE
