"""Changes by chance to what may be hidden from one asker. Proposals: `mutation` tries each."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from db.catalog import Cardinality
from db.catalog_records import CATALOG
from tests.interference.draft import TABLES
from tests.interference.fakes import GENERATED
from tests.oracle.seen import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.interference.draft import Draft, Edit
    from tests.interference.fakes import Fakes
    from tests.interference.sight import Open, Sight
    from tests.oracle.records import Record, Value

SPANS = tuple(name for name, table in TABLES.items() if table.dated)
BELOW_CLAIM = ("claim_diagnosis", "claim_line")
_DAYS = ("effective_date", "end_date")


@dataclass(frozen=True)
class Exposure:
    """What is open, by table: columns, and whether all rows of a person show or the current one."""

    columns: dict[str, set[str]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)

    def hidden(self, table: str) -> bool:
        """Whether nothing of a table is open."""
        return table not in self.columns and table not in self.whole


def exposure(opened: Open) -> Exposure:
    """What is open, as tables have it."""
    found = Exposure()
    for coordinates in opened.fields.values():
        for coordinate in coordinates:
            entry = CATALOG.fields[coordinate]
            table = entry.hop.target if entry.hop else CATALOG.entities[entry.entity].table
            found.columns.setdefault(table.name, set()).add(entry.column.name)
    for links in opened.links.values():
        for link in links:
            name = link.relation.target.name
            found.columns.setdefault(name, set())
            found.columns.setdefault(link.relation.source, set()).update(
                source for source, _ in link.relation.on
            )
            if link.relation.cardinality is Cardinality.MANY:
                found.whole.add(name)
    return found


@dataclass
class Edits:
    """Proposals about the records of a draft, as one asker sees them."""

    sight: Sight
    draft: Draft
    fakes: Fakes

    def _often(self, share: float) -> bool:
        return self.fakes.chance.random() < share

    def _exposure(self, row: Row) -> Exposure | None:
        """What shows of a row; None when the row does not exist for the asker."""
        opened = self.sight.open(row)
        return exposure(opened) if opened.exists else None

    def _change(
        self, record: Record, shown: Exposure | None, without: tuple[str, ...] = ()
    ) -> Edit:
        table = record.table.name
        closed = set() if shown is None else shown.columns.get(table, set())
        names = [
            name
            for name in self.fakes.columns(table)
            # The place of a claim in lists is no value: who sees the claim, sees it there.
            if name != "place"
            if name not in closed and name not in without and self._often(0.85)
        ]
        near = frozenset(source for name, source in GENERATED.items() if name in closed)
        return {(table, record.key): self.fakes.values(table, names, record.columns, near=near)}

    # People

    def of_person(self, person: Record) -> Iterator[Edit]:
        """Changes to all that is on record about a person."""
        row = Row("Enrollee", person)
        shown = self._exposure(row)
        if shown is None and self._often(0.1):
            yield self.removal(person)
            return
        change = dict(next(iter(self._change(person, shown).values())) or {})
        if "msis_identification_num" in change and self._often(0.3):
            # Somebody's own, so that it is shared.
            other = self.fakes.chance.choice(self.draft.by_table["enrollee"])
            change["msis_identification_num"] = other["msis_identification_num"]
        yield {("enrollee", person.key): change}
        for table in SPANS:
            yield from self._of_spans(table, person, shown)
        for claim in tuple(self.draft.about("claim", person)):
            yield from self._of_claim(claim)
        if self._often(0.6):
            yield self._claim(person["enrollee_id"])

    def removal(self, person: Record) -> Edit:
        """All that is on record about a person, gone."""
        rows = [row for table in TABLES for row in self._about(table, person)]
        return {(row.table.name, row.key): None for row in rows}

    def _about(self, table: str, person: Record) -> list[Record]:
        if "enrollee_id" not in TABLES[table].columns:
            return []
        return self.draft.about(table, person)

    def _of_spans(self, table: str, person: Record, shown: Exposure | None) -> Iterator[Edit]:
        hidden = shown is None or shown.hidden(table)
        whole = shown is not None and table in shown.whole
        spans = tuple(self.draft.about(table, person))
        current = self.draft.newest(spans, self.sight.seen.day)
        for span in spans:
            if hidden:
                yield {(table, span.key): None} if self._often(0.15) else self._change(span, None)
            elif whole or span is current:
                yield self._change(span, shown, () if self._often(0.1) else _DAYS)
            else:
                days = () if self._often(0.1) else _DAYS
                gone = self._often(0.2)
                yield {(table, span.key): None} if gone else self._change(span, None, days)
        if not whole and self._often(0.4):
            yield self._span(table, person, spans, aside=not hidden)

    def _span(self, table: str, person: Record, spans: tuple[Record, ...], *, aside: bool) -> Edit:
        """A row more; `aside` when it is not to be the one that holds."""
        taken = {span["span_num"] for span in spans}
        number = self.fakes.chance.choice([n for n in range(1, 60) if n not in taken])
        key = (person["enrollee_id"], number)
        days: dict[str, Any] = {}
        if aside:
            day = self.sight.seen.day
            begin = day + timedelta(days=self.fakes.chance.choice([-4000, -700, 1, 40]))
            ended = begin < day
            days = {
                "effective_date": begin,
                "end_date": self.fakes.chance.choice([begin, day - timedelta(days=1)])
                if ended
                else begin + timedelta(days=9),
            }
            if table == "immigration_determination":
                days["determined_on"] = begin
        return {(table, key): self.fakes.row(table, key, **days)}

    # Claims

    def _of_claim(self, claim: Record) -> Iterator[Edit]:
        shown = self._exposure(Row("Claim", claim))
        below = [row for table in BELOW_CLAIM for row in self._below(table, claim)]
        if shown is None and self._often(0.2):
            gone = {(row.table.name, row.key): None for row in (*below, claim)}
            yield gone if self._often(0.7) else {**gone, **self._moved(claim, below)}
            return
        yield self._change(claim, shown)
        for row in below:
            hidden = shown is None or shown.hidden(row.table.name)
            if hidden and self._often(0.2):
                yield {(row.table.name, row.key): None}
            else:
                yield self._change(row, shown)
        for table in BELOW_CLAIM:
            if (shown is None or table not in shown.whole) and self._often(0.3):
                key = (*claim.key, self.fakes.chance.randint(50, 90))
                yield {(table, key): self.fakes.row(table, key)}

    def _below(self, table: str, claim: Record) -> list[Record]:
        return [row for row in self._about(table, claim) if row["claim_id"] == claim["claim_id"]]

    def _moved(self, claim: Record, below: list[Record]) -> dict[tuple[str, Any], Any]:
        """A claim with what belongs to it, about somebody else."""
        other = self.fakes.chance.choice(self.draft.by_table["enrollee"])["enrollee_id"]
        found: dict[tuple[str, Any], Any] = {
            (row.table.name, (other, *row.key[1:])): {**row.columns, "enrollee_id": other}
            for row in (claim, *below)
        }
        # The number that the state gave is one person's.
        found["claim", (other, claim["claim_id"])]["icn_orig"] = str(self.fakes.uuid())
        return found

    def _claim(self, person: Value) -> dict[tuple[str, Any], Any]:
        key = (person, self.fakes.uuid())
        found: dict[tuple[str, Any], Any] = {("claim", key): self.fakes.row("claim", key)}
        for table in BELOW_CLAIM:
            for number in range(self.fakes.chance.randint(0, 2)):
                below = (*key, number + 1)
                found[table, below] = self.fakes.row(table, below)
        return found

    # Whoever and whatever is new

    def new_person(self) -> Edit:
        """Somebody with an address, a status, spans and claims; now and then with another's ID."""
        key = (self.fakes.uuid(),)
        row = self.fakes.row("enrollee", key)
        if self._often(0.3):
            other = self.fakes.chance.choice(self.draft.by_table["enrollee"])
            row["msis_identification_num"] = other["msis_identification_num"]
        found: dict[tuple[str, Any], Any] = {("enrollee", key): row}
        for table in SPANS:
            for number in range(self.fakes.chance.randint(0, 2)):
                below = (*key, number + 1)
                found[table, below] = self.fakes.row(table, below)
        for _ in range(self.fakes.chance.randint(0, 3)):
            found |= self._claim(key[0])
        return found

    def of_directory(self, entity: str, record: Record) -> Edit:
        """Changes to a provider or a plan, but for the number that others know it by."""
        return self._change(
            record, self._exposure(Row(entity, record)), ("npi", "state_plan_id_num")
        )

    def new_in_directory(self, table: str) -> Edit:
        """A provider or a plan more."""
        key = (self.fakes.uuid(),)
        return {(table, key): self.fakes.row(table, key)}
