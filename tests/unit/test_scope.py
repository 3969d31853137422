"""The language of row scopes: what each form means, and how each mistake is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz.errors import ScopeInvalid
from authz.scope import parse_scope
from authz.scope_words import LONGEST
from db.catalog_records import CATALOG
from db.predicate import (
    Always,
    And,
    AsOf,
    Attribute,
    Compare,
    Covers,
    Exists,
    Literal,
    Never,
    Operator,
    Or,
    Predicate,
    Ref,
)

ENROLLEE = CATALOG.entities["Enrollee"].table
CLAIM = CATALOG.entities["Claim"].table
RELATIONS = CATALOG.relations["enrollee"]

CLAIMS = CATALOG.relations["enrollee"]["claims"]


def own(name: str) -> Ref:
    return Ref(ENROLLEE.columns[name])


def hop(relation: str, name: str) -> Ref:
    return Ref(RELATIONS[relation].target.columns[name], RELATIONS[relation])


def labelled(operator: Operator, label: str) -> Compare:
    return Compare(Ref(CLAIM.columns["sensitivity_labels"]), operator, Literal(label))


FEMALE = Compare(own("sex"), Operator.EQ, Literal("F"))
BORN = Compare(own("date_of_birth"), Operator.GTE, AsOf(216))
STATE = Compare(own("submitting_state"), Operator.IN, Attribute("state"))

MEANINGS: dict[str, tuple[str, str, Predicate]] = {
    "all rows": ("Enrollee", "always", Always()),
    "no row": ("Enrollee", " never ", Never()),
    "a code": ("Enrollee", "sex = 'F'", FEMALE),
    "another code": ("Enrollee", "sex!='F'", Compare(own("sex"), Operator.NE, Literal("F"))),
    "a list": (
        "Enrollee",
        "sex in ('F', 'U')",
        Compare(own("sex"), Operator.IN, Literal(("F", "U"))),
    ),
    "quotes in text": (
        "Enrollee",
        "home_address.county = 'O''Brien'",
        Compare(hop("home_address", "county"), Operator.EQ, Literal("O'Brien")),
    ),
    "empty text": (
        "Enrollee",
        "home_address.county != ''",
        Compare(hop("home_address", "county"), Operator.NE, Literal("")),
    ),
    "a word of the language as text": (
        "Enrollee",
        "home_address.county = 'and'",
        Compare(hop("home_address", "county"), Operator.EQ, Literal("and")),
    ),
    "what the principal is known by": (
        "Enrollee",
        "any claims (billing_prov_npi_num in principal.npi)",
        Exists(
            CATALOG.relations["enrollee"]["claims"],
            Compare(
                Ref(CATALOG.relations["enrollee"]["claims"].target.columns["billing_prov_npi_num"]),
                Operator.IN,
                Attribute("npi"),
            ),
        ),
    ),
    "an attribute": ("Enrollee", "submitting_state in principal.state", STATE),
    "a person": (
        "Enrollee",
        "enrollee_id in principal.enrollee_id",
        Compare(own("enrollee_id"), Operator.IN, Attribute("enrollee_id")),
    ),
    "one hop away": (
        "Enrollee",
        "home_address.county in principal.county",
        Compare(hop("home_address", "county"), Operator.IN, Attribute("county")),
    ),
    "a number": (
        "Enrollee",
        "variable_demographics.household_size > 0",
        Compare(hop("variable_demographics", "household_size"), Operator.GT, Literal(0)),
    ),
    "an amount": (
        "Claim",
        "tot_billed_amt <= 1000",
        Compare(Ref(CLAIM.columns["tot_billed_amt"]), Operator.LTE, Literal(1000)),
    ),
    "a flag": (
        "Enrollee",
        "variable_demographics.veteran_ind = true",
        Compare(hop("variable_demographics", "veteran_ind"), Operator.EQ, Literal(True)),
    ),
    "the day": (
        "Enrollee",
        "date_of_death < as_of",
        Compare(own("date_of_death"), Operator.LT, AsOf()),
    ),
    "months ago": ("Enrollee", "date_of_birth >= as_of - 216 months", BORN),
    "a fixed day": (
        "Claim",
        "medicaid_paid_date = '2000-02-29'",
        Compare(Ref(CLAIM.columns["medicaid_paid_date"]), Operator.EQ, Literal("2000-02-29")),
    ),
    "the population": (
        "Enrollee",
        "population covers as_of",
        Compare(own("population"), Operator.COVERS, AsOf()),
    ),
    "a label": ("Claim", "sensitivity_labels has 'ETH'", labelled(Operator.HAS, "ETH")),
    "neither label": (
        "Claim",
        "not (sensitivity_labels has 'ETH' or sensitivity_labels has 'HIV')",
        And((labelled(Operator.HAS_NOT, "ETH"), labelled(Operator.HAS_NOT, "HIV"))),
    ),
    "and before or": (
        "Enrollee",
        "sex = 'F' or submitting_state in principal.state and date_of_birth >= as_of - 216 months",
        Or((FEMALE, And((STATE, BORN)))),
    ),
    "parentheses before and": (
        "Enrollee",
        "(sex = 'F' or submitting_state in principal.state) and "
        "(date_of_birth >= as_of - 216 months)",
        And((Or((FEMALE, STATE)), BORN)),
    ),
    "a dated relation": (
        "Enrollee",
        "any managed_care (current and managed_care_plan_id in principal.plan_id)",
        Exists(
            RELATIONS["managed_care"],
            And(
                (
                    Covers(),
                    Compare(
                        Ref(RELATIONS["managed_care"].target.columns["managed_care_plan_id"]),
                        Operator.IN,
                        Attribute("plan_id"),
                    ),
                )
            ),
        ),
    ),
    "no such row": (
        "Enrollee",
        "not (any managed_care (current))",
        Exists(RELATIONS["managed_care"], Covers(), negated=True),
    ),
    "a row that has ended": (
        "Enrollee",
        "any managed_care (not (current))",
        Exists(RELATIONS["managed_care"], Covers(negated=True)),
    ),
    "any of one": (
        "Enrollee",
        "any home_address (always)",
        Exists(RELATIONS["home_address"], Always()),
    ),
    "there and back": (
        "Claim",
        "any enrollee (any managed_care (current))",
        Exists(
            CATALOG.relations["claim"]["enrollee"],
            Exists(RELATIONS["managed_care"], Covers()),
        ),
    ),
}


@pytest.mark.parametrize("case", MEANINGS)
def test_a_scope_means_what_it_says(case: str) -> None:
    entity, text, meaning = MEANINGS[case]
    assert parse_scope(CATALOG, entity, text) == meaning


MISTAKES = {
    "nothing": ("", 1, "expected a condition, found the end"),
    "a strange sign": ("sex # 'F'", 5, "nothing begins with '#'"),
    "an open quote": ("sex = 'F", 7, 'nothing begins with "\'"'),
    "a number that runs into a name": ("date_of_birth = 2x", 17, "nothing begins with '2'"),
    "no operator": ("sex 'F'", 5, "expected one of = != < <= > >= in has covers, found 'F'"),
    "an operator in quotes": ("sex '=' 'F'", 5, "expected one of"),
    "no operand": ("sex =", 6, "found the end"),
    "a word for an operand": ("sex = F", 7, "expected text in quotes"),
    "an unknown column": (
        "sexx = 'F'",
        1,
        "unknown column of enrollee 'sexx'; did you mean 'sex'?",
    ),
    "an unknown column one hop away": (
        "home_address.contry = 'F'",
        14,
        "unknown column of home_address 'contry'; did you mean 'county'?",
    ),
    "an unknown relation": (
        "home_adress.county = 'F'",
        1,
        "unknown relation of enrollee 'home_adress'; did you mean 'home_address'?",
    ),
    "an unknown relation after any": (
        "any claim (always)",
        5,
        "unknown relation of enrollee 'claim'; did you mean 'claims'?",
    ),
    "a column of many rows": ("claims.claim_kind = 'IP'", 1, "claims leads to many rows"),
    "two hops": ("phone.enrollee.sex = 'F'", 7, "unknown column of phone 'enrollee'"),
    "an unknown code": ("sex = 'X'", 7, "unknown code of sex 'X'"),
    "an unknown code in a list": ("sex in ('F', 'X')", 8, "unknown code of sex 'X'"),
    "an unknown attribute": (
        "home_address.county in principal.countey",
        24,
        "unknown attribute 'countey'; did you mean 'county'?",
    ),
    "an attribute of another kind": (
        "submitting_state in principal.npi",
        21,
        "'submitting_state' never holds what principal.npi holds",
    ),
    "a state where there is no state": (
        "home_address.county in principal.state",
        24,
        "never holds",
    ),
    "an ID where there is no ID": ("home_address.county in principal.person", 24, "never holds"),
    "text for an ID": ("enrollee_id in principal.npi", 16, "never holds"),
    "an hour of the principal": ("home_address.county in principal.until", 24, "never holds"),
    "one attribute": ("submitting_state = principal.state", 20, "wants 'text'"),
    "a named record": ("enrollee_id in ('00000000-0000-0000-0000-000000000000')", 16, "wants"),
    "an order of text": ("home_address.county < 'M'", 21, "takes = != in, not <"),
    "a name": ("eligible_last_name = 'Doe'", 20, "may tell who somebody is"),
    "any other name": ("eligible_last_name != 'Doe'", 20, "may tell who somebody is"),
    "a list of names": (
        "eligible_last_name in ('Doe', 'Roe')",
        20,
        "'eligible_last_name' may tell who somebody is: no row scope asks about it",
    ),
    "a Medicaid ID": ("msis_identification_num in ('A1')", 25, "may tell who somebody is"),
    "a Social Security number": (
        "variable_demographics.ssn in ('912345678')",
        27,
        "may tell who somebody is",
    ),
    "its end": ("variable_demographics.ssn_last4 in ('5678')", 33, "may tell who"),
    "a phone number, anywhere": (
        "not (any phone (phone_number in ('2025550100')))",
        30,
        "may tell who",
    ),
    "a street": ("any home_address (addr_ln1 in ('1 Main St'))", 28, "may tell who"),
    "a city": ("home_address.city in ('Nome')", 19, "may tell who"),
    "a case number": ("any eligibility (msis_case_num in ('C1'))", 32, "may tell who"),
    "a claim's number": ("any claims (icn_orig in ('1'))", 22, "may tell who"),
    "a day of birth": (
        "date_of_birth = '2000-02-29'",
        17,
        "'date_of_birth' may tell who somebody is, so a policy names none of its values: = wants "
        "as_of",
    ),
    "days of birth": ("date_of_birth >= '2000-02-29'", 18, "may tell who"),
    "a day of death": ("date_of_death < '2026-01-01'", 17, "may tell who"),
    "a day in hospital": ("any claims (admission_date = '2026-01-01')", 30, "may tell who"),
    "text for a number": ("birth_year = '1990'", 14, "wants a whole number"),
    "a flag for a number": ("birth_year = true", 14, "wants a whole number"),
    "a number for a flag": ("variable_demographics.veteran_ind = 1", 37, "wants true or false"),
    "too large a number": ("birth_year < 2147483648", 14, "too large a number"),
    "too long ago": ("date_of_birth < as_of - 1201 months", 17, "more than 1200 months"),
    "no such day": ("phone.effective_date = '2001-02-29'", 24, "'2001-02-29' is no day"),
    "a day in another form": ("phone.effective_date = '20010228'", 24, "'20010228' is no day"),
    "years": ("date_of_birth < as_of - 2 years", 27, "expected 'months', found 'years'"),
    "months without a number": (
        "date_of_birth < as_of - months",
        25,
        "expected a number of months, found 'months'",
    ),
    "a population of the past": ("population covers as_of - 1 months", 19, "wants as_of"),
    "text in a list without quotes": ("sex in (F)", 9, "expected text in quotes, found 'F'"),
    "a list that does not end": ("sex in ('F'", 12, "expected ')', found the end"),
    "a list after another operator": ("sex = ('F')", 7, "wants 'text'"),
    "a principal without a name": ("sex in principal", 17, "expected '.', found the end"),
    "not without parentheses": ("not sex = 'F'", 5, "expected '(', found 'sex'"),
    "any without parentheses": ("any claims always", 12, "expected '(', found 'always'"),
    "any without a relation": ("any (always)", 5, "expected the name of a relation"),
    "a relation without a column": ("phone.", 7, "expected the name of a column"),
    "current outside any": ("current", 1, "'current' stands only inside 'any'"),
    "current where rows have no days": ("any claims (current)", 13, "rows of claim have no days"),
    "two conditions side by side": ("always never", 8, "expected 'and', 'or' or the end"),
    "half a condition": ("sex = 'F' and", 14, "expected a condition, found the end"),
    "one parenthesis too many": ("(always))", 9, "expected 'and', 'or' or the end, found ')'"),
    "another table's column inside any": (
        "any managed_care (sex = 'F')",
        19,
        "unknown column of managed_care_participation 'sex'",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_refused_with_its_place_and_a_hint(case: str) -> None:
    text, position, problem = MISTAKES[case]
    with pytest.raises(ScopeInvalid) as refused:
        parse_scope(CATALOG, "Enrollee", text)
    assert problem in refused.value.problem
    assert refused.value.position == position


def test_has_takes_text_and_no_list() -> None:
    with pytest.raises(ScopeInvalid, match="wants 'text'"):
        parse_scope(CATALOG, "Claim", "sensitivity_labels has ('ETH')")


def test_a_table_without_relations_leads_nowhere() -> None:
    with pytest.raises(ScopeInvalid, match="unknown relation of phone"):
        parse_scope(CATALOG, "Enrollee", "any phone (any phone (always))")


def test_a_scope_nested_too_deep_is_refused_before_the_stack_ends() -> None:
    parse_scope(CATALOG, "Enrollee", "(" * 20 + "always" + ")" * 20)
    with pytest.raises(ScopeInvalid, match="20 parentheses deep"):
        parse_scope(CATALOG, "Enrollee", "(" * 1900 + "always" + ")" * 1900)


def test_parentheses_side_by_side_are_not_deep() -> None:
    assert parse_scope(CATALOG, "Enrollee", " and ".join(["(always)"] * 50)) == Always()


def test_a_scope_too_long_is_refused() -> None:
    with pytest.raises(ScopeInvalid, match="longer than 4000"):
        parse_scope(CATALOG, "Enrollee", "always" + " " * LONGEST)


WORDS = st.sampled_from(
    ["always", "never", "and", "or", "not", "any", "current", "in", "has", "covers", "=", "!=", "<",
     "(", ")", ",", ".", "-", "'F'", "12", "true", "as_of", "months", "principal", "state", "sex",
     "home_address", "county", "claims", "population", "é", "'"]
)  # fmt: skip


@given(st.lists(WORDS, max_size=12).map(" ".join))
def test_any_text_has_a_meaning_or_is_refused(text: str) -> None:
    try:
        meaning = parse_scope(CATALOG, "Enrollee", text)
    except ScopeInvalid as refused:
        assert 1 <= refused.position <= len(text) + 1
    else:
        assert parse_scope(CATALOG, "Enrollee", f"not (not ({text}))") == meaning
