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

from domain.audit import AuditEvent, AuditFilter
from domain.auth import Session, SignIn
from domain.errors import EmailTaken
from domain.idempotency import KeptAnswer
from domain.mail import Mail
from domain.pages import Cut, Key, Place, Slice
from domain.posts import FoundPost, Post, PostFilter, snippet
from domain.throttles import Policies, Policy
from domain.users import Access, Account, Actor, Client, Credentials, Role, UserFilter
from domain.versions import Versions
from service.idempotency import Idempotency
from service.passwords import Passwords
from service.ports import Store
from service.posts import PostService
from service.throttles import ThrottleService
from service.users import UserService
from tests.fake_mail import MemoryLinks, MemoryOutbox, StoredLink

T = TypeVar("T")
Versioned = TypeVar("Versioned", Account, Post)

HASH = "a hash"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # when what was never published is taken to have been
STOP_WORDS = {"the", "and", "of"}
ANYBODY = Access()  # may register, and sees addresses
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
    audit: dict[UUID, AuditEvent] = field(default_factory=dict)
    throttles: dict[UUID, tuple[int, datetime]] = field(default_factory=dict)
    links: dict[UUID, StoredLink] = field(default_factory=dict)
    outbox: dict[UUID, tuple[Mail, datetime]] = field(default_factory=dict)
    kept_answers: dict[UUID, tuple[UUID, KeptAnswer, datetime]] = field(default_factory=dict)

    def copy(self) -> "Tables":
        return Tables(*(getattr(self, table.name).copy() for table in fields(self)))


class MemoryStore:
    """A store whose changes are undone by putting back what was there before."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self._clock, self._tables, self._claims = clock or Clock(), Tables(), dict[UUID, object]()

    @property
    def events(self) -> list[AuditEvent]:
        """The audit trail, in the order of ids."""
        return sorted(self._tables.audit.values(), key=lambda event: event.id)

    @asynccontextmanager
    async def read(self) -> AsyncIterator["MemoryWork"]:
        yield MemoryWork(self._tables, self._clock, self._claims)

    @asynccontextmanager
    async def write(self) -> AsyncIterator["MemoryWork"]:
        before, work = self._tables.copy(), MemoryWork(self._tables, self._clock, self._claims)
        try:
            yield work
        except BaseException:
            self._tables = before
            raise
        finally:
            work.kept_answers.release()


class MemoryWork:
    """The repositories over one set of tables."""

    def __init__(self, tables: Tables, clock: Callable[[], datetime], claims: dict[UUID, object]) -> None:
        self.users = MemoryUsers(tables, clock)
        self.posts = MemoryPosts(tables, clock)
        self.sessions = MemorySessions(tables)
        self.audit = MemoryAudit(tables)
        self.throttles = MemoryThrottles(tables)
        self.links = MemoryLinks(tables.users, tables.links, clock)
        self.outbox = MemoryOutbox(tables.outbox)
        self.kept_answers = MemoryKeptAnswers(tables, claims)


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
        account = Account(user_id, email, first_name, last_name, role, now, 1, True, False, now)
        self._tables.users[user_id] = Credentials(account, password_hash)
        return account

    async def get(self, user_id: UUID) -> Account | None:
        found = self._tables.users.get(user_id)
        return found.account if found else None

    async def credentials(self, email: str) -> Credentials | None:
        return next((found for found in self._tables.users.values() if found.account.email == email), None)

    async def credentials_of(self, user_id: UUID) -> Credentials | None:
        return self._tables.users.get(user_id)

    async def find(self, wanted: UserFilter, cut: Cut) -> Slice[Account]:
        found = [account for account in self._accounts() if _is_wanted(account, wanted)]
        return _cut([(_user_place(account, cut.sort), account) for account in found], cut)

    async def lock(self, user_id: UUID, *, spare_admins: bool = False) -> Account | None:
        return None if spare_admins and user_id in await self.lock_active_admins() else await self.get(user_id)

    async def change(self, user_id: UUID, changes: Mapping[str, Any]) -> Account | None:
        found = self._tables.users.get(user_id)
        if found is None:
            return None
        self._refuse_taken(changes.get("email"), user_id)
        proved = found.account.email_verified and changes.get("email") in (None, found.account.email)
        account = _changed(found.account, **{"email_verified": proved, **changes}, updated_at=self._clock())
        self._tables.users[user_id] = replace(found, account=account)
        return account

    async def set_password(self, email: str, password_hash: str, *, seen: str | None = None) -> UUID | None:
        found = await self.credentials(email)
        if found is None or seen not in (None, found.password_hash):
            return None
        account = _changed(found.account, updated_at=self._clock())
        self._tables.users[account.id] = Credentials(account, password_hash)
        return account.id

    async def renew_hash(self, seen: Credentials, password_hash: str) -> bool:
        found = self._tables.users.get(seen.account.id)
        if found is None or found.password_hash != seen.password_hash:
            return False
        self._tables.users[seen.account.id] = replace(found, password_hash=password_hash)
        return True

    async def remove(self, user_id: UUID) -> bool:
        for post in [post for post in self._tables.posts.values() if post.author_id == user_id]:
            del self._tables.posts[post.id]
        await MemorySessions(self._tables).end_all(user_id)
        await MemoryLinks(self._tables.users, self._tables.links, self._clock).drop_all(user_id)
        for kept_id in [kept_id for kept_id, row in self._tables.kept_answers.items() if row[0] == user_id]:
            del self._tables.kept_answers[kept_id]
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
        post = Post(post_id, title, content, published, author_id, now, now, now if published else None, 1)
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

    async def change(
        self, post_id: UUID, owner_id: UUID | None, changes: Mapping[str, Any], expected: Versions = None
    ) -> Post | None:
        post = self._owned(post_id, owner_id, expected)
        if post is None:
            return None
        now = self._clock()
        first_published = now if changes.get("published") else None
        times: dict[str, Any] = {"updated_at": now, "published_at": post.published_at or first_published}
        self._tables.posts[post_id] = _changed(post, **changes, **times)
        return self._tables.posts[post_id]

    async def remove(self, post_id: UUID, owner_id: UUID | None, expected: Versions = None) -> UUID | None:
        post = self._owned(post_id, owner_id, expected)
        return self._tables.posts.pop(post_id).author_id if post else None

    def _owned(self, post_id: UUID, owner_id: UUID | None, expected: Versions) -> Post | None:
        post = self._tables.posts.get(post_id)
        return post if post and owner_id in (None, post.author_id) and _is_among(post, expected) else None


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

    async def sign_in(self, user_id: UUID, session_id: UUID) -> SignIn | None:
        found, session = self._tables.users.get(user_id), self._tables.sessions.get(session_id)
        is_own = session is not None and session.user_id == user_id
        return SignIn(found.account, session.expires_at if session and is_own else None) if found else None

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


class MemoryAudit:
    """The audit trail in memory."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, event: AuditEvent) -> None:
        self._tables.audit[event.id] = event

    async def find(self, wanted: AuditFilter, cut: Cut) -> Slice[AuditEvent]:
        return _cut([((event.id,), event) for event in self._tables.audit.values() if _is_told(event, wanted)], cut)

    async def purge(self, before: datetime, limit: int) -> int:
        doomed = [event for event in self._tables.audit.values() if event.at < before][:limit]
        for event in doomed:
            del self._tables.audit[event.id]
        return len(doomed)


