"""Casbin behind its wall: the ways in which it is known to say yes, and why none is open here."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import casbin
import pytest

import authz.enforcer
from authz.casbin_lines import policy_csv
from authz.decision import Allow, DenialMode, Deny, Reason
from authz.enforcer import MODEL, decide, decision_set, enforcer_for
from authz.errors import EngineUntrusted, UnknownRole
from authz.policy import ALWAYS, Effect, PolicySet, Role, Rule
from authz.policy_check import policy_set
from db.catalog_records import CATALOG

READ_SEX = Rule("clerk", "Enrollee.sex", "read", ALWAYS, Effect.ALLOW)


def policy(*rules: Rule, depth: int = 1) -> PolicySet:
    """A policy of one role; class c1 holds a coordinate, c2 holds c1, and so on."""
    inner = {f"c{n}": frozenset({f"c{n - 1}"}) for n in range(2, depth + 1)}
    classes = {"c1": frozenset({"Enrollee.ssn"}), **inner}
    return policy_set(CATALOG, [Role("clerk", "A clerk.", 10, DenialMode.NULL)], classes, {}, rules)


def test_a_role_that_the_policy_does_not_have_is_an_error_and_no_wider_role() -> None:
    for role in ("clerks", "", "-", "Clerk"):
        with pytest.raises(UnknownRole):
            decision_set(policy(READ_SEX), role)
        with pytest.raises(UnknownRole):
            decide(policy(READ_SEX), role, "Enrollee.sex", "read")


def test_an_empty_policy_allows_nothing() -> None:
    assert decision_set(policy(), "clerk").table == {}
    enforcer = enforcer_for(policy())
    for question in (("clerk", "Enrollee.sex", "read", ALWAYS), ("", "", "", "")):
        # With no rule at all, Casbin compares a request with blanks.
        assert enforcer.enforce(*question) is (question == ("", "", "", ""))


def test_an_effect_that_casbin_does_not_know_cannot_be_a_rule() -> None:
    with pytest.raises(ValueError, match="'Deny' is not a valid Effect"):
        Effect("Deny")
    misspelt: Any = "Deny"
    with pytest.raises(AttributeError):
        enforcer_for(replace(policy(), rules=(replace(READ_SEX, effect=misspelt),)))


def test_casbin_switched_off_is_noticed_before_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    made = casbin.Enforcer

    def switched_off(model: casbin.Model, enable_log: bool) -> casbin.Enforcer:
        enforcer = made(model, enable_log=enable_log)
        enforcer.enable_enforce(False)
        return enforcer

    monkeypatch.setattr(casbin, "Enforcer", switched_off)
    with pytest.raises(EngineUntrusted):
        decision_set(policy(READ_SEX), "clerk")
    with pytest.raises(EngineUntrusted):
        enforcer_for(policy(READ_SEX))


def test_nothing_can_be_reloaded_whole_or_filtered() -> None:
    enforcer = enforcer_for(policy(READ_SEX))
    with pytest.raises(AttributeError):
        enforcer.load_policy()
    assert enforcer.enforce("clerk", "Enrollee.sex", "read", ALWAYS)
    with pytest.raises(ValueError, match="not supported"):
        enforcer.load_filtered_policy(None)
    # Casbin empties itself before it notices: what is left says no.
    assert not enforcer.enforce("clerk", "Enrollee.sex", "read", ALWAYS)


def test_a_model_that_lacks_a_kind_of_line_is_an_error_and_not_a_line_less(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(authz.enforcer, "MODEL", MODEL.replace("g4 = _, _", ""))
    with pytest.raises((KeyError, TypeError)):
        enforcer_for(policy(READ_SEX))


def test_the_model_evaluates_no_text_of_a_policy() -> None:
    assert "eval(" not in MODEL
    assert "some(where (p.eft == allow)) && !some(where (p.eft == deny))" in MODEL


def test_casbin_looks_as_deep_as_a_policy_may_nest() -> None:
    deep = policy(
        Rule("clerk", "Enrollee.ssn", "read", ALWAYS, Effect.ALLOW),
        Rule("clerk", "c8", "read", ALWAYS, Effect.DENY),
        depth=8,
    )
    assert decide(deep, "clerk", "Enrollee.ssn", "read") == Deny(Reason.RULE)
    assert not enforcer_for(deep).enforce("clerk", "Enrollee.ssn", "read", ALWAYS)


def test_casbin_writes_no_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        decision_set(policy(READ_SEX), "clerk")
        enforcer_for(policy(READ_SEX)).enforce("nobody", "Enrollee.sex", "read", ALWAYS)
    assert [record for record in caplog.records if record.name.startswith("casbin")] == []


def test_an_error_of_casbin_is_an_error_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authz.enforcer, "MODEL", MODEL.replace("g4(r.act", "g5(r.act"))
    with pytest.raises(Exception, match="g5"):
        decision_set(policy(READ_SEX), "clerk")


def test_the_exported_files_read_by_casbin_itself_decide_alike(tmp_path: Path) -> None:
    given = policy(
        READ_SEX,
        Rule("clerk", "c2", "filter", ALWAYS, Effect.ALLOW),
        Rule("clerk", "Enrollee.ssn", "filter:in", ALWAYS, Effect.DENY),
        depth=2,
    )
    (tmp_path / "model.conf").write_text(MODEL)
    (tmp_path / "policy.csv").write_text(policy_csv(given))
    enforcer = casbin.Enforcer(str(tmp_path / "model.conf"), str(tmp_path / "policy.csv"))
    for coordinate in ("Enrollee.sex", "Enrollee.ssn", "Enrollee.lastName"):
        for action in ("read", "sort", "filter", "filter:eq", "filter:in"):
            expected = decide(given, "clerk", coordinate, action) == Allow()
            assert enforcer.enforce("clerk", coordinate, action, ALWAYS) is expected
