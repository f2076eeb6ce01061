"""Sessions, and the sign-ins behind them, in PostgreSQL."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Text, Uuid, and_, bindparam, delete, insert, select, update

from domain.auth import Session, SignIn
from domain.users import Account, Client, Credentials
from repositories.purging import purge
from repositories.reading import Executor
from repositories.tables import sessions, users
from repositories.users import ACCOUNT

_TIME = sessions.c.expires_at.type
SESSION: tuple[Column[Any], ...] = (
    sessions.c.id,
    sessions.c.user_id,
    sessions.c.created_at,
    sessions.c.last_used_at,
    sessions.c.expires_at,
    sessions.c.refresh_count,
    sessions.c.ip,
    sessions.c.user_agent,
)

_MAY_SIGN_IN = and_(
    users.c.id == bindparam("user_id"), users.c.is_active, users.c.password_hash == bindparam("password_hash")
)
_ROW = (
    select(
        bindparam("session_id", type_=Uuid),
        users.c.id,
        bindparam("now", type_=_TIME),
        bindparam("now", type_=_TIME),
        bindparam("expires_at", type_=_TIME),
        bindparam("ip", type_=Text),
        bindparam("user_agent", type_=Text),
    )
    .where(_MAY_SIGN_IN)
    .with_for_update(key_share=True)  # one sign-in of a user after the other, so that they count right
)
_COLUMNS = ("id", "user_id", "created_at", "last_used_at", "expires_at", "ip", "user_agent")
_ADD = insert(sessions).from_select(_COLUMNS, _ROW).returning(sessions.c.id)

_OF_USER = sessions.c.user_id == bindparam("user_id")
_BY_ID = sessions.c.id == bindparam("session_id")
_LAST_USED_FIRST = (sessions.c.last_used_at.desc(), sessions.c.id.desc())
_OF = select(*SESSION).where(_OF_USER).order_by(*_LAST_USED_FIRST)
_SUPERFLUOUS = select(sessions.c.id).where(_OF_USER).order_by(*_LAST_USED_FIRST).offset(bindparam("count"))
_KEEP_NEWEST = delete(sessions).where(sessions.c.id.in_(_SUPERFLUOUS))
_LOCKED = select(*SESSION, *ACCOUNT).join(users).where(_BY_ID).with_for_update(of=sessions)
_REFRESHED = (
    update(sessions)
    .where(_BY_ID)
    .values(refresh_count=sessions.c.refresh_count + 1, last_used_at=bindparam("now", type_=_TIME))
)
_END = delete(sessions).where(_BY_ID, _OF_USER).returning(sessions.c.id)
_END_ALL = delete(sessions).where(_OF_USER)
_PURGE = purge(sessions, sessions.c.last_used_at < bindparam("unused_since", type_=_TIME))
_END_OTHERS = _END_ALL.where(sessions.c.id != bindparam("but"))

_ITS_OWN = and_(sessions.c.id == bindparam("session_id"), sessions.c.user_id == users.c.id)
_SIGN_IN = (
    select(sessions.c.expires_at, *ACCOUNT)
    .select_from(users.outerjoin(sessions, _ITS_OWN))
    .where(users.c.id == bindparam("user_id"))
)


class SessionRepository:
    """Sessions over one database session; `changed` gathers the ids of users who lost some."""

    def __init__(self, session: Executor, changed: set[UUID]) -> None:
        self._session, self._changed = session, changed

    async def add(
        self, session_id: UUID, seen: Credentials, now: datetime, expires_at: datetime, client: Client
    ) -> bool:
        row = {"session_id": session_id, "now": now, "expires_at": expires_at}
        row |= {"user_id": seen.account.id, "password_hash": seen.password_hash}
        row |= {"ip": client.ip, "user_agent": client.user_agent}
        return (await self._session.execute(_ADD, row)).one_or_none() is not None

    async def sign_in(self, user_id: UUID, session_id: UUID) -> SignIn | None:
        named = {"user_id": user_id, "session_id": session_id}
        row = (await self._session.execute(_SIGN_IN, named)).one_or_none()
        return SignIn(Account(*row[1:]), row[0]) if row else None

    async def locked(self, session_id: UUID) -> tuple[Session, Account] | None:
        row = (await self._session.execute(_LOCKED, {"session_id": session_id})).one_or_none()
        return (Session(*row[: len(SESSION)]), Account(*row[len(SESSION) :])) if row else None

    async def refreshed(self, session_id: UUID, now: datetime) -> None:
        await self._session.execute(_REFRESHED, {"session_id": session_id, "now": now})

    async def of(self, user_id: UUID) -> list[Session]:
        return [Session(*row) for row in await self._session.execute(_OF, {"user_id": user_id})]

    async def keep_newest(self, user_id: UUID, count: int) -> None:
        self._changed.add(user_id)
        await self._session.execute(_KEEP_NEWEST, {"user_id": user_id, "count": count})

    async def end(self, user_id: UUID, session_id: UUID) -> bool:
        self._changed.add(user_id)
        named = {"user_id": user_id, "session_id": session_id}
        return (await self._session.execute(_END, named)).one_or_none() is not None

    async def end_all(self, user_id: UUID, but: UUID | None = None) -> None:
        self._changed.add(user_id)
        if but is None:
            await self._session.execute(_END_ALL, {"user_id": user_id})
        else:
            await self._session.execute(_END_OTHERS, {"user_id": user_id, "but": but})

    async def purge(self, unused_since: datetime, limit: int) -> int:
        return len((await self._session.execute(_PURGE, {"unused_since": unused_since, "limit": limit})).all())
