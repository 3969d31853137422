"""Generated people: the same for ever, valid by T-MSIS rules, and awkward in every way we name."""

from __future__ import annotations

import csv
import hashlib
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from db.ingest.chance import REFERENCE
from db.ingest.directory import directory, npi
from db.ingest.facts import states
from db.ingest.generate import BLOCK, VERSION, batches, people
from db.ingest.load import COLUMNS, Batch
from tests.people import (
    Person,
    Record,
    clauses,
    count_holders,
    covers,
    overlap,
    people_of,
    records,
)
from tests.support import skip_or_fail

SEED = 11
COUNT = 3 * BLOCK
TODAY = date.fromordinal(REFERENCE)
PROJECT = Path(__file__).parents[2]

# Days on which an awkward person is awkward: a season before the reference date, two years after.
DAYS = [TODAY + timedelta(days=n) for n in (-100, -1, 0, 22, 365, 730)]

# SHA-256 of two batches of version VERSION. Whoever changes the rows counts VERSION up, so that no
# database is seeded half with one version and half with another.
DIGESTS = {1: "cc7c80be71a2f301e3b738896132cd00b4bcba68f44fc4dd177a405903d538dd"}


@pytest.fixture(scope="module")
def everybody() -> list[Person]:
    return people_of(batches(SEED, 0, COUNT))


@pytest.fixture(scope="module")
def holders(everybody: list[Person]) -> Counter[str]:
    return count_holders(everybody)


def digest(*found: Batch) -> str:
    text = repr([(table, batch.rows[table]) for batch in found for table in sorted(batch.rows)])
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_same_seed_gives_the_same_rows() -> None:
    assert people(SEED, 0, BLOCK) == people(SEED, 0, BLOCK)


def test_another_process_with_other_hashes_gives_the_same_rows() -> None:
    program = (
        "from tests.unit.test_generate import *;"
        "print(digest(people(SEED, 0, 300), people(SEED, BLOCK, BLOCK + 300)))"
    )
    here = digest(people(SEED, 0, 300), people(SEED, BLOCK, BLOCK + 300))
    for number in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=PROJECT,
            env={"PYTHONHASHSEED": number},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == here


def test_the_rows_of_a_version_never_change() -> None:
    assert digest(people(1, 0, 400), people(1, BLOCK, BLOCK + 400)) == DIGESTS[VERSION]


def test_another_seed_gives_other_people() -> None:
    one, other = people(1, 0, 50), people(2, 0, 50)
    for table in ("enrollee", "claim"):
        assert not {row[:2] for row in one.rows[table]} & {row[:2] for row in other.rows[table]}


@pytest.mark.parametrize(("first", "stop"), [(0, 1), (0, 700), (500, 700), (699, 700)])
def test_a_person_does_not_depend_on_how_many_are_asked_for(first: int, stop: int) -> None:
    whole = people_of([people(SEED, 0, BLOCK)])
    assert people_of([people(SEED, first, stop)]) == whole[first:stop]


def test_batches_join_without_gap_or_repetition() -> None:
    pieces = [*batches(SEED, 0, 700), *batches(SEED, 700, BLOCK + 10)]
    assert people_of(pieces) == people_of(batches(SEED, 0, BLOCK + 10))


def test_a_batch_of_two_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match="not of one block"):
        people(SEED, BLOCK - 1, BLOCK + 1)


class Pair(NamedTuple):
    """Status and eligibility of one person on a day in common."""

    person: Person
    status: Record
    eligible: Record


class Rule(NamedTuple):
    """A CMS rule: where `when` holds, `then` does too, but for a share of exceptions."""

    name: str
    when: Callable[[Pair], bool]
    then: Callable[[Pair], bool]
    exceptions: float = 0.0


