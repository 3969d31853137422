"""Types that are no records, made out of their coordinates. No record is near."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.guard import local, record
from api.schema.types import scalar_of
from authz.policy_coordinates import EXTRA

if TYPE_CHECKING:
    from collections.abc import Mapping


def local_type(name: str, about: str, lists: Mapping[str, object] | None = None) -> Any:
    """A type out of its coordinates: every one that EXTRA has, each under its guard.

    `lists` has the type of each entry that is no scalar: a list of it, or the type itself where it
    is given in a tuple of one.
    """
    below = dict(lists or {})
    fields: dict[str, Any] = {}
    for coordinate, shown in EXTRA.items():
        of, _, field = coordinate.partition(".")
        if of != name:
            continue
        type_: Any
        if shown.kind is not None:
            type_ = scalar_of(shown.kind)
        else:
            match below.pop(field):
                case (single,):
                    type_ = single
                case listed:
                    type_ = list[listed]  # type: ignore[valid-type]  # made at run time
        fields[field] = local(coordinate, type_ | None, shown.about)
    if below:
        raise TypeError(f"{name} has no {', '.join(below)}")
    body = {"__annotations__": dict.fromkeys(fields, Any), **fields}
    return record(name, about)(type(name, (), body))
