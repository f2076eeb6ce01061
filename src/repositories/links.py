"""Mailed links in PostgreSQL."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Text, Uuid, and_, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.mail import Link, Purpose
from domain.users import Account
from repositories.purging import purge
from repositories.reading import Executor
from repositories.tables import links, users
from repositories.users import ACCOUNT

_TIME = links.c.created_at.type
LINK: tuple[Column[Any], ...] = (links.c.id, links.c.user_id, links.c.purpose, links.c.email)

_BY_ID = links.c.id == bindparam("link_id")
_other = users.alias("other")
_EMAIL = bindparam("email", type_=Text)
_IS_OTHERS = exists().where(_other.c.email == _EMAIL, _other.c.id != users.c.id)
_ROW = (
    select(bindparam("link_id", type_=Uuid), users.c.id, bindparam("purpose", type_=Text), _EMAIL)
    .where(users.c.email == bindparam("owner"), users.c.is_active, ~_IS_OTHERS)
    .with_for_update(of=users, key_share=True)  # the user before the link, as everywhere
)
_NEW = insert(links).from_select(["id", "user_id", "purpose", "email"], _ROW)
_ADD = _NEW.on_conflict_do_update(
    constraint="uq_links_user_id",
    set_={"id": _NEW.excluded.id, "email": _NEW.excluded.email, "created_at": func.now(), "expires_at": None},
)

_IS_GOOD = and_(
    _BY_ID,
    links.c.user_id == users.c.id,
    users.c.is_active,
    or_(links.c.purpose == "change_email", links.c.email == users.c.email),
)
_CAN_BE_USED = and_(_IS_GOOD, links.c.expires_at > bindparam("now", type_=_TIME))
_START = update(links).where(_IS_GOOD).values(expires_at=bindparam("expires", type_=_TIME)).returning(links.c.id)
_FIND = select(*LINK, *ACCOUNT).where(_CAN_BE_USED)
_TAKE = delete(links).where(_CAN_BE_USED).returning(links.c.id)
_DROP = delete(links).where(
    links.c.user_id == bindparam("user_id"), links.c.purpose.in_(bindparam("purposes", expanding=True))
)
_PURGE = purge(links, links.c.created_at < bindparam("made_before", type_=_TIME))


class LinkRepository:
    """Mailed links over one session."""

    def __init__(self, session: Executor) -> None:
        self._session = session

    async def add(self, link_id: UUID, purpose: Purpose, owner: str, email: str) -> None:
        row = {"link_id": link_id, "purpose": purpose, "owner": owner, "email": email}
        await self._session.execute(_ADD, row)

    async def start(self, link_id: UUID, expires_at: datetime) -> bool:
        named = {"link_id": link_id, "expires": expires_at}
        return (await self._session.execute(_START, named)).one_or_none() is not None

    async def find(self, link_id: UUID, now: datetime) -> tuple[Link, Account] | None:
        row = (await self._session.execute(_FIND, {"link_id": link_id, "now": now})).one_or_none()
        return (Link(*row[: len(LINK)]), Account(*row[len(LINK) :])) if row else None

    async def take(self, link_id: UUID, now: datetime) -> bool:
        return (await self._session.execute(_TAKE, {"link_id": link_id, "now": now})).one_or_none() is not None

    async def drop(self, user_id: UUID, purposes: Collection[Purpose]) -> None:
        await self._session.execute(_DROP, {"user_id": user_id, "purposes": list(purposes)})

    async def purge(self, made_before: datetime, limit: int) -> int:
        return len((await self._session.execute(_PURGE, {"made_before": made_before, "limit": limit})).all())
