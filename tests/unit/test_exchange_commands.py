"""`fieldward policy export | import`: a version goes out, is edited as a CSV, and is proposed.

No gateway runs here. What is asked is held against the schema; a version answers for the store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from click.testing import CliRunner, Result
from graphql import OperationDefinitionNode, parse, validate

from api.administration.wanted import Wanted, made
from api.cli.acting import Acting
from api.cli.main import cli
from api.schema.build import core, full_schema
from authz.casbin_lines import policy_csv
from authz.ceiling import effective
from authz.document import Document
from authz.enforcer import MODEL
from authz.errors import CasbinInvalid, CasbinModelOther
from authz.order import Status
from authz.packaged import load_seed_document
from authz.store import read_document, text_of
from db.catalog_records import CATALOG
from db.errors import FieldwardError
from tests.unit.test_policy_commands import CHANGE

Run = Callable[..., Result]
NOW = datetime.now(UTC)
GIVEN = MappingProxyType({"jo": frozenset({"auditor"})})
# As it comes out of the store.
HEAD = read_document(text_of(replace(load_seed_document(CATALOG), assignments=GIVEN)), CATALOG)
OLD = replace(HEAD, policy=replace(HEAD.policy, rules=HEAD.policy.rules[1:]))
"""Version 3; the head is version 4."""
RULE = "p,front_desk,ssn,filter:eq,own_county,allow\n"


@pytest.fixture
def asked() -> list[tuple[str, dict[str, Any]]]:
    """Root field and variables of each question."""
    return []


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: list[tuple[str, dict[str, Any]]]
) -> Run:
    """Runs a command over a store with two versions."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FIELDWARD_TOKEN", raising=False)
    monkeypatch.delenv("FIELDWARD_TOKEN_ISSUER", raising=False)
    schema = core(full_schema())

    def ask(who: Acting, document: str, **variables: Any) -> object:  # noqa: ANN401
        tree = parse(document)
        assert validate(schema, tree) == []
        (operation,) = tree.definitions
        assert isinstance(operation, OperationDefinitionNode)
        (field,) = operation.selection_set.selections
        name = field.name.value  # type: ignore[attr-defined]  # a field, as the schema knows it
        asked.append((name, variables))
        assert who.subject == "jo"
        found = {3: OLD, 4: HEAD}.get(variables.get("number", 0), HEAD)
        now = effective(HEAD.policy, HEAD.orders, NOW)
        return {
            "policy": {"number": 4, "model": MODEL, "csv": policy_csv(now)},
            "policyVersion": {"document": text_of(found)},
            "policyPropose": CHANGE,
        }[name]

    monkeypatch.setattr(Acting, "ask", ask)

    def runs(words: str, exit_code: int = 0) -> Result:
        line = ["--state-dir", str(tmp_path), "policy", *words.split(), "--as", "jo"]
        done = CliRunner().invoke(cli, line)
        assert done.exit_code == exit_code, done.output
        return done

    return runs


EXPORTS: dict[str, Document | None] = {
    "export": None,
    "export --written": HEAD,
    "export --written --version 3": OLD,
}


@pytest.mark.parametrize("line", EXPORTS)
def test_an_export_is_a_model_and_the_lines_of_a_version(run: Run, line: str) -> None:
    printed = run(f"{line} --folder out/casbin").output
    assert printed.split() == ["model", "out/casbin/model.conf", "policy", "out/casbin/policy.csv"]
    assert Path("out/casbin/model.conf").read_text() == MODEL
    written = EXPORTS[line]
    policy = effective(HEAD.policy, HEAD.orders, NOW) if written is None else written.policy
    assert Path("out/casbin/policy.csv").read_text() == policy_csv(policy)


def test_the_effective_form_of_a_version_has_its_orders_as_they_stand_now(run: Run) -> None:
    run("export --version 3")
    csv = Path("policy.csv").read_text()
    assert csv == policy_csv(effective(OLD.policy, OLD.orders, NOW))
    assert all(order.status_at(NOW) is Status.IN_FORCE for order in OLD.orders)
    assert "order:immigration_enforcement" in csv


def test_an_edited_csv_is_proposed_as_the_whole_policy_over_the_head_that_was_read(
    run: Run, asked: list[tuple[str, dict[str, Any]]]
) -> None:
    run("export --written")
    path = Path("policy.csv")
    assert RULE in path.read_text()
    path.write_text(path.read_text().replace(RULE, ""))
    printed = run("import --model model.conf --csv policy.csv --reason R").output
    assert printed.startswith("change 3: proposed")
    name, sent = asked[-1]
    assert name == "policyPropose"
    assert (sent["reason"], sent["base"], sent["emergency"]) == ("R", 4, False)
    # As the gateway makes a version of what is proposed: all that no CSV says is still there.
    found = made(Wanted(text=sent["text"]), HEAD, None, NOW)
    gone = {rule for rule in HEAD.policy.rules if rule not in found.policy.rules}
    assert [(rule.role, rule.object, rule.action) for rule in gone] == [
        ("front_desk", "ssn", "filter:eq")
    ]
    assert text_of(found) == text_of(replace(HEAD, policy=found.policy))
    assert replace(found.policy, rules=HEAD.policy.rules) == HEAD.policy
    assert HEAD.invariants
    assert HEAD.cases


def test_an_emergency_is_proposed_as_one(run: Run, asked: list[tuple[str, dict[str, Any]]]) -> None:
    run("export --written")
    run("import --model model.conf --csv policy.csv --reason R --emergency")
    assert asked[-1][1]["emergency"] is True


REFUSED: list[tuple[str, str, type[FieldwardError]]] = [
    ("export", "", CasbinInvalid),
    ("export --written", RULE + "\x0cp,front_desk,ssn,read,always,allow\n", CasbinInvalid),
    ("export --written", "# a comment\rp,front_desk,ssn,read,always,allow\n", CasbinInvalid),
    ("export --written", "model", CasbinModelOther),
]


@pytest.mark.parametrize(("form", "more", "error"), REFUSED)
def test_what_cannot_be_imported_is_refused_before_anything_is_proposed(
    run: Run,
    asked: list[tuple[str, dict[str, Any]]],
    form: str,
    more: str,
    error: type[FieldwardError],
) -> None:
    run(form)
    if more == "model":
        Path("model.conf").write_text(MODEL.replace("&& !some(where (p.eft == deny))", ""))
    else:
        Path("policy.csv").write_bytes(Path("policy.csv").read_bytes() + more.encode())
    done = run("import --model model.conf --csv policy.csv --reason R", exit_code=1)
    assert isinstance(done.exception, error)
    assert "policyPropose" not in {name for name, _ in asked}


def test_a_file_that_is_no_text_is_not_usage(run: Run) -> None:
    run("export --written")
    Path("policy.csv").write_bytes(b"\xff\xfe")
    run("import --model model.conf --csv policy.csv --reason R", exit_code=2)
