"""Storage in memory, held to the same contract tests as PostgreSQL, and what tests put into either."""

import re
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from uuid_utils.compat import uuid7

from domain.auth import Session, SignIn
from domain.errors import EmailTaken
from domain.pages import Cut, Key, Place, Slice
from domain.posts import FoundPost, Post, PostFilter, snippet
from domain.users import Account, Actor, Client, Credentials, Role, UserFilter
from service.ports import Store

T = TypeVar("T")

HASH = "a hash"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # when what was never published is taken to have been
STOP_WORDS = {"the", "and", "of"}
NOBODY = UUID("0198c0de-0000-7000-8000-000000000000")  # an id that nobody has


class Clock:
    """A clock that moves on by a second whenever somebody looks, so that no two things happen at once."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


@dataclass
class Tables:
    """Everything that is stored: frozen values, so that a copy of the dictionaries is a copy of it all."""

    users: dict[UUID, Credentials] = field(default_factory=dict)
    posts: dict[UUID, Post] = field(default_factory=dict)
    sessions: dict[UUID, Session] = field(default_factory=dict)

    def copy(self) -> "Tables":
        return Tables(self.users.copy(), self.posts.copy(), self.sessions.copy())


class MemoryStore:
    """A store whose changes are undone by putting back what was there before."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self._clock, self._tables = clock or Clock(), Tables()

    @asynccontextmanager
    async def read(self) -> AsyncIterator["MemoryWork"]:
        yield MemoryWork(self._tables, self._clock)

    @asynccontextmanager
    async def write(self) -> AsyncIterator["MemoryWork"]:
        before = self._tables.copy()
        try:
            yield MemoryWork(self._tables, self._clock)
        except BaseException:
            self._tables = before
            raise


class MemoryWork:
    """The repositories over one set of tables."""

    def __init__(self, tables: Tables, clock: Callable[[], datetime]) -> None:
        self.users = MemoryUsers(tables, clock)
        self.posts = MemoryPosts(tables, clock)
        self.sessions = MemorySessions(tables)


class MemoryUsers:
    """Users in memory."""

    def __init__(self, tables: Tables, clock: Callable[[], datetime]) -> None:
        self._tables, self._clock = tables, clock

    async def add(
        self,
        user_id: UUID,
        email: str,
        password_hash: str,
        first_name: str | None = None,
        last_name: str | None = None,
        role: Role = "user",
    ) -> Account:
        self._refuse_taken(email, user_id)
        now = self._clock()
        account = Account(user_id, email, first_name, last_name, role, now, True, False, now)
        self._tables.users[user_id] = Credentials(account, password_hash)
        return account

    async def get(self, user_id: UUID) -> Account | None:
        found = self._tables.users.get(user_id)
        return found.account if found else None

    async def credentials(self, email: str) -> Credentials | None:
        return next((found for found in self._tables.users.values() if found.account.email == email), None)

    async def find(self, wanted: UserFilter, cut: Cut) -> Slice[Account]:
        found = [account for account in self._accounts() if _is_wanted(account, wanted)]
        return _cut([(_user_place(account, cut.sort), account) for account in found], cut)

    async def change(self, user_id: UUID, changes: Mapping[str, Any], *, spare_admins: bool = False) -> Account | None:
        found = self._tables.users.get(user_id)
        if found is None or (spare_admins and user_id in await self.lock_active_admins()):
            return None
        self._refuse_taken(changes.get("email"), user_id)
        account = replace(found.account, **changes, updated_at=self._clock())
        self._tables.users[user_id] = replace(found, account=account)
        return account

    async def set_password(self, email: str, password_hash: str, *, seen: str | None = None) -> UUID | None:
        found = await self.credentials(email)
        if found is None or seen not in (None, found.password_hash):
            return None
        account = replace(found.account, updated_at=self._clock())
        self._tables.users[account.id] = Credentials(account, password_hash)
        return account.id

    async def renew_hash(self, seen: Credentials, password_hash: str) -> bool:
        found = self._tables.users.get(seen.account.id)
        if found is None or found.password_hash != seen.password_hash:
            return False
        self._tables.users[seen.account.id] = replace(found, password_hash=password_hash)
        return True

    async def remove(self, user_id: UUID, *, spare_admins: bool = False) -> bool:
        if spare_admins and user_id in await self.lock_active_admins():
            return False
        for post in [post for post in self._tables.posts.values() if post.author_id == user_id]:
            del self._tables.posts[post.id]
        await MemorySessions(self._tables).end_all(user_id)
        return self._tables.users.pop(user_id, None) is not None

    async def lock_active_admins(self) -> set[UUID]:
        return {account.id for account in self._accounts() if account.is_admin and account.is_active}

    def _accounts(self) -> Iterable[Account]:
        return (found.account for found in self._tables.users.values())

    def _refuse_taken(self, email: str | None, by: UUID) -> None:
        if any(account.email == email and account.id != by for account in self._accounts()):
            raise EmailTaken


