"""The audit trail as tests read it, of either store."""

from sqlalchemy import select

from domain.audit import AuditEvent
from repositories.database import Database
from repositories.tables import audit
from service.ports import Store
from tests.fakes import MemoryStore


async def trail(store: Store) -> list[AuditEvent]:
    """All that was written down, in the order of ids."""
    if isinstance(store, MemoryStore):
        return store.events
    assert isinstance(store, Database)
    async with store.read() as work:
        return [AuditEvent(*row) for row in await work.audit._session.execute(select(audit).order_by(audit.c.id))]
