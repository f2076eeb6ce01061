"""Mail: put into the outbox by the transaction that causes it, and sent from there."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from domain.mail import Delivery, Mail, Purpose
from service.ports import Mailer, Store, UnitOfWork
from service.tokens import LinkTokens

BATCH = 5  # mails at once, each on a connection of its own to the mail server


async def mail_link(work: UnitOfWork, purpose: Purpose, owner: str, to: str | None = None) -> None:
    """Mails the user whose address is `owner` a link, to that address or to a new one.

    Does the same work where there is no such user; the mail is then never sent.
    """
    mail = Mail(uuid7(), purpose, to or owner)
    await work.links.add(mail.id, purpose, owner, mail.to)
    await work.outbox.add(mail)


async def mail_new_password(work: UnitOfWork, user_id: UUID, email: str) -> None:
    """Tells the owner of a password that was set, and ends the links by which somebody could undo that."""
    await work.links.drop(user_id, ("reset", "change_email"))
    await work.outbox.add(Mail(uuid7(), "password_changed", email))


class MailService:
    """Sends what is in the outbox, each mail at least once, and twice only if we die between sending and noting it."""

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
        return await asyncio.gather(*map(self._deliver, mails))

    async def _deliver(self, mail: Mail) -> Delivery:
        delivery = Delivery(mail, await self._attempt(mail))
        if delivery.is_over:
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
