"""Who gets a connection next, and which."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from asyncpg import Connection
from sqlalchemy import PoolProxiedConnection, event
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import greenlet_spawn

from domain.time_limits import within


class Connections:
    """An engine's connections: never more than `most` at work, and who waits is served in turn.

    Looks keep theirs at hand for the next look, open and out of SQLAlchemy's pool, which takes longer than the look
    (docs/decisions/0031). Sessions take theirs from that pool, and leave room for it first.
    """

    def __init__(self, engine: AsyncEngine, most: int, wait_s: float) -> None:
        self._engine, self._wait_s = engine, wait_s
        self._places = asyncio.Semaphore(most)
        self._idle: list[PoolProxiedConnection] = []
        self.in_use = 0

    async def borrow(self) -> "Borrowed":
        """An open connection, as far as is known without a ping. Raises SQLAlchemy's TimeoutError, and what connecting
        raises."""
        await self._enter()
        try:
            return Borrowed(await self._idle_one() or await self._pooled_one(), self._idle)
        except BaseException:
            self._leave()
            raise

    async def give_back(self, borrowed: "Borrowed") -> None:
        try:
            if borrowed.home is self._idle and borrowed.pooled.is_valid:
                self._idle.append(borrowed.pooled)
            else:
                await _drop(borrowed.pooled)
        finally:
            self._leave()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """For one session. Raises SQLAlchemy's TimeoutError."""
        await self._enter()
        try:
            if self._idle:
                await greenlet_spawn(self._idle.pop().close)
            yield
        finally:
            self._leave()

    async def renew(self) -> None:
        """Leaves all there are; those that are in use are closed as soon as they are given back."""
        idle, self._idle = self._idle, []
        for pooled in idle:
            await _drop(pooled)
        await leave_all(self._engine)

    async def _enter(self) -> None:
        if self._places.locked():
            try:
                async with within(self._wait_s):
                    await self._places.acquire()
            except TimeoutError:
                raise PoolTimeoutError(f"No connection was free for {self._wait_s} s") from None
        else:
            await self._places.acquire()
        self.in_use += 1

    def _leave(self) -> None:
        self.in_use -= 1
        self._places.release()

    async def _idle_one(self) -> PoolProxiedConnection | None:
        while self._idle:
            pooled = self._idle.pop()
            if not _is_closed(pooled):
                return pooled
            await _drop(pooled)
        return None

    async def _pooled_one(self) -> PoolProxiedConnection:
        while _is_closed(pooled := await self._engine.raw_connection()):
            await _drop(pooled)
        return pooled


async def leave_all(engine: AsyncEngine) -> None:
    """Has an engine open new connections, and those closed that there are: at once, or when they are given back."""
    left = engine.pool
    await engine.dispose()
    # Who had a connection meanwhile gives it back to a pool that nobody asks any more, and that keeps it open.
    event.listen(left, "checkin", _give_up)
    await greenlet_spawn(left.dispose)


class Borrowed:
    """A connection that is in use, and the store that it came from."""

    __slots__ = ("home", "pooled")

    def __init__(self, pooled: PoolProxiedConnection, home: list[PoolProxiedConnection]) -> None:
        self.pooled, self.home = pooled, home

    @property
    def driver(self) -> Connection:
        return cast(Connection, self.pooled.driver_connection)


def _is_closed(pooled: PoolProxiedConnection) -> bool:
    return bool(cast(Connection, pooled.driver_connection).is_closed())


async def _drop(pooled: PoolProxiedConnection) -> None:
    """Closes it; SQLAlchemy's pool will connect anew in its place."""
    if pooled.is_valid:
        pooled.invalidate()
    await greenlet_spawn(pooled.close)


def _give_up(connection: object, record: ConnectionPoolEntry) -> None:
    if connection is not None:
        record.invalidate()
