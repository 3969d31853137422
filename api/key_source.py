"""Where verifying keys come from, kept fresh. Knows no token and no claim."""

from __future__ import annotations

import asyncio
import http.client
import ipaddress
import logging
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Final, Protocol

from api.errors import KeysUnavailable, TokenSettingsInvalid
from api.key_set import KeySet, read_keys

_log = logging.getLogger("fieldward.tokens")

LARGEST_DOCUMENT: Final = 256 * 1024
"""Bytes of a JWKS; a set of twenty 4096-bit keys is 16 KiB."""


class KeySource(Protocol):
    """Gives the keys in force."""

    async def current(self) -> KeySet:
        """The keys in force now; raises KeysUnavailable."""

    async def beyond(self, seen: KeySet) -> KeySet:
        """The keys after a look for some that `seen` lacks, which may be `seen` itself."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long keys count, in seconds of a clock that never steps.

    Past `fresh` they are read again; while that fails, they count until `stale`. An unknown kid
    has them read again at most once in `search`; after a failure they rest for `retry`.
    """

    fresh: float = 300.0
    stale: float = 900.0
    search: float = 30.0
    retry: float = 5.0


class RefreshingKeys:
    """Keys read by `load` (which may block: it runs in a thread), again and again.

    One event loop only. A key that is no longer in the set stops working with the next read.
    """

    def __init__(
        self,
        load: Callable[[], KeySet],
        freshness: Freshness = Freshness(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._freshness = freshness
        self._clock = clock
        self._held: tuple[KeySet, float] | None = None
        self._failed_at = self._searched_at = float("-inf")
        self._reading = asyncio.Lock()

    async def current(self) -> KeySet:
        keys = self._younger_than(self._freshness.fresh)
        if keys is not None:
            return keys
        if self._reading.locked():
            # Another request is reading: go on with what still counts instead of queueing.
            keys = self._younger_than(self._freshness.stale)
            if keys is not None:
                return keys
        async with self._reading:
            keys = self._younger_than(self._freshness.fresh)
            if keys is not None:
                return keys
            if self._clock() - self._failed_at >= self._freshness.retry:
                await self._read()
            keys = self._younger_than(self._freshness.stale)
            if keys is None:
                raise KeysUnavailable
            return keys

    async def beyond(self, seen: KeySet) -> KeySet:
        async with self._reading:
            if self._held is not None and self._held[0] is seen:
                now = self._clock()
                if now - self._searched_at < self._freshness.search:
                    return seen
                self._searched_at = now
                await self._read()
        return await self.current()

    def _younger_than(self, seconds: float) -> KeySet | None:
        if self._held is None:
            return None
        keys, read_at = self._held
        return keys if self._clock() - read_at < seconds else None

    async def _read(self) -> None:
        started = self._clock()
        # INVARIANT: set before the wait, so that a request given up half-way counts as a failure.
        self._failed_at = started
        try:
            keys = await asyncio.to_thread(self._load)
        except (OSError, http.client.HTTPException, TokenSettingsInvalid) as error:
            _log.warning("verifying keys could not be read: %s", type(error).__name__)
            return
        self._held = (keys, started)
        self._failed_at = float("-inf")


def keys_from_file(path: Path, freshness: Freshness = Freshness()) -> RefreshingKeys:
    """Keys of a PEM, JWK or JWKS file, read again as it changes.

    Raises TokenSettingsInvalid now if the file has no usable key now.
    """

    def load() -> KeySet:
        return read_keys(path.read_bytes())

    try:
        load()
    except OSError as error:
        raise TokenSettingsInvalid(f"the key file cannot be read: {error.strerror}") from None
    return RefreshingKeys(load, freshness)


def keys_from_url(
    url: str,
    freshness: Freshness = Freshness(),
    timeout: float = 3.0,
    clock: Callable[[], float] = time.monotonic,
) -> RefreshingKeys:
    """Keys of a JWKS URL: https, or http on loopback. Nothing is read until the first token.

    `timeout` is in seconds, for the connection and then for the whole answer.
    Raises TokenSettingsInvalid for any other URL.
    """
    host = _host(url)
    opener = urllib.request.build_opener(
        _NoRedirects, *([urllib.request.ProxyHandler({})] if _is_loopback(host) else [])
    )
    return RefreshingKeys(lambda: read_keys(_fetch(opener, url, timeout)), freshness, clock)


def _host(url: str) -> str:
    try:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname or ""
        named = bool(host) and parts.port != 0
    except ValueError:
        raise TokenSettingsInvalid("the JWKS URL is malformed") from None
    if parts.username is not None or parts.fragment or not named:
        raise TokenSettingsInvalid("the JWKS URL needs a host, no user and no fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise TokenSettingsInvalid("the JWKS URL must be https")
    return host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect could lead from https to http, or into the network behind the gateway."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> None:
        return None


def _fetch(opener: urllib.request.OpenerDirector, url: str, timeout: float) -> bytes:
    deadline = time.monotonic() + timeout
    try:
        with opener.open(url, timeout=timeout) as response:
            if response.status != 200:
                raise OSError("the JWKS URL did not answer 200")
            parts: list[bytes] = []
            while part := response.read1(65536):
                parts.append(part)
                if sum(map(len, parts)) > LARGEST_DOCUMENT or time.monotonic() > deadline:
                    raise OSError("the JWKS is too large or too slow")
            return b"".join(parts)
    except urllib.error.HTTPError as error:
        error.close()
        raise
