"""Sessions in memory."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.auth import Session, SignIn
from domain.users import Account, Client, Credentials
from tests.fakes.tables import Tables


class MemorySessions:
    """Sessions in memory."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(
        self, session_id: UUID, seen: Credentials, now: datetime, expires_at: datetime, client: Client
    ) -> bool:
        found = self._tables.users.get(seen.account.id)
        if found is None or not found.account.is_active or found.password_hash != seen.password_hash:
            return False
        user_id = seen.account.id
        session = Session(session_id, user_id, now, now, expires_at, 0, client.ip, client.user_agent)
        self._tables.sessions[session_id] = session
        return True

    async def sign_in(self, user_id: UUID, session_id: UUID) -> SignIn | None:
        found, session = self._tables.users.get(user_id), self._tables.sessions.get(session_id)
        is_own = session is not None and session.user_id == user_id
        return SignIn(found.account, session.expires_at if session and is_own else None) if found else None

    async def locked(self, session_id: UUID) -> tuple[Session, Account] | None:
        session = self._tables.sessions.get(session_id)
        return (session, self._tables.users[session.user_id].account) if session else None

    async def refreshed(self, session_id: UUID, now: datetime) -> None:
        session = self._tables.sessions[session_id]
        moved_on = replace(session, refresh_count=session.refresh_count + 1, last_used_at=now)
        self._tables.sessions[session_id] = moved_on

    async def of(self, user_id: UUID) -> list[Session]:
        own = [session for session in self._tables.sessions.values() if session.user_id == user_id]
        return sorted(own, key=lambda session: (session.last_used_at, session.id), reverse=True)

    async def keep_newest(self, user_id: UUID, count: int) -> None:
        for session in (await self.of(user_id))[count:]:
            del self._tables.sessions[session.id]

    async def end(self, user_id: UUID, session_id: UUID) -> bool:
        session = self._tables.sessions.get(session_id)
        if session is None or session.user_id != user_id:
            return False
        del self._tables.sessions[session_id]
        return True

    async def end_all(self, user_id: UUID, but: UUID | None = None) -> None:
        for session in [one for one in await self.of(user_id) if one.id != but]:
            del self._tables.sessions[session.id]

    async def purge(self, unused_since: datetime, limit: int) -> int:
        doomed = [one for one in self._tables.sessions.values() if one.last_used_at < unused_since][:limit]
        for session in doomed:
            del self._tables.sessions[session.id]
        return len(doomed)
