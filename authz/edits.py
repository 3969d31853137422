"""Edits of a policy, as tables that TOML and GraphQL both have, applied to a version. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from authz.document import Document


def edited(document: Document, edits: Sequence[Mapping[str, object]]) -> Document:
    """The version that these edits make, one after the other. Raises EditInvalid, and what making a
    policy of it raises."""
    raise NotImplementedError
