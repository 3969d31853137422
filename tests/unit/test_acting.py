"""Who asks from the command line, and how a refusal is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jwt
import pytest

from api.cli import acting
from api.cli.acting import Acting
from api.demo_key import DEMO_AUDIENCE, DemoKey
from api.errors import SettingsInvalid
from db.embedded import Urls

FINDING = {
    "severity": "error", "check": "order", "text": "it exceeds the order", "role": "agent",
    "action": "read", "coordinate": "Enrollee.ssn", "row": None,
}  # fmt: skip
REFUSED: dict[str, Any] = {
    "data": {"policyCommit": None},
    "errors": [
        {"message": "the checks refuse it", "path": ["policyCommit"],
         "extensions": {"code": "FW411", "findings": [FINDING]}},
        {"message": "an edit is not valid", "extensions": {"code": "FW417", "detail": "edit 1: x"}},
        {"message": "too large", "extensions": {"code": "FW115", "limit": 50}},
    ],
}  # fmt: skip
NOBODY = Urls(admin="", gateway="")


def who(
    state_dir: Path,
    *,
    as_json: bool = False,
    bearer: str | None = None,
    subject: str | None = "jo",
    role: str | None = None,
) -> Acting:
    return Acting(state_dir, as_json, bearer, subject, role)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_refusal_is_told_with_code_text_and_counterexample_and_ends_with_1(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    as_json: bool,
) -> None:
    monkeypatch.delenv("FIELDWARD_TOKEN_ISSUER", raising=False)
    monkeypatch.setattr(acting, "with_gateway", lambda *_: REFUSED)
    with pytest.raises(SystemExit) as ended:
        who(tmp_path, as_json=as_json).ask("{ policy { number } }")
    assert ended.value.code == 1
    told = capsys.readouterr()
    assert told.err.splitlines() == [
        "FW411 the checks refuse it",
        "error: order: it exceeds the order",
        "FW417 an edit is not valid: edit 1: x",
        "FW115 too large: limit 50",
    ]
    assert told.out == (json.dumps(REFUSED) + "\n" if as_json else "")


@pytest.mark.parametrize(
    ("role", "minted"), [(None, "policy_administrator"), ("auditor", "auditor")]
)
def test_without_a_token_the_demo_vouches_for_a_name(
    tmp_path: Path, role: str | None, minted: str
) -> None:
    token = who(tmp_path, role=role)._token(NOBODY)
    secret = DemoKey.in_state_dir(tmp_path).secret
    claims = jwt.decode(token, secret, algorithms=["HS256"], audience=DEMO_AUDIENCE)
    assert (claims["sub"], claims["roles"]) == ("jo", [minted])
    assert who(tmp_path, bearer="mine")._token(NOBODY) == "mine"


def test_beside_an_issuer_nobody_acts_without_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIELDWARD_TOKEN_ISSUER", "https://issuer.example")
    monkeypatch.setattr(acting, "with_gateway", lambda *_: {"data": {"policy": 1}})
    with pytest.raises(SettingsInvalid, match="use --token"):
        who(tmp_path).ask("{ policy { number } }")
    assert who(tmp_path, bearer="mine").ask("{ policy { number } }") == 1
