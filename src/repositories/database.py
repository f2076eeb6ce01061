"""The database: looking and changing, and what an outage is."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from types import TracebackType
from typing import Any, cast
from uuid import UUID

from sqlalchemy import URL, AsyncAdaptedQueuePool, Text, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.util import greenlet_spawn

from domain.errors import DomainError, Unavailable
from domain.time_limits import TimeLimit, within
from domain.values import value
from repositories.audit import AuditRepository
from repositories.auth import SessionRepository
from repositories.connecting import NOTHING_PREPARED, Connection, connect
from repositories.failures import READ_ONLY, is_outage, sqlstate
from repositories.idempotency import KeptAnswerRepository
from repositories.links import LinkRepository
from repositories.outbox import OutboxRepository
from repositories.pool import Connections, pass_over_closed, replace_pool
from repositories.posts import PostRepository
from repositories.reading import Executor, Look, OneChange
from repositories.throttles import ThrottleRepository
from repositories.users import UserRepository

Tell = Callable[[UUID], None]
_NOTIFY = select(func.pg_notify(bindparam("channel", type_=Text), bindparam("payload", type_=Text)).cast(Text))
NAMED = {"application_name": "inkwell"}


@value
class Limits:
    """How much of the database one worker may use; times in seconds. Behind a pooler the server's own time-outs are
    left to the role: it refuses them from those who connect."""

    pool_size: int = 15
    pool_overflow: int = 0
    pool_timeout_s: float = 2
    connect_timeout_s: float = 3
    command_timeout_s: float = 5
    work_timeout_s: float = 5
    statement_timeout_s: float = 4
    lock_timeout_s: float = 2
    idle_in_transaction_s: float = 10
    behind_pooler: bool = False

    @property
    def server_settings(self) -> dict[str, str]:
        if self.behind_pooler:
            return NAMED
        return NAMED | {
            "jit": "off",  # compiles for longer than our statements run
            "max_parallel_workers_per_gather": "0",  # nor does one request take the processors of the others
            "statement_timeout": _milliseconds(self.statement_timeout_s),
            "lock_timeout": _milliseconds(self.lock_timeout_s),
            "idle_in_transaction_session_timeout": _milliseconds(self.idle_in_transaction_s),
        }

    def connect_args(self, given: dict[str, Any]) -> dict[str, Any]:
        settings = self.server_settings | given.get("server_settings", {})
        timeouts = {"timeout": self.connect_timeout_s, "command_timeout": self._own_command_timeout_s}
        prepared = NOTHING_PREPARED if self.behind_pooler else {}
        ours = {"server_settings": settings, "connection_class": Connection, "async_creator_fn": connect}
        return timeouts | given | prepared | ours

    @property
    def _own_command_timeout_s(self) -> float | None:
        """None where the work's limit, which begins no later, ends first anyway: asyncpg's would be a timer of the
        event loop for each statement, an eighth of what a small one takes."""
        return self.command_timeout_s if self.command_timeout_s < self.work_timeout_s else None


@value
class PoolUse:
    """Connections in use, open, open beyond the pool's size, and how many there may be."""

    in_use: int
    open: int
    overflow: int
    limit: int


class Work:
    """The repositories over one session: made as they are asked for, since most of it asks for one or two."""

    def __init__(self, session: Executor) -> None:
        self._session = session
        self.changed_users: set[UUID] = set()
        self.new_mails: set[UUID] = set()

    @property
    def users(self) -> UserRepository:
        return UserRepository(self._session, self.changed_users)

    @property
    def posts(self) -> PostRepository:
        return PostRepository(self._session)

    @property
    def sessions(self) -> SessionRepository:
        return SessionRepository(self._session, self.changed_users)

    @property
    def audit(self) -> AuditRepository:
        return AuditRepository(self._session)

    @property
    def kept_answers(self) -> KeptAnswerRepository:
        return KeptAnswerRepository(self._session)

    @property
    def links(self) -> LinkRepository:
        return LinkRepository(self._session)

    @property
    def outbox(self) -> OutboxRepository:
        return OutboxRepository(self._session, self.new_mails)

    @property
    def throttles(self) -> ThrottleRepository:
        return ThrottleRepository(self._session)

    async def notify(self, channel: str, payload: str) -> None:
        await self._session.execute(_NOTIFY, {"channel": channel, "payload": payload})


