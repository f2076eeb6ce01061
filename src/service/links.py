"""Mailed links: a forgotten password, an address that is proved, and a new address."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from domain.errors import EmailTaken, LinkInvalid
from domain.mail import Link
from domain.users import Account, Actor, Client
from service.account import AccountService, refuse_common, require_unchanged
from service.audit import record
from service.fields import Email, Input, LongPassword, Text
from service.mail import enqueue, mail_new_address, mail_new_password
from service.passwords import Passwords
from service.ports import PURGE_BATCH, Store, UnitOfWork
from service.throttles import ThrottleService
from service.tokens import LinkTokens

KEPT = timedelta(days=14)  # longer than a mail may wait and its link may live, together


class Forgot(Input):
    """The address of an account, perhaps."""

    email: Email


class Reset(Input):
    """What came by mail, and a password of one's choice."""

    token: Text
    new_password: LongPassword


class Verification(Input):
    """What came by mail."""

    token: Text


class NewAddress(Input):
    """Where to be reached from now on, and the password, to make sure who wants this."""

    new_email: Email
    password: Text


class LinkService:
    """Mails links, and does what they are for when they come back."""

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        account: AccountService,
        tokens: LinkTokens,
        throttles: ThrottleService,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._passwords, self._account = store, passwords, account
        self._tokens, self._throttles, self._now = tokens, throttles, now

    async def forgot(self, forgot: Forgot) -> None:
        """Mails a link to set a new password, if the address has an active account; the work is the same if not.

        Beyond the limit nothing is mailed, and nothing is told of that.
        """
        async with self._store.write() as work:
            await enqueue(work, self._throttles, "reset", forgot.email)

    async def reset(self, reset: Reset, client: Client) -> None:
        """Sets the password, ends all sessions. Raises LinkInvalid, and InvalidFields, which leaves the link good."""
        link_id = self._tokens.read(reset.token)
        async with self._store.read() as work:
            link, account = await self._find(work, link_id, {"reset"})
        refuse_common(reset.new_password, account.email)
        password_hash = await self._passwords.hash(reset.new_password)
        async with self._store.write() as work:
            await self._reset(work, link, password_hash)
            await record(work, "password.reset", client, link.user_id)

    async def _reset(self, work: UnitOfWork, link: Link, password_hash: str) -> None:
        # Who reads the mail has the address: that is proved by the way.
        if await work.users.set_password(link.email, password_hash) != link.user_id:
            raise LinkInvalid
        await work.users.change(link.user_id, {"email_verified": True})
        await self._take(work, link)
        await work.sessions.end_all(link.user_id)
        await mail_new_password(work, self._throttles, link.user_id, link.email)

    async def verify(self, verification: Verification, client: Client) -> None:
        """The address is proved, and becomes the account's if it is a new one. Raises LinkInvalid."""
        link_id = self._tokens.read(verification.token)
        async with self._store.write() as work:
            link, account = await self._find(work, link_id, {"verify", "change_email"})
            await self._confirm(work, link)
            await self._take(work, link)
            await record(work, "email.verify", client, link.user_id, changed=link.purpose == "change_email")
            if link.purpose == "change_email":
                await enqueue(work, self._throttles, "email_changed", account.email)

    async def _confirm(self, work: UnitOfWork, link: Link) -> None:
        moved = {"email": link.email} if link.purpose == "change_email" else {}
        try:
            await work.users.change(link.user_id, {"email_verified": True, **moved})
        except EmailTaken:  # since the link was mailed
            raise LinkInvalid from None

    async def resend(self, actor: Actor) -> None:
        """Mails another link to prove the address, if that is not done."""
        account = actor.account
        if not account.email_verified:
            async with self._store.write() as work:
                await enqueue(work, self._throttles, "verify", account.email)

    async def change_email(self, actor: Actor, new: NewAddress) -> None:
        """Mails a link to the new address, unless it is somebody's, which is not told.

        Raises WrongPassword, TooManyRequests.
        """
        seen = await self._account.confirm(actor, new.password)
        async with self._store.write() as work:
            await require_unchanged(work, seen)
            if await mail_new_address(work, self._throttles, seen.account, new.new_email):
                await record(work, "email.request", actor, actor.id)

    async def purge(self) -> int:
        """Removes some of the links that are long over; says how many."""
        async with self._store.write() as work:
            return await work.links.purge(self._now() - KEPT, PURGE_BATCH)

    async def _find(self, work: UnitOfWork, link_id: UUID, purposes: set[str]) -> tuple[Link, Account]:
        found = await work.links.find(link_id, self._now())
        if found is None or found[0].purpose not in purposes:
            raise LinkInvalid
        return found

    async def _take(self, work: UnitOfWork, link: Link) -> None:
        """Raises LinkInvalid if somebody else was first, or the user has changed meanwhile."""
        if not await work.links.take(link.id, self._now()):
            raise LinkInvalid
