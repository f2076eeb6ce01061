"""What is left of quotas, in PostgreSQL."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, case, select, update
from sqlalchemy.dialects.postgresql import insert

from repositories.purging import purge
from repositories.reading import Executor
from repositories.tables import throttles

_NOW = bindparam("now", type_=throttles.c.ends_at.type)
_UNTIL = bindparam("until", type_=throttles.c.ends_at.type)
_RUNS = throttles.c.ends_at > _NOW

# One statement that looks and counts: the row's lock makes those who come at once take turns, on all nodes.
_NEW = insert(throttles).values(id=bindparam("key"), remaining=bindparam("quota") - 1, ends_at=_UNTIL)
_TAKE = _NEW.on_conflict_do_update(
    index_elements=[throttles.c.id],
    set_={
        "remaining": case((_RUNS, throttles.c.remaining - 1), else_=_NEW.excluded.remaining),
        "ends_at": case((_RUNS, throttles.c.ends_at), else_=_NEW.excluded.ends_at),
    },
).returning(throttles.c.remaining, throttles.c.ends_at)
_USED_UP = select(throttles.c.ends_at).where(throttles.c.id == bindparam("key"), _RUNS, throttles.c.remaining <= 0)
_GIVE_BACK = (
    update(throttles)
    .where(throttles.c.id == bindparam("key"), throttles.c.ends_at == _UNTIL)
    .values(remaining=throttles.c.remaining + 1)
    .returning(throttles.c.remaining)
)
_PURGE = purge(throttles, throttles.c.ends_at <= _NOW)


class ThrottleRepository:
    """Throttles over one database session."""

    def __init__(self, session: Executor) -> None:
        self._session = session

    async def take(self, key: UUID, quota: int, now: datetime, ends_at: datetime) -> tuple[int, datetime]:
        row = {"key": key, "quota": quota, "now": now, "until": ends_at}
        remaining, until = (await self._session.execute(_TAKE, row)).one()
        return remaining, until

    async def used_up_until(self, key: UUID, now: datetime) -> datetime | None:
        row = (await self._session.execute(_USED_UP, {"key": key, "now": now})).one_or_none()
        return row[0] if row else None

    async def give_back(self, key: UUID, ends_at: datetime) -> int | None:
        row = (await self._session.execute(_GIVE_BACK, {"key": key, "until": ends_at})).one_or_none()
        return row[0] if row else None

    async def purge(self, now: datetime, limit: int) -> int:
        return len((await self._session.execute(_PURGE, {"now": now, "limit": limit})).all())