RULES = [
    Rule(
        "RULE-2048",
        lambda p: p.status["immigration_status"] in ("1", "2", "3"),
        lambda p: p.status["citizenship_ind"] == "0",
    ),
    Rule(
        "RULE-2051",
        lambda p: p.status["citizenship_ind"] in ("1", "2"),
        lambda p: p.status["immigration_status"] == "8",
    ),
    Rule(
        "RULE-7528",
        lambda p: p.status["immigration_status"] == "8",
        lambda p: p.status["citizenship_ind"] in ("1", "2"),
    ),
    Rule(
        "RULE-2157",
        lambda p: (
            p.eligible["restricted_benefits_code"] == "2"
            and p.eligible["primary_eligibility_group_ind"] is True
        ),
        lambda p: p.status["citizenship_ind"] not in ("1", "2"),
    ),
    Rule(
        "EL-6-037-37",
        lambda p: p.status["immigration_status"] == "3",
        lambda p: p.eligible["restricted_benefits_code"] in ("2", "4"),
        exceptions=0.1,
    ),
    Rule(
        "EL-6-033-33",
        lambda p: p.eligible["restricted_benefits_code"] == "2",
        lambda p: p.status["immigration_status"] in ("1", "2", "3"),
        exceptions=0.01,
    ),
    Rule(
        "ELG097-4",
        lambda p: p.eligible["restricted_benefits_code"] == "4",
        lambda p: p.person.enrollee["sex"] == "F",
    ),
    Rule(
        "ELG097-6",
        lambda p: p.eligible["restricted_benefits_code"] == "6",
        lambda p: p.eligible["eligibility_group"] in ("35", "70"),
    ),
    Rule(
        "ELG097-3",
        lambda p: p.eligible["restricted_benefits_code"] == "3",
        lambda p: p.eligible["dual_eligible_code"] != "00",
    ),
    Rule(
        "ELG097-G",
        lambda p: p.eligible["restricted_benefits_code"] == "G",
        lambda p: p.eligible["dual_eligible_code"] in ("01", "03", "06"),
    ),
]


@pytest.fixture(scope="module")
def pairs(everybody: list[Person]) -> list[Pair]:
    return [
        Pair(person, status, eligible)
        for person in everybody
        for status in person["variable_demographics"]
        for eligible in person["eligibility_determinant"]
        if overlap(status, eligible)
    ]


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_everybody_obeys_the_rule(rule: Rule, pairs: list[Pair]) -> None:
    concerned = [pair for pair in pairs if rule.when(pair)]
    broken = [pair for pair in concerned if not rule.then(pair)]
    assert len(concerned) > 10
    assert len(broken) <= rule.exceptions * len(concerned), broken[0]


def test_every_rule_of_the_list_is_checked() -> None:
    path = PROJECT.parent / "shared" / "codes" / "consistency_rules.csv"
    if not path.exists():
        skip_or_fail("the folder with the rules is not here")
    with path.open(encoding="utf-8") as file:
        assert {row["rule"] for row in csv.DictReader(file)} == {rule.name for rule in RULES}


def test_people_are_in_the_population_throughout(
    everybody: list[Person], holders: Counter[str]
) -> None:
    for start in range(0, COUNT, 1000):
        inside = [
            person
            for person in everybody[start : start + 1000]
            if all(all(clauses(person, day, holders).values()) for day in DAYS)
        ]
        assert 10 <= len(inside) <= 40


@pytest.mark.parametrize(
    "clause",
    [
        "determined",
        "one_span",
        "verified",
        "status_open",
        "no_five_year_bar",
        "unshared_id",
        "id_is_no_ssn",
    ],
)
def test_some_people_fail_this_clause_alone(
    clause: str, everybody: list[Person], holders: Counter[str]
) -> None:
    alone = [
        person
        for person in everybody
        if all(
            [name for name, holds in clauses(person, day, holders).items() if not holds] == [clause]
            for day in DAYS
        )
    ]
    assert len(alone) >= 5


def test_nobody_valid_fails_on_citizenship_alone(
    everybody: list[Person], holders: Counter[str]
) -> None:
    """Rules 2048 and 2051 tie citizenship to status, so the two clauses fail together."""
    together = 0
    for person in everybody:
        for day in DAYS:
            failed = [name for name, holds in clauses(person, day, holders).items() if not holds]
            assert failed != ["non_citizen"]
            together += failed == ["non_citizen", "status_open"]
    assert together


def spans(person: Person, table: str) -> list[tuple[date, date]]:
    far = date(9999, 1, 1)
    return sorted((row["effective_date"], row["end_date"] or far) for row in person[table])


def has_gap(found: Sequence[tuple[date, date]]) -> bool:
    return any(end + timedelta(days=1) < start for (_, end), (start, _) in pairwise(found))


def has_overlap(found: Sequence[tuple[date, date]]) -> bool:
    return any(start <= end for (_, end), (start, _) in pairwise(found))


def outcomes(person: Person, day: date) -> set[str]:
    return {row["outcome"] for row in person["immigration_determination"] if covers(row, day)}


def current(person: Person, column: str) -> set[Any]:
    return {row[column] for row in person["variable_demographics"] if covers(row, TODAY)}


