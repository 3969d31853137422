"""What tests of leaks share: statements on their way to PostgreSQL, and the owner's own look."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from api import endpoint
from db.execute import Inputs, execute
from tests.database import connected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import asyncpg

    from db.pools import Pools
    from db.sql.pieces import Statement
    from tests.gateway import Gateway


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Statement]:
    """The statements that the gateway sends while the test runs: one is one round trip."""
    statements: list[Statement] = []

    async def spy(
        pools: Pools, role: str, statement: Statement, inputs: Inputs
    ) -> tuple[object, ...]:
        statements.append(statement)
        return await execute(pools, role, statement, inputs)

    monkeypatch.setattr(endpoint, "execute", spy)
    return statements


@pytest.fixture
async def owner(gateway: Gateway) -> AsyncIterator[asyncpg.Connection]:
    """The owner of the records behind the gateway, who sees everything."""
    async with connected(gateway.owner_url) as connection:
        yield connection


class Heard(logging.Handler):
    """All that any logger says while it stands, our own client's left out."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(("httpx", "httpcore", "faker")):
            self.lines.append(self.format(record))


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Every logger at DEBUG, whatever a server that ran before has set it to."""
    handler, root = Heard(), logging.getLogger()
    loggers = [
        each for each in root.manager.loggerDict.values() if isinstance(each, logging.Logger)
    ]
    before = [(each, each.level, each.propagate, each.disabled) for each in (root, *loggers)]
    for each in loggers:
        each.level, each.propagate, each.disabled = logging.NOTSET, True, False
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    root.manager._clear_cache()
    yield handler
    root.removeHandler(handler)
    for each, level, propagate, disabled in before:
        each.level, each.propagate, each.disabled = level, propagate, disabled
    root.manager._clear_cache()
