"""Throttles in memory."""

from datetime import datetime
from uuid import UUID

from tests.fakes.tables import Tables


class MemoryThrottles:
    """Throttles in memory."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def take(self, key: UUID, quota: int, now: datetime, ends_at: datetime) -> tuple[int, datetime]:
        found = self._tables.throttles.get(key)
        remaining, until = found if found and found[1] > now else (quota, ends_at)
        self._tables.throttles[key] = (remaining - 1, until)
        return remaining - 1, until

    async def used_up_until(self, key: UUID, now: datetime) -> datetime | None:
        remaining, until = self._tables.throttles.get(key, (1, now))
        return until if remaining <= 0 and until > now else None

    async def give_back(self, key: UUID, ends_at: datetime) -> int | None:
        remaining, until = self._tables.throttles.get(key, (0, None))
        if until != ends_at:
            return None
        self._tables.throttles[key] = (remaining + 1, ends_at)
        return remaining + 1

    async def purge(self, now: datetime, limit: int) -> int:
        whole = [key for key, (_, ends_at) in self._tables.throttles.items() if ends_at <= now][:limit]
        for key in whole:
            del self._tables.throttles[key]
        return len(whole)
