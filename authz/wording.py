"""Decisions in words of policy: the names of row scopes, and their texts. Decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from authz.decision import Allow, AllowWhere, Deny
from authz.policy import ALWAYS, parts

if TYPE_CHECKING:
    from authz.decision import Decision
    from authz.policy import PolicySet

NEVER: Final = "never"


def words(decision: Decision) -> str:
    """`always`, `never`, or the scopes: `a & b, not c; d` is where a and b hold and c does not, and
    where d holds."""
    match decision:
        case Allow():
            return ALWAYS
        case Deny():
            return NEVER
        case AllowWhere(label=label):
            return "; ".join(_way(*way.split("!")) for way in label.split("|"))
        case _:
            assert_never(decision)


def _way(allow: str, *denies: str) -> str:
    return ", not ".join(" & ".join(sorted(parts(each))) or ALWAYS for each in (allow, *denies))


def meaning(policy: PolicySet, decision: Decision, anchor: str | None) -> str:
    """What the scopes of a decision mean on the rows of its anchor, each by its name; empty where
    there is none."""
    if not isinstance(decision, AllowWhere):
        return ""
    labels = decision.label.replace("!", "|").split("|")
    names = sorted(frozenset().union(*(parts(label) for label in labels)))
    return "; ".join(f"{name}: {policy.scopes[name][anchor or ''].text}" for name in names)
