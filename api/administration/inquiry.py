"""Questions about the policy: why, who else, the whole as a table, what differs. Changes nothing.

Rows are made up by whoever asks; no record is near. Deciding goes on beside the loop.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from api.administration.report import diff_facts
from api.errors import ArgumentInvalid
from api.strict_json import read_object
from authz.diff.diff import diff
from authz.errors import AttributeInvalid
from authz.explain import explain, matrix, who_can
from authz.near import unknown
from authz.principal import ATTRIBUTES, read_attributes
from authz.synthetic import read_row
from db.catalog_records import CATALOG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.administration.caller import Caller
    from api.administration.documents import Documents
    from authz.document import Document
    from authz.explain import Part
    from authz.principal import Attributes
    from authz.synthetic import Row


class Inquiry:
    """Every method raises DatabaseUnavailable and VersionUnknown, and ArgumentInvalid for an
    argument that is not written as it has to be."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def compare(self, caller: Caller, before: int, after: int) -> dict[str, object]:
        """What differs between two versions, from the instant of the request on."""
        old = await self._documents.number(before)
        new = await self._documents.number(after)
        return diff_facts(await asyncio.to_thread(diff, old, new, caller.as_of))

    async def explain(
        self,
        caller: Caller,
        role: str,
        coordinate: str,
        action: str,
        attributes: str | None,
        row: str | None,
        as_of: str | None,
    ) -> dict[str, object]:
        """A decision, and why. Raises QuestionInvalid and RowInvalid as `authz.explain.explain`."""
        principal, made_up = _attributes(attributes), _row(row)
        document, at = await self._then(caller, as_of)
        _known(document, role)
        found = await asyncio.to_thread(
            explain, document, role, principal, coordinate, action, made_up, at
        )
        return {
            "decision": found.decision,
            "allowed": found.allowed,
            "condition": found.condition,
            "reason": found.reason,
            "rules": [_part(part) for part in found.parts],
            "orders": list(found.orders),
        }

    async def who_can(
        self, caller: Caller, coordinate: str, action: str, as_of: str | None
    ) -> list[dict[str, object]]:
        """The roles that may do it on some row. Raises what `authz.explain.who_can` raises."""
        document, at = await self._then(caller, as_of)
        found = await asyncio.to_thread(who_can, document, coordinate, action, at)
        return [asdict(each) | {"subjects": list(each.subjects)} for each in found]

    async def matrix(
        self,
        caller: Caller,
        action: str,
        roles: Sequence[str] | None,
        coordinates: Sequence[str] | None,
        as_of: str | None,
    ) -> list[dict[str, object]]:
        """Coordinates by roles. Raises what `authz.explain.matrix` raises."""
        document, at = await self._then(caller, as_of)
        _known(document, *(roles or ()))
        found = await asyncio.to_thread(
            matrix, document, action, at, roles or (), coordinates or ()
        )
        return [
            {
                "coordinate": coordinate,
                "cells": [{"role": role, "condition": said} for role, said in cells.items()],
            }
            for coordinate, cells in found.items()
        ]

    async def _then(self, caller: Caller, as_of: str | None) -> tuple[Document, datetime]:
        """The version of an instant, and the instant: now, under the head, unless it is given."""
        if as_of is None:
            return await self._documents.number(caller.snapshot.number), caller.as_of
        at = _instant(as_of)
        return await self._documents.at(at), at


def _known(document: Document, *roles: str) -> None:
    known = document.policy.roles
    for role in roles:
        if role not in known:
            raise ArgumentInvalid(argument="role", problem=unknown("role", role, known))


def _instant(text: str) -> datetime:
    try:
        if len(text) == len("2026-01-06"):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError("no offset")
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ArgumentInvalid(argument="asOf") from None


def _attributes(text: str | None) -> Attributes:
    given = _object(text, "attributes")
    for name in given.keys() - ATTRIBUTES.keys():
        problem = unknown("attribute", name, ATTRIBUTES)
        raise ArgumentInvalid(argument="attributes", problem=problem)
    try:
        return read_attributes(given)
    except AttributeInvalid as error:
        # Made up like the row: what is wrong with it is told, by its name.
        raise ArgumentInvalid(argument="attributes", problem=error.detail) from None


def _row(text: str | None) -> Row | None:
    return None if text is None else read_row(CATALOG, _object(text, "row"))


def _object(text: str | None, argument: str) -> dict[str, object]:
    found = {} if text is None else read_object(text.encode(errors="replace"))
    if found is None:
        raise ArgumentInvalid(argument=argument, problem="not a JSON object")
    return found


def _part(part: Part) -> dict[str, object]:
    return {
        "role": part.rule.role,
        "object": part.rule.object,
        "action": part.rule.action,
        "condition": part.rule.condition,
        "effect": part.rule.effect.value,
        "holds": part.holds,
    }