AWKWARD: dict[str, Callable[[Person], bool]] = {
    "determined in the past alone": lambda p: (
        bool(p["immigration_determination"])
        and all(row["end_date"] < TODAY for row in p["immigration_determination"])
    ),
    "determined from a day to come": lambda p: any(
        row["effective_date"] > TODAY for row in p["immigration_determination"]
    ),
    "two outcomes at once": lambda p: len(outcomes(p, TODAY)) > 1,
    "found lawfully present": lambda p: outcomes(p, TODAY) == {"lawfully_present"},
    "found nothing": lambda p: outcomes(p, TODAY) == {"undetermined"},
    "status 3 and never determined": lambda p: (
        current(p, "immigration_status") == {"3"} and not p["immigration_determination"]
    ),
    "non-citizen of unknown status": lambda p: (
        current(p, "citizenship_ind") == {"0"} and current(p, "immigration_status") == {None}
    ),
    "nothing known": lambda p: current(p, "citizenship_ind") == {None},
    "national": lambda p: current(p, "citizenship_ind") == {"2"},
    "naturalized": lambda p: (
        [row["citizenship_ind"] for row in p["variable_demographics"]] == ["0", "1"]
    ),
    "citizen and non-citizen at once": lambda p: current(p, "citizenship_ind") == {"0", "1"},
    "not verified": lambda p: current(p, "immigration_verification_flag") == {False},
    "five-year bar of a qualified non-citizen": lambda p: (
        current(p, "immigration_status") == {"1"}
        and None not in current(p, "immigration_status_five_year_bar_end_date")
    ),
    "marked ID that is the SSN": lambda p: (
        p.enrollee["msis_id_ssn_based"]
        and p.enrollee["msis_identification_num"] in current(p, "ssn")
    ),
    "marked ID that is another": lambda p: (
        p.enrollee["msis_id_ssn_based"]
        and p.enrollee["msis_identification_num"] not in current(p, "ssn")
    ),
    "unmarked ID that is the SSN": lambda p: (
        not p.enrollee["msis_id_ssn_based"]
        and p.enrollee["msis_identification_num"] in current(p, "ssn")
    ),
    "no SSN": lambda p: current(p, "ssn") == {None},
    "gap in status": lambda p: has_gap(spans(p, "variable_demographics")),
    "overlap in status": lambda p: has_overlap(spans(p, "variable_demographics")),
    "gap in enrollment": lambda p: has_gap(spans(p, "enrollment_time_span")),
    "overlap in enrollment": lambda p: has_overlap(spans(p, "enrollment_time_span")),
    "gap in eligibility": lambda p: has_gap(spans(p, "eligibility_determinant")),
    "no longer enrolled": lambda p: all(
        row["end_date"] and row["end_date"] < TODAY for row in p["enrollment_time_span"]
    ),
    "several addresses in time": lambda p: len(p["home_address"]) > 1,
    "two addresses at once": lambda p: has_overlap(spans(p, "home_address")),
    "address from a day to come": lambda p: any(
        row["effective_date"] > TODAY for row in p["home_address"]
    ),
    "no address any more": lambda p: (
        bool(p["home_address"]) and not any(covers(row, TODAY) for row in p["home_address"])
    ),
    "never an address": lambda p: not p["home_address"],
    "no mailing address": lambda p: not p["mailing_address"],
    "mail to a box": lambda p: any(
        row["addr_ln1"].startswith("PO Box") for row in p["mailing_address"]
    ),
    "no phone": lambda p: not p["phone"],
    "several phones in time": lambda p: len(p["phone"]) > 1,
    "no plan": lambda p: not p["managed_care_participation"],
    "changed plan": lambda p: len(p["managed_care_participation"]) > 1,
    "dead": lambda p: p.enrollee["date_of_death"] is not None,
    "90 or older": lambda p: TODAY.year - p.enrollee["date_of_birth"].year >= 91,
    "born this year": lambda p: p.enrollee["date_of_birth"].year == TODAY.year,
    "sex unknown": lambda p: p.enrollee["sex"] == "U",
    "name outside ASCII": lambda p: not p.enrollee["eligible_last_name"].isascii(),
    "name with an apostrophe": lambda p: "'" in p.enrollee["eligible_last_name"],
    "ZIP of nine digits": lambda p: any(len(row["zip"]) == 9 for row in p["home_address"]),
    "ZIP3 of few people": lambda p: any(
        row["zip"][:3] in ("556", "692", "790", "823", "830", "878", "879", "884", "893", "059")
        for row in p["home_address"]
    ),
    "two races": lambda p: len(p["race"]) > 1,
    "disabled": lambda p: bool(p["disability"]),
    "no claim": lambda p: not p["claim"],
    "ten claims or more": lambda p: len(p["claim"]) >= 10,
}


