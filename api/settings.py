"""Where the gateway's databases, keys and state are. Read from the environment, checked once."""

from __future__ import annotations

import base64
import contextlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from api.cursor import KEY_BYTES
from api.errors import SettingsInvalid
from db import private_files
from db.embedded import EmbeddedServer, Urls
from db.pools import MOST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STATE_DIR = Path(".fieldward")
_CURSOR_KEY_FILE = "cursor.key"
_SHORTEST_FLOOR_KEY = 32
_FEWEST_CONNECTIONS = 2


@dataclass(frozen=True, slots=True)
class Settings:
    """`gateway_url` and `admin_url` are None where the embedded server of `state_dir` is used.

    `connections` is how many of the floor's roles a process may have open at once.
    """

    state_dir: Path
    gateway_url: str | None
    admin_url: str | None
    cursor_keys: tuple[bytes, ...]
    floor_key: str | None = field(repr=False)
    connections: int

    @staticmethod
    def from_environment(env: Mapping[str, str], state_dir: Path) -> Settings:
        """Settings from FIELDWARD_ variables; an empty one counts as not set.

        Raises SettingsInvalid with a detail that names the variable.
        """
        gateway = env.get("FIELDWARD_DATABASE_URL") or None
        admin = env.get("FIELDWARD_ADMIN_DATABASE_URL") or None
        if admin is not None and gateway is None:
            raise SettingsInvalid(
                "FIELDWARD_ADMIN_DATABASE_URL is set and FIELDWARD_DATABASE_URL is not: without "
                "both, records would be in one database and answers from another"
            )
        return Settings(
            state_dir,
            gateway,
            admin,
            _cursor_keys(env, state_dir),
            _floor_key(env),
            _connections(env),
        )

    def floor_secret(self, urls: Urls) -> bytes:
        """What the passwords of the floor's roles are derived from, the same for all who share a
        database: the key given for it, else the password of the gateway's login.

        Raises SettingsInvalid where there is neither.
        """
        secret = self.floor_key or unquote(urlsplit(urls.gateway).password or "")
        if not secret:
            raise SettingsInvalid(
                "set FIELDWARD_FLOOR_KEY, or give FIELDWARD_DATABASE_URL a password: the "
                "passwords of the floor's roles are derived from one of them"
            )
        return secret.encode()

    @contextlib.contextmanager
    def database(self) -> Iterator[Urls]:
        """The two URLs, for as long as the block runs; an embedded server that the block started
        is stopped behind it."""
        if self.gateway_url is not None:
            yield Urls(admin=self.admin_url or "", gateway=self.gateway_url)
            return
        self.state_dir.mkdir(parents=True, exist_ok=True)
        server = EmbeddedServer(self.state_dir)
        ours = server.pid is None
        try:
            yield server.start()
        finally:
            if ours:
                server.stop()


def _floor_key(env: Mapping[str, str]) -> str | None:
    given = env.get("FIELDWARD_FLOOR_KEY") or None
    if given is not None and len(given) < _SHORTEST_FLOOR_KEY:
        raise SettingsInvalid(f"FIELDWARD_FLOOR_KEY: at least {_SHORTEST_FLOOR_KEY} characters")
    return given


def _connections(env: Mapping[str, str]) -> int:
    given = env.get("FIELDWARD_CONNECTIONS") or str(MOST)
    if not (given.isascii() and given.isdigit() and int(given) >= _FEWEST_CONNECTIONS):
        raise SettingsInvalid(f"FIELDWARD_CONNECTIONS: a number from {_FEWEST_CONNECTIONS} on")
    return int(given)


def _cursor_keys(env: Mapping[str, str], state_dir: Path) -> tuple[bytes, ...]:
    """Keys that seal cursors: the first seals, all open. Nodes of one service share them."""
    given = env.get("FIELDWARD_CURSOR_KEYS", "")
    if not given:
        return (_own_key(state_dir / _CURSOR_KEY_FILE),)
    keys = []
    for text in given.split(","):
        try:
            key = base64.b64decode(text.strip(), validate=True)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise SettingsInvalid(f"FIELDWARD_CURSOR_KEYS: base64 of {KEY_BYTES} bytes each")
        keys.append(key)
    return tuple(keys)


def _own_key(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        private_files.replace_file(path, secrets.token_hex(KEY_BYTES), path.parent)
    try:
        key = bytes.fromhex(path.read_text())
    except (OSError, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsInvalid(f"the cursor key is damaged: remove {path.name} for a new one")
    return key
