"""Whom a change opens records to: nobody is left out, and whoever it cannot concern is.

`FIELDWARD_CASES` says how many changes there are.
"""

from __future__ import annotations

import os
from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest

from authz.diff.diff import AccessChange, Direction
from authz.diff.reach import entering, fails, leaving
from authz.holds import holds
from authz.principal import Attributes
from authz.scope import parse_scope
from authz.synthetic import read_row
from db.catalog_records import CATALOG
from db.predicate import Always, Never, attributes, both, either
from tests.properties import made_up
from tests.properties.made_up import DAY, described, records, scope

if TYPE_CHECKING:
    from db.predicate import Predicate

CASES = int(os.environ.get("FIELDWARD_CASES", "240"))


def change(
    before: Predicate, after: Predicate, anchor: str | None = "Enrollee", action: str = "read"
) -> AccessChange:
    """A change of one role's access."""
    return AccessChange("one", action, (), "", "", Direction.OTHER, anchor, before, after)


def test_whoever_somebody_newly_reads_enters_and_whoever_he_reads_no_longer_leaves() -> None:
    seen: Counter[tuple[bool, bool]] = Counter()
    for seed in range(CASES // 8):
        random = Random(seed)
        known = records(random)
        people = [made_up.attributes(random) for _ in range(4)]
        for anchor in ("Enrollee", "Claim"):
            rows = [
                described(known, anchor, record)
                for record in known.by_table[CATALOG.entities[anchor].table.name]
            ]
            for _ in range(4):
                one, other, common = (
                    parse_scope(CATALOG, anchor, scope(random, anchor)) for _ in range(3)
                )
                before = random.choice((one, both(one, common), either(one, common)))
                after = random.choice((other, both(before, other), either(before, other)))
                newly, no_longer = (
                    ask(change(before, after, anchor)) for ask in (entering, leaving)
                )
                assert newly is not None
                assert no_longer is not None
                assert not attributes(newly) | attributes(no_longer)
                for row in rows:
                    for who in people:
                        was, now = (holds(each, row, who, DAY) for each in (before, after))
                        assert holds(fails(before), row, who, DAY) is not was
                        found = holds(newly, row, Attributes(), DAY)
                        assert found or was or not now, (seed, before, after, row)
                        assert holds(no_longer, row, Attributes(), DAY) or now or not was
                        seen[found, now and not was] += 1
    assert seen[True, True] > CASES // 8, seen
    assert seen[False, False] > CASES // 8, seen


OWN_STATE, OWN_COUNTY = (
    "submitting_state in principal.state",
    "home_address.county in principal.county",
)
HOME = {"home_address": {"county": "06001"}}
ENTERS = [
    ("never", OWN_COUNTY, HOME, True),
    ("never", OWN_COUNTY, {}, False),
    ("sex = 'F'", "always", {"sex": "M"}, True),
    ("sex = 'F'", "always", {"sex": "F"}, False),
    # Of whom the sex is not known the condition does not hold, and nobody knew.
    ("sex = 'F'", "always", {}, True),
    (OWN_COUNTY, "always", HOME, True),
    (OWN_STATE + " and " + OWN_COUNTY, OWN_STATE, {"submitting_state": "CA"} | HOME, True),
    (OWN_STATE + " and " + OWN_COUNTY, OWN_STATE, {"submitting_state": "CA"}, True),
    (OWN_STATE + " and " + OWN_COUNTY, OWN_STATE, HOME, False),
    (OWN_STATE, OWN_STATE + " and sex = 'F'", {"submitting_state": "CA", "sex": "F"}, False),
    ("any claims (billing_prov_npi_num in principal.npi)", "always",
     {"claims": [{"billing_prov_npi_num": "1000000001"}]}, True),
    ("never", "not (any claims (billing_prov_npi_num in principal.npi))",
     {"claims": [{"billing_prov_npi_num": "1000000001"}]}, True),
    ("never", "not (any claims (substance_use = true))",
     {"claims": [{"substance_use": True}]}, False),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "person", "enters"), ENTERS)
def test_a_person_enters_whom_somebody_could_newly_read(
    before: str, after: str, person: dict[str, object], enters: bool
) -> None:
    row = read_row(CATALOG, {"entity": "Enrollee", **person})
    found = change(*(parse_scope(CATALOG, "Enrollee", text) for text in (before, after)))
    gained, lost = entering(found), leaving(change(found.rows_after, found.rows_before))
    assert gained == lost
    assert gained is not None
    assert holds(gained, row, Attributes(), DAY) is enters


def test_a_change_of_no_people_is_about_nobody() -> None:
    for anchor in ("Provider", "Plan", None):
        assert entering(change(Never(), Always(), anchor)) is None
    assert entering(change(Never(), Always(), "Enrollee", "filter")) is None
    assert entering(change(Always(), Never())) == Never()
    assert leaving(change(Always(), Never(), "Claim")) == Always()
