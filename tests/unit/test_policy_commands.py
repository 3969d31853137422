"""`fieldward policy …` and `fieldward order …`: what they ask of the gateway, and what they print.

No gateway runs here. What is asked is held against the schema, and what is answered is made up.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from graphql import (
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    OperationDefinitionNode,
    get_variable_values,
    parse,
    validate,
)
from graphql.execution.values import VariableValues

from api.cli.acting import Acting
from api.cli.edits_input import as_input
from api.cli.main import cli
from api.schema.build import core, full_schema
from authz.edits.edited import read_edits_file
from authz.edits.forms import FORMS, Form
from authz.packaged import load_seed_document
from authz.store import text_of
from db.catalog_records import CATALOG
from tests.unit.test_administration_docs import EXAMPLES

Run = Callable[..., Result]
SEED = Path(__file__).parents[2] / "authz" / "seed" / "policy.toml"

ACCESS = {
    "role": "clerk", "action": "read", "before": "never", "after": "where own_county",
    "coordinates": [f"A.{name}" for name in "abcdef"], "direction": "wider",
    "peopleGained": 120, "peopleLost": 0,
}  # fmt: skip
REPORT: dict[str, Any] = {
    "findings": [
        {"severity": "error", "check": "order", "text": "it exceeds the order",
         "role": "agent", "action": "read", "coordinate": "Enrollee.ssn", "row": "always"},
        {"severity": "warning", "check": "rule", "text": "it has no effect",
         "role": None, "action": None, "coordinate": None, "row": None},
    ],
    "access": [ACCESS],
    "settings": [{"what": "role clerk: page limit", "before": "20", "after": "", "direction":
                  "narrower"}],
    "onlyNarrows": False,
    "replay": [{"operation": "query People", "role": "clerk", "before": "", "after": "",
                "opens": ["Enrollee.a"], "breaks": [], "seen": 7}],
}  # fmt: skip
CHANGE: dict[str, Any] = {
    "id": 3, "state": "proposed", "base": 4, "version": None, "author": "jo", "approver": None,
    "reason": "Because.", "emergency": True, "proposedAt": "2026-12-01T00:00:00+00:00",
    "expiresAt": "2026-12-08T00:00:00+00:00", "approvalDue": None, "report": REPORT,
    "events": [{"at": "2026-12-01T00:00:00+00:00", "actor": "jo", "event": "proposed",
                "note": "a note"}],
}  # fmt: skip
VERSION = {
    "number": 4, "digest": "ab", "author": "jo", "approver": None, "reason": "Because.",
    "change": 3, "committedAt": "2026-12-01T00:00:00+00:00", "approvalDue": None, "text": "x = 1\n",
    "document": json.dumps({"policy": {"rules": [
        {"role": "clerk", "on": ["a", "b"], "actions": ["read"], "where": "always",
         "effect": "deny"}]}}),
}  # fmt: skip
RULE = {"role": "clerk", "object": "name", "action": "read", "condition": "own_county",
        "effect": "allow"}  # fmt: skip
EXPLANATION = {
    "decision": "allow where", "allowed": None, "condition": "own_county", "reason": None,
    "orders": ["a-v-b"], "rules": [{**RULE, "holds": True}],
}  # fmt: skip
ORDER = {
    "name": "a-v-b", "caption": "A v. B", "court": "A court", "docket": "1", "issued": "2026-01-01",
    "effective": "2026-02-01", "status": "in_force", "inForce": True, "role": "agent",
    "states": ["CA", "OR"], "population": "people",
    "history": [{"at": "2026-02-01T00:00:00+00:00", "status": "in_force"}],
    "grants": [{"coordinate": "Enrollee.a", "actions": ["read", "filter"]}],
}  # fmt: skip
ANSWERS: dict[str, Any] = {
    "policy": {"number": 4, "version": "v", "digest": "ab", "since": "S", "until": None,
               "roles": [], "classes": [{"name": "name", "members": ["a", "b"]}], "scopes": [],
               "rules": [RULE, {**RULE, "role": "chief"}], "invariants": [], "cases": [],
               "assignments": [{"subject": "jo", "roles": ["chief"]}]},
    "policyVersion": VERSION,
    "policyVersions": [VERSION],
    "policyChange": CHANGE,
    "policyChanges": [CHANGE],
    "policyCompare": REPORT,
    "policyTry": REPORT,
    "policyStatus": {"number": 4, "approvals": 2,
                     "overdue": [{**VERSION, "approvalDue": "2026-12-02T09:30:00+00:00"}],
                     "workers": [{"name": "w", "number": 3, "current": False,
                                  "startedAt": "2026-12-01T00:00:00+00:00",
                                  "seenAt": "2026-12-01T00:00:09+00:00"}]},
    "policyExplain": EXPLANATION,
    "policyWhoCan": [{"role": "clerk", "condition": "own_county", "meaning": "m",
                      "subjects": ["jo"]}],
    "policyMatrix": [{"coordinate": "Enrollee.a", "cells": [
        {"role": "clerk", "condition": "always"}, {"role": "chief", "condition": ""}]}],
    "orders": [ORDER],
}  # fmt: skip


@pytest.fixture
def asked() -> list[tuple[str, dict[str, Any], Acting]]:
    """Root field, variables as they are coerced, and who asked: one entry for each question."""
    return []


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: list[tuple[str, Any, Acting]]
) -> Run:
    """Runs a command whose questions are held against the schema and answered from ANSWERS."""
    schema = core(full_schema())
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FIELDWARD_TOKEN", raising=False)
    monkeypatch.delenv("FIELDWARD_TOKEN_ISSUER", raising=False)

    def ask(who: Acting, document: str, **variables: object) -> object:
        tree = parse(document)
        assert validate(schema, tree) == []
        (operation,) = tree.definitions
        assert isinstance(operation, OperationDefinitionNode)
        read = get_variable_values(schema, operation.variable_definitions or (), variables)
        assert isinstance(read, VariableValues), read
        given = read.coerced
        assert variables.keys() <= given.keys() | {
            name for name, value in variables.items() if value is None
        }
        (field,) = operation.selection_set.selections
        name = field.name.value  # type: ignore[attr-defined]  # a field, as the schema knows it
        asked.append((name, given, who))
        return ANSWERS.get(name, CHANGE)

    monkeypatch.setattr(Acting, "ask", ask)

    def runs(*words: str, exit_code: int = 0) -> Result:
        done = CliRunner().invoke(cli, ["--state-dir", str(tmp_path), *words])
        assert done.exit_code == exit_code, done.output
        return done

    return runs


PRINTED_CHANGE = """\
change 3: proposed, in an emergency
reason  Because.
author  jo
base    version 4
until   2026-12-08 00:00 UTC
2026-12-01 00:00 UTC  proposed by jo: a note

