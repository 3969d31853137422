"""Counters and durations for Prometheus. Knows roles, codes and times; never a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from api.endpoint import Endpoint

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
_LOOKUPS = Gauge(
    "fieldward_cache_lookups",
    "Lookups in a cache since the start: variables of documents, facts of plans, compiled "
    "operations, verified tokens.",
    ["cache", "outcome"],
    registry=REGISTRY,
)
_ENTRIES = Gauge("fieldward_cache_entries", "What a cache keeps now.", ["cache"], registry=REGISTRY)
_CONNECTIONS = Gauge(
    "fieldward_connections", "Open connections to PostgreSQL, by role.", ["role"], registry=REGISTRY
)
_WAITS = Gauge(
    "fieldward_connection_waits",
    "Requests that met the connection budget and waited, since the start.",
    registry=REGISTRY,
)

# To find a child by its labels takes longer than to count; roles, states and codes are few.
_counted: dict[tuple[str, int, str], tuple[Counter, Histogram]] = {}


def observe(role: str, status: int, code: str, seconds: float) -> None:
    """Counts one request. `role` is empty where none acted, `code` where nothing was refused."""
    key = (role, status, code)
    known = _counted.get(key)
    if known is None:
        known = _counted[key] = (
            _REQUESTS.labels(role or "none", str(status), code or "none"),
            _SECONDS.labels(role or "none"),
        )
    known[0].inc()
    known[1].observe(seconds)


def exposition(endpoint: Endpoint | None) -> bytes:
    """All metrics in Prometheus' text format. `endpoint` is None while the gateway does not run."""
    _CONNECTIONS.clear()
    _WAITS.set(0)
    if endpoint is not None:
        for role, count in endpoint.pools.open().items():
            _CONNECTIONS.labels(role).set(count)
        _WAITS.set(endpoint.pools.waits)
        for name, cache in endpoint.caches.items():
            _LOOKUPS.labels(name, "hit").set(cache.hits)
            _LOOKUPS.labels(name, "miss").set(cache.misses)
            _ENTRIES.labels(name).set(len(cache))
    return generate_latest(REGISTRY)
