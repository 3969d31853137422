"""What stands where: SQL in one package, Casbin in one module, a guard before every field."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType

from api import guard
from api.guard import Opens, UnguardedField, guard_of, guarded, record
from api.schema.build import core, full_schema
from db.catalog_records import CATALOG
from db.errors import FieldwardError

PROJECT = Path(__file__).parents[2]
ROOMS = ("api", "authz", "db")

SQL = re.compile(
    r"\b(select\s+.+\s+from|insert\s+into|update\s+\w+(\.\w+)?\s+set|delete\s+from|"
    r"left\s+join\s+lateral|order\s+by\s+\w+\.|group\s+by|where\s+[\w.\"]+\s*(=|<|>))",
    re.IGNORECASE | re.DOTALL,
)
# The maker of statements, and administration: migrations, bulk records, the embedded server, the
# demo's examples. None of these is on the way of a request.
MAY_HOLD_SQL = (
    "db/sql/", "db/migrate.py", "db/ingest/", "db/embedded.py", "db/cluster.py", "db/examples.py",
    "db/floor",
)  # fmt: skip


def sources() -> list[Path]:
    """Every module of the three rooms."""
    return [path for room in ROOMS for path in sorted((PROJECT / room).rglob("*.py"))]


def name_of(path: Path) -> str:
    """The path of a module from the project's root."""
    return path.relative_to(PROJECT).as_posix()


def strings(path: Path) -> list[str]:
    """String constants of a module, docstrings left out; f-strings with holes closed up."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    # A string on a line of its own documents the field above it.
    documented |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [v.value if isinstance(v, ast.Constant) else "x" for v in node.values]
            found.append("".join(str(part) for part in parts))
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documented
        ):
            found.append(node.value)
    return found


def test_sql_text_is_made_in_one_package() -> None:
    offenders = [
        f"{name_of(path)}: {text[:60]!r}"
        for path in sources()
        if not name_of(path).startswith(MAY_HOLD_SQL)
        for text in strings(path)
        if SQL.search(text)
    ]
    assert offenders == []


def test_casbin_is_imported_in_one_module() -> None:
    importing = {
        name_of(path)
        for path in sources()
        if re.search(r"^\s*(import casbin|from casbin)\b", path.read_text(), re.MULTILINE)
    }
    assert importing == {"authz/enforcer.py"}


def test_a_statement_is_executed_in_one_module() -> None:
    """Requests reach PostgreSQL through db/execute.py; app.py asks only whether it is there."""
    calls = re.compile(r"\.(fetch|fetchrow|fetchval|execute|executemany|cursor|copy_\w+)\(")
    calling = {
        name_of(path)
        for path in sources()
        if name_of(path).startswith("api/") and calls.search(path.read_text())
    }
    assert calling <= {"api/app.py", "api/planner.py"}
    assert '.fetchval("select 1"' in (PROJECT / "api/app.py").read_text()


def fields() -> list[tuple[str, str, Any]]:
    """Every field and input field of the whole schema."""
    return [
        (name, field_name, field)
        for name, type_ in core(full_schema()).type_map.items()
        if isinstance(type_, GraphQLObjectType | GraphQLInputObjectType) and name[:2] != "__"
        for field_name, field in type_.fields.items()
    ]


def test_every_field_of_the_schema_has_a_guard_and_a_description() -> None:
    assert len(fields()) > 400
    for type_, name, field in fields():
        assert isinstance(guard_of(field), guard.Guard), f"{type_}.{name}"
        assert field.description, f"{type_}.{name}"


def test_a_guard_that_holds_no_value_stands_only_before_shape() -> None:
    """No scalar of a record type is behind a guard that lets everybody through."""
    open_to_all = {
        f"{type_}.{name}"
        for type_, name, field in fields()
        if guard_of(field).opens is Opens.SHAPE and type_ in CATALOG.entities
    }
    assert open_to_all == set()


def test_every_coordinate_of_the_catalog_is_guarded_as_itself() -> None:
    guards = {
        guard_of(field).coordinate: f"{type_}.{name}"
        for type_, name, field in fields()
        if guard_of(field).opens in (Opens.READ, Opens.AGGREGATE)
    }
    for coordinate in set(CATALOG.fields) | set(CATALOG.links):
        assert guards[coordinate] == coordinate


def test_a_field_without_a_guard_cannot_be_declared() -> None:
    with pytest.raises(UnguardedField):

        @record("Loose", "A type with a field that nobody decides about.")
        class Loose:
            value: str


def test_a_field_cannot_be_declared_under_the_coordinate_of_another() -> None:
    with pytest.raises(UnguardedField):

        @record("Provider", "A type whose name is guarded as its NPI.")
        class Provider:
            name: Any = guarded("Provider.npi")


def test_a_coordinate_that_the_catalog_lacks_cannot_be_declared() -> None:
    with pytest.raises(KeyError):
        guarded("Enrollee.shoeSize")


def test_every_error_code_is_unique_and_documented() -> None:
    documented = (PROJECT / "docs/errors.md").read_text(encoding="utf-8")
    for code, owner in FieldwardError.codes().items():
        assert re.search(rf"^\| {code} \|", documented, re.MULTILINE), f"{code} of {owner}"
    listed = re.findall(r"^\| (FW\d+) \|", documented, re.MULTILINE)
    assert sorted(listed) == sorted(set(listed))
    assert set(listed) == set(FieldwardError.codes())


def test_an_error_without_a_code_of_its_own_cannot_be_declared() -> None:
    with pytest.raises(TypeError):
        type("Nameless", (FieldwardError,), {})
    with pytest.raises(TypeError):
        type("Copied", (FieldwardError,), {"code": "FW101", "public": "taken"})


def test_no_file_names_a_machine_or_a_registry() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout.split()
    # Written apart, so that this file does not name them either.
    hosts = ["files." + "pythonhosted", "pypi.org/" + "simple", "registry." + "npmjs"]
    named = re.compile("|".join(map(re.escape, hosts)) + r"|(?<![\w.])/(?:work|farm|root)/")
    for name in listed:
        path = PROJECT / name
        if path.is_file() and path.suffix not in {".png", ".ico", ".woff2"}:
            found = named.search(path.read_text(encoding="utf-8"))
            assert found is None, f"{name}: {found}"
