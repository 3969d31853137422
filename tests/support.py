"""What tests of every kind share. Knows nothing of the rooms."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def skip_or_fail(reason: str) -> NoReturn:
    """Ends the test: skipped on a machine that lacks something, failed where `CI=true`.

    What a test needs is always there in CI, so that nothing goes unchecked for good.
    """
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
