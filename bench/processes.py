"""Processor time and memory of servers on this machine, children included. Knows process IDs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

_IDLE = 0.02
"""Seconds of processor time within a tenth of a second that are still idleness."""


def family(pids: Iterable[int]) -> list[psutil.Process]:
    """The processes and all below them that are there now."""
    found: dict[int, psutil.Process] = {}
    for pid in pids:
        try:
            parent = psutil.Process(pid)
            found |= {each.pid: each for each in (parent, *parent.children(recursive=True))}
        except psutil.NoSuchProcess:
            continue
    return list(found.values())


def parent(pid: int) -> int:
    """Who started a process: of a session of PostgreSQL, the server."""
    return psutil.Process(pid).ppid()


def processor_seconds(pids: Iterable[int]) -> float:
    """Processor time so far, user's and system's.

    A child that has ended counts on with its parent, so that the sum never falls.
    """
    total = 0.0
    for process in family(pids):
        try:
            spent = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += spent.user + spent.system + spent.children_user + spent.children_system
    return total


def resident_bytes(pids: Iterable[int]) -> int:
    """Resident memory; what processes share counts with each."""
    total = 0
    for process in family(pids):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def sockets(pid: int, port: int) -> tuple[int, int]:
    """Established connections of a process: those to its own port, and all others."""
    own = others = 0
    for each in psutil.Process(pid).net_connections(kind="tcp"):
        if each.status == psutil.CONN_ESTABLISHED:
            own, others = (own + 1, others) if each.laddr.port == port else (own, others + 1)
    return own, others


def settle(pids: Iterable[int], most: float = 60.0) -> None:
    """Waits until the processes do nothing more: a server works on for clients that went away."""
    pids = list(pids)
    deadline = time.monotonic() + most
    before = processor_seconds(pids)
    while time.monotonic() < deadline:
        time.sleep(0.1)
        now = processor_seconds(pids)
        if now - before <= _IDLE:
            return
        before = now
