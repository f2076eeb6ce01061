"""Sessions as their user sees them: where one is signed in, and how to end that."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal
from uuid import UUID

from domain.auth import OwnSession, Session, SessionRules
from domain.errors import SessionNotFound
from domain.users import Actor
from service.audit import record
from service.fields import Input
from service.ports import PURGE_BATCH, Store


class Logout(Input):
    """Which sessions to end: this one, all the others, or all."""

    scope: Literal["current", "others", "all"] = "current"


class SessionService:
    """Lists and ends the actor's own sessions. Their tokens stop working at once."""

    def __init__(self, store: Store, *, rules: SessionRules, now: Callable[[], datetime]) -> None:
        self._store, self._rules, self._now = store, rules, now

    async def list(self, actor: Actor) -> list[OwnSession]:
        """Those that go on, the last used first."""
        async with self._store.read() as work:
            found = await work.sessions.of(actor.id)
        now = self._now()
        return [_seen_by(actor, session) for session in found if session.lives(now, self._rules)]

    async def end(self, actor: Actor, session_id: UUID) -> None:
        """Raises SessionNotFound."""
        async with self._store.write() as work:
            if not await work.sessions.end(actor.id, session_id):
                raise SessionNotFound
            await record(work, "session.end", actor, actor.id, session_id=str(session_id))

    async def logout(self, actor: Actor, logout: Logout) -> None:
        async with self._store.write() as work:
            if logout.scope == "current":
                await work.sessions.end(actor.id, actor.session_id)
            else:
                await work.users.lock(actor.id)  # before the sessions, as everywhere: nobody waits in a circle
                await work.sessions.end_all(actor.id, but=actor.session_id if logout.scope == "others" else None)
            await record(work, "session.logout", actor, actor.id, scope=logout.scope, session_id=str(actor.session_id))

    async def purge(self) -> int:
        """Removes some of the sessions that lay idle too long; says how many."""
        async with self._store.write() as work:
            return await work.sessions.purge(self._now() - self._rules.idle, PURGE_BATCH)


def _seen_by(actor: Actor, session: Session) -> OwnSession:
    current = session.id == actor.session_id
    return OwnSession(session.id, session.created_at, session.last_used_at, session.ip, session.user_agent, current)