class Database:
    """One pool of connections, and units of work on it."""

    def __init__(self, engine: AsyncEngine, looking: AsyncEngine, limits: Limits, tell: Tell) -> None:
        self._engine, self._limits, self._tell = engine, limits, tell
        self._connections = Connections(engine, limits.pool_size + limits.pool_overflow, limits.pool_timeout_s)
        self._looking = looking.execution_options(isolation_level="AUTOCOMMIT")
        self._writing = async_sessionmaker(engine, expire_on_commit=False)
        self.mail_waits: Callable[[], None] = lambda: None  # called whenever new mail is in the outbox, and committed

    @classmethod
    def connect(cls, url: URL, connect_args: dict[str, Any], limits: Limits, tell: Tell = lambda _: None) -> "Database":
        """Connects when it is first used, not here. Tells the ids of users that were changed here, once that counts."""
        make = partial(
            create_async_engine,
            url,
            pool_timeout=limits.pool_timeout_s,
            connect_args=limits.connect_args(connect_args),
            hide_parameters=True,
        )
        engine = make(pool_size=limits.pool_size, max_overflow=limits.pool_overflow)
        # One connection apart, so that a pool emptied by slow requests is not taken for a database that is away.
        looking = make(pool_size=1, max_overflow=0)
        for each in (engine, looking):
            pass_over_closed(each)
        return cls(engine, looking, limits, tell)

    def read(self) -> AbstractAsyncContextManager[Work]:
        """Looks: each statement by itself on the wire, no BEGIN and no ROLLBACK. Raises Unavailable."""
        return _Straight(self, Look(self._connections), within(self._limits.work_timeout_s))

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Work]:
        """Changes: one transaction, committed at the end of the block. Raises Unavailable."""
        async with self._outages_named(), self._connections.place(), self._writing.begin() as session:
            work = Work(session)
            yield work
        self.announce(work)

    def write_one(self) -> AbstractAsyncContextManager[Work]:
        """Changes by one statement, which commits itself: two round trips fewer. Raises Unavailable."""
        return _StraightChange(self, OneChange(self._connections), within(self._limits.work_timeout_s))

    def announce(self, work: Work) -> None:
        """Tells what was changed, once that counts."""
        for user_id in work.changed_users:
            self._tell(user_id)
        if work.new_mails:
            self.mail_waits()

    async def schema_version(self) -> str | None:
        """The revision that the database was migrated to, or None before the first. Raises Unavailable."""
        async with self._outages_named(), self._looking.connect() as connection:
            if await connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
                return None
            version: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
            return version

    async def notify(self, channel: str, payload: str) -> None:
        """Tells whoever listens on the channel, through the pool. Raises Unavailable."""
        async with self.read() as work:
            await work.notify(channel, payload)

    async def renew(self) -> None:
        """Leaves the connections there are: they may lead to a former primary, and new ones find the new one."""
        await self._connections.renew()
        await greenlet_spawn(replace_pool(self._looking).dispose)

    @property
    def pool(self) -> PoolUse:
        """How the pool is used at this moment."""
        pool = cast(AsyncAdaptedQueuePool, self._engine.pool)
        limit = self._limits.pool_size + self._limits.pool_overflow
        return PoolUse(self._connections.in_use, pool.checkedin() + pool.checkedout(), max(0, pool.overflow()), limit)

    async def close(self) -> None:
        await self.renew()

    @asynccontextmanager
    async def _outages_named(self) -> AsyncIterator[None]:
        try:
            with within(self._limits.work_timeout_s):
                yield
        except Exception as error:
            await self.name_outage(error)
            raise

    async def name_outage(self, error: BaseException) -> None:
        """Raises Unavailable if this is an outage."""
        if isinstance(error, DomainError) or not is_outage(error):
            return
        if sqlstate(error) == READ_ONLY:
            await self.renew()
        raise Unavailable from error


class _Straight:
    """A block whose statements go by Look; written out, since a generator would take longer than a look at one row."""

    def __init__(self, database: Database, look: Look, limit: TimeLimit) -> None:
        self._database, self._look, self._limit = database, look, limit

    async def __aenter__(self) -> Work:
        self._limit.__enter__()
        return Work(self._look)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            try:
                await self._look.aclose()
            finally:  # makes a TimeoutError of the cancellation that is its own
                self._limit.__exit__(kind, error, trace)
        except TimeoutError as late:
            await self._database.name_outage(late)
        if isinstance(error, Exception):
            await self._database.name_outage(error)


class _StraightChange(_Straight):
    """The same for one that changes something."""

    async def __aenter__(self) -> Work:
        self._work = await super().__aenter__()
        return self._work

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        if error is None:
            self._database.announce(self._work)


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
