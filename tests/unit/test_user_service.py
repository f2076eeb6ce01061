"""The directory: who may see, make, change and remove whom."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from domain.errors import AdminRequired, DomainError, EmailTaken, LastAdmin, NotYours, Unavailable, UserNotFound
from domain.users import Access, Account, Actor, Client, Credentials, User
from service.passwords import Passwords
from service.users import NewAccount, NewPassword, NewUser, UserChanges, UserListing, UserService
from tests.factories import HASH, NOBODY, add_post, add_user, change_user, signed_in
from tests.fakes.services import user_service
from tests.fakes.store import MemoryStore
from tests.support import PASSWORD

CLIENT = Client("192.0.2.1", "A browser", "a-request")
NEW = NewAccount(email="new@example.com", password=PASSWORD, first_name="New", last_name="Comer")


def new_user(email: str = "new@example.com", **more: Any) -> NewUser:
    return NewUser(email=email, password=PASSWORD, **more)


async def stored(store: MemoryStore, user_id: UUID) -> Account | None:
    async with store.read() as work:
        return await work.users.get(user_id)


async def has_session(store: MemoryStore, account: Account, session_id: UUID) -> bool:
    async with store.read() as work:
        found = await work.sessions.sign_in(account.id, session_id)
    return found is not None and found.session_lives(datetime.now(UTC))


@pytest.fixture
async def session_id(store: MemoryStore, ada: Actor) -> UUID:
    """A session of Ada's."""
    made, now = uuid7(), datetime.now(UTC)
    async with store.write() as work:
        assert await work.sessions.add(
            made, Credentials(ada.account, HASH), now, now + timedelta(days=1), Client(None, None)
        )
    return made


async def test_registering_makes_an_ordinary_active_user(users: UserService, store: MemoryStore) -> None:
    account = await users.register(NEW, CLIENT)
    assert await stored(store, account.id) == account
    assert (account.email, account.first_name, account.last_name) == ("new@example.com", "New", "Comer")
    assert (account.role, account.is_active, account.email_verified) == ("user", True, False)


async def test_a_registered_users_password_is_stored_as_a_hash_of_it(
    users: UserService, store: MemoryStore, passwords: Passwords
) -> None:
    await users.register(NEW, CLIENT)
    async with store.read() as work:
        found = await work.users.credentials("new@example.com")
    assert found is not None
    assert PASSWORD not in found.password_hash
    assert await passwords.matches(found.password_hash, PASSWORD)


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@Example.COM", " ada@example.com "])
async def test_nobody_registers_a_taken_address(users: UserService, ada: Actor, email: str) -> None:
    with pytest.raises(EmailTaken):
        await users.register(NewAccount(email=email, password=PASSWORD), CLIENT)


async def test_ids_are_made_in_the_order_of_registration(users: UserService) -> None:
    newcomers = [NewAccount(email=f"{name}@example.com", password=PASSWORD) for name in "abcdef"]
    made = [await users.register(new, CLIENT) for new in newcomers]
    assert sorted(made, key=lambda account: account.id) == made
    assert {account.id.version for account in made} == {7}


async def test_nothing_is_stored_where_the_password_cannot_be_hashed(
    store: MemoryStore,
) -> None:
    full = Passwords(memory_kib=8, passes=1, queue_length=-1)  # no place for anybody
    with pytest.raises(Unavailable):
        await user_service(store, full).register(NEW, CLIENT)
    async with store.read() as work:
        assert await work.users.credentials("new@example.com") is None
    full.close()


@pytest.mark.parametrize("role", ["user", "admin"])
async def test_an_admin_makes_users_of_either_role(users: UserService, admin: Actor, role: str) -> None:
    account = await users.create(admin, new_user(role=role, first_name="New"))
    assert (account.role, account.first_name, account.last_name) == (role, "New", None)


async def test_an_admin_makes_ordinary_users_unless_a_role_is_named(users: UserService, admin: Actor) -> None:
    assert (await users.create(admin, new_user())).role == "user"


async def test_an_admin_cannot_make_a_user_with_a_taken_address(users: UserService, admin: Actor, ada: Actor) -> None:
    with pytest.raises(EmailTaken):
        await users.create(admin, new_user("ADA@example.com"))


@pytest.mark.parametrize("email", ["new@example.com", "ada@example.com"])
async def test_only_admins_make_users_whether_or_not_the_address_is_free(
    users: UserService, store: MemoryStore, ada: Actor, email: str
) -> None:
    with pytest.raises(AdminRequired):
        await users.create(ada, new_user(email))
    async with store.read() as work:
        assert await work.users.credentials("new@example.com") is None


