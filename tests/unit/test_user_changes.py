"""Who may change and remove whom."""

from typing import Any
from uuid import UUID

import pytest

from domain.errors import AdminRequired, EmailTaken, LastAdmin, NotYours, UserNotFound
from domain.users import Actor
from service.users import UserChanges, UserService
from tests.factories import NOBODY, add_post, add_user, change_user, has_session, signed_in, stored
from tests.fakes.store import MemoryStore


async def test_users_change_their_own_names(users: UserService, store: MemoryStore, ada: Actor) -> None:
    changed = await users.change(ada, ada.id, UserChanges(first_name="Augusta", last_name=None))
    assert (changed.first_name, changed.last_name) == ("Augusta", None)
    assert await stored(store, ada.id) == changed


async def test_a_name_that_is_not_sent_stays(users: UserService, ada: Actor) -> None:
    changed = await users.change(ada, ada.id, UserChanges(first_name=None))
    assert (changed.first_name, changed.last_name) == (None, "Lovelace")


async def test_an_admin_changes_everything_of_anybody(users: UserService, admin: Actor, ada: Actor) -> None:
    changes = UserChanges(first_name="A", last_name="B", email="C@example.com", role="admin", is_active=False)
    changed = await users.change(admin, ada.id, changes)
    assert (changed.first_name, changed.last_name, changed.email) == ("A", "B", "c@example.com")
    assert (changed.role, changed.is_active) == ("admin", False)


@pytest.mark.parametrize(
    "changes", [{"email": "new@example.com"}, {"role": "admin"}, {"role": "user"}, {"is_active": True}]
)
@pytest.mark.parametrize("harmless", [{}, {"first_name": "Augusta"}])
async def test_users_change_nothing_of_themselves_but_their_names(
    users: UserService, store: MemoryStore, ada: Actor, changes: dict[str, Any], harmless: dict[str, Any]
) -> None:
    with pytest.raises(NotYours):
        await users.change(ada, ada.id, UserChanges(**changes, **harmless))
    assert await stored(store, ada.id) == ada.account


@pytest.mark.parametrize("changes", [{}, {"first_name": "Robert"}, {"is_active": False}])
async def test_users_change_nobody_else_whether_or_not_they_exist(
    users: UserService, store: MemoryStore, ada: Actor, bob: Actor, changes: dict[str, Any]
) -> None:
    for user_id in (bob.id, NOBODY):
        with pytest.raises(NotYours):
            await users.change(ada, user_id, UserChanges(**changes))
    assert await stored(store, bob.id) == bob.account


async def test_an_empty_change_changes_nothing(users: UserService, store: MemoryStore, ada: Actor) -> None:
    assert await users.change(ada, ada.id, UserChanges()) == ada.account
    assert await stored(store, ada.id) == ada.account


async def test_a_change_is_seen_in_updated_at(users: UserService, ada: Actor) -> None:
    assert (await users.change(ada, ada.id, UserChanges(first_name="Ada"))).updated_at > ada.account.updated_at


@pytest.mark.parametrize("changes", [{}, {"first_name": "No"}, {"is_active": False}, {"email": "ada@example.com"}])
async def test_an_admin_cannot_change_nobody(
    users: UserService, admin: Actor, ada: Actor, changes: dict[str, Any]
) -> None:
    with pytest.raises(UserNotFound):
        await users.change(admin, NOBODY, UserChanges(**changes))


async def test_an_admin_cannot_give_away_a_taken_address(
    users: UserService, store: MemoryStore, admin: Actor, ada: Actor, session_id: UUID
) -> None:
    with pytest.raises(EmailTaken):
        await users.change(admin, ada.id, UserChanges(email="ROOT@example.com", is_active=False))
    assert await stored(store, ada.id) == ada.account
    assert await has_session(store, ada.account, session_id)


async def test_deactivating_a_user_ends_its_sessions(
    users: UserService, store: MemoryStore, admin: Actor, ada: Actor, session_id: UUID
) -> None:
    await users.change(admin, ada.id, UserChanges(is_active=False))
    await users.change(admin, ada.id, UserChanges(is_active=True))
    assert not await has_session(store, ada.account, session_id)


