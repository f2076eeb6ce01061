"""The audit trail in memory."""

from datetime import datetime

from domain.audit import AuditEvent, AuditFilter
from domain.pages import Cut, Slice
from tests.fakes.lists import cut_out
from tests.fakes.tables import Tables


class MemoryAudit:
    """The audit trail in memory."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, event: AuditEvent) -> None:
        self._tables.audit[event.id] = event

    async def find(self, wanted: AuditFilter, cut: Cut) -> Slice[AuditEvent]:
        return cut_out([((event.id,), event) for event in self._tables.audit.values() if _is_told(event, wanted)], cut)

    async def purge(self, before: datetime, limit: int) -> int:
        doomed = [event for event in self._tables.audit.values() if event.at < before][:limit]
        for event in doomed:
            del self._tables.audit[event.id]
        return len(doomed)


def _is_told(event: AuditEvent, wanted: AuditFilter) -> bool:
    return (
        wanted.actor in (None, event.actor_id)
        and wanted.target in (None, event.target_id)
        and wanted.action in (None, event.action)
        and (wanted.since is None or wanted.since <= event.id)
        and (wanted.until is None or event.id < wanted.until)
    )
