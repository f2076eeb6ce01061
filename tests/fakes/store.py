"""Storage in memory, held to the same contract tests as PostgreSQL."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from domain.audit import AuditEvent
from tests.fakes.audit import MemoryAudit
from tests.fakes.clock import Clock
from tests.fakes.kept_answers import MemoryKeptAnswers
from tests.fakes.mail import MemoryLinks, MemoryOutbox
from tests.fakes.posts import MemoryPosts
from tests.fakes.sessions import MemorySessions
from tests.fakes.tables import Tables
from tests.fakes.throttles import MemoryThrottles
from tests.fakes.users import MemoryUsers


class MemoryStore:
    """A store whose changes are undone by putting back what was there before."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self._clock, self._tables, self._claims = clock or Clock(), Tables(), dict[UUID, object]()

    @property
    def events(self) -> list[AuditEvent]:
        """The audit trail, in the order of ids."""
        return sorted(self._tables.audit.values(), key=lambda event: event.id)

    @asynccontextmanager
    async def read(self) -> AsyncIterator["MemoryWork"]:
        yield MemoryWork(self._tables, self._clock, self._claims)

    @asynccontextmanager
    async def write(self) -> AsyncIterator["MemoryWork"]:
        before, work = self._tables.copy(), MemoryWork(self._tables, self._clock, self._claims)
        try:
            yield work
        except BaseException:
            self._tables = before
            raise
        finally:
            work.kept_answers.release()

    write_one = write


class MemoryWork:
    """The repositories over one set of tables."""

    def __init__(self, tables: Tables, clock: Callable[[], datetime], claims: dict[UUID, object]) -> None:
        self.users = MemoryUsers(tables, clock)
        self.posts = MemoryPosts(tables, clock)
        self.sessions = MemorySessions(tables)
        self.audit = MemoryAudit(tables)
        self.throttles = MemoryThrottles(tables)
        self.links = MemoryLinks(tables.users, tables.links, clock)
        self.outbox = MemoryOutbox(tables.outbox)
        self.kept_answers = MemoryKeptAnswers(tables, claims)
