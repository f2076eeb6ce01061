"""What services ask of the world outside: storage, as one unit of work at a time, and mail."""

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from domain.audit import AuditEvent, AuditFilter
from domain.auth import Session, SignIn
from domain.idempotency import KeptAnswer
from domain.mail import Link, Mail, Purpose
from domain.pages import Cut, Slice
from domain.posts import Post, PostFilter
from domain.users import Account, Client, Credentials, Role, UserFilter
from domain.versions import Versions

PURGE_BATCH = 500  # rows in one transaction: short enough to disturb nobody


class Users(Protocol):
    """Users, in storage."""

    async def add(
        self,
        user_id: UUID,
        email: str,
        password_hash: str,
        first_name: str | None = None,
        last_name: str | None = None,
        role: Role = "user",
    ) -> Account:
        """Raises EmailTaken."""

    async def get(self, user_id: UUID) -> Account | None: ...

    async def credentials(self, email: str) -> Credentials | None: ...

    async def credentials_of(self, user_id: UUID) -> Credentials | None: ...

    async def find(self, wanted: UserFilter, cut: Cut) -> Slice[Account]:
        """By created_at, email or last_name, where whoever has none comes first."""

    async def lock(self, user_id: UUID, *, spare_admins: bool = False) -> Account | None:
        """The user, whom nobody else changes until this unit of work ends; with `spare_admins` no active admin."""

    async def change(self, user_id: UUID, changes: Mapping[str, Any]) -> Account | None:
        """Sets the named fields. Raises EmailTaken.

        A new e-mail address is not verified, unless the changes say so.
        """

    async def set_password(self, email: str, password_hash: str, *, seen: str | None = None) -> UUID | None:
        """Whose it was; None if the address has no account, or not the hash that was `seen`."""

    async def renew_hash(self, seen: Credentials, password_hash: str) -> bool:
        """Stores the same password's newer hash in place of the one `seen`; to the user nothing was updated.

        Whether it was still the one stored.
        """

    async def remove(self, user_id: UUID) -> bool:
        """Whether there was such a user; its posts and sessions go with it."""

    async def lock_owners(self, emails: Collection[str]) -> None:
        """Nobody else changes the users who have these addresses until this unit of work ends."""

    async def lock_active_admins(self) -> set[UUID]:
        """The active admins; nobody else changes who they are until this unit of work ends."""


class Posts(Protocol):
    """Posts, in storage."""

    async def add(self, post_id: UUID, author_id: UUID, title: str, content: str, *, published: bool) -> Post | None:
        """None if the author is gone."""

    async def get(self, post_id: UUID) -> Post | None: ...

    async def find(self, wanted: PostFilter, cut: Cut) -> Slice[Post]:
        """By published_at, where what never was comes first, created_at, updated_at, title or, in a search, rank.

        What a search finds are FoundPosts.
        """

    async def change(
        self, post_id: UUID, owner_id: UUID | None, changes: Mapping[str, Any], expected: Versions = None
    ) -> Post | None:
        """Sets the named fields of a post of this owner (None: of anybody) in an expected version."""

    async def remove(self, post_id: UUID, owner_id: UUID | None, expected: Versions = None) -> UUID | None:
        """Whose it was; None if no post of this owner (None: of anybody) is in an expected version."""


class Sessions(Protocol):
    """Sessions, in storage."""

    async def add(
        self, session_id: UUID, seen: Credentials, now: datetime, expires_at: datetime, client: Client
    ) -> bool:
        """Whether the session was made: the user must still be active and have the password hash that was checked."""

    async def sign_in(self, user_id: UUID, session_id: UUID) -> SignIn | None:
        """None if the user is gone."""

    async def locked(self, session_id: UUID) -> tuple[Session, Account] | None:
        """The session with its user; nobody else changes it until this unit of work ends."""

    async def refreshed(self, session_id: UUID, now: datetime) -> None:
        """Counts a refresh."""

    async def of(self, user_id: UUID) -> list[Session]:
        """The user's, the last used first."""

    async def keep_newest(self, user_id: UUID, count: int) -> None:
        """Ends all but the last used ones."""

    async def end(self, user_id: UUID, session_id: UUID) -> bool:
        """Whether the user had this session."""

    async def end_all(self, user_id: UUID, but: UUID | None = None) -> None:
        """Ends the user's sessions, one of them excepted."""

    async def purge(self, unused_since: datetime, limit: int) -> int:
        """Removes at most `limit` sessions last used before, none that somebody else removes; says how many."""


