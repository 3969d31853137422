"""A line about a run that found nothing, for docs/assurance.md: where, of what size, how long."""

from __future__ import annotations

import json
import os
from pathlib import Path


def report(**facts: str | float) -> None:
    """Appends the facts as one line of JSON to the file that FIELDWARD_REPORT names, if it does."""
    if path := os.environ.get("FIELDWARD_REPORT"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(facts) + "\n")
