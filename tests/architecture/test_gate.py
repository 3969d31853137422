"""One gate: no other code can put a column or a relation into a plan."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from api.gate import Gate, Reached, Way
from api.planner import plan_operation
from authz import questions
from authz.decision import Allow, AllowWhere, Decision, DecisionSet, DenialMode, row_scopes
from authz.packaged import load_seed
from db import plan as plans
from db import predicate as predicates
from db.catalog import Relation
from db.catalog_records import CATALOG
from db.predicate import Compare, Literal, Operator, Ref
from tests.roles import asked

PROJECT = Path(__file__).parents[2]
GATE = "api/gate.py"


def modules() -> dict[str, ast.Module]:
    """Every module on the way from an operation to a plan: all of api but the schema's types."""
    return {
        path.relative_to(PROJECT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((PROJECT / "api").rglob("*.py"))
        if "api/schema/" not in path.as_posix() and "api/cli/" not in path.as_posix()
    }


def test_a_reference_is_made_in_the_gate_alone() -> None:
    making = {
        name
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Ref"
    }
    assert making == {GATE}


def test_the_catalog_is_opened_for_columns_and_relations_in_the_gate_alone() -> None:
    """`CATALOG.fields` and `.links` may be asked whether they hold a name, and no more."""
    opening = set()
    for name, tree in modules().items():
        asked = {
            id(comparison)
            for node in ast.walk(tree)
            if isinstance(node, ast.Compare)
            for comparison in node.comparators
        }
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in ("fields", "links", "relations")
                and isinstance(node.value, ast.Name)
                and node.value.id == "CATALOG"
                and id(node) not in asked
            ):
                opening.add(name)
    # The view asks which operators a column has, and the guard which type; neither makes a plan.
    assert opening == {GATE, "api/view.py", "api/guard.py"}


def test_decisions_are_made_up_in_one_module_which_hands_out_demands_alone() -> None:
    """What opens everything, to learn what an operation asks for, is in no plan that runs."""
    making = {
        name
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) == "DecisionSet"
    }
    assert making == {"api/whole.py"}
    tree = modules()["api/whole.py"]
    public = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"
    ]
    returned = [ast.unparse(node.returns) for node in public if node.returns is not None]
    assert returned == ["tuple[Demand, ...]"]
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any(str(name).startswith("db.sql") for name in names)
    taking = {
        (name, alias.name)
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "api.whole"
        for alias in node.names
    }
    assert taking == {("api/compiler.py", "demands_of")}


def found(part: object, kind: type) -> list[object]:
    """Everything of a kind within a plan."""
    if isinstance(part, kind):
        return [part]
    if isinstance(part, tuple):
        return [each for item in part for each in found(item, kind)]
    if type(part).__module__ in (plans.__name__, predicates.__name__):
        names = getattr(part, "__dataclass_fields__", {})
        return [each for name in names for each in found(getattr(part, name), kind)]
    return []


DOCUMENT = """{
  enrollees(
    where: { or: [
      { dateOfBirth: { gte: "1990-01-01" } }, { homeAddress: { state: { eq: CA } } },
      { claims: { some: { kind: { eq: INPATIENT }, provider: { state: { eq: CA } } } } }
    ] }
    orderBy: [{ lastName: ASC }, { homeAddress: { city: DESC } }]
    first: 3
  ) {
    totalCount
    edges { cursor node { medicaidId ssnLast4 citizenship homeAddress { city zip }
      claims(first: 3, orderBy: [{ enrollee: { lastName: ASC } }]) {
        nodes { icn paidAmount enrollee { firstName }
          lines(first: 3) { nodes { procedureCode } } } } } }
  }
}"""


ATTRIBUTE = Compare(Ref(CATALOG.fields["Enrollee.sex"].column), Operator.EQ, Literal("F"))


def everything() -> DecisionSet:
    """Decisions that allow everything, some of it on some rows."""
    policy = load_seed(CATALOG)[0]
    table: dict[tuple[str, str], Decision] = {
        (coordinate, action): Allow()
        for coordinate in questions.coordinates(policy.catalog)
        for action in questions.actions(policy.catalog, coordinate)
    }
    table["Enrollee.citizenship", "read"] = AllowWhere(ATTRIBUTE)
    scopes = row_scopes(policy.catalog, table)
    return DecisionSet("all", "1", table, 100, DenialMode.NULL, scopes)


def test_a_plan_holds_what_the_gate_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[object] = []
    reference, keys = Gate.reference, Gate.keys

    def watched(self: Gate, *asked: Any) -> object:  # noqa: ANN401 - passed on as it came
        made = reference(self, *asked)
        match made:
            case Reached(ref):
                handed.append(ref)
            case Way(relation):
                handed.append(relation)
        return made

    def watched_keys(self: Gate, entity: Any) -> object:  # noqa: ANN401 - as above
        made = keys(self, entity)
        handed.extend(made)
        return made

    monkeypatch.setattr(Gate, "reference", watched)
    monkeypatch.setattr(Gate, "keys", watched_keys)
    operation, given = asked(DOCUMENT)
    plan = plan_operation(operation, everything(), given).plan
    refs = found(plan, Ref)
    assert len(refs) > 20
    assert set(refs) - set(handed) == {ATTRIBUTE.ref}
    hops = [ref.hop for ref in refs if isinstance(ref, Ref) and ref.hop is not None]
    assert set(found(plan, Relation)) - set(hops) <= set(handed)
    assert len(found(plan, Relation)) > 8
