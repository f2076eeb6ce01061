"""The directory: who may see and make whom, and what the operator may."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from domain.errors import AdminRequired, DomainError, EmailTaken, NotYours, Unavailable, UserNotFound
from domain.users import Access, Actor, Client, User
from service.passwords import Passwords
from service.users import NewAccount, NewPassword, NewUser, UserListing, UserService
from tests.factories import NOBODY, add_user, has_session, stored
from tests.fakes.services import user_service
from tests.fakes.store import MemoryStore
from tests.support import PASSWORD

CLIENT = Client("192.0.2.1", "A browser", "a-request")
NEW = NewAccount(email="new@example.com", password=PASSWORD, first_name="New", last_name="Comer")


def new_user(email: str = "new@example.com", **more: Any) -> NewUser:
    return NewUser(email=email, password=PASSWORD, **more)


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


async def test_the_order_of_addresses_is_for_those_who_see_them(
    store: MemoryStore, passwords: Passwords, ada: Actor, admin: Actor
) -> None:
    users = user_service(store, passwords, Access(members_see_addresses=False))
    with pytest.raises(AdminRequired):
        await users.list(ada, UserListing(sort="email"))
    assert len((await users.list(admin, UserListing(sort="email"))).data) == 2
