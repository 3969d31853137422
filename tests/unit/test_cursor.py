"""Cursors: a round trip for every kind, one length for one order, nothing opens under another."""

from __future__ import annotations

import base64
import json
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cursor import KEY_BYTES, Binding, Sealer
from api.errors import CursorInvalid
from db.plan import Order
from db.predicate import Ref
from db.tables import CLAIM, ENROLLEE

KEY = bytes(range(KEY_BYTES))
SEALER = Sealer((KEY,))
ORDER = (
    Order(Ref(ENROLLEE.columns["eligible_last_name"]), False),
    Order(Ref(ENROLLEE.columns["date_of_birth"]), True),
    Order(Ref(CLAIM.columns["tot_medicaid_paid_amt"]), False),
    Order(Ref(ENROLLEE.columns["birth_year"]), False),
    Order(Ref(ENROLLEE.columns["enrollee_id"]), False),
)
BINDING = Binding(b"d" * 32, ORDER)

names = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=30)
rows = st.tuples(
    st.none() | names,
    st.none() | st.dates(),
    st.none() | st.decimals(-99_999_999_999, 99_999_999_999, places=2),
    st.none() | st.integers(-(2**31), 2**31 - 1),
    st.uuids(),
)


def keyset(row: tuple[object, ...], *, ascii_only: bool = False) -> bytes:
    """What PostgreSQL writes for a row: numbers as numbers, the rest as text."""
    parts = [
        str(part) if isinstance(part, Decimal)
        else json.dumps(part if part is None or isinstance(part, int) else str(part),
                        ensure_ascii=ascii_only)
        for part in row
    ]  # fmt: skip
    return f"[{', '.join(parts)}]".encode()


@given(rows, st.booleans())
def test_what_is_sealed_opens_to_the_same_values(row: tuple[object, ...], escaped: bool) -> None:
    sealed = SEALER.seal(keyset(row, ascii_only=escaped), BINDING).decode()
    assert SEALER.open(sealed, BINDING) == row


@given(rows, rows)
def test_cursors_of_one_order_have_one_length(
    one: tuple[object, ...], other: tuple[object, ...]
) -> None:
    lengths = {len(SEALER.seal(keyset(row, ascii_only=True), BINDING)) for row in (one, other)}
    assert len(lengths) == 1


@given(rows)
def test_sealing_is_deterministic(row: tuple[object, ...]) -> None:
    assert SEALER.seal(keyset(row), BINDING) == SEALER.seal(keyset(row), BINDING)


ROW = ("Doe", date(1980, 1, 2), Decimal("12.30"), 1980, UUID(int=7))
SEALED = SEALER.seal(keyset(ROW), BINDING).decode()


def test_a_cursor_holds_no_readable_value() -> None:
    raw = base64.urlsafe_b64decode(SEALED + "=" * (-len(SEALED) % 4))
    for value in (b"Doe", b"1980", b"12.30"):
        assert value not in raw
        assert value.decode() not in SEALED


@given(st.integers(0, len(SEALED) - 1), st.sampled_from("ABCxyz012-_"))
def test_an_altered_cursor_does_not_open(at: int, letter: str) -> None:
    altered = SEALED[:at] + letter + SEALED[at + 1 :]
    padding = "=" * (-len(SEALED) % 4)
    same = base64.urlsafe_b64decode(altered + padding) == base64.urlsafe_b64decode(SEALED + padding)
    if same:  # the last letter holds bits that no byte takes
        return
    with pytest.raises(CursorInvalid):
        SEALER.open(altered, BINDING)


@pytest.mark.parametrize(
    "foreign", ["", "A", "not base64!", "é", "A" * 20_000, SEALED[:-4], SEALED + "AAAA", "[1,2]"]
)
def test_what_nobody_sealed_does_not_open(foreign: str) -> None:
    with pytest.raises(CursorInvalid):
        SEALER.open(foreign, BINDING)


def test_a_cursor_opens_under_its_own_binding_alone() -> None:
    with pytest.raises(CursorInvalid):
        SEALER.open(SEALED, Binding(b"e" * 32, ORDER))


def test_a_keyset_of_another_width_does_not_open() -> None:
    with pytest.raises(CursorInvalid):
        SEALER.open(SEALED, Binding(BINDING.digest, ORDER[:2]))


def test_a_rotated_key_still_opens_what_it_sealed() -> None:
    rotated = Sealer((bytes(KEY_BYTES), KEY))
    assert rotated.open(SEALED, BINDING) == ROW
    assert rotated.seal(keyset(ROW), BINDING).decode() != SEALED
    with pytest.raises(CursorInvalid):
        Sealer((bytes(KEY_BYTES),)).open(SEALED, BINDING)


@pytest.mark.parametrize("keys", [(), (b"short",), (KEY, b"short")])
def test_keys_of_a_wrong_size_are_refused(keys: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        Sealer(keys)
