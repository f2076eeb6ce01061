"""Sessions in PostgreSQL."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, Uuid, and_, bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.sessions import Client, SignIn
from domain.users import Account, Credentials
from repositories.tables import sessions, users
from repositories.users import ACCOUNT

_COLUMNS = ("id", "user_id", "expires_at", "ip", "user_agent")
_MAY_SIGN_IN = and_(
    users.c.id == bindparam("user_id"), users.c.is_active, users.c.password_hash == bindparam("password_hash")
)
_ROW = select(
    bindparam("session_id", type_=Uuid),
    users.c.id,
    bindparam("expires_at", type_=sessions.c.expires_at.type),
    bindparam("ip", type_=Text),
    bindparam("user_agent", type_=Text),
).where(_MAY_SIGN_IN)
_ADD = insert(sessions).from_select(_COLUMNS, _ROW).returning(sessions.c.id)

_LIVING = and_(
    sessions.c.id == bindparam("session_id"),
    sessions.c.user_id == users.c.id,
    sessions.c.expires_at > bindparam("now", type_=sessions.c.expires_at.type),
)
_SIGN_IN = (
    select(sessions.c.id.is_not(None), *ACCOUNT)
    .select_from(users.outerjoin(sessions, _LIVING))
    .where(users.c.id == bindparam("user_id"))
)
_END_ALL = delete(sessions).where(sessions.c.user_id == bindparam("user_id"))


class SessionRepository:
    """Sessions over one database session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, session_id: UUID, seen: Credentials, expires_at: datetime, client: Client) -> bool:
        row = {"session_id": session_id, "expires_at": expires_at, "ip": client.ip, "user_agent": client.user_agent}
        row |= {"user_id": seen.account.id, "password_hash": seen.password_hash}
        return (await self._session.execute(_ADD, row)).one_or_none() is not None

    async def sign_in(self, user_id: UUID, session_id: UUID, now: datetime) -> SignIn | None:
        named = {"user_id": user_id, "session_id": session_id, "now": now}
        row = (await self._session.execute(_SIGN_IN, named)).one_or_none()
        return SignIn(Account(*row[1:]), row[0]) if row else None

    async def end_all(self, user_id: UUID) -> None:
        await self._session.execute(_END_ALL, {"user_id": user_id})
