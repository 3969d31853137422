"""Random edit scripts: none commits what exceeds an order, and no order refuses a harmless edit.

Each change set of a script is checked against the head and committed where nothing speaks against
it. `walked`, by brute force, has to come to the same. `FIELDWARD_CASES` says how many scripts there
are, `FIELDWARD_SEED` which.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

from authz.checks.check import check
from authz.checks.finding import Check, Severity
from authz.decision import Deny, condition
from authz.scope import parse_scope
from authz.snapshot import take
from db.catalog_records import CATALOG
from db.predicate import Always, And, Never, Or, negate
from tests.properties.edit_scripts import GROUNDS, LATER, NOW, PEOPLE, SMALL, edited
from tests.properties.walked import (
    Truth,
    Walked,
    allows,
    atoms,
    covers,
    excesses,
    heirs,
    in_force,
    rows,
    truth,
)
from tests.report import report

if TYPE_CHECKING:
    from authz.document import Document
    from db.predicate import Predicate
    from tests.properties.edit_scripts import Ground
    from tests.properties.walked import Said

CASES = int(os.environ.get("FIELDWARD_CASES", "80"))
SEED = os.environ.get("FIELDWARD_SEED", "edits")


def test_no_script_commits_an_excess_and_no_order_refuses_a_harmless_edit() -> None:
    began, seen = time.monotonic(), Counter[str]()
    for number in range(CASES):
        # Many small policies, in which edits meet, and some of the seed policy, where all is large.
        ground = GROUNDS["seed" if number % 10 == 0 else "small"]
        rng = Random(f"{SEED}{number}")
        head = ground.document
        for step in range(rng.randint(1, 3)):
            after = edited(rng, head, ground)
            outcome = judged(head, after, f"script {number} of {SEED!r}, step {step}")
            seen[outcome] += 1
            if outcome == "committed":
                within(after, ground, f"script {number} of {SEED!r}, step {step}")
                head = after
    assert min(seen["committed"], seen["refused by an order"]) > CASES // 10
    report(
        run="edit scripts", seed=SEED, scripts=CASES, seconds=round(time.monotonic() - began),
        **{name.replace(" ", "_"): count for name, count in seen.items()},
    )  # fmt: skip


def judged(head: Document, after: Document, where: str) -> str:
    """What becomes of a change set, after the errors about orders were confirmed one by one."""
    found = [each for each in check(head, after, NOW) if each.severity is Severity.ERROR]
    # A finding is one counterexample, and says how many are like it.
    told = [each for each in found if each.check is Check.ORDER]
    count = Counter[str]()
    for each in told:
        more = re.search(r", and (\d+) more like it: ", each.text)
        count[str(each.role)] += 1 + int(more[1] if more else 0)
    beyond = [
        question
        for order in after.orders
        for question in excesses(head.policy, after.policy, order)
    ]
    for each in told:
        question = (each.role, each.coordinate, each.action)
        assert question in beyond, f"{where}: harmless, and refused: {each.text}"
    assert count == Counter(role for role, *_ in beyond), (
        f"{where}: other excesses: {sorted(beyond)[:5]}"
    )
    for each in found:
        if each.check is Check.SCOPE and "asks about" in each.text:
            asking = asked_beyond(after, str(each.role), str(each.coordinate), str(each.action))
            named = each.text.partition(" asks about ")[2].partition(", which ")[0]
            columns = {one.partition(".")[2] for one in named.split(", ")}
            along = asked_along(after, str(each.role), str(each.coordinate), str(each.action))
            assert columns <= asking | along, f"{where}: {each.text}"
    if told:
        return "refused by an order"
    return "refused otherwise" if found else "committed"


def asked_beyond(document: Document, role: str, coordinate: str, action: str) -> set[str]:
    """The columns that rules about a question compare with what the policy says, and that some
    order which binds the role does not let it read or filter."""
    binding = [each for each in document.orders if role in heirs(document.policy, each.role)]
    allow, deny = Walked(document.policy, {}).said(role)[coordinate, action]
    asked = {
        atom.split()[0]
        for text in (*allow, *deny)
        for atom in atoms(text)
        if "principal." not in atom and atom != PEOPLE
    }
    return {
        column
        for column in asked
        if not all(
            any(covers(each, f"Enrollee.{column}", found) for found in ("read", "filter"))
            for each in binding
        )
    }


def asked_along(document: Document, role: str, coordinate: str, action: str) -> set[str]:
    """The words of conditions that follow a relation, whose mere row (`*`) tells as much: of these
    only that they are there is confirmed."""
    allow, deny = Walked(document.policy, {}).said(role)[coordinate, action]
    along = [text for text in (*allow, *deny) if re.search(r"\bany [a-z_]+ \(", text)]
    return {word for text in along for word in re.findall(r"[a-z_]+", text)} | (
        {"*"} if along else set()
    )


def within(document: Document, ground: Ground, where: str) -> None:
    """Holds what capped roles have now and later against what policy and orders both leave."""
    order = ground.order
    named = {order.scope: {anchor: each.text for anchor, each in order.population.items()}}
    walked = Walked(document.policy, named)
    roles = heirs(document.policy, order.role)
    small = document.policy.catalog is SMALL
    said = {role: walked.said(role) for role in roles}
    for at in (NOW, LATER):
        snapshot = take(document.policy, document.orders, at)
        assert snapshot.capped == roles
        binding = [each for each in document.orders if in_force(each, at)]
        for role in roles:
            table = snapshot.decisions(role).table
            opened = {each for each, found in table.items() if not isinstance(found, Deny)}
            for question in opened | said[role].keys():
                found = condition(table[question]) if question in table else Never()
                what = f"{where}: {role} and {question} at {at}"
                if not binding or not all(covers(each, *question) for each in binding):
                    assert found == Never(), what
                else:
                    rules = said[role].get(question, ((), ()))
                    people = order.population["Enrollee"].text
                    assert differing(small, found, rules, people) is None, what


@lru_cache(50_000)
def differing(small: bool, found: Predicate, said: Said, people: str) -> dict[str, Truth] | None:
    """A row on which a decision says something else than rules and population together."""
    catalog = SMALL if small else CATALOG
    texts = frozenset((*said[0], *said[1], people))
    leaves = {
        parse_scope(catalog, "Enrollee", atom): atom for text in texts for atom in atoms(text)
    }
    for row in rows(texts):
        allowed = allows(said, row) and truth(people, row) is True
        if meets(found, row, leaves) != allowed:
            return row
    return None


def meets(found: Predicate, row: dict[str, Truth], leaves: dict[Predicate, str]) -> bool:
    """Whether a row, of which only atoms are known, meets the condition of a decision."""
    match found:
        case Always():
            return True
        case Never():
            return False
        case And(parts):
            return all(meets(part, row, leaves) for part in parts)
        case Or(parts):
            return any(meets(part, row, leaves) for part in parts)
        case leaf if leaf in leaves:
            return row[leaves[leaf]] is True
        case leaf:
            return row[leaves[negate(leaf)]] is False