class MemoryThrottles:
    """Throttles in memory."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def take(self, key: UUID, quota: int, now: datetime, ends_at: datetime) -> tuple[int, datetime]:
        found = self._tables.throttles.get(key)
        remaining, until = found if found and found[1] > now else (quota, ends_at)
        self._tables.throttles[key] = (remaining - 1, until)
        return remaining - 1, until

    async def used_up_until(self, key: UUID, now: datetime) -> datetime | None:
        remaining, until = self._tables.throttles.get(key, (1, now))
        return until if remaining <= 0 and until > now else None

    async def give_back(self, key: UUID, ends_at: datetime) -> int | None:
        remaining, until = self._tables.throttles.get(key, (0, None))
        if until != ends_at:
            return None
        self._tables.throttles[key] = (remaining + 1, ends_at)
        return remaining + 1

    async def purge(self, now: datetime, limit: int) -> int:
        whole = [key for key, (_, ends_at) in self._tables.throttles.items() if ends_at <= now][:limit]
        for key in whole:
            del self._tables.throttles[key]
        return len(whole)


def patient_throttles(store: Store) -> ThrottleService:
    """Throttles for tests that are not about them."""
    often = Policy("often", 1000, timedelta(minutes=5))
    policies = Policies(often, often, often, often, often)
    return ThrottleService(store, policies, b"k" * 32, now=lambda: datetime.now(UTC))


class MemoryKeptAnswers:
    """Kept answers in memory; who claims one is in `claims`, which all units of work share."""

    def __init__(self, tables: Tables, claims: dict[UUID, object]) -> None:
        self._tables, self._claims = tables, claims

    async def claim(self, kept_id: UUID) -> bool:
        return self._claims.setdefault(kept_id, self) is self

    def release(self) -> None:
        for kept_id in [kept_id for kept_id, by in self._claims.items() if by is self]:
            del self._claims[kept_id]

    async def get(self, kept_id: UUID, since: datetime) -> KeptAnswer | None:
        _, kept, at = self._tables.kept_answers.get(kept_id, (None, None, since))
        return kept if at > since else None

    async def keep(self, kept_id: UUID, user_id: UUID, kept: KeptAnswer, now: datetime) -> bool:
        if user_id not in self._tables.users:
            return False
        self._tables.kept_answers[kept_id] = (user_id, kept, now)
        return True

    async def purge(self, until: datetime, limit: int) -> int:
        doomed = [kept_id for kept_id, (_, _, at) in self._tables.kept_answers.items() if at <= until][:limit]
        for kept_id in doomed:
            del self._tables.kept_answers[kept_id]
        return len(doomed)


def user_service(store: Store, passwords: Passwords, access: Access = ANYBODY) -> UserService:
    """A user service with throttles that nobody notices."""
    return UserService(store, passwords, access, patient_throttles(store), idempotency_of(store))


def post_service(store: Store) -> PostService:
    return PostService(store, idempotency_of(store))


def idempotency_of(store: Store) -> Idempotency:
    return Idempotency(store, [b"a secret"], now=Clock())


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


def _changed(value: Versioned, **changes: Any) -> Versioned:
    return replace(value, **changes, version=value.version + 1)


def _is_among(value: Account | Post, expected: Versions) -> bool:
    return expected is None or value.version in expected


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


def _is_told(event: AuditEvent, wanted: AuditFilter) -> bool:
    return (
        wanted.actor in (None, event.actor_id)
        and wanted.target in (None, event.target_id)
        and wanted.action in (None, event.action)
        and (wanted.since is None or wanted.since <= event.id)
        and (wanted.until is None or event.id < wanted.until)
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
    if sort == "rank":
        return (NEVER, rank, post.id)
    keys: dict[str, Key] = {"title": _fold(post.title), "published_at": post.published_at or NEVER}
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
