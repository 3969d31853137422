"""Records of which one asker sees the same, and otherwise as much as possible is different.

Each proposal is tried: what the asker would notice is taken back, in ever smaller pieces.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from db.catalog_records import CATALOG
from tests.interference.draft import TABLES, Draft
from tests.interference.edits import Edits
from tests.interference.fakes import Fakes, sound
from tests.interference.sight import Sight
from tests.oracle.seen import Seen

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping
    from datetime import date

    from tests.interference.draft import Cell, Edit
    from tests.interference.sight import Place
    from tests.oracle.asker import Asker
    from tests.oracle.authority import Authority
    from tests.oracle.records import Records, Value

_NEW_PEOPLE = 12
_NEW_IN_DIRECTORY = 3
_NUMBERED = {"Provider": ("provider", "npi"), "Plan": ("managed_care_plan", "state_plan_id_num")}


@dataclass(frozen=True)
class Changed:
    """How much is different: cells of rows that stayed, rows that came, rows that went."""

    cells: int
    come: int
    gone: int


@dataclass
class Mutation:
    """A draft in the making, and what its asker saw of the records before."""

    draft: Draft
    sight: Sight
    before: Mapping[Place, Value]
    refused: int = field(default=0)
    """How many proposals the asker would have noticed."""

    def keep(self, edits: list[Edit]) -> None:
        """Makes those of the edits that the asker cannot see."""
        places = self._places(edits)
        undo = [self.draft.apply(edit) for edit in edits]
        places |= self._places(edits)
        self._forget(places)
        if self._sound(edits) and all(self._now(p) == self.before.get(p) for p in places):
            return
        for undone in reversed(undo):
            self.draft.apply(undone)
        self._forget(places)
        halves = _halves(edits)
        if len(halves) == 1:
            self.refused += 1
            return
        for half in halves:
            self.keep(half)

    def _forget(self, places: Iterable[Place]) -> None:
        for entity, key in places:
            record = self.draft.at.get((CATALOG.entities[entity].table.name, key))
            if record is not None:
                self.sight.seen.forget(record)

    def _sound(self, edits: Iterable[Edit]) -> bool:
        cells = {cell for edit in edits for cell in edit if cell in self.draft.at}
        return all(sound(cell[0], self.draft.at[cell].columns) for cell in cells)

    def _now(self, place: Place) -> Value:
        entity, key = place
        record = self.draft.at.get((CATALOG.entities[entity].table.name, key))
        return None if record is None else self.sight.of(entity, record)

    def _places(self, edits: Iterable[Edit]) -> set[Place]:
        """Wherever the asker could notice an edit: the people whom it is about, who share their
        Medicaid ID, their claims, and the providers and plans of these."""
        cells = {cell for edit in edits for cell in edit}
        found: set[Place] = set()
        people: set[Value] = set()
        for table, key in cells:
            for entity, (name, _) in _NUMBERED.items():
                if table == name:
                    found.add((entity, key))
            if table not in ("provider", "managed_care_plan"):
                people.add(key[0])
            if table == "enrollee" and (table, key) in self.draft.at:
                number = self.draft.at[table, key]["msis_identification_num"]
                shared = self.draft.by("enrollee", "msis_identification_num", number)
                people |= {row["enrollee_id"] for row in shared}
        for person in people:
            found |= self._of_person(person)
        return found

    def _of_person(self, person: Value) -> set[Place]:
        found: set[Place] = {("Enrollee", (person,))}
        record = self.draft.at.get(("enrollee", (person,)))
        if record is None:
            return found
        numbers: set[tuple[str, Value]] = set()
        for claim in self.draft.about("claim", record):
            found.add(("Claim", claim.key))
            numbers |= {
                ("Provider", claim["billing_prov_npi_num"]),
                ("Plan", claim["plan_id_number"]),
            }
        for span in self.draft.about("managed_care_participation", record):
            numbers.add(("Plan", span["managed_care_plan_id"]))
        for entity, number in numbers:
            table, column = _NUMBERED[entity]
            found |= {(entity, row.key) for row in self.draft.by(table, column, number)}
        return found


def mutate(
    records: Records,
    authority: Authority,
    asker: Asker,
    day: date,
    shape: Mapping[str, Mapping[str, bool]],
    chance: random.Random,
) -> Mutation:
    """Records that look the same to an asker on a day."""
    draft = Draft(records)
    sight = Sight(Seen(draft, authority, asker, day))
    fakes = Fakes(chance, shape, draft)
    edits = Edits(sight, draft, fakes)
    mutation = Mutation(draft, sight, sight.whole())
    for entity, (table, _) in _NUMBERED.items():
        for _ in range(_NEW_IN_DIRECTORY):
            mutation.keep([edits.new_in_directory(table)])
        for record in tuple(draft.by_table[table]):
            mutation.keep([edits.of_directory(entity, record)])
    for person in tuple(draft.by_table["enrollee"]):
        # Somebody else's edit may have been about the same person.
        mutation.keep(list(edits.of_person(draft.at["enrollee", person.key])))
    for _ in range(_NEW_PEOPLE):
        mutation.keep([edits.new_person()])
    return mutation


def changed(before: Mapping[Cell, Value], after: Mapping[Cell, Value]) -> Changed:
    """How two sets of rows by table and key differ."""
    cells = sum(
        value != after[cell].columns[name]
        for cell, row in before.items()
        if cell in after
        for name, value in row.columns.items()
    )
    return Changed(cells, len(after.keys() - before.keys()), len(before.keys() - after.keys()))


def _halves(edits: list[Edit]) -> list[list[Edit]]:
    """Two halves of these edits, or of the columns of the only one; itself where there are none."""
    if len(edits) > 1:
        middle = len(edits) // 2
        return [edits[:middle], edits[middle:]]
    (edit,) = edits
    if len(edit) == 1:
        ((cell, change),) = edit.items()
        if change is not None and len(change) > 1 and not _is_row(cell, change):
            names = list(change)
            middle = len(names) // 2
            return [
                [{cell: {name: change[name] for name in part}}]
                for part in (names[:middle], names[middle:])
            ]
    return [edits]


def _is_row(cell: Cell, change: Mapping[str, Value]) -> bool:
    """Whether a change is a whole new row, which its key tells."""
    table, _ = cell
    return TABLES[table].key[0] in change