class Audit(Protocol):
    """The audit trail, in storage."""

    async def add(self, event: AuditEvent) -> None: ...

    async def find(self, wanted: AuditFilter, cut: Cut) -> Slice[AuditEvent]:
        """By id."""

    async def purge(self, before: datetime, limit: int) -> int:
        """Removes at most `limit` events from before, none that somebody else removes; says how many."""


class Throttles(Protocol):
    """Quotas that are being used up, in storage; a key says whose, and of what."""

    async def take(self, key: UUID, quota: int, now: datetime, ends_at: datetime) -> tuple[int, datetime]:
        """Uses the quota once: what remains, below zero if nothing was left, and when the quota is whole again.

        If it is whole now, `ends_at` is when it will be the next time. Those who come at once take turns.
        """

    async def used_up_until(self, key: UUID, now: datetime) -> datetime | None:
        """When the quota is whole again; None if something is left. Nobody waits for anybody."""

    async def give_back(self, key: UUID, ends_at: datetime) -> int | None:
        """Undoes one use: what remains then; None if the quota was made whole since."""

    async def purge(self, now: datetime, limit: int) -> int:
        """Removes at most `limit` quotas that are whole, none that somebody else removes; says how many."""


class Links(Protocol):
    """Mailed links, in storage. A link is good while its user is active and, except for a new one, has its address."""

    async def add(self, link_id: UUID, purpose: Purpose, owner: str, email: str) -> None:
        """For the active user with the address `owner`, in place of the former link for this purpose.

        Where there is no such user, or `email` is somebody else's, nothing is stored, and nothing is told.
        """

    async def start(self, link_id: UUID, expires_at: datetime) -> bool:
        """The link is mailed now, and may be used from now on. Whether it is still good."""

    async def find(self, link_id: UUID, now: datetime) -> tuple[Link, Account] | None:
        """The link with its user, if it can be used."""

    async def take(self, link_id: UUID, now: datetime) -> bool:
        """Uses the link up; whether it could be used.

        The user is to be changed first: whoever changes a user goes on to its links, so nobody waits in a circle.
        """

    async def drop(self, user_id: UUID, purposes: Collection[Purpose]) -> None: ...

    async def purge(self, made_before: datetime, limit: int) -> int:
        """Removes at most `limit` links made before, none that somebody else removes; says how many."""


class Outbox(Protocol):
    """Mail that waits to be sent, in storage."""

    async def add(self, mail: Mail) -> None: ...

    async def claim(self, now: datetime, limit: int) -> list[Mail]:
        """The next ones that are due, for this caller alone until they are due again: see FIRST_PAUSE."""

    async def remove(self, mail_id: UUID) -> None: ...


class KeptAnswers(Protocol):
    """Answers to requests that bear a key, in storage."""

    async def claim(self, kept_id: UUID) -> bool:
        """Whether nobody else is at it now; then it is ours until this unit of work ends."""

    async def get(self, kept_id: UUID, since: datetime) -> KeptAnswer | None:
        """The answer, if it was kept after `since`."""

    async def keep(self, kept_id: UUID, user_id: UUID, kept: KeptAnswer, now: datetime) -> bool:
        """Replaces one whose time is over. False if the user is gone; then this unit of work is to be given up."""

    async def purge(self, until: datetime, limit: int) -> int:
        """Removes at most `limit` answers kept until then, none that somebody else removes; says how many."""


class UnitOfWork(Protocol):
    """Storage, as one transaction or one look sees it."""

    @property
    def users(self) -> Users: ...
    @property
    def posts(self) -> Posts: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def kept_answers(self) -> KeptAnswers: ...
    @property
    def links(self) -> Links: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def throttles(self) -> Throttles: ...


class Store(Protocol):
    """Opens units of work. All of them raise Unavailable while the storage is out of reach."""

    def read(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Looks: every statement by itself, nothing held in between."""

    def write(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Changes: one transaction, committed when the block ends and undone when it raises."""

    def write_one(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Changes by one statement, which counts as soon as it is done: nothing is undone when the block raises."""


class Mailer(Protocol):
    """Hands mail over to those who carry it."""

    async def send(self, mail: Mail, token: str | None) -> None:
        """Writes the mail, with the token in its link where it has one, and sends it. Raises MailFailed."""
