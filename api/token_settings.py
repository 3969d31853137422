"""What tokens must say and which keys vouch for them. Knows no token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.errors import TokenSettingsInvalid
from api.key_source import KeySource, keys_from_file, keys_from_url

LONGEST_LEEWAY: Final = 300.0


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """One issuer, one audience, one source of keys; clocks may differ by `leeway_seconds`.

    Raises TokenSettingsInvalid for an empty name or a leeway outside 0 to 300 seconds.
    """

    issuer: str
    audience: str
    keys: KeySource
    leeway_seconds: float = 30.0

    def __post_init__(self) -> None:
        if not self.issuer or not self.audience:
            raise TokenSettingsInvalid("issuer and audience must not be empty")
        if not 0 <= self.leeway_seconds <= LONGEST_LEEWAY:
            raise TokenSettingsInvalid(f"the leeway must be 0 to {LONGEST_LEEWAY:.0f} seconds")

    @staticmethod
    def from_environment(env: Mapping[str, str]) -> TokenSettings:
        """Settings from the FIELDWARD_TOKEN_ variables; an empty one counts as not set.

        Raises TokenSettingsInvalid with a detail that names the variable.
        """
        issuer = _required(env, "FIELDWARD_TOKEN_ISSUER")
        audience = _required(env, "FIELDWARD_TOKEN_AUDIENCE")
        file = env.get("FIELDWARD_TOKEN_KEY_FILE", "")
        url = env.get("FIELDWARD_TOKEN_JWKS_URL", "")
        if bool(file) == bool(url):
            raise TokenSettingsInvalid(
                "set one of FIELDWARD_TOKEN_KEY_FILE and FIELDWARD_TOKEN_JWKS_URL"
                + (", not both" if file else "")
            )
        name = "FIELDWARD_TOKEN_KEY_FILE" if file else "FIELDWARD_TOKEN_JWKS_URL"
        try:
            keys = keys_from_file(Path(file)) if file else keys_from_url(url)
        except TokenSettingsInvalid as error:
            raise TokenSettingsInvalid(f"{name}: {error.detail}") from None
        return TokenSettings(issuer, audience, keys)


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if not value:
        raise TokenSettingsInvalid(f"{name} is not set")
    return value
