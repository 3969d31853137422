"""Who asks and in which role: tables of cases, and theorems about the acting role."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authz.errors import (
    ActingRoleNeeded,
    AttributeInvalid,
    CapEvaded,
    ConflictingCaps,
    NoRole,
    RoleNotHeld,
    UnknownRole,
)
from authz.principal import (
    ATTRIBUTES,
    USPS,
    Attributes,
    Format,
    Principal,
    acting_role,
    canonical,
    is_line,
    is_purpose,
    is_request,
    read_attributes,
)
from db.errors import FieldwardError

CAPPED = frozenset({"ice", "fbi"})
KNOWN = frozenset({"ice", "fbi", "auditor", "provider", "researcher"})
# A shared machine may be slow; no test measures time.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
PERSON = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"


def holding(*roles: str) -> Principal:
    return Principal("alice", frozenset(roles))


@pytest.mark.parametrize(
    ("roles", "named", "acts"),
    [
        (["auditor"], None, "auditor"),
        (["auditor"], "auditor", "auditor"),
        (["auditor", "provider"], "provider", "provider"),
        (["auditor", "provider"], "auditor", "auditor"),
        (["ice"], None, "ice"),
        (["ice"], "ice", "ice"),
        (["ice", "auditor", "provider"], None, "ice"),
        (["ice", "auditor"], "ice", "ice"),
    ],
)
def test_a_request_acts_in_one_role(roles: list[str], named: str | None, acts: str) -> None:
    assert acting_role(holding(*roles), named, CAPPED, KNOWN) == acts


@pytest.mark.parametrize(
    ("roles", "named", "error"),
    [
        ([], None, NoRole),
        ([], "auditor", NoRole),
        (["auditor", "provider"], None, ActingRoleNeeded),
        (["auditor"], "provider", RoleNotHeld),
        (["auditor", "provider"], "researcher", RoleNotHeld),
        (["auditor"], "nobody", RoleNotHeld),
        (["auditor"], "", RoleNotHeld),
        (["auditor"], "Auditor", RoleNotHeld),
        (["auditor"], " auditor", RoleNotHeld),
        (["Auditor"], None, UnknownRole),
        (["auditor", "audito"], "auditor", UnknownRole),
        (["ice", "nobody"], None, UnknownRole),
        (["ice", "fbi"], None, ConflictingCaps),
        (["ice", "fbi"], "ice", ConflictingCaps),
        (["ice", "fbi", "auditor"], "auditor", ConflictingCaps),
        (["ice", "auditor"], "auditor", CapEvaded),
        (["ice"], "auditor", RoleNotHeld),
    ],
)
def test_no_other_role_acts(roles: list[str], named: str, error: type[FieldwardError]) -> None:
    with pytest.raises(error):
        acting_role(holding(*roles), named, CAPPED, KNOWN)


NAMES = st.sampled_from([*sorted(KNOWN), "nobody", "ICE", ""])
ROLES = st.frozensets(NAMES, max_size=5)


@unhurried
@given(ROLES, st.none() | NAMES, ROLES, ROLES)
def test_the_acting_role_is_held_and_known_and_never_other_than_a_held_cap(
    roles: frozenset[str], named: str | None, capped: frozenset[str], known: frozenset[str]
) -> None:
    try:
        role = acting_role(Principal("alice", roles), named, capped, known)
    except FieldwardError:
        return
    assert role in roles
    assert roles <= known
    assert named in (None, role)
    if roles & capped:
        assert roles & capped == {role}


@unhurried
@given(ROLES, st.none() | NAMES, ROLES)
def test_a_further_role_never_sets_a_cap_aside(
    roles: frozenset[str], named: str | None, further: frozenset[str]
) -> None:
    principal = Principal("alice", roles | {"ice"} | further)
    try:
        role = acting_role(principal, named, CAPPED, KNOWN)
    except FieldwardError:
        return
    assert role == "ice"


@pytest.mark.parametrize(
    ("name", "claim", "value"),
    [
        ("state", ["CA"], ("CA",)),
        ("state", "CA", ("CA",)),
        ("state", ["OR", "CA", "OR"], ("CA", "OR")),
        ("county", ["06037", "06001"], ("06001", "06037")),
        ("plan_id", ["HP-0001", "123456789012"], ("123456789012", "HP-0001")),
        ("npi", ["1234567893"], ("1234567893",)),
        ("enrollee_id", PERSON, PERSON),
        ("person", PERSON, PERSON),
        ("agreement", "DUA-2026-001", "DUA-2026-001"),
        ("agreement_states", ["WY", "PR"], ("PR", "WY")),
        ("reason", "unconscious, no papers", "unconscious, no papers"),
        ("until", "2026-02-03T04:05:06Z", "2026-02-03T04:05:06Z"),
        ("until", "2026-02-03T04:05:06.250Z", "2026-02-03T04:05:06.250000Z"),
        ("until", "2026-02-03T04:05:06-08:00", "2026-02-03T12:05:06Z"),
    ],
)
def test_an_attribute_is_read(name: str, claim: object, value: object) -> None:
    assert read_attributes({name: claim})[name] == value


BAD_ATTRIBUTES: list[tuple[str, object]] = [
    ("state", "ca"),
    ("state", "XX"),
    ("state", "CA\n"),
    ("state", "California"),
    ("state", []),
    ("state", ["CA", "zz"]),
    ("state", ["CA", None]),
    ("state", [["CA"]]),
    ("state", {"CA": True}),
    ("state", None),
    ("state", 6),
    ("state", True),
    ("county", "6037"),
    ("county", "06037\n"),
    ("county", "٠٦٠٣٧"),  # five digits of another script
    ("county", 6037),
    ("plan_id", ""),
    ("plan_id", "1234567890123"),
    ("plan_id", "a b"),
    ("plan_id", "a,b"),
    ("npi", "123456789"),
    ("npi", "12345678901"),
    ("npi", 1234567893),
    ("enrollee_id", PERSON.upper()),
    ("enrollee_id", PERSON.replace("-", "")),
    ("enrollee_id", "{" + PERSON + "}"),
    ("enrollee_id", [PERSON]),
    ("person", "me"),
    ("agreement", ""),
    ("agreement", " DUA"),
    ("agreement", "DUA\nDUB"),
    ("agreement", "D\x00A"),
    ("agreement", "x" * 201),
    ("agreement", ["DUA"]),
    ("agreement_states", ["Ca"]),
    ("reason", "a\ud800"),
    ("until", "2026-02-30T00:00:00Z"),
    ("until", "2026-02-03T24:00:01Z"),
    ("until", "2026-02-03"),
    ("until", "2026-02-03T04:05:06"),
    ("until", "2026-02-03 04:05:06Z"),
    ("until", "2026-W06-2T04:05:06Z"),
    ("until", "0001-01-01T00:00:00+01:00"),
    ("until", 1_770_091_506),
]


@pytest.mark.parametrize(("name", "claim"), BAD_ATTRIBUTES)
def test_an_attribute_of_another_type_or_form_is_refused(name: str, claim: object) -> None:
    with pytest.raises(AttributeInvalid) as refused:
        read_attributes({name: claim})
    assert name in refused.value.detail
    assert not (isinstance(claim, str) and len(claim) > 2 and claim in str(refused.value))


def test_claims_that_are_no_attribute_are_left_alone() -> None:
    assert read_attributes({"iss": "x", "email": 7, "State": "ca", "exp": None}) == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@unhurried
@given(st.dictionaries(st.sampled_from(sorted(ATTRIBUTES)), JSON, max_size=4))
def test_any_claims_are_read_or_refused_and_never_fail_otherwise(claims: dict[str, object]) -> None:
    try:
        attributes = read_attributes(claims)
    except AttributeInvalid:
        return
    assert attributes.keys() == claims.keys()
    assert all(value for value in attributes.values())


@unhurried
@given(st.sampled_from(Format), st.text() | st.datetimes().map(lambda at: f"{at.isoformat()}Z"))
def test_a_canonical_value_is_its_own_canonical_form(form: Format, text: str) -> None:
    value = canonical(form, text)
    if value is not None:
        assert canonical(form, value) == value


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("TREAT", True),
        ("HPAYMT", True),
        ("LAWENF", True),
        ("treat", False),
        ("", False),
        ("T", False),
        ("TREAT,HPAYMT", False),
        ("TREAT ", False),
        ("T" * 17, False),
    ],
)
def test_a_purpose_is_written_like_an_hl7_code(text: str, good: bool) -> None:
    assert is_purpose(text) is good


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("REQ-2026/17#2", True),
        ("a", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("", False),
        ("a b", False),
        ("a,b", False),
        ("a\n", False),
        ("'; --", False),
        ("é", False),
    ],
)
def test_a_request_reference_is_one_word(text: str, good: bool) -> None:
    assert is_request(text) is good


def test_a_line_keeps_to_its_length() -> None:
    assert is_line("x" * 10, 10)
    assert not is_line("x" * 11, 10)


def test_principals_are_keys_whatever_the_order_of_their_claims() -> None:
    one = Principal("a", frozenset("bc"), {"state": ("CA",), "county": ("06037",)})
    two = Principal("a", frozenset("cb"), Attributes({"county": ("06037",), "state": ("CA",)}))
    assert one == two
    assert len({one, two}) == 1
    assert one != Principal("a", frozenset("bc"), {"state": ("OR",), "county": ("06037",)})


def test_attributes_are_a_mapping() -> None:
    attributes = Attributes({"state": ("CA",)})
    assert dict(attributes) == {"state": ("CA",)}
    assert len(attributes) == 1
    assert attributes.get("county") is None


def test_a_principal_shows_no_attribute_and_no_request() -> None:
    principal = Principal("a", frozenset(), {"npi": ("1234567893",)}, request="REQ-1")
    assert "1234567893" not in f"{principal!r} {principal.attributes!r}"
    assert "REQ-1" not in repr(principal)


def test_there_are_fifty_six_medicaid_agencies() -> None:
    assert len(USPS) == 50 + 1 + 5
