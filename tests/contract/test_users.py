"""What every store promises about users."""

from dataclasses import replace
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from domain.errors import EmailTaken
from domain.pages import Slice
from domain.users import Account, Credentials
from service.fields import normal_email
from service.ports import Store
from tests.contract.test_user_lists import emails, find
from tests.factories import HASH, NOBODY, add_post, add_user, change_user

MOVING = {"updated_at", "version"}  # with every change


async def test_a_new_user_is_active_unverified_and_ordinary(store: Store) -> None:
    user_id = uuid7()
    async with store.write() as work:
        account = await work.users.add(user_id, "ada@example.com", "a hash")
    assert (account.id, account.email, account.role) == (user_id, "ada@example.com", "user")
    assert (account.first_name, account.last_name) == (None, None)
    assert (account.is_active, account.email_verified) == (True, False)
    assert account.created_at == account.updated_at
    assert account.created_at.utcoffset() is not None


async def test_a_user_is_stored_with_names_and_role(store: Store) -> None:
    added = await add_user(store, first_name="Ada", last_name="Lovelace", role="admin")
    async with store.read() as work:
        assert await work.users.get(added.id) == added
    assert (added.first_name, added.last_name, added.role) == ("Ada", "Lovelace", "admin")


async def test_nobody_is_found_under_an_unknown_id(store: Store, ada: Account) -> None:
    async with store.read() as work:
        assert await work.users.get(NOBODY) is None


@pytest.mark.parametrize("typed", ["ada@example.com", "ADA@EXAMPLE.COM", " Ada@Example.com "])
async def test_an_address_has_one_account_however_it_is_typed(store: Store, ada: Account, typed: str) -> None:
    with pytest.raises(EmailTaken):
        await add_user(store, normal_email(typed) or "")
    assert await emails(store) == ["ada@example.com"]


async def test_credentials_are_the_account_and_its_hash(store: Store, ada: Account) -> None:
    async with store.read() as work:
        found = await work.users.credentials("ada@example.com")
    assert found is not None
    assert (found.account, found.password_hash) == (ada, "a hash")


@pytest.mark.parametrize("email", ["bob@example.com", "ada@example", "ad_@example.com", ""])
async def test_no_credentials_are_found_for_another_address(store: Store, ada: Account, email: str) -> None:
    async with store.read() as work:
        assert await work.users.credentials(email) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"first_name": "Augusta"},
        {"last_name": "Byron"},
        {"first_name": None},
        {"last_name": None},
        {"email": "augusta@example.com"},
        {"role": "admin"},
        {"is_active": False},
        {"first_name": "Augusta", "last_name": None, "email": "a@example.com", "role": "admin", "is_active": False},
    ],
)
async def test_a_change_sets_the_named_fields_and_no_others(
    store: Store, ada: Account, bob: Account, changes: dict[str, Any]
) -> None:
    await change_user(store, ada.id, **changes)
    async with store.read() as work:
        stored = await work.users.get(ada.id)
        assert await work.users.get(bob.id) == bob
    fixed = {name: getattr(ada, name) for name in ada.__dataclass_fields__ if name not in {*changes, *MOVING}}
    assert stored
    assert {name: getattr(stored, name) for name in fixed} == fixed
    assert {name: getattr(stored, name) for name in changes} == changes


async def test_a_change_moves_updated_at_and_leaves_created_at(store: Store, ada: Account) -> None:
    changed = await change_user(store, ada.id, first_name="Ada")
    assert changed.updated_at > ada.updated_at
    assert changed.created_at == ada.created_at


async def test_a_change_to_an_address_that_is_taken_is_refused(store: Store, ada: Account, bob: Account) -> None:
    with pytest.raises(EmailTaken):
        await change_user(store, bob.id, email="ada@example.com", first_name="Robert")
    async with store.read() as work:
        assert await work.users.get(bob.id) == bob


async def test_a_user_may_be_given_the_address_it_has(store: Store, ada: Account) -> None:
    assert (await change_user(store, ada.id, email="ada@example.com")).email == "ada@example.com"


async def test_an_address_that_was_given_up_is_free_again(store: Store, ada: Account) -> None:
    await change_user(store, ada.id, email="augusta@example.com")
    await add_user(store, "ada@example.com")
    assert await emails(store) == ["augusta@example.com", "ada@example.com"]


@pytest.mark.parametrize("changes", [{"first_name": "No"}, {"email": "ada@example.com"}])
async def test_a_change_of_nobody_is_none(store: Store, ada: Account, changes: dict[str, Any]) -> None:
    async with store.write() as work:
        assert await work.users.change(NOBODY, changes) is None


async def test_a_new_password_replaces_the_hash_and_says_whose_it_was(store: Store, ada: Account) -> None:
    async with store.write() as work:
        assert await work.users.set_password("ada@example.com", "another hash") == ada.id
    async with store.read() as work:
        found = await work.users.credentials("ada@example.com")
    assert found is not None
    assert found.password_hash == "another hash"
    assert found.account.updated_at > ada.updated_at


