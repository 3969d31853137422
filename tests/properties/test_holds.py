"""Conditions on described rows against the oracle's reading of the same text on the same records.

`FIELDWARD_CASES` says how many scopes there are.
"""

from __future__ import annotations

import os
from collections import Counter
from random import Random

from authz.holds import holds
from authz.scope import parse_scope
from db.catalog_records import CATALOG
from tests.oracle.scope import Circumstances, condition_of
from tests.properties.made_up import ANCHORS, DAY, attributes, described, records, scope

CASES = int(os.environ.get("FIELDWARD_CASES", "400"))


def test_a_scope_holds_on_a_described_row_where_the_oracle_says_so_of_the_record() -> None:
    seen: Counter[bool] = Counter()
    for seed in range(CASES // 20):
        random = Random(seed)
        known, who = records(random), attributes(random)
        given = Circumstances(known, who.lists, DAY)
        texts = {entity: [scope(random, entity) for _ in range(5)] for entity in ANCHORS}
        for entity in ANCHORS:
            for record in known.by_table[CATALOG.entities[entity].table.name]:
                row = described(known, entity, record)
                for text in texts[entity]:
                    wanted = condition_of(text, entity, given)(record) is True
                    found = holds(parse_scope(CATALOG, entity, text), row, who, DAY)
                    assert found is wanted, (seed, entity, text, row)
                    seen[wanted] += 1
    assert min(seen[True], seen[False]) > CASES // 2, seen
