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
    r"""
    \A(?=.*\bselect\b).*\bfrom\b | \bselect\s+(?:\*|\d|"|\w+\s*\(|\w+\.\w)
  | \binsert\s+into\b | \bdelete\s+from\b | \bmerge\s+into\b | \btruncate\b
  | \bupdate\s+[\w."]+\s+set\b | \bwith\s+\w+\s+as\s*\( | ^\s*values\s*\(
  | ^\s*table\s+\w | ^\s*(?:copy|call|listen|lock|explain|declare|do)\s+[\w$"(]
  | \b(?:create|alter|drop)\s+(?:or\s+replace\s+)?
    (?:table|role|policy|view|function|index|schema|database|trigger|default)\b
  | \b(?:grant|revoke)\b.*\bon\b | \bset_config\b
  | \b(?:set|reset)\s+(?:local\s+|session\s+)?(?:role|authorization|search_path)\b
  | \border\s+by\b | \bgroup\s+by\b | \bjoin\s+lateral\b | \bunion\s+all\b | \blimit\s+[\d$]
  | \b(?:left|inner|cross|full)\s+(?:outer\s+)?join\b | \bexists\s*\( | =\s*(?:any|all)\s*\(
  | \bis\s+(?:not\s+)?null\b | \bnot\s+in\s*\( | \bwhere\s+[\w."]+\s*(?:=|<|>|in\b|like\b)
  | \$[1-9] | =\s*\$x\b | ::[a-z] | \b(?:medicaid|pg_catalog|information_schema)\.\w
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
# The maker of statements, and administration: migrations, bulk records, the embedded server, the
# demo's examples. None of these is on the way of a request.
MAY_HOLD_SQL = (
    "db/sql/", "db/migrate.py", "db/ingest/", "db/embedded.py", "db/cluster.py", "db/examples.py",
    "db/floor", "db/head.py", "db/capacity.py", "db/changes.py", "db/versions.py", "db/workers.py",
    "db/operations.py",
)  # fmt: skip


def sources() -> list[Path]:
    """Every module of the three rooms."""
    return [path for room in ROOMS for path in sorted((PROJECT / room).rglob("*.py"))]


def name_of(path: Path) -> str:
    """The path of a module from the project's root."""
    return path.relative_to(PROJECT).as_posix()


def strings(source: str) -> list[str]:
    """The text in each statement of a module, docstrings left out: all its strings, joined.

    Joined, so that pieces that are put together are seen together; the holes of an f-string are x.
    """
    tree = ast.parse(source)
    # A string on a line of its own documents the module, class, function or field around it.
    documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}

    def pieces(node: ast.AST) -> list[str]:
        match node:
            case _ if id(node) in documented and isinstance(node, ast.Constant):
                return []
            case ast.JoinedStr(values):
                text = "".join(str(v.value) if isinstance(v, ast.Constant) else "x" for v in values)
                holes = [v for v in values if not isinstance(v, ast.Constant)]
                return [text, *(piece for hole in holes for piece in pieces(hole))]
            case ast.Constant(str() as text):
                return [text]
            case ast.Constant(bytes() as text):
                return [text.decode("latin-1")]
            case ast.stmt() if hasattr(node, "body"):
                return []  # each statement of its body for itself
            case _:
                return [p for child in ast.iter_child_nodes(node) for p in pieces(child)]

    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            parts = [node] if not hasattr(node, "body") else list(ast.iter_child_nodes(node))
            found += [
                " ".join(pieces(p)) for p in parts if p is node or not isinstance(p, ast.stmt)
            ]
    return found