@pytest.mark.parametrize("kind", AWKWARD)
def test_some_people_are_awkward_in_this_way(kind: str, everybody: list[Person]) -> None:
    assert sum(AWKWARD[kind](person) for person in everybody) >= 3


def households(everybody: list[Person]) -> dict[str, list[Person]]:
    found: dict[str, list[Person]] = defaultdict(list)
    for person in everybody:
        found[person["eligibility_determinant"][0]["msis_case_num"]].append(person)
    return found


def home(person: Person) -> tuple[str, str] | None:
    last = person["home_address"][-1:]
    return (last[0]["addr_ln1"], last[0]["zip"]) if last else None


def test_members_of_a_household_share_case_and_address(everybody: list[Person]) -> None:
    together = [members for members in households(everybody).values() if len(members) > 1]
    assert len(together) > COUNT / 6
    for members in together:
        # A child that was born after they left their last known address has none.
        assert len({home(person) for person in members} - {None}) <= 1
        assert len({person.enrollee["submitting_state"] for person in members}) == 1


def test_members_of_the_population_live_with_citizens(
    everybody: list[Person], holders: Counter[str]
) -> None:
    mixed = [
        members
        for members in households(everybody).values()
        if any(all(clauses(person, TODAY, holders).values()) for person in members)
        and any(current(person, "citizenship_ind") == {"1"} for person in members)
    ]
    assert len(mixed) > 20


def test_only_mothers_and_their_newborns_share_an_id(
    everybody: list[Person], holders: Counter[str]
) -> None:
    shared: dict[str, list[Person]] = defaultdict(list)
    for person in everybody:
        if holders[person.enrollee["msis_identification_num"]] > 1:
            shared[person.enrollee["msis_identification_num"]].append(person)
    assert len(shared) > 20
    assert any(len(members) == 3 for members in shared.values())
    for mother, *children in shared.values():
        assert mother.enrollee["sex"] == "F"
        assert mother.enrollee["date_of_birth"] < TODAY - timedelta(days=18 * 365)
        for child in children:
            assert child.enrollee["date_of_birth"] > TODAY - timedelta(days=301)
            assert not child.enrollee["msis_id_ssn_based"]


def test_city_zip_county_and_state_agree(everybody: list[Person]) -> None:
    places = {
        (place.city, place.state, place.zip, place.county)
        for state in states()
        for place in state.places
    }
    for person in everybody:
        for row in person["home_address"] + person["mailing_address"]:
            assert (row["city"], row["state"], row["zip"][:5], row["county"]) in places
            assert row["state"] == person.enrollee["submitting_state"]
    assert len({state.code for state in states()}) >= 12


def test_the_places_are_those_of_the_crosswalk() -> None:
    path = PROJECT.parent / "shared" / "codes" / "zip_county_crosswalk.csv"
    if not path.exists():
        skip_or_fail("the folder with the crosswalk is not here")
    known: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            county = row["StateFIPS"] + row["CountyFIPS"]
            known[row["ZipCode"]].add((row["City"].lower(), row["State"], county))
    for state in states():
        for place in state.places:
            assert known[place.zip] == {(place.city.lower(), place.state, place.county)}


def test_identifiers_belong_to_nobody_real(everybody: list[Person]) -> None:
    for person in everybody:
        for row in person["variable_demographics"]:
            assert row["ssn"] is None or re.fullmatch(r"9\d{8}", row["ssn"])
        for row in person["phone"]:
            assert re.fullmatch(r"\d{3}55501\d\d", row["phone_number"])
    ssns = [person["variable_demographics"][0]["ssn"] for person in everybody]
    known = [ssn for ssn in ssns if ssn]
    assert len(set(known)) == len(known)
    assert all(str(row[1]).startswith("2") for row in directory(SEED).providers)


def test_an_npi_ends_in_its_check_digit() -> None:
    # The example of the CMS specification of the check digit.
    assert npi(123456789) == "1234567893"


def test_keys_are_random_uuids_and_nobody_has_anothers(everybody: list[Person]) -> None:
    form = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    keys = [
        *(person.enrollee["enrollee_id"] for person in everybody),
        *(person.enrollee["pseudonym"] for person in everybody),
        *(claim["claim_id"] for person in everybody for claim in person["claim"]),
        *(row[0] for row in (*directory(SEED).providers, *directory(SEED).plans)),
    ]
    assert len(set(keys)) == len(keys)
    assert all(form.fullmatch(key) for key in keys)


