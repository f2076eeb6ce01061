"""Who gets a connection next, and which."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from asyncpg import Connection
from sqlalchemy import PoolProxiedConnection, event
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry, Pool
from sqlalchemy.util import greenlet_spawn

from domain.places import Places
from domain.time_limits import within


class Connections:
    """An engine's connections: never more than `most` at work, and who waits is served in turn.

    Those that are idle here, in use by looks and in use by sessions are together never more than `most`.

    Looks keep theirs at hand for the next look, open and out of SQLAlchemy's pool, which takes longer than the look
    (docs/decisions/0031). Sessions take theirs from that pool, and leave room for it first.
    """

    def __init__(self, engine: AsyncEngine, most: int, wait_s: float) -> None:
        self._engine, self._wait_s = engine, wait_s
        self._places = Places(most)
        self._idle: list[PoolProxiedConnection] = []
        self.in_use = 0

    async def borrow(self) -> "Borrowed":
        """An open connection, as far as is known without a ping. Raises SQLAlchemy's TimeoutError, and what connecting
        raises."""
        await self._enter()
        home = self._idle  # of now: what is opened while all are renewed may be one of the old ones
        try:
            return Borrowed(await self._idle_one() or await self._pooled_one(), home)
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
        idle, self._idle, left = self._idle, [], replace_pool(self._engine)
        for pooled in idle:
            await _drop(pooled)
        await greenlet_spawn(left.dispose)

    async def _enter(self) -> None:
        if not self._places.take_at_once():
            try:
                with within(self._wait_s):
                    await self._places.wait()
            except TimeoutError:
                raise PoolTimeoutError(f"No connection was free for {self._wait_s} s") from None
        self.in_use += 1

    def _leave(self) -> None:
        self.in_use -= 1
        self._places.give_back()

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


def replace_pool(engine: AsyncEngine) -> Pool:
    """Has an engine open new connections from now on; the old pool is to be disposed of.

    In one step: of two at once, each would else replace the other's new pool, and leave it open.
    """
    left = engine.pool
    engine.sync_engine.dispose(close=False)
    # Who had a connection meanwhile gives it back to a pool that nobody asks any more, and that keeps it open.
    event.listen(left, "checkin", _give_up)
    return left


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
