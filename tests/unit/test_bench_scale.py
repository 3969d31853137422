"""What the measurement of scale would not let pass."""

from __future__ import annotations

from typing import Any

import pytest

from bench.scale import held, read_whole

GOOD = """Aggregate
  ->  Limit
        ->  Index Scan using enrollee_pkey on enrollee t1 (actual rows=50.00 loops=1)
        ->  Seq Scan on policy_head (actual rows=1.00 loops=1)
        ->  Seq Scan on provider t4 (actual rows=9.00 loops=1)"""


@pytest.mark.parametrize("table", ["enrollee", "claim", "home_address", "claim_line"])
def test_a_plan_that_reads_people_from_end_to_end_is_named(table: str) -> None:
    bad = f"        ->  Seq Scan on {table} t2 (actual rows=97198.00 loops=1)"
    parallel = f"        ->  Parallel Seq Scan on {table} t2 (actual rows=97198.00 loops=1)"
    assert read_whole(GOOD) == []
    assert read_whole(f"{GOOD}\n{bad}") == [bad.strip()]
    assert read_whole(f"{parallel}\n{GOOD}") == [parallel.strip()]


def test_a_tenth_is_the_most_that_a_page_may_lose() -> None:
    def found(kept: float, **plans: list[str]) -> dict[str, Any]:
        row = {"operation": "fifty", "kind": "request", "throughput_of_smallest": kept}
        return {"times": [row], "read_whole": plans}

    assert held(found(0.9))
    assert not held(found(0.89))
    assert not held(found(1.0, fifty=["Seq Scan on claim"]))