error: order: it exceeds the order
warning: rule: it has no effect

access
role   action  coordinates                    before  after             direction  people
clerk  read    A.a, A.b, A.c, A.d and 2 more  never   where own_county  wider      +120 -0

settings
what                    before  after  direction
role clerk: page limit  20      -      narrower

only narrows: no

operations that clients sent and that would be answered otherwise
operation     role   seen  opens       breaks
query People  clerk  7     Enrollee.a  -

It cannot be committed as it is: errors speak against it.
"""


def test_a_change_is_printed_with_what_it_does_and_what_speaks_against_it(run: Run) -> None:
    assert run("policy", "change", "3").output == PRINTED_CHANGE


COMMANDS: list[tuple[str, str, dict[str, object]]] = [
    ("policy changes --state proposed --last 5", "policyChanges", {"state": "proposed", "last": 5}),
    ("policy approve 3 --note fine", "policyApprove", {"id": 3, "note": "fine"}),
    ("policy approve 3", "policyApprove", {"id": 3, "note": ""}),
    ("policy reject 3 --note no", "policyReject", {"id": 3, "note": "no"}),
    ("policy withdraw 3", "policyWithdraw", {"id": 3, "note": ""}),
    ("policy commit 3", "policyCommit", {"id": 3}),
    ("policy propose --rollback 2 --reason R --base 4", "policyPropose",
     {"rollbackTo": 2, "reason": "R", "base": 4, "emergency": False}),
    ("policy propose --file f.toml --reason R --emergency", "policyPropose",
     {"text": "whole", "emergency": True}),
    ("policy propose --edits e.toml --reason R", "policyPropose",
     {"edits": [{"setRole": {"name": "clerk", "pageLimit": 7}}]}),
    ("policy versions --before 9", "policyVersions", {"before": 9, "last": 20}),
    ("policy version 4", "policyVersion", {"number": 4}),
    ("policy compare 2 4", "policyCompare", {"before": 2, "after": 4}),
    ("policy status", "policyStatus", {}),
    ("policy describe", "policy", {}),
    ("policy explain clerk Enrollee.ssn filter:eq --claim county=1,2 --as-of 2026-01-01",
     "policyExplain", {"role": "clerk", "coordinate": "Enrollee.ssn", "action": "filter:eq",
                       "attributes": '{"county": ["1", "2"]}', "asOf": "2026-01-01"}),
    ("policy explain clerk Enrollee.ssn --row @f.toml", "policyExplain", {"row": "whole"}),
    ("policy decide clerk Enrollee.ssn", "policyExplain", {"action": "read"}),
    ("policy who-can Enrollee.ssn sort", "policyWhoCan", {"action": "sort"}),
    ("policy matrix --role clerk --role chief --coordinate Enrollee.a", "policyMatrix",
     {"roles": ["clerk", "chief"], "coordinates": ["Enrollee.a"], "action": "read"}),
    ("order list", "orders", {}),
    ("order add f.toml --reason R", "orderAdd", {"text": "whole", "emergency": False}),
    ("order set-status a-v-b paused --at 2026-12-01 --reason R", "orderSetStatus",
     {"name": "a-v-b", "status": "paused", "at": "2026-12-01", "reason": "R"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "field", "variables"), COMMANDS)
def test_a_command_asks_one_root_field_with_what_it_was_given(
    run: Run,
    asked: list[tuple[str, dict[str, Any], Acting]],
    line: str,
    field: str,
    variables: dict[str, object],
) -> None:
    Path("f.toml").write_text("whole")
    Path("e.toml").write_text('[[edits]]\nset_role = { name = "clerk", page_limit = 7 }\n')
    assert run(*line.split(), "--as", "jo").output
    decoded = json.loads(run("--json", *line.split(), "--as", "jo").output)
    answer = ANSWERS.get(field, CHANGE)
    assert decoded == answer or field in ("orders", "policyExplain")
    for name, given, who in asked:
        assert name == field
        assert {key: given[key] for key in variables} == variables
        assert (who.subject, who.role, who.bearer) == ("jo", None, None)


PRINTED: list[tuple[str, str]] = [
    ("policy show", "clerk  name    read    own_county  allow"),
    ("policy show --version 4 --role clerk", "clerk  b       read    always     deny"),
    ("policy version 4 --toml", "x = 1\n"),
    ("policy describe", "name  a, b"),
    ("policy status", "version 4 is in force; a change needs 2 people"),
    ("policy status", "w     3       no"),
    (
        "policy status",
        "version 4 waits for its second approval since 2026-12-02 09:30 UTC: Because.",
    ),
    ("policy explain clerk Enrollee.ssn", "decision   allow where\ncondition  own_county\n\nrules"),
    ("policy explain clerk Enrollee.ssn", "own_county  allow   yes"),
    ("policy explain clerk Enrollee.ssn", "court orders that bind the role: a-v-b"),
    ("policy decide clerk Enrollee.ssn", "decision   allow where\ncondition  own_county\n"),
    ("policy who-can Enrollee.ssn", "clerk  own_county  m        jo"),
    ("policy matrix", "Enrollee.a  always  -"),
    ("order show a-v-b", "Enrollee.a: read, filter"),
    ("order show a-v-b", "in_force from 2026-02-01 00:00 UTC"),
]


@pytest.mark.parametrize(("line", "printed"), PRINTED)
def test_a_person_is_told_in_lines(run: Run, line: str, printed: str) -> None:
    assert printed in run(*line.split()).output


def test_of_a_row_it_is_told_what_the_decision_comes_to(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    denied = {"decision": "deny", "condition": "never", "reason": "no rule", "allowed": False,
              "rules": [], "orders": []}  # fmt: skip
    monkeypatch.setitem(ANSWERS, "policyExplain", denied)
    printed = run("policy", "explain", "clerk", "Enrollee.ssn", "--row", "{}").output
    assert printed == "decision    deny\nreason      no rule\non the row  denied\n"


def test_trying_what_could_not_be_committed_ends_with_1(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("policy", "try", "--rollback", "1", exit_code=1)
    monkeypatch.setitem(REPORT, "findings", REPORT["findings"][1:])
    assert "warning" in run("policy", "try", "--rollback", "1").output


USAGE = [
    "policy propose --reason R",
    "policy propose --reason R --rollback 1 --file f.toml",
    "policy propose --rollback 1",
    "policy propose --rollback 1 --grant x --reason R",
    "policy propose --grant clerk:name --reason R",
    "policy approve 0",
    "policy status --as jo --token x",
    "policy explain clerk Enrollee.ssn --row @none",
    "order show c-v-d",
]


@pytest.mark.parametrize("line", USAGE)
def test_what_is_not_usage_ends_with_2(run: Run, line: str) -> None:
    Path("f.toml").write_text("whole")
    run(*line.split(), exit_code=2)


def test_an_edit_that_is_misspelt_is_refused_before_anybody_is_asked(
    run: Run, asked: list[object]
) -> None:
    Path("e.toml").write_text('[[edits]]\ngrant = { rol = "clerk" }\n')
    done = run("policy", "try", "--edits", "e.toml", exit_code=1)
    assert "did you mean 'role'?" in str(done.exception)
    assert asked == []


CHECKED = """
[[rules]]
role = "immigration_enforcement"
on = ["Enrollee.ssn"]
actions = ["read"]
where = "always"
[roles.immigration_enforcement]
description = "x"
page_limit = 5
[classes]
[scopes]
"""


def test_a_file_is_checked_without_a_database(run: Run, asked: list[object]) -> None:
    seed = run("policy", "check").output
    assert seed.endswith("errors      0\n")
    Path("p.toml").write_text(CHECKED)
    found = run("policy", "check", "p.toml", exit_code=1).output
    assert found.startswith("error: order: immigration_enforcement may read Enrollee.ssn")
    told = json.loads(run("--json", "policy", "check", "p.toml", exit_code=1).output)
    assert (told["errors"], told["rules"]) == (1, 1)
    (finding,) = told["findings"]
    assert (finding["severity"], finding["coordinate"]) == ("error", "Enrollee.ssn")
    Path("p.toml").write_text(CHECKED.replace("Enrollee.ssn", "Enrollee.sns"))
    done = run("policy", "check", "p.toml", exit_code=1)
    assert "did you mean 'Enrollee.ssn'?" in str(done.exception)
    assert asked == []


CASES = """
- name: the desk looks a number up
  role: front_desk
  attributes: {county: ["06001"]}
  as_of: 2026-06-01
  row: {entity: Enrollee, home_address: {county: "06001"}}
  about: [ssn]
  allow: [{on: [ssn], actions: ["filter:eq"]}]
