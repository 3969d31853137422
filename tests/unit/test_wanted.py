"""Going back to an older version, under the orders of now."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from api.administration.wanted import Wanted, made
from api.errors import PolicyUnchanged
from authz.document import Document
from authz.edits.edited import edited
from authz.packaged import load_seed
from db.catalog_records import CATALOG

NOW = datetime(2026, 2, 1, tzinfo=UTC)
OLD = Document(*load_seed(CATALOG))
ROLE = {"name": "helper", "description": "Helps.", "page_limit": 5, "inherits": ["front_desk"]}
READ = {"role": "helper", "on": ["race"], "actions": ["read"], "where": "always"}


def test_going_back_keeps_the_orders_of_now_and_the_roles_that_they_name() -> None:
    edits = [{"add_role": ROLE}, {"grant": READ}]
    later = edited(OLD, edits, NOW)
    (order,) = later.orders
    later = replace(later, orders=(order, replace(order, name="two", role="helper")))
    back = made(Wanted(rollback_to=1), later, OLD, NOW)
    assert {each.name for each in back.orders} == {order.name, "two"}
    assert back.policy.rules == OLD.policy.rules
    # The role is there for its order's sake, and gets nothing from anybody.
    assert back.policy.roles.keys() - OLD.policy.roles.keys() == {"helper"}
    assert back.policy.roles["helper"].inherits == frozenset()


def test_going_back_to_what_is_there_is_no_change() -> None:
    with pytest.raises(PolicyUnchanged):
        made(Wanted(rollback_to=1), OLD, OLD, NOW)
