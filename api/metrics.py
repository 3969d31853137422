"""Counters and durations for Prometheus. Knows roles, codes and times; never a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from db.sql.render import render

if TYPE_CHECKING:
    from db.pools import Pools

REGISTRY = CollectorRegistry()
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
    "fieldward_statement_cache", "Statements rendered and kept.", ["event"], registry=REGISTRY
)

_CONNECTIONS = Gauge(
    "fieldward_connections", "Open connections to PostgreSQL, by role.", ["role"], registry=REGISTRY
)
_WAITS = Gauge(
    "fieldward_connection_waits",
    "Requests that met the connection budget and waited, since the start.",
    registry=REGISTRY,
)


def observe(role: str, status: int, code: str, seconds: float) -> None:
    """Counts one request. `role` is empty where none acted, `code` where nothing was refused."""
    _REQUESTS.labels(role or "none", str(status), code or "none").inc()
    _SECONDS.labels(role or "none").observe(seconds)


def exposition(pools: Pools | None) -> bytes:
    """All metrics in Prometheus' text format. `pools` is None while the gateway does not run."""
    _CONNECTIONS.clear()
    for role, count in pools.open().items() if pools is not None else ():
        _CONNECTIONS.labels(role).set(count)
    _WAITS.set(pools.waits if pools is not None else 0)
    info = render.cache_info()
    for event, value in (("hits", info.hits), ("misses", info.misses), ("size", info.currsize)):
        _STATEMENTS.labels(event).set(value)
    return generate_latest(REGISTRY)
