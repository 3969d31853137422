"""Tests of a policy as YAML, and as tables in a stored version, and back. Decides nothing.

- name: the front desk in its own county
  role: front_desk
  attributes: {county: ["06001"]}     may be left out, as may all below but `allow`
  as_of: 2026-06-01                   a day, or an instant with its offset
  row: {entity: Enrollee, home_address: {county: "06001"}}
  about: [name, ssn]                  coordinates, classes; all that the row has without it
  allow: [{on: [name], actions: [read]}]

`strict_yaml` says what is read as text.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from authz import questions
from authz.case import Case
from authz.errors import AttributeInvalid, CaseInvalid, RowInvalid
from authz.near import unknown
from authz.principal import ATTRIBUTES, Attributes, is_line, read_attributes
from authz.strict_table import StrictTable
from authz.strict_yaml import loaded, written
from authz.synthetic import read_row, written_row
from authz.wildcards import wildcards, within

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from authz.policy import PolicySet
    from db.catalog import Catalog

_NAME: Final = 120


def read_cases(catalog: Catalog, policy: PolicySet, text: str) -> tuple[Case, ...]:
    """The tests that a YAML text says, as `parse_cases` has them. Raises CaseInvalid also for what
    a test cannot mean in the policy."""
    found = parse_cases(catalog, text)
    for case in found:
        check_case(policy, case)
    return found


def parse_cases(catalog: Catalog, text: str) -> tuple[Case, ...]:
    """The tests that a YAML text says, one or a list, in its order, held against no policy. Raises
    CaseInvalid for whatever it does not know."""
    given = loaded(text, CaseInvalid)
    found = []
    for number, item in enumerate(given if isinstance(given, list) else [given], 1):
        table = StrictTable(item, f"case {number}", CaseInvalid)
        name = table.text("name")
        found.append(_case(catalog, name, table))
    _once(case.name for case in found)
    return tuple(found)


def cases_of(catalog: Catalog, policy: PolicySet, table: StrictTable) -> tuple[Case, ...]:
    """The tests that a stored table names, by name. Raises as `read_cases`, or the error of the
    table."""
    found = tuple(_case(catalog, name, table.table(name)) for name in sorted(table.names()))
    for case in found:
        check_case(policy, case)
    return found


def case_facts(case: Case) -> dict[str, object]:
    """What `cases_of` reads under the name of a test, in values that JSON has."""
    facts: dict[str, object] = {
        "role": case.role,
        "attributes": {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in case.attributes.items()
        },
        "as_of": case.as_of.isoformat(),
        "row": None if case.row is None else written_row(case.row),
        "about": sorted(case.about),
    }
    allowed: dict[str, list[str]] = {}
    for name, action in sorted(case.allow):
        allowed.setdefault(action, []).append(name)
    said = {name: value for name, value in facts.items() if value}
    return said | {"allow": [{"on": on, "actions": [each]} for each, on in allowed.items()]}


def cases_text(cases: Iterable[Case]) -> str:
    """Tests as YAML that `read_cases` reads as these."""
    listed = [{"name": case.name} | case_facts(case) for case in cases]
    return written(listed)


def check_case(policy: PolicySet, case: Case) -> None:
    """Raises CaseInvalid where a test has no meaning in a policy, as it has none any more when an
    edit takes away a role or a class that it names."""
    where = f"case '{case.name}'"
    if case.role not in policy.roles:
        raise CaseInvalid(f"{where}: {unknown('role', case.role, policy.roles)}")
    catalog = policy.catalog
    known = questions.coordinates(catalog) | policy.classes.keys() | wildcards(catalog).keys()
    for name in sorted(case.about | {name for name, _ in case.allow}):
        if name not in known:
            raise CaseInvalid(f"{where}: {unknown('coordinate or class', name, known)}")
        if not _about_row(policy, case, name):
            row = "no row" if case.row is None else case.row.entity
            raise CaseInvalid(f"{where}: nothing in '{name}' is about {row}")
    asked = coordinates(policy, case)
    for name, action in sorted(case.allow):
        meant = _about_row(policy, case, name)
        if not meant <= asked:
            raise CaseInvalid(f"{where}: allows '{name}', and is not about all of it")
        if not any(action in questions.actions(catalog, each) for each in meant):
            offered = frozenset[str]().union(*(questions.actions(catalog, each) for each in meant))
            raise CaseInvalid(f"{where}: '{name}': {unknown('action', action, offered)}")


def coordinates(policy: PolicySet, case: Case) -> frozenset[str]:
    """The coordinates that a test is about."""
    names = case.about or policy.anchors.keys()
    return frozenset[str]().union(*(_about_row(policy, case, name) for name in names))


def expected(policy: PolicySet, case: Case) -> frozenset[tuple[str, str]]:
    """The coordinates and actions that a test expects to be allowed, each operator by itself."""
    return frozenset(
        (coordinate, asked)
        for name, action in case.allow
        for coordinate in _about_row(policy, case, name)
        for asked in questions.actions(policy.catalog, coordinate)
        if action in (asked, questions.parent(asked))
    )


def _about_row(policy: PolicySet, case: Case, name: str) -> frozenset[str]:
    anchor = None if case.row is None else case.row.entity
    named = {name} if name in policy.anchors else within(policy.catalog, policy.classes, name)
    return frozenset(each for each in named if policy.anchors[each] == anchor)


def _case(catalog: Catalog, name: str, table: StrictTable) -> Case:
    if not is_line(name, _NAME):
        raise table.wrong(f"'name' is not one line of at most {_NAME} characters")
    table.where = f"case '{name}'"
    try:
        row = read_row(catalog, _mapping(table, "row")) if table.has("row") else None
        attributes = _attributes(table)
    except (AttributeInvalid, RowInvalid) as error:
        raise table.wrong(error.detail) from error
    allow = frozenset(
        (target, action) for line in table.tables("allow") for target, action in _lines(line)
    )
    found = Case(
        name,
        table.text("role"),
        attributes,
        _instant(table),
        row,
        frozenset(table.texts("about") if table.has("about") else ()),
        allow,
    )
    table.done()
    return found


def _lines(table: StrictTable) -> list[tuple[str, str]]:
    on, actions = table.texts("on"), table.texts("actions")
    table.done()
    if not on or not actions:
        raise table.wrong("on nothing, or no action: it would say nothing")
    return [(target, action) for target in on for action in actions]


def _attributes(table: StrictTable) -> Attributes:
    given = _mapping(table, "attributes") if table.has("attributes") else {}
    for name in given.keys() - ATTRIBUTES.keys():
        raise table.wrong(unknown("attribute", name, ATTRIBUTES))
    return read_attributes(given)


def _mapping(table: StrictTable, key: str) -> Mapping[str, object]:
    given = table.value(key)
    if not isinstance(given, dict):
        raise table.wrong(f"'{key}' is not a table")
    return given


def _instant(table: StrictTable) -> datetime:
    given = table.value("as_of")
    try:
        at = datetime.fromisoformat(given) if isinstance(given, str) else None
        if at is not None and at.tzinfo is None and len(str(given)) == len("2026-01-06"):
            at = at.replace(tzinfo=UTC)
        if at is not None and at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise table.wrong("'as_of' is neither a day nor an instant with its offset")


def _once(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise CaseInvalid(f"case '{name}' twice")
        seen.add(name)
