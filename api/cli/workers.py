"""Several processes that serve on one socket. One starts them, replaces those that die, and stops
them all; it answers no request itself."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Final

import uvicorn
from prometheus_client.multiprocess import mark_process_dead
from uvicorn.supervisors import Multiprocess

from api.app import create_app
from api.metrics import METRICS
from api.settings import Settings
from api.token_settings import TokenSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from socket import socket

    from starlette.applications import Starlette

    from db.embedded import Urls

_SECONDS_TO_BE_READY: Final = 60


@dataclass(frozen=True)
class Serving:
    """Makes the application of `fieldward serve`, in whatever process it is called.

    The URLs are sent to a worker; everything else it reads itself, as its parent did.
    """

    urls: Urls
    state_dir: Path

    def __call__(self) -> Starlette:
        """Raises SettingsInvalid and TokenSettingsInvalid. In a worker, it also has it stop when
        the process that started it has gone without a word."""
        if (parent := multiprocessing.parent_process()) is not None:
            threading.Thread(target=_outlive, args=(parent.sentinel,), daemon=True).start()
        settings = Settings.from_environment(os.environ, self.state_dir)
        return create_app(
            self.urls.gateway,
            TokenSettings.from_environment(os.environ),
            settings.cursor_keys,
            settings.floor_secret(self.urls),
            connections=settings.connections,
            whole_process=True,
        )


def _outlive(parent: int) -> None:
    """Stops this process, as a signal would, once another one has ended."""
    wait([parent])
    os.kill(os.getpid(), signal.SIGTERM)


def config(app: Starlette | Serving, host: str, port: int, workers: int = 1) -> uvicorn.Config:
    """How uvicorn serves, in one process or in several."""
    # No access log: an address can hold an operation, and an operation can hold a value.
    return uvicorn.Config(
        app, host, port, access_log=False, log_level="warning", server_header=False,
        timeout_graceful_shutdown=5, workers=workers, factory=isinstance(app, Serving),
    )  # fmt: skip


def run_workers(
    serving: Serving, host: str, port: int, workers: int, announce: Callable[[int], None]
) -> None:
    """Serves until a signal says to stop. Exits with 1 when a worker cannot start.

    `announce` is told the port once all workers answer.
    """
    configured = config(serving, host, port, workers)
    bound = configured.bind_socket()
    with bound, tempfile.TemporaryDirectory(prefix="fieldward-metrics-") as directory:
        os.environ[METRICS] = directory  # workers inherit it before they import anything
        supervisor = _Supervisor(configured, [bound], directory, announce)
        supervisor.run()
    if not supervisor.told:
        sys.exit(1)


class _Supervisor(Multiprocess):
    """uvicorn's, which says when all are there, and knows whether it was told to stop."""

    def __init__(
        self,
        config: uvicorn.Config,
        sockets: list[socket],
        directory: str,
        announce: Callable[[int], None],
    ) -> None:
        super().__init__(config, sockets)
        self._directory = directory
        self._announce = announce
        self.told = False

    def init_processes(self) -> None:
        super().init_processes()
        if all(each.wait_until_ready(_SECONDS_TO_BE_READY) for each in self.processes):
            self._announce(self.sockets[0].getsockname()[1])
            sys.stdout.flush()

    def keep_subprocess_alive(self) -> None:
        before = {process.pid for process in self.processes}
        super().keep_subprocess_alive()
        for pid in before - {process.pid for process in self.processes}:
            # What it counted stays; what it had open it has no more.
            mark_process_dead(pid, self._directory)  # type: ignore[no-untyped-call]  # has none

    def handle_int(self) -> None:
        self.told = True
        super().handle_int()

    def handle_term(self) -> None:
        self.told = True
        super().handle_term()
