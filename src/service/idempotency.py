"""What bears a key is done once: its answer is kept in the transaction of the work itself, and given again."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from domain.errors import IdempotencyInProgress, IdempotencyKeyReused, UserInactive
from domain.idempotency import KeptAnswer
from domain.users import Actor
from domain.values import value
from service.ports import PURGE_BATCH, Store, UnitOfWork

T = TypeVar("T")
Done = TypeVar("Done", contravariant=True)

KEPT_FOR = timedelta(hours=24)


@value
class Once(Generic[Done]):
    """A request that may come again: its key, all that tells it from another, and how its answer is written down."""

    key: str
    asked: bytes = field(repr=False)  # may hold a password
    written: Callable[[Done], Awaitable[bytes]]


class Replayed(Exception):
    """It was done before, and this is what was answered."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self.answer = answer


class Idempotency:
    """Sees to it that a caller's key is used for one request. Fingerprints are HMACs: the first secret makes them."""

    def __init__(self, store: Store, secrets: Sequence[bytes], *, now: Callable[[], datetime]) -> None:
        self._keys = [hmac.digest(secret, b"inkwell idempotency 1", hashlib.sha256) for secret in secrets]
        self._store, self._now = store, now

    async def look(self, actor: Actor, once: Once[T] | None) -> None:
        """Before what is costly and needs no transaction. Raises Replayed, IdempotencyKeyReused."""
        if once:
            async with self._store.read() as work:
                await self._replay(work, actor, once)

    async def run(self, work: UnitOfWork, actor: Actor, once: Once[T] | None, do: Callable[[], Awaitable[T]]) -> T:
        """Does it, and keeps what is answered; nothing is kept of what raises.

        Raises Replayed, IdempotencyKeyReused, IdempotencyInProgress, UserInactive if the actor was removed meanwhile.
        """
        if once is None:
            return await do()
        if not await work.kept_answers.claim(_id(actor, once)):
            raise IdempotencyInProgress
        await self._replay(work, actor, once)
        done = await do()
        kept = KeptAnswer(_fingerprint(self._keys[0], once), await once.written(done))
        if not await work.kept_answers.keep(_id(actor, once), actor.id, kept, self._now()):
            raise UserInactive
        return done

    async def purge(self) -> int:
        """Removes some of the answers that were kept long enough; says how many."""
        async with self._store.write() as work:
            return await work.kept_answers.purge(self._now() - KEPT_FOR, PURGE_BATCH)

    async def _replay(self, work: UnitOfWork, actor: Actor, once: Once[T]) -> None:
        kept = await work.kept_answers.get(_id(actor, once), self._now() - KEPT_FOR)
        if kept is None:
            return
        if not any(hmac.compare_digest(_fingerprint(key, once), kept.fingerprint) for key in self._keys):
            raise IdempotencyKeyReused
        raise Replayed(kept.answer)


def _id(actor: Actor, once: Once[T]) -> UUID:
    """The caller and the key, in as many bits as an id has."""
    return UUID(bytes=hashlib.sha256(actor.id.bytes + once.key.encode()).digest()[:16])


def _fingerprint(key: bytes, once: Once[T]) -> bytes:
    return hmac.digest(key, once.asked, hashlib.sha256)
