"""Snapshots: policy and orders of one moment, refused when they contradict, replaced in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from authz.decision import AllowWhere, Deny, Reason
from authz.errors import OrderInvalid, UnknownRole
from authz.order import Change, Status
from authz.packaged import load_seed
from authz.policy import ALWAYS, Effect, Rule, sorted_rules
from authz.snapshot import Holder, take
from db.catalog_records import CATALOG

POLICY, ORDERS = load_seed(CATALOG)
(ORDER,) = ORDERS
CAPPED = "immigration_enforcement"
IN_FORCE = datetime(2026, 1, 6, tzinfo=UTC)
PAUSED = datetime(2026, 5, 1, tzinfo=UTC)
TO_BE_PAUSED = replace(ORDER, history=(*ORDER.history, Change(PAUSED, Status.PAUSED)))
SECOND = timedelta(seconds=1)


def test_a_snapshot_names_its_version_roles_caps_and_time() -> None:
    snapshot = take(POLICY, (TO_BE_PAUSED,), IN_FORCE)
    assert snapshot.version == snapshot.policy.digest != POLICY.digest
    assert snapshot.written is POLICY
    assert snapshot.roles == set(POLICY.roles)
    assert snapshot.capped == {CAPPED}
    assert (snapshot.since, snapshot.until) == (IN_FORCE, PAUSED)
    assert snapshot.decisions("front_desk").version == snapshot.version


def test_decisions_are_made_once_for_each_role() -> None:
    snapshot = take(POLICY, ORDERS, IN_FORCE)
    assert snapshot.decisions("auditor") is snapshot.decisions("auditor")
    with pytest.raises(UnknownRole):
        snapshot.decisions("auditors")
    with pytest.raises(UnknownRole):
        snapshot.required_attributes("auditors")


def test_a_snapshot_holds_from_one_change_to_the_next() -> None:
    snapshot = take(POLICY, (TO_BE_PAUSED,), IN_FORCE)
    assert snapshot.holds_at(IN_FORCE)
    assert snapshot.holds_at(PAUSED - SECOND)
    assert not snapshot.holds_at(PAUSED)
    assert not snapshot.holds_at(IN_FORCE - SECOND)
    without = take(POLICY, (), IN_FORCE)
    assert without.holds_at(datetime.max.replace(tzinfo=UTC))
    assert without.holds_at(datetime.min.replace(tzinfo=UTC))


def test_a_holder_answers_for_the_moment_that_is_asked_about() -> None:
    holder = Holder(POLICY, (TO_BE_PAUSED,), IN_FORCE)
    first = holder.current(IN_FORCE)
    assert holder.current(PAUSED - SECOND) is first
    paused = holder.current(PAUSED)
    assert paused.version != first.version
    assert paused.decisions(CAPPED).decide("Enrollee.dateOfBirth", "read") == Deny(Reason.NO_ORDER)
    assert holder.current(PAUSED + SECOND) is paused
    # A clock that is set back gets the decisions of its moment, not those of a later one.
    assert holder.current(IN_FORCE).version == first.version


def test_the_version_of_a_policy_is_another_under_another_order() -> None:
    versions = {
        take(POLICY, ORDERS, IN_FORCE).version,
        take(POLICY, ORDERS, IN_FORCE - SECOND).version,
        take(POLICY, (), IN_FORCE).version,
    }
    assert len(versions) == 3


def test_a_policy_that_exceeds_an_order_in_force_narrows_to_what_both_leave() -> None:
    rules = [Rule(CAPPED, f"Enrollee.{name}", "read", ALWAYS, Effect.ALLOW)
             for name in ("lastName", "dateOfBirth")]  # fmt: skip
    wide = replace(POLICY, rules=sorted_rules([*POLICY.rules, *rules]))
    holder = Holder(wide, ORDERS, IN_FORCE - SECOND)
    early = holder.current(IN_FORCE - SECOND).decisions(CAPPED)
    assert early.decide("Enrollee.lastName", "read") == Deny(Reason.NO_ORDER)
    held = holder.current(IN_FORCE).decisions(CAPPED)
    assert held.decide("Enrollee.lastName", "read") == Deny(Reason.ORDER)
    assert held.decide("Enrollee.dateOfBirth", "read") == AllowWhere(
        ORDER.population["Enrollee"].predicate
    )


def test_an_order_about_a_role_that_nobody_has_is_refused_because_it_would_cap_nobody() -> None:
    misspelt = replace(ORDER, role="imigration_enforcement")
    with pytest.raises(OrderInvalid, match="did you mean 'immigration_enforcement'"):
        take(POLICY, (misspelt,), IN_FORCE)
