"""`fieldward serve` refuses what it must not run with: in words, with an exit status."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.database import fresh_database

PROJECT = Path(__file__).parents[2]


async def serve(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the command until it ends; it is expected to."""
    clean = {name: value for name, value in os.environ.items() if "FIELDWARD" not in name}
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "api.cli", "serve", "--port", "0", *arguments],
        cwd=PROJECT, env={**clean, **variables}, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip


async def test_the_owners_login_is_refused(seeded: str, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    public = Ed25519PrivateKey.generate().public_key()
    key.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    async with fresh_database(seeded) as owner_url:
        done = await serve(
            FIELDWARD_DATABASE_URL=owner_url,
            FIELDWARD_TOKEN_ISSUER="https://issuer.test",
            FIELDWARD_TOKEN_AUDIENCE="fieldward",
            FIELDWARD_TOKEN_KEY_FILE=str(key),
        )
    assert done.returncode == 1
    assert done.stderr.startswith("FW505 ")
    assert "Traceback" not in done.stderr


async def test_serving_without_an_issuer_is_refused() -> None:
    done = await serve(FIELDWARD_DATABASE_URL="postgresql://gateway@127.0.0.1:1/none")
    assert done.returncode == 1
    assert done.stderr.startswith("FW207 ")
