"""The demo's own secret and the tokens made with it. Never beside an issuer's keys."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import jwt

from api.claims import read_claims
from api.errors import ClaimRefused, TokenSettingsInvalid
from api.key_set import KeySet, secret_key
from api.token_settings import TokenSettings
from authz.principal import ATTRIBUTES
from db import private_files

DEMO_ISSUER: Final = "fieldward-demo"
DEMO_AUDIENCE: Final = "fieldward"
KEY_FILE: Final = "token.key"

_MINTABLE: Final = frozenset({"sub", "roles", "purpose", "request", *ATTRIBUTES})
_KID: Final = "demo"


@dataclass(frozen=True, slots=True)
class DemoKey:
    """An HS256 key generated on this machine: a source of exactly one key, itself."""

    secret: bytes = field(repr=False)

    @staticmethod
    def in_state_dir(state_dir: Path) -> DemoKey:
        """The key of `state_dir`, made there at the first call and the same ever after.

        Raises TokenSettingsInvalid if the file is damaged or others than its owner may read it.
        """
        path = state_dir / KEY_FILE
        if not path.exists():
            state_dir.mkdir(parents=True, exist_ok=True)
            _create(path)
        return DemoKey(_read(path))

    async def current(self) -> KeySet:
        return self._set()

    async def beyond(self, seen: KeySet) -> KeySet:
        return seen

    def settings(self) -> TokenSettings:
        """Settings under which this key vouches for the demo's tokens and for nothing else."""
        return TokenSettings(DEMO_ISSUER, DEMO_AUDIENCE, self)

    def _set(self) -> KeySet:
        return KeySet((secret_key(self.secret, _KID),))


def mint(
    role: str, claims: Mapping[str, object], key: DemoKey, now: datetime, lifetime: timedelta
) -> str:
    """A demo token that acts in `role` from `now` for `lifetime`.

    `claims` may hold `sub` (else `demo-<role>`), `roles` (else only `role`), `purpose`, `request`
    and attributes. What is minted is what the gateway accepts: it reads the claims here as there.

    Raises ClaimRefused for any other claim, TokenInvalid or AttributeInvalid for a wrong value.
    """
    strangers = sorted(claims.keys() - _MINTABLE)
    if strangers:
        raise ClaimRefused(f"no claim of a demo token: {', '.join(strangers)}")
    second = int(now.timestamp())
    payload = {
        "sub": f"demo-{role}",
        "roles": [role],
        **claims,
        "iss": DEMO_ISSUER,
        "aud": DEMO_AUDIENCE,
        "iat": second,
        "exp": second + int(lifetime.total_seconds()),
    }
    read_claims(payload, DEMO_ISSUER, DEMO_AUDIENCE)
    return jwt.encode(payload, key.secret, algorithm="HS256", headers={"kid": _KID})


def claims_from_arguments(arguments: Iterable[str]) -> dict[str, object]:
    """`k=v` of a command line → claims: lists part at commas and grow when repeated.

    Raises ClaimRefused for text without `=`, or a claim given twice that holds one value.
    """
    claims: dict[str, object] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if not equals or not name:
            raise ClaimRefused("a claim is written name=value")
        held = claims.get(name)
        if name == "roles" or (name in ATTRIBUTES and ATTRIBUTES[name].many):
            claims[name] = [*(held if isinstance(held, list) else []), *text.split(",")]
        elif held is None:
            claims[name] = text
        else:
            raise ClaimRefused(f"{name} holds one value")
    return claims


def _create(path: Path) -> None:
    """Write whole, then link: of two processes one wins, and nobody reads half a key."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with private_files.opened(draft, like=path.parent, new=True) as descriptor:
        os.write(descriptor, secrets.token_hex(32).encode("ascii"))
        os.fsync(descriptor)
    try:
        os.link(draft, path)
        private_files.sync(path.parent)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise TokenSettingsInvalid(f"the demo's key cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077:
            raise TokenSettingsInvalid(f"others may read the demo's key: make {KEY_FILE} mode 0600")
        secret = file.read(65)
    if len(secret) != 64 or secret.strip(b"0123456789abcdef"):
        raise TokenSettingsInvalid(f"the demo's key is damaged: remove {KEY_FILE} for a new one")
    return secret
