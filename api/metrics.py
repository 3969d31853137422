"""Counters and durations for Prometheus. Knows roles, codes and times; never a value."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from authz.follower import Cause

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from api.endpoint import Endpoint

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
_LOOKUPS = Gauge(
    "fieldward_cache_lookups",
    "Lookups in a cache since the start: variables of documents, facts of plans, compiled "
    "operations, verified tokens.",
    ["cache", "outcome"],
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
_ENTRIES = Gauge(
    "fieldward_cache_entries",
    "What a cache keeps now.",
    ["cache"],
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
_VERSION = Gauge(
    "fieldward_policy_version",
    "The version of the policy that requests use; of several processes, the oldest.",
    registry=REGISTRY,
    multiprocess_mode="livemin",
)
_REFRESHES = Gauge(
    "fieldward_policy_refreshes",
    "Versions of the policy that were taken up since the start, by what led to them.",
    ["cause"],
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
_LISTENING = Gauge(
    "fieldward_policy_listening",
    "Whether PostgreSQL tells of new versions; of several processes, how many it tells.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
_DRIFTED = Gauge(
    "fieldward_policy_drifted",
    "Whether grants were found that are not those of the policy, so that nothing is answered.",
    registry=REGISTRY,
    multiprocess_mode="livemax",
)
_OVERDUE = Gauge(
    "fieldward_policy_approval_overdue",
    "Changes that were committed in an emergency and that nobody approved within their 24 hours.",
    registry=REGISTRY,
    multiprocess_mode="livemax",
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

_DROPPED = Gauge(
    "fieldward_operations_dropped",
    "Uses of operations that were not written down for a replay, since the start.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
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
    """All metrics in Prometheus' text format, over all processes that serve together.

    `endpoint` is None while the gateway does not run.
    """
    _measure(endpoint)
    if METRICS not in os.environ:
        return generate_latest(REGISTRY)
    shared = CollectorRegistry()
    MultiProcessCollector(shared)  # type: ignore[no-untyped-call]  # has no annotations
    return generate_latest(shared)


@asynccontextmanager
async def kept(endpoint: Endpoint) -> AsyncIterator[None]:
    """Has the other processes know how this one is, for as long as the block runs: whichever is
    asked answers for all."""
    task = asyncio.create_task(_keep(endpoint)) if METRICS in os.environ else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()


async def _keep(endpoint: Endpoint) -> None:
    while True:
        _measure(endpoint)
        await asyncio.sleep(_SECONDS_BETWEEN)


def _measure(endpoint: Endpoint | None) -> None:
    count = dict(endpoint.pools.open()) if endpoint is not None else {}
    _seen.update(count)
    for role in _seen:
        _CONNECTIONS.labels(role).set(count.get(role, 0))
    _WAITS.set(endpoint.pools.waits if endpoint is not None else 0)
    if endpoint is None:
        return
    for name, cache in endpoint.caches.items():
        _LOOKUPS.labels(name, "hit").set(cache.hits)
        _LOOKUPS.labels(name, "miss").set(cache.misses)
        _ENTRIES.labels(name).set(len(cache))
    _DROPPED.set(endpoint.compiler.recorder.dropped)
    _VERSION.set(endpoint.policy.number)
    _LISTENING.set(endpoint.policy.listening)
    _DRIFTED.set(endpoint.policy.drifted)
    _OVERDUE.set(endpoint.policy.overdue)
    for cause in Cause:
        _REFRESHES.labels(cause.value).set(endpoint.policy.refreshes[cause])