EVASIONS = {
    "plain": "x = 'select a from b'",
    "nothing selected": "x = 'exists (select from claim)'",
    "pieces": "x = 'select ' + ', '.join(columns) + ' from ' + table",
    "list of pieces": "x = ' '.join(['select', a, 'from', b])",
    "f-string": "x = f'select {a} from {b}'",
    "hole in a hole": "x = f'{f\"select {a} from b\"}'",
    "format": "x = '{} {} from {}'.format('select', a, b)",
    "percent": "x = 'select %s from %s' % (a, b)",
    "bytes": "x = b'select a from b'",
    "lines": "x = 'select\\n a\\nfrom\\n b'",
    "capitals": "x = 'SELECT A FROM B'",
    "argument": "await connection.fetchrow('select now()')",
    "default": "def f(text='select 1'): pass",
    "keyword": "f(text='table claim')",
    "in a test": "if f('select version()'): pass",
    "in a loop": "for row in f('select 1'): pass",
    "with": "with f('select 1'): pass",
    "returned": "def f():\n  return 'delete from claim'",
    "class": "class C:\n  x: str = 'update claim set a = 1'",
    "decorator": "@f('select 1')\ndef g(): pass",
    "condition": "x = f'{a} is not null'",
    "parameter": "x = f'{a} = $1'",
    "parameter by number": "x = f'{a} = ${n}'",
    "cast": "x = f'{a}::text'",
    "order": "x = f' order by {a} desc'",
    "table": "x = f'medicaid.{name}'",
    "another role": "x = f'set local role {name}'",
    "grant": "x = f'grant select on {name} to {role}'",
    "common table": "x = 'with p as (' + inner + ')'",
    "copy": "x = 'copy claim to stdout'",
    "match": "match f('select 1'):\n  case _: pass",
    "lambda": "x = lambda: 'select 1'",
    "comprehension": "x = [f'select {a} from b' for a in c]",
}


@pytest.mark.parametrize("evasion", EVASIONS)
def test_sql_text_is_seen_however_it_is_put_together(evasion: str) -> None:
    assert any(SQL.search(text) for text in strings(EVASIONS[evasion]))


def test_sql_text_is_made_in_one_package() -> None:
    offenders = [
        f"{name_of(path)}: {found.group()[:60]!r}"
        for path in sources()
        if not name_of(path).startswith(MAY_HOLD_SQL)
        for text in strings(path.read_text(encoding="utf-8"))
        if (found := SQL.search(text))
        and (name_of(path), text) != ("api/app.py", "select 1")  # whether the database is there
    ]
    assert offenders == []


def test_a_statement_is_made_in_one_package() -> None:
    """Whoever holds text still needs a Statement to have it executed."""
    making = {
        name_of(path)
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name | ast.Attribute)
        and (node.func.id if isinstance(node.func, ast.Name) else node.func.attr) == "Statement"
    }
    assert making == {"db/sql/render.py"}


def test_sql_files_are_migrations() -> None:
    found = {name_of(path) for room in ROOMS for path in (PROJECT / room).rglob("*.sql")}
    assert found
    assert all(name.startswith("db/migrations/") for name in found)


def test_casbin_is_imported_in_one_module() -> None:
    importing = {
        name_of(path)
        for path in sources()
        if re.search(r"^\s*(import casbin|from casbin)\b", path.read_text(), re.MULTILINE)
    }
    assert importing == {"authz/enforcer.py"}


EXECUTING = {
    "fetch", "fetchrow", "fetchval", "fetchmany", "execute", "executemany", "prepare",
    "copy_from_query", "copy_from_table", "copy_to_table", "copy_records_to_table",
}  # fmt: skip


def executing(source: str) -> set[str]:
    """What a module names that has PostgreSQL execute something, called or not."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(_, name) if name in EXECUTING:
                found.add(name)
            case ast.Call(ast.Name("getattr"), [_, ast.Constant(str() as name), *_]):
                found |= {name} & EXECUTING
            case _:
                pass
    return found


def test_a_statement_is_executed_in_one_module() -> None:
    """Requests reach PostgreSQL through db/execute.py; app.py asks only whether it is there."""
    naming = {
        name_of(path): found
        for path in sources()
        if name_of(path).startswith(("api/", "authz/"))
        and (found := executing(path.read_text(encoding="utf-8")))
    }
    assert naming == {"api/app.py": {"fetchval"}}
    assert '.fetchval("select 1"' in (PROJECT / "api/app.py").read_text(encoding="utf-8")
    for evasion in ("f = c.fetch", "getattr(c, 'fetch')(t)", "await c.prepare(t)"):
        assert executing(evasion)


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
