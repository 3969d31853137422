"""What is said to imply something does so on rows at random; what plainly does is said to.

`FIELDWARD_CASES` says how many pairs there are.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from authz.holds import holds
from authz.implies import implies
from authz.scope import parse_scope
from db.catalog_records import CATALOG
from db.predicate import (
    Always,
    And,
    Attribute,
    Compare,
    Exists,
    Literal,
    Never,
    Operator,
    Or,
    Ref,
    Through,
    both,
    either,
    negate,
)
from db.tables import ENROLLEE
from tests.properties.made_up import ANCHORS, DAY, attributes, described, records, scope

if TYPE_CHECKING:
    from db.predicate import Predicate

CASES = int(os.environ.get("FIELDWARD_CASES", "1500"))
WORLDS = 8


def _at_random(random: Random, anchor: str) -> Predicate:
    return _veiled(random, anchor, parse_scope(CATALOG, anchor, scope(random, anchor)))


def _veiled(random: Random, anchor: str, predicate: Predicate) -> Predicate:
    """The same with permits, scopes and negations that no text has, here and there."""
    permit: Predicate = Always()
    if random.random() < 0.15:
        permit = parse_scope(CATALOG, anchor, scope(random, anchor))
    match predicate:
        case And(parts):
            return both(*(_veiled(random, anchor, part) for part in parts))
        case Or(parts):
            return either(*(_veiled(random, anchor, part) for part in parts))
        case Compare():
            turn = random.random()
            if turn < 0.1:
                missing = random.choice((Operator.IS_NULL, Operator.IS_NOT_NULL))
                predicate = replace(predicate, operator=missing, operand=None)
            elif turn < 0.2 and isinstance(predicate.operand, Literal):
                begins = random.choice((Operator.STARTS_WITH, Operator.NOT_STARTS_WITH))
                if isinstance(predicate.operand.value, str) and _is_text(predicate):
                    start = Literal(predicate.operand.value[: random.choice((1, 2, 9))])
                    predicate = replace(predicate, operator=begins, operand=start)
            return replace(predicate, permit=permit)
        case Exists(relation, where, negated):
            # What is reached is no anchor here, so that what permits ask is asked of this one.
            inner = _veiled(random, anchor, where)
            if relation.name == "home_address" and not negated and random.random() < 0.5:
                return Through(relation, Always(), inner, permit, anchored=False)
            return Exists(relation, inner, negated, permit, anchored=False)
        case _:
            return predicate


def _is_text(leaf: Compare) -> bool:
    return leaf.ref.column.kind.value == "text"


def _akin(random: Random, anchor: str, a: Predicate) -> Predicate:
    """A condition that has something to do with another one."""
    other = _at_random(random, anchor)
    match random.randrange(7):
        case 0:
            return either(_moved(random, a), other)
        case 1:
            return both(a, other)
        case 2:
            return negate(_moved(random, a))
        case 3:
            return _moved(random, a)
        case 4 if isinstance(a, And | Or):
            kept = random.sample(a.parts, max(1, len(a.parts) - 1))
            return both(*kept) if random.random() < 0.5 else either(*kept)
        case 5 if isinstance(a, And | Or):
            return _moved(random, random.choice(a.parts))
        case _:
            return other


def _moved(random: Random, predicate: Predicate) -> Predicate:
    """The same, with leaves that compare a little differently."""
    match predicate:
        case And(parts):
            return both(*(_moved(random, part) for part in parts))
        case Or(parts):
            return either(*(_moved(random, part) for part in parts))
        case Exists(where=where) | Through(where=where):
            return replace(predicate, where=_moved(random, where))
        case Compare(ref, operator, operand) if operator in _LIKE and random.random() < 0.6:
            fitting = [each for each in _LIKE if _fits(ref, each, predicate)]
            if ref.column.kind.value in ("date", "integer", "numeric") and random.random() < 0.5:
                operand = random.choice(_OPERANDS[ref.column.kind.value])
            return replace(predicate, operator=random.choice(fitting), operand=operand)
        case _:
            return predicate


_LIKE = (Operator.EQ, Operator.NE, Operator.LT, Operator.LTE, Operator.GT, Operator.GTE)
_OPERANDS = {
    kind: [
        parse_scope(CATALOG, entity, f"{column} = {text}").operand  # type: ignore[union-attr]
        for text in texts
    ]
    for kind, entity, column, texts in (
        ("date", "Claim", "beginning_date_of_service",
         ("as_of", "as_of - 1 months", "as_of - 12 months", "'2026-03-31'", "'2026-04-01'",
          "'2026-03-30'")),
        ("integer", "Claim", "covered_days", ("0", "1", "2")),
        ("numeric", "Claim", "tot_billed_amt", ("0", "1", "2")),
    )
}  # fmt: skip


def _fits(ref: Ref, operator: Operator, leaf: Compare) -> bool:
    ordered = ref.column.kind.value in ("date", "integer", "numeric")
    return ordered or operator in (Operator.EQ, Operator.NE)


def test_no_row_meets_what_implies_and_not_what_is_implied() -> None:
    seen: Counter[tuple[bool, bool]] = Counter()
    worlds = []
    for seed in range(WORLDS):
        random = Random(seed)
        known, who = records(random), attributes(random)
        rows = {
            anchor: [
                described(known, anchor, record)
                for record in known.by_table[CATALOG.entities[anchor].table.name]
            ]
            for anchor in ANCHORS
        }
        worlds.append((who, rows))
    for case in range(CASES):
        random = Random(case)
        anchor = random.choice(ANCHORS)
        a = _at_random(random, anchor)
        b = _akin(random, anchor, a)
        said = implies(a, b)
        outside = [
            (who, row)
            for who, rows in worlds
            for row in rows[anchor]
            if holds(a, row, who, DAY) and not holds(b, row, who, DAY)
        ]
        assert not (said and outside), (case, a, b, outside[0])
        # How often nothing speaks against it and it is not proven tells how complete it is.
        seen[said, bool(outside)] += 1
    assert seen[True, False] > CASES // 5, seen
    assert seen[False, True] > CASES // 5, seen


_E = "Enrollee"
PROVEN = [
    ("submitting_state = 'CA'", "submitting_state in ('CA', 'NV')"),
    ("submitting_state in ('CA', 'NV')", "submitting_state in ('AZ', 'CA', 'NV')"),
    ("submitting_state = 'CA'", "submitting_state != 'NV'"),
    ("not (submitting_state in ('CA', 'NV'))", "submitting_state != 'CA'"),
    ("submitting_state = 'CA' and submitting_state = 'NV'", "sex = 'F'"),
    ("population covers as_of and sex = 'F'", "population covers as_of"),
    ("sex = 'F' and (submitting_state = 'CA' or submitting_state = 'NV')",
     "(sex = 'F' and submitting_state = 'CA') or (sex = 'F' and submitting_state = 'NV')"),
    *(
        (f"any claims (beginning_date_of_service {one})",
         f"any claims (beginning_date_of_service {other})")
        for one, other in (
            ("< '2000-01-01'", "<= '1999-12-31'"),
            ("<= '1999-12-31'", "< '2000-01-01'"),
            ("= '1999-12-31'", "!= '2000-01-01'"),
        )
    ),
    ("date_of_birth >= as_of - 12 months", "date_of_birth > as_of - 24 months"),
    ("date_of_birth < as_of - 24 months", "date_of_birth != as_of - 12 months"),
    ("birth_year > 1999", "birth_year >= 2000"),
    ("home_address.county in principal.county",
     "any home_address (county in principal.county)"),
    ("any home_address (state = 'CA') and home_address.county in ('06001')",
     "any home_address (state = 'CA' and county in ('06001', '06003'))"),
    ("home_address.state = 'CA' and home_address.state = 'NV'", "never"),
    ("any claims (plan_id_number in principal.plan_id and substance_use = false)",
     "any claims (plan_id_number in principal.plan_id)"),
    ("not (any claims (plan_id_number in principal.plan_id))",
     "not (any claims (plan_id_number in principal.plan_id and substance_use = false))"),
    ("any claims (substance_use = false)", "any claims (not (substance_use = true))"),
    ("never", "sex = 'F'"),
    ("sex = 'F'", "always"),
    ("any managed_care (current and current)", "any managed_care (current)"),
]  # fmt: skip
UNPROVEN = [
    ("submitting_state in ('CA', 'NV')", "submitting_state = 'CA'"),
    ("submitting_state != 'CA'", "submitting_state != 'NV'"),
    ("submitting_state in principal.state", "submitting_state in principal.agreement_states"),
    ("always", "sex = 'F' or not (sex = 'F')"),
    ("date_of_birth > as_of - 24 months", "date_of_birth >= as_of - 12 months"),
    ("any claims (beginning_date_of_service >= as_of)",
     "any claims (beginning_date_of_service >= '2026-01-01')"),
    ("date_of_birth < as_of - 12 months", "date_of_birth <= as_of - 13 months"),
    ("any claims (submitting_state = 'CA') and any claims (substance_use = false)",
     "any claims (submitting_state = 'CA' and substance_use = false)"),
    ("any managed_care (managed_care_plan_id = 'a')",
     "any managed_care (current and managed_care_plan_id = 'a')"),
    ("not (any claims (substance_use = true))", "any claims (substance_use = false)"),
    ("home_address.county = '06001'", "mailing_address.county = '06001'"),
    ("always", "never"),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), PROVEN)
def test_what_plainly_follows_is_proven(a: str, b: str) -> None:
    assert implies(parse_scope(CATALOG, _E, a), parse_scope(CATALOG, _E, b))


@pytest.mark.parametrize(("a", "b"), UNPROVEN)
def test_what_does_not_follow_is_not_proven(a: str, b: str) -> None:
    assert not implies(parse_scope(CATALOG, _E, a), parse_scope(CATALOG, _E, b))


def test_a_hidden_value_implies_no_open_one() -> None:
    sex = Compare(Ref(ENROLLEE.columns["sex"]), Operator.EQ, Literal("F"))
    own = Compare(Ref(ENROLLEE.columns["submitting_state"]), Operator.IN, Attribute("state"))
    hidden = replace(sex, permit=own)
    assert implies(hidden, sex)
    assert not implies(sex, hidden)
    assert implies(negate(hidden), negate(sex))
    assert not implies(negate(sex), negate(hidden))
    claims = Exists(CATALOG.relations["enrollee"]["claims"], Always())
    assert implies(replace(claims, permit=own), claims)
    assert not implies(claims, replace(claims, permit=own))


def test_a_condition_with_too_many_ways_is_not_looked_through() -> None:
    pairs = [
        either(*(parse_scope(CATALOG, _E, f"{column} = {value}") for value in values))
        for column, values in (
            ("sex", ("'F'", "'M'")),
            ("birth_year", ("1", "2")),
            ("submitting_state", ("'CA'", "'NV'", "'AZ'")),
            ("variable_demographics.household_size", tuple(f"{n}" for n in range(4))),
            ("home_address.county", tuple(f"'{n}'" for n in range(5))),
            ("mailing_address.county", tuple(f"'{n}'" for n in range(5))),
        )
    ]
    many = both(*pairs)
    assert implies(many, many)
    assert implies(both(*pairs[:4]), pairs[0])
    assert not implies(many, parse_scope(CATALOG, _E, "birth_year > 0"))
    assert not implies(either(many, Never()), Never())
