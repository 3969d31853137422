"""Where the gateway's databases, keys and state are. Read from the environment, checked once."""

from __future__ import annotations

import base64
import contextlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from api.cursor import KEY_BYTES
from api.errors import SettingsInvalid
from db import private_files
from db.embedded import EmbeddedServer, Urls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STATE_DIR = Path(".fieldward")
_CURSOR_KEY_FILE = "cursor.key"


@dataclass(frozen=True, slots=True)
class Settings:
    """`gateway_url` and `admin_url` are None where the embedded server of `state_dir` is used."""

    state_dir: Path
    gateway_url: str | None
    admin_url: str | None
    cursor_keys: tuple[bytes, ...]

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
        return Settings(state_dir, gateway, admin, _cursor_keys(env, state_dir))

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
