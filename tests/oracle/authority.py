"""What a role may do, asked of Casbin question by question. Knows no records and no SQL.

For a row, Casbin is asked with everything that the row meets: all of its row scopes at once, as one
condition. That is the model's own meaning of a condition, and not the way in which the compiled
path finds its decisions, which asks about the conditions of rules one by one and joins the answers.
"""

from __future__ import annotations

import re
from dataclasses import replace
from enum import Enum
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any

from authz.enforcer import enforcer_for
from authz.policy import Effect
from authz.policy_coordinates import EXTRA
from db.catalog_records import CATALOG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authz.policy import PolicySet, Rule

_ATTRIBUTE = re.compile(r"\bprincipal\.([a-z_]+)")


class Verdict(Enum):
    """On which of the rows that exist for a role an action is open."""

    ALL = "all"
    SOME = "some"
    NONE = "none"


class Authority:
    """One effective policy, court orders included. Answers are kept: Casbin has no memory.

    Casbin walks all rules for each question. Where `whole`, these are all of the policy; else those
    of the role and of the roles that it inherits which speak of the coordinate: much faster, and
    held equal by a test.
    """

    def __init__(self, policy: PolicySet, *, whole: bool = False) -> None:
        self.policy = policy
        self._whole = whole
        self._enforcers: dict[tuple[Rule, ...], Any] = {}
        self._about = cache(self._rules_about)
        self._conditions = {frozenset(rule.condition.split("&")) for rule in policy.rules}
        self._known: set[tuple[tuple[Rule, ...], str]] = set()
        self.answers: dict[tuple[str, str, str, frozenset[str]], bool] = {}
        self.verdict = cache(self._verdict)
        self.states = cache(self._states)
        self.exists = cache(self._exists)
        self.sometimes = cache(self._sometimes)
        self.values = cache(self._values)
        self._grants = cache(self._granted)

    def allows(self, role: str, coordinate: str, action: str, held: frozenset[str]) -> bool:
        """Whether Casbin allows it on a row that meets exactly these row scopes."""
        question = (role, coordinate, action, held)
        if question not in self.answers:
            self.answers[question] = self.ask(*question)
        return self.answers[question]

    def ask(self, role: str, coordinate: str, action: str, held: frozenset[str]) -> bool:
        """The same, not remembered."""
        condition = "&".join(sorted(held)) or "always"
        engine = self.policy.rules if self._whole else self._about(role, coordinate)
        if engine not in self._enforcers:
            self._enforcers[engine] = enforcer_for(replace(self.policy, rules=engine))
        self._introduce(engine, condition, held)
        return bool(self._enforcers[engine].enforce(role, coordinate, action, condition))

    def _introduce(self, engine: tuple[Rule, ...], condition: str, held: frozenset[str]) -> None:
        """Tells Casbin that of all that the policy calls a condition, what is among these holds."""
        if (engine, condition) in self._known:
            return
        self._known.add((engine, condition))
        weaker = {"&".join(sorted(part)) for part in self._conditions if part <= held} | {"always"}
        enforcer = self._enforcers[engine]
        for name in sorted(weaker - {condition}):
            if not enforcer.has_named_grouping_policy("g3", [condition, name]):
                enforcer.add_named_grouping_policy("g3", [condition, name])

    def granted(self, role: str, coordinate: str, held: frozenset[str]) -> frozenset[str]:
        """The actions that some rule allows where these row scopes hold; another may deny them.

        No action besides is worth a question.
        """
        return frozenset(
            action for action, needed in self._grants(role).get(coordinate, ()) if needed <= held
        )

    def _granted(self, role: str) -> dict[str, set[tuple[str, frozenset[str]]]]:
        found: dict[str, set[tuple[str, frozenset[str]]]] = {}
        for rule in self._rules(role):
            if rule.effect is Effect.ALLOW:
                needed = frozenset(rule.condition.split("&")) - {"always"}
                for coordinate in self._members(rule.object) - EXTRA.keys():
                    found.setdefault(coordinate, set()).add((rule.action, needed))
        return found

    def scopes(self, role: str, anchor: str) -> dict[str, str]:
        """The row scopes of a role's rules that mean something on rows of an anchor: their text."""
        names = {name for rule in self._rules(role) for name in rule.condition.split("&")}
        return {
            name: self.policy.scopes[name][anchor].text
            for name in sorted(names - {"always"})
            if anchor in self.policy.scopes[name]
        }

    def attributes(self, role: str) -> frozenset[str]:
        """The attributes without which a request in a role is refused."""
        read = {
            attribute
            for anchor in ("Enrollee", "Claim", "Provider", "Plan")
            for text in self._spoken(role, anchor)
            for attribute in _ATTRIBUTE.findall(text)
        }
        roles = self._above(role)
        return frozenset(read).union(*(self.policy.roles[name].requires for name in roles))

    def _spoken(self, role: str, anchor: str) -> Iterator[str]:
        """The texts of the scopes of rules about coordinates of an anchor."""
        for rule in self._rules(role):
            targets = self._members(rule.object) - EXTRA.keys()
            if any(CATALOG.entity_of(target).anchor == anchor for target in targets):
                for name in set(rule.condition.split("&")) - {"always"}:
                    yield self.policy.scopes[name][anchor].text

    def _members(self, name: str) -> set[str]:
        if name not in self.policy.classes:
            return {name}
        return {found for part in self.policy.classes[name] for found in self._members(part)}

    def _above(self, role: str) -> set[str]:
        found = {role}
        for parent in self.policy.roles[role].inherits:
            found |= self._above(parent)
        return found

    def _rules(self, role: str) -> tuple[Rule, ...]:
        roles = self._above(role)
        return tuple(rule for rule in self.policy.rules if rule.role in roles)

    def _rules_about(self, role: str, coordinate: str) -> tuple[Rule, ...]:
        return tuple(rule for rule in self._rules(role) if coordinate in self._members(rule.object))

    def _states(self, role: str, anchor: str) -> tuple[frozenset[str], ...]:
        """Every set of row scopes that a row of an anchor may meet, as far as anybody can tell
        without looking at rows: equal texts hold together, constant ones always or never."""
        scopes = self.scopes(role, anchor)
        texts = sorted(set(scopes.values()) - {"always", "never"})
        found = []
        for choice in product((False, True), repeat=len(texts)):
            true = {text for text, holds in zip(texts, choice, strict=True) if holds} | {"always"}
            found.append(frozenset(name for name, text in scopes.items() if text in true))
        return tuple(found)

    def _exists(self, role: str, anchor: str, held: frozenset[str], by: str = "read") -> bool:
        """Whether a row that meets these scopes exists for a role: it may read a value there, or in
        an aggregate, aggregate one."""
        return any(
            self.allows(role, coordinate, by, held) for coordinate in self.values(anchor, by)
        )

    @staticmethod
    def _values(anchor: str, by: str = "read") -> tuple[str, ...]:
        """The coordinates that make rows of an anchor exist, when they are open to an action.

        To read: values on the rows, and on the rows that belong to them. To aggregate: values on
        the rows alone, and their number.
        """
        if by == "aggregate":
            entity = CATALOG.entities[anchor]
            own = tuple(entry.coordinate for entry in CATALOG.fields_of(anchor))
            return (*own, entity.tally) if entity.aggregated else own
        return tuple(
            coordinate
            for coordinate, entry in CATALOG.fields.items()
            if CATALOG.entities[entry.entity].anchor == anchor
        )

    def _verdict(self, role: str, coordinate: str, action: str, by: str = "read") -> Verdict:
        """How an action on a coordinate of records stands, whatever the rows are."""
        anchor = CATALOG.entity_of(coordinate).anchor
        states = self.states(role, anchor)
        opened = {state for state in states if self.allows(role, coordinate, action, state)}
        if not opened:
            return Verdict.NONE
        existing = {state for state in states if self.exists(role, anchor, state, by)}
        return Verdict.ALL if existing <= opened else Verdict.SOME

    def _sometimes(self, role: str, coordinate: str, action: str) -> bool:
        """Whether an action on a coordinate of records is open on some row: not Verdict.NONE."""
        anchor = CATALOG.entity_of(coordinate).anchor
        # The state in which everything holds comes last, and is the likeliest to allow.
        states = reversed(self.states(role, anchor))
        return any(self.allows(role, coordinate, action, state) for state in states)

    def anybody(self, role: str, anchor: str, by: str = "read") -> bool:
        """Whether any row of an anchor can exist for a role."""
        return any(self.exists(role, anchor, state, by) for state in self.states(role, anchor))

    def smallest_cell(self, role: str) -> int:
        """The fewest people that a number in an aggregate may be about; 0 where none is least."""
        return max(self.policy.roles[name].smallest_cell for name in self._above(role))

    def shows(self, role: str, coordinate: str) -> bool:
        """Whether a role may read a coordinate that has no row: of the policy or an order."""
        return self.allows(role, coordinate, "read", frozenset())
