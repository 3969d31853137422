"""What a comparison did, in figures. Knows nothing of how."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Figures:
    """What was done, over all roles."""

    roles: set[str] = field(default_factory=set)
    askers: set[str] = field(default_factory=set)
    operations: int = 0
    requests: int = 0
    answered: int = 0
    copies: int = 0
    cells: int = 0
    rows: int = 0
    differing_bytes: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.perf_counter)

    def facts(self, seed: int) -> dict[str, str | float]:
        """All of it, with the seed of chance."""
        return {
            "test": "noninterference",
            "seed": seed,
            "operations": self.operations,
            "comparisons": self.requests,
            "answered": self.answered,
            "codes": ", ".join(f"{code} {times}" for code, times in sorted(self.codes.items())),
            "roles": len(self.roles),
            "askers": len(self.askers),
            "copies": self.copies,
            "cells_changed": self.cells,
            "rows_come_or_gone": self.rows,
            "differing_bytes": self.differing_bytes,
            "seconds": round(time.perf_counter() - self.began, 1),
        }
