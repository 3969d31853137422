"""Random edits of policies under an order, as administrators make them, wise or not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from authz import questions
from authz.decision import DenialMode
from authz.document import Document
from authz.errors import PolicyInvalid
from authz.order import Change, Order, Status
from authz.packaged import load_seed_document
from authz.policy import Effect, Role, Rule, Scope, join
from authz.policy_check import policy_set
from authz.scope import parse_scope
from db.catalog import Column, Entity, Field, Kind, Table, build
from db.catalog_records import CATALOG

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from authz.policy import PolicySet
    from db.catalog import Catalog

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LATER = datetime(2027, 3, 1, tzinfo=UTC)
PEOPLE = "population covers as_of"
ATOMS = (PEOPLE, "sex = 'F'", "submitting_state in principal.state", "birth_year >= 2000")
FLAGS = ("a", "b", "c", "d")
SMALL_ATOMS = (PEOPLE, *(f"{flag} = true" for flag in FLAGS[:3]))

_THING = Table(
    "thing",
    ("thing_id",),
    MappingProxyType(
        {name: Column(name, Kind.BOOLEAN, scopable=True) for name in FLAGS}
        | {"population": Column("population", Kind.DAYS, scopable=True)}
    ),
)
_NAMES = ("Enrollee", "Claim", "Provider", "Plan")
SMALL = build(
    [Entity(name, _THING, name, "A thing.") for name in _NAMES],
    [Field("Enrollee", name, _THING.columns[name], None, "", "A flag.") for name in FLAGS]
    + [Field("Claim", name, _THING.columns[name], None, "", "A flag.") for name in FLAGS[:2]],
    [],
)
"""Two types of few coordinates, so that most edits meet."""


@dataclass
class Draft:
    """The parts of a policy, which edits change in place."""

    catalog: Catalog
    capped: str
    roles: dict[str, Role]
    classes: dict[str, frozenset[str]]
    scopes: dict[str, dict[str, str]]
    rules: set[Rule]

    @staticmethod
    def of(policy: PolicySet, capped: str) -> Draft:
        """The parts of a policy."""
        return Draft(
            policy.catalog,
            capped,
            dict(policy.roles),
            {name: each for name, each in policy.classes.items() if "*" not in name},
            {
                name: {anchor: scope.text for anchor, scope in meanings.items()}
                for name, meanings in policy.scopes.items()
            },
            set(policy.rules),
        )

    def policy(self) -> PolicySet:
        """The policy that they make. Raises PolicyInvalid."""
        return policy_set(self.catalog, self.roles.values(), self.classes, self.scopes, self.rules)


@dataclass(frozen=True)
class Ground:
    """A first version, and the atoms that its scopes are loosened and narrowed by."""

    document: Document
    atoms: tuple[str, ...]

    @property
    def order(self) -> Order:
        """The order that stands from the beginning."""
        return self.document.orders[0]


def _small() -> Ground:
    grants = {
        "Enrollee.a": frozenset({"read", "filter"}),
        "Enrollee.b": frozenset({"read", "filter:eq"}),
    }
    people = Scope("people", "Enrollee", PEOPLE, parse_scope(SMALL, "Enrollee", PEOPLE))
    order = Order(
        "small", "A v. B", "A court", "1:26-cv-1", date(2026, 1, 1), date(2026, 1, 1), "capped", (),
        (Change(datetime(2026, 1, 1, tzinfo=UTC), Status.IN_FORCE),),
        MappingProxyType({"Enrollee": people}), MappingProxyType(grants),
    )  # fmt: skip
    roles = {
        name: Role(name, "A role.", 10, DenialMode.NULL, frozenset(above))
        for name, above in {
            "capped": (),
            "heir": ("capped",),
            "clerk": (),
            "boss": ("clerk",),
        }.items()
    }
    allow, deny = Effect.ALLOW, Effect.DENY
    rules = {
        Rule("capped", "basic", "read", "people", allow),
        Rule("capped", "Enrollee.a", "filter", "people&s0", allow),
        # Open but for a deny.
        Rule("capped", "rest", "read", "people", allow),
        Rule("capped", "rest", "read", "always", deny),
        Rule("capped", "Enrollee.d", "sort", "s1", allow),
        Rule("capped", "Enrollee.*", "sort", "s1", deny),
        Rule("clerk", "all", "read", "s0", allow),
        Rule("clerk", "Claim.*", "update", "always", allow),
        Rule("boss", "rest", "aggregate", "s1", allow),
    }
    classes = {
        "basic": frozenset({"Enrollee.a", "Enrollee.b"}),
        "rest": frozenset({"Enrollee.c", "Enrollee.d"}),
        "all": frozenset({"basic", "rest"}),
    }
    scopes = {
        name: {"Enrollee": text, "Claim": text}
        for name, text in zip(("people", "s0", "s1", "s2"), SMALL_ATOMS, strict=True)
    }
    policy = Draft(SMALL, "capped", roles, classes, scopes, rules).policy()
    return Ground(Document(policy, (order,)), SMALL_ATOMS)


def _seed() -> Ground:
    # Without its cases, which nearly every edit here would break.
    document = replace(load_seed_document(CATALOG), cases=())
    capped = document.orders[0].role
    draft = Draft.of(document.policy, capped)
    draft.rules |= {
        Rule(capped, "name", "read", "in_population", Effect.ALLOW),
        Rule(capped, "name", "read", "always", Effect.DENY),
    }
    return Ground(replace(document, policy=draft.policy()), ATOMS)


GROUNDS = {"small": _small(), "seed": _seed()}


def edited(rng: Random, head: Document, ground: Ground) -> Document:
    """The version that one to three random edits make of a head; at times an order comes with it.

    Edits that make no policy are left out, as they would be refused before any check.
    """
    policy = head.policy
    for _ in range(rng.randint(1, 3)):
        for _ in range(4):
            draft = Draft.of(policy, ground.order.role)
            rng.choice(EDITS)(rng, draft, ground)
            try:
                policy = draft.policy()
            except PolicyInvalid:
                continue
            break
    orders = head.orders
    if rng.random() < 0.15 and len(orders) < 3:
        orders = (*orders, _narrower(rng, ground.order, len(orders)))
    return replace(head, policy=policy, orders=orders)


def _narrower(rng: Random, order: Order, number: int) -> Order:
    """An order about the same people that leaves less, at once or later."""
    left = rng.sample(sorted(order.grants), rng.randint(1, len(order.grants)))
    at = rng.choice([NOW, LATER])
    return replace(
        order,
        name=f"{order.name}-{number}",
        effective=date(2026, 1, 1),
        history=(Change(at, Status.IN_FORCE),),
        grants=MappingProxyType({name: order.grants[name] for name in left}),
    )


def _role(rng: Random, draft: Draft) -> str:
    return draft.capped if rng.random() < 0.4 else rng.choice(sorted(draft.roles))


def _object(rng: Random, draft: Draft, ground: Ground) -> str:
    coordinates = sorted(questions.coordinates(draft.catalog))
    types = sorted({f"{name.split('.')[0]}.*" for name in coordinates})
    return rng.choice([
        rng.choice(sorted(ground.order.grants)), rng.choice(sorted(ground.order.grants)),
        rng.choice(sorted(draft.catalog.fields)), rng.choice(coordinates),
        rng.choice(sorted(draft.classes)), rng.choice(sorted(draft.classes)),
        rng.choice([rng.choice(types), "Enrollee.*", "*", "*"]),
    ])  # fmt: skip


def _rule(rng: Random, draft: Draft, ground: Ground, effect: Effect) -> Rule:
    actions = ("read", "read", "filter", "filter:eq", "sort", "aggregate", "update")
    people = [ground.order.scope] if rng.random() < 0.4 else []
    scopes = rng.sample(sorted(draft.scopes), rng.choice([0, 0, 1, 1, 2]))
    target = _object(rng, draft, ground)
    # Most scopes have no meaning on all that a wildcard stands for.
    condition = "always" if "*" in target and rng.random() < 0.7 else join([*people, *scopes])
    return Rule(_role(rng, draft), target, rng.choice(actions), condition, effect)


def _grant(rng: Random, draft: Draft, ground: Ground) -> None:
    draft.rules.add(_rule(rng, draft, ground, Effect.ALLOW))


def _deny(rng: Random, draft: Draft, ground: Ground) -> None:
    draft.rules.add(_rule(rng, draft, ground, Effect.DENY))


def _remove(effect: Effect) -> Callable[[Random, Draft, Ground], None]:
    def remove(rng: Random, draft: Draft, ground: Ground) -> None:
        role = _role(rng, draft)
        rules = [each for each in draft.rules if each.effect is effect and each.role == role]
        if rules:
            draft.rules.remove(rng.choice(sorted(rules, key=repr)))

    return remove


def _widen_rule(rng: Random, draft: Draft, ground: Ground) -> None:
    role = _role(rng, draft)
    rules = sorted((each for each in draft.rules if each.role == role), key=repr)
    if rules:
        old = rng.choice(rules)
        draft.rules.discard(old)
        names = old.condition.split("&")
        kept = [name for name in names[:-1] if name != "always"] if rng.random() < 0.6 else []
        draft.rules.add(
            replace(old, condition=join(kept))
            if rng.random() < 0.6
            else replace(old, object=_object(rng, draft, ground))
        )


def _inherit(rng: Random, draft: Draft, ground: Ground) -> None:
    one, other = _role(rng, draft), _role(rng, draft)
    role = draft.roles[one]
    draft.roles[one] = replace(role, inherits=role.inherits | {other})


def _combine(rng: Random, draft: Draft, ground: Ground) -> None:
    name = f"new{rng.randint(0, 2)}"
    above = frozenset({_role(rng, draft), _role(rng, draft)}) - {name}
    draft.roles[name] = Role(name, "Both.", 10, DenialMode.NULL, above)


def _join_class(rng: Random, draft: Draft, ground: Ground) -> None:
    name = rng.choice(sorted(draft.classes))
    draft.classes[name] |= {_object(rng, draft, ground)} - {name}


def _leave_class(rng: Random, draft: Draft, ground: Ground) -> None:
    name = rng.choice(sorted(draft.classes))
    members = sorted(draft.classes[name])
    if len(members) > 1:
        draft.classes[name] -= {rng.choice(members)}


def _scope(rng: Random, draft: Draft, ground: Ground) -> None:
    """Loosens, narrows or turns round what a scope means on one anchor."""
    name = ground.order.scope if rng.random() < 0.3 else rng.choice(sorted(draft.scopes))
    meanings = draft.scopes[name]
    anchor = "Enrollee" if "Enrollee" in meanings else rng.choice(sorted(meanings))
    text, atom = meanings[anchor], rng.choice(ground.atoms)
    if len(text) > 300:
        return
    draft.scopes[name] = meanings | {
        anchor: rng.choice([
            "always", "never", atom, f"({text}) or ({atom})", f"({text}) and ({atom})",
            f"not ({text})", f"({text}) and not ({atom})",
        ])
    }  # fmt: skip


def _take_back(rng: Random, draft: Draft, ground: Ground) -> None:
    """Denies what a rule allows by a scope of another name: as much of it, or more, or less."""
    role = _role(rng, draft)
    rules = sorted((each for each in draft.rules if each.role == role), key=repr)
    if not rules:
        return
    rule = rng.choice(rules)
    texts = [
        f"({draft.scopes[name].get('Enrollee', 'always')})"
        for name in rule.condition.split("&")
        if name != "always"
    ]
    text, atom = " and ".join(texts) or "always", rng.choice(ground.atoms)
    name = f"same{rng.randint(0, 2)}"
    draft.scopes[name] = {
        "Enrollee": rng.choice([text, text, f"({text}) or ({atom})", f"({text}) and ({atom})"])
    }
    draft.rules.add(replace(rule, condition=name, effect=Effect.DENY))


EDITS = (
    _grant, _grant, _grant, _deny, _deny, _remove(Effect.DENY), _remove(Effect.DENY),
    _remove(Effect.ALLOW), _widen_rule, _widen_rule, _inherit, _inherit, _combine, _join_class,
    _join_class, _leave_class, _scope, _scope, _take_back, _take_back,
)  # fmt: skip
