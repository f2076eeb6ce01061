"""Kept answers in memory."""

from datetime import datetime
from uuid import UUID

from domain.idempotency import KeptAnswer
from tests.fakes.tables import Tables


class MemoryKeptAnswers:
    """Kept answers in memory; who claims one is in `claims`, which all units of work share."""

    def __init__(self, tables: Tables, claims: dict[UUID, object]) -> None:
        self._tables, self._claims = tables, claims

    async def claim(self, kept_id: UUID) -> bool:
        return self._claims.setdefault(kept_id, self) is self

    def release(self) -> None:
        for kept_id in [kept_id for kept_id, by in self._claims.items() if by is self]:
            del self._claims[kept_id]

    async def get(self, kept_id: UUID, since: datetime) -> KeptAnswer | None:
        _, kept, at = self._tables.kept_answers.get(kept_id, (None, None, since))
        return kept if at > since else None

    async def keep(self, kept_id: UUID, user_id: UUID, kept: KeptAnswer, now: datetime) -> bool:
        if user_id not in self._tables.users:
            return False
        self._tables.kept_answers[kept_id] = (user_id, kept, now)
        return True

    async def purge(self, until: datetime, limit: int) -> int:
        doomed = [kept_id for kept_id, (_, _, at) in self._tables.kept_answers.items() if at <= until][:limit]
        for kept_id in doomed:
            del self._tables.kept_answers[kept_id]
        return len(doomed)
