"""What every store promises about sessions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from domain.auth import Session, SignIn
from domain.users import Account, Client, Credentials
from service.ports import Store
from tests.factories import NOBODY, change_user

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TOMORROW = NOW + timedelta(days=1)
CLIENT = Client("192.0.2.1", "A browser")


async def add(store: Store, seen: Credentials, client: Client = CLIENT, *, now: datetime = NOW) -> tuple[bool, UUID]:
    session_id = uuid7()
    async with store.write() as work:
        return await work.sessions.add(session_id, seen, now, TOMORROW, client), session_id


async def sign_in(store: Store, user_id: UUID, session_id: UUID) -> SignIn | None:
    async with store.read() as work:
        return await work.sessions.sign_in(user_id, session_id)


@pytest.fixture
def seen(ada: Account) -> Credentials:
    """What login read of Ada."""
    return Credentials(ada, "a hash")


@pytest.mark.parametrize("client", [CLIENT, Client("2001:db8::1", None), Client(None, None)])
async def test_a_session_stands_behind_its_users_sign_in(
    store: Store, ada: Account, seen: Credentials, client: Client
) -> None:
    made, session_id = await add(store, seen, client)
    assert made
    assert await sign_in(store, ada.id, session_id) == SignIn(ada, TOMORROW)


async def test_no_session_is_made_for_a_user_who_was_deactivated_meanwhile(
    store: Store, ada: Account, seen: Credentials
) -> None:
    inactive = await change_user(store, ada.id, is_active=False)
    made, session_id = await add(store, seen)
    assert not made
    assert await sign_in(store, ada.id, session_id) == SignIn(inactive, None)


async def test_no_session_is_made_with_a_password_that_was_changed_meanwhile(
    store: Store, ada: Account, seen: Credentials
) -> None:
    async with store.write() as work:
        await work.users.set_password("ada@example.com", "another hash")
    made, session_id = await add(store, seen)
    found = await sign_in(store, ada.id, session_id)
    assert not made
    assert found is not None
    assert found.session_expires_at is None


async def test_no_session_is_made_for_a_user_who_is_gone(store: Store, ada: Account, seen: Credentials) -> None:
    async with store.write() as work:
        await work.users.remove(ada.id)
    made, _ = await add(store, seen)
    assert not made


async def test_no_session_is_made_for_somebody_else_with_the_same_hash(
    store: Store, bob: Account, seen: Credentials
) -> None:
    made, session_id = await add(store, replace(seen, account=bob))
    assert made
    assert await sign_in(store, seen.account.id, session_id) == SignIn(seen.account, None)


async def test_nobody_is_behind_the_sign_in_of_an_unknown_user(store: Store, seen: Credentials) -> None:
    _, session_id = await add(store, seen)
    assert await sign_in(store, NOBODY, session_id) is None


async def test_an_unknown_session_does_not_live(store: Store, ada: Account) -> None:
    assert await sign_in(store, ada.id, NOBODY) == SignIn(ada, None)


@pytest.mark.parametrize(("late", "lives"), [(-1, True), (0, False), (86400, False)])
def test_a_session_lives_until_it_expires(ada: Account, late: int, lives: bool) -> None:
    assert SignIn(ada, TOMORROW).session_lives(TOMORROW + timedelta(seconds=late)) == lives
    assert not SignIn(ada, None).session_lives(NOW)


async def test_a_sign_in_shows_the_user_as_it_is_now(store: Store, ada: Account, seen: Credentials) -> None:
    _, session_id = await add(store, seen)
    changed = await change_user(store, ada.id, role="admin", is_active=False)
    assert await sign_in(store, ada.id, session_id) == SignIn(changed, TOMORROW)


async def test_all_sessions_of_one_user_end_and_nobody_elses(
    store: Store, ada: Account, bob: Account, seen: Credentials
) -> None:
    (_, first), (_, second) = await add(store, seen), await add(store, seen)
    _, bobs = await add(store, replace(seen, account=bob))
    async with store.write() as work:
        await work.sessions.end_all(ada.id)
    assert await sign_in(store, ada.id, first) == SignIn(ada, None)
    assert await sign_in(store, ada.id, second) == SignIn(ada, None)
    assert await sign_in(store, bob.id, bobs) == SignIn(bob, TOMORROW)


async def test_a_removed_users_sessions_go_with_it(store: Store, ada: Account, seen: Credentials) -> None:
    _, session_id = await add(store, seen)
    async with store.write() as work:
        await work.users.remove(ada.id)
        again = await work.users.add(ada.id, "ada@example.com", "a hash")
    assert await sign_in(store, ada.id, session_id) == SignIn(again, None)


async def test_a_block_that_raises_opens_and_ends_no_session(store: Store, ada: Account, seen: Credentials) -> None:
    (_, kept), undone = await add(store, seen), uuid7()

    async def fail() -> None:
        async with store.write() as work:
            await work.sessions.end_all(ada.id)
            await work.sessions.add(undone, seen, NOW, TOMORROW, CLIENT)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await sign_in(store, ada.id, kept) == SignIn(ada, TOMORROW)
    assert await sign_in(store, ada.id, undone) == SignIn(ada, None)


async def test_a_locked_session_comes_whole_and_with_its_user(store: Store, ada: Account, seen: Credentials) -> None:
    _, session_id = await add(store, seen)
    async with store.write() as work:
        found = await work.sessions.locked(session_id)
        unknown = await work.sessions.locked(NOBODY)
    session = Session(session_id, ada.id, NOW, NOW, TOMORROW, 0, CLIENT.ip, CLIENT.user_agent)
    assert (found, unknown) == ((session, ada), None)


async def test_a_refresh_is_counted_and_dated(store: Store, seen: Credentials) -> None:
    _, session_id = await add(store, seen)
    later = NOW + timedelta(hours=1)
    async with store.write() as work:
        await work.sessions.refreshed(session_id, later)
        found = await work.sessions.locked(session_id)
    assert found
    assert (found[0].refresh_count, found[0].last_used_at, found[0].created_at) == (1, later, NOW)


async def test_a_users_sessions_come_last_used_first(store: Store, ada: Account, seen: Credentials) -> None:
    made = [(await add(store, seen, now=NOW + timedelta(minutes=number)))[1] for number in range(3)]
    async with store.write() as work:
        await work.sessions.refreshed(made[0], NOW + timedelta(minutes=9))
        assert [session.id for session in await work.sessions.of(ada.id)] == [made[0], made[2], made[1]]
        assert await work.sessions.of(NOBODY) == []


async def test_only_the_last_used_are_kept(store: Store, ada: Account, seen: Credentials) -> None:
    made = [(await add(store, seen, now=NOW + timedelta(minutes=number)))[1] for number in range(4)]
    async with store.write() as work:
        await work.sessions.keep_newest(ada.id, 2)
        assert [session.id for session in await work.sessions.of(ada.id)] == [made[3], made[2]]


async def test_a_session_is_ended_by_its_own_user_alone_and_once(store: Store, ada: Account, seen: Credentials) -> None:
    _, session_id = await add(store, seen)
    async with store.write() as work:
        ended = [await work.sessions.end(user_id, session_id) for user_id in (NOBODY, ada.id, ada.id)]
    assert ended == [False, True, False]


async def test_all_sessions_but_one_can_be_ended(store: Store, ada: Account, seen: Credentials) -> None:
    made = [(await add(store, seen))[1] for _ in range(3)]
    async with store.write() as work:
        await work.sessions.end_all(ada.id, but=made[1])
        assert [session.id for session in await work.sessions.of(ada.id)] == [made[1]]


async def test_sessions_that_nobody_used_for_long_are_purged_in_batches(
    store: Store, ada: Account, seen: Credentials
) -> None:
    made = [(await add(store, seen, now=NOW + timedelta(days=number)))[1] for number in range(4)]
    purged = []
    for _ in range(3):
        async with store.write() as work:
            purged.append(await work.sessions.purge(NOW + timedelta(days=3), 2))
    async with store.read() as work:
        assert [session.id for session in await work.sessions.of(ada.id)] == [made[3]]
    assert purged == [2, 1, 0]