def test_a_medicaid_id_tells_nothing_of_the_ssn(everybody: list[Person]) -> None:
    for person in everybody:
        own_id = person.enrollee["msis_identification_num"]
        for ssn in current(person, "ssn") - {None, own_id}:
            assert ssn[1:] not in own_id


def test_claims_are_of_four_kinds_and_about_five_a_person(everybody: list[Person]) -> None:
    kinds = Counter(claim["claim_kind"] for person in everybody for claim in person["claim"])
    assert kinds.keys() == {"IP", "LT", "OT", "RX"}
    assert 4.5 <= kinds.total() / COUNT <= 5.5
    assert min(kinds.values()) > COUNT / 50


def test_claims_lie_in_the_36_months_of_a_life_enrolled(everybody: list[Person]) -> None:
    recent = 0
    for person in everybody:
        born, died = person.enrollee["date_of_birth"], person.enrollee["date_of_death"]
        for claim in person["claim"]:
            first, last = claim["beginning_date_of_service"], claim["ending_date_of_service"]
            assert TODAY - timedelta(days=1096) <= first <= last <= TODAY
            assert born <= first
            assert died is None or last <= died
            recent += first > TODAY - timedelta(days=730)
    assert recent > 2 * COUNT


def by_claim(person: Person, table: str) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for row in person[table]:
        found[row["claim_id"]].append(row)
    return found


def test_a_claim_agrees_with_its_lines_and_diagnoses(everybody: list[Person]) -> None:
    for person in everybody:
        lines, found = by_claim(person, "claim_line"), by_claim(person, "claim_diagnosis")
        for claim in person["claim"]:
            own = lines[claim["claim_id"]]
            assert 1 <= len(own) <= 3
            assert sum(line["billed_amt"] for line in own) == claim["tot_billed_amt"]
            assert sum(line["medicaid_paid_amt"] for line in own) == claim["tot_medicaid_paid_amt"]
            codes = [row["diagnosis_code"] for row in found[claim["claim_id"]]]
            assert len(codes) <= 3
            assert len(set(codes)) == len(codes)
            assert claim["diagnosis_code"] == (codes[0] if codes else None)
            assert bool(codes) == (claim["claim_kind"] != "RX")


def test_a_claim_carries_the_labels_of_all_its_codes(everybody: list[Person]) -> None:
    labels_of = {
        "F1120": {"ETH"},
        "F1020": {"ETH", "ETHUD"},
        "F329": {"PSY"},
        "B20": {"HIV"},
        "T7421XA": {"SDV", "SEX"},
        "A549": {"STD"},
        "D571": {"GDIS"},
        "Z3009": {"SEX"},
        "H0020": {"ETH"},
        "99999020128": {"ETH"},
        "99999020330": {"HIV"},
    }
    seen: Counter[str] = Counter()
    claims = 0
    for person in everybody:
        codes: dict[str, set[str]] = defaultdict(set)
        for row in person["claim_diagnosis"]:
            codes[row["claim_id"]].add(row["diagnosis_code"])
        for row in person["claim_line"]:
            codes[row["claim_id"]] |= {row["procedure_code"], row["drug_code"]}
        for claim in person["claim"]:
            claims += 1
            labels = set(claim["sensitivity_labels"])
            seen.update(labels)
            for code in codes[claim["claim_id"]]:
                assert labels_of.get(code, set()) <= labels
    assert seen.keys() >= {"ETH", "PSY", "HIV", "SDV", "SEX", "STD", "GDIS"}
    assert all(0.002 < count / claims < 0.25 for count in seen.values())


def test_claims_name_providers_and_plans_of_their_state(everybody: list[Person]) -> None:
    known = directory(SEED).networks
    with_plan = 0
    for person in everybody:
        network = known[person.enrollee["submitting_state"]]
        npis = {npi for npis in network.providers.values() for npi in npis}
        plans = {plan for plan, _ in network.plans}
        for claim in person["claim"]:
            assert claim["billing_prov_npi_num"] in npis
            if plan := claim["plan_id_number"]:
                with_plan += 1
                assert any(
                    stay["managed_care_plan_id"] == plan
                    and covers(stay, claim["beginning_date_of_service"])
                    for stay in person["managed_care_participation"]
                )
        assert {
            stay["managed_care_plan_id"] for stay in person["managed_care_participation"]
        } <= plans
    assert with_plan > COUNT


def test_rows_have_the_columns_of_their_tables() -> None:
    batch = people(SEED, 0, 200)
    assert set(batch.rows) | {"provider", "managed_care_plan"} == set(COLUMNS)
    assert batch.people == 200
    assert batch.size == sum(len(records(batch, table)) for table in batch.rows)
