"""Fieldward as a competitor: the gateway as `fieldward serve` runs it, with the bench's keys."""

from __future__ import annotations

from api.app import create_app
from bench.listening import Told, listen
from bench.people import CURSOR_KEYS, KEY


def main() -> None:
    """Serves until it is ended."""
    told = Told.by_environment()
    app = create_app(
        told.database,
        KEY.settings(),
        CURSOR_KEYS,
        bytes.fromhex(told.secret),
        connections=told.connections,
        whole_process=True,
    )
    listen(app, told)


if __name__ == "__main__":
    main()
