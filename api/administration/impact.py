"""How many people a change of policy brings into reach, and takes out of it. Rounded, always.

A change set is no oracle: what it says of people is 0 or 11 and more, and a row scope cannot ask
who somebody is. Who counts is a login of its own (db/floor.py), which may read no such column.

An attribute of a principal stands for any value: somebody of the role could have it
(authz/diff/reach.py). So what is counted is nobody's reach, but of whom somebody gets a row that
he did not have.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from authz.diff.reach import entering, leaving
from db.catalog_records import CATALOG
from db.errors import PrivilegeMissing, StatementTimeout
from db.execute import Inputs, execute
from db.floor import REACH
from db.plan import Plan, Reach
from db.predicate import Never
from db.sql.render import render

if TYPE_CHECKING:
    from datetime import datetime

    from authz.diff.difference import Diff
    from authz.snapshot import Snapshot
    from db.pools import Pools

FEWEST: Final = 11
"""The fewest people that a number tells from nobody."""
MOST_COUNTS: Final = 24
"""Different numbers that are looked up for one change of policy."""
MOST_SECONDS: Final = 5.0
"""Until a count is given up."""
MOST_SECONDS_IN_ALL: Final = 20.0


@dataclass(frozen=True, slots=True)
class Impact:
    """People who come into reach and who leave it, rounded; None for what was not counted."""

    entering: int | None
    leaving: int | None

    @property
    def people(self) -> int | None:
        """Both together, of what is shown of each."""
        if self.entering is None or self.leaving is None:
            return None
        return rounded(self.entering + self.leaving)


def rounded(people: int) -> int:
    """0 for fewer than FEWEST, and else at least FEWEST, to the nearest ten and to two digits.

    One person alone is no number: a scope that fits a single person would tell of it.
    """
    step = max(10, 10 ** (len(str(people)) - 2))
    return 0 if people < FEWEST else max(FEWEST, (people + step // 2) // step * step)


async def people(
    pools: Pools, diff: Diff, snapshot: Snapshot, as_of: datetime
) -> list[Impact | None]:
    """For each change of access, in its order: whom it is about. None where it opens and closes no
    record that is about people, or is no change of what is read.

    `snapshot` is the head's. What takes too long, or comes after MOST_COUNTS others, is not
    counted. Raises StalePolicy, StatementFailed and DatabaseUnavailable as any statement does.
    """
    counts = _Counts(pools, snapshot.number, as_of)
    found: list[Impact | None] = []
    for change in diff.access:
        comes, goes = entering(change), leaving(change)
        if comes is None or goes is None or change.anchor is None:
            found.append(None)
        else:
            table = CATALOG.entities[change.anchor].table
            gained = await counts.of(Reach(table, comes))
            found.append(Impact(gained, await counts.of(Reach(table, goes))))
    return found


class _Counts:
    """The numbers of one change of policy: each is looked up once, one after the other."""

    def __init__(self, pools: Pools, number: int, as_of: datetime) -> None:
        self._pools = pools
        self._inputs = Inputs((), {}, as_of.date(), "", number)
        self._until = asyncio.get_running_loop().time() + MOST_SECONDS_IN_ALL
        self._known: dict[Reach, int | None] = {}

    async def of(self, reach: Reach) -> int | None:
        if isinstance(reach.rows, Never):
            return 0
        if reach not in self._known:
            late = asyncio.get_running_loop().time() >= self._until
            if len(self._known) == MOST_COUNTS or late:
                return None
            self._known[reach] = await self._count(reach)
        return self._known[reach]

    async def _count(self, reach: Reach) -> int | None:
        statement = render(Plan((reach,)))
        try:
            async with asyncio.timeout(MOST_SECONDS):
                (found,) = await execute(self._pools, REACH, statement, self._inputs)
        except (TimeoutError, StatementTimeout, PrivilegeMissing):
            # What it may not read is in no row scope that is checked; it is counted for nobody.
            return None
        assert isinstance(found, bytes)  # noqa: S101 - the statement makes it JSON
        return rounded(int(found))
