"""Kept answers in PostgreSQL."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from domain.idempotency import KeptAnswer
from repositories.failures import violated_constraint
from repositories.purging import purge
from repositories.reading import Executor
from repositories.tables import idempotency_keys

_TIME = idempotency_keys.c.created_at.type
_CLAIM = select(func.pg_try_advisory_xact_lock(bindparam("number", type_=BigInteger)))
_GET = select(idempotency_keys.c.fingerprint, idempotency_keys.c.answer).where(
    idempotency_keys.c.id == bindparam("kept_id"), idempotency_keys.c.created_at > bindparam("since", type_=_TIME)
)
_NEW = insert(idempotency_keys)
_KEEP = _NEW.on_conflict_do_update(  # one whose time is over, and that was not removed yet
    index_elements=[idempotency_keys.c.id],
    set_={name: _NEW.excluded[name] for name in ("fingerprint", "answer", "created_at")},
)
_PURGE = purge(idempotency_keys, idempotency_keys.c.created_at <= bindparam("until", type_=_TIME))


class KeptAnswerRepository:
    """Kept answers over one session."""

    def __init__(self, session: Executor) -> None:
        self._session = session

    async def claim(self, kept_id: UUID) -> bool:
        # A lock without a row: whoever comes second learns of it at once, and it ends with the transaction, however.
        number = int.from_bytes(kept_id.bytes[8:], signed=True)
        claimed: bool = (await self._session.execute(_CLAIM, {"number": number})).one()[0]
        return claimed

    async def get(self, kept_id: UUID, since: datetime) -> KeptAnswer | None:
        row = (await self._session.execute(_GET, {"kept_id": kept_id, "since": since})).one_or_none()
        return KeptAnswer(*row) if row else None

    async def keep(self, kept_id: UUID, user_id: UUID, kept: KeptAnswer, now: datetime) -> bool:
        row = {"id": kept_id, "user_id": user_id, "created_at": now}
        try:
            await self._session.execute(_KEEP, row | {"fingerprint": kept.fingerprint, "answer": kept.answer})
        except IntegrityError as error:
            if violated_constraint(error) == "fk_idempotency_keys_user_id_users":
                return False
            raise
        return True

    async def purge(self, until: datetime, limit: int) -> int:
        return len((await self._session.execute(_PURGE, {"until": until, "limit": limit})).all())
