"""The database: looking and changing, and what an outage is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from domain.errors import DomainError, Unavailable
from repositories.auth import SessionRepository
from repositories.failures import READ_ONLY, is_outage, sqlstate
from repositories.idempotency import KeptAnswerRepository
from repositories.posts import PostRepository
from repositories.users import UserRepository


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the database one worker may use; times in seconds."""

    pool_size: int = 10
    pool_overflow: int = 5
    pool_timeout_s: float = 2
    connect_timeout_s: float = 3
    command_timeout_s: float = 5
    statement_timeout_s: float = 4
    lock_timeout_s: float = 2
    idle_in_transaction_s: float = 10

    @property
    def server_settings(self) -> dict[str, str]:
        return {
            "application_name": "inkwell",
            "jit": "off",  # compiles for longer than our statements run
            "statement_timeout": _milliseconds(self.statement_timeout_s),
            "lock_timeout": _milliseconds(self.lock_timeout_s),
            "idle_in_transaction_session_timeout": _milliseconds(self.idle_in_transaction_s),
        }

    def connect_args(self, given: dict[str, Any]) -> dict[str, Any]:
        settings = self.server_settings | given.get("server_settings", {})
        timeouts = {"timeout": self.connect_timeout_s, "command_timeout": self.command_timeout_s}
        return timeouts | given | {"server_settings": settings}


class Work:
    """The repositories over one session."""

    def __init__(self, session: AsyncSession) -> None:
        self.users = UserRepository(session)
        self.posts = PostRepository(session)
        self.sessions = SessionRepository(session)
        self.kept_answers = KeptAnswerRepository(session)


class Database:
    """One pool of connections, and units of work on it."""

    def __init__(self, engine: AsyncEngine, looking: AsyncEngine) -> None:
        self._engine = engine
        self._looking = looking.execution_options(isolation_level="AUTOCOMMIT")
        self._reading = async_sessionmaker(engine.execution_options(isolation_level="AUTOCOMMIT"))
        self._writing = async_sessionmaker(engine, expire_on_commit=False)

    @classmethod
    def connect(cls, url: URL, connect_args: dict[str, Any], limits: Limits) -> "Database":
        """Connects when it is first used, not here."""
        make = partial(
            create_async_engine,
            url,
            pool_timeout=limits.pool_timeout_s,
            connect_args=limits.connect_args(connect_args),
            hide_parameters=True,
        )
        engine = make(pool_size=limits.pool_size, max_overflow=limits.pool_overflow)
        # One connection apart, so that a pool emptied by slow requests is not taken for a database that is away.
        return cls(engine, looking=make(pool_size=1, max_overflow=0))

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Work]:
        """Looks: each statement by itself on the wire, no BEGIN and no ROLLBACK. Raises Unavailable."""
        async with self._outages_named(), self._reading() as session:
            yield Work(session)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Work]:
        """Changes: one transaction, committed at the end of the block. Raises Unavailable."""
        async with self._outages_named(), self._writing.begin() as session:
            yield Work(session)

    async def schema_version(self) -> str | None:
        """The revision that the database was migrated to, or None before the first. Raises Unavailable."""
        async with self._outages_named(), self._looking.connect() as connection:
            if await connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
                return None
            version: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
            return version

    async def close(self) -> None:
        await self._engine.dispose()
        await self._looking.dispose()

    @asynccontextmanager
    async def _outages_named(self) -> AsyncIterator[None]:
        try:
            yield
        except DomainError:
            raise
        except Exception as error:
            if not is_outage(error):
                raise
            if sqlstate(error) == READ_ONLY:
                await self._engine.dispose()  # these connections lead to a former primary; new ones find the new one
            raise Unavailable from error


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
