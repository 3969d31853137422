"""All that one policy version says: the policy, the court orders, and what keeps both as they are.

A value. `store` writes it as text and reads it back; what it decides is in `snapshot`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz.case import Case
    from authz.invariant import Invariant
    from authz.order import Order
    from authz.policy import PolicySet


@dataclass(frozen=True)
class Document:
    """A policy version, whole.

    `policy` is as it is written, before any order is in it. `assignments` is subject → the roles
    that it holds besides those of its token; a subject is the `sub` of tokens (RFC 7519).
    """

    policy: PolicySet
    orders: tuple[Order, ...] = ()
    invariants: tuple[Invariant, ...] = ()
    cases: tuple[Case, ...] = ()
    assignments: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