async def test_credentials_are_found_by_id_whatever_the_address(store: Store, ada: Account, bob: Account) -> None:
    moved = await change_user(store, ada.id, email="augusta@example.com")
    async with store.read() as work:
        assert await work.users.credentials_of(ada.id) == Credentials(moved, HASH)
        assert await work.users.credentials_of(NOBODY) is None


async def test_a_new_password_leaves_other_users_alone(store: Store, ada: Account, bob: Account) -> None:
    async with store.write() as work:
        await work.users.set_password("ada@example.com", "another hash")
        found = await work.users.credentials("bob@example.com")
    assert found is not None
    assert (found.account, found.password_hash) == (bob, "a hash")


async def test_a_new_password_for_an_unknown_address_is_nobodys(store: Store, ada: Account) -> None:
    async with store.write() as work:
        assert await work.users.set_password("bob@example.com", "another hash") is None


async def test_a_removed_user_is_gone_and_cannot_be_removed_again(store: Store, ada: Account, bob: Account) -> None:
    async with store.write() as work:
        assert await work.users.remove(ada.id)
    async with store.write() as work:
        assert not await work.users.remove(ada.id)
        assert await work.users.get(ada.id) is None
    assert await emails(store) == ["bob@example.com"]


async def test_a_removed_user_takes_its_posts_along_and_nobody_elses(store: Store, ada: Account, bob: Account) -> None:
    post, draft = await add_post(store, ada.id), await add_post(store, ada.id, published=False)
    kept = await add_post(store, bob.id)
    async with store.write() as work:
        await work.users.remove(ada.id)
    async with store.read() as work:
        assert await work.posts.get(post.id) is None
        assert await work.posts.get(draft.id) is None
        assert await work.posts.get(kept.id) == kept


async def test_a_removed_users_address_is_free_again(store: Store, ada: Account) -> None:
    async with store.write() as work:
        await work.users.remove(ada.id)
    assert (await add_user(store, "ada@example.com")).id != ada.id


async def test_the_active_admins_are_neither_ordinary_nor_inactive(store: Store, ada: Account) -> None:
    first = await add_user(store, "first@example.com", role="admin")
    second = await add_user(store, "second@example.com", role="admin")
    await add_user(store, "retired@example.com", role="admin", is_active=False)
    async with store.write() as work:
        assert await work.users.lock_active_admins() == {first.id, second.id}


async def test_there_may_be_no_active_admin(store: Store, ada: Account) -> None:
    async with store.write() as work:
        assert await work.users.lock_active_admins() == set()


async def test_a_block_that_raises_leaves_nothing_behind(store: Store, ada: Account) -> None:
    async def fail() -> None:
        async with store.write() as work:
            await work.users.add(uuid7(), "bob@example.com", "a hash")
            await work.users.change(ada.id, {"first_name": "Augusta"})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await find(store) == Slice([ada], 1)


async def test_a_block_that_raises_brings_back_what_it_removed(store: Store, ada: Account) -> None:
    post = await add_post(store, ada.id)

    async def fail() -> None:
        async with store.write() as work:
            await work.users.remove(ada.id)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with store.read() as work:
        assert await work.users.get(ada.id) == ada
        assert await work.posts.get(post.id) == post


async def test_an_active_admin_is_spared_where_that_is_asked(store: Store) -> None:
    admin, user = await add_user(store, "root@example.com", role="admin"), await add_user(store)
    async with store.write() as work:
        assert await work.users.lock(admin.id, spare_admins=True) is None
        assert await work.users.lock(user.id, spare_admins=True) == user


async def test_a_renewed_hash_is_the_only_thing_that_changes(store: Store, ada: Account, bob: Account) -> None:
    async with store.write() as work:
        assert await work.users.renew_hash(Credentials(ada, HASH), "a newer hash")
    async with store.read() as work:
        assert await work.users.credentials("ada@example.com") == Credentials(ada, "a newer hash")
        assert await work.users.credentials("bob@example.com") == Credentials(bob, HASH)


async def test_a_hash_is_renewed_only_if_it_is_the_one_that_was_seen(store: Store, ada: Account) -> None:
    async with store.write() as work:
        assert not await work.users.renew_hash(Credentials(ada, "not the one"), "a newer hash")
        assert not await work.users.renew_hash(Credentials(replace(ada, id=NOBODY), HASH), "a newer hash")
        assert await work.users.credentials("ada@example.com") == Credentials(ada, HASH)


async def test_a_password_is_replaced_only_if_it_is_the_one_that_was_seen(store: Store) -> None:
    await add_user(store)
    async with store.write() as work:
        assert await work.users.set_password("ada@example.com", "new", seen="not the one") is None
        assert await work.users.set_password("ada@example.com", "new", seen=HASH) is not None
        assert await work.users.set_password("ada@example.com", "newer", seen=HASH) is None
