"""What tests share: a real PostgreSQL, seeded once, and a gateway over it, in this process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from db.embedded import EmbeddedServer
from tests.database import seeded_template, with_superuser
from tests.gateway import Gateway, gateway_over

# These machines are shared: how long one example takes says nothing about the code.
settings.register_profile(
    "fieldward", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("fieldward")

PEOPLE = 1_000
SEED = 7


@pytest.fixture(scope="session", autouse=True)
def test_server() -> Iterator[str]:
    """URL of a PostgreSQL of the tests' own, unless FIELDWARD_TEST_SERVER names one."""
    given = os.environ.get("FIELDWARD_TEST_SERVER")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory() as name:
        ground = Path(name)
        ground.chmod(0o755)  # so that the server's account may enter, where root runs the tests
        # Nothing here outlives the session, so nothing needs to reach the disk.
        fast = (("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"))
        # Four gateways at once is the most that tests have, each with up to 35 sessions.
        roomy = (("max_connections", "200"),)
        server = EmbeddedServer(ground / "server", settings=fast + roomy)
        url = with_superuser(server)
        os.environ["FIELDWARD_TEST_SERVER"] = url
        try:
            yield url
        finally:
            del os.environ["FIELDWARD_TEST_SERVER"]
            server.discard()


@pytest.fixture(scope="session")
async def seeded(test_server: str) -> AsyncIterator[str]:
    """Name of a template database with migrations and PEOPLE people of seed SEED."""
    async with seeded_template(PEOPLE, SEED) as name:
        yield name


@pytest.fixture(scope="session")
async def gateway(seeded: str) -> AsyncIterator[Gateway]:
    """A gateway over a seeded database of its own, which no test changes."""
    async with gateway_over(seeded) as made:
        yield made