@pytest.mark.parametrize("changes", [{"first_name": "Augusta"}, {"is_active": True}, {"role": "admin"}])
async def test_other_changes_end_no_session(
    users: UserService, store: MemoryStore, admin: Actor, ada: Actor, session_id: UUID, changes: dict[str, Any]
) -> None:
    await users.change(admin, ada.id, UserChanges(**changes))
    assert await has_session(store, ada.account, session_id)


@pytest.mark.parametrize("changes", [{"role": "user"}, {"is_active": False}, {"role": "user", "first_name": "R"}])
async def test_the_last_active_admin_is_neither_demoted_nor_deactivated(
    users: UserService, store: MemoryStore, admin: Actor, changes: dict[str, Any]
) -> None:
    await add_user(store, "retired@example.com", role="admin", is_active=False)
    with pytest.raises(LastAdmin):
        await users.change(admin, admin.id, UserChanges(**changes))
    assert await stored(store, admin.id) == admin.account


@pytest.mark.parametrize(
    "changes", [{"role": "admin"}, {"is_active": True}, {"first_name": "R", "email": "r@example.com"}]
)
async def test_the_last_active_admin_may_change_in_other_ways(
    users: UserService, admin: Actor, changes: dict[str, Any]
) -> None:
    changed = await users.change(admin, admin.id, UserChanges(**changes))
    assert (changed.role, changed.is_active) == ("admin", True)


@pytest.mark.parametrize("changes", [{"role": "user"}, {"is_active": False}])
async def test_an_admin_beside_another_is_demoted_and_deactivated(
    users: UserService, store: MemoryStore, admin: Actor, changes: dict[str, Any]
) -> None:
    await add_user(store, "second@example.com", role="admin")
    changed = await users.change(admin, admin.id, UserChanges(**changes))
    assert {name: getattr(changed, name) for name in changes} == changes


@pytest.mark.parametrize("changes", [{"role": "user"}, {"is_active": False}])
async def test_those_who_are_no_active_admins_can_always_be_demoted_and_deactivated(
    users: UserService, store: MemoryStore, admin: Actor, ada: Actor, changes: dict[str, Any]
) -> None:
    retired = await add_user(store, "retired@example.com", role="admin", is_active=False)
    for user_id in (ada.id, retired.id):
        changed = await users.change(admin, user_id, UserChanges(**changes))
        assert {name: getattr(changed, name) for name in changes} == changes


async def test_an_admin_removes_a_user_with_posts_and_sessions(
    users: UserService, store: MemoryStore, admin: Actor, ada: Actor, session_id: UUID
) -> None:
    post = await add_post(store, ada.id)
    await users.remove(admin, ada.id)
    assert await stored(store, ada.id) is None
    assert not await has_session(store, ada.account, session_id)
    async with store.read() as work:
        assert await work.posts.get(post.id) is None


async def test_an_admin_cannot_remove_nobody(users: UserService, admin: Actor) -> None:
    with pytest.raises(UserNotFound):
        await users.remove(admin, NOBODY)


async def test_only_admins_remove_users_not_even_themselves(
    users: UserService, store: MemoryStore, ada: Actor, bob: Actor
) -> None:
    for user_id in (ada.id, bob.id, NOBODY):
        with pytest.raises(AdminRequired):
            await users.remove(ada, user_id)
    assert await stored(store, ada.id) == ada.account
    assert await stored(store, bob.id) == bob.account


async def test_the_last_active_admin_is_not_removed(users: UserService, store: MemoryStore, admin: Actor) -> None:
    retired = await add_user(store, "retired@example.com", role="admin", is_active=False)
    with pytest.raises(LastAdmin):
        await users.remove(admin, admin.id)
    await users.remove(admin, retired.id)
    assert await stored(store, admin.id) == admin.account


async def test_of_two_admins_one_can_be_removed_and_not_the_other(
    users: UserService, store: MemoryStore, admin: Actor
) -> None:
    second = signed_in(await add_user(store, "second@example.com", role="admin"))
    await users.remove(second, admin.id)
    with pytest.raises(LastAdmin):
        await users.remove(second, second.id)


async def test_a_user_deactivated_in_part_of_a_refused_change_stays_active(
    users: UserService, store: MemoryStore, admin: Actor, ada: Actor
) -> None:
    await change_user(store, ada.id, role="admin")
    with pytest.raises(EmailTaken):
        await users.change(admin, admin.id, UserChanges(role="user", email="ada@example.com"))
    assert await stored(store, admin.id) == admin.account
