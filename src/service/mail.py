"""Mail: put into the outbox by the transaction that causes it, and sent from there."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from domain.errors import Unavailable
from domain.mail import Delivery, Kind, Mail, Purpose
from domain.users import Account
from service.ports import Mailer, Store, UnitOfWork
from service.throttles import ThrottleService
from service.tokens import LinkTokens

BATCH = 5  # mails at once, each on a connection of its own to the mail server


async def enqueue(work: UnitOfWork, throttles: ThrottleService, kind: Kind, to: str) -> None:
    """Mails an account's own address, unless it got too many mails of this kind lately.

    Whether it has an account is found out when the mail is sent, and not here.
    """
    if await throttles.may_mail(work, kind, to):
        await work.outbox.add(Mail(uuid7(), kind, to))


async def mail_new_address(work: UnitOfWork, throttles: ThrottleService, owner: Account, to: str) -> bool:
    """Mails a link to the address that the owner of an account wants, unless it is somebody else's.

    False, and nothing is done, where the owner asked for too many of them lately, or the address got too many.
    """
    kind: Purpose = "change_email"
    for whose in (str(owner.id), to):  # in this order: who asks too often uses up nothing of the address
        if not await throttles.may_mail(work, kind, whose):
            return False
    wanted = Mail(uuid7(), kind, to)
    await work.links.add(wanted.id, kind, owner.email, to)
    await work.outbox.add(wanted)
    return True


async def mail_new_password(work: UnitOfWork, throttles: ThrottleService, user_id: UUID, email: str) -> None:
    """Tells the owner of a password that was set, and ends the links by which somebody could undo that."""
    await work.links.drop(user_id, ("reset", "change_email"))
    await enqueue(work, throttles, "password_changed", email)


class MailService:
    """Sends what is in the outbox, each mail at least once.

    Twice only if we die, or the storage is away, between sending a mail and noting it.
    """

    def __init__(
        self,
        store: Store,
        mailer: Mailer,
        tokens: LinkTokens,
        *,
        lifetimes: Mapping[str, timedelta],
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._mailer, self._tokens = store, mailer, tokens
        self._lifetimes, self._now = lifetimes, now

    async def send_due(self) -> list[Delivery]:
        """Tries to send the next few, and says what became of them; no connection is held meanwhile."""
        async with self._store.write() as work:
            mails = await work.outbox.claim(self._now(), BATCH)
            await _make_links(work, mails)
        return await asyncio.gather(*map(self._deliver, mails))

    async def _deliver(self, mail: Mail) -> Delivery:
        delivery = Delivery(mail, await self._attempt(mail))
        if delivery.is_over:
            with suppress(Unavailable):  # it will be sent once more, and what became of the others is told
                async with self._store.write() as work:
                    await work.outbox.remove(mail.id)
        return delivery

    async def _attempt(self, mail: Mail) -> Exception | None:
        try:
            if not mail.has_link:
                await self._mailer.send(mail, None)
            elif await self._start_link(mail):
                await self._mailer.send(mail, self._tokens.make(mail.id))
        except Exception as failure:
            return failure
        return None

    async def _start_link(self, mail: Mail) -> bool:
        """Whether the link is still good; its time begins now, so that a mail that had to wait is worth reading."""
        expires_at = self._now() + self._lifetimes[mail.kind]
        async with self._store.write() as work:
            return await work.links.start(mail.id, expires_at)


async def _make_links(work: UnitOfWork, mails: Sequence[Mail]) -> None:
    """Links to accounts' own addresses, for those that have one.

    Each is made once, together with the first attempt: one that was used must not come back with the second.
    """
    new = [(mail, mail.kind) for mail in mails if mail.attempts == 1 and mail.kind in ("reset", "verify")]
    if new:
        await work.users.lock_owners({mail.to for mail, _ in new})  # in one order with everybody who locks several
    for mail, purpose in new:
        await work.links.add(mail.id, purpose, mail.to, mail.to)
