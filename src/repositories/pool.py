"""Who gets a connection next, and which."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from sqlalchemy import PoolProxiedConnection, event
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry, Pool
from sqlalchemy.util import greenlet_spawn

from domain.places import Places
from domain.time_limits import within
from repositories.connecting import Connection


class Connections:
    """An engine's connections: never more than `most` at work, and who waits is served in turn.

    Those that are idle here, in use by looks and in use by sessions are together never more than `most`.

    Looks keep theirs at hand for the next look, open and out of SQLAlchemy's pool, which takes longer than the look
    (docs/decisions/0031). Sessions take theirs from that pool, and leave room for it first.
    """

    def __init__(self, engine: AsyncEngine, most: int, wait_s: float) -> None:
        self._engine, self._most, self._wait_s = engine, most, wait_s
        self._places = Places(most)
        self._idle: list[Borrowed] = []

    @property
    def in_use(self) -> int:
        return self._most - self._places.free

    def borrow_at_once(self) -> "Borrowed | None":
        """An open connection, as far as is known without a ping, if one is at hand."""
        idle = self._idle
        if idle and not idle[-1].driver.is_closed() and self._places.take_at_once():
            return idle.pop()
        return None

    async def borrow(self) -> "Borrowed":
        """The same, opened where none is. Raises SQLAlchemy's TimeoutError, and what connecting raises."""
        await self._enter()
        home = self._idle  # of now: what is opened while all are renewed may be one of the old ones
        try:
            return await self._idle_one() or Borrowed(await self._engine.raw_connection(), home)
        except BaseException:
            self._places.give_back()
            raise

    def keep(self, borrowed: "Borrowed") -> bool:
        """Takes it back for the next look, if it is good for one; if not, it is to be given up."""
        if borrowed.home is not self._idle or not borrowed.pooled.is_valid:
            return False
        self._idle.append(borrowed)
        self._places.give_back()
        return True

    async def give_up(self, borrowed: "Borrowed") -> None:
        try:
            await _drop(borrowed.pooled)
        finally:
            self._places.give_back()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """For one session. Raises SQLAlchemy's TimeoutError."""
        await self._enter()
        try:
            if self._idle:
                await greenlet_spawn(self._idle.pop().pooled.close)
            yield
        finally:
            self._places.give_back()

    async def renew(self) -> None:
        """Leaves all there are; those that are in use are closed as soon as they are given back."""
        idle, self._idle, left = self._idle, [], replace_pool(self._engine)
        for one in idle:
            await _drop(one.pooled)
        await greenlet_spawn(left.dispose)

    async def _enter(self) -> None:
        if not self._places.take_at_once():
            try:
                with within(self._wait_s):
                    await self._places.wait()
            except TimeoutError:
                raise PoolTimeoutError(f"No connection was free for {self._wait_s} s") from None

    async def _idle_one(self) -> "Borrowed | None":
        while self._idle:
            one = self._idle.pop()
            if not one.driver.is_closed():
                return one
            await _drop(one.pooled)
        return None


def pass_over_closed(engine: AsyncEngine) -> None:
    """Has an engine connect anew in place of a connection that was cut while nobody used it, without asking it."""
    event.listen(engine.sync_engine, "checkout", _refuse_closed)


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
    """A connection that is in use, asyncpg's in it, and the store that it goes back to: as long as it is open, for
    SQLAlchemy's way from the one to the other takes three calls."""

    __slots__ = ("driver", "home", "pooled")

    def __init__(self, pooled: PoolProxiedConnection, home: "list[Borrowed]") -> None:
        self.pooled, self.home = pooled, home
        self.driver = cast(Connection, pooled.driver_connection)


async def _drop(pooled: PoolProxiedConnection) -> None:
    """Closes it; SQLAlchemy's pool will connect anew in its place."""
    if pooled.is_valid:
        pooled.invalidate()
    await greenlet_spawn(pooled.close)


def _refuse_closed(connection: DBAPIConnection, *_: object) -> None:
    if cast(AsyncAdapt_asyncpg_connection, connection).driver_connection.is_closed():
        raise DisconnectionError("It was cut while it lay in the pool")


def _give_up(connection: object, record: ConnectionPoolEntry) -> None:
    if connection is not None:
        record.invalidate()
