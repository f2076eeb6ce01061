"""What services ask of the world outside: storage, as one unit of work at a time."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from domain.auth import Session, SignIn
from domain.pages import Cut, Slice
from domain.posts import Post, PostFilter
from domain.users import Account, Client, Credentials, Role, UserFilter

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

    async def find(self, wanted: UserFilter, cut: Cut) -> Slice[Account]:
        """By created_at, email or last_name, where whoever has none comes first."""

    async def change(self, user_id: UUID, changes: Mapping[str, Any], *, spare_admins: bool = False) -> Account | None:
        """Sets the named fields; with `spare_admins` not of an active admin. Raises EmailTaken."""

    async def set_password(self, email: str, password_hash: str, *, seen: str | None = None) -> UUID | None:
        """Whose it was; None if the address has no account, or not the hash that was `seen`."""

    async def renew_hash(self, seen: Credentials, password_hash: str) -> bool:
        """Stores the same password's newer hash in place of the one `seen`; to the user nothing was updated.

        Whether it was still the one stored.
        """

    async def remove(self, user_id: UUID, *, spare_admins: bool = False) -> bool:
        """Whether there was such a user (with `spare_admins` no active admin); its posts and sessions go with it."""

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

    async def change(self, post_id: UUID, owner_id: UUID | None, changes: Mapping[str, Any]) -> Post | None:
        """Sets the named fields of a post of this owner, or of anybody's where `owner_id` is None."""

    async def remove(self, post_id: UUID, owner_id: UUID | None) -> bool:
        """Whether there was such a post of this owner, or of anybody where `owner_id` is None."""


class Sessions(Protocol):
    """Sessions, in storage."""

    async def add(
        self, session_id: UUID, seen: Credentials, now: datetime, expires_at: datetime, client: Client
    ) -> bool:
        """Whether the session was made: the user must still be active and have the password hash that was checked."""

    async def sign_in(self, user_id: UUID, session_id: UUID, now: datetime) -> SignIn | None:
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


class UnitOfWork(Protocol):
    """Storage, as one transaction or one look sees it."""

    @property
    def users(self) -> Users: ...
    @property
    def posts(self) -> Posts: ...
    @property
    def sessions(self) -> Sessions: ...


class Store(Protocol):
    """Opens units of work. Both raise Unavailable while the storage is out of reach."""

    def read(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Looks: every statement by itself, nothing held in between."""

    def write(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Changes: one transaction, committed when the block ends and undone when it raises."""
