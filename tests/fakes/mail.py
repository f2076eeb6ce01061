"""Mailed links and the outbox in memory, and a mailer that keeps what it is given."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from domain.mail import FIRST_PAUSE, Link, Mail, Purpose
from domain.users import Account, Credentials

AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class StoredLink:
    """A link, when it was made, and when it can no longer be used: not yet known before it is mailed."""

    link: Link
    created_at: datetime
    expires_at: datetime | None = None


class MemoryLinks:
    """Mailed links in memory."""

    def __init__(
        self, users: dict[UUID, Credentials], links: dict[UUID, StoredLink], clock: Callable[[], datetime]
    ) -> None:
        self._users, self._links, self._clock = users, links, clock

    async def add(self, link_id: UUID, purpose: Purpose, owner: str, email: str) -> None:
        holders = {found.account.email: found.account for found in self._users.values()}
        account, other = holders.get(owner), holders.get(email)
        if account is None or not account.is_active or (other and other.id != account.id):
            return
        await self.drop(account.id, [purpose])
        self._links[link_id] = StoredLink(Link(link_id, account.id, purpose, email), self._clock())

    async def start(self, link_id: UUID, expires_at: datetime) -> bool:
        if self._good(link_id) is None:
            return False
        self._links[link_id] = replace(self._links[link_id], expires_at=expires_at)
        return True

    async def find(self, link_id: UUID, now: datetime) -> tuple[Link, Account] | None:
        stored = self._links.get(link_id)
        account = self._good(link_id)
        if stored is None or account is None or stored.expires_at is None or stored.expires_at <= now:
            return None
        return stored.link, account

    async def take(self, link_id: UUID, now: datetime) -> bool:
        if await self.find(link_id, now) is None:
            return False
        del self._links[link_id]
        return True

    async def drop(self, user_id: UUID, purposes: Collection[Purpose]) -> None:
        self._remove([one.link for one in self._links.values() if one.link.purpose in purposes], user_id)

    async def drop_all(self, user_id: UUID) -> None:
        """What the foreign key does when a user is removed."""
        self._remove([one.link for one in self._links.values()], user_id)

    async def purge(self, made_before: datetime, limit: int) -> int:
        doomed = [one.link.id for one in self._links.values() if one.created_at < made_before][:limit]
        for link_id in doomed:
            del self._links[link_id]
        return len(doomed)

    def _remove(self, links: list[Link], user_id: UUID) -> None:
        for link in links:
            if link.user_id == user_id:
                del self._links[link.id]

    def _good(self, link_id: UUID) -> Account | None:
        """The link's user, while the link is good."""
        if link_id not in self._links:
            return None
        link = self._links[link_id].link
        account = self._users[link.user_id].account
        in_force = link.purpose == "change_email" or link.email == account.email
        return account if account.is_active and in_force else None


class MemoryOutbox:
    """The outbox in memory: each mail with the time when it is due."""

    def __init__(self, rows: dict[UUID, tuple[Mail, datetime]]) -> None:
        self._rows = rows

    async def add(self, mail: Mail) -> None:
        self._rows[mail.id] = (mail, AT_ONCE)

    async def claim(self, now: datetime, limit: int) -> list[Mail]:
        due = sorted((due_at, mail.id) for mail, due_at in self._rows.values() if due_at <= now)[:limit]
        return [self._claim(mail_id, now) for _, mail_id in due]

    async def remove(self, mail_id: UUID) -> None:
        self._rows.pop(mail_id, None)

    def _claim(self, mail_id: UUID, now: datetime) -> Mail:
        mail, _ = self._rows[mail_id]
        claimed = replace(mail, attempts=mail.attempts + 1)
        self._rows[mail_id] = (claimed, now + FIRST_PAUSE * 2**mail.attempts)
        return claimed


@dataclass
class FakeMailer:
    """Keeps the mail that it is given, with the tokens; the `failures` are raised first."""

    sent: list[tuple[Mail, str | None]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    async def send(self, mail: Mail, token: str | None) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((mail, token))
