"""What is hidden has no influence: two databases of which an asker may see the same answer alike.

Of each asker's records there are two copies. In the second, whatever this asker may not read,
filter by, sort by or count, and what its row scopes do not rest on, is changed by chance: values,
rows outside the scope, dates of what is past, other people's Medicaid IDs. That the sight of the
asker is the same is worked out anew from what the second database holds. Then operations are sent
to both: status, headers and bytes are equal.

FIELDWARD_CASES says how many operations there are over all roles, FIELDWARD_SEED which, and
FIELDWARD_REPORT names a file to which a line of figures is added.
"""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import asyncpg
import pytest

from authz.packaged import load_seed
from authz.snapshot import Holder
from db.catalog_records import CATALOG
from db.examples import attribute_examples
from db.ingest.seed import seed
from db.migrate import migrate
from tests.database import connected, template_database
from tests.gateway import Gateway, gateway_over
from tests.interference.attacks import Attacks
from tests.interference.draft import Draft
from tests.interference.fakes import nullable_columns
from tests.interference.figures import Figures
from tests.interference.mutation import changed, mutate
from tests.interference.pair import Pair
from tests.interference.sight import Sight
from tests.interference.store import store
from tests.oracle.asker import Asker
from tests.oracle.authority import Authority
from tests.oracle.corners import add_corner_records, corner_policy
from tests.oracle.operations import Source, make_case
from tests.oracle.people_who_ask import corner_askers, seed_askers
from tests.oracle.pool import Pool
from tests.oracle.records import Records, read_records
from tests.oracle.seen import Seen
from tests.report import report

CASES = int(os.environ.get("FIELDWARD_CASES", "150"))
SEED = int(os.environ.get("FIELDWARD_SEED", "20260106"))

PEOPLE = 40
"""Of the seed; those of tests.oracle.corners come to them."""

A_COPY = 500
"""How many operations are asked of one changed copy at most."""

POLICIES = {"seed": load_seed(CATALOG), "corners": (corner_policy(), ())}
ROLES = [(name, role) for name, (policy, _) in POLICIES.items() for role in sorted(policy.roles)]

_DETERMINED = """
insert into medicaid.immigration_determination (enrollee_id, span_num, effective_date, end_date,
  outcome, determined_by, determined_on, evidence)
select enrollee_id, 50, '2024-01-01', '2090-01-01', 'unlawfully_present', 'test', '2024-01-01', 'x'
  from medicaid.variable_demographics
 where citizenship_ind = '0' and immigration_status = '3' and end_date is null
"""


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    """Counts; told in the end."""
    found = Figures()
    yield found
    facts = found.facts(SEED)
    print(facts)  # noqa: T201 - for whoever runs it long
    report(**facts)


@dataclass
class Ground:
    """The first copy: a gateway over it, its records, and who asks."""

    template: str
    holder: Holder
    gateway: Gateway
    records: Records
    shape: Mapping[str, Mapping[str, bool]]
    askers: Sequence[Asker]
    authority: Authority


@pytest.fixture(scope="module")
async def grounds(test_server: str) -> AsyncIterator[dict[str, Ground]]:
    examples: dict[str, str] = {}

    async def build(owner: asyncpg.Connection) -> None:
        await migrate(owner)
        await seed(owner, PEOPLE, 11)
        # Before the awkward ones come, of which some cannot be named in a token.
        examples.update(await attribute_examples(owner))
        await add_corner_records(owner)
        await owner.execute(_DETERMINED)

    async with (
        template_database(build) as template,
        _ground(template, "seed", examples) as one,
        _ground(template, "corners", examples) as other,
    ):
        yield {"seed": one, "corners": other}


@asynccontextmanager
async def _ground(template: str, name: str, examples: Mapping[str, str]) -> AsyncIterator[Ground]:
    holder = Holder(*POLICIES[name], datetime.now(UTC))
    async with gateway_over(template, holder) as made:
        gateway = replace(made, examples=examples)
        async with connected(gateway.owner_url) as owner:
            records, shape = await read_records(owner), await nullable_columns(owner)
        askers = seed_askers(gateway, records) if name == "seed" else corner_askers()
        authority = Authority(holder.current(datetime.now(UTC)).policy)
        yield Ground(template, holder, gateway, records, shape, askers, authority)


@pytest.mark.parametrize(("policy", "role"), ROLES)
async def test_what_is_hidden_changes_no_byte(
    policy: str, role: str, grounds: dict[str, Ground], figures: Figures
) -> None:
    ground = grounds[policy]
    chance = random.Random(f"{SEED} {policy} {role}")
    left = CASES // len(ROLES) + 1
    askers = [asker for asker in ground.askers if asker.role == role]
    chance.shuffle(askers)
    for number in range(copies := max(1, -(-left // A_COPY))):
        cases = left // (copies - number)
        left -= cases
        await _until_one_day(ground, askers[number % len(askers)], chance, cases, figures)


async def _until_one_day(
    ground: Ground, asker: Asker, chance: random.Random, cases: int, figures: Figures
) -> None:
    while True:
        day = datetime.now(UTC).date()
        differences = await _compare(ground, asker, chance, cases, figures)
        # What shows the same on a day may not on the next.
        if datetime.now(UTC).date() == day:
            break
    assert not differences, "\n\n".join(differences[:5])


async def _compare(
    ground: Ground, asker: Asker, chance: random.Random, cases: int, figures: Figures
) -> list[str]:
    async with _changed_copy(ground, asker, chance, figures) as (other, records):
        day = datetime.now(UTC).date()
        source = Source(ground.authority, Pool(ground.records, day), [asker])
        altered = Source(ground.authority, Pool(records, day), [asker])
        attacks = Attacks(source, altered, chance)
        pair = Pair(asker, ground.gateway, other, figures)
        for number in range(cases):
            if number % 3 == 2:
                case = attacks.draw()
            else:
                case = make_case(chance.randint, chance.choice((source, altered)))
            await pair.pursue(case, chance)
        figures.roles.add(asker.role)
        figures.askers.add(str(asker))
        return pair.differences


@asynccontextmanager
async def _changed_copy(
    ground: Ground, asker: Asker, chance: random.Random, figures: Figures
) -> AsyncIterator[tuple[Gateway, Records]]:
    """A gateway over a copy that is different wherever the asker cannot see it."""
    day = datetime.now(UTC).date()
    mutation = mutate(ground.records, ground.authority, asker, day, ground.shape, chance)
    async with gateway_over(ground.template, ground.holder) as gateway:
        async with connected(gateway.owner_url) as owner:
            await store(owner, mutation.draft, ground.shape)
            records = await read_records(owner)
        seen = Sight(Seen(records, ground.authority, asker, day)).whole()
        assert seen == mutation.before, f"{asker} sees something else"
        difference = changed(Draft(ground.records).at, Draft(records).at)
        assert difference.cells > 100, difference
        figures.copies += 1
        figures.cells += difference.cells
        figures.rows += difference.come + difference.gone
        yield gateway, records