async def test_a_user_sees_itself_in_full_and_others_in_part(users: UserService, ada: Actor, bob: Actor) -> None:
    assert await users.get(ada, ada.id) == ada.account
    assert await users.get(ada, bob.id) == bob.account.public
    assert type(await users.get(ada, bob.id)) is User


async def test_an_admin_sees_everybody_in_full(users: UserService, admin: Actor, ada: Actor) -> None:
    assert await users.get(admin, ada.id) == ada.account


async def test_there_is_nobody_under_an_unknown_id(users: UserService, ada: Actor) -> None:
    with pytest.raises(UserNotFound):
        await users.get(ada, NOBODY)


async def test_the_directory_shows_oneself_in_full_and_others_in_part(
    users: UserService, ada: Actor, bob: Actor
) -> None:
    assert (await users.list(bob, UserListing())).data == [ada.account.public, bob.account]


async def test_the_directory_shows_inactive_users_to_admins_only(
    users: UserService, store: MemoryStore, admin: Actor, ada: Actor
) -> None:
    gone = await add_user(store, "gone@example.com", is_active=False)
    seen_by_admin = await users.list(admin, UserListing())
    assert seen_by_admin.data == [admin.account, ada.account, gone]
    assert seen_by_admin.pagination.total == 3
    seen_by_ada = await users.list(ada, UserListing())
    assert seen_by_ada.data == [admin.account.public, ada.account]
    assert seen_by_ada.pagination.total == 2
    assert (await users.list(ada, UserListing(q="gone"))).data == []


async def test_the_directory_is_searched_and_cut_into_pages(users: UserService, ada: Actor, bob: Actor) -> None:
    page = await users.list(ada, UserListing(q="EXAMPLE", page=2, limit=1))
    assert page.data == [bob.account.public]
    assert (page.pagination.page, page.pagination.total, page.pagination.pages) == (2, 2, 2)
    assert (await users.list(ada, UserListing(q="lovelace"))).data == [ada.account]


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


async def test_the_operator_makes_an_admin(users: UserService) -> None:
    account = await users.add_admin(NewPassword(email="root@example.com", password=PASSWORD))
    assert (account.email, account.role, account.is_active) == ("root@example.com", "admin", True)
    assert (account.first_name, account.last_name) == (None, None)


async def test_the_operator_cannot_make_an_admin_of_a_taken_address(
    users: UserService, store: MemoryStore, ada: Actor
) -> None:
    with pytest.raises(EmailTaken):
        await users.add_admin(NewPassword(email="Ada@example.com", password=PASSWORD))
    assert await stored(store, ada.id) == ada.account


async def test_the_operator_sets_a_password_and_ends_the_sessions_before_it(
    users: UserService, store: MemoryStore, passwords: Passwords, ada: Actor, session_id: UUID
) -> None:
    await users.set_password(NewPassword(email="Ada@example.com", password="another fine password"))
    async with store.read() as work:
        found = await work.users.credentials("ada@example.com")
    assert found is not None
    assert await passwords.matches(found.password_hash, "another fine password")
    assert not await has_session(store, ada.account, session_id)


async def test_the_operator_cannot_set_a_password_for_nobody(users: UserService, ada: Actor) -> None:
    with pytest.raises(UserNotFound):
        await users.set_password(NewPassword(email="bob@example.com", password=PASSWORD))


@pytest.mark.parametrize(
    ("refusal", "code", "message"),
    [
        (AdminRequired, "admin_required", "Admin access required"),
        (NotYours, "forbidden", "Unauthorized"),
        (UserNotFound, "user_not_found", "User not found"),
        (EmailTaken, "email_taken", "Email already exists"),
    ],
)
def test_refusals_speak_the_sentences_of_the_contract(
    refusal: Callable[[], DomainError], code: str, message: str
) -> None:
    error = refusal()
    assert (error.code, error.message, str(error)) == (code, message, message)


async def test_a_user_deactivated_in_part_of_a_refused_change_stays_active(
    users: UserService, store: MemoryStore, admin: Actor, ada: Actor
) -> None:
    await change_user(store, ada.id, role="admin")
    with pytest.raises(EmailTaken):
        await users.change(admin, admin.id, UserChanges(role="user", email="ada@example.com"))
    assert await stored(store, admin.id) == admin.account


async def test_the_order_of_addresses_is_for_those_who_see_them(
    store: MemoryStore, passwords: Passwords, ada: Actor, admin: Actor
) -> None:
    users = user_service(store, passwords, Access(members_see_addresses=False))
    with pytest.raises(AdminRequired):
        await users.list(ada, UserListing(sort="email"))
    assert len((await users.list(admin, UserListing(sort="email"))).data) == 2
