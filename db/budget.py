"""A bounded number of connections, shared by several names that each need their own.

A name's connections are opened when they are needed and used again, the last one back first. At the
bound, the connection that has been idle longest, whoever's it is, makes room; where none is idle,
whoever needs one waits, and is served in the order of coming. Knows no role, URL or statement.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

from db.errors import DatabaseUnavailable
from db.session import close_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping


class _Idle(NamedTuple):
    since: float
    connection: asyncpg.Connection


class _Waiting(NamedTuple):
    name: str
    future: asyncio.Future[asyncpg.Connection]


class Budget:
    """At most `most` connections at once; a connection counts until the server has ended it.

    Belongs to one event loop. `waits` counts those who met the bound and had to wait for another.
    """

    def __init__(
        self,
        most: int,
        connect: Callable[[str], Awaitable[asyncpg.Connection]],
        wait_seconds: float = 10.0,
    ) -> None:
        self._most = most
        self._connect = connect
        self._wait_seconds = wait_seconds
        # INVARIANT: _taken is what is open, being opened or being closed, and at most _most.
        self._taken = 0
        self._open: dict[asyncpg.Connection, str] = {}
        self._idle: dict[str, list[_Idle]] = {}  # each list in the order of coming back
        self._waiting: deque[_Waiting] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self.waits = 0

    @asynccontextmanager
    async def acquire(self, name: str) -> AsyncIterator[asyncpg.Connection]:
        """A connection of this name, for as long as the block runs.

        Raises what `connect` raises, and DatabaseUnavailable when none is to be had in time. It is
        used again only if it is beyond doubt: not after a cancelled statement, a lost connection
        or any mistake in the block, and not within a transaction.
        """
        connection = self._pop_idle(name)
        if connection is None:
            connection = await self._wait(name)
        sound = False
        try:
            yield connection
            sound = True
        except asyncpg.PostgresError as error:
            # The server refused a statement and listens for the next; FATAL ends the session.
            sound = error.severity_en == "ERROR"
            raise
        finally:
            self._back(name, connection, sound=sound)

    def open(self) -> Mapping[str, int]:
        """Name → how many of its connections are open."""
        return Counter(self._open.values())

    async def close(self) -> None:
        """Closes what is idle, cuts off what is in use, and tells those who wait."""
        self._closed = True
        for _, future in self._waiting:
            if not future.done():
                future.set_exception(DatabaseUnavailable("the gateway stops"))
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*map(close_session, list(self._open)))
        self._open.clear()
        self._idle.clear()

    def _pop_idle(self, name: str) -> asyncpg.Connection | None:
        stack = self._idle.get(name)
        while stack:
            connection = stack.pop().connection
            if not connection.is_closed():
                return connection
            self._gone(connection)
        return None

    def _pop_longest_idle(self) -> asyncpg.Connection | None:
        stacks = [stack for stack in self._idle.values() if stack]
        if not stacks:
            return None
        return min(stacks, key=lambda stack: stack[0].since).pop(0).connection

    async def _wait(self, name: str) -> asyncpg.Connection:
        if self._closed:
            raise DatabaseUnavailable("the gateway stops")
        future = asyncio.get_running_loop().create_future()
        waiting = _Waiting(name, future)
        self._waiting.append(waiting)
        self._serve()
        self.waits += bool(self._waiting) and self._waiting[-1] is waiting
        try:
            async with asyncio.timeout(self._wait_seconds):
                return await future
        except BaseException as error:
            # Given a connection and gone before it could be taken up.
            if future.done() and not future.cancelled() and future.exception() is None:
                self._back(name, future.result(), sound=True)
            if isinstance(error, TimeoutError):
                raise DatabaseUnavailable("no connection became free") from None
            raise

    def _serve(self) -> None:
        """Gives what there is to those who wait, in the order in which they came."""
        while self._waiting:
            name, future = self._waiting[0]
            if not future.done():
                if (connection := self._pop_idle(name)) is not None:
                    future.set_result(connection)
                elif self._taken < self._most:
                    self._taken += 1
                    self._start(self._open_for(name, future))
                elif (connection := self._pop_longest_idle()) is not None:
                    self._start(self._open_for(name, future, connection))
                else:
                    return
            self._waiting.popleft()

    async def _open_for(
        self,
        name: str,
        future: asyncio.Future[asyncpg.Connection],
        instead: asyncpg.Connection | None = None,
    ) -> None:
        """Opens a connection, in the place of another one if need be.

        A task of its own: whoever waited may leave, and the place is still known to be taken.
        """
        try:
            if instead is not None:
                await close_session(instead)
                del self._open[instead]
            connection = await self._connect(name)
        except Exception as error:
            self._taken -= 1
            if not future.done():
                future.set_exception(error)
            self._serve()
            return
        self._open[connection] = name
        if future.done():
            self._back(name, connection, sound=True)
        else:
            future.set_result(connection)

    def _back(self, name: str, connection: asyncpg.Connection, *, sound: bool) -> None:
        if self._closed:
            return
        if connection.is_closed():
            self._gone(connection)
            self._serve()
        elif sound and not connection.is_in_transaction():
            now = asyncio.get_running_loop().time()
            self._idle.setdefault(name, []).append(_Idle(now, connection))
            self._serve()
        else:
            self._start(self._discard(connection))

    async def _discard(self, connection: asyncpg.Connection) -> None:
        await close_session(connection)
        self._gone(connection)
        self._serve()

    def _gone(self, connection: asyncpg.Connection) -> None:
        connection.terminate()  # of one that is closed already, what the driver still keeps of it
        del self._open[connection]
        self._taken -= 1

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
