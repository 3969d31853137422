"""The seed policy and the court orders that come with this package. Decides nothing about them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from authz.case_file import read_cases
from authz.document import Document
from authz.order_file import parse_order
from authz.policy_file import parse_policy_file

if TYPE_CHECKING:
    from authz.case import Case
    from authz.invariant import Invariant
    from authz.order import Order
    from authz.policy import PolicySet
    from db.catalog import Catalog

_ROOM: Final = Path(__file__).parent


def load_seed(catalog: Catalog) -> tuple[PolicySet, tuple[Order, ...]]:
    """The seed policy and all orders, by name. Raises PolicyInvalid or OrderInvalid."""
    return _policy(catalog)[0], load_orders(catalog)


def load_seed_document(catalog: Catalog) -> Document:
    """The first version: the seed policy with its invariants and tests, and all orders. Raises
    PolicyInvalid, OrderInvalid or CaseInvalid."""
    policy, invariants = _policy(catalog)
    return Document(policy, load_orders(catalog), invariants, load_seed_cases(catalog, policy))


def _policy(catalog: Catalog) -> tuple[PolicySet, tuple[Invariant, ...]]:
    return parse_policy_file(catalog, (_ROOM / "seed" / "policy.toml").read_text(encoding="utf-8"))


def load_seed_cases(catalog: Catalog, policy: PolicySet) -> tuple[Case, ...]:
    """The tests of the seed policy. Raises CaseInvalid where they mean nothing in a policy."""
    text = (_ROOM / "seed" / "cases.yaml").read_text(encoding="utf-8")
    return read_cases(catalog, policy, text)


def load_orders(catalog: Catalog) -> tuple[Order, ...]:
    """All orders, by name. Raises OrderInvalid."""
    return tuple(
        parse_order(catalog, path.stem, path.read_text(encoding="utf-8"))
        for path in sorted((_ROOM / "orders").glob("*.toml"))
    )
