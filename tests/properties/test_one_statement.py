"""An operation is one statement, and no column that is denied stands in it.

What reaches PostgreSQL is read from its own log, on a server of its own that writes every statement
down. That a denied column enters no statement at all, the compiled text shows, for every role.
"""

from __future__ import annotations

import os
import random
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.planner import plan_operation
from api.view import view_of
from authz.decision import DecisionSet, Deny, condition
from authz.packaged import load_seed
from authz.snapshot import Snapshot, take
from db.catalog import Cardinality, Field
from db.catalog_records import CATALOG
from db.embedded import EmbeddedServer
from db.predicate import And, Compare, Exists, Or, Predicate
from db.sql.pieces import Statement
from db.sql.render import render
from tests.database import seeded_template
from tests.gateway import Gateway, gateway_over
from tests.roles import asked

PEOPLE = 2_400  # of whom more than fifty are in the population
SEED = int(os.environ.get("FIELDWARD_SEED", "20260106"))
SELECTIONS = 3
ROOTS = {"Enrollee": "enrollees", "Claim": "claims", "Provider": "providers", "Plan": "plans"}
WORDS = re.compile(r"[a-z_0-9]+")
IDENTIFIERS = re.compile(r'"([^"]*)"')
CONSTANTS = re.compile(r"'([^']*)'")


# PostgreSQL's own log


@dataclass
class Log:
    """The log of a server that writes down every statement, from where it was last read."""

    path: Path
    read: int = 0

    def statements(self) -> list[str]:
        """What the gateway's sessions ran since the last look, but for looks at the head: those
        the gateway takes on its own, too, and they speak of no record."""
        with self.path.open(encoding="utf-8", errors="replace") as file:
            file.seek(self.read)
            lines = file.read()
            self.read = file.tell()
        entries = re.split(r"^<<(\w*)>>", lines, flags=re.MULTILINE)[1:]
        said = zip(entries[::2], entries[1::2], strict=True)
        ran = [
            text.partition(": ")[2].strip()
            for application, text in said
            if application == "fieldward" and re.match(r" LOG:\s+(execute|statement)", text)
        ]
        return [
            text
            for text in ran
            if not text.startswith("LISTEN")  # the follower, whenever it has connected
            and ("from fieldward.policy_head" not in text or "medicaid" in text)
        ]


@pytest.fixture(scope="module")
def talkative() -> Iterator[EmbeddedServer]:
    """A server that logs every statement, as the one on which databases are made."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as name:
        ground = Path(name)
        ground.chmod(0o755)  # so that the server's account may enter, where root runs the tests
        settings = (
            ("fsync", "off"),
            ("full_page_writes", "off"),
            ("log_statement", "all"),
            ("log_line_prefix", "<<%a>> "),
        )
        server = EmbeddedServer(ground / "server", settings=settings)
        patch.setenv("FIELDWARD_TEST_SERVER", server.start().admin)
        try:
            yield server
        finally:
            server.discard()


@pytest.fixture(scope="module")
async def watched(talkative: EmbeddedServer) -> AsyncIterator[tuple[Gateway, Log]]:
    """A gateway over a server that logs every statement, and the log."""
    async with seeded_template(PEOPLE, 7) as template, gateway_over(template) as gateway:
        yield gateway, Log(talkative.log_file)


ASKED = """
  query Client($first: Int!) {
    enrollees(first: $first) {
      nodes { dateOfBirth lastName phoneNumber ssn medicaidId race }
    }
  }
