"""The outbox in PostgreSQL."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, bindparam, delete, func, insert, select, update

from domain.mail import FIRST_PAUSE, Mail
from repositories.reading import Executor
from repositories.tables import outbox

MAIL: tuple[Column[Any], ...] = (outbox.c.id, outbox.c.kind, outbox.c.recipient, outbox.c.attempts)

_NOW = bindparam("now", type_=outbox.c.due_at.type)
_DUE = (
    select(outbox.c.id)
    .where(outbox.c.due_at <= _NOW)
    .order_by(outbox.c.due_at, outbox.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
    .cte("due")
)
_CLAIM = (
    update(outbox)
    .where(outbox.c.id.in_(select(_DUE.c.id)))
    .values(attempts=outbox.c.attempts + 1, due_at=_NOW + FIRST_PAUSE * func.power(2, outbox.c.attempts))
    .returning(*MAIL)
)
_REMOVE = delete(outbox).where(outbox.c.id == bindparam("mail_id"))


class OutboxRepository:
    """The outbox over one session; the ids of new mails are put into `new`."""

    def __init__(self, session: Executor, new: set[UUID]) -> None:
        self._session, self._new = session, new

    async def add(self, mail: Mail) -> None:
        self._new.add(mail.id)
        await self._session.execute(insert(outbox), {"id": mail.id, "kind": mail.kind, "recipient": mail.to})

    async def claim(self, now: datetime, limit: int) -> list[Mail]:
        return [Mail(*row) for row in await self._session.execute(_CLAIM, {"now": now, "limit": limit})]

    async def remove(self, mail_id: UUID) -> None:
        await self._session.execute(_REMOVE, {"mail_id": mail_id})
