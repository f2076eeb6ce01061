"""The audit trail in PostgreSQL, which takes rows and gives up only those that are old enough."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Text, bindparam, func, insert, select

from domain.audit import AuditEvent, AuditFilter
from domain.pages import Cut, Slice
from repositories.paging import Listing
from repositories.purging import purge
from repositories.reading import Executor
from repositories.tables import audit

_ADD = insert(audit)
# The table's trigger lets go what is older than this says, until the transaction ends.
_LET_GO = select(func.set_config("inkwell.audit_purge_before", bindparam("before", type_=Text), True))
_PURGE = purge(audit, audit.c.at < bindparam("before", type_=audit.c.at.type))

TRAIL: Listing[AuditEvent] = Listing(
    AuditEvent,
    tuple(audit.c),
    sorts={"id": (audit.c.id,)},
    filters={
        "actor": audit.c.actor_id == bindparam("actor"),
        "target": audit.c.target_id == bindparam("target"),
        "action": audit.c.action == bindparam("action"),
        # Every index ends with the id, so that a time narrows each of them.
        "since": audit.c.id >= bindparam("since"),
        "until": audit.c.id < bindparam("until"),
    },
)


class AuditRepository:
    """The audit trail over one session."""

    def __init__(self, session: Executor) -> None:
        self._session = session

    async def add(self, event: AuditEvent) -> None:
        await self._session.execute(_ADD, asdict(event))

    async def find(self, wanted: AuditFilter, cut: Cut) -> Slice[AuditEvent]:
        return await TRAIL.find(self._session, wanted, cut)

    async def purge(self, before: datetime, limit: int) -> int:
        await self._session.execute(_LET_GO, {"before": before.isoformat()})
        return len((await self._session.execute(_PURGE, {"before": before, "limit": limit})).all())
