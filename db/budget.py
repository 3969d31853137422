"""A bounded number of connections, shared by several names that each need their own.

A name's connections are opened when they are needed and used again, the last one back first. At the
bound a connection changes hands, which costs a login: the one that has been idle longest makes room
for whoever has waited longest. Knows no role, URL or statement.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

from db.errors import DatabaseUnavailable
from db.session import close_session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping
    from types import TracebackType


# A login costs several milliseconds of both sides, many times what a statement does. Without
# patience, names that come and go by chance would take connections from each other all the time:
# 150 requests a second instead of 5,000, with thirteen names (docs/adr/0009).
_PATIENCE = 0.05


class _Idle(NamedTuple):
    since: float
    connection: asyncpg.Connection


class _Waiting(NamedTuple):
    since: float
    future: asyncio.Future[asyncpg.Connection]


class Budget:
    """At most `most` connections at once; a connection counts until the server has ended it.

    Who waits is served in the order of coming, with patience: a connection that is in use all the
    time changes hands once in 50 ms, for whoever has waited 50 ms longer than its own. Belongs to
    one event loop. `waits` counts those who met the bound.
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
        self._waiting: dict[str, deque[_Waiting]] = {}  # each in the order of coming
        self._tasks: set[asyncio.Task[None]] = set()
        self._look: asyncio.TimerHandle | None = None
        self._changed = 0.0  # when a connection last changed hands
        self._closed = False
        self.waits = 0

    def acquire(self, name: str) -> Lease:
        """A connection of this name, for as long as an `async with` block runs.

        Raises what `connect` raises, and DatabaseUnavailable when none is to be had in time. It is
        used again only if it is beyond doubt: not after a cancelled statement, a lost connection
        or any mistake in the block, and not within a transaction.
        """
        return Lease(self, name)

    async def take(self, name: str) -> asyncpg.Connection:
        """A connection that the caller has to give back."""
        return self._pop_idle(name) or await self._wait(name)

    def give_back(
        self, name: str, connection: asyncpg.Connection, error: BaseException | None
    ) -> None:
        """Takes it back, after what happened in the block."""
        # The server refused a statement and listens for the next; FATAL ends the session.
        refused = isinstance(error, asyncpg.PostgresError) and error.severity_en == "ERROR"
        self._back(name, connection, sound=error is None or refused)

    def open(self) -> Mapping[str, int]:
        """Name → how many of its connections are open."""
        return Counter(self._open.values())

    async def close(self) -> None:
        """Closes what is idle, cuts off what is in use, and tells those who wait."""
        self._closed = True
        for waiting in [each for queue in self._waiting.values() for each in queue]:
            if not waiting.future.done():
                waiting.future.set_exception(DatabaseUnavailable("the gateway stops"))
        self._waiting.clear()
        if self._look is not None:
            self._look.cancel()
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

    async def _wait(self, name: str) -> asyncpg.Connection:
        if self._closed:
            raise DatabaseUnavailable("the gateway stops")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(loop.time(), loop.create_future())
        self._waiting.setdefault(name, deque()).append(waiting)
        self._serve()
        self.waits += self._waits(name, waiting)
        try:
            async with asyncio.timeout(self._wait_seconds):
                return await waiting.future
        except BaseException as error:
            future = waiting.future
            # Given a connection and gone before it could be taken up.
            if future.done() and not future.cancelled() and future.exception() is None:
                self._back(name, future.result(), sound=True)
            if isinstance(error, TimeoutError):
                raise DatabaseUnavailable("no connection became free") from None
            raise

    def _waits(self, name: str, waiting: _Waiting) -> bool:
        queue = self._waiting.get(name)
        return queue is not None and queue[-1] is waiting

    def _serve(self) -> None:
        """Gives what there is to those who wait: whose turn it is first, then each of its own."""
        while (name := self._next()) is not None:
            queue = self._waiting[name]
            if (connection := self._pop_idle(name)) is not None:
                queue.popleft().future.set_result(connection)
            elif self._taken < self._most:
                self._taken += 1
                self._start(self._open_for(name, queue.popleft().future))
            elif (connection := self._pop_spare(queue[0].since)) is not None:
                self._start(self._open_for(name, queue.popleft().future, connection))
            else:
                break
        for name, queue in self._waiting.items():
            while queue:
                if queue[0].future.done():
                    queue.popleft()
                elif (connection := self._pop_idle(name)) is not None:
                    queue.popleft().future.set_result(connection)
                else:
                    break
        if self._waiting and self._look is None:
            # In case that nobody gives back: what may change hands is a matter of time, too.
            self._look = asyncio.get_running_loop().call_later(_PATIENCE, self._look_again)

    def _look_again(self) -> None:
        self._look = None
        self._serve()

    def _next(self) -> str | None:
        """The name of whoever has waited longest; forgets those who have left."""
        for name, queue in list(self._waiting.items()):
            while queue and queue[0].future.done():
                queue.popleft()
            if not queue:
                del self._waiting[name]
        return min(self._waiting, key=lambda name: self._waiting[name][0].since, default=None)

    def _pop_spare(self, since: float) -> asyncpg.Connection | None:
        """The longest idle connection of those that somebody may take who waits since an instant.

        Nobody misses one that is idle for a while. One that is missed changes hands where its own
        name has waited so much less, or not at all, and seldom: logins are all that a gateway does
        otherwise once they make everybody wait.
        """
        now = self._now()
        rested = self._changed + _PATIENCE <= now
        best: list[_Idle] | None = None
        for name, stack in self._idle.items():
            if not stack or (best is not None and best[0].since <= stack[0].since):
                continue
            queue = self._waiting.get(name)
            wanted = queue[0].since if queue else now
            if stack[0].since + _PATIENCE <= now or (rested and since + _PATIENCE <= wanted):
                best = stack
        if best is None:
            return None
        self._changed = now
        return best.pop(0).connection

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
            self._idle.setdefault(name, []).append(_Idle(self._now(), connection))
            if self._waiting:
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

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


class Lease:
    """A connection for the time of a block. A class of its own: one that the library makes of
    a generator takes longer, in every request."""

    __slots__ = ("_budget", "_connection", "_name")

    def __init__(self, budget: Budget, name: str) -> None:
        self._budget = budget
        self._name = name

    async def __aenter__(self) -> asyncpg.Connection:
        self._connection = await self._budget.take(self._name)
        return self._connection

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        self._budget.give_back(self._name, self._connection, error)