"""
DENIED_COLUMNS = ("ssn", "eligible_last_name", "race", "eligible_first_name", "ssn_last4")


async def test_a_document_with_denied_fields_is_one_statement_that_does_not_name_them(
    watched: tuple[Gateway, Log],
) -> None:
    gateway, log = watched
    await gateway.ask("immigration_enforcement", ASKED, {"first": 50})
    log.statements()

    answer = await gateway.ask("immigration_enforcement", ASKED, {"first": 50})

    rows = answer["data"]["enrollees"]["nodes"]
    assert len(rows) == 50
    assert {name for row in rows for name, value in row.items() if value is not None} == {
        "dateOfBirth", "phoneNumber", "medicaidId",
    }  # fmt: skip
    assert [error["extensions"]["coordinate"] for error in answer["errors"]] == [
        "Enrollee.lastName", "Enrollee.ssn", "Enrollee.race",
    ]  # fmt: skip
    ran = log.statements()
    assert len(ran) == 1
    said = set(WORDS.findall(ran[0].lower()))
    assert not said & {*DENIED_COLUMNS, "lastname"}
    assert {"date_of_birth", "phone_number", "msis_identification_num"} <= said


async def test_every_operation_is_one_statement_however_deep_and_wide(
    watched: tuple[Gateway, Log],
) -> None:
    gateway, log = watched
    below = "nodes { icn enrollee { id claims(first: 2) { nodes { icn provider { name } } } } }"
    query = (
        f"{{ claims(first: 3) {{ {below} pageInfo {{ endCursor }} }} viewer {{ subject }} "
        "enrollees(last: 3, orderBy: [{lastName: ASC}]) { nodes { homeAddress { zip } } } "
        'a: enrollee(medicaidId: "nobody") { id } plans { nodes { id } } }'
    )
    for role in ("program_integrity", "managed_care_plan", "eligibility_supervisor"):
        await gateway.ask(role, query)
        log.statements()
        answer = await gateway.ask(role, query)
        assert answer["data"]["enrollees"]["nodes"], role
        assert len(log.statements()) == 1


@pytest.mark.parametrize(
    "query",
    [
        '{ enrollees(where: {ssn: {eq: "000000000"}}) { nodes { dateOfBirth } } }',
        "{ enrollees(orderBy: [{dateOfBirth: ASC}]) { nodes { dateOfBirth } } }",
        "{ enrollees(first: 1000) { nodes { dateOfBirth } } }",
        '{ enrollees(after: "x") { nodes { dateOfBirth } } }',
        "{ enrollees { totalCount } }",
        "{ claims { nodes { icn } } }",
        "{ enrollees { nodes { nobody } } }",
        "query($d: Date!) { enrollees(where: {dateOfBirth: {eq: $d}}) { nodes { dateOfBirth } } }",
    ],
)
async def test_what_is_refused_never_reaches_the_records(
    query: str, watched: tuple[Gateway, Log]
) -> None:
    gateway, log = watched
    await gateway.ask("immigration_enforcement", "{ __typename }")
    log.statements()
    answer = await gateway.ask("immigration_enforcement", query)
    ran = log.statements()
    assert answer["errors"]
    # A denied count is null beside rows that are shown; all else runs nothing.
    assert ("totalCount" in query and "count(" not in ran[0]) if ran else True
    assert len(ran) == (1 if query == "{ enrollees { totalCount } }" else 0)


# Compiled text


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return take(*load_seed(CATALOG), datetime.now(UTC))


def _selection(entity: str, depth: int, rng: random.Random | None = None) -> str:
    """Some fields of an entity and some of what it leads to; all of both without a `rng`."""
    entries = CATALOG.fields_of(entity)
    size = rng.randint(1, len(entries)) if rng else len(entries)
    fields = [entry.name for entry in (rng.sample(entries, size) if rng else entries)]
    for link in CATALOG.links_of(entity) if depth else ():
        if rng is None or rng.random() < 0.7:
            below = _selection(link.target, depth - 1, rng)
            many = link.relation.cardinality is Cardinality.MANY
            body = f"(first: 2) {{ totalCount nodes {{ {below} }} }}" if many else f" {{ {below} }}"
            fields.append(f"{link.name}{body}")
    return " ".join(fields)


def _compiled(decisions: DecisionSet, query: str) -> Statement:
    operation, given = asked(query, schema=view_of(decisions))
    return render(plan_operation(operation, decisions, given).plan)


def _column(entry: Field) -> str:
    table = entry.hop.target if entry.hop else CATALOG.entities[entry.entity].table
    return f"{table.name}.{entry.column.name}"


def _spoken(predicate: Predicate, table: str) -> Iterator[str]:
    """The columns that a condition of policy reads, as table.column."""
    match predicate:
        case Compare(ref, _, _, permit):
            yield f"{ref.hop.target.name if ref.hop else table}.{ref.column.name}"
            yield from _spoken(permit, table)
        case Exists(relation, where, _, permit, _, scope):
            yield from _spoken(where, relation.target.name)
            yield from _spoken(scope, relation.target.name)
            yield from _spoken(permit, table)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _spoken(part, table)
        case _:
            return


def _structure() -> set[str]:
    """Keys, what relations join by, and the days of dated rows: what no answer shows."""
    found: set[str] = set()
    relations = [r for each in CATALOG.relations.values() for r in each.values()]
    for table in [e.table for e in CATALOG.entities.values()] + [r.target for r in relations]:
        found |= {f"{table.name}.{name}" for name in table.key}
        if table.dated:
            found |= {f"{table.name}.effective_date", f"{table.name}.end_date"}
    for relation in relations:
        for source, target in relation.on:
            found |= {f"{relation.source}.{source}", f"{relation.target.name}.{target}"}
    return found


def _denied(decisions: DecisionSet) -> set[str]:
    """The columns that only denied coordinates are about, and no row scope."""
    open_: set[str] = set()
    closed: set[str] = set()
    for coordinate, entry in CATALOG.fields.items():
        denied = isinstance(decisions.decide(coordinate, "read"), Deny)
        (closed if denied else open_).add(_column(entry))
    for (coordinate, action), decision in decisions.table.items():
        if action == "read" and coordinate in CATALOG.coordinates:
            anchor = CATALOG.entity_of(coordinate).anchor
            open_ |= set(_spoken(condition(decision), CATALOG.entities[anchor].table.name))
    return closed - open_ - _structure()


@pytest.mark.parametrize("root", ROOTS)
def test_no_role_has_a_statement_with_a_column_that_it_may_not_read(
    root: str, snapshot: Snapshot
) -> None:
    rng = random.Random(SEED)
    selections = [_selection(root, 2), *(_selection(root, 2, rng) for _ in range(SELECTIONS))]
    for role in sorted(snapshot.roles):
        decisions = snapshot.decisions(role)
        denied = _denied(decisions)
        # Two tables may have columns of one name, of which the role may read one.
        open_names = {name.partition(".")[2] for name in _structure() | _all_columns() - denied}
        closed_names = {name.partition(".")[2] for name in denied} - open_names
        closed_fields = _closed_fields(decisions)
        for selection in selections:
            query = f"{{ {ROOTS[root]}(first: 2) {{ edges {{ cursor node {{ {selection} }} }} }} }}"
            statement = _compiled(decisions, query)
            assert not statement.columns & denied, (role, statement.columns & denied)
            named = set(IDENTIFIERS.findall(statement.text)) & closed_names
            assert not named, (role, named)
            keys = set(CONSTANTS.findall(statement.text)) & closed_fields
            assert not keys, (role, keys)


def _closed_fields(decisions: DecisionSet) -> set[str]:
    """Names that fields have which the role may not read, and none that it may."""
    readable: dict[bool, set[str]] = {True: set(), False: set()}
    for coordinate in (*CATALOG.fields, *CATALOG.links):
        open_ = not isinstance(decisions.decide(coordinate, "read"), Deny)
        readable[open_].add(coordinate.partition(".")[2])
    return readable[False] - readable[True]


def _all_columns() -> set[str]:
    return {_column(entry) for entry in CATALOG.fields.values()}


def test_the_capped_role_is_denied_columns_that_statements_would_name(snapshot: Snapshot) -> None:
    denied = _denied(snapshot.decisions("immigration_enforcement"))
    assert {"variable_demographics.ssn", "enrollee.eligible_last_name", "race.race"} <= denied
    assert len(denied) > 60
