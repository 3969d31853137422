"""The seed policy and the court orders that come with this package. Decides nothing about them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from authz.document import Document
from authz.order_file import parse_order
from authz.policy_file import parse_policy_file

if TYPE_CHECKING:
    from authz.order import Order
    from authz.policy import PolicySet
    from db.catalog import Catalog

_ROOM: Final = Path(__file__).parent


def load_seed(catalog: Catalog) -> tuple[PolicySet, tuple[Order, ...]]:
    """The seed policy and all orders, by name. Raises PolicyInvalid or OrderInvalid."""
    found = load_seed_document(catalog)
    return found.policy, found.orders


def load_seed_document(catalog: Catalog) -> Document:
    """The first version: the seed policy with its invariants, and all orders. Raises PolicyInvalid
    or OrderInvalid."""
    text = (_ROOM / "seed" / "policy.toml").read_text(encoding="utf-8")
    policy, invariants = parse_policy_file(catalog, text)
    return Document(policy, load_orders(catalog), invariants)


def load_orders(catalog: Catalog) -> tuple[Order, ...]:
    """All orders, by name. Raises OrderInvalid."""
    return tuple(
        parse_order(catalog, path.stem, path.read_text(encoding="utf-8"))
        for path in sorted((_ROOM / "orders").glob("*.toml"))
    )
