"""The audit trail in PostgreSQL, which takes rows and gives up only those that are old enough."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Text, bindparam, func, insert, select

from domain.audit import AuditEvent
from repositories.purging import purge
from repositories.reading import Executor
from repositories.tables import audit

_ADD = insert(audit)
# The table's trigger lets go what is older than this says, until the transaction ends.
_LET_GO = select(func.set_config("inkwell.audit_purge_before", bindparam("before", type_=Text), True))
_PURGE = purge(audit, audit.c.at < bindparam("before", type_=audit.c.at.type))


class AuditRepository:
    """The audit trail over one session."""

    def __init__(self, session: Executor) -> None:
        self._session = session

    async def add(self, event: AuditEvent) -> None:
        await self._session.execute(_ADD, asdict(event))

    async def purge(self, before: datetime, limit: int) -> int:
        await self._session.execute(_LET_GO, {"before": before.isoformat()})
        return len((await self._session.execute(_PURGE, {"before": before, "limit": limit})).all())