- name: the desk reads a number
  role: front_desk
  attributes: {county: ["06001"]}
  as_of: 2026-06-01
  row: {entity: Enrollee, home_address: {county: "06001"}}
  about: [ssn]
  allow: [{on: [ssn], actions: [read, "filter:eq"]}]
"""


def test_cases_are_run_against_the_head_or_a_file(
    run: Run, monkeypatch: pytest.MonkeyPatch, asked: list[tuple[str, dict[str, Any], Acting]]
) -> None:
    Path("t.yaml").write_text(CASES)
    Path("p.toml").write_text(SEED.read_text(encoding="utf-8"))
    told = run("policy", "cases", "t.yaml", "--policy", "p.toml", exit_code=1).output
    assert told.endswith("cases   2\nfailed  1\n")
    assert "case 'the desk reads a number': front_desk may not read Enrollee.ssn" in told
    assert asked == []

    document = text_of(load_seed_document(CATALOG))
    monkeypatch.setitem(ANSWERS, "policyVersion", {"document": document})
    head = run("--json", "policy", "cases", "t.yaml", exit_code=1).output
    assert json.loads(head)["failed"] == 1
    assert [(name, given) for name, given, _ in asked] == [
        ("policy", {}), ("policyVersion", {"number": 4}),
    ]  # fmt: skip
    Path("t.yaml").write_text(CASES.partition("- name: the desk reads")[0])
    assert run("policy", "cases", "t.yaml").output == "cases   1\nfailed  0\n"


def test_rules_are_granted_and_denied_in_a_word_after_the_edits_of_a_file(
    run: Run, asked: list[tuple[str, dict[str, Any], Acting]]
) -> None:
    Path("e.toml").write_text('[[edits]]\nremove_class = { name = "x" }\n')
    run(
        "policy", "propose", "--reason", "R", "--edits", "e.toml",
        "--deny", "clerk: name read where always",
        "--grant", "chief: Enrollee.sex,race read,filter:eq where own_county & adults",
    )  # fmt: skip
    ((_, given, _),) = asked
    chief = {"role": "chief", "on": ["Enrollee.sex", "race"], "actions": ["read", "filter:eq"],
             "where": "own_county & adults"}  # fmt: skip
    clerk = {"role": "clerk", "on": ["name"], "actions": ["read"], "where": "always"}
    assert given["edits"] == [{"removeClass": {"name": "x"}}, {"grant": chief}, {"deny": clerk}]


def test_every_edit_of_a_file_is_one_of_graphql_with_the_same_keys(run: Run) -> None:
    edit = core(full_schema()).type_map["PolicyEdit"]
    assert isinstance(edit, GraphQLInputObjectType)
    for kind, form in FORMS.items():
        ((name, keys),) = _dict(as_input({kind: dict.fromkeys(form, "")})).items()
        type_ = edit.fields[name].type
        assert isinstance(type_, GraphQLInputObjectType)
        assert _dict(keys).keys() == type_.fields.keys(), kind
        for key, field in zip(form, _dict(keys), strict=True):
            wanted = type_.fields[field].type
            wanted = wanted.of_type if isinstance(wanted, GraphQLNonNull) else wanted
            many = form[key] in (Form.TEXTS, Form.MEANINGS)
            assert isinstance(wanted, GraphQLList) is many, (kind, key)
    for number, example in enumerate(EXAMPLES):
        Path(f"{number}.toml").write_text(example)
        run("policy", "propose", "--edits", f"{number}.toml", "--reason", "R")
        assert read_edits_file(example)


def _dict(value: object) -> dict[str, Any]:
    assert isinstance(value, dict)
    return value
