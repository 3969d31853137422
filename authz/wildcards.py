"""Names for every coordinate of a type, and for every coordinate at all: classes that nobody lists.

They follow from the catalog, so that a coordinate which is new there is in them. A policy has those
that it mentions as classes like any other, and so has Casbin: to it a star is a letter.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from authz import hierarchy, questions

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from db.catalog import Catalog

EVERYTHING: Final = "*"
_OF_A_TYPE: Final = ".*"


def is_wildcard(name: str) -> bool:
    """Whether a name is made of a star: no class that a policy lists has such a name."""
    return name == EVERYTHING or name.endswith(_OF_A_TYPE)


def wildcards(catalog: Catalog) -> dict[str, frozenset[str]]:
    """Wildcard → the coordinates that it stands for: `*`, and `Enrollee.*` for each type."""
    everything = questions.coordinates(catalog)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for coordinate in everything:
        found[coordinate.partition(".")[0] + _OF_A_TYPE].add(coordinate)
    return {EVERYTHING: everything} | {name: frozenset(within) for name, within in found.items()}


def within(catalog: Catalog, classes: Mapping[str, Set[str]], name: str) -> frozenset[str]:
    """The coordinates that a name stands for: itself, those of a class, those of a wildcard, which
    need not be among the classes. Empty for a name that nothing has."""
    known = classes if name in classes else wildcards(catalog)
    return hierarchy.reachable(known, name) & questions.coordinates(catalog)
