"""Each clause of a filter is silenced by itself, and nothing of the policy with it."""

from __future__ import annotations

import pytest

from api.clauses import without_each
from db.catalog_records import CATALOG
from db.predicate import (
    Always,
    Compare,
    Exists,
    Never,
    Operator,
    Predicate,
    Ref,
    Slot,
    Through,
    both,
    either,
)

LINES = CATALOG.links["Claim.lines"].relation
PERSON = CATALOG.links["Claim.enrollee"].relation


def leaf(index: int) -> Compare:
    """A leaf that is no other's equal."""
    return Compare(Ref(CATALOG.fields["Claim.kind"].column), Operator.EQ, Slot(index))


A, B, C = leaf(0), leaf(1), leaf(2)
SCOPE = leaf(3)
EXISTS = Exists(LINES, both(A, B), True, scope=SCOPE)
THROUGH = Through(PERSON, SCOPE, A)


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (Always(), []),
        (A, [Always()]),
        (Never(), [Always()]),
        (both(A, B), [Always(), B, A]),
        (either(A, B), [Always(), B, A]),
        (both(A, either(B, C)), [Always(), either(B, C), A, both(A, C), both(A, B)]),
        (either(A, both(B, C)), [Always(), both(B, C), A, either(A, C), either(A, B)]),
        (
            EXISTS,
            [
                Always(),
                Exists(LINES, Always(), True, scope=SCOPE),
                Exists(LINES, B, True, scope=SCOPE),
                Exists(LINES, A, True, scope=SCOPE),
            ],
        ),
        (THROUGH, [Always(), Through(PERSON, SCOPE, Always())]),
        (Exists(LINES, Always()), [Always()]),
    ],
)
def test_every_node_is_silenced_once(where: Predicate, found: list[Predicate]) -> None:
    assert list(without_each(where)) == found
