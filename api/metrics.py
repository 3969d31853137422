"""Counters and durations for Prometheus. Knows roles, codes and times; never a value."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from db.sql.render import render

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.pools import Pools

METRICS: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where processes that serve together leave what they count. prometheus_client reads it when it is
imported, so a parent sets it before it starts them."""
_SECONDS_BETWEEN: Final = 1.0

REGISTRY = CollectorRegistry()
_seen: set[str] = set()
_REQUESTS = Counter(
    "fieldward_requests", "Requests to /graphql.", ["role", "status", "code"], registry=REGISTRY
)
_SECONDS = Histogram(
    "fieldward_request_seconds",
    "Seconds from the first byte in to the last byte out, by acting role.",
    ["role"],
    registry=REGISTRY,
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
_STATEMENTS = Gauge(
    "fieldward_statement_cache",
    "Statements rendered and kept.",
    ["event"],
    registry=REGISTRY,
    multiprocess_mode="livesum",
)

_CONNECTIONS = Gauge(
    "fieldward_connections",
    "Open connections to PostgreSQL, by role.",
    ["role"],
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
_WAITS = Gauge(
    "fieldward_connection_waits",
    "Requests that met the connection budget and waited, since the start.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)


def observe(role: str, status: int, code: str, seconds: float) -> None:
    """Counts one request. `role` is empty where none acted, `code` where nothing was refused."""
    _REQUESTS.labels(role or "none", str(status), code or "none").inc()
    _SECONDS.labels(role or "none").observe(seconds)


def exposition(pools: Pools | None) -> bytes:
    """All metrics in Prometheus' text format, over all processes that serve together.

    `pools` is None while the gateway does not run.
    """
    _measure(pools)
    if METRICS not in os.environ:
        return generate_latest(REGISTRY)
    shared = CollectorRegistry()
    MultiProcessCollector(shared)  # type: ignore[no-untyped-call]  # has no annotations
    return generate_latest(shared)


@asynccontextmanager
async def kept(pools: Pools) -> AsyncIterator[None]:
    """Has the other processes know how this one is, for as long as the block runs: whichever is
    asked answers for all."""
    task = asyncio.create_task(_keep(pools)) if METRICS in os.environ else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()


async def _keep(pools: Pools) -> None:
    while True:
        _measure(pools)
        await asyncio.sleep(_SECONDS_BETWEEN)


def _measure(pools: Pools | None) -> None:
    count = dict(pools.open()) if pools is not None else {}
    _seen.update(count)
    for role in _seen:
        _CONNECTIONS.labels(role).set(count.get(role, 0))
    _WAITS.set(pools.waits if pools is not None else 0)
    info = render.cache_info()
    for event, value in (("hits", info.hits), ("misses", info.misses), ("size", info.currsize)):
        _STATEMENTS.labels(event).set(value)
