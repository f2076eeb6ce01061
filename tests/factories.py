"""What tests put into a store, whichever it is, and look for in it."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from domain.posts import Post
from domain.users import Account, Actor, Client, Role
from service.ports import Store

HASH = "a hash"
NOBODY = UUID("0198c0de-0000-7000-8000-000000000000")  # an id that nobody has


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


async def stored(store: Store, user_id: UUID) -> Account | None:
    async with store.read() as work:
        return await work.users.get(user_id)


async def has_session(store: Store, account: Account, session_id: UUID) -> bool:
    async with store.read() as work:
        found = await work.sessions.sign_in(account.id, session_id)
    return found is not None and found.session_lives(datetime.now(UTC))
