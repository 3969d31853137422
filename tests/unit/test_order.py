"""Court orders as dated data: what a file may say, and when an order is in force."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from authz.errors import OrderInvalid
from authz.order import Order, Status, last_change, next_change
from authz.order_file import parse_order
from authz.packaged import load_orders
from authz.scope import parse_scope
from db.catalog_records import CATALOG

GOOD = """
name = "one"
caption = "A v. B"
court = "A court"
docket = "1:26-cv-1"
issued = 2026-01-01
effective = 2026-02-01
role = "clerk"
states = ["NY", "CA"]
history = [
  { at = 2026-02-01, status = "in_force" },
  { at = 2026-03-01T12:00:00-08:00, status = "stayed" },
  { at = 2026-04-01, status = "in_force" },
  { at = 2026-05-01, status = "vacated" },
]
grants = [
  { on = ["Enrollee.dateOfBirth", "Enrollee.sex"], actions = ["read", "filter"] },
  { on = ["Enrollee.medicaidId"], actions = ["read", "filter:eq"] },
]

[population]
scope = "people"
Enrollee = "population covers as_of"
"""


def parsed(text: str = GOOD, name: str = "one") -> Order:
    return parse_order(CATALOG, name, text)


def at(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def test_a_file_says_whom_an_order_caps_what_it_leaves_and_on_which_rows() -> None:
    order = parsed()
    assert (order.name, order.caption, order.court) == ("one", "A v. B", "A court")
    assert (order.docket, order.role, order.scope) == ("1:26-cv-1", "clerk", "people")
    assert (order.issued, order.effective) == (date(2026, 1, 1), date(2026, 2, 1))
    assert order.states == ("CA", "NY")
    assert order.grants["Enrollee.sex"] == {"read", "filter"}
    assert order.population["Enrollee"].predicate == parse_scope(
        CATALOG, "Enrollee", "population covers as_of"
    )


STATUSES = {
    "before it is in force": (at(1, 31, 23), None),
    "the first moment": (at(2, 1), Status.IN_FORCE),
    "just before the stay, on the other coast": (at(3, 1, 19), Status.IN_FORCE),
    "the moment of the stay": (at(3, 1, 20), Status.STAYED),
    "in force again": (at(4, 1), Status.IN_FORCE),
    "the end": (at(5, 1), Status.VACATED),
    "long after": (datetime(2126, 1, 1, tzinfo=UTC), Status.VACATED),
}


@pytest.mark.parametrize("case", STATUSES)
def test_an_order_has_the_status_that_its_history_says(case: str) -> None:
    moment, status = STATUSES[case]
    assert parsed().status_at(moment) is status
    assert parsed().in_force(moment) is (status is Status.IN_FORCE)
    elsewhere = moment.astimezone(timezone(timedelta(hours=-8)))
    assert parsed().status_at(elsewhere) is status


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.IN_FORCE])
def test_an_order_of_any_other_status_is_not_in_force(status: Status) -> None:
    order = parsed(GOOD.replace('"vacated"', f'"{status.value}"'))
    assert not order.in_force(at(6, 1))


def test_changes_are_the_instants_at_which_some_order_changes() -> None:
    orders = [parsed(), parsed(GOOD.replace("2026-05-01", "2026-04-15"))]
    assert next_change(orders, at(1, 1)) == at(2, 1)
    assert next_change(orders, at(2, 1)) == at(3, 1, 20)
    assert next_change(orders, at(4, 1)) == at(4, 15)
    assert next_change(orders, at(5, 1)) is None
    assert last_change(orders, at(1, 1)) is None
    assert last_change(orders, at(2, 1)) == at(2, 1)
    assert last_change(orders, at(4, 30)) == at(4, 15)
    assert next_change([], at(1, 1)) is None


COVERED = {
    ("Enrollee.sex", "read"): True,
    ("Enrollee.sex", "filter"): True,
    ("Enrollee.sex", "filter:in"): True,
    ("Enrollee.sex", "sort"): False,
    ("Enrollee.medicaidId", "filter:eq"): True,
    ("Enrollee.medicaidId", "filter"): False,
    ("Enrollee.medicaidId", "filter:in"): False,
    ("Enrollee.lastName", "read"): False,
}


@pytest.mark.parametrize(("coordinate", "action"), COVERED)
def test_an_order_covers_what_it_grants_and_no_more(coordinate: str, action: str) -> None:
    assert parsed().covers(coordinate, action) is COVERED[coordinate, action]


CHANGES: dict[str, tuple[str | re.Pattern[str], str, str]] = {
    "another file's name": ('name = "one"', 'name = "two"', "'name' is not 'one'"),
    "an unknown key": ("docket =", "dockett =", "'docket' is missing"),
    "one key too many": ("docket =", 'judge = "x"\ndocket =', "unknown key 'judge'"),
    "in force before issued": ("issued = 2026-01-01", "issued = 2026-02-02", "before it was"),
    "a day as text": ("issued = 2026-01-01", 'issued = "2026-01-01"', "'issued' is not a day"),
    "an instant for a day": ("issued = 2026-01-01", "issued = 2026-01-01T00:00:00Z",
                             "'issued' is not a day"),
    "an unknown state": ('"NY"', '"NX"', "unknown state 'NX'"),
    "an unknown status": ('"stayed"', '"stay"', "unknown status 'stay'; did you mean 'stayed'?"),
    "a status without a day": ("{ at = 2026-05-01, ", "{ ", "history 4: 'at' is missing"),
    "a status at no time": ("at = 2026-05-01", "at = 5", "'at' is not a day or an instant"),
    "a status with more": ('"vacated" }', '"vacated", by = "x" }', "unknown key 'by'"),
    "a local time": ("T12:00:00-08:00", "T12:00:00", "'at' does not say its offset from UTC"),
    "a history that goes back": ("at = 2026-05-01", "at = 2026-04-01", "not later than the one"),
    "in force too early": ("{ at = 2026-02-01", "{ at = 2026-01-31", "in force before 'effective'"),
    "no history": (re.compile(r"history = \[.*?\n\]", re.DOTALL), "history = []", "is empty"),
    "no grants": (re.compile(r"grants = \[.*?\n\]", re.DOTALL), "grants = []", "is empty"),
    "an unknown coordinate": ("Enrollee.sex", "Enrollee.sexx", "unknown coordinate 'Enrollee.sexx'"
                              "; did you mean 'Enrollee.sex'?"),
    "a class of a policy": ("Enrollee.sex", "demographics", "unknown coordinate 'demographics'"),
    "a coordinate twice": ('["Enrollee.medicaidId"]', '["Enrollee.sex"]', "Enrollee.sex twice"),
    "an unknown action": ('"filter:eq"', '"filter:eqq"', "unknown action of Enrollee.medicaidId"),
    "an operator not offered": ('"filter:eq"', '"filter:has"', "unknown action of"),
    "a grant with more": ('"filter:eq"] }', '"filter:eq"], where = "always" }', "unknown key"),
    "a population without rows": ('Enrollee = "population covers as_of"', "", "no meaning on any"),
    "a population of other rows": ("Enrollee = ", "Claim = ", "Claim: character 1: unknown column"),
    "a population that no grant has": ("Enrollee.sex", "Claim.icn", "the population has no meaning "
                                       "on Claim, as Claim.icn needs"),
    "a grant where there are no rows": ("Enrollee.sex", "Policy.version", "no meaning on None"),
    "an unknown anchor": ("Enrollee = ", "Enrolee = ", "unknown anchor 'Enrolee'; did you mean"),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGES)
def test_what_an_order_does_not_know_it_refuses_and_never_skips(case: str) -> None:
    what, into, problem = CHANGES[case]
    changed = what.sub(into, GOOD) if isinstance(what, re.Pattern) else GOOD.replace(what, into, 1)
    assert changed != GOOD
    with pytest.raises(OrderInvalid, match=re.escape(problem)):
        parsed(changed)


def test_the_packaged_order_says_what_is_known_of_it() -> None:
    (order,) = load_orders(CATALOG)
    assert order.docket == "3:25-cv-05536-VC"
    assert (order.issued, order.effective) == (date(2025, 12, 29), date(2026, 1, 6))
    assert order.role == "immigration_enforcement"
    assert not order.in_force(datetime(2026, 1, 5, 23, 59, 59, tzinfo=UTC))
    assert order.in_force(datetime(2026, 1, 6, tzinfo=UTC))
    assert order.population["Enrollee"].text == "population covers as_of"
    for name in ("firstName", "middleInitial", "lastName", "ssn", "ssnLast4", "race", "ethnicity"):
        assert f"Enrollee.{name}" not in order.grants
    assert order.grants.keys().isdisjoint({"Enrollee.id", "Enrollee.caseNumber"})
    assert "HomeAddress.county" not in order.grants


@pytest.mark.parametrize("name", ["always", "wide&wide2", "Two", "a b", "order:x"])
def test_the_people_of_an_order_have_a_name_that_is_no_other_condition(name: str) -> None:
    with pytest.raises(OrderInvalid, match="is no name of a row scope"):
        parsed(GOOD.replace('scope = "people"', f'scope = "{name}"'))


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_an_instant_outside_all_years_is_refused(at: str) -> None:
    with pytest.raises(OrderInvalid, match="in no year of UTC"):
        parsed(GOOD.replace("{ at = 2026-02-01,", f"{{ at = {at},"))


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(OrderInvalid, match="a number is too long"):
        parsed("x = " + "9" * 5_000)
