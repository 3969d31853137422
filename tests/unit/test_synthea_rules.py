"""What the import of Synthea reads and derives, without a database."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.ingest.synthea import values
from db.ingest.synthea.coverage import Program, Span, Visit, covered, program, transition
from db.ingest.synthea.deriving import Draw, determinant, medicaid_id, npi_of, phone, status
from db.ingest.synthea.files import CONDITIONS, Source
from db.ingest.synthea.labels import LabelBook, labels_of
from db.ingest.synthea.people import age, by_age
from db.ingest.synthea.reading import Malformed, Record, rows
from db.ingest.synthea.tally import Reason, RowRejected
from tests.synthea import text

MCD, DUAL = Program.MEDICAID, Program.DUAL
BORN = date(1950, 6, 1)
LAST = date(2021, 3, 19)

draws = st.builds(Draw, st.integers(0, 2**63), st.uuids().map(str))
countries = st.sampled_from(["", "US", "PR", "AS", "MX", "VN", "DE"])


def spans_of(
    transitions: list[Span], visits: tuple[Visit, ...] = (), died: date | None = None
) -> list[tuple[str, str | None]]:
    """Days of coverage as text, to compare."""
    return [
        (str(span.start), None if span.end is None else str(span.end))
        for span in covered(transitions, visits, BORN, died, LAST)
    ]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2014-10-07T01:02:03Z", "2015-01-06T00:00:00Z", ("2014-10-07", "2015-01-05")),
        ("2014-10-07", "2014-10-07", ("2014-10-07", "2014-10-07")),
        ("1960", "1960", ("1960-01-01", "1960-12-31")),
        ("1952", "2016", ("1952-01-01", "2016-12-31")),
        ("2014-10-07", "", ("2014-10-07", None)),
    ],
)
def test_coverage_is_read_from_years_and_from_moments(
    start: str, end: str, expected: tuple[str, str | None]
) -> None:
    span = transition(start, end, MCD)
    assert (str(span.start), None if span.end is None else str(span.end)) == expected
    assert span.start_derived is (len(start) == 4)


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        ("2016", "2015", Reason.ENDS_BEFORE_START),
        ("2016-02-02", "2016-02-01", Reason.ENDS_BEFORE_START),
        ("2016-02-30", "", Reason.BAD_DATE),
        ("2016", "2016-02-01", Reason.BAD_DATE),
        ("9999", "9999", Reason.BAD_DATE),
        ("\uff12\uff10\uff11\uff16", "2016", Reason.BAD_DATE),
    ],
)
def test_coverage_that_cannot_be_is_rejected(start: str, end: str, reason: Reason) -> None:
    with pytest.raises(RowRejected) as caught:
        transition(start, end, MCD)
    assert caught.value.reason is reason


def test_adjoining_and_overlapping_spans_become_one() -> None:
    known = [
        transition("2010-01-01", "2011-01-01", MCD),
        transition("2011-01-01", "2012-01-01", MCD),
        transition("2011-06-01", "2011-07-01", MCD),
        transition("2013-01-01", "2014-01-01", MCD),
    ]
    assert spans_of(known) == [("2010-01-01", "2011-12-31"), ("2013-01-01", "2013-12-31")]


def test_a_span_that_reaches_the_last_day_is_open() -> None:
    assert spans_of([transition("2019-01-01", "2021-03-20", MCD)]) == [("2019-01-01", None)]
    assert spans_of([transition("2019-01-01", "2021-03-19", MCD)]) == [("2019-01-01", "2021-03-18")]
    assert spans_of([transition("2019", "2021", MCD)]) == [("2019-01-01", None)]


def test_nobody_is_covered_before_birth_or_after_death() -> None:
    died = date(2015, 5, 5)
    known = [transition("1950", "1951", MCD), transition("2014-01-01", "2021-06-01", MCD)]
    assert spans_of(known, died=died) == [
        ("1950-06-01", "1951-12-31"),
        ("2014-01-01", "2015-05-05"),
    ]
    assert spans_of([transition("2016", "2017", MCD)], died=died) == []


def test_days_that_no_transition_speaks_of_are_filled_from_paid_visits() -> None:
    known = [transition("1960", "1960", MCD), transition("2012", "2012", None)]
    paid = [
        date(2010, 2, 1),
        date(2011, 3, 1),
        date(2012, 6, 1),
        date(2014, 1, 1),
        date(2015, 1, 1),
    ]
    visits = tuple(Visit(each, MCD) for each in paid)
    assert spans_of(known, visits) == [
        ("1960-01-01", "1960-12-31"),
        ("2010-02-01", "2011-03-01"),
        # 2012 belongs to another payer, whoever paid for that visit.
        ("2014-01-01", "2015-01-01"),
    ]
    other = (*visits, Visit(date(2014, 6, 1), None))
    assert spans_of(known, other)[2:] == [
        ("2014-01-01", "2014-01-01"),
        ("2015-01-01", "2015-01-01"),
    ]
    derived = [span.start_derived for span in covered(known, visits, BORN, None, LAST)]
    assert derived == [True, True, True]


def test_a_person_seen_in_the_last_year_is_still_enrolled() -> None:
    visits = (Visit(date(2019, 1, 1), MCD), Visit(date(2020, 9, 1), MCD))
    assert spans_of([], visits) == [("2019-01-01", None)]


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        (date(1980, 6, 1), [(date(1999, 5, 31), "07"), (None, "01")]),
        (date(1980, 2, 29), [(date(1999, 2, 28), "07"), (None, "01")]),
        (date(1900, 6, 1), [(None, "46")]),
        (date(2015, 6, 1), [(None, "07")]),
    ],
)
def test_eligibility_groups_change_with_age_and_not_ahead_of_time(
    born: date, expected: list[tuple[date | None, str]]
) -> None:
    stages = by_age(Span(max(born, date(1990, 1, 1)), None, MCD), born, LAST)
    # Seed and key for which the draw takes the group that is expected here.
    groups = [
        determinant(Draw(0, "c"), age(born, each.start), dual=False, immigration="8").group
        for each in stages
    ]
    assert [(each.end, group) for each, group in zip(stages, groups, strict=True)] == expected


@pytest.mark.parametrize(
    ("name", "ownership", "expected"),
    [
        ("Medicaid", "GOVERNMENT", MCD),
        ("Medicaid", "", MCD),
        ("NY Medicaid", "Government", MCD),
        ("Dual Eligible", "", DUAL),
        ("dual_eligible", "GOVERNMENT", DUAL),
        ("Medicare", "GOVERNMENT", None),
        ("NO_INSURANCE", "NO_INSURANCE", None),
        ("Medicaid Helpers Inc", "PRIVATE", None),
    ],
)
def test_a_payer_is_medicaid_by_name_and_ownership(
    name: str, ownership: str, expected: Program | None
) -> None:
    assert program(name, ownership) is expected


@given(draws, countries, st.booleans(), st.integers(0, 110))
def test_derived_status_and_eligibility_keep_every_rule(
    draw: Draw, country: str, dual: bool, age: int
) -> None:
    one = status(draw, country, medicare=dual)
    group = determinant(draw, age, dual=dual, immigration=one.immigration)
    assert (one.immigration in {"1", "2", "3"}) == (one.citizenship == "0")
    assert (one.immigration == "8") == (one.citizenship in {"1", "2"})
    assert (one.immigration == "3") == (group.restricted == "2")
    assert group.restricted in {"1", "2"}
    assert (group.dual != "00") == dual
    assert status(draw, country, medicare=dual) == one


def test_a_birthplace_abroad_says_nothing_about_status() -> None:
    drawn = Counter(status(Draw(5, str(n)), "VN", medicare=False).immigration for n in range(2_000))
    assert set(drawn) == {"1", "2", "3", "8"}
    assert drawn.most_common(1)[0][0] == "8"
    by_country = [
        [status(Draw(5, str(n)), country, medicare=False) for n in range(200)]
        for country in ("VN", "MX", "DE", "FR")
    ]
    assert all(each == by_country[0] for each in by_country)


def test_nothing_is_derived_of_a_person_whose_birthplace_is_unknown() -> None:
    assert status(Draw(1, "x"), "", medicare=False).citizenship is None
    assert status(Draw(1, "x"), "", medicare=False).immigration is None


@given(draws, st.integers(0, 50))
def test_derived_numbers_have_their_forms(draw: Draw, attempt: int) -> None:
    number = npi_of(draw.key, attempt)
    digits = [int(digit) for digit in "80840" + number][::-1]
    luhn = sum(digits[0::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    assert len(number) == 10
    assert luhn % 10 == 0
    assert phone(draw, "NE").startswith("40255501")
    assert len(phone(draw, "NE")) == 10
    # Not of the form of an SSN, so it can never be one.
    assert not medicaid_id(draw, "NE").isdigit()


@pytest.mark.parametrize(
    ("code", "description", "expected"),
    [
        ("6525002", "Dependent drug abuse (disorder)", {"ETH"}),
        ("10939881000119105", "Unhealthy alcohol drinking behavior (finding)", {"ETH", "ETHUD"}),
        ("1", "Alcohol dependence", {"ETH", "ETHUD"}),
        ("706893006", "Victim of intimate partner abuse (finding)", {"SDV"}),
        ("31676001", "Human immunodeficiency virus antigen test", {"HIV"}),
        ("1", "Major depressive disorder", {"PSY"}),
        ("165829005", "Gonorrhea infection titer test (procedure)", {"STD"}),
        ("389095005", "Contraception care (regime/therapy)", {"SEX"}),
        ("267253006", "Fetus with chromosomal abnormality", {"SEX", "GDIS"}),
        ("171207006", "Depression screening (procedure)", set()),
        ("428211000124100", "Assessment of substance use (procedure)", set()),
        ("1860154", "Abuse-Deterrent 12 HR Oxycodone Hydrochloride 15 MG", set()),
        ("66383009", "Gingivitis (disorder)", set()),
        ("73595000", "Stress (finding)", set()),
    ],
)
def test_labels_follow_codes_and_words(code: str, description: str, expected: set[str]) -> None:
    assert labels_of(code, description) == expected


def test_a_code_without_a_description_has_the_labels_of_its_description_elsewhere() -> None:
    book = LabelBook()
    book.learn("77", "Bipolar disorder")
    assert book.of("77") == {"PSY"}
    assert book.of("78") == set()
    assert book.of("6525002") == {"ETH"}


@pytest.mark.parametrize(
    ("written", "expected"),
    [("Guy979", "Guy"), ("José Eduardo181 Luis3", "José Eduardo Luis"), ("O'Keefe54", "O'Keefe")],
)
def test_names_lose_the_digits_that_synthea_puts_behind_them(written: str, expected: str) -> None:
    assert values.name(written) == expected


@pytest.mark.parametrize("written", ["979", "G4uy", "--"])
def test_what_is_no_name_is_rejected(written: str) -> None:
    with pytest.raises(RowRejected):
        values.name(written)


@pytest.mark.parametrize("written", ["1e400", "NaN", "-Infinity", "12,50", "100000000000", ""])
def test_what_is_no_amount_is_rejected(written: str) -> None:
    with pytest.raises(RowRejected):
        values.amount(written)


HEADER = ("PATIENT", "ENCOUNTER", "CODE")


def read(folder: Path, content: bytes) -> list[tuple[int, str]]:
    """Line and either the fields or the reason, of each row behind the header."""
    path = folder / CONDITIONS.name
    path.write_bytes(content)
    found: list[tuple[int, str]] = []
    for row in rows(Source(CONDITIONS, path, HEADER)):
        match row:
            case Record(line, fields):
                found.append((line, "|".join(fields.values())))
            case Malformed(line, reason):
                found.append((line, reason.code))
    return found


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_byte_order_mark_and_either_line_end_read_alike(
    tmp_path: Path, mark: bytes, end: bytes
) -> None:
    lines = [mark + b"PATIENT,ENCOUNTER,CODE", b"a,b,c", b'"d","e ""x"" , y",f', b"", b"g,h,i"]
    assert read(tmp_path, end.join(lines)) == [(2, "a|b|c"), (3, 'd|e "x" , y|f'), (5, "g|h|i")]


def test_a_line_break_within_quotes_belongs_to_the_field(tmp_path: Path) -> None:
    assert read(tmp_path, b'P,E,C\na,"b\nB",c\nd,e,f\n') == [(2, "a|b\nB|c"), (4, "d|e|f")]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b'a,"b,c', "bad_quotes"),
        (b'a,"b"x,c', "bad_quotes"),
        (b"a,b", "column_count"),
        (b"a,b,c,d", "column_count"),
        (b"a,\xff\xfe,c", "bad_encoding"),
        (b"a,\xc3,c", "bad_encoding"),
        (b"a,b\x00,c", "control_character"),
    ],
)
def test_a_malformed_line_loses_itself_alone(tmp_path: Path, bad: bytes, reason: str) -> None:
    good = [b"x,%d,z" % number for number in range(300)]
    content = b"\n".join([b"P,E,C", *good[:150], bad, *good[150:]])
    found = read(tmp_path, content)
    assert [each for _, each in found if each == reason] == [reason]
    assert found[150] == (152, reason)
    assert [each for _, each in found if each != reason] == [f"x|{n}|z" for n in range(300)]


def test_two_stray_quotes_do_not_join_what_is_between_them(tmp_path: Path) -> None:
    content = b'P,E,C\na,"b,c\nd,e,f\ng,"h,i\nj,k,l\n'
    assert read(tmp_path, content) == [
        (2, "bad_quotes"),
        (3, "d|e|f"),
        (4, "bad_quotes"),
        (5, "j|k|l"),
    ]


fields = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]))


@given(st.lists(st.tuples(fields, fields, st.just("z"))))
def test_whatever_a_csv_writer_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, written: list[tuple[str, str, str]]
) -> None:
    content = text([list(HEADER), *(list(each) for each in written)])
    found = read(tmp_path_factory.mktemp("csv"), content.encode())
    assert [each for _, each in found] == ["|".join(each) for each in written]