class MemoryPosts:
    """Posts in memory."""

    def __init__(self, tables: Tables, clock: Callable[[], datetime]) -> None:
        self._tables, self._clock = tables, clock

    async def add(self, post_id: UUID, author_id: UUID, title: str, content: str, *, published: bool) -> Post | None:
        if author_id not in self._tables.users:
            return None
        now = self._clock()
        post = Post(post_id, title, content, published, author_id, now, now, now if published else None)
        self._tables.posts[post_id] = post
        return post

    async def get(self, post_id: UUID) -> Post | None:
        return self._tables.posts.get(post_id)

    async def find(self, wanted: PostFilter, cut: Cut) -> Slice[Post]:
        posts = [post for post in self._tables.posts.values() if _is_wanted_post(post, wanted)]
        found = [(post, _rank(post, wanted.q)) for post in posts]
        places = [(_post_place(post, rank, cut.sort), post) for post, rank in found if rank]
        sliced = _cut(places, cut)
        return sliced if wanted.q is None else sliced.map(_found)

    async def change(self, post_id: UUID, owner_id: UUID | None, changes: Mapping[str, Any]) -> Post | None:
        post = self._owned(post_id, owner_id)
        if post is None:
            return None
        now = self._clock()
        first_published = now if changes.get("published") else None
        times: dict[str, Any] = {"updated_at": now, "published_at": post.published_at or first_published}
        self._tables.posts[post_id] = replace(post, **changes, **times)
        return self._tables.posts[post_id]

    async def remove(self, post_id: UUID, owner_id: UUID | None) -> bool:
        if self._owned(post_id, owner_id) is None:
            return False
        del self._tables.posts[post_id]
        return True

    def _owned(self, post_id: UUID, owner_id: UUID | None) -> Post | None:
        post = self._tables.posts.get(post_id)
        return post if post and owner_id in (None, post.author_id) else None


