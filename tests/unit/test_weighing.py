"""What was found out about a version once is not found out again: for a commit, or for a diff."""

from __future__ import annotations

from datetime import UTC, datetime

import casbin
import pytest

import authz.checks.rules
from authz.checks.check import check
from authz.diff.diff import diff
from authz.edits.edited import edited
from authz.packaged import load_seed_document
from authz.store import read_document, text_of
from db.catalog_records import CATALOG

NOW = datetime(2026, 6, 1, tzinfo=UTC)
GRANT = {"grant": {"role": "front_desk", "on": ["sex"], "actions": ["sort"], "where": "own_county"}}


def test_a_version_that_was_checked_is_compared_and_checked_again_without_asking_casbin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = load_seed_document(CATALOG)
    after = edited(before, [GRANT], NOW)
    # Whatever was looked at before: what is asked for again is not the first to go.
    check(None, before, NOW)
    for limit in (1, 2, 3):
        check(
            None, edited(before, [{"set_role": {"name": "auditor", "page_limit": limit}}], NOW), NOW
        )
    findings, differing = check(before, after, NOW), diff(before, after, NOW)
    assert differing.access

    def again(*_: object) -> None:
        raise AssertionError("found out again")

    # As a commit reads it: another object, of the same text.
    read = read_document(text_of(after), CATALOG)
    monkeypatch.setattr(casbin.Enforcer, "enforce", again)
    monkeypatch.setattr(authz.checks.rules, "_findings", again)
    assert check(before, read, NOW) == findings
    assert diff(before, read, NOW) == differing
    with pytest.raises(AssertionError, match="found out again"):
        check(before, edited(after, [{"deny": GRANT["grant"]}], NOW), NOW)
