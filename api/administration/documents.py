"""Versions of the policy that were read and parsed, kept for those who ask again. Decides nothing.

A version never changes, so what its digest stands for is good for ever.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from api.cache import Cache
from authz.store import digest_of, read_document
from db.catalog_records import CATALOG
from db.versions import version, version_at

if TYPE_CHECKING:
    from datetime import datetime

    from authz.document import Document
    from db.pools import Pools
    from db.versions import Version

_MOST: Final = 8_000_000
"""Characters of versions that are kept, parsed: ten of ten thousand rules each."""


class Documents:
    """Belongs to one event loop. What it reads it reads as the gateway's own login."""

    def __init__(self, pools: Pools) -> None:
        self._pools = pools
        self._parsed: Cache[Document] = Cache(_MOST)

    async def number(self, number: int) -> Document:
        """A version by its number. VersionUnknown; DatabaseUnavailable; what `read_document`
        raises, where it is of a program that allowed something else."""
        async with self._pools.own() as connection:
            found = await version(connection, number)
        return await self._of(found)

    async def at(self, at: datetime) -> Document:
        """The version that was the head at an instant. VersionUnknown before the first; as above
        besides."""
        async with self._pools.own() as connection:
            found = await version_at(connection, at)
        return await self._of(found)

    async def _of(self, found: Version) -> Document:
        assert found.document is not None  # noqa: S101 - one that is asked for by itself is whole
        return await self.parsed(found.document)

    async def parsed(self, text: str) -> Document:
        """What a document says. Parsing goes on beside the loop: it can take a second."""
        digest = digest_of(text)
        document = self._parsed.get(digest)
        if document is None:
            document = await asyncio.to_thread(read_document, text, CATALOG)
            self._parsed.put(digest, document, len(text))
        return document