class MemorySessions:
    """Sessions in memory."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(
        self, session_id: UUID, seen: Credentials, now: datetime, expires_at: datetime, client: Client
    ) -> bool:
        found = self._tables.users.get(seen.account.id)
        if found is None or not found.account.is_active or found.password_hash != seen.password_hash:
            return False
        user_id = seen.account.id
        session = Session(session_id, user_id, now, now, expires_at, 0, client.ip, client.user_agent)
        self._tables.sessions[session_id] = session
        return True

    async def sign_in(self, user_id: UUID, session_id: UUID, now: datetime) -> SignIn | None:
        found, session = self._tables.users.get(user_id), self._tables.sessions.get(session_id)
        lives = session is not None and session.user_id == user_id and session.expires_at > now
        return SignIn(found.account, lives) if found else None

    async def locked(self, session_id: UUID) -> tuple[Session, Account] | None:
        session = self._tables.sessions.get(session_id)
        return (session, self._tables.users[session.user_id].account) if session else None

    async def refreshed(self, session_id: UUID, now: datetime) -> None:
        session = self._tables.sessions[session_id]
        moved_on = replace(session, refresh_count=session.refresh_count + 1, last_used_at=now)
        self._tables.sessions[session_id] = moved_on

    async def of(self, user_id: UUID) -> list[Session]:
        own = [session for session in self._tables.sessions.values() if session.user_id == user_id]
        return sorted(own, key=lambda session: (session.last_used_at, session.id), reverse=True)

    async def keep_newest(self, user_id: UUID, count: int) -> None:
        for session in (await self.of(user_id))[count:]:
            del self._tables.sessions[session.id]

    async def end(self, user_id: UUID, session_id: UUID) -> bool:
        session = self._tables.sessions.get(session_id)
        if session is None or session.user_id != user_id:
            return False
        del self._tables.sessions[session_id]
        return True

    async def end_all(self, user_id: UUID, but: UUID | None = None) -> None:
        for session in [one for one in await self.of(user_id) if one.id != but]:
            del self._tables.sessions[session.id]

    async def purge(self, unused_since: datetime, limit: int) -> int:
        doomed = [one for one in self._tables.sessions.values() if one.last_used_at < unused_since][:limit]
        for session in doomed:
            del self._tables.sessions[session.id]
        return len(doomed)


async def add_user(
    store: Store,
    email: str = "ada@example.com",
    *,
    password_hash: str = HASH,
    first_name: str | None = None,
    last_name: str | None = None,
    role: Role = "user",
    is_active: bool = True,
) -> Account:
    """A user, stored in a unit of work of its own, so that one made later is younger."""
    async with store.write() as work:
        account = await work.users.add(uuid7(), email, password_hash, first_name, last_name, role)
    return account if is_active else await change_user(store, account.id, is_active=False)


async def change_user(store: Store, user_id: UUID, **changes: object) -> Account:
    """The user with these changes, which must exist."""
    async with store.write() as work:
        changed = await work.users.change(user_id, changes)
    assert changed
    return changed


async def add_post(
    store: Store, author_id: UUID, title: str = "A title", content: str = "Some text.", *, published: bool = True
) -> Post:
    """A post of an author who exists, in a unit of work of its own."""
    async with store.write() as work:
        post = await work.posts.add(uuid7(), author_id, title, content, published=published)
    assert post
    return post


def signed_in(account: Account) -> Actor:
    """The account as somebody who is asking."""
    return Actor(account, uuid7(), Client("192.0.2.1", "A browser"))


def _is_wanted(account: Account, wanted: UserFilter) -> bool:
    return (
        (wanted.q is None or _contains((account.email, account.first_name, account.last_name), wanted.q))
        and (wanted.names is None or _contains((account.first_name, account.last_name), wanted.names))
        and wanted.role in (None, account.role)
        and wanted.is_active in (None, account.is_active)
        and _is_between(account.created_at, wanted.created_from, wanted.created_to)
    )


def _is_wanted_post(post: Post, wanted: PostFilter) -> bool:
    return (
        wanted.author in (None, post.author_id)
        and wanted.published in (None, post.published)
        and _is_between(post.published_at, wanted.published_from, wanted.published_to)
    )


def _is_between(time: datetime | None, start: datetime | None, end: datetime | None) -> bool:
    if time is None:
        return start is None and end is None
    return (start is None or start <= time) and (end is None or time < end)


def _user_place(account: Account, sort: str) -> Place:
    if sort == "email":
        return (account.email,)
    return (account.created_at if sort == "created_at" else _fold(account.last_name or ""), account.id)


def _post_place(post: Post, rank: float, sort: str) -> Place:
    keys: dict[str, Key] = {"rank": rank, "title": _fold(post.title), "published_at": post.published_at or NEVER}
    return (keys[sort] if sort in keys else getattr(post, sort), post.id)


def _rank(post: Post, q: str | None) -> float:
    """How much of each searched word there is, in the title above all; 0 where one is missing. Full text in little."""
    if q is None:
        return 1
    words = [word for word in _words(q) if word not in STOP_WORDS]
    ranks = [_words(post.title).count(word) + _words(post.content).count(word) / 1000 for word in words]
    return sum(ranks) if all(ranks) else 0


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _found(post: Post) -> Post:
    return FoundPost(*[*(getattr(post, field.name) for field in fields(post)), snippet(post.content)])


def _contains(texts: Iterable[str | None], q: str) -> bool:
    return any(_fold(q) in _fold(text) for text in texts if text is not None)


def _fold(text: str) -> str:
    """Without accents and without case."""
    return "".join(part for part in unicodedata.normalize("NFKD", text) if not unicodedata.combining(part)).casefold()


def _cut(rows: list[tuple[Any, T]], cut: Cut) -> Slice[T]:
    """Of rows, each behind its place."""
    ordered = sorted(rows, key=lambda row: row[0], reverse=cut.descending)
    left = [row for row in ordered if cut.after is None or _lies_beyond(row[0], cut.after, cut.descending)]
    page = left[cut.offset : cut.offset + cut.limit]
    end = page[-1][0] if len(left) > cut.offset + cut.limit else None
    return Slice([row for _, row in page], None if cut.total == "none" else len(rows), end)


def _lies_beyond(place: Any, after: Any, descending: bool) -> bool:
    return bool(place < after if descending else place > after)
